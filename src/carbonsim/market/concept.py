"""What every equilibrium concept declares: how it clears a problem that the engines clear piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from carbonsim.registry import Registry

if TYPE_CHECKING:
    from carbonsim.market.clear import Engine, Market
    from carbonsim.market.problem import MarketProblem

concepts: Registry[type[Concept]] = Registry("concept", "carbonsim.market.concepts")


class Concept:
    """Base of the concepts: who foresees what, and who takes what as given.

    A concept is a frozen dataclass of its own settings. It clears a problem by calling ``carbonsim.market.clear``
    without a concept on problems it makes from it, and publishes one market for all of them.
    """

    __slots__ = ()

    def clear(self, problem: MarketProblem, engine: Engine, progress: Callable[[str, float], None] | None) -> Market:
        """The market of a problem under this concept, with the certificate of the whole."""
        raise NotImplementedError


def name_of(concept: Concept) -> str:
    """The name under which a concept is registered, as problem files give it; else that of its class."""
    found = (name for name in concepts if concepts.get(name).target is type(concept))
    return next(found, type(concept).__name__)
