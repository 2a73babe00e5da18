"""The one small thing that every engine clears: a market as frozen arrays, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carbonsim.allocation.core import ObligationRule
from carbonsim.errors import InputError, Said, issues_of
from carbonsim.market.plans import Plans
from carbonsim.market.problem_checks import problems_of
from carbonsim.market.supply import Array, Instrument, SupplyStep, write_yearly

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """Abatement options: what each can cut in a year and at what marginal cost.

    Parameters
    ----------
    label : tuple of str (option)
        Unique names.
    enterprise : array of int (option)
        Position of the option's enterprise.
    potential : array [tCO2e] (option, year)
        Largest cut of covered emissions; 0 where the option is not available.
    unit_cost : array [CNY/tCO2e] (option, year)
        Marginal cost at zero use; may be negative.
    slope : array [CNY/tCO2e per tCO2e] (option, year)
        Rise of the marginal cost with use: MAC(x) = unit_cost + slope * x. Not negative.
    """

    label: tuple[str, ...]
    enterprise: IntArray
    potential: Array
    unit_cost: Array
    slope: Array

    @classmethod
    def none(cls, years: int) -> Options:
        """No options at all."""
        empty = np.zeros((0, years))
        return cls((), np.zeros(0, dtype=np.intp), empty, empty, empty)


@dataclass(frozen=True, slots=True, eq=False)
class ResponseTerm:
    """One unit of account in one year under a rule that is no affine function of its emissions.

    The unit's emissions are held here and not in the problem's ``baseline``.

    Parameters
    ----------
    enterprise : int
        Position of the enterprise.
    year : int
        Calendar year, one of the problem's years.
    key, other : float [tCO2e]
        Emissions before abatement in the process whose intensity counts, and all others.
    rule : ObligationRule
        Allowances as a function of (key, other).
    key_options, other_options : tuple of int
        Positions of the options that cut each channel.
    balance_group : str
        Group whose balance value is recalibrated each year so that its allowances equal its emissions; "" if none.
        The rule is then a ``BalancedRule``.
    weight : float
        Number of identical units the term stands for; the rule is evaluated for one of them.
    """

    enterprise: int
    year: int
    key: float
    other: float
    rule: ObligationRule
    key_options: tuple[int, ...] = ()
    other_options: tuple[int, ...] = ()
    balance_group: str = ""
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class MarketProblem:
    """A market over years, as arrays.

    Parameters
    ----------
    enterprise : tuple of str (enterprise)
    year : tuple of int (year)
        Consecutive calendar years; the first is the one discounting starts from.
    baseline : array [tCO2e] (enterprise, year)
        Covered emissions before abatement, without those of response terms. Not negative.
    share : array [1] (enterprise, year)
        Share of the emissions that carries an obligation, 0..1; 0 is not covered.
    fixed, per_emission : array [allowance], [1] (enterprise, year)
        Free allocation before ``share``: fixed + per_emission * emissions.
    options : Options
    supply : array [allowance] (year)
        Allowances issued otherwise, auctioned without a floor.
    interest : float
        Rate at which the market discounts, per year.
    opening_bank : float [allowance]
        Allowances carried into the first year; without banking they can be used in that year only. Negative:
        allowances borrowed from it before, and due in it.
    responses : tuple of ResponseTerm
    instruments : tuple of Instrument
    given_price : array [CNY/tCO2e] (year), optional
        If given, the market is open: everybody answers this price path, and it need not clear. Only offsets have an
        effect then, and the opening bank has none.
    opening_split : array [1] (enterprise), optional
        Part of the opening bank that each enterprise holds; it matters only where a balance is kept for each. Without
        it the bank is split pro rata to obligations before abatement in the first year.
    plans : Plans, optional
        Lumpy abatement besides the options: of each enterprise's plans one is carried out whole, or none.

    Raises
    ------
    InputError
        With every problem found, if shapes, signs or labels are wrong or an instrument has no effect.

    Examples
    --------
    >>> from carbonsim.market import MarketProblem, clear
    >>> problem = MarketProblem.from_mapping({
    ...     "year": [2025],
    ...     "enterprises": {"north": {"baseline": 20, "fixed": 11}, "south": {"baseline": 20, "fixed": 11}},
    ...     "options": {
    ...         "north/retrofit": {"enterprise": "north", "potential": 20, "unit_cost": 0, "slope": 2},
    ...         "south/retrofit": {"enterprise": "south", "potential": 20, "unit_cost": 0, "slope": 1},
    ...     },
    ... })
    >>> float(clear(problem).dataset.allowance_price.round(9).item())
    12.0
    """

    enterprise: tuple[str, ...]
    year: tuple[int, ...]
    baseline: Array
    share: Array
    fixed: Array
    per_emission: Array
    options: Options
    supply: Array
    interest: float = 0.0
    opening_bank: float = 0.0
    responses: tuple[ResponseTerm, ...] = ()
    instruments: tuple[Instrument, ...] = field(default=())
    given_price: Array | None = None
    opening_split: Array | None = None
    plans: Plans | None = None

    def __post_init__(self) -> None:
        problems = list(problems_of(self))
        if problems:
            raise InputError(issues_of("market", Said("market problem", "市场问题"), problems))

    @classmethod
    def from_mapping(cls, mapping: dict[str, object]) -> MarketProblem:
        """A problem from plain numbers; see ``carbonsim.market.mapping.problem_from_mapping``."""
        from carbonsim.market.mapping import problem_from_mapping

        return problem_from_mapping(mapping)

    @cached_property
    def discount(self) -> Array:
        """Factor d[y] = (1 + interest) ** -(y - first year)."""
        return np.asarray((1.0 + self.interest) ** -(np.array(self.year, dtype=float) - self.year[0]))

    @cached_property
    def steps(self) -> tuple[SupplyStep, ...]:
        """The supply steps of the instruments, in the order declared."""
        return tuple(step for one in self.instruments for step in one.supply_steps(self.year))

    @cached_property
    def counts_obligation(self) -> bool:
        """Whether something is limited by obligations after abatement, so that a tonne cut also costs that."""
        limited = any(step.obligation_share is not None for step in self.steps)
        return limited or any(instrument.counts_obligation for instrument in self.instruments)

    @cached_property
    def within_period(self) -> NDArray[np.bool_]:
        """Year ends at which no surrender is due, (year); never the last."""
        inside = [instrument.within_period(self.year) for instrument in self.instruments]
        return np.asarray(np.any([np.zeros(len(self.year), dtype=bool), *inside], axis=0))

    @cached_property
    def in_response(self) -> NDArray[np.bool_]:
        """Whether an option belongs to a response term in a year, (option, year)."""
        member = np.zeros(self.options.potential.shape, dtype=bool)
        for term in self.responses:
            member[list(term.key_options + term.other_options), self.year.index(term.year)] = True
        return member

    def by_enterprise(self, values: Array) -> Array:
        """Sums of values (option, year) over the options of each enterprise, (enterprise, year)."""
        owner = self.options.enterprise
        total = np.zeros_like(self.baseline)
        if not len(owner):
            return total
        if np.any(owner[1:] < owner[:-1]):
            order = np.argsort(owner, kind="stable")
            owner, values = owner[order], values[order]
        starts = np.flatnonzero(np.diff(owner, prepend=-1))
        total[owner[starts]] = np.add.reduceat(values, starts, axis=0)
        return total

    @cached_property
    def option_share(self) -> Array:
        """Obligation share of each option's enterprise, (option, year)."""
        return np.asarray(self.share[self.options.enterprise], dtype=float)

    @cached_property
    def option_phi(self) -> Array:
        """Marginal price signal 1 - per_emission of each option's enterprise, (option, year)."""
        return np.asarray(1.0 - self.per_emission[self.options.enterprise], dtype=float)

    def __repr__(self) -> str:
        """The problem as mathematics, with its size."""
        first, last, planned = self.year[0], self.year[-1], self.plans is not None
        count = [f"{len(self.enterprise)} enterprises", f"{len(self.options.label)} options"]
        count += [f"{len(self.plans.label)} plans"] if self.plans is not None else []
        supply = " + ".join(["S_y", *(f"{step.name}_y" for step in self.steps)])
        carried = bool({"banking", "compliance_periods", "vintages"} & {one.label for one in self.instruments})
        bank = " + B_(y-1) - B_y" if carried else ""
        chosen_cost, chosen_cut = (" + Σ_k u_k C_ky", " - Σ_k u_k X_ky") if planned else ("", "")
        lines = [
            f"MarketProblem: {', '.join(count)}, {first}–{last}, {len(self.responses)} best-response terms",
            f"  min  Σ_y d_y [ Σ_o C_oy(x_oy){chosen_cost} + cost of steps ], d_y = {1 + self.interest:g}^-(y-{first})",
            f"  s.t. Σ_e s_ey (e_ey - A_ey) ≤ {supply}{bank}   : p_y",
            f"       e_ey = E_ey - Σ_o x_oy{chosen_cut},  0 ≤ x_oy ≤ K_oy,  A_ey = fixed_ey + per_emission_ey e_ey",
            "       C_oy(x) = c_oy x + k_oy x² / 2",
        ]
        if self.given_price is not None:
            lines[2] = (
                f"  given p_y = {write_yearly(self.given_price)}: each enterprise minimises C + p_y s_ey (e_ey - A_ey)"
            )
        if planned:
            lines.append("       Σ_(k of e) u_k ≤ 1,  u_k ∈ {0, 1}")
        if self.responses:
            rules = " or ".join(sorted({type(term.rule).__name__ for term in self.responses}))
            lines.append(
                f"       terms t: each unit minimises C + p_y s_ey (e_t - A_t),  A_t = {rules} of (key_t, other_t)"
            )
        if self.opening_bank:
            held = (
                f"B_{first - 1} = {self.opening_bank:g}"
                if carried
                else f"opening bank {self.opening_bank:g} in {first}"
            )
            lines.append(f"       {held}")
        return "\n".join([*lines, *(f"       {instrument.statement}" for instrument in self.instruments)])


def as_matrix(value: ArrayLike, rows: int, years: int) -> Array:
    """A number, a yearly row or a full table as an array (rows, years)."""
    return np.array(np.broadcast_to(np.asarray(value, dtype=float), (rows, years)))
