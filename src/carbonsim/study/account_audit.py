"""The audit of an account: every total computed again from the published numbers, by code the accounting never runs.

Dimensions inside: e enterprise, f facility, s stream, c component (one gas of one stream), k term, g gas, y year.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from carbonsim.accounting.warming import MEMO_GASES
from carbonsim.errors import CertificateError
from carbonsim.inputs.factors import Factors
from carbonsim.inputs.ledger import Ledger
from carbonsim.inputs.table_checks import records
from carbonsim.market.certificate import Certificate, Line
from carbonsim.units import conversion_factor

if TYPE_CHECKING:
    from carbonsim.accounting.uncertainty import Uncertainty

EXACT, RELATIVE, FLOOR = 0.0, 1e-9, 1.0  # nothing may differ; share of the amount; tonnes below which it is absolute
MULTIPLIED, DIVIDED, TAKEN_OFF = 1, -1, 2  # how `term_form` says that a term enters
DIRECT, BOUGHT, CHAIN = 1, 2, 3  # scopes
CO2_PER_CARBON = 44 / 12
KEY: Final = ("facility", "stream", "year", "month")
Floats = NDArray[np.float64]
Labels = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit looks at: the ledger, and everything that was computed from it."""

    ledger: Ledger
    inventory: xr.Dataset
    scope2: xr.Dataset
    scope3: xr.Dataset
    classes: pd.DataFrame
    quality: pd.DataFrame
    intensity: xr.Dataset
    uncertainty: Uncertainty | None = None


def audit_account(audited: Audited) -> Certificate:
    """The certificate of an account.

    Returns
    -------
    Certificate
        A line each check: the largest difference, relative to the larger of the amount and a tonne, what is accepted,
        and the label where it is largest.
    """
    return Certificate(tuple(line for check in CHECKS for line in check(audited)))


def require_passed(certificate: Certificate) -> None:
    """Raise CertificateError, naming every failed line and where it failed."""
    failed = [f"{line.name} at {line.where} (residual {line.residual:.1e})" for line in certificate.failures()]
    if failed:
        raise CertificateError(f"the account failed its audit: {'; '.join(failed)}.")


def _line(name: str, found: Floats, expected: Floats, where: Labels, *, tolerance: float = RELATIVE) -> Line:
    """The largest difference of two arrays (n) or (n, y); ``where`` (n) labels their rows."""
    gap = np.abs(found - expected) / np.maximum(np.maximum(np.abs(found), np.abs(expected)), FLOOR)
    if not gap.size:
        return Line(name, 0.0, tolerance)
    gap = np.where(np.isfinite(gap), gap, np.inf)
    worst = int(np.argmax(gap.reshape(len(gap), -1).max(axis=1)))
    return Line(name, float(gap.max()), tolerance, str(where[worst]) if gap.max() > tolerance else "")


def _summed(labels: Labels, values: Floats, wanted: Labels) -> Floats:
    """Sums of the rows of ``values`` (n, ...) by label, in the order of ``wanted``; no label is left out unseen."""
    shape = (len(wanted), *values.shape[1:])
    flat = pd.DataFrame(values.reshape(len(values), int(np.prod(values.shape[1:])))).groupby(np.asarray(labels)).sum()
    missing = flat.index.difference(pd.Index(wanted))
    if len(missing):
        raise CertificateError(f"the account failed its audit: {missing[0]} is in no group.")
    return np.asarray(flat.reindex(wanted, fill_value=0.0).to_numpy(dtype=float).reshape(shape))


def _by_year(inventory: xr.Dataset, name: str, dim: str = "stream") -> Floats:
    return np.asarray(inventory[name].transpose(dim, "year").values)


# -- from the ledger to the activity


