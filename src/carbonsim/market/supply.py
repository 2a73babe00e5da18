"""What every market instrument declares: its yearly arrays, its supply step and how it enters the programme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carbonsim.errors import InputError, Said
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.registry import Registry

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem
    from carbonsim.market.programme import Frame

Array = NDArray[np.float64]
StepKind = Literal["floor", "reserve_tier", "ceiling", "penalty", "offset"]
SHOWN_YEARS = 4  # values up to which all of them are written
EngineName = Literal["programme", "price_search", "best_response"]
ENGINES_ZH: Mapping[str, str] = {"programme": "规划", "price_search": "价格搜索", "best_response": "最优响应"}

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


# Kinds of steps that stand in for allowances: an enterprise uses them itself. All others sell to the market.
INSTEAD_OF_ALLOWANCES: Final = ("offset", "penalty")


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
    slope : array [CNY/tCO2e per tCO2e] (year), optional
        Rise of the price with use: the last of u tonnes costs price + slope * u. Not negative.
    paid : array [CNY/tCO2e] (year), optional
        The part of the price that is paid to somebody; all of it if not given. The rest weighs on who uses the step,
        as what is owed after the last year does, but is nobody's receipt.
    """

    name: str
    kind: StepKind
    price: Array
    quantity: Array
    obligation_share: Array | None = None
    owed_next: Array | None = None
    slope: Array | None = None
    paid: Array | None = None

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

    @property
    def statement(self) -> str:
        """What the instrument does, as one line without formulas; its label with its numbers unless it says more."""
        numbers = ", ".join(f"{name} {write_yearly(values)}" for name, values in self.yearly().items())
        return f"{self.label} ({numbers})" if numbers else self.label

    def yearly(self) -> dict[str, Array]:
        """The instrument's arrays over years, for validation; each has length 1 or the number of years."""
        return {}

    def problems(self, years: Sequence[int]) -> list[str]:
        """What is wrong with the instrument in a market over ``years``, one sentence each."""
        return check_yearly(self.label, self.yearly(), len(years))

    def supply_step(self, years: int) -> SupplyStep | None:
        """The step that the instrument adds to supply over that many years, or None if it is no supply step."""
        return None

    def supply_steps(self, years: Sequence[int]) -> tuple[SupplyStep, ...]:
        """All steps that the instrument adds to supply in these compliance years."""
        step = self.supply_step(len(years))
        return () if step is None else (step,)

    def problems_in(self, problem: MarketProblem) -> list[str]:
        """What is wrong with the instrument beside the others of a market, one sentence each."""
        return []

    def refused_by(self, engine: EngineName) -> str:
        """Why an engine cannot hold the instrument, as a clause after its label; "" if it can."""
        return ""

    @property
    def by_enterprise(self) -> bool:
        """Whether the instrument needs a balance for each enterprise, not for the market alone."""
        return False

    @property
    def is_its_steps(self) -> bool:
        """Whether it is nothing but its supply steps, so that a programme by enterprise can hold it by them alone."""
        return False

    @property
    def adds_last(self) -> bool:
        """Whether it adds to the programme after all others, because it limits their columns."""
        return False

    @property
    def counts_obligation(self) -> bool:
        """Whether a row beside the steps counts obligations after abatement, so that every option must be a column."""
        return False

    @property
    def links_years(self) -> bool:
        """Whether it ties the prices of different years by more than the bank."""
        return False

    @property
    def rations(self) -> bool:
        """Whether it limits several steps, or one step over several years, together."""
        return False

    @property
    def at_given_price(self) -> bool:
        """Whether it has an effect in a market whose price is given."""
        return False

    @property
    def relaxes(self) -> tuple[str, ...]:
        """What to say of the instrument where the cap cannot be met, each a clause."""
        return ()

    def within_period(self, years: Sequence[int]) -> NDArray[np.bool_]:
        """Year ends at which the instrument lets no surrender fall due: both years are settled together later."""
        return np.zeros(len(years), dtype=bool)

    def in_years(self, first: int, stop: int, years: Sequence[int]) -> Self | None:
        """The instrument in a market of positions ``first`` to ``stop - 1`` of its ``years``; None if idle in them.

        A window of a rolling horizon and a node of a scenario tree are such markets. Steps can be cut so, since
        nothing but the bank goes from year to year; an instrument that carries more must say here how.

        Raises
        ------
        InputError
            If it carries more than the market's bank across the cut.
        """
        steps, arrays = self.supply_steps(years), self.yearly()
        rest = [field.name for field in fields(self) if field.name not in arrays]  # type: ignore[arg-type]
        lists = [name for name in rest if not isinstance(getattr(self, name), (str, bool, float, int, type(None)))]
        owing = any(step.owed_next is not None for step in steps)
        if self.links_years or self.rations or self.by_enterprise or owing or lists or not steps:
            raise InputError(
                f"{self.label} cannot be cut into windows or nodes: it may carry more than the market's bank from "
                "year to year, which would be lost. Clear without a concept, or leave it out.",
                f"{self.label} 不能切分到窗口或节点：除市场结余外，它还可能把其他数量带到以后年份，切分会丢失这些数量。"
                "请不用均衡概念出清，或删去该项。",
            )
        cut = {name: array if len(array) == 1 else array[first:stop] for name, array in arrays.items()}
        found = cast(Self, replace(cast(Any, self), **cut))
        return found if any(step.exists().any() for step in found.supply_steps(years[first:stop])) else None

    def add_to(self, frame: Frame) -> None:
        """Add the instrument's columns and rows to the programme."""
        raise NotImplementedError

    def derive(self, problem: MarketProblem, dataset: xr.Dataset) -> dict[str, xr.DataArray]:
        """What the instrument publishes that follows from the cleared market; InfeasibleError if none can be."""
        return {}

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """Lines of the certificate on what only this instrument publishes; nothing is shared with ``add_to``."""
        return ()

    def rents(self, problem: MarketProblem, dataset: xr.Dataset, price: Array) -> dict[str, Array]:
        """For the audit: what rationing by it adds to the price of steps at a price path, (year) by step."""
        return {}

    def worth_of_obligation(self, problem: MarketProblem, dataset: xr.Dataset, price: Array) -> Array | float:
        """For the audit: what a tonne of obligation allows more of is worth at a price path [CNY/tCO2e].

        Over (year), or over (enterprise, year).
        """
        return 0.0

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """The instruments that a study means when it lists this one, from its dated parameters."""
        raise NotImplementedError


