"""A made-up results dataset of the contract's shape, small or as large as the Panzhihua study."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.study.results import Results

LOCAL_SECTORS = (
    "power", "steel", "vanadium_titanium", "chemicals", "cement", "coking", "ferroalloy", "mining", "other_industry",
)  # fmt: skip
BLOCKS = ("power", "steel", "cement", "aluminium", "petrochemicals", "chemicals", "flat_glass", "copper", "paper")
ENTRY = {
    "power": 2019, "steel": 2024, "cement": 2024, "aluminium": 2024, "petrochemicals": 2027, "chemicals": 2027,
    "flat_glass": 2028, "copper": 2028, "paper": 2029, "aviation": 2029, "ferroalloy": 2030, "mining": 2030,
    "vanadium_titanium": 2030, "coking": 2030,
}  # fmt: skip
CHAINS = ("钒钛钢铁新材料", "清洁能源", "绿色化工")
PLACES = ("东区", "西区", "仁和区", "米易县", "盐边县", "钒钛高新区")
KINDS = {
    "power": ("煤矸石电厂", "gangue power"), "steel": ("钢铁", "steelworks"), "vanadium_titanium": ("钒钛", "V-Ti"),
    "chemicals": ("化工", "chemicals"), "cement": ("水泥", "cement"), "coking": ("焦化", "coking"),
    "ferroalloy": ("铁合金", "ferroalloy"), "mining": ("选矿", "beneficiation"), "other_industry": ("制造", "maker"),
}  # fmt: skip


def build_dataset(
    scenarios: Sequence[str] = ("base", "faster"), *, local: int = 9, years: Sequence[int] = range(2024, 2028)
) -> xr.Dataset:
    """Results of ``scenarios`` over ``local`` enterprises, the national blocks and ``years``."""
    runs = [_run(list(years), local, shift=number) for number in range(len(scenarios))]
    joined = xr.concat(
        runs, dim=pd.Index(list(scenarios), name="scenario"), data_vars="all", coords="minimal",
        compat="override", join="outer", combine_attrs="drop_conflicts",
    )  # fmt: skip
    return joined.assign_attrs(illustrative=1, price_year=2025)


def _run(years: list[int], local: int, *, shift: int) -> xr.Dataset:
    rng = np.random.default_rng(7)
    sectors = [LOCAL_SECTORS[number % len(LOCAL_SECTORS)] for number in range(local)] + list(BLOCKS)
    count, steps = len(sectors), np.arange(len(years))
    is_local = np.arange(count) < local
    size = np.where(is_local, 10 ** rng.uniform(4.3, 6.9, count), 10 ** rng.uniform(8.0, 9.5, count))
    baseline = size[:, None] * (1 + 0.01 * steps)
    entry = {sector: year - shift if year > 2025 else year for sector, year in ENTRY.items()}
    phased = _sector_share(entry, years)
    share = np.array([phased.get(sector, np.zeros(len(years))) for sector in sectors])
    price = 62 * 1.085**steps * (1 + 0.12 * shift)
    options, owner = _options(baseline, price, rng)
    abatement = np.zeros(baseline.shape)
    np.add.at(abatement, owner, options["option_abatement"])
    enterprise = _enterprises(baseline, abatement, share, price, rng)
    obligation, free = enterprise["obligation"].sum(axis=0), enterprise["free_allocation"].sum(axis=0)
    data = {name: (("enterprise", "year"), values) for name, values in enterprise.items()}
    data |= {name: (("option", "year"), values) for name, values in options.items()}
    data |= {name: (("year",), values) for name, values in _market(price, obligation, free).items()}
    data["sector_share"] = (("covered_sector", "year"), np.array([phased[name] for name in ENTRY]))
    data["entry_year"] = (("covered_sector",), np.array([float(entry[name]) for name in ENTRY]))
    return xr.Dataset(data, coords=_coords(years, sectors, is_local, owner))


def _sector_share(entry: dict[str, int], years: list[int]) -> dict[str, np.ndarray]:
    phases = {sector: (0.5, 1.0) if year > 2025 else (1.0,) for sector, year in entry.items()}
    return {
        sector: np.array([0.0 if y < first else phases[sector][min(y - first, len(phases[sector]) - 1)] for y in years])
        for sector, first in entry.items()
    }


def _options(
    baseline: np.ndarray, price: np.ndarray, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Two options a row: one step (every third below zero cost), one whose cost rises linearly."""
    count, years = baseline.shape
    owner = np.repeat(np.arange(count), 2)
    stepped = np.arange(2 * count) % 2 == 0
    potential = baseline[owner] * np.where(stepped, 0.04, 0.12)[:, None]
    start = np.where(stepped, rng.uniform(-30, 160, 2 * count), rng.uniform(5, 70, 2 * count))
    rise = np.where(stepped, 0.0, rng.uniform(80, 200, 2 * count))
    slope = rise[:, None] / potential
    used = np.where(stepped[:, None], start[:, None] <= price, (price - start[:, None]) / np.maximum(rise, 1)[:, None])
    return {
        "option_potential": potential,
        "option_abatement": potential * np.clip(used, 0, 1),
        "option_unit_cost": np.repeat(start[:, None], years, axis=1),
        "option_slope": slope,
    }, owner