def _rows(audited: Audited) -> Iterator[Line]:
    """Every row of the table of activity is counted once, with its quantity in the unit of its factor."""
    inventory, table = audited.inventory, audited.ledger.tables["activity"]
    reported = inventory["stream_reported"].transpose("stream", "year").values
    stream, year = np.nonzero(reported)
    counted = pd.DataFrame({
        "facility": inventory["stream_facility"].values[stream], "stream": inventory["stream_name"].values[stream],
        "year": inventory["year"].values[year], "month": inventory["stream_month"].values[stream],
        "unit": inventory["activity_unit"].values[stream], "amount": _by_year(inventory, "activity")[stream, year],
    })  # fmt: skip
    stated = table[["facility", "stream", "year", "quantity", "unit"]].assign(
        month=table["month"].fillna(0).astype(int), year=table["year"].astype(int)
    )
    joined = stated.merge(counted, how="outer", on=list(KEY), suffixes=("", "_counted"), indicator=True)
    label = (joined["facility"].astype(str) + "/" + joined["stream"].astype(str)).to_numpy(dtype=str)
    alone = np.asarray(joined["_merge"] != "both", dtype=float)
    yield _line("rows of the ledger counted once", alone, np.zeros(len(alone)), label, tolerance=EXACT)
    both = joined[alone == 0]
    output_unit = dict(zip(inventory["facility"].values, inventory["output_unit"].values, strict=True))
    own_unit = both["facility"].map(output_unit)
    unit = both["unit_counted"].where(both["unit_counted"] != "", own_unit.where(own_unit != "", both["unit"]))
    pairs = pd.DataFrame({"from": both["unit"], "to": unit}).astype(str)
    known = {(a, b): conversion_factor(a, b) for a, b in pairs.drop_duplicates().itertuples(index=False)}
    scale = np.array([known[pair] for pair in zip(pairs["from"], pairs["to"], strict=True)], dtype=float)
    amount = both["quantity"].to_numpy(dtype=float) * scale
    yield _line("quantities as in the ledger", both["amount"].to_numpy(dtype=float), amount, label[alone == 0])
    beyond = np.where(reported, 0.0, np.abs(_by_year(inventory, "activity"))).max(axis=1, initial=0.0)
    streams = inventory["stream"].values.astype(str)
    yield _line("no activity without a row", beyond, np.zeros(len(beyond)), streams, tolerance=EXACT)


def _factors(audited: Audited) -> Iterator[Line]:
    """Every value that streams share is the value of the table entry it names, and that of the tables."""
    inventory = audited.inventory
    key = inventory["term_key"].transpose("component", "term", "year").values
    component, term, year = np.nonzero(key >= 0)
    used = inventory["term_value"].transpose("component", "term", "year").values[component, term, year]
    entry = inventory["shared_value"].values[key[component, term, year]]
    where = inventory["component"].values.astype(str)[component]
    yield _line("factors as in their table entries", used, entry, where, tolerance=EXACT)
    listed = table_values(audited.ledger.factors)
    shared = inventory["shared"].values.astype(str)
    # Entries that no stream uses in any year may be without a value.
    chosen = np.intersect1d(np.arange(len(shared)), key[key >= 0])
    tables = np.array([listed.get(name, np.nan) for name in shared[chosen].tolist()], dtype=float)
    yield _line(
        "table entries as in the factor tables", inventory["shared_value"].values[chosen], tables, shared[chosen]
    )


def table_values(factors: Factors) -> dict[str, float]:
    """Every value of the factor tables by the id that an inventory gives it, in the unit it is used in.

    >>> from carbonsim.inputs.factors import packaged_factors
    >>> table_values(packaged_factors())["cets_steel_2024:bituminous/carbon_content"]
    26.18
    """
    found: dict[str, float] = {}
    kilogram = conversion_factor("kg", "t")
    for row in records(factors.fuels):
        for term in ("net_calorific_value", "carbon_content", "oxidation"):
            found[f"{row['table_set']}:{row['fuel']}/{term}"] = float(row[term])
        found.setdefault(f"{row['table_set']}:{row['state']}/oxidation", float(row["oxidation"]))
    for row in records(factors.process):
        mass, _, _ = str(row["unit"]).partition("/")
        emitted = row["quantity"] in ("emission_factor", "carbon_content")
        scale = CO2_PER_CARBON if mass == "tC" else kilogram if mass.startswith("kg") else 1.0
        found[f"{row['factor']}/{row['quantity']}"] = float(row["value"]) * (scale if emitted else 1.0)
    for row in records(factors.combustion_gases):
        # Published in kg/TJ, used in t/GJ.
        scale = kilogram * conversion_factor("GJ", str(row["unit"]).partition("/")[2])
        found[f"{row['factor']}/{row['gas']}"] = float(row["value"]) * scale
    found |= {f"{row['blend']}/{row['gas']}": float(row["mass_share"]) for row in records(factors.blends)}
    return found | {str(row["factor"]): float(row["value"]) for row in records(factors.grid)}