def engine_zh(engine: str) -> str:
    """An engine's name with what it is called in Chinese.

    >>> engine_zh("price_search")
    'price_search（价格搜索）'
    """
    return f"{engine}（{ENGINES_ZH[engine]}）" if engine in ENGINES_ZH else engine


def as_array(value: ArrayLike) -> Array:
    """A number or a sequence as a one-dimensional read-only array.

    >>> as_array(3)
    array([3.])
    """
    array = np.array(value, dtype=float).reshape(-1)
    array.setflags(write=False)
    return array


def write_yearly(array: Array) -> str:
    """Numbers over years as one short text: one number if it is the same in all, else the ends.

    >>> write_yearly(np.array([5.0, 5.0])), write_yearly(np.array([5.0, 6.0, np.inf])), write_yearly(np.array([np.nan]))
    ('5', '5, 6, unlimited', 'none')
    """
    words = ["none" if np.isnan(x) else "unlimited" if np.isinf(x) else f"{x:g}" for x in array]
    if len(set(words)) <= 1:
        return words[0] if words else "none"
    return ", ".join(words if len(words) <= SHOWN_YEARS else [*words[:2], "...", words[-1]])


def over_years(array: Array, years: int) -> Array:
    """The array with one value a year; a single value holds in every year."""
    return np.broadcast_to(array, (years,)) if len(array) == 1 else array


