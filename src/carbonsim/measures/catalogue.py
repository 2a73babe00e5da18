"""The options of a study: every measure at every facility it applies to, made additive.

Numbers of dimensions inside: o option, s stream, p pair of both, y year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr

from carbonsim.dims import POLLUTANTS, exact
from carbonsim.errors import InputError, shorten
from carbonsim.inputs.scenario import Scenario
from carbonsim.measures.applies import Bools, Catalogue, Floats, Index, Labels, Pairs, match, read_catalogue
from carbonsim.measures.costing import annuity_unit_cost
from carbonsim.measures.interactions import check_shares, efficient_frontier, per_tonne_of_step, residual_before
from carbonsim.units import conversion_factor

PRICE_INDEX: Final = "outlook.price_index"
COST_COLUMNS: Final = ("capex", "opex", "saving", "lifetime")


@dataclass(frozen=True, slots=True)
class _Options:
    """Options taken alone, arrays of shape (o) in money of the study: share cut at full use, cost, rise of the cost.

    ``group`` (p) numbers the pairs that share a stream within an interaction group.
    """

    catalogue: Catalogue
    pairs: Pairs
    share: Floats
    cost: Floats
    rise: Floats
    capex: Floats
    group: Index


@dataclass(frozen=True, slots=True)
class _Additive:
    """Options after overlaps, (o, y): covered and whole abatement at full use, unit cost.

    ``smaller`` is the place of the alternative that a step starts from, -1 where it starts from nothing.
    """

    covered: Floats
    whole: Floats
    cost: Floats
    smaller: Index


@exact
def build_options(scenario: Scenario, inventory: xr.Dataset) -> xr.Dataset:
    r"""What each facility could abate in each year and at what cost, as additive step or linear options.

    Parameters
    ----------
    scenario : Scenario
        Its measures table; ``discount_rate`` of the enterprises.
    inventory : Dataset
        As ``build_inventory`` returns it: baseline emissions by stream.

    Returns
    -------
    Dataset (option, year)
        ``potential`` [tCO2e/yr] of covered emissions, 0 where a measure moves only the inventory;
        ``inventory_potential`` [tCO2e/yr], scope 1 or 2 as ``scope1_share`` (1 or 0) says; ``unit_cost`` [CNY/tCO2e]
        of the first tonne; ``slope`` [CNY/tCO2e per tCO2e], so that :math:`MAC(x) = unit\_cost + slope \cdot x`;
        ``scope2_change`` [tCO2e/tCO2e] and ``electricity_change`` [MWh/tCO2e], positive is more; ``co_benefit``
        (option, pollutant, year) [t/tCO2e], positive is pollution avoided, where ``co_benefit_available`` (option,
        pollutant); ``investment`` (option) [CNY per tCO2e/yr] where ``investment_available``.

    Raises
    ------
    InputError
        If a measure lacks costs, is in money of another year, or measures cut more of a stream than there is.

    Notes
    -----
    Measures of one ``interaction_group`` act on one stream in merit order (mean unit cost at full use): what is left
    for a measure is the baseline times the product of one minus the shares before it. Members of an
    ``exclusion_group`` become the steps of their efficient frontier, in cost and in what comes with a tonne. Without a
    group measures are independent, and cutting more than there is raises. Before ``available_from`` the potential is
    zero. Streams that are a net sink leave nothing to cut.
    """
    catalogue = read_catalogue(scenario.tables["measures"])
    pairs = match(catalogue, inventory)
    _check_exclusion(catalogue)
    money = _deflator(scenario, catalogue)[pairs.measure]
    taken = _Options(
        catalogue=catalogue,
        pairs=pairs,
        share=(catalogue.numbers["reduction"] * catalogue.numbers["max_penetration"])[pairs.measure],
        cost=_cost_alone(scenario, catalogue, pairs, inventory) * money,
        rise=np.nan_to_num(catalogue.numbers["slope"])[pairs.measure] * money,
        capex=catalogue.numbers["capex"][pairs.measure] * money,
        group=_groups(catalogue, pairs),
    )
    return _dataset(scenario, inventory, taken, _additive(inventory, taken))


def _additive(inventory: xr.Dataset, taken: _Options) -> _Additive:
    """Options made additive: potential and whole abatement (o, y) and unit cost (o, y) after overlaps."""
    years = inventory["year"].values
    measure = taken.pairs.measure
    covered, whole, unit_cost = (np.zeros((len(measure), len(years))) for _ in range(3))
    smaller = np.full(covered.shape, -1, dtype=np.intp)
    available = years[None, :] >= taken.catalogue.numbers["available_from"][measure][:, None]
    moves = taken.catalogue.texts["moves"][measure]
    labels = inventory["stream"].values
    # A loop over the few spans of years in which the same measures are available.
    for columns in _spans(available):
        cost, multiplier, start = _steps(taken, available[:, columns[0]])
        unit_cost[:, columns], smaller[:, columns] = cost[:, None], start[:, None]
        order = cost + taken.rise / 2
        for target, kind, emissions in (
            (covered, "covered", inventory["stream_covered_emissions"].values),
            (whole, "inventory", inventory["stream_emissions_co2e"].values),
        ):
            left = np.where((moves == kind) | (moves == "both"), multiplier, 1.0)
            cut = _cut_share(taken, left, order, labels)
            amount = np.zeros((len(measure), len(columns)))
            np.add.at(amount, taken.pairs.option, cut * emissions[taken.pairs.stream][:, columns])
            target[:, columns] = np.maximum(amount, 0.0)
    return _Additive(covered, whole, unit_cost, smaller)


def _cost_alone(scenario: Scenario, catalogue: Catalogue, pairs: Pairs, inventory: xr.Dataset) -> Floats:
    """Cost of a tonne of each option (o) in its own price year: given, or the annuity at the enterprise's rate."""
    given = catalogue.numbers["unit_cost"][pairs.measure]
    terms = {name: catalogue.numbers[name][pairs.measure] for name in COST_COLUMNS}
    complete = ~np.isnan(terms["capex"]) & ~np.isnan(terms["lifetime"])
    no_capex = np.isnan(terms["capex"]) & ~(np.isnan(terms["opex"]) & np.isnan(terms["saving"]))
    without = np.flatnonzero(np.isnan(given) & ~complete & ~no_capex)
    if without.size:
        names = sorted(set(catalogue.measure[pairs.measure[without]].tolist()))
        raise InputError(
            f"measures {shorten(names)} have no cost. Give unit_cost, or capex with lifetime, opex and saving; "
            "a cost that is not known is an assumption to be written down."
        )
    rates = scenario.tables["enterprises"].set_index("enterprise")["discount_rate"].astype(float)
    rate = rates.reindex(inventory["facility_enterprise"].values[pairs.facility]).to_numpy(dtype=float)
    capex, opex, saving = (np.nan_to_num(terms[name]) for name in ("capex", "opex", "saving"))
    lifetime = np.where(np.isnan(terms["lifetime"]), 1.0, terms["lifetime"])
    annuity = annuity_unit_cost(capex, opex, saving, lifetime, rate)
    return np.where(np.isnan(given), annuity, given)


