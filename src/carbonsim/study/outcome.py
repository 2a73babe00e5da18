"""From a cleared market back to enterprises: adoption, emissions, costs and transfers of one scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from carbonsim.inputs.scenario import Scenario
from carbonsim.market import Market
from carbonsim.measures.co_benefits import pollutants_after
from carbonsim.study.adoption import add_up, anticipated, entry_positions, no_regret, option_cost, rows_of
from carbonsim.study.assemble import Assembly
from carbonsim.study.incentives import benchmark_gap, signal_at_solution
from carbonsim.units import conversion_factor

Array = NDArray[np.float64]
Parts = dict[str, tuple[tuple[str, ...], NDArray[Any]]]
ROW = ("enterprise", "year")
ENTERPRISE_COORDS = ("sector", "place", "chain", "ecosystem", "kind", "entities", "name_zh", "name_en")
FINANCES = ("revenue", "value_added", "ebit", "product_price", "jobs")


def build_outcome(
    scenario: Scenario,
    inventory: xr.Dataset,
    options: xr.Dataset,
    assembly: Assembly,
    market: Market,
    announced: NDArray[np.int_],
) -> xr.Dataset:
    """Everything one scenario's run says of its enterprises, options and years.

    Parameters
    ----------
    scenario : Scenario
    inventory, options : Dataset
        From the accounting and measures rooms.
    assembly : Assembly
        The market problem and its rows.
    market : Market
        Its answer.
    announced : array of int (enterprise,)
        Year in which the entry of each row's sector became known.

    Returns
    -------
    Dataset
        Tonnes of CO2e, allowances and CNY of the study's price year over (enterprise, year), (option, year), year.
        Cost is above zero; ``net_purchase`` and ``allowance_cost`` are above zero for a buyer. Resource cost
        (``abatement_cost``) and transfers (``allowance_cost``, ``penalty_cost``) stand apart.
    """
    local = inventory.sel(enterprise=assembly.enterprise)
    chosen = options.isel(option=rows_of(options["option_enterprise"], assembly.enterprise) >= 0)
    signal = signal_at_solution(assembly, market)
    felt = assembly.share * np.nan_to_num(signal["phi"])
    used = _adopt(scenario, chosen, assembly, market, announced=announced, felt=felt)
    parts = _year_values(assembly, market)
    parts |= _option_values(chosen, used)
    owner = rows_of(chosen["option_enterprise"], assembly.enterprise)
    parts |= _emission_values(local, chosen, used, owner, assembly, market)
    parts |= {name: (ROW, values) for name, values in signal.items()}
    parts |= _money_values(scenario, local, chosen, used, owner, assembly, market, signal)
    parts["announced"] = (("enterprise",), announced)
    parts |= {name: (ROW, values) for name, values in benchmark_gap(assembly, market).items()}
    outcome = xr.Dataset(
        parts,
        coords={
            "enterprise": assembly.enterprise,
            "year": list(scenario.years),
            "option": chosen["option"].values.astype(str),
            "pollutant": local["pollutant"].values.astype(str),
            **{name: ("enterprise", local[name].values) for name in ENTERPRISE_COORDS},
            **{name: ("option", chosen[name].values.astype(str)) for name in
               ("option_enterprise", "option_facility", "option_measure", "option_basis")},
        },
    )  # fmt: skip
    return outcome


def _array(dataset: xr.Dataset, name: str, first: str) -> Array:
    return np.asarray(dataset[name].transpose(first, ...).values, dtype=float)


def _adopt(
    scenario: Scenario,
    chosen: xr.Dataset,
    assembly: Assembly,
    market: Market,
    *,
    announced: NDArray[np.int_],
    felt: Array,
) -> dict[str, Array]:
    """Share of every option in use, (option, year): by the market, by self-interest, ahead of entry.

    ``felt`` is the share of the price that each enterprise feels in each year; what is prepared for is its first year
    above zero, since a year in which allowances equal emissions gives no reason to act.
    """
    covered = _array(chosen, "potential", "option")
    inventory = _array(chosen, "inventory_potential", "option")
    size = np.where(covered > 0, covered, inventory)
    alone = no_regret(_array(chosen, "unit_cost", "option"), _array(chosen, "slope", "option"), size)
    adoption = alone.copy()
    problem = assembly.problem
    place = {name: row for row, name in enumerate(chosen["option"].values.astype(str))}
    rows = np.array([place[name] for name in problem.options.label], dtype=int)
    abated = market.dataset["option_abatement"].transpose("option", "year").values
    potential = problem.options.potential
    decided = np.divide(abated, potential, out=np.zeros_like(abated), where=potential > 0)
    adoption[rows] = np.where(potential > 0, decided, adoption[rows])
    owner = rows_of(chosen["option_enterprise"], assembly.enterprise)
    outside = assembly.share[owner] == 0
    ahead = anticipated(
        scenario, adoption, enterprise=owner, entry=entry_positions(felt), announced=announced,
        available=(size > 0) & outside,
    )  # fmt: skip
    return {"share": ahead, "ahead": np.maximum(ahead - adoption, 0.0), "size": size, "alone": alone}


def _year_values(assembly: Assembly, market: Market) -> Parts:
    """Price, supply and bank of the whole market."""
    found = market.dataset
    years = len(assembly.problem.year)
    names = {
        "allowance_price": "allowance_price", "price_low": "price_low", "price_high": "price_high",
        "price_basis": "price_basis", "bank": "bank", "supply_offset": "offsets_used",
        "supply_penalty": "penalty_tonnes", "unsold": "unsold",
    }  # fmt: skip
    values: Parts = {ours: (("year",), np.asarray(found[theirs].values)) for ours, theirs in names.items()}
    floor = next((step.price for step in assembly.problem.steps if step.kind == "floor"), np.full(years, np.nan))
    ceiling = next((step.price for step in assembly.problem.steps if step.kind == "ceiling"), np.full(years, np.nan))
    reserve = found["reserve_sold"]
    extra = [dim for dim in reserve.dims if dim != "year"]
    auctioned = found["sold_auction"].values
    return values | {
        "price_floor": (("year",), np.array(floor)),
        "price_ceiling": (("year",), np.array(ceiling)),
        "supply_free": (("year",), found["free_allocation"].sum("enterprise").values),
        "supply_auction": (("year",), np.asarray(auctioned)),
        "supply_reserve": (("year",), (reserve.sum(extra) if extra else reserve).values + found["ceiling_sold"].values),
        "surrender": (("year",), found["obligation"].sum("enterprise").values),
    }


def _option_values(chosen: xr.Dataset, used: Mapping[str, Array]) -> Parts:
    unit_cost, slope = _array(chosen, "unit_cost", "option"), _array(chosen, "slope", "option")
    tonnes = used["share"] * used["size"]
    dims = ("option", "year")
    return {
        "option_adoption": (dims, used["share"]),
        "option_abatement": (dims, used["share"] * _array(chosen, "potential", "option")),
        "option_potential": (dims, _array(chosen, "potential", "option")),
        "option_unit_cost": (dims, unit_cost),
        "option_slope": (dims, slope),
        "option_cost": (dims, option_cost(unit_cost, slope, tonnes)),
    }


def _emission_values(
    local: xr.Dataset,
    chosen: xr.Dataset,
    used: Mapping[str, Array],
    owner: NDArray[np.int_],
    assembly: Assembly,
    market: Market,
) -> Parts:
    """Inventory, scope 2, covered and pollutant emissions before and after, (enterprise, year)."""
    count = len(assembly.enterprise)
    share = used["share"]
    scope1 = np.asarray(chosen["scope1_share"].values, dtype=float)[:, None]
    direct = share * _array(chosen, "inventory_potential", "option") * scope1
    scope2 = share * _array(chosen, "scope2_change", "option") * used["size"]
    covered = share * _array(chosen, "potential", "option")
    baseline = _covered_baseline(assembly, local)
    abated = add_up(covered, owner, count)
    polluted = pollutants_after(
        local["pollutant_emissions"].transpose("enterprise", "pollutant", "year").values,
        local["pollutant_available"].transpose("enterprise", "pollutant").values.astype(bool),
        share * used["size"],
        co_benefit=chosen["co_benefit"].transpose("option", "pollutant", "year").values,
        stated=chosen["co_benefit_available"].transpose("option", "pollutant").values.astype(bool),
        owner=owner,
    )
    before = _array(local, "emissions_co2e", "enterprise")
    return {
        "baseline_inventory_emissions": (ROW, before),
        "inventory_emissions": (ROW, before - add_up(direct, owner, count)),
        "scope2_emissions": (ROW, _array(local, "scope2_location", "enterprise") + add_up(scope2, owner, count)),
        "baseline_covered_emissions": (ROW, baseline),
        "covered_emissions": (ROW, baseline - abated),
        "abatement": (ROW, abated),
        "anticipatory_abatement": (ROW, add_up(used["ahead"] * _array(chosen, "potential", "option"), owner, count)),
        "pollutant_emissions": (("enterprise", "pollutant", "year"), polluted),
        "obligation_share": (ROW, assembly.share),
        "obligation": (ROW, market.dataset["obligation"].transpose(*ROW).values),
        "free_allocation": (ROW, market.dataset["free_allocation"].transpose(*ROW).values),
        "net_purchase": (ROW, market.dataset["net_purchase"].transpose(*ROW).values),
        "baseline_obligation": (ROW, assembly.share * baseline),
        "baseline_free_allocation": (ROW, _baseline_allocation(assembly)),
    }


def _covered_baseline(assembly: Assembly, local: xr.Dataset) -> Array:
    """Covered emissions before abatement of every row, response terms included."""
    inside = rows_of(local["facility_enterprise"], assembly.enterprise)
    covered = _array(local, "covered_emissions", "facility")
    return add_up(covered[inside >= 0], inside[inside >= 0], len(assembly.enterprise))


def _baseline_allocation(assembly: Assembly) -> Array:
    """Free allocation at emissions before abatement, times the obligation share."""
    place = {str(name): row for row, name in enumerate(assembly.enterprise)}
    amount = np.zeros_like(assembly.share)
    for (_, year), allocation in assembly.allocations.items():
        rows = np.array([place[name] for name in allocation.enterprise], dtype=int)
        np.add.at(amount[:, assembly.problem.year.index(year)], rows, allocation.amount_unrounded)
    return np.asarray(amount * assembly.share)


def _money_values(
    scenario: Scenario,
    local: xr.Dataset,
    chosen: xr.Dataset,
    used: Mapping[str, Array],
    owner: NDArray[np.int_],
    assembly: Assembly,
    market: Market,
    signal_here: Mapping[str, Array],
) -> Parts:
    """Resource cost and transfers, and the money they are held against, CNY (enterprise, year)."""
    found = market.dataset
    price = found["allowance_price"].values
    unit_cost, slope = _array(chosen, "unit_cost", "option"), _array(chosen, "slope", "option")
    tonnes = used["share"] * used["size"]
    no_regret_tonnes = used["alone"] * used["size"]
    no_regret_cost = add_up(option_cost(unit_cost, slope, no_regret_tonnes), owner, len(assembly.enterprise))
    resource = add_up(option_cost(unit_cost, slope, tonnes), owner, len(assembly.enterprise)) - no_regret_cost
    obligation = found["obligation"].transpose(*ROW).values
    owed = obligation.sum(axis=0)
    part = np.divide(obligation, owed, out=np.zeros_like(obligation), where=owed > 0)
    offsets = found["offsets_used"].values
    saving = np.where(offsets == 0, 0.0, part * (offsets * price - _paid(assembly, found, "offset")))
    fee = part * _paid(assembly, found, "penalty")
    # The ledger's position: obligation less free allocation and unmet obligation, and what was to be made good.
    position = (found["net_purchase"] + found["offsets_surrendered"]).transpose(*ROW).values
    # Who has no position pays nothing even where no rule determines the price; all others then stay undetermined.
    transfer = np.where((position == 0) & (part == 0), 0.0, price * position - saving)
    index = _output_index(scenario, local)
    pass_through = _by_sector(scenario, local, "outlook.pass_through")
    covered_potential = _array(chosen, "potential", "option")
    worth = assembly.share[owner] * price
    room = np.divide(worth - unit_cost, slope, out=np.full_like(slope, np.inf), where=slope > 0)
    below = np.where(unit_cost <= worth, np.minimum(covered_potential, np.maximum(room, 0.0)), 0.0)
    below = np.where(np.isnan(worth), np.nan, assembly.share[owner] * below)
    values = {
        "abatement_cost": resource,
        "no_regret_cost": no_regret_cost,
        "allowance_cost": transfer,
        "offset_saving": saving,
        "penalty_cost": fee,
        "net_compliance_cost": resource + transfer + fee,
        "indirect_cost": _indirect_cost(scenario, local, assembly, market, signal_here),
        "pass_through": pass_through,
        "potential_below_price": add_up(below, owner, len(assembly.enterprise)),
        "output_index": index,
    }
    finances = _finances(scenario, assembly)
    values |= {name: finances[name][:, None] * index for name in ("revenue", "value_added", "ebit")}
    # The main product's quantity is what its price and the revenue imply; facilities may make several products.
    price_of_product = finances["product_price"][:, None]
    values["product_quantity"] = np.divide(
        values["revenue"], price_of_product, out=np.full_like(index, np.nan), where=price_of_product > 0
    )
    result: Parts = {name: (ROW, array) for name, array in values.items()}
    return result | {name: (("enterprise",), finances[name]) for name in ("product_price", "jobs")}


def _paid(assembly: Assembly, found: xr.Dataset, kind: str) -> Array:
    """What is paid for the steps of a kind, each at its own price, CNY (year)."""
    problem, used = assembly.problem, found["step_used"].values
    total = np.zeros(len(problem.year))
    for row, step in zip(used, problem.steps, strict=True):
        if step.kind == kind:
            rise = 0.0 if step.slope is None else step.slope * row
            total += np.where(row == 0, 0.0, (np.nan_to_num(step.price) + rise) * row)
    return total


def _by_sector(scenario: Scenario, local: xr.Dataset, path: str) -> Array:
    """A parameter by sector as (enterprise, year)."""
    sectors = local["sector"].values.astype(str)
    series = {name: scenario.parameters.series(path, scenario.years, name) for name in np.unique(sectors)}
    return np.array([series[name] for name in sectors])


def _output_index(scenario: Scenario, local: xr.Dataset) -> Array:
    return _by_sector(scenario, local, "outlook.output_index")


def _indirect_cost(
    scenario: Scenario, local: xr.Dataset, assembly: Assembly, market: Market, signal: Mapping[str, Array]
) -> Array:
    """Carbon cost that purchased electricity and heat carry to their buyers, CNY (enterprise, year).

    Price x location-based scope 2 x pass-through of the power sector x the share of power's obligations that no
    output brings allowances for: under a benchmark a megawatt-hour costs p (mu - beta), not p mu. None where power
    owes nothing.
    """
    power = local["sector"].values == "power"
    owed = market.dataset["obligation"].transpose(*ROW).values[power].sum(axis=0)
    linked = signal["output_linked_allocation"][power].sum(axis=0)
    bare = np.divide(owed - linked, owed, out=np.zeros_like(owed), where=owed > 0)
    passed_on = scenario.parameters.series("outlook.pass_through", scenario.years, "power") * bare
    price = market.dataset["allowance_price"].values
    priced = np.where(passed_on == 0, 0.0, price * passed_on)
    return np.asarray(priced * _array(local, "scope2_location", "enterprise"))


def _finances(scenario: Scenario, assembly: Assembly) -> dict[str, Array]:
    """Base-year money of each row, CNY; NaN where the table has no row (blocks of the rest of the country)."""
    frame = scenario.tables["finances"]
    frame = frame[frame["year"] == scenario.base_year].set_index("enterprise")
    frame = frame.reindex([str(name) for name in assembly.enterprise])
    units = frame["money_unit"].to_numpy(dtype=object, na_value="CNY")
    factor = np.array([conversion_factor(str(unit), "CNY") for unit in units])
    found: dict[str, Array] = {}
    for name in FINANCES:
        values = np.asarray(frame[name].to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
        found[name] = values if name in ("jobs", "product_price") else values * factor
    return found