# -- from the terms to the streams


def _chain(audited: Audited) -> Iterator[Line]:
    """Quantity times terms gives the tonnes of each gas of each stream."""
    inventory = audited.inventory
    form = inventory["term_form"].transpose("component", "term").values
    value = inventory["term_value"].transpose("component", "term", "year").values
    above, below, left = (np.ones(value.shape[::2]) for _ in range(3))
    for place in range(form.shape[1]):
        how, at = form[:, place, None], value[:, place]
        above = above * np.where(how == MULTIPLIED, at, 1.0)
        below = below * np.where(how == DIVIDED, at, 1.0)
        left = left - np.where(how == TAKEN_OFF, at, 0.0)
    scale = inventory["component_sign"].values * inventory["component_constant"].values
    amount = _by_year(inventory, "activity")[inventory["component_place"].values]
    tonnes = scale[:, None] * amount * above / below * left
    gas = pd.Index(inventory["gas"].values).get_indexer(pd.Index(inventory["component_gas"].values))
    total = np.zeros((inventory.sizes["stream"], inventory.sizes["gas"], inventory.sizes["year"]))
    np.add.at(total, (inventory["component_place"].values, gas), tonnes)
    published = inventory["stream_emissions"].transpose("stream", "gas", "year").values
    yield _line("terms multiply to the tonnes of each gas", published, total, inventory["stream"].values.astype(str))


def _potentials(audited: Audited) -> Iterator[Line]:
    """Gases times their warming potentials give the tCO2e of each stream; potentials are those of the table."""
    inventory, streams = audited.inventory, audited.inventory["stream"].values.astype(str)
    tonnes = inventory["stream_emissions"].transpose("stream", "gas", "year").values
    potential = inventory["gwp"].transpose("gas", "year").values
    total = np.einsum("sgy,gy->sy", tonnes, potential)
    yield _line("gases times potentials give the streams", _by_year(inventory, "stream_emissions_co2e"), total, streams)
    table = audited.ledger.factors.gwp
    for name, choice in (("gwp", "gwp_set"), ("market_gwp", "market_gwp_set")):
        chosen = str(inventory.attrs[choice])
        if chosen not in table:
            continue  # sets that change over the years: the inventory names them in words
        listed = dict(zip(table["gas"], table[chosen], strict=True))
        gases = inventory["gas"].values.astype(str)
        expected = np.array([0.0 if gas in MEMO_GASES else float(listed[gas]) for gas in gases])
        expected = np.repeat(expected[:, None], inventory.sizes["year"], axis=1)
        found = inventory[name].transpose("gas", "year").values
        yield _line(f"warming potentials of {chosen} ({name})", found, expected, gases, tolerance=EXACT)


# -- from the streams to the totals


def _totals(audited: Audited) -> Iterator[Line]:
    """Streams of a scope add up to the enterprises' totals, in tCO2e and gas by gas."""
    inventory = audited.inventory
    scope, owner = inventory["stream_scope"].values, inventory["stream_enterprise"].values.astype(str)
    enterprises = inventory["enterprise"].values.astype(str)
    co2e = _by_year(inventory, "stream_emissions_co2e")
    for name, number in (("emissions_co2e", DIRECT), ("scope2_location", BOUGHT)):
        total = _summed(owner[scope == number], co2e[scope == number], enterprises)
        published = _by_year(inventory, name, "enterprise")
        yield _line(f"streams of scope {number} add up to enterprises", published, total, enterprises)
    tonnes = inventory["stream_emissions"].transpose("stream", "gas", "year").values[scope == DIRECT]
    by_gas = _summed(owner[scope == DIRECT], tonnes, enterprises)
    published = inventory["emissions"].transpose("enterprise", "gas", "year").values
    yield _line("streams of scope 1 add up gas by gas", published.reshape(len(enterprises), -1),
                by_gas.reshape(len(enterprises), -1), enterprises)  # fmt: skip
    reported = _by_year(audited.scope3, "scope3_reported_sum", "enterprise")
    total = _summed(owner[scope == CHAIN], co2e[scope == CHAIN], enterprises)
    yield _line("streams of scope 3 add up to categories", reported, total, enterprises)


