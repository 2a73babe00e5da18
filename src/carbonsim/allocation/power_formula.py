"""Correction factors of the power benchmark formulas, each as the plan of its years has it.

Symbols: Qe electricity (net supply until 2022, gross generation from 2023), Be benchmark, Fl cooling, Fr heat supply,
Ff load, Qh heat supplied, Bh heat benchmark, F load factor as a share.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carbonsim.allocation.assemble import raise_for
from carbonsim.allocation.core import AllocationInput, Array
from carbonsim.inputs.parameters import ParameterSet

Mask = NDArray[np.bool_]

CONVENTIONAL_COAL = ("I", "II")  # classes of the plans
GAS = "IV"
BACK_PRESSURE = "back_pressure"


def benchmarks(data: AllocationInput, parameters: ParameterSet, path: str) -> Array:
    """Benchmark of each unit's class, shape (facility,).

    Parameters
    ----------
    data : AllocationInput
        Generating units of one year.
    parameters : ParameterSet
        Holds ``path`` by benchmark class.
    path : str
        ``power.benchmark`` [tCO2/MWh] or ``power.heat_benchmark`` [tCO2/GJ].

    Returns
    -------
    array (facility,)
        0 for a special-case unit whose class the plan does not list.

    Raises
    ------
    InputError
        If a unit's class is not in the plan.
    """
    classes = sorted(labels[0] for labels in parameters.get(path).labels())
    rated = is_rated(data)
    unknown = [i for i in np.flatnonzero(rated) if data.benchmark_class[i] not in classes]
    raise_for(
        [data.facility[i] for i in unknown],
        "benchmark_class",
        "no benchmark class of the power plan",
        f"Give one of {', '.join(classes)} in facilities.benchmark_class.",
    )
    value = {name: parameters.value(path, data.year, name) for name in classes}
    return np.array([value.get(name, 0.0) for name in data.benchmark_class], dtype=float)


def is_rated(data: AllocationInput) -> Mask:
    """Which units the formula rates; a special case receives its verified emissions instead."""
    return np.array([not case for case in data.special_case], dtype=bool)


def is_gas(data: AllocationInput) -> Mask:
    """Which units burn gas."""
    return np.array([name == GAS for name in data.benchmark_class], dtype=bool)


def is_conventional(data: AllocationInput) -> Mask:
    """Which rated units burn conventional coal."""
    conventional = [name in CONVENTIONAL_COAL for name in data.benchmark_class]
    return np.logical_and(is_rated(data), conventional)


def cooling_factors(data: AllocationInput, parameters: ParameterSet) -> Array:
    """Fl of 2019-22: by kind of cooling for coal, 1 for gas.

    Raises
    ------
    InputError
        If a coal unit does not say how it is cooled.
    """
    known = sorted(labels[0] for labels in parameters.get("power.cooling_factor").labels())
    coal = is_rated(data) & ~is_gas(data)
    raise_for(
        [data.facility[i] for i in np.flatnonzero(coal) if data.cooling[i] not in known],
        "cooling",
        "no kind of cooling, which the plan of this year needs",
        f"Give one of {', '.join(known)} in facilities.cooling.",
    )
    value = {name: parameters.value("power.cooling_factor", data.year, name) for name in known}
    return np.array([value[name] if burns else 1.0 for name, burns in zip(data.cooling, coal, strict=True)])


def heat_supply_factors(data: AllocationInput, parameters: ParameterSet) -> Array:
    """Fr of 2019-22: ``1 - slope * heat ratio``, with a slope for coal and one for gas.

    Raises
    ------
    InputError
        If a unit that supplies heat does not give its heat ratio.
    """
    missing = np.isnan(data.heat_ratio)
    raise_for(
        [data.facility[i] for i in np.flatnonzero(missing & (data.heat_output > 0))],
        "heat_ratio",
        "supplies heat but has no heat ratio",
        "Give facilities.heat_ratio between 0 and 1.",
    )
    coal = parameters.value("power.heat_supply_slope", data.year, "coal")
    gas = parameters.value("power.heat_supply_slope", data.year, "gas")
    return 1.0 - np.where(is_gas(data), gas, coal) * np.where(missing, 0.0, data.heat_ratio)


def load_factors_2019(data: AllocationInput, parameters: ParameterSet) -> Array:
    """Ff of 2019-22, for conventional coal units that only condense; continuous, in three pieces below full credit."""
    heat = np.where(np.isnan(data.heat_ratio), 0.0, data.heat_ratio)
    condensing = np.array([name != BACK_PRESSURE for name in data.cooling], dtype=bool) & (heat == 0)
    applies = is_conventional(data) & condensing
    load = _load(data, applies)

    def constant(name: str) -> float:
        return parameters.value(f"power.load_{name}", data.year)

    upper, middle, threshold = constant("upper_threshold"), constant("middle_threshold"), constant("threshold")
    factor = np.select(
        [load >= upper, load >= middle, load >= threshold],
        [
            np.ones_like(load),
            1.0 + constant("upper_slope") * 100.0 * (upper - load),
            constant("middle_base") + constant("middle_slope") * 100.0 * (middle - load),
        ],
        default=_exponential(load, parameters, data.year),
    )
    return np.where(applies, factor, 1.0)


def load_factors_2023(data: AllocationInput, parameters: ParameterSet) -> Array:
    """Ff of 2023-24: the exponential below the threshold only, which leaves a cliff there."""
    applies = is_conventional(data)
    load = _load(data, applies)
    below = applies & (load < parameters.value("power.load_threshold", data.year))
    return np.where(below, _exponential(load, parameters, data.year), 1.0)


def load_factors_2025(data: AllocationInput, parameters: ParameterSet) -> Array:
    """Ff of the 2025-26 draft: two saturating terms below the threshold, F in percentage points."""
    applies = is_conventional(data)
    load = _load(data, applies)
    below = applies & (load < parameters.value("power.load_threshold", data.year))
    factor = np.full_like(load, parameters.value("power.load_saturation_intercept", data.year))
    for term in ("slow", "fast"):
        weight = parameters.value("power.load_saturation_weight", data.year, term)
        scale = parameters.value("power.load_saturation_scale", data.year, term)
        factor = factor - weight * (1.0 - np.exp(-100.0 * load / scale))
    return np.where(below, factor, 1.0)


def _exponential(load: Array, parameters: ParameterSet, year: int) -> Array:
    # The plan of 2023-24 calls F a percentage; its formula only works with the share.
    base = parameters.value("power.load_exponential_base", year)
    intercept = parameters.value("power.load_exponent_intercept", year)
    slope = parameters.value("power.load_exponent_slope", year)
    return np.asarray(base ** (intercept - slope * load), dtype=float)


def _load(data: AllocationInput, applies: Mask) -> Array:
    """Load factors with 1 where the factor does not apply; a missing one that is needed is an error."""
    raise_for(
        [data.facility[i] for i in np.flatnonzero(applies & np.isnan(data.load_factor))],
        "load_factor",
        "conventional coal unit without a load factor, which the plan of this year needs",
        "Give facilities.load_factor between 0 and 1.",
    )
    return np.where(applies, data.load_factor, 1.0)