def check_yearly(label: str, arrays: dict[str, Array], years: int) -> list[str]:
    """Sentences on arrays whose length is wrong or whose values are negative, infinite prices included."""
    found: list[str] = []
    for name, array in arrays.items():
        if len(array) not in (1, years):
            found.append(
                Said(
                    f"{label}.{name} has {len(array)} values; expected 1 or one for each of the {years} years.",
                    f"{label}.{name} 有 {len(array)} 个值，应为 1 个，或 {years} 年每年一个。",
                )
            )
        if np.any(array < 0):
            found.append(
                Said(
                    f"{label}.{name} holds {array.min():g}; expected numbers that are not negative.",
                    f"{label}.{name} 含 {array.min():g}，应为非负数。",
                )
            )
        if name == "price" and np.any(np.isinf(array)):
            found.append(
                Said(
                    f"{label}.price is infinite; leave a year without the step as NaN.",
                    f"{label}.price 为无穷大；某年没有该项时请写 null。",
                )
            )
        if name != "price" and np.any(np.isnan(array)):
            found.append(
                Said(
                    f"{label}.{name} holds NaN; write 0 for a year without the step.",
                    f"{label}.{name} 有空缺；某年没有该项时请写 0。",
                )
            )
    return found


def check_exists(step: SupplyStep) -> list[str]:
    """A sentence if the step offers nothing in any year."""
    if bool(step.exists().any()):
        return []
    return [
        Said(
            f"{step.name} is declared but offers nothing in any year; give it a quantity and a price, or leave it out.",
            f"{step.name} 在任何年份都不提供配额；请给出数量和价格，或删去该项。",
        )
    ]


def in_window(step: SupplyStep, years: Sequence[int], first: int | None, last: int | None) -> SupplyStep:
    """The step in the years from ``first`` to ``last`` alone; an end that is None is open."""
    inside = np.array([(first is None or year >= first) and (last is None or year <= last) for year in years])
    return replace(step, price=np.where(inside, step.price, np.nan), quantity=np.where(inside, step.quantity, 0.0))


def check_window(label: str, years: Sequence[int], first: int | None, last: int | None) -> list[str]:
    """Sentences on a window of years that is empty, or outside the market's years."""
    if first is not None and last is not None and first > last:
        return [
            Said(
                f"{label} may be used from {first} until {last}; the first year must not be after the last.",
                f"{label} 可用期为 {first} 至 {last}；首年不得晚于末年。",
            )
        ]
    if (first is not None and first > years[-1]) or (last is not None and last < years[0]):
        window = f"from {first if first is not None else 'ever'} until {last if last is not None else 'ever'}"
        window_zh = "".join([f"自 {first} 年起" * (first is not None), f"至 {last} 年止" * (last is not None)])
        return [
            Said(
                f"{label} may be used {window}, never in {years[0]}–{years[-1]}; leave it out of this market.",
                f"{label} {window_zh}可用，不含 {years[0]}–{years[-1]} 的任何年份；请在本市场中删去该项。",
            )
        ]
    return []


def steps_in_years(
    steps: Mapping[str, Mapping[str, ArrayLike]], first: int, stop: int
) -> dict[str, dict[str, ArrayLike]]:
    """Steps by name, each a mapping of numbers or lists over years, in positions ``first`` to ``stop - 1`` alone."""

    def cut(value: ArrayLike) -> Array:
        array = as_array(value)
        return array if len(array) == 1 else array[first:stop]

    return {name: {field: cut(value) for field, value in step.items()} for name, step in steps.items()}


def write_steps(steps: Mapping[str, Mapping[str, ArrayLike]]) -> str:
    """Steps by name with their numbers, as one line."""
    return "; ".join(
        f"{name}: " + ", ".join(f"{field} {write_yearly(as_array(value))}" for field, value in step.items())
        for name, step in steps.items()
    )


def from_start(parameters: ParameterSet, path: str, years: Sequence[int], *labels: str) -> Array:
    """A parameter over years, NaN before its first value; beyond its validity it is an error as ever."""
    first = min(dated.applies_from for dated in parameters.get(path).values[labels])
    return np.array([parameters.value(path, year, *labels) if year >= first else np.nan for year in years])