def _deflator(scenario: Scenario, catalogue: Catalogue) -> Floats:
    """Number that turns money of each measure's price year into money of the study's (measure)."""
    price_year = catalogue.numbers["price_year"]
    other = np.flatnonzero(price_year != scenario.price_year)
    scale = np.ones(len(catalogue))
    if not other.size:
        return scale
    if PRICE_INDEX not in scenario.parameters:
        raise InputError(
            f"measures {shorten(catalogue.measure[other].tolist())} are not in money of {scenario.price_year}. "
            f"Convert them, or add the parameter {PRICE_INDEX} (index of prices by year)."
        )
    index = scenario.parameters.series(PRICE_INDEX, [scenario.price_year, *price_year[other].astype(int).tolist()])
    scale[other] = index[0] / index[1:]
    return scale


def _check_exclusion(catalogue: Catalogue) -> None:
    """Members of an exclusion group must be steps on the same streams."""
    group = catalogue.texts["exclusion_group"]
    sloped = sorted(set(group[np.nan_to_num(catalogue.numbers["slope"]) != 0].tolist()) - {""})
    if sloped:
        raise InputError(
            f"exclusion groups {shorten(sloped)} hold measures with a slope; alternatives are steps. Leave it empty."
        )
    for name in sorted(set(group.tolist()) - {""}):
        members = np.flatnonzero(group == name)
        for column in ("acts_on", "moves", "interaction_group"):
            values = sorted(set(catalogue.texts[column][members].tolist()))
            if len(values) > 1:
                raise InputError(
                    f"exclusion group '{name}' mixes {column} {shorten([value or '(empty)' for value in values])}. "
                    "Alternatives act on the same streams in the same way."
                )


