"""What every kind of problem file declares: how it is read, cleared, answered and shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from carbonsim.errors import InputError
from carbonsim.market.faults import Fault
from carbonsim.registry import Registry

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Certificate
    from carbonsim.market.concept import Concept

Progress = Callable[[str, float], None]
Columns = Mapping[str, Any]  # the key of a column (its label and unit are the report's affair) to its values

problem_kinds: Registry[type[ProblemKind]] = Registry("kind of problem", "carbonsim.market.problem_kinds")


def columns_over(data: xr.Dataset, dims: tuple[str, ...], names: Sequence[str]) -> Columns:
    """Variables over one or two dimensions as columns, with a column of labels for each dimension, in that order."""
    sizes = [data.sizes[dim] for dim in dims]
    places = np.indices(sizes).reshape(len(dims), -1)
    labels = {dim: data[dim].values[place] for dim, place in zip(dims, places, strict=True)}
    return labels | {name: data[name].transpose(*dims).values.ravel() for name in names}


class Cleared(Protocol):
    """What clearing gives, whatever the kind: published numbers and the certificate that proves them."""

    @property
    def dataset(self) -> xr.Dataset:
        """Every published number."""

    @property
    def certificate(self) -> Certificate:
        """Why the numbers can be trusted."""


class ProblemKind:
    """Base of the kinds; ``kind: NAME`` in a problem file chooses the registered one, ``market`` if none is given.

    A kind has to say how a problem is read from plain numbers, how it is cleared, and which tables show it. It may
    also find faults by the path of their key, so that each is reported with its line.
    """

    __slots__ = ()

    has_concepts = False
    has_engines = False

    def read(self, mapping: Mapping[str, object]) -> Any:
        """The problem, from the keys of the file that are not about the file itself."""
        raise NotImplementedError

    def clear(self, problem: Any, *, engine: str, concept: Concept | None, progress: Progress | None) -> Any:
        """The problem's answer with its certificate; a ``Cleared``."""
        raise NotImplementedError

    def tables(self, problem: Any, cleared: Any) -> Mapping[str, Columns]:
        """Tables by name, in the order in which they are printed and under which they are saved."""
        raise NotImplementedError

    def faults(self, mapping: Mapping[str, object]) -> list[Fault]:
        """Everything that is wrong with the mapping; none if it can be read."""
        try:
            self.read(mapping)
        except InputError as problem:
            return [Fault((), issue.message, issue.message_zh, issue.hint, issue.hint_zh) for issue in problem.issues]
        return []

    def answers(self, problem: Any, cleared: Any) -> xr.Dataset:
        """Every number that a file may state as expected: what is published, and what follows from it."""
        dataset: xr.Dataset = cleared.dataset
        return dataset

    def remarks(self, problem: Any, cleared: Any) -> list[tuple[str, str]]:
        """Sentences on how the answer was found and what it means, in English and Chinese."""
        return []
