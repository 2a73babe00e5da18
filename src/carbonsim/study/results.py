"""Results: one dataset with dimension ``scenario``, its provenance and its certificates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.errors import InputError, did_you_mean
from carbonsim.forcing import Absences, announcement_effect, position_table, pressure_table
from carbonsim.forcing.pressure import By
from carbonsim.inputs.files import write_bytes

FORMAT = "carbonsim-results-1"
COMPARED = (
    "allowance_price", "local_inventory_emissions", "local_obligation", "local_abatement_cost",
    "local_allowance_cost", "local_net_compliance_cost",
)  # fmt: skip


class Audit(tuple[Mapping[str, Any], ...]):
    """The lines of a certificate: name, residual, tolerance, passed, where the residual is."""

    __slots__ = ()

    def __repr__(self) -> str:
        """How many checks there were and which failed, in one line."""
        failed = [str(line["name"]) for line in self if not line["passed"]]
        return f"<{len(self)} checks, {'all passed' if not failed else 'FAILED: ' + ', '.join(failed)}>"

    def table(self) -> pd.DataFrame:
        """The lines as a table."""
        return pd.DataFrame(list(self))


@dataclass(frozen=True, slots=True, repr=False)
class Results:
    """Everything a simulation found, for one or several scenarios.

    ``dataset`` is the whole; the methods are the tables people ask for first. ``provenance`` and ``certificate``
    are by scenario name; a certificate is an `Audit`, and ``certificate[name].table()`` shows its lines.
    """

    dataset: xr.Dataset
    provenance: Mapping[str, Mapping[str, Any]]
    certificate: Mapping[str, Audit]

    def __repr__(self) -> str:
        return f"Results of {', '.join(self.scenarios)}\n{self.summary().to_string(float_format='%.6g')}"

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Names of the scenarios, in the order they were given."""
        return tuple(str(name) for name in self.dataset["scenario"].values)

    def run(self, scenario: str | None = None) -> xr.Dataset:
        """The dataset of one scenario (the first if none is named), without scenario dimension."""
        name = scenario or self.scenarios[0]
        if name not in self.scenarios:
            raise InputError(
                f"scenario '{name}' is not in these results. Known: {', '.join(self.scenarios)}. "
                f"{did_you_mean(name, self.scenarios)}".strip()
            )
        return self.dataset.sel(scenario=name, drop=True)

    def summary(self) -> pd.DataFrame:
        """Price, emissions and cost by scenario and year.

        Returns
        -------
        DataFrame
            Index (scenario, year). Prices in CNY/tCO2e of the price year, tonnes of CO2e, money in CNY.
            Columns starting with ``local_`` add up the enterprises of the study (kind ``enterprise``), the
            others describe the whole market. Resource cost (``local_abatement_cost``) and transfers
            (``local_allowance_cost``) stand apart; ``local_net_compliance_cost`` is their sum with penalties. What
            measures save that pay without a price (``local_no_regret_cost``, below zero) is not part of it.
        """
        frames = []
        for name in self.scenarios:
            run = self.run(name)
            local = run["kind"].values == "enterprise"
            by_year = {
                key: run[key].values
                for key in ("allowance_price", "price_low", "price_high", "price_basis", "price_bank_low",
                            "price_bank_high", "price_without_widening", "surrender", "supply_free",
                            "supply_auction", "bank")
            }  # fmt: skip
            by_year |= {
                f"local_{key}": run[key].isel(enterprise=local).sum("enterprise", skipna=False).values
                for key in ("inventory_emissions", "covered_emissions", "obligation", "abatement", "abatement_cost",
                            "no_regret_cost", "allowance_cost", "penalty_cost", "net_compliance_cost")
            }  # fmt: skip
            index = pd.MultiIndex.from_product([[name], run["year"].values], names=["scenario", "year"])
            frames.append(pd.DataFrame(by_year, index=index))
        return pd.concat(frames)

    def pressure(self, by: By = "sector", *, scenario: str | None = None, kind: str = "enterprise") -> pd.DataFrame:
        """The forcing projection: every indicator by group and year; all scenarios unless one is named."""
        names = [scenario] if scenario else list(self.scenarios)
        tables = [pressure_table(self.run(name), by, kind=kind) for name in names]
        joined = pd.concat(tables, keys=names, names=["scenario"])
        joined.attrs["absent"] = Absences(
            (name, *row) for name, table in zip(names, tables, strict=True) for row in table.attrs["absent"]
        )
        return joined

    def position(self, year: int, *, scenario: str | None = None, kind: str = "enterprise") -> pd.DataFrame:
        """Allowance position of every covered enterprise in one year."""
        return position_table(self.run(scenario), year, kind=kind)

    def announcement_effect(self, *, scenario: str | None = None, without: str | None = None) -> pd.DataFrame:
        """Price with the announced widening less the price without it (indicator 11), by year.

        Without ``without``, the name of a scenario among these that does not widen, the counterfactual is the run's
        own: nobody enters after the first year.
        """
        return announcement_effect(self.run(scenario), self.run(without) if without else None)

    def compare(self, to: str | None = None) -> pd.DataFrame:
        """Differences of the main figures from one scenario, by scenario and year.

        Parameters
        ----------
        to : str, optional
            Scenario to compare with; the first by default.

        Returns
        -------
        DataFrame
            Index (scenario, year), without the reference; each column is scenario less reference.
        """
        reference = to or self.scenarios[0]
        self.run(reference)
        summary = self.summary()[list(COMPARED)]
        base = summary.loc[reference]
        others = [name for name in self.scenarios if name != reference]
        if not others:
            raise InputError(f"nothing to compare '{reference}' with; simulate a second scenario.")
        return pd.concat([summary.loc[name] - base for name in others], keys=others, names=["scenario"])

    def sources(self) -> pd.DataFrame:
        """Every source behind the results: item, source, title, basis, place in the source, number of values."""
        rows = [{"scenario": name, **use} for name in self.scenarios for use in self.provenance[name]["sources"]]
        return pd.DataFrame(rows)

    def basis_shares(self, scenario: str | None = None) -> pd.DataFrame:
        """Share of covered tonnes and of cost that rests on each basis (law, statistic, ..., assumption)."""
        shares = self.provenance[scenario or self.scenarios[0]]["basis_shares"]
        return pd.DataFrame(shares).set_index("basis")

    def save(self, path: str | Path) -> Path:
        """Write everything to one NetCDF file, atomically; ``read_results`` gives it back."""
        target = Path(path)
        dataset = self.dataset.copy()
        dataset.attrs = dict(self.dataset.attrs) | {
            "format": FORMAT,
            "provenance": json.dumps(self.provenance, ensure_ascii=False, sort_keys=True),
            "certificate": json.dumps(self.certificate, ensure_ascii=False, sort_keys=True),
        }
        write_bytes(target, bytes(dataset.to_netcdf(engine="h5netcdf")))
        return target


