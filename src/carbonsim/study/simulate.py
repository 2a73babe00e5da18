"""The pipeline: a scenario through every room, left to right, into `Results`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from carbonsim.accounting import build_inventory
from carbonsim.dims import exact
from carbonsim.errors import InfeasibleError, InputError, Said, SolverError, chinese_of
from carbonsim.inputs import obligation_share, sector_share
from carbonsim.inputs.scenario import Scenario
from carbonsim.market import Market, MarketProblem, clear
from carbonsim.market.concept import Concept
from carbonsim.market.supply import engine_zh
from carbonsim.measures import build_options
from carbonsim.study.assemble import Assembly, assemble
from carbonsim.study.outcome import build_outcome
from carbonsim.study.provenance import basis_shares, describe, price_basis_of
from carbonsim.study.results import Audit, Results, join

Progress = Callable[[str, int, int], None]
STAGES = (
    "accounting", "measures", "coverage", "allocation", "market", "opening bank, low", "opening bank, high",
    "without widening", "pressure",
)  # fmt: skip


def simulate(scenarios: Scenario | Sequence[Scenario], *, progress: Progress | None = None) -> Results:
    """Run one or several scenarios through every room.

    Parameters
    ----------
    scenarios : Scenario or sequence of Scenario
        Each with its own name.
    progress : callable, optional
        Called with (scenario and stage, stages done, stages in all).

    Returns
    -------
    Results
        With a certificate for each scenario.

    Raises
    ------
    InputError
        If nothing is given, names repeat, or a room finds its input wrong.
    InfeasibleError
        If a market cannot clear.
    CertificateError
        If an answer fails its audit.

    Examples
    --------
    >>> import carbonsim as cs
    >>> results = cs.simulate(cs.read_scenario("textbook"))
    >>> [round(float(price), 6) for price in results.run()["allowance_price"]]
    [20.0, 13.714286, 14.117647]
    """
    chosen = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    if not chosen:
        raise InputError("nothing to simulate: give at least one scenario.")
    for given in chosen:
        if not isinstance(given, Scenario):
            raise InputError(f"{given!r} is no scenario; read one with read_scenario(...) first.")
    tell = progress or (lambda *_: None)
    total = len(chosen) * len(STAGES)
    runs, provenance, certificate = [], {}, {}
    for number, scenario in enumerate(chosen):

        def step(stage: int, scenario: Scenario = scenario, number: int = number) -> None:
            tell(f"{scenario.name}: {STAGES[stage]}", number * len(STAGES) + stage, total)

        run, facts, lines = run_scenario(scenario, step)
        runs.append((scenario.name, run))
        provenance[scenario.name], certificate[scenario.name] = facts, lines
    tell("done", total, total)
    dataset = join(runs)
    dataset.attrs["illustrative"] = int(any(scenario.illustrative for scenario in chosen))
    dataset.attrs["price_year"] = chosen[0].price_year
    return Results(dataset=dataset, provenance=provenance, certificate=certificate)


@exact
def run_scenario(scenario: Scenario, step: Callable[[int], None]) -> tuple[xr.Dataset, dict[str, Any], Audit]:
    """One scenario: its dataset, its provenance and the lines of its certificate."""
    step(0)
    inventory = build_inventory(scenario)
    step(1)
    options = build_options(scenario, inventory)
    step(2)
    share = obligation_share(scenario, covered_by_enterprise(inventory))
    step(3)
    assembly = assemble(scenario, inventory, options, share)
    step(4)
    market = clear(assembly.problem, concept=assembly.concept)
    failures: list[str] = []
    prices = _opening_bank_range(scenario, assembly, step, failures)
    step(7)
    prices["price_without_widening"] = (
        "year",
        _price_without_widening(scenario, inventory, options, share, assembly, market, failures),
    )
    step(8)
    outcome = build_outcome(scenario, inventory, options, assembly, market, _announced(scenario, inventory, assembly))
    outcome = outcome.assign(prices)
    # Not `sector`: that name is taken by the sector of each enterprise.
    share_by_sector = sector_share(scenario).drop_vars(["entry_year", "announced", "threshold"])
    outcome["sector_share"] = share_by_sector.rename(sector="covered_sector")
    outcome["entry_year"] = _entry_years(outcome["sector_share"])
    facts = dict(describe(scenario)) | {
        "engine": Said(
            f"{market.engine}: {market.engine_reason}",
            f"{engine_zh(market.engine)}，{chinese_of(market.engine_reason)}",
        ),
        "without_answer": failures,
        "part_of_national_quantities": assembly.part,
        "basis_shares": basis_shares(inventory, outcome, price_basis=price_basis_of(scenario))
        .reset_index()
        .to_dict("records"),
    }
    return outcome, facts, Audit(
        {"name": line.name, "residual": float(line.residual), "tolerance": float(line.tolerance),
         "passed": bool(line.passed), "where": str(line.where)}
        for line in market.certificate.lines
    )  # fmt: skip


def covered_by_enterprise(inventory: xr.Dataset) -> xr.DataArray:
    """Covered emissions by enterprise and year before abatement."""
    owner = inventory["facility_enterprise"].values.astype(str)
    by_facility = inventory["covered_emissions"].transpose("facility", "year")
    labels = inventory["enterprise"].values.astype(str)
    place = {name: row for row, name in enumerate(labels)}
    total = np.zeros((len(labels), by_facility.sizes["year"]))
    np.add.at(total, [place[name] for name in owner], by_facility.values)
    return xr.DataArray(
        total, dims=("enterprise", "year"), coords={"enterprise": labels, "year": inventory["year"].values},
        name="covered_emissions", attrs={"units": "tCO2e"},
    )  # fmt: skip


def _announced(scenario: Scenario, inventory: xr.Dataset, assembly: Assembly) -> np.ndarray:
    """Year in which the entry of each row's sector became known."""
    table = scenario.tables["coverage"].set_index("sector")["announced"]
    sectors = inventory["sector"].sel(enterprise=assembly.enterprise).values.astype(str)
    never = scenario.years[-1] + 1
    return np.array([int(table[name]) if name in table.index else never for name in sectors])


