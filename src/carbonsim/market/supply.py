"""What every market instrument declares: its yearly arrays, its supply step and how it enters the programme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carbonsim.inputs.parameters import ParameterSet
from carbonsim.registry import Registry

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem
    from carbonsim.market.programme import Frame

Array = NDArray[np.float64]
StepKind = Literal["floor", "reserve_tier", "ceiling", "penalty", "offset"]
EngineName = Literal["programme", "price_search", "best_response"]

instruments: Registry[type[Instrument]] = Registry("instrument", "carbonsim.market.instruments")


@dataclass(frozen=True, slots=True, eq=False)
class MarketSetting:
    """What an instrument may need to know of the market it is made for.

    Parameters
    ----------
    years : tuple of int
    auctioned : array [allowance] (year)
        Allowances that the rules sell instead of giving.
    least_obligation, most_obligation : array [tCO2e] (year)
        Obligations that remain with all abatement, and those before any.
    part : float [1]
        Share that this market is of the one whose quantities the parameters give: 1, or less for a city pilot.
    """

    years: tuple[int, ...]
    auctioned: Array
    least_obligation: Array
    most_obligation: Array
    part: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class SupplyStep:
    """A quantity offered at a price in each year.

    Parameters
    ----------
    name : str
        Label of the step, unique in a problem.
    kind : {"floor", "reserve_tier", "ceiling", "penalty", "offset"}
        What the step is. Floors, tiers and ceilings sell allowances; offsets and penalties stand in for them.
    price : array [CNY/tCO2e] (year)
        NaN where the step does not exist.
    quantity : array [tCO2e] (year)
        Not negative, ``inf`` if unlimited; 0 where the step does not exist.
    obligation_share : array [1] (year), optional
        If given, each enterprise may use at most this share of its own obligation; ``quantity`` is then ``inf``.
    owed_next : array [allowance/tCO2e] (year), optional
        Allowances owed in the next year for each tonne of use; 0 in the last year.
    """

    name: str
    kind: StepKind
    price: Array
    quantity: Array
    obligation_share: Array | None = None
    owed_next: Array | None = None

    def exists(self) -> NDArray[np.bool_]:
        """Years in which the step offers something."""
        offered = self.quantity > 0
        if self.obligation_share is not None:
            offered = offered & (self.obligation_share > 0)
        return offered & ~np.isnan(self.price)


class Instrument:
    """Base of the instruments: an instrument adds rows and columns to the programme, and may be a supply step."""

    __slots__ = ()

    @property
    def label(self) -> str:
        """Name under which the rows, columns and steps of the instrument appear."""
        raise NotImplementedError

    def yearly(self) -> dict[str, Array]:
        """The instrument's arrays over years, for validation; each has length 1 or the number of years."""
        return {}

    def problems(self, years: Sequence[int]) -> list[str]:
        """What is wrong with the instrument in a market over ``years``, one sentence each."""
        return check_yearly(self.label, self.yearly(), len(years))

    def supply_step(self, years: int) -> SupplyStep | None:
        """The step that the instrument adds to supply over that many years, or None if it is no supply step."""
        return None

    def refused_by(self, engine: EngineName) -> str:
        """Why an engine cannot hold the instrument, as a clause after its label; "" if it can."""
        return ""

    @property
    def by_enterprise(self) -> bool:
        """Whether the instrument needs a balance for each enterprise, not for the market alone."""
        return False

    def add_to(self, frame: Frame) -> None:
        """Add the instrument's columns and rows to the programme."""
        raise NotImplementedError

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """Lines of the certificate on what only this instrument publishes; nothing is shared with ``add_to``."""
        return ()

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """The instruments that a study means when it lists this one, from its dated parameters."""
        raise NotImplementedError


def as_array(value: ArrayLike) -> Array:
    """A number or a sequence as a one-dimensional read-only array.

    >>> as_array(3)
    array([3.])
    """
    array = np.array(value, dtype=float).reshape(-1)
    array.setflags(write=False)
    return array


def over_years(array: Array, years: int) -> Array:
    """The array with one value a year; a single value holds in every year."""
    return np.broadcast_to(array, (years,)) if len(array) == 1 else array


def check_yearly(label: str, arrays: dict[str, Array], years: int) -> list[str]:
    """Sentences on arrays whose length is wrong or whose values are negative, infinite prices included."""
    found = []
    for name, array in arrays.items():
        if len(array) not in (1, years):
            found.append(f"{label}.{name} has {len(array)} values; expected 1 or one for each of the {years} years.")
        if np.any(array < 0):
            found.append(f"{label}.{name} holds {array.min():g}; expected numbers that are not negative.")
        if name == "price" and np.any(np.isinf(array)):
            found.append(f"{label}.price is infinite; leave a year without the step as NaN.")
        if name != "price" and np.any(np.isnan(array)):
            found.append(f"{label}.{name} holds NaN; write 0 for a year without the step.")
    return found


def check_exists(step: SupplyStep) -> list[str]:
    """A sentence if the step offers nothing in any year."""
    if bool(step.exists().any()):
        return []
    return [f"{step.name} is declared but offers nothing in any year; give it a quantity and a price, or leave it out."]


def from_start(parameters: ParameterSet, path: str, years: Sequence[int], *labels: str) -> Array:
    """A parameter over years, NaN before its first value; beyond its validity it is an error as ever."""
    first = min(dated.applies_from for dated in parameters.get(path).values[labels])
    return np.array([parameters.value(path, year, *labels) if year >= first else np.nan for year in years])