def _spans(available: Bools) -> list[Index]:
    """Columns of years, grouped by which options are available."""
    codes = np.unique(available, axis=1, return_inverse=True)[1].ravel() if available.size else np.zeros(0, dtype=int)
    return [np.flatnonzero(codes == code) for code in range(int(codes.max(initial=-1)) + 1)]


def _steps(taken: _Options, on: Bools) -> tuple[Floats, Floats, Index]:
    """Unit cost, residual multiplier and start of each option (o), alternatives as the steps of their frontier."""
    cost, multiplier = taken.cost.copy(), np.where(on, 1 - taken.share, 1.0)
    smaller = np.full(cost.shape, -1, dtype=np.intp)
    group = taken.catalogue.texts["exclusion_group"][taken.pairs.measure]
    chosen = np.flatnonzero((group != "") & on)
    multiplier[chosen] = 1.0
    facility = taken.pairs.facility
    chosen = chosen[np.lexsort((group[chosen], facility[chosen]))]
    bounds = np.flatnonzero((np.diff(facility[chosen]) != 0) | (group[chosen][1:] != group[chosen][:-1])) + 1
    # A loop over facilities: each has its own alternatives, and its own cost of capital in their costs.
    for members in np.split(chosen, bounds):
        frontier = efficient_frontier(taken.share[members], taken.cost[members])
        kept = members[frontier.kept]
        cost[kept], multiplier[kept] = frontier.unit_cost, frontier.multiplier
        smaller[kept[1:]] = kept[:-1]
    return cost, multiplier, smaller


def _cut_share(taken: _Options, multiplier: Floats, order: Floats, labels: Labels) -> Floats:
    """Share of its stream that each pair (p, 1) cuts at full use, in merit order within its interaction group."""
    left = multiplier[taken.pairs.option][:, None]
    cut = residual_before(left, taken.group, order[taken.pairs.option]) * (1 - left)
    total = np.zeros((len(labels), 1))
    np.add.at(total, taken.pairs.stream, cut)
    check_shares(total, labels)
    return cut


def _groups(catalogue: Catalogue, pairs: Pairs) -> Index:
    """Number of the interaction group of each pair (p): same stream and same group; without one, a group of its own.

    Alternatives without an interaction group still share the stream among themselves: their steps add up.
    """
    interaction = np.unique(catalogue.texts["interaction_group"], return_inverse=True)
    exclusion = np.unique(catalogue.texts["exclusion_group"], return_inverse=True)
    of_measure = np.where(interaction[0][interaction[1]] != "", interaction[1], -1)
    alternative = np.where(exclusion[0][exclusion[1]] != "", len(interaction[0]) + exclusion[1], -1)
    shared = np.where(of_measure >= 0, of_measure, alternative)[pairs.measure]
    own = len(interaction[0]) + len(exclusion[0]) + np.arange(len(pairs.measure))
    group = np.where(shared >= 0, shared, own)[pairs.option]
    span = int(group.max(initial=0)) + 1
    return np.asarray(np.unique(pairs.stream * span + group, return_inverse=True)[1].ravel(), dtype=np.intp)


