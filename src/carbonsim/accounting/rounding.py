"""The rounding of the law, for the ledger only."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Binary noise of a decimal amount: far below half a unit in the last place that any guideline keeps.
_NOISE_PLACES = 6


def round_half_up(values: ArrayLike, places: int) -> NDArray[np.float64]:
    """Amounts rounded the way the guidelines say (四舍五入): a five in the next place goes away from zero.

    >>> round_half_up([2.345, -2.345, 2.5], 2).tolist(), float(round_half_up(2.5, 0))
    ([2.35, -2.35, 2.5], 3.0)
    """
    amounts = np.asarray(values, dtype=float)
    scaled = np.round(np.abs(amounts) * 10**places, _NOISE_PLACES)
    return np.asarray(np.sign(amounts) * np.floor(scaled + 1 / 2) / 10**places)
