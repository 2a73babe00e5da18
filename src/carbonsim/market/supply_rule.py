"""What every supply rule declares: how supply answers a market path that agents take as given."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from carbonsim.errors import InfeasibleError, InputError, Said, did_you_mean, error_in_chinese
from carbonsim.market.supply import Array, over_years
from carbonsim.registry import Registry

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem

supply_rules: Registry[type[SupplyRule]] = Registry("supply rule", "carbonsim.market.supply_rules")

FIXED_SUPPLY = "supply"  # the problem's own supply, as against an instrument named by its label


@dataclass(frozen=True, slots=True)
class Dated:
    """A value of a rule by the year from which it applies; a single one applies always.

    >>> Dated.of({2019: 0.24, 2031: 0.12}).at(2030)
    0.24
    """

    values: tuple[tuple[int | None, Any], ...]

    @classmethod
    def of(cls, value: object) -> Dated:
        """From a plain value, a mapping of years to values, or a ``Dated``."""
        if isinstance(value, Dated):
            return value
        if isinstance(value, Mapping):
            return cls(tuple(sorted((int(year), entry) for year, entry in value.items())))
        return cls(((None, value),))

    def at(self, year: int) -> Any:
        """The value that applies in a year.

        Raises
        ------
        InputError
            If the year is before the first one that has a value.
        """
        found = [entry for start, entry in self.values if start is None or start <= year]
        if not found:
            raise InputError(
                f"a value of the supply rule is needed for {year}, but the first is of {self.values[0][0]}; "
                "give it from an earlier year.",
                f"{year} 年需要供给规则的值，但首个值属于 {self.values[0][0]} 年；请从更早的年份起给出。",
            )
        return found[-1]

    def wrong(self, name: str, allowed: tuple[object, ...] = ()) -> list[str]:
        """A sentence if a value is neither one of ``allowed`` nor a finite number that is not negative."""
        odd = [v for _, v in self.values if not (_is_amount(v) or any(v is a or v == a for a in allowed))]
        if not self.values:
            return [
                Said(
                    f"{name} is empty; give a number, or a mapping of years to numbers.",
                    f"{name} 为空；请给出一个数，或年份到数的映射。",
                )
            ]
        return (
            [
                Said(
                    f"{name} is {odd[0]!r}; expected a number that is not negative.",
                    f"{name} 为 {odd[0]!r}，应为非负数。",
                )
            ]
            if odd
            else []
        )


def _is_amount(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """What a rule may read of a cleared market, arrays over (year).

    Parameters
    ----------
    price : array [CNY/tCO2e]
        NaN where no rule of the market determines it.
    bank : array [allowance]
        Allowances in circulation at the end of the year.
    used : mapping of step name to array [tCO2e]
        Volume taken of each supply step.
    """

    price: Array
    bank: Array
    used: Mapping[str, Array]

    @classmethod
    def of(cls, dataset: xr.Dataset) -> Observed:
        """From a published market."""
        used = {str(name): dataset.step_used.values[index] for index, name in enumerate(dataset.step.values)}
        return cls(dataset.allowance_price.values, dataset.bank.values, used)


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """What a rule makes of a market path.

    Parameters
    ----------
    change : array [allowance] (year)
        Added to what the rule acts on; negative where it withdraws.
    flows : mapping of name to array [allowance] (year)
        Everything that the rule publishes.
    """

    change: Array
    flows: Mapping[str, Array] = field(default_factory=dict)


class SupplyRule:
    """Base of the rules that move supply: a frozen dataclass of plain numbers, found by its registered name.

    Agents take the supply that results as given, so a rule never enters a cost-minimising programme: it is applied
    from outside until the market it sees is the market it makes (``carbonsim.market.reserve``).
    """

    __slots__ = ()

    acts_on: str

    def problems(self, problem: MarketProblem) -> list[str]:
        """What is wrong with the rule in a market, one sentence each."""
        raise NotImplementedError

    def respond(self, problem: MarketProblem, seen: Observed, applied: Array | None = None) -> Response:
        """The rule's answer to a market.

        Parameters
        ----------
        problem : MarketProblem
            The market before the rule.
        seen : Observed
            What the rule reads.
        applied : array [allowance] (year), optional
            Change of supply under which ``seen`` came about. If given, the rule works forward from year to year on
            the bank that its own earlier answers leave, at unchanged emissions; without, on the bank as it is. Both
            are the same at a fixed point.
        """
        raise NotImplementedError

    def most(self, problem: MarketProblem, seen: Observed, room: Array) -> Array:
        """The largest intervention by year, to start from; ``room`` [tCO2e] (year) is the abatement not yet used."""
        raise NotImplementedError

    def not_isotone(self, problem: MarketProblem) -> str:
        """Why less withdrawal does not always answer less withdrawal, as a clause; "" if it does."""
        return "nothing is known of its order"

    def warnings(self, problem: MarketProblem) -> tuple[str, ...]:
        """What a reader must know of the rule as it is written, one sentence each."""
        return ()

    def audit(self, problem: MarketProblem, dataset: xr.Dataset, tolerance: float) -> Iterable[Line]:
        """Lines of the certificate: the rule stated once more on the published numbers, sharing no function."""
        raise NotImplementedError


def make_rule(value: object) -> SupplyRule:
    """A supply rule from a mapping with its registered name as ``kind``; a rule is passed on."""
    if isinstance(value, SupplyRule):
        return value
    if not isinstance(value, Mapping) or "kind" not in value:
        raise InputError(
            f"a supply rule is a mapping with its name as 'kind'. Known: {', '.join(supply_rules)}. Found {value!r}.",
            f"供给规则应为映射，以 'kind' 给出名称。可用：{'、'.join(supply_rules)}。实为 {value!r}。",
        )
    arguments: dict[str, Any] = {str(key): entry for key, entry in value.items() if key != "kind"}
    target = supply_rules.get(str(value["kind"])).target
    known = [entry.name for entry in dataclasses.fields(target)]  # type: ignore[arg-type]
    for name in arguments:
        if name not in known:
            raise InputError(
                f"supply rule '{value['kind']}' has no '{name}'. Fields: {', '.join(known)}. "
                f"{did_you_mean(name, known)}".strip(),
                f"供给规则 '{value['kind']}' 没有 '{name}'。字段：{'、'.join(known)}。"
                f"{did_you_mean(name, known, 'zh')}",
            )
    try:
        return target(**arguments)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"supply rule '{value['kind']}': {error}. Fields: {', '.join(known)}.",
            f"供给规则 '{value['kind']}'：{error_in_chinese(error)}。字段：{'、'.join(known)}。",
        ) from error


def by_year(value: object) -> dict[int, float]:
    """A mapping of years to numbers with whole years as keys."""
    if not isinstance(value, Mapping):
        raise ValueError(Said(f"{value!r} is no mapping of years to numbers", f"{value!r} 不是年份到数的映射"))
    return {int(year): float(number) for year, number in value.items()}


def offered(problem: MarketProblem, acts_on: str) -> Array:
    """The volume that a rule acts on, by year, before it does."""
    if acts_on == FIXED_SUPPLY:
        return np.array(problem.supply)
    return np.array(over_years(_instrument(problem, acts_on).quantity, len(problem.year)))


def with_change(problem: MarketProblem, acts_on: str, change: Array) -> MarketProblem:
    """The problem with a change of what a rule acts on.

    Raises
    ------
    InfeasibleError
        If more is withdrawn in a year than is offered.
    """
    after = offered(problem, acts_on) + change
    if np.any(after < 0):
        y = int(np.argmin(after))
        raise InfeasibleError(
            f"The supply rule withdraws {-change[y]:,.0f} allowances in {problem.year[y]}, {-after[y]:,.0f} more than "
            f"'{acts_on}' offers. Raise the supply of that year or weaken the rule.",
            f"供给规则在 {problem.year[y]} 年扣减 {-change[y]:,.0f} 个配额，比 '{acts_on}' 提供的多 {-after[y]:,.0f} "
            "个。请提高该年供给，或放宽规则。",
        )
    if acts_on == FIXED_SUPPLY:
        return dataclasses.replace(problem, supply=after)
    changed = dataclasses.replace(_instrument(problem, acts_on), quantity=after)
    kept = tuple(changed if i.label == acts_on else i for i in problem.instruments)
    return dataclasses.replace(problem, instruments=kept)


def check_acts_on(problem: MarketProblem, acts_on: str) -> list[str]:
    """A sentence if a rule acts on something that the market does not have or that has no quantity."""
    if acts_on == FIXED_SUPPLY:
        return []
    fitting = [i.label for i in problem.instruments if getattr(i, "quantity", None) is not None]
    if acts_on in fitting:
        return []
    return [
        Said(
            f"acts_on is '{acts_on}'; expected '{FIXED_SUPPLY}' or an instrument with a quantity "
            f"({', '.join(fitting) or 'none here'}). {did_you_mean(acts_on, [FIXED_SUPPLY, *fitting])}".strip(),
            (
                f"acts_on 为 '{acts_on}'，应为 '{FIXED_SUPPLY}'，"
                f"或设有数量的工具（{'、'.join(fitting) or '此处没有'}）。"
                f"{did_you_mean(acts_on, [FIXED_SUPPLY, *fitting], 'zh')}"
            ).strip(),
        )
    ]


def has_bank(problem: MarketProblem) -> bool:
    """Whether allowances can be carried over, with or without a vintage."""
    return any(instrument.label in ("banking", "vintages") for instrument in problem.instruments)


def _instrument(problem: MarketProblem, label: str) -> Any:
    return next(instrument for instrument in problem.instruments if instrument.label == label)