def _dataset(scenario: Scenario, inventory: xr.Dataset, taken: _Options, result: _Additive) -> xr.Dataset:
    money = f"CNY{scenario.price_year}"
    catalogue, pairs = taken.catalogue, taken.pairs
    by_year = ("option", "year")
    # Full use of an option is its covered potential, or what it does to the inventory if nothing of it is covered.
    full = np.where(result.covered > 0, result.covered, result.whole)
    slope = np.where(full > 0, taken.rise[:, None] / np.where(full > 0, full, 1.0), 0.0)
    avoided, stated = _co_benefit(taken, result)
    scope1 = np.zeros(len(pairs.measure))
    scope1[pairs.option] = inventory["stream_scope"].values[pairs.stream] == 1
    electricity = np.nan_to_num(catalogue.numbers["electricity_change"][pairs.measure])
    electricity = per_tonne_of_step(electricity[:, None], taken.share, result.smaller)[:, 0, :]
    data = {
        "potential": (by_year, result.covered, {"units": "tCO2e/yr"}),
        "inventory_potential": (by_year, result.whole, {"units": "tCO2e/yr"}),
        "unit_cost": (by_year, result.cost, {"units": f"{money}/tCO2e"}),
        "slope": (by_year, slope, {"units": f"{money}/tCO2e per tCO2e"}),
        "scope1_share": ("option", scope1, {"units": "1"}),
        "scope2_change": (by_year, _scope2_change(scenario, electricity, scope1, inventory), {"units": "tCO2e/tCO2e"}),
        "electricity_change": (by_year, electricity, {"units": "MWh/tCO2e"}),
        "co_benefit": (("option", "pollutant", "year"), avoided, {"units": "t/tCO2e"}),
        "co_benefit_available": (("option", "pollutant"), stated),
        "investment": ("option", np.nan_to_num(taken.capex), {"units": f"{money} per tCO2e/yr"}),
        "investment_available": ("option", ~np.isnan(taken.capex)),
    }
    attrs = {"price_year": scenario.price_year, "unmatched_measures": ", ".join(pairs.unmatched)}
    return xr.Dataset(data, coords=_coords(catalogue, pairs, inventory), attrs=attrs)


def _co_benefit(taken: _Options, result: _Additive) -> tuple[Floats, Bools]:
    """Pollution avoided [t/tCO2e] (o, p, y), and whether the table states it (o, p), of a step also for its start.

    The table gives the change, negative where there is less pollution; what it leaves empty is 0 under the mask.
    """
    numbers, measure = taken.catalogue.numbers, taken.pairs.measure
    change = np.column_stack([numbers[f"{name.lower()}_change"][measure] for name in POLLUTANTS])
    stated = ~np.isnan(change)
    for column in range(result.smaller.shape[1]):
        start = result.smaller[:, column]
        stated &= (start < 0)[:, None] | ~np.isnan(change[start])
    avoided = -np.where(np.isnan(change), 0.0, change) * conversion_factor("kg", "t")
    step = per_tonne_of_step(avoided, taken.share, result.smaller)
    return np.where(stated[:, :, None], step, 0.0), stated


def _scope2_change(scenario: Scenario, electricity: Floats, scope1: Floats, inventory: xr.Dataset) -> Floats:
    """Change of scope 2 for each tonne abated (o, y): more electricity bought, or purchased energy avoided."""
    years = inventory["year"].values.tolist()
    grid = np.zeros(len(years))
    if electricity.any():
        grid = scenario.parameters.series("outlook.grid_factor", years)
    return np.asarray(electricity * grid - (1 - scope1)[:, None])


def _coords(catalogue: Catalogue, pairs: Pairs, inventory: xr.Dataset) -> dict[str, tuple[str, Labels]]:
    facility = inventory["facility"].values[pairs.facility]
    measure = catalogue.measure[pairs.measure]
    label = np.char.add(np.char.add(facility, "/"), measure) if measure.size else np.empty(0, dtype="U1")
    texts = {name: catalogue.texts[name][pairs.measure] for name in ("moves", "stage", "acts_on", "basis", "source")}
    coords: dict[str, tuple[str, Labels]] = {
        "option": ("option", label),
        "option_facility": ("option", facility),
        "option_enterprise": ("option", inventory["facility_enterprise"].values[pairs.facility]),
        "option_sector": ("option", inventory["facility_sector"].values[pairs.facility]),
        "option_measure": ("option", measure),
        "option_stage": ("option", texts["stage"]),
        "option_acts_on": ("option", texts["acts_on"]),
        "option_basis": ("option", texts["basis"]),
        "option_source": ("option", texts["source"]),
        "moves": ("option", texts["moves"]),
        "year": ("year", inventory["year"].values),
        "pollutant": ("pollutant", np.array(POLLUTANTS)),
    }
    return coords
