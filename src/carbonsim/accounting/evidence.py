"""What an array of values rests on: the weakest basis of a chain is the basis of its product."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carbonsim.inputs.parameters import BASES

Texts = NDArray[np.str_]
# From strong to weak; an empty text says that there is nothing to weigh.
_ORDER = pd.Index(["", *BASES])


def weakest(first: Texts, *others: Texts) -> Texts:
    """Elementwise weakest of several arrays of bases; an empty text counts for nothing.

    >>> weakest(np.array(["law", ""]), np.array(["assumption", "statistic"])).tolist()
    ['assumption', 'statistic']
    """
    if not others:
        return first
    ranks = _ranks(first)
    for other in others:
        ranks = np.maximum(ranks, _ranks(other))
    return np.asarray(_ORDER, dtype=str)[ranks]


def _ranks(bases: Texts) -> NDArray[np.intp]:
    codes, known = pd.factorize(np.asarray(bases).ravel())
    ranks = _ORDER.get_indexer(pd.Index(known))
    if (ranks < 0).any():
        raise ValueError(f"no basis: {sorted(set(np.asarray(known)[ranks < 0].tolist()))}")
    return np.asarray(ranks[codes].reshape(np.shape(bases)), dtype=np.intp)
