"""Which recipe each activity row uses, and the values of its terms: measured, of the tables, or all problems at once.

Dimensions inside: r activity row, c component (one gas of one row), k term.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from carbonsim.accounting.core import Bools, Labels, accounting_methods, sector_accounting
from carbonsim.accounting.formula import DIVISOR, TAKEN_OFF, UNUSED, Component, Floats, Recipe, product_of_terms
from carbonsim.accounting.formula import Term as TermUse
from carbonsim.accounting.lookup import Ask, FactorFinder
from carbonsim.accounting.streams import Index, Rows, Sites, distinct
from carbonsim.errors import InputError, Issue, UnitError
from carbonsim.inputs.factor_names import PROVINCE
from carbonsim.inputs.factors import Factors
from carbonsim.inputs.terms import TERMS
from carbonsim.units import conversion_factor

GRID_METHODS: Final = ("electricity_purchased", "electricity_exported")
POLLUTANT_TERMS: Final = frozenset({"sulphur", "retention"})  # of a fuel row, for its pollutants
FUEL_TERMS: Final = ("net_calorific_value", "carbon_content", "oxidation")
OWN: Final = -1


@dataclass(frozen=True, slots=True)
class Shared:
    """Table entries that rows share (k'): id, value, unit, source, basis; ``factor`` is the id without the term."""

    entry: Labels
    value: Floats
    unit: Labels
    source: Labels
    basis: Labels


@dataclass(frozen=True, slots=True)
class Kinds:
    """Components of all recipes side by side (j): the recipe of each, its gas, scale and terms (j, k)."""

    gas: Labels
    scale: Floats
    sign: Floats
    form: NDArray[np.int8]
    default: Floats
    key: NDArray[np.int32]
    fixed: Bools


@dataclass(frozen=True, slots=True)
class RowFactors:
    """What each activity row is multiplied with.

    ``activity`` (r) is in the unit of the factor. ``term`` names the terms. Components are sorted by row: ``row`` (c)
    and ``kind`` (c) place them, ``value`` (c, k) holds their terms (0 where a term does not enter), ``key`` (c, k) the
    shared entry or -1 for a value of the row's own; ``per_unit`` (c) is the product with its sign and constant. For
    ``by_year`` rows it is to be multiplied by the grid factor of the year. ``fuel`` (r, 3) are calorific value,
    carbon content and oxidation of fuel rows, else 0.
    """

    activity: Floats
    activity_unit: Labels
    term: tuple[str, ...]
    row: Index
    kind: Index
    kinds: Kinds
    value: Floats
    key: NDArray[np.int32]
    per_unit: Floats
    shared: Shared
    fuel: Floats
    from_fuel: Bools
    by_year: Bools
    factor: Labels
    source: Labels
    basis: Labels
    tier: Labels


def row_factors(rows: Rows, sites: Sites, factors: Factors, *, dated_grid: bool) -> RowFactors:
    """The recipe of every row with the values of its terms, or all problems at once.

    Parameters
    ----------
    rows, sites
        Activity rows and the facilities they belong to.
    factors : Factors
    dated_grid : bool
        Electricity without a factor takes the grid factor of its year from the tables; otherwise the study's outlook.

    Raises
    ------
    InputError
        If a factor is missing or of another table set, a term has no value or is not of the method, or a unit does
        not convert; names the rows and what to supply.
    """
    recipes, of_row, problems = _recipes(rows, sites, factors, dated_grid)
    if problems:
        raise InputError(problems)
    unit = np.array([recipe.unit for recipe in recipes], dtype=str)
    scale, problems = _unit_scale(rows, sites, unit, of_row)
    term, kinds, first, shared = _kinds(recipes)
    count = np.diff(np.append(first, len(kinds.gas)))
    row = np.repeat(np.arange(len(rows)), count[of_row])
    start = np.repeat(np.cumsum(count[of_row]) - count[of_row], count[of_row])
    kind = first[of_row[row]] + (np.arange(len(row)) - start)
    by_year = np.array([recipe.by_year for recipe in recipes], dtype=bool)[of_row]
    value, key = _values(rows, term, row, kind, kinds)
    problems += _missing_terms(rows, sites, term, row, np.isnan(value) & ~by_year[row][:, None])
    fuel, missing = _fuel_values(rows, recipes, of_row)
    problems += [] if problems else _missing_terms(rows, sites, FUEL_TERMS, np.arange(len(rows)), missing)
    problems += _unused_terms(rows, sites, term, row, (kinds.form[kind] != UNUSED) & ~kinds.fixed[kind])
    problems += _impossible(rows, sites, term, row, kinds.form[kind], value)
    if problems:
        raise InputError(problems)
    value = np.where(np.isnan(value), 1.0, value)
    return RowFactors(
        activity=rows.quantity * scale,
        activity_unit=unit[of_row],
        term=term,
        row=row,
        kind=kind,
        kinds=kinds,
        value=value,
        key=key,
        per_unit=product_of_terms(kinds.form[kind], value) * kinds.sign[kind] * kinds.scale[kind],
        shared=shared,
        fuel=fuel,
        from_fuel=np.array([recipe.fuel is not None for recipe in recipes], dtype=bool)[of_row],
        by_year=by_year,
        factor=np.array([recipe.factor for recipe in recipes], dtype=str)[of_row],
        source=np.array([recipe.source for recipe in recipes], dtype=str)[of_row],
        basis=np.array([recipe.basis for recipe in recipes], dtype=str)[of_row],
        tier=_tiers(rows, row, kinds.form[kind], key),
    )


def _recipes(rows: Rows, sites: Sites, factors: Factors, dated_grid: bool) -> tuple[list[Recipe], Index, list[Issue]]:
    """The distinct recipes and which one each row has; a loop over a few hundred combinations however many rows."""
    sector = sites.sector()[rows.facility]
    given, subsets = _given(rows)
    grid = np.isin(rows.method, GRID_METHODS)
    year = np.where(grid & (dated_grid | (rows.factor != "")), rows.year, 0)
    region = np.where(grid & (rows.factor == PROVINCE), sites.region()[rows.facility], "")
    evidence = rows.evidence != ""
    sectors = distinct(sites.sector())[0][rows.facility]
    named = [rows.code[name] for name in ("method", "factor", "gas_factor")]
    codes, first = distinct(sectors, *named, given, year, region, evidence)
    names = sorted(set(sector[first].tolist()))
    finder = FactorFinder(names[0], factors) if names else None
    finders = {name: finder.for_sector(name) for name in names if finder is not None}
    recipes: list[Recipe] = []
    problems: list[Issue] = []
    for code, row in enumerate(first.tolist()):
        finder = finders[sector[row]]
        ask = Ask(
            method=str(rows.method[row]),
            factor=str(region[row] or rows.factor[row]),
            gas_factor=str(rows.gas_factor[row]),
            given=subsets[given[row]],
            year=int(year[row]),
            has_evidence=bool(evidence[row]),
        )
        try:
            message, chinese = finder.accounting.check_terms(ask.method, ask.factor, ask.given)
            if message:
                raise InputError(Issue("factor", "", message, chinese))
            recipes.append(accounting_methods.get(ask.method).target(finder, ask))
        except InputError as problem:
            problems += _row_issues(rows, sites, np.flatnonzero(codes == code), "factor", problem.issues)
            recipes.append(Recipe(""))
    return recipes, codes, problems


def _given(rows: Rows) -> tuple[Index, list[frozenset[str]]]:
    """Which terms each row gives itself, as a number into the list of distinct subsets."""
    bits = np.zeros(len(rows), dtype=np.int64)
    names = sorted(rows.own)
    for place, name in enumerate(names):
        bits |= (~np.isnan(rows.own[name])).astype(np.int64) << place
    found, of_row = np.unique(bits, return_inverse=True)
    subsets = [frozenset(name for place, name in enumerate(names) if number >> place & 1) for number in found.tolist()]
    return np.asarray(of_row, dtype=np.intp), subsets


def _kinds(recipes: list[Recipe]) -> tuple[tuple[str, ...], Kinds, Index, Shared]:
    """Components of all recipes as arrays, the first one of each recipe, and the table entries they share."""
    components = [component for recipe in recipes for component in recipe.components]
    names = tuple(name for name in TERMS if any(term.name == name for item in components for term in item.terms))
    entries: dict[str, TermUse] = {}
    form = np.zeros((len(components), len(names)), dtype=np.int8)
    default = np.zeros(form.shape)
    key = np.full(form.shape, OWN, dtype=np.int32)
    fixed = np.zeros(form.shape, dtype=bool)
    for place, component in enumerate(components):
        for term in component.terms:
            column = names.index(term.name)
            form[place, column], default[place, column], fixed[place, column] = term.form, term.default, term.fixed
            if term.key:
                entries.setdefault(term.key, term)
                key[place, column] = list(entries).index(term.key)
    first = np.cumsum([0, *(len(recipe.components) for recipe in recipes)])[:-1].astype(np.intp)
    kinds = Kinds(
        gas=np.array([component.gas for component in components], dtype=str),
        scale=np.array([component.constant for component in components], dtype=float),
        sign=np.array([component.sign for component in components], dtype=float),
        form=form,
        default=default,
        key=key,
        fixed=fixed,
    )
    shared = Shared(
        entry=np.array(list(entries), dtype=str),
        value=np.array([term.default for term in entries.values()], dtype=float),
        unit=np.array([term.unit for term in entries.values()], dtype=str),
        source=np.array([term.source for term in entries.values()], dtype=str),
        basis=np.array([term.basis for term in entries.values()], dtype=str),
    )
    return names, kinds, first, shared


def _values(
    rows: Rows, term: tuple[str, ...], row: Index, kind: Index, kinds: Kinds
) -> tuple[Floats, NDArray[np.int32]]:
    """Values (c, k) of the terms, NaN where one is needed and nobody gives it, and their shared entries (c, k)."""
    value, key = kinds.default[kind], kinds.key[kind]
    form = kinds.form[kind]
    for place, name in enumerate(term):
        if name not in rows.own:
            continue
        own = rows.own[name][row]
        chosen = (form[:, place] != UNUSED) & ~np.isnan(own) & ~kinds.fixed[kind, place]
        value[chosen, place], key[chosen, place] = own[chosen], OWN
    return value, key


def _fuel_values(rows: Rows, recipes: list[Recipe], of_row: Index) -> tuple[Floats, Bools]:
    """Calorific value, carbon content and oxidation of fuel rows (r, 3), 0 for others; where one is missing (r, 3)."""
    default = np.array(
        [[term.default for term in recipe.fuel] if recipe.fuel else [0.0] * 3 for recipe in recipes], dtype=float
    ).reshape(len(recipes), len(FUEL_TERMS))[of_row]
    is_fuel = np.array([recipe.fuel is not None for recipe in recipes], dtype=bool)[of_row]
    for place, name in enumerate(FUEL_TERMS):
        own = rows.own.get(name)
        if own is not None:
            chosen = is_fuel & ~np.isnan(own)
            default[chosen, place] = own[chosen]
    return default, np.isnan(default)


def _tiers(rows: Rows, row: Index, form: NDArray[np.int8], key: NDArray[np.int32]) -> Labels:
    """How far each row's terms are measured: all, some, none; ``reported`` has none, ``none`` emits nothing."""
    used, own = form != UNUSED, (form != UNUSED) & (key == OWN)
    terms = np.bincount(row, weights=used.sum(axis=1), minlength=len(rows))
    measured = np.bincount(row, weights=own.sum(axis=1), minlength=len(rows))
    emitting = np.bincount(row, minlength=len(rows)) > 0
    choices = [~emitting, terms == 0, measured == terms, measured > 0]
    return np.asarray(np.select(choices, ["none", "reported", "measured", "partly_measured"], "default"), dtype=str)


def _missing_terms(rows: Rows, sites: Sites, term: tuple[str, ...], row: Index, missing: Bools) -> list[Issue]:
    """Problems of rows for which neither the row nor the table gives a term of the formula."""
    problems: list[Issue] = []
    for place in np.flatnonzero(missing.any(axis=0)):
        chosen = np.unique(row[missing[:, place]])
        known = TERMS[term[place]]
        issue = Issue(
            "missing-term",
            "",
            f"{known.name} [{known.unit}] is empty and the factor table has no default.",
            f"{known.zh}（{known.name}）为空，因子表没有缺省值。",
            "Give the measured value in the row" + ("." if known.name in FUEL_TERMS else " (table terms)."),
            "请填写实测值" + ("。" if known.name in FUEL_TERMS else "（terms 表）。"),
        )
        problems += _row_issues(rows, sites, chosen, known.name, (issue,))
    return problems


def _unused_terms(rows: Rows, sites: Sites, term: tuple[str, ...], row: Index, takes: Bools) -> list[Issue]:
    """Problems of rows that give a term which their method does not use: it would change nothing, silently."""
    problems: list[Issue] = []
    for name, own in rows.own.items():
        used = np.zeros(len(rows), dtype=bool)
        if name in term:
            used[row[takes[:, term.index(name)]]] = True
        given = ~np.isnan(own) & (own != 1 if name == "oxidation" else True)
        if name == "biogenic_fraction":
            given &= rows.evidence != ""  # without evidence the share counts as fossil, which quality reports
        if name == "oxidation":
            given &= ~_oxidation_of_the_ledger(rows, sites)
        if name in POLLUTANT_TERMS:
            # A fuel's sulphur makes sulphur dioxide, and what stays in the ash is a share of it.
            given &= (rows.method != "combustion") | np.isnan(rows.own.get("sulphur", np.full(len(rows), np.nan)))
        chosen = np.flatnonzero(given & ~used)
        if chosen.size:
            issue = Issue(
                "unused-term",
                "",
                f"{name} is given, but method '{rows.method[chosen[0]]}' of this sector has no such term.",
                f"填写了 {name}，但该行业的方法 {rows.method[chosen[0]]} 不使用此项。",
                "Leave the cell empty.",
                "请留空。",
            )
            problems += _row_issues(rows, sites, chosen, name, (issue,))
    return problems


def _impossible(
    rows: Rows, sites: Sites, term: tuple[str, ...], row: Index, form: NDArray[np.int8], value: Floats
) -> list[Issue]:
    """Problems of rows whose values divide by nothing, or take off more than there is."""
    problems: list[Issue] = []
    for place in np.flatnonzero((form == DIVISOR).any(axis=0)):
        chosen = np.unique(row[(form[:, place] == DIVISOR) & (value[:, place] <= 0)])
        if chosen.size:
            known = TERMS[term[place]]
            issue = Issue(
                "divisor",
                "",
                f"{known.name} is 0, but emissions are divided by it.",
                f"{known.zh}（{known.name}）为 0，而排放量以其为除数。",
                "Give the measured value, above 0.",
                "请填写大于 0 的实测值。",
            )
            problems += _row_issues(rows, sites, chosen, known.name, (issue,))
    taken_off = np.where(form == TAKEN_OFF, value, 0.0).sum(axis=1)
    chosen = np.unique(row[taken_off > 1])
    if chosen.size:
        shares = [TERMS[name] for place, name in enumerate(term) if (form[:, place] == TAKEN_OFF).any()]
        issue = Issue(
            "shares",
            "",
            f"the shares that are taken off ({', '.join(share.name for share in shares)}) add up to more than 1.",
            f"扣除的比例（{'、'.join(share.zh for share in shares)}）之和大于 1。",
            "Give each as a share of the whole, such as 0.02 for 2 %.",
            "请以小数填写，如 2% 填 0.02。",
        )
        problems += _row_issues(rows, sites, chosen, shares[0].name, (issue,))
    return problems


def _oxidation_of_the_ledger(rows: Rows, sites: Sites) -> Bools:
    """Rows of processes whose oxidation rate only the sector's ledger uses."""
    sector, where = sites.sector()[rows.facility], sites.facility_text["process"][rows.facility]
    in_ledger = np.zeros(len(rows), dtype=bool)
    for name in np.unique(sector):
        in_ledger |= (sector == name) & np.isin(where, sorted(sector_accounting(str(name)).ledger_oxidation))
    return in_ledger


def _unit_scale(rows: Rows, sites: Sites, unit: Labels, of_row: Index) -> tuple[Floats, list[Issue]]:
    """Number that turns each quantity into the unit of its recipe; an output stays in the facility's unit."""
    problems: list[Issue] = []
    output_unit = sites.facility_text["output_unit"]
    codes, first = distinct(rows.code["unit"], of_row, distinct(output_unit)[0][rows.facility])
    scale = np.ones(len(first))
    for code, row in enumerate(first.tolist()):
        wanted = unit[of_row[row]] or output_unit[rows.facility[row]] or rows.unit[row]
        try:
            scale[code] = conversion_factor(str(rows.unit[row]), str(wanted))
        except UnitError as problem:
            problems += _row_issues(rows, sites, np.flatnonzero(codes == code), "unit", problem.issues)
    return np.asarray(scale[codes]), problems


def _row_issues(rows: Rows, sites: Sites, chosen: Index, column: str, issues: tuple[Issue, ...]) -> list[Issue]:
    """The issues at the first of the rows they concern, with its place in the file and the number of the others."""
    first = int(chosen[0])
    label = f"{sites.facility[rows.facility[first]]}/{rows.stream[first]}"
    more = len(chosen) - 1
    plural = f" (and {more} more rows)" if more else ""
    chinese = f"（另有 {more} 行）" if more else ""
    origin = rows.origin
    return [
        dataclasses.replace(
            issue,
            source=origin.source if origin else "activity",
            sheet=origin.sheet if origin else "",
            row=origin.rows[int(rows.place[first])] if origin else None,
            column=column,
            value=str(rows.factor[first]) if column == "factor" else "",
            message=f"{label}{plural}: {issue.message}",
            message_zh=f"{label}{chinese}：{issue.message_zh or issue.message}",
        )
        for issue in issues
    ]


__all__ = ["Component", "Kinds", "RowFactors", "Shared", "row_factors"]
