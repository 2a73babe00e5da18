"""What measures do to pollutants beside carbon: co-benefits, trade-offs, and the plane of co-control.

Dimensions inside: o option, m measure, e enterprise, p pollutant, y year.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from carbonsim.dims import POLLUTANTS
from carbonsim.errors import InputError, shorten
from carbonsim.measures.applies import Bools, Floats, Index, Labels
from carbonsim.units import conversion_factor

NOTHING: Final = 1e-9  # tonnes; less is rounding


def co_benefit_table(
    options: xr.Dataset, inventory: xr.Dataset, grid_pollution: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """What each measure does to each pollutant at its full potential, and whether that goes with or against carbon.

    Parameters
    ----------
    options : Dataset
        As ``build_options`` returns it.
    inventory : Dataset
        The inventory the options were built on.
    grid_pollution : mapping of pollutant to float, optional
        Pollution of the electricity that the measures buy more of [kg/MWh]; without it only the site counts.

    Returns
    -------
    DataFrame
        One row a measure, pollutant and year with potential. ``carbon_cut`` [tCO2e] of scopes 1 and 2 together and
        ``pollutant_cut`` [t] at the site, positive is less, NaN where the measures table is empty (``stated`` is
        false); ``shifted`` [t] is what more is emitted for the electricity (NaN if not asked for);
        ``intensity`` [kg/tCO2e]; ``direction`` 1 where the pollutant falls, -1 where it rises, 0 where it stays;
        ``effect`` as ``effects`` names it; ``cost_per_tonne`` [CNY/t] of the pollutant if it bore the whole cost and
        the carbon came for nothing, NaN where nothing is avoided; ``carbon_base`` [tCO2e] and ``pollutant_base`` [t]
        of the enterprises concerned, NaN where one of them has no number.

    Notes
    -----
    Full potential is after overlaps: measures of one interaction group add up. Shifted pollution counts against the
    site's in ``intensity``, ``direction``, ``effect`` and ``cost_per_tonne``.
    """
    names, code = np.unique(options["option_measure"].values.astype(str), return_inverse=True)
    potential, covered = (_by_year(options, name) for name in ("inventory_potential", "potential"))
    size = np.where(covered > 0, covered, potential)
    scope1 = options["scope1_share"].values.astype(float)[:, None]
    carbon = add_up(potential * scope1 - _by_year(options, "scope2_change") * size, code, len(names))
    per_tonne = options["co_benefit"].transpose("option", "pollutant", "year").values
    avoided = add_up(per_tonne * size[:, None, :], code, len(names))
    shifted = np.full(avoided.shape, np.nan)
    if grid_pollution is not None:
        bought = add_up(_by_year(options, "electricity_change") * size, code, len(names))
        per_mwh = np.array([grid_pollution[name] for name in POLLUTANTS]) * conversion_factor("kg", "t")
        shifted = bought[:, None, :] * per_mwh[None, :, None]
    stated = np.ones((len(names), len(POLLUTANTS)), dtype=bool)
    np.logical_and.at(stated, code, options["co_benefit_available"].values)
    cost = _by_year(options, "unit_cost") * size + _by_year(options, "slope") * size**2 / 2
    has = concerned(code, len(names), options["option_enterprise"].values, inventory, np.any(size > 0, axis=1))
    return effect_table(
        names,
        inventory["year"].values,
        carbon=carbon,
        avoided=np.where(stated[:, :, None], avoided, np.nan),
        shifted=shifted,
        cost=add_up(cost, code, len(names)),
        base=bases(has, inventory),
        shown=add_up(size, code, len(names)) > 0,
    )


def co_control_coordinates(table: pd.DataFrame, weights: Mapping[str, float]) -> pd.DataFrame:
    r"""Points of the plane of co-control: pollution avoided in equivalents across, carbon avoided upwards.

    Parameters
    ----------
    table : DataFrame
        As ``co_benefit_table`` or ``end_of_pipe_table`` return it, or both one below the other.
    weights : mapping of pollutant to float
        Mass that counts as one pollution equivalent [kg], as ``accounting.pollutant_factors.equivalent_weights`` says.

    Returns
    -------
    DataFrame
        One row a measure and year: ``carbon_cut`` [tCO2e], ``equivalent_cut`` [equivalents] with ``stated`` false and
        NaN unless every weighted pollutant is stated; ``quadrant`` 1 both fall, 2 carbon falls and pollution rises,
        3 both rise, 4 pollution falls and carbon rises, 0 on an axis, missing if unknown; ``elasticity`` [1], per cent
        of pollution avoided for each per cent of carbon, NaN without a base; ``cost_per_equivalent`` [CNY].

    Raises
    ------
    InputError
        If a measure is in the table twice.

    Notes
    -----
    .. math:: x = \sum_p 1000 \, \Delta E_p / w_p, \quad els = \frac{x / X}{\Delta C / C}

    Shifted pollution counts where the table holds it.
    """
    doubled = table["measure"][table.duplicated(["measure", "pollutant", "year"])].unique().tolist()
    if doubled:
        raise InputError(f"measures {shorten(doubled)} are in the table twice. Give each its own name.")
    weight = table["pollutant"].map(dict(weights))
    frame = table[weight.notna()].copy()
    per_tonne = conversion_factor("t", "kg") / weight[weight.notna()]
    net = frame["pollutant_cut"] - frame["shifted"].fillna(0.0)
    frame["equivalent_cut"], frame["equivalent_base"] = net * per_tonne, frame["pollutant_base"] * per_tonne
    key = ["measure", "year"]
    points = frame.drop_duplicates(key).set_index(key)[["carbon_cut", "carbon_base", "cost"]].sort_index()
    total = frame.groupby(key)[["equivalent_cut", "equivalent_base"]].sum(min_count=frame["pollutant"].nunique())
    points = points.join(total).reset_index()
    carbon, pollution = points["carbon_cut"].to_numpy(), points["equivalent_cut"].to_numpy()
    points["stated"] = ~np.isnan(pollution) & ~np.isnan(carbon)
    points["quadrant"] = _quadrants(pollution, carbon)
    share, carbon_share = pollution / points["equivalent_base"], carbon / points["carbon_base"]
    points["elasticity"] = _ratio(share.to_numpy(), carbon_share.to_numpy(), carbon != 0)
    points["cost_per_equivalent"] = _ratio(points["cost"].to_numpy(), pollution, pollution > NOTHING)
    return points[
        ["measure", "year", "carbon_cut", "equivalent_cut", "stated", "quadrant", "elasticity", "cost_per_equivalent"]
    ]


def _quadrants(across: Floats, up: Floats) -> pd.arrays.IntegerArray:
    """Quadrant 1 to 4, anticlockwise from both positive; 0 on an axis, missing where one is NaN."""
    x, y = np.sign(_rounded(across)), np.sign(_rounded(up))
    conditions = [(x > 0) & (y > 0), (x < 0) & (y > 0), (x < 0) & (y < 0), (x > 0) & (y < 0)]
    quadrant = np.select(conditions, [1, 2, 3, 4], default=0).astype(np.int64)
    return pd.arrays.IntegerArray(quadrant, mask=np.isnan(x) | np.isnan(y))


def effects(carbon_cut: Floats, pollutant_cut: Floats) -> Labels:
    """Whether a pollutant goes with carbon or against it.

    Parameters
    ----------
    carbon_cut : array [tCO2e]
        Positive is less; NaN unknown.
    pollutant_cut : array [t]
        Positive is less; NaN unknown.

    Returns
    -------
    array of str
        ``unknown`` if one is not known; ``neutral`` if the pollutant stays; ``co-benefit`` if both fall; ``trade-off``
        if one falls and the other rises; ``joint rise`` if both rise; ``one-sided`` if the pollutant moves alone.

    Examples
    --------
    >>> effects(np.array([1.0, 1.0, -1.0, 1.0]), np.array([0.1, -0.1, 0.1, np.nan])).tolist()
    ['co-benefit', 'trade-off', 'trade-off', 'unknown']
    """
    carbon, pollutant = np.broadcast_arrays(_rounded(carbon_cut), _rounded(pollutant_cut))
    conditions = [
        np.isnan(carbon) | np.isnan(pollutant),
        pollutant == 0,
        carbon == 0,
        (carbon > 0) & (pollutant > 0),
        (carbon < 0) & (pollutant < 0),
    ]
    names = ["unknown", "neutral", "one-sided", "co-benefit", "joint rise"]
    return np.asarray(np.select(conditions, names, default="trade-off"))


def pollutants_after(
    before: Floats, known: Bools, use: Floats, *, co_benefit: Floats, stated: Bools, owner: Index
) -> Floats:
    """Pollutants of enterprises after the measures in use, NaN where they are not known.

    Parameters
    ----------
    before : array [t] (e, p, y)
        Baseline emissions.
    known : array of bool (e, p)
        Where the baseline is known.
    use : array [tCO2e] (o, y)
        Tonnes that each option abates.
    co_benefit : array [t/tCO2e] (o, p, y)
        Pollution avoided for each of them, where ``stated`` (o, p).
    stated : array of bool (o, p)
    owner : array of int (o)
        Place of each option's enterprise.

    Returns
    -------
    array [t] (e, p, y)
        NaN where the baseline is unknown, or an option is in use whose effect on the pollutant nobody stated.

    Examples
    --------
    >>> change = {"co_benefit": np.zeros((1, 1, 2)), "stated": np.array([[False]]), "owner": np.array([0])}
    >>> pollutants_after(np.full((1, 1, 2), 5.0), np.array([[True]]), np.array([[0.0, 3.0]]), **change).tolist()
    [[[5.0, nan]]]
    """
    avoided = np.zeros(before.shape)
    np.add.at(avoided, owner, np.where(stated[:, :, None], co_benefit, 0.0) * use[:, None, :])
    unsaid = np.zeros(before.shape, dtype=bool)
    np.logical_or.at(unsaid, owner, ~stated[:, :, None] & (use > NOTHING)[:, None, :])
    return np.where(known[:, :, None] & ~unsaid, before - avoided, np.nan)


def _by_year(options: xr.Dataset, name: str) -> Floats:
    return np.asarray(options[name].transpose("option", "year").values, dtype=float)


def add_up(values: Floats, code: NDArray[np.intp], count: int) -> Floats:
    """Sums of ``values`` over their first axis, by code."""
    total = np.zeros((count, *values.shape[1:]))
    np.add.at(total, code, values)
    return total


def _rounded(values: Floats) -> Floats:
    """Values with those that are rounding set to zero; NaN stays."""
    array = np.asarray(values, dtype=float)
    return np.where(np.abs(array) <= NOTHING, 0.0, array)


def _ratio(top: Floats, bottom: Floats, where: Bools) -> Floats:
    result = np.full(np.shape(top), np.nan)
    return np.asarray(np.divide(top, bottom, out=result, where=np.asarray(where) & (np.asarray(bottom) != 0)))


def concerned(code: Index, count: int, enterprise: Labels, inventory: xr.Dataset, acts: Bools) -> Bools:
    """Enterprises (m, e) at which a measure has something to do."""
    place = pd.Index(inventory["enterprise"].values).get_indexer(pd.Index(enterprise))
    has = np.zeros((count, inventory.sizes["enterprise"]), dtype=bool)
    has[code[acts], place[acts]] = True
    return has


def bases(has: Bools, inventory: xr.Dataset) -> tuple[Floats, Floats]:
    """Carbon of scopes 1 and 2 (m, y) and pollutants (m, p, y), NaN where one is unknown, of enterprises (m, e)."""
    carbon = inventory["emissions_co2e"].transpose("enterprise", "year").values
    carbon = carbon + inventory["scope2_location"].transpose("enterprise", "year").values
    pollutants = inventory["pollutant_emissions"].transpose("enterprise", "pollutant", "year").values
    unknown = has.astype(float) @ ~inventory["pollutant_available"].transpose("enterprise", "pollutant").values
    total = np.einsum("me,epy->mpy", has.astype(float), pollutants)
    return has @ carbon, np.where((unknown > 0)[:, :, None], np.nan, total)


def effect_table(
    names: Labels,
    years: NDArray[np.int64],
    *,
    carbon: Floats,
    avoided: Floats,
    shifted: Floats,
    cost: Floats,
    base: tuple[Floats, Floats],
    shown: Bools,
) -> pd.DataFrame:
    """One row a measure, pollutant and year that is ``shown`` (m, y); arrays (m, y), with pollutants (m, p, y)."""
    net = avoided - np.nan_to_num(shifted)
    shape = avoided.shape
    place = np.broadcast_to(shown[:, None, :], shape)

    def flat(values: Floats | NDArray[np.generic]) -> NDArray[np.generic]:
        wide = values[:, None, :] if values.ndim == 2 else values
        return np.broadcast_to(wide, shape)[place]

    carbon_all, cost_all = np.broadcast_to(carbon[:, None, :], shape), np.broadcast_to(cost[:, None, :], shape)
    intensity = _ratio(net * conversion_factor("t", "kg"), carbon_all, np.abs(carbon_all) > NOTHING)
    sign = np.nan_to_num(np.sign(_rounded(net))).astype(np.int64)
    direction = pd.arrays.IntegerArray(sign[place], mask=np.isnan(net)[place])
    return pd.DataFrame(
        {
            "measure": flat(np.broadcast_to(names[:, None, None], shape)),
            "pollutant": flat(np.broadcast_to(np.array(POLLUTANTS)[None, :, None], shape)),
            "year": flat(np.broadcast_to(years[None, None, :], shape)),
            "carbon_cut": flat(carbon),
            "pollutant_cut": flat(avoided),
            "stated": ~np.isnan(avoided)[place],
            "shifted": flat(shifted),
            "intensity": flat(intensity),
            "direction": direction,
            "effect": flat(effects(carbon_all, net)),
            "cost": flat(cost),
            "cost_per_tonne": flat(_ratio(cost_all, net, net > NOTHING)),
            "carbon_base": flat(base[0]),
            "pollutant_base": flat(base[1]),
        }
    )