def read_results(path: str | Path) -> Results:
    """Results from a run folder or a NetCDF file that ``Results.save`` wrote; InputError if it is neither."""
    source = Path(path)
    source = source / "results.nc" if source.is_dir() else source
    if not source.is_file():
        raise InputError(f"{source}: no such results file. Give a run folder or its results.nc.")
    with xr.open_dataset(source, engine="h5netcdf") as opened:
        dataset = opened.load()
    attrs = dict(dataset.attrs)
    if attrs.pop("format", None) != FORMAT:
        raise InputError(f"{source}: not a results file of this version (expected {FORMAT}).")
    provenance = json.loads(attrs.pop("provenance"))
    certificate = {name: Audit(lines) for name, lines in json.loads(attrs.pop("certificate")).items()}
    dataset.attrs = attrs
    return Results(dataset=dataset, provenance=provenance, certificate=certificate)


def join(runs: Sequence[tuple[str, xr.Dataset]]) -> xr.Dataset:
    """One dataset over scenarios; labels missing in a scenario are absent there (NaN or an empty text)."""
    names = [name for name, _ in runs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"scenario name '{twice[0]}' is given twice; name the changed one with change(..., name=...).")
    joined = xr.concat(
        [run for _, run in runs], dim=pd.Index(names, name="scenario"), join="outer", coords="minimal",
        compat="override", data_vars="all", combine_attrs="drop_conflicts",
    )  # fmt: skip
    for name, variable in joined.variables.items():
        if variable.dtype == object:
            joined[name] = variable.astype(str) if not _has_missing(variable.values) else _texts(joined[name])
    return joined


def _has_missing(values: np.ndarray) -> bool:
    return any(value is None or (isinstance(value, float) and np.isnan(value)) for value in values.ravel())


def _texts(array: xr.DataArray) -> xr.DataArray:
    cleaned = ["" if not isinstance(value, str) else value for value in array.values.ravel()]
    return array.copy(data=np.array(cleaned, dtype=str).reshape(array.shape))


def join_results(parts: Sequence[Results]) -> Results:
    """Several results side by side, their scenarios in the order given; a name given twice is an error."""
    runs = [(name, part.run(name)) for part in parts for name in part.scenarios]
    dataset = join(runs)
    dataset.attrs = dict(parts[0].dataset.attrs)
    return Results(
        dataset=dataset,
        provenance={name: entry for part in parts for name, entry in part.provenance.items()},
        certificate={name: lines for part in parts for name, lines in part.certificate.items()},
    )