def _covered(audited: Audited) -> Iterator[Line]:
    """What is covered lies inside its streams and the boundary, and adds up to the facilities."""
    inventory, streams = audited.inventory, audited.inventory["stream"].values.astype(str)
    covered = _by_year(inventory, "stream_covered_emissions")
    inside = inventory["stream_covered"].transpose("stream", "year").values
    tonnes = inventory["stream_emissions"].transpose("stream", "gas", "year").values
    gross = np.einsum("sgy,gy->sy", np.abs(tonnes), inventory["market_gwp"].transpose("gas", "year").values) * inside
    beyond = np.maximum(np.abs(covered) - gross, 0.0)
    scaled = beyond / np.maximum(gross, FLOOR)
    yield _line("covered emissions inside the boundary", scaled, np.zeros(scaled.shape), streams)
    facilities = inventory["facility"].values.astype(str)
    total = _summed(inventory["stream_facility"].values.astype(str), covered, facilities)
    yield _line("covered streams add up to facilities", _by_year(inventory, "covered_emissions", "facility"), total,
                facilities)  # fmt: skip


# -- what stands beside the inventory


def _market_based(audited: Audited) -> Iterator[Line]:
    """The market-based total is the sum of its parts, and every MWh bought has one of them."""
    scope2, enterprises = audited.scope2, audited.scope2["enterprise"].values.astype(str)
    parts = ("instrument_emissions", "residual_emissions", "scope2_heat", "scope2_exports")
    total = np.sum([_by_year(scope2, name, "enterprise") for name in parts], axis=0)
    available = scope2["scope2_market_available"].transpose("enterprise", "year").values
    published = _by_year(scope2, "scope2_market", "enterprise")
    yield _line("market-based scope 2 is the sum of its parts", published, np.where(available, total, 0.0), enterprises)
    split = _by_year(scope2, "certificates_applied", "enterprise") + _by_year(
        scope2, "residual_electricity", "enterprise"
    )
    load, resold, bought = (
        _by_year(scope2, name, "enterprise") for name in ("load", "electricity_resold", "electricity_bought")
    )
    yield _line("load is covered once", split, load, enterprises)
    yield _line("load and electricity resold are electricity bought", load + resold, bought, enterprises)
    yield _line("electricity bought as in the inventory", bought, _bought(audited.inventory, enterprises), enterprises)
    repeated, own = (_by_year(data, "scope2_location", "enterprise") for data in (scope2, audited.inventory))
    yield _line("location-based scope 2 the same in both", repeated, own, enterprises, tolerance=EXACT)


def _bought(inventory: xr.Dataset, enterprises: Labels) -> Floats:
    """Electricity that enterprises bought (e, y) [MWh], from the rows of the inventory."""
    chosen = (inventory["method"].values == "electricity_purchased") & (inventory["stream_scope"].values == BOUGHT)
    scale = [conversion_factor(str(unit), "MWh") for unit in inventory["activity_unit"].values[chosen]]
    amount = _by_year(inventory, "activity")[chosen] * np.array(scale, dtype=float)[:, None]
    return _summed(inventory["stream_enterprise"].values.astype(str)[chosen], amount, enterprises)


