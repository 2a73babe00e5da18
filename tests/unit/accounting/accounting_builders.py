"""Scenarios built by hand for the tests of accounting and measures."""

from collections.abc import Mapping, Sequence

import pandas as pd

from carbonsim.inputs.parameters import DatedValue, Parameter, ParameterSet
from carbonsim.inputs.scenario import MarketChoice, Scenario

COLUMNS = {
    "enterprises": {
        "enterprise": "", "name_zh": "示意企业", "name_en": "illustrative", "sector": "", "ecosystem": "", "chain": "",
        "place": "", "kind": "enterprise", "entities": 1, "discount_rate": 0.08, "trade_exposure": 0.0,
        "basis": "assumption", "source": "made-up", "note": "",
    },
    "facilities": {
        "facility": "", "enterprise": "", "process": "", "product": "product", "output_unit": "t",
        "benchmark_class": "", "cooling": "", "load_factor": float("nan"), "heat_ratio": float("nan"),
        "special_case": "",
        "basis": "assumption", "source": "made-up", "note": "",
    },
    "activity": {
        "facility": "", "year": 2024, "stream": "", "method": "", "factor": "", "quantity": 0.0, "unit": "t",
        "net_calorific_value": float("nan"), "carbon_content": float("nan"), "oxidation": float("nan"),
        "control_so2": float("nan"), "control_nox": float("nan"), "control_pm": float("nan"),
        "gas_factor": "", "pollutant_factor": "", "evidence": "", "scope3_category": float("nan"),
        "basis": "assumption", "source": "made-up", "note": "",
    },
    "terms": {
        "facility": "", "year": 2024, "stream": "", "month": float("nan"), "term": "", "value": 0.0, "evidence": "",
        "basis": "assumption", "source": "made-up", "note": "",
    },
    "measures": {
        "measure": "", "name_zh": "措施", "name_en": "measure", "sector": "", "process": "", "stage": "process",
        "acts_on": "direct", "reduction": 0.1, "max_penetration": 1.0, "unit_cost": float("nan"), "slope": float("nan"),
        "capex": float("nan"), "opex": float("nan"), "saving": float("nan"), "lifetime": float("nan"), "moves": "both",
        "interaction_group": "", "exclusion_group": "", "available_from": 2024, "electricity_change": float("nan"),
        "so2_change": float("nan"), "nox_change": float("nan"), "pm_change": float("nan"), "enterprise": "",
        "price_year": 2025, "basis": "assumption", "source": "made-up", "note": "",
    },
    "coverage": {
        "sector": "", "entry_year": 2024, "announced": 2023, "phase_in": "1", "threshold": 26000.0, "gases": "CO2",
        "boundary": "direct", "basis": "assumption", "source": "made-up", "where": "", "note": "",
    },
}  # fmt: skip


def table(name: str, rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """A table of a study with every column; what a row leaves out has the default of ``COLUMNS``."""
    unknown = {column for row in rows for column in row} - set(COLUMNS[name])
    assert not unknown, unknown
    frame = pd.DataFrame([{**COLUMNS[name], **row} for row in rows], columns=list(COLUMNS[name]))
    numbers = [column for column, default in COLUMNS[name].items() if isinstance(default, float)]
    return frame.astype(dict.fromkeys(numbers, float))


def parameter(
    path: str, unit: str, values: Mapping[tuple[str, ...], Mapping[int, float]], dims: tuple[str, ...] = ()
) -> Parameter:
    """A parameter of assumed values, valid until 2100."""
    dated = {
        labels: tuple(DatedValue(year, value, "made-up", "assumption") for year, value in sorted(series.items()))
        for labels, series in values.items()
    }
    return Parameter(path, path, unit, dims, dated, valid_until=2100)


def scenario(
    *,
    enterprises: Sequence[Mapping[str, object]],
    facilities: Sequence[Mapping[str, object]],
    activity: Sequence[Mapping[str, object]],
    measures: Sequence[Mapping[str, object]] = (),
    terms: Sequence[Mapping[str, object]] = (),
    coverage: Sequence[Mapping[str, object]] | None = None,
    years: tuple[int, ...] = (2024,),
    output_index: Mapping[str, Mapping[int, float]] | None = None,
    grid_factor: Mapping[int, float] | None = None,
) -> Scenario:
    """A scenario with base year 2024; coverage defaults to one row for each sector."""
    sectors = sorted({str(row["sector"]) for row in enterprises})
    covered = [{"sector": sector} for sector in sectors] if coverage is None else coverage
    index = output_index or {sector: {2024: 1.0} for sector in sectors}
    parameters = [
        parameter("outlook.output_index", "1", {(sector,): values for sector, values in index.items()}, ("sector",)),
        parameter("outlook.grid_factor", "tCO2/MWh", {(): grid_factor or {2024: 0.5}}),
    ]
    tables = {
        "enterprises": table("enterprises", enterprises), "facilities": table("facilities", facilities),
        "activity": table("activity", activity), "measures": table("measures", measures),
        "coverage": table("coverage", covered), "terms": table("terms", terms),
    }  # fmt: skip
    return Scenario(
        name="built", title_en="built", title_zh="构造", description="", years=years, base_year=2024, price_year=2025,
        illustrative=True, allow_draft=False, tables=tables,
        parameters=ParameterSet({item.path: item for item in parameters}), allocation={}, market=MarketChoice(),
        sources={},
    )  # fmt: skip


def one_site(sector: str, process: str, rows: Sequence[Mapping[str, object]], **more: object) -> Scenario:
    """A scenario of one enterprise ``e`` with one facility ``f``; rows are streams ``s0``, ``s1`` unless they say."""
    activity = [{"facility": "f", "stream": f"s{number}", **row} for number, row in enumerate(rows)]
    return scenario(
        enterprises=[{"enterprise": "e", "sector": sector}],
        facilities=[{"facility": "f", "enterprise": "e", "process": process}],
        activity=activity,
        **more,  # type: ignore[arg-type]
    )