def _entry_years(share: xr.DataArray) -> xr.DataArray:
    """First year in which a sector owes anything; NaN if never."""
    covered = share > 0
    first = share["year"].isel(year=covered.argmax("year")).drop_vars("year")
    return first.where(covered.any("year")).astype(float)


def _opening_bank_range(
    scenario: Scenario, assembly: Assembly, step: Callable[[int], None], failures: list[str]
) -> dict[str, tuple[str, np.ndarray]]:
    """Price at both ends of the opening bank's range; the base price where the range is a point."""
    dated = scenario.parameters.get("market.opening_bank").at(scenario.years[0])
    found = {}
    for stage, end, bank in ((5, "low", dated.low), (6, "high", dated.high)):
        step(stage)
        here = dated.value if bank is None else bank
        other = dataclasses.replace(assembly.problem, opening_bank=assembly.part * float(here or 0.0))
        found[f"price_bank_{end}"] = (
            "year",
            _price_of(other, assembly.concept, f"opening bank at its {end} end", failures),
        )
    return found


def _price_without_widening(
    scenario: Scenario,
    inventory: xr.Dataset,
    options: xr.Dataset,
    share: xr.DataArray,
    assembly: Assembly,
    market: Market,
    failures: list[str],
) -> np.ndarray:
    """Price if nobody entered after the first year, all else equal: the reference of the announcement effect."""
    first = share.isel(year=0, drop=True) > 0
    frozen = share.where(first, 0.0)
    if bool((frozen == share).all()):
        return np.asarray(market.dataset["allowance_price"].values)
    without = assemble(scenario, inventory, options, frozen, known=assembly.allocations)
    return _price_of(without.problem, without.concept, "no widening", failures)


def _price_of(problem: MarketProblem, concept: Concept | None, what: str, failures: list[str]) -> np.ndarray:
    """Price of a side calculation; if it has no answer the run goes on without it, and says why."""
    try:
        return np.asarray(clear(problem, concept=concept).dataset["allowance_price"].values)
    except (InfeasibleError, SolverError) as problem_found:
        failures.append(f"{what}: {problem_found}")
        return np.full(len(problem.year), np.nan)