def _enterprises(
    baseline: np.ndarray, abatement: np.ndarray, share: np.ndarray, price: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    count, years = baseline.shape
    covered = baseline * 0.93
    tight = 0.99 + rng.uniform(-0.06, 0.05, count)[:, None] - 0.012 * np.arange(years)
    free = share * covered * tight
    obligation = share * (covered - abatement)
    added = (baseline[:, 0] * rng.uniform(300, 2500, count))[:, None] * np.ones(years)
    cost = 0.45 * price * abatement
    ones = np.ones_like(baseline)
    return {
        "inventory_emissions": baseline - abatement, "baseline_inventory_emissions": baseline,
        "scope2_emissions": 0.1 * baseline, "covered_emissions": covered - abatement,
        "baseline_covered_emissions": covered, "obligation_share": share, "obligation": obligation,
        "baseline_obligation": share * covered, "free_allocation": free, "baseline_free_allocation": free,
        "net_purchase": obligation - free, "abatement": abatement, "anticipatory_abatement": 0.1 * abatement,
        "abatement_cost": cost, "allowance_cost": price * (obligation - free), "offset_saving": 0 * ones,
        "penalty_cost": 0 * ones, "no_regret_cost": -0.01 * cost,
        "net_compliance_cost": cost + price * (obligation - free), "phi": ones,
        "sigma": 0 * ones, "output": baseline / 2, "indirect_cost": 0.01 * price * baseline,
        "pass_through": 0.3 * ones, "potential_below_price": 1.5 * abatement, "benchmark_excess": 0.02 * baseline,
        "benchmark_emissions": baseline, "revenue": 4 * added, "value_added": added, "ebit": 0.2 * added,
        "jobs": 300 * ones, "product_price": 3000 * ones, "product_quantity": added / 750,
    }  # fmt: skip


def _market(price: np.ndarray, obligation: np.ndarray, free: np.ndarray) -> dict[str, np.ndarray]:
    auction = 0.02 * np.arange(len(price)) * obligation
    bank = np.maximum(np.cumsum(free + auction - obligation) + 0.06 * obligation[0], 0)
    reserve = np.where(np.arange(len(price)) == len(price) - 1, 0.01 * obligation, 0.0)
    basis = np.array(["lp_dual"] * len(price), dtype=object)
    basis[0], basis[-1] = "floor", "reserve_tier"
    low, high = price.copy(), price.copy()
    low[1], high[1] = 0.93 * price[1], 1.08 * price[1]
    return {
        "allowance_price": price, "price_low": low, "price_high": high, "price_basis": basis.astype(str),
        "price_without_widening": 0.9 * price, "price_bank_low": 1.14 * price, "price_bank_high": 0.84 * price,
        "price_floor": np.where(np.arange(len(price)) > 1, 0.7 * price, np.nan), "price_ceiling": 2.0 * price,
        "supply_free": free, "supply_auction": auction, "supply_reserve": reserve, "supply_offset": 0.03 * obligation,
        "supply_penalty": 0 * price, "surrender": obligation, "bank": bank,
    }  # fmt: skip


def _coords(years: list[int], sectors: list[str], is_local: np.ndarray, owner: np.ndarray) -> dict[str, object]:
    rows = range(len(sectors))
    names = [f"local_{row:02d}" if is_local[row] else f"national_{sectors[row]}" for row in rows]
    chinese = [f"{KINDS[s][0]}企业{n + 1:02d}" if is_local[n] else f"全国{s}" for n, s in enumerate(sectors)]
    english = [f"{KINDS[s][1]} {n + 1:02d}" if is_local[n] else f"National {s}" for n, s in enumerate(sectors)]
    return {
        "year": years,
        "enterprise": names,
        "covered_sector": list(ENTRY),
        "sector": ("enterprise", sectors),
        "place": ("enterprise", [PLACES[row % len(PLACES)] if is_local[row] else "national" for row in rows]),
        "chain": ("enterprise", [CHAINS[row % len(CHAINS)] if is_local[row] else "" for row in rows]),
        "kind": ("enterprise", ["enterprise" if local else "block" for local in is_local]),
        "entities": ("enterprise", [1 if local else 200 for local in is_local]),
        "name_zh": ("enterprise", chinese),
        "name_en": ("enterprise", english),
        "option": [f"{names[row]}/measure_{number}" for number, row in enumerate(owner)],
        "option_enterprise": ("option", [names[row] for row in owner]),
        "option_facility": ("option", [f"{names[row]}_f1" for row in owner]),
        "option_measure": ("option", [f"measure_{number % 2}" for number in range(len(owner))]),
        "option_basis": ("option", ["assumption"] * len(owner)),
    }


def build_results(
    scenarios: Sequence[str] = ("base", "faster"), *, local: int = 9, years: Sequence[int] = range(2024, 2028)
) -> Results:
    """Results around the made-up dataset, with provenance and a certificate of two lines."""
    shares = [
        {"basis": "law", "covered_tonnes": 0.2, "cost": 0.1},
        {"basis": "assumption", "covered_tonnes": 0.8, "cost": 0.9},
    ]
    source = {
        "item": "table activity",
        "source": "made-up",
        "title": "Made up",
        "basis": "assumption",
        "where": "",
        "count": 9,
    }
    entry = {
        "drafts": ["industry.collar_strength"],
        "basis_shares": shares,
        "sources": [source],
        "inputs": {"scenario.yaml": "0f"},
        "created": "the day it ran",
    }
    lines = (
        {"name": "allowance ledger", "residual": 1e-9, "tolerance": 1e-6, "passed": True},
        {"name": "no arbitrage while banking", "residual": 2e-8, "tolerance": 1e-6, "passed": True},
    )
    return Results(
        dataset=build_dataset(scenarios, local=local, years=years),
        provenance={name: {**entry, "title_zh": f"情景{name}", "title_en": f"Scenario {name}"} for name in scenarios},
        certificate=dict.fromkeys(scenarios, lines),
    )
