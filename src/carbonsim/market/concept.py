"""What every equilibrium concept declares: how it clears a problem that the engines clear piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from carbonsim.errors import InputError
from carbonsim.market.faults import Fault, raise_faults, unknown_name
from carbonsim.market.plugin_arguments import argument_faults, make
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


def concept_of(given: Concept | str | Mapping[str, object], years: Sequence[int]) -> Concept:
    """The concept that is given: one already made, a name, or a name as ``kind`` with its settings.

    Raises
    ------
    InputError
        With every fault of the name and the settings.

    Examples
    --------
    >>> concept_of({"kind": "rolling_horizon", "window": 2}, [2025, 2026]).window
    2
    """
    if isinstance(given, Concept):
        return given
    concept, _, faults = read_concept(given, years)
    raise_faults(faults, "clear")
    return cast(Concept, concept)


def read_concept(value: object, years: Sequence[int]) -> tuple[Concept | None, str, list[Fault]]:
    """A concept from its name or its settings, the name, and every fault; None where there is a fault."""
    record = dict(value) if isinstance(value, Mapping) else {"kind": value}
    name = str(record.pop("kind", ""))
    path = ("concept", "kind") if isinstance(value, Mapping) else ("concept",)
    if name not in concepts:
        return None, "", [unknown_name(path, name, tuple(concepts), ("concept", "均衡概念"))]
    target = concepts.get(name).target
    settings = {str(key): setting for key, setting in record.items()}
    faults = argument_faults(("concept",), target, settings, years)
    if faults:
        return None, name, faults
    try:
        return cast(Concept, make(("concept",), target, settings, years)), name, []
    except InputError as problem:
        return None, name, [Fault(("concept",), one.message, one.message_zh, one.hint, one.hint_zh)
                            for one in problem.issues]  # fmt: skip