def _products(audited: Audited) -> Iterator[Line]:
    """Products that leave, and what reaches none, hold the tonnes of all facilities and of what they buy outside."""
    data, table = audited.intensity, audited.ledger.tables["precursors"]
    years = data["year"].values
    outside = table[(table["from_facility"] == "") & table["year"].isin(years)]
    found, expected = (np.zeros((len(years), 2)) for _ in range(2))
    with_electricity = data.attrs["basis"] == "direct_and_electricity"
    for place, part in enumerate(("direct", "indirect")):
        intensity = _by_year(data, f"{part}_intensity", "facility")
        # On both sides, so that a loop is measured by what goes round in it.
        inside = (_by_year(data, "passed_on", "facility") * intensity).sum(axis=0)
        leaving = (_by_year(data, "final_output", "facility") * intensity).sum(axis=0)
        found[:, place] = inside + leaving + _by_year(data, f"unattributed_{part}", "enterprise").sum(axis=0)
        expected[:, place] = inside + _attributed(audited.inventory, part, data.attrs).sum(axis=0)
        if part == "direct" or with_electricity:
            tonnes = outside["quantity"] * outside[f"{part}_intensity"]
            expected[:, place] += _summed(outside["year"].to_numpy(), tonnes.to_numpy(dtype=float), years)
    yield _line("products and the rest hold all tonnes", found, expected, years.astype(str))


def _attributed(inventory: xr.Dataset, part: str, choices: Mapping[Hashable, str]) -> Floats:
    """Emissions of the streams (s, y) [tCO2e] that belong to a part of the products' intensity, by its choices."""
    method = inventory["method"].values
    direct = inventory["stream_scope"].values == DIRECT
    indirect = method == "electricity_purchased"
    heat = method == "heat_purchased"
    if choices["bought_heat"] == "direct":
        direct = direct | heat
    else:
        indirect = indirect | heat
    chosen = direct if part == "direct" else indirect & (choices["basis"] == "direct_and_electricity")
    return np.asarray(_by_year(inventory, "stream_emissions_co2e")[chosen])


def _quality(audited: Audited) -> Iterator[Line]:
    """Each view of the quality of the data holds all tonnes of scope 1."""
    inventory, enterprises = audited.inventory, audited.inventory["enterprise"].values.astype(str)
    direct = inventory["stream_scope"].values == DIRECT
    gross = np.abs(_by_year(inventory, "stream_emissions_co2e")[direct])
    owner = inventory["stream_enterprise"].values.astype(str)[direct]
    expected = _summed(owner, gross, enterprises)
    flat = audited.quality.reset_index()
    for aspect in ("tier", "basis", "substituted"):
        found = _wide(flat[flat["aspect"] == aspect], "tonnes", inventory)
        yield _line(f"tonnes by {aspect} are all tonnes", found, expected, enterprises)
    net = _summed(owner, _by_year(inventory, "stream_emissions_co2e")[direct], enterprises)
    found = _wide(audited.classes, "emissions_co2e", inventory)
    yield _line("classes of streams hold all tonnes", found, net, enterprises)


def _wide(frame: pd.DataFrame, column: str, inventory: xr.Dataset) -> Floats:
    """Sums of a column (e, y)."""
    index = pd.MultiIndex.from_product([inventory["enterprise"].values.astype(str), inventory["year"].values])
    sums = frame.groupby(["enterprise", "year"])[column].sum().reindex(index, fill_value=0.0)
    return sums.to_numpy(dtype=float).reshape(inventory.sizes["enterprise"], inventory.sizes["year"])


def _point(audited: Audited) -> Iterator[Line]:
    """The uncertainty is about the inventory's own totals, in whatever way it was propagated."""
    if audited.uncertainty is None:
        return
    inventory, data = audited.inventory, audited.uncertainty.dataset
    enterprises = inventory["enterprise"].values.astype(str)
    places = pd.Index(data["group"].values.astype(str)).get_indexer(pd.Index(enterprises))
    point = np.where(places[:, None] >= 0, _by_year(data, "emissions_co2e", "group")[places], 0.0)
    yield _line("uncertainty is about the same totals", point, _by_year(inventory, "emissions_co2e", "enterprise"),
                enterprises)  # fmt: skip


CHECKS: Final[tuple[Callable[[Audited], Iterator[Line]], ...]] = (
    _rows, _factors, _chain, _potentials, _totals, _covered, _market_based, _quality, _products, _point,
)  # fmt: skip
