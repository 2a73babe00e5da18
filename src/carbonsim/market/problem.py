"""The one small thing that every engine clears: a market as frozen arrays, checked when it is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carbonsim.allocation.core import BalancedRule, ObligationRule
from carbonsim.errors import InputError, Issue, shorten
from carbonsim.market.supply import Array, Instrument, SupplyStep

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
        Allowances carried into the first year; without banking they can be used in that year only.
    responses : tuple of ResponseTerm
    instruments : tuple of Instrument
    given_price : array [CNY/tCO2e] (year), optional
        If given, the market is open: everybody answers this price path, and it need not clear. Only offsets have an
        effect then, and the opening bank has none.

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

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise InputError([Issue(code="market", source="market problem", message=text) for text in problems])

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
        found = (instrument.supply_step(len(self.year)) for instrument in self.instruments)
        return tuple(step for step in found if step is not None)

    @cached_property
    def in_response(self) -> NDArray[np.bool_]:
        """Whether an option belongs to a response term in a year, (option, year)."""
        member = np.zeros(self.options.potential.shape, dtype=bool)
        for term in self.responses:
            member[list(term.key_options + term.other_options), self.year.index(term.year)] = True
        return member

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
        first, last = self.year[0], self.year[-1]
        size = f"{len(self.enterprise)} enterprises, {len(self.options.label)} options, {first}–{last}"
        supply = " + ".join(["S_y", *(f"{step.name}_y" for step in self.steps)])
        bank = " + B_(y-1) - B_y" if any(i.label == "banking" for i in self.instruments) else ""
        rate = f", d_y = {1 + self.interest:g}^-(y-{first})"
        lines = [
            f"MarketProblem: {size}, {len(self.responses)} best-response terms",
            f"  min  Σ_y d_y [ Σ_o C_oy(x_oy) + cost of steps ]{rate}",
            f"  s.t. Σ_e s_ey (e_ey - A_ey) ≤ {supply}{bank}   : p_y",
            "       e_ey = E_ey - Σ_o x_oy,  0 ≤ x_oy ≤ K_oy,  A_ey = fixed_ey + per_emission_ey e_ey",
        ]
        if self.given_price is not None:
            lines[2] = "  given p_y: each enterprise minimises C + p_y s_ey (e_ey - A_ey)"
        return "\n".join(lines)


def as_matrix(value: ArrayLike, rows: int, years: int) -> Array:
    """A number, a yearly row or a full table as an array (rows, years)."""
    return np.array(np.broadcast_to(np.asarray(value, dtype=float), (rows, years)))


def _problems(problem: MarketProblem) -> Iterator[str]:
    yield from _label_problems(problem)
    shapes = list(_shape_problems(problem))
    yield from shapes
    if shapes:
        return
    yield from _sign_problems(problem)
    yield from _response_problems(problem)
    yield from _instrument_problems(problem)


def _label_problems(problem: MarketProblem) -> Iterator[str]:
    for what, labels in (("enterprise", problem.enterprise), ("option", problem.options.label)):
        twice = sorted({label for label in labels if labels.count(label) > 1}) if len(set(labels)) < len(labels) else []
        if twice:
            yield f"{what} {shorten(twice)} is listed twice; labels must be unique."
    if not problem.enterprise:
        yield "there is no enterprise; a market needs at least one."
    if not problem.year or list(problem.year) != list(range(problem.year[0], problem.year[0] + len(problem.year))):
        yield f"year is {shorten(problem.year)}; expected consecutive calendar years."


def _shape_problems(problem: MarketProblem) -> Iterator[str]:
    years, options = len(problem.year), len(problem.options.label)
    by_enterprise, by_option = (len(problem.enterprise), years), (options, years)
    expected: list[tuple[str, NDArray[np.generic], tuple[int, ...]]] = [
        *((name, getattr(problem, name), by_enterprise) for name in ("baseline", "share", "fixed", "per_emission")),
        *(
            (f"options.{name}", getattr(problem.options, name), by_option)
            for name in ("potential", "unit_cost", "slope")
        ),
        ("options.enterprise", problem.options.enterprise, (options,)),
        ("supply", problem.supply, (years,)),
    ]
    if problem.given_price is not None:
        expected.append(("given_price", problem.given_price, (years,)))
    for name, array, shape in expected:
        if array.shape != shape:
            yield f"{name} has shape {array.shape}; expected {shape}."
        elif not np.all(np.isfinite(array.astype(float))):
            place = _label_of(problem, name, np.argwhere(~np.isfinite(array.astype(float)))[0])
            yield f"{name} of {place} is not a finite number; write 0 for what does not exist."


def _label_of(problem: MarketProblem, name: str, position: IntArray) -> str:
    if len(position) == 1:
        return str(problem.year[position[0]])
    rows: Sequence[str] = problem.options.label if name.startswith("options.") else problem.enterprise
    return f"{rows[position[0]]} in {problem.year[position[1]]}"


def _sign_problems(problem: MarketProblem) -> Iterator[str]:
    arrays = {
        "baseline": problem.baseline,
        "share": problem.share,
        "options.potential": problem.options.potential,
        "options.slope": problem.options.slope,
        "supply": problem.supply,
    }
    for name, array in arrays.items():
        if np.any(array < 0):
            place = _label_of(problem, name, np.argwhere(array < 0)[0])
            yield f"{name} of {place} is {array.min():g}; expected a number that is not negative."
    if np.any(problem.share > 1):
        place = _label_of(problem, "share", np.argwhere(problem.share > 1)[0])
        yield f"share of {place} is {problem.share.max():g}; expected 0 to 1."
    if not problem.interest > -1:
        yield f"interest is {problem.interest:g}; expected a rate above -1."
    if not (np.isfinite(problem.opening_bank) and problem.opening_bank >= 0):
        yield f"opening_bank is {problem.opening_bank:g}; expected a finite number that is not negative."
    owner = problem.options.enterprise
    if np.any((owner < 0) | (owner >= len(problem.enterprise))):
        yield "options.enterprise points outside the enterprises."
        return
    yield from _potential_problems(problem)


def _potential_problems(problem: MarketProblem) -> Iterator[str]:
    """Options that together cut more than there is, outside response terms."""
    cut = np.zeros_like(problem.baseline)
    if len(problem.options.label):
        np.add.at(cut, problem.options.enterprise, np.where(problem.in_response, 0.0, problem.options.potential))
    over = cut > problem.baseline * (1 + 1e-9) + 1e-6
    # A unit that is under a response rule in a year holds its emissions there.
    for row, column in np.argwhere(over)[:1]:
        place = f"{problem.enterprise[row]} in {problem.year[column]}"
        yield (
            f"options of {place} cut {cut[row, column]:g} t of {problem.baseline[row, column]:g} t "
            f"({int(over.sum())} such cases); potentials must add up to no more than the emissions."
        )


def _response_problems(problem: MarketProblem) -> Iterator[str]:
    used: set[tuple[int, int]] = set()
    for term in problem.responses:
        where = f"response term of enterprise {term.enterprise} in {term.year}"
        if not 0 <= term.enterprise < len(problem.enterprise) or term.year not in problem.year:
            yield f"{where}: no such enterprise or year."
            continue
        where = f"response term of {problem.enterprise[term.enterprise]} in {term.year}"
        if not (term.key >= 0 and term.other >= 0 and term.weight > 0):
            yield f"{where}: emissions must not be negative and the weight must be positive."
        position = problem.year.index(term.year)
        for name, indices, emissions in (
            ("key", term.key_options, term.key),
            ("other", term.other_options, term.other),
        ):
            if any(not 0 <= option < len(problem.options.label) for option in indices):
                yield f"{where}: {name}_options point outside the options."
                continue
            shared = [problem.options.label[option] for option in indices if (option, term.year) in used]
            if shared:
                yield f"{where}: option {shorten(shared)} already belongs to another term of that year."
            used.update((option, term.year) for option in indices)
            cut = float(problem.options.potential[list(indices), position].sum())
            if cut > emissions * (1 + 1e-9) + 1e-6:
                yield f"{where}: {name} options cut {cut:g} t of {emissions:g} t."
        if term.balance_group and not isinstance(term.rule, BalancedRule):
            yield f"{where}: its rule has no balance value to recalibrate, which group '{term.balance_group}' needs."


def _instrument_problems(problem: MarketProblem) -> Iterator[str]:
    labels = [instrument.label for instrument in problem.instruments]
    for label in sorted({label for label in labels if labels.count(label) > 1}):
        yield f"instrument '{label}' is declared twice; give each its own name."
    for instrument in problem.instruments:
        yield from instrument.problems(problem.year)
    if problem.given_price is not None:
        idle = [label for label in labels if label != "offsets"]
        if idle:
            yield f"instruments {shorten(idle)} have no effect at a given price; leave them out."
        if np.any(problem.given_price < 0):
            yield f"given_price is {problem.given_price.min():g}; expected prices that are not negative."
