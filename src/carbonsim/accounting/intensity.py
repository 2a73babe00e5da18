"""Emissions embedded in a product, its precursors included, and where in the chain they come from.

Dimensions inside: f facility, y year, p row of the table of precursors.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.precursors import OUTSIDE, Precursors, read_precursors
from carbonsim.accounting.streams import FACILITY_TEXT, Floats, Index, places
from carbonsim.dims import exact
from carbonsim.errors import AlignmentError, InputError, Issue, did_you_mean, shorten

Basis = Literal["direct", "direct_and_electricity"]
HeatIn = Literal["direct", "indirect"]
LARGEST: Final = 1e9  # emissions a loop may pile up as a multiple of one pass; beyond it nothing leaves the loop
UNIT: Final = "tCO2e/unit of output"
UNATTRIBUTED: Final = ("unattributed_direct", "unattributed_indirect")


@exact
def product_intensity(
    inventory: xr.Dataset,
    precursors: pd.DataFrame | None,
    *,
    basis: Basis = "direct",
    bought_heat: HeatIn = "direct",
) -> xr.Dataset:
    r"""Specific embedded emissions of each facility's product, precursors included.

    Parameters
    ----------
    inventory : Dataset
        As ``build_inventory`` returns it; one facility is one production process with one product.
    precursors : DataFrame or None
        The table ``precursors``: facility, year, precursor, quantity (all that the process takes in, losses
        included), unit, from_facility, direct_intensity, indirect_intensity [tCO2e/t], source.
    basis : str
        ``direct`` leaves purchased electricity out, here and in the precursors; ``direct_and_electricity`` adds it
        as the indirect part.
    bought_heat : str
        The part to which bought heat belongs: ``direct`` as in the border adjustment, or ``indirect``, which
        ``basis="direct"`` leaves out.

    Returns
    -------
    Dataset
        Of (facility, year), in tCO2e per unit of output: ``own_direct``, ``own_indirect``, ``precursor_direct``,
        ``precursor_indirect``, ``direct_intensity``, ``indirect_intensity``, ``intensity``, which are 0 where
        ``intensity_available`` is False, because the facility has no output; in tCO2e: ``attributed_direct``,
        ``attributed_indirect`` and ``exports_not_deducted``; in units of output: ``output``, ``passed_on`` to
        facilities of the ledger that have output, ``final_output``, which is negative where ``drawn_from_stock``.
        Of (enterprise, year): ``unattributed_direct``, ``unattributed_indirect`` [tCO2e] of facilities without output.
        Of (precursor), one for each row of the table: ``specific_consumption``, ``used_direct``, ``used_indirect``
        [tCO2e per unit of precursor], ``contribution_direct``, ``contribution_indirect`` [tCO2e per unit of product]
        and ``contribution_share`` of the product's intensity.

    Raises
    ------
    InputError
        If the table of precursors is wrong (see ``read_precursors``), or a loop of facilities uses at least as much
        of its own products as it makes.

    Notes
    -----
    With the attributed emissions :math:`E_f`, the output :math:`Q_f` and the precursor masses :math:`M_{fi}`

    .. math:: x_f = \frac{1}{Q_f} \Bigl(E_f + \sum_i M_{fi} x_i\Bigr), \qquad (I - A) x = b,
       \quad A_{fi} = M_{fi} / Q_f,

    once for the direct and once for the indirect part, so chains and loops resolve in one solution.

    What a facility without output emits, or buys from outside, reaches no product and is ``unattributed``, :math:`U`.
    Nothing else is lost: over all facilities, with the precursors from outside :math:`o`,

    .. math:: \sum_f \Bigl(Q_f - \sum_g M_{gf}\Bigr) x_f + U = \sum_f E_f + \sum_o M_o x_o

    Exported electricity and heat are not deducted, even where the inventory does: the border adjustment deducts
    them by rules of their own, so the amount stands in ``exports_not_deducted``. Waste gases are as in the
    inventory: what leaves as product carbon is deducted there. By-products and scrap that enter have an intensity
    of 0 only if the table says so.

    References
    ----------
    source: eu-2025-2547 (equations 55 and 59 to 63), eu-2023-1773.
    """
    _check_choice("basis", basis, ("direct", "direct_and_electricity"))
    _check_choice("bought_heat", bought_heat, ("direct", "indirect"))
    rows = read_precursors(precursors, inventory, with_indirect=basis == "direct_and_electricity")
    attributed, exports = _attributed(inventory, basis, bought_heat)
    output = inventory["output"].transpose("facility", "year").values
    made = output > 0
    per_unit = np.where(made, 1.0, 0.0) / np.where(made, output, 1.0)
    consumption = rows.quantity * per_unit[rows.facility, rows.year]
    own = attributed * per_unit
    total = _solve(inventory, rows, own, consumption, per_unit)
    inside = rows.origin != OUTSIDE
    used = np.where(inside, total[:, rows.origin, rows.year], np.stack([rows.direct, rows.indirect]))
    passed_on = np.zeros_like(output)
    taken = inside & made[rows.facility, rows.year]
    np.add.at(passed_on, (rows.origin[taken], rows.year[taken]), rows.quantity[taken])
    lost = _unattributed(inventory, rows, np.where(made, 0.0, attributed), ~inside & ~made[rows.facility, rows.year])
    numbers = {
        **_by_part("own", own, UNIT),
        **_by_part("precursor", total - own, UNIT),
        "direct_intensity": (total[0], UNIT),
        "indirect_intensity": (total[1], UNIT),
        "intensity": (total.sum(axis=0), UNIT),
        **_by_part("attributed", attributed, "tCO2e"),
        "exports_not_deducted": (exports, "tCO2e"),
        "output": (output, "output_unit"),
        "passed_on": (passed_on, "output_unit"),
        "final_output": (output - passed_on, "output_unit"),
    }
    dims = ("facility", "year")
    data: dict[str, Any] = {name: (dims, values, {"units": unit}) for name, (values, unit) in numbers.items()}
    for name, tonnes in zip(UNATTRIBUTED, lost, strict=True):
        data[name] = (("enterprise", "year"), tonnes, {"units": "tCO2e"})
    data["intensity_available"] = (dims, made)
    data["drawn_from_stock"] = (dims, passed_on > output)
    return xr.Dataset(
        {**data, **_precursor_variables(rows, consumption, used, total)},
        coords=_coords(inventory, rows),
        attrs={"basis": basis, "bought_heat": bought_heat},
    )


def _check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        hint = did_you_mean(value, known)
        raise InputError(
            Issue(
                "intensity",
                name,
                f"'{value}' is not known; expected {' or '.join(known)}.",
                f"未知取值“{value}”，应为 {' 或 '.join(known)}。",
                hint,
            )
        )


def _by_part(name: str, values: Floats, unit: str) -> dict[str, tuple[Floats, str]]:
    """The direct and the indirect part of an array (2, f, y) as two named ones."""
    return {f"{name}_direct": (values[0], unit), f"{name}_indirect": (values[1], unit)}


def _attributed(inventory: xr.Dataset, basis: Basis, bought_heat: HeatIn) -> tuple[Floats, Floats]:
    """Direct and indirect emissions of each facility (2, f, y) [tCO2e], and its exports (f, y), not positive."""
    place = places(inventory["stream_facility"].values, inventory["facility"].values, "facilities", "inventory")
    co2e = inventory["stream_emissions_co2e"].transpose("stream", "year").values
    method, scope = inventory["method"].values, inventory["stream_scope"].values
    electricity, heat = (method == name for name in ("electricity_purchased", "heat_purchased"))

    def total(chosen: Bools) -> Floats:
        sums = np.zeros((inventory.sizes["facility"], inventory.sizes["year"]))
        np.add.at(sums, place[chosen], co2e[chosen])
        return sums

    in_direct = (scope == 1) | (heat & (bought_heat == "direct"))
    in_indirect = electricity | (heat & (bought_heat == "indirect"))
    if basis == "direct":
        in_indirect = np.zeros_like(in_indirect)
    return np.stack([total(in_direct), total(in_indirect)]), total((scope == 2) & ~electricity & ~heat)


def _unattributed(inventory: xr.Dataset, rows: Precursors, idle: Floats, outside: Bools) -> Floats:
    """Direct and indirect tonnes of each enterprise that reach no product (2, e, y).

    ``idle`` (2, f, y) is what facilities without output emit, ``outside`` (p) marks what they buy from outside.
    """
    owner = places(inventory["facility_enterprise"].values, inventory["enterprise"].values, "enterprises", "inventory")
    total = np.zeros((2, inventory.sizes["enterprise"], inventory.sizes["year"]))
    for part, own in enumerate((rows.direct, rows.indirect)):
        np.add.at(total[part], owner, idle[part])
        at = (owner[rows.facility[outside]], rows.year[outside])
        np.add.at(total[part], at, (rows.quantity * own)[outside])
    return total


def _solve(inventory: xr.Dataset, rows: Precursors, own: Floats, consumption: Floats, per_unit: Floats) -> Floats:
    """Embedded emissions of each product (2, f, y) [tCO2e/unit of output]."""
    total = own.copy()
    facilities = inventory["facility"].values
    inside = rows.origin != OUTSIDE
    for year in np.unique(rows.year).tolist():
        chosen = np.flatnonzero(rows.year == year)
        bought = chosen[~inside[chosen]]
        for part, values in enumerate((rows.direct, rows.indirect)):
            np.add.at(total[part, :, year], rows.facility[bought], consumption[bought] * values[bought])
        linked = chosen[inside[chosen] & (consumption[chosen] > 0)]
        if not linked.size:
            continue
        uses = _uses(consumption[linked], rows.facility[linked], rows.origin[linked], len(facilities))
        solved, strange = _resolve(uses, total[:, :, year], per_unit[:, year])
        if strange.any():
            raise _endless_loop(uses, strange, facilities, int(inventory["year"].values[year]))
        total[:, :, year] = solved
    return total


def _uses(consumption: Floats, user: Index, origin: Index, count: int) -> sparse.csr_array:
    """The matrix A: units of each origin's product (column) in a unit of each user's product (row)."""
    return sparse.csr_array((consumption, (user, origin)), shape=(count, count))


def _factorised(uses: sparse.csr_array) -> SuperLU:
    return splu(sparse.csc_array(sparse.eye_array(uses.shape[0]) - uses))


def _resolve(uses: sparse.csr_array, parts: Floats, per_unit: Floats) -> tuple[Floats, Bools]:
    """Solution of the linear system for both parts (2, f), and the facilities for which it means nothing (f).

    A is not negative, so the intensities are finite and not negative exactly if one positive right-hand side has a
    positive solution. The one taken is a tonne of emissions at every facility: its solution times the output has no
    unit, so a bound on it says the same for products counted in tonnes or in thousands of cubic metres.
    """
    tonne = np.where(per_unit > 0, per_unit, 1.0)
    try:
        factorised = _factorised(uses)
    except RuntimeError:  # exactly singular
        return parts, np.ones(len(tonne), dtype=bool)
    solved = factorised.solve(np.column_stack([*parts, tonne]))
    carried = solved[:, -1] / tonne
    return solved[:, :-1].T, ~((carried > 0) & (carried < LARGEST))


def _endless_loop(uses: sparse.csr_array, strange: Bools, facilities: Labels, year: int) -> InputError:
    """The refusal of facilities that use at least as much of their own products as they make."""
    _, group = connected_components(uses, directed=True, connection="strong")
    in_loop = np.bincount(group)[group] > 1
    guilty = in_loop & np.isin(group, group[strange & in_loop])
    names = shorten(facilities[guilty].tolist())
    return InputError(
        Issue(
            "precursor",
            "precursors",
            f"facilities {names} supply each other in {year} and use at least as much of their own products as they "
            "make, so no intensity exists.",
            f"设施 {names} 在 {year} 年互相供应，所用的自身产品不少于其产量，强度无解。",
            hint="Check the quantities and outputs; a return flow of scrap is an outside precursor.",
            hint_zh="请核对数量与产量；返回的废料应按外购前体填写。",
            column="quantity",
        )
    )


def _precursor_variables(rows: Precursors, consumption: Floats, used: Floats, total: Floats) -> dict[str, Any]:
    contribution = consumption * used
    whole = total.sum(axis=0)[rows.facility, rows.year]
    share = np.divide(contribution.sum(axis=0), whole, out=np.zeros(len(whole)), where=whole != 0)
    per_precursor = {"units": "tCO2e/unit of precursor"}
    return {
        "specific_consumption": ("precursor", consumption, {"units": "unit of precursor/unit of output"}),
        "used_direct": ("precursor", used[0], per_precursor),
        "used_indirect": ("precursor", used[1], per_precursor),
        "contribution_direct": ("precursor", contribution[0], {"units": UNIT}),
        "contribution_indirect": ("precursor", contribution[1], {"units": UNIT}),
        "contribution_share": ("precursor", share, {"units": "1"}),
    }


def _coords(inventory: xr.Dataset, rows: Precursors) -> dict[str, Any]:
    facility, year = inventory["facility"].values, inventory["year"].values
    of_facility = ("facility_enterprise", "facility_sector", *FACILITY_TEXT)
    return {
        "facility": facility,
        "year": year,
        "enterprise": inventory["enterprise"].values,
        **{name: ("facility", inventory[name].values) for name in of_facility},
        "precursor": rows.label,
        "precursor_name": ("precursor", rows.name),
        "precursor_facility": ("precursor", facility[rows.facility]),
        "precursor_from": ("precursor", np.where(rows.origin == OUTSIDE, "", facility[rows.origin])),
        "precursor_year": ("precursor", year[rows.year]),
        "precursor_unit": ("precursor", rows.unit),
        "precursor_source": ("precursor", rows.source),
    }


def unattributed_table(intensity: xr.Dataset) -> pd.DataFrame:
    """Tonnes that reach no product, by enterprise and year, with the facilities that have no output.

    Parameters
    ----------
    intensity : Dataset
        As ``product_intensity`` returns it.

    Returns
    -------
    DataFrame
        enterprise, year, facilities (without output, commas between them), unattributed_direct,
        unattributed_indirect [tCO2e]; only where one of them is not 0.
    """
    lost = {name: intensity[name].transpose("enterprise", "year").values for name in UNATTRIBUTED}
    who, when = np.nonzero(np.logical_or.reduce([values != 0 for values in lost.values()]))
    enterprise, owner = intensity["enterprise"].values.astype(str), intensity["facility_enterprise"].values
    made = intensity["intensity_available"].transpose("facility", "year").values
    facilities = intensity["facility"].values.astype(str)
    idle = [
        ", ".join(facilities[(owner == name) & ~made[:, year]].tolist())
        for name, year in zip(enterprise[who], when.tolist(), strict=True)
    ]
    return pd.DataFrame({
        "enterprise": enterprise[who],
        "year": intensity["year"].values[when],
        "facilities": idle,
        **{name: values[who, when] for name, values in lost.items()},
    })  # fmt: skip


def trace_to_origins(intensity: xr.Dataset, facility: str, year: int) -> pd.DataFrame:
    r"""Where the emissions in one product come from: every facility and purchase of its chain, largest first.

    Parameters
    ----------
    intensity : Dataset
        As ``product_intensity`` returns it.
    facility : str
    year : int

    Returns
    -------
    DataFrame
        origin (facility, or label of a row of outside precursors), kind (``facility`` or ``outside``), amount (units
        of the origin's product in one unit of this product, loops included), direct, indirect [tCO2e per unit of this
        product], share. The rows add up to the product's intensity.

    Raises
    ------
    AlignmentError
        If the facility or year is not there.
    InputError
        If the facility has no output in the year.

    Notes
    -----
    The amounts are :math:`y = (I - A^T)^{-1} e_f`, the transposed system of ``product_intensity``.
    """
    _check_place(intensity, facility, year)
    at = intensity.sel(year=year)
    facilities = pd.Index(at["facility"].values)
    rows = np.flatnonzero(intensity["precursor_year"].values == year)
    user = facilities.get_indexer(pd.Index(intensity["precursor_facility"].values[rows]))
    supplier = facilities.get_indexer(pd.Index(intensity["precursor_from"].values[rows]))
    consumption = intensity["specific_consumption"].values[rows]
    inside = supplier >= 0
    start = (facilities == facility).astype(float)
    supplies = _uses(consumption[inside], supplier[inside], user[inside], len(facilities))
    amount = _factorised(supplies).solve(start)
    outside = rows[~inside]
    through = amount[user[~inside]]
    found = pd.DataFrame({
        "origin": [*facilities, *intensity["precursor"].values[outside]],
        "kind": ["facility"] * len(facilities) + ["outside"] * len(outside),
        "amount": [*amount, *(through * consumption[~inside])],
        "direct": [*(amount * at["own_direct"].values), *(through * intensity["contribution_direct"].values[outside])],
        "indirect": [
            *(amount * at["own_indirect"].values), *(through * intensity["contribution_indirect"].values[outside])
        ],
    })  # fmt: skip
    whole = float(at["intensity"].sel(facility=facility))
    found["share"] = (found["direct"] + found["indirect"]) / whole if whole else 0.0
    found = found[found["amount"] > 0]
    return found.sort_values(["share", "origin"], ascending=[False, True], ignore_index=True)


def _check_place(intensity: xr.Dataset, facility: str, year: int) -> None:
    known = intensity["facility"].values.tolist()
    if facility not in known or year not in intensity["year"].values:
        years = f"{intensity['year'].values[0]}-{intensity['year'].values[-1]}"
        raise AlignmentError(
            Issue(
                "intensity",
                f"{facility} {year}",
                f"no intensity of this facility and year; the years are {years}.",
                f"没有该设施和年份的强度，年份为 {years}。",
                did_you_mean(facility, known) if facility not in known else "",
            )
        )
    if not bool(intensity["intensity_available"].sel(facility=facility, year=year)):
        raise InputError(
            Issue(
                "intensity",
                f"{facility} {year}",
                "the facility has no output in this year, so its product has no intensity.",
                "该设施当年没有产量，其产品没有强度。",
                hint="Add its row of method 'output'.",
                hint_zh="请补充方法为 output 的行。",
            )
        )
