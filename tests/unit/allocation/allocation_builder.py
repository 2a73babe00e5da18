"""Small allocation inputs and parameter sets for the tests of the rules."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from carbonsim.allocation import AllocationInput
from carbonsim.inputs.parameters import DatedValue, Parameter, ParameterSet

Labels = tuple[str, ...]


def parameter(path: str, values: Mapping[Any, Any], *, dims: Labels = (), valid_until: int = 2040) -> Parameter:
    """A parameter from {year: value}, or {label: {year: value}} with one dim."""
    by_label = {(): values} if not dims else {(label,): dated for label, dated in values.items()}
    dated_values = {
        labels: tuple(DatedValue(year, value, "made-up", "assumption") for year, value in dated.items())
        for labels, dated in by_label.items()
    }
    return Parameter(path, path, "1", dims, dated_values, valid_until)


def parameters(**values: Any) -> ParameterSet:
    """Made-up parameters of the rules; dots of the path are written as double underscores."""
    sectors = ("sector",)
    given: dict[str, tuple[Mapping[Any, Any], Labels]] = {
        "industry.collar_strength": ({2020: 0.15}, ()),
        "industry.collar_limit": ({2020: 0.03}, ()),
        "industry.small_entity_emissions": ({2020: 26_000.0}, ()),
        "industry.intensity_decimals": ({"steel": {2020: 4}}, sectors),
        "industry.reduction_factor": ({"steel": {2024: 1.0, 2027: 0.95}, "power": {2024: 0.9}}, sectors),
        "industry.intensity_decline": ({"steel": {2024: 0.0, 2025: 0.01, 2026: 0.02}}, sectors),
        "industry.output_benchmark": ({"steel": {2024: 1.8}}, sectors),
        "industry.updating_share": ({"steel": {2024: 0.9, 2026: 0.8}}, sectors),
        "industry.free_budget": ({"steel": {2024: 144.0, 2026: 1e6}}, sectors),
    }
    for name, value in values.items():
        path = name.replace("__", ".")
        given[path] = (value, given[path][1] if path in given else ())
    return ParameterSet({path: parameter(path, value, dims=dims) for path, (value, dims) in given.items()})


def sector_data(
    sector: str,
    year: int,
    *,
    emissions: Sequence[float],
    enterprise: Sequence[str] | None = None,
    key: Sequence[float] | None = None,
    key_output: Sequence[float] | None = None,
    output: Sequence[float] | None = None,
    **given: Any,
) -> AllocationInput:
    """One sector's facilities f0, f1, ...; by default one enterprise each, all emissions in the key process."""
    size = len(emissions)
    zero = np.zeros(size)
    values = {
        "base_year": 2024,
        "entities": np.ones(size),
        "heat_output": zero,
        "benchmark_class": ("",) * size,
        "load_factor": np.full(size, np.nan),
        "heat_ratio": zero,
        "cooling": ("",) * size,
        "special_case": ("",) * size,
        "reference_emissions": np.array(emissions, dtype=float),
        "reference_output": zero if output is None else np.array(output, dtype=float),
        **given,
    }
    arrays = ("entities", "heat_output", "load_factor", "heat_ratio", "reference_emissions", "reference_output")
    for name in (*arrays, *(name for name in ("previous_emissions", "previous_output") if name in given)):
        values[name] = np.array(values[name], dtype=float)
    return AllocationInput(
        sector=sector,
        year=year,
        facility=tuple(f"f{i}" for i in range(size)),
        enterprise=tuple(enterprise) if enterprise is not None else tuple(f"e{i}" for i in range(size)),
        emissions=np.array(emissions, dtype=float),
        key_emissions=np.array(emissions if key is None else key, dtype=float),
        output=zero if output is None else np.array(output, dtype=float),
        key_output=zero if key_output is None else np.array(key_output, dtype=float),
        **values,
    )
