"""A market problem from plain numbers: a mapping written by hand or read from a problem file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from carbonsim.market.faults import Fault, is_listing, over_all_years, raise_faults, wrong_shape
from carbonsim.market.mapping_checks import mapping_faults, named_arguments, records
from carbonsim.market.plans import Plans
from carbonsim.market.plugin_arguments import make
from carbonsim.market.problem import MarketProblem, Options, as_matrix
from carbonsim.market.supply import Array, Instrument, instruments

KEYS = ("a mapping with year and enterprises", "含 year 与 enterprises 的映射")
PROBLEM_KEYS = (
    "year",
    "enterprises",
    "options",
    "supply",
    "interest",
    "opening_bank",
    "instruments",
    "given_price",
    "plans",
)
ENTERPRISE_DEFAULTS = {"baseline": None, "share": 1.0, "fixed": 0.0, "per_emission": 0.0}
PLAN_DEFAULTS = {"cut": None, "cost": None}
OPTION_DEFAULTS = {"potential": None, "unit_cost": None, "slope": 0.0}


def problem_from_mapping(mapping: Mapping[str, object]) -> MarketProblem:
    """A market problem from numbers; one number holds in every year, a list or a mapping of years has one for each.

    Parameters
    ----------
    mapping : dict
        ``year`` (list), ``enterprises`` {name: baseline, share=1, fixed=0, per_emission=0}, ``options``
        {name: enterprise, potential, unit_cost, slope=0}, ``plans`` {name: enterprise, cut, cost} of which an
        enterprise carries out one whole or none, and optionally ``supply``, ``interest``, ``opening_bank``,
        ``given_price`` and ``instruments`` {label: arguments}. The label is the instrument's registered name, or any
        label with the name as ``kind``. In an instrument ``None`` is a year without a value, ``unlimited`` no limit.

    Raises
    ------
    InputError
        With every problem found: keys that are unknown or missing, numbers outside their bounds, instruments that
        have no effect.
    """
    given: object = mapping
    if not isinstance(given, Mapping):
        raise_faults([wrong_shape((), given, KEYS)], "market problem")
    raise_faults(faults_of(mapping), "market problem")
    year = tuple(int(label) for label in _listed(mapping["year"]))
    firms, _ = records(("enterprises",), mapping["enterprises"])
    options, _ = records(("options",), mapping.get("options"))
    tools, _ = records(("instruments",), mapping.get("instruments"))
    plans, _ = records(("plans",), mapping.get("plans"))
    given = mapping.get("given_price")
    table = {key: _table(firms, key, value, year) for key, value in ENTERPRISE_DEFAULTS.items()}
    return MarketProblem(
        enterprise=tuple(firms),
        year=year,
        options=_options(options, tuple(firms), year),
        supply=_yearly(mapping.get("supply"), year),
        interest=_number(mapping.get("interest")),
        opening_bank=_number(mapping.get("opening_bank")),
        instruments=_instruments(tools, year),
        given_price=None if given is None else _yearly(given, year),
        plans=_plans(plans, tuple(firms), year) if plans else None,
        baseline=table["baseline"],
        share=table["share"],
        fixed=table["fixed"],
        per_emission=table["per_emission"],
    )


def faults_of(mapping: Mapping[str, object]) -> list[Fault]:
    """Every fault of a mapping, each with the path of its key; none if it makes a problem."""
    return mapping_faults(
        mapping, PROBLEM_KEYS, ENTERPRISE_DEFAULTS, {"options": OPTION_DEFAULTS, "plans": PLAN_DEFAULTS}
    )


def _number(value: object) -> float:
    return 0.0 if value is None else float(np.asarray(value, dtype=float))


def _yearly(value: object, years: Sequence[int]) -> Array:
    numbers = np.asarray(0.0 if value is None else over_all_years(value, years), dtype=float).reshape(-1)
    return np.asarray(as_matrix(numbers, 1, len(years))[0])


def _options(options: Mapping[str, Mapping[str, object]], firms: tuple[str, ...], years: Sequence[int]) -> Options:
    place = {firm: position for position, firm in enumerate(firms)}
    owner = np.array([place[str(record["enterprise"])] for record in options.values()], dtype=np.intp)
    table = {key: _table(options, key, value, years) for key, value in OPTION_DEFAULTS.items()}
    return Options(label=tuple(options), enterprise=owner, **table)


def _plans(plans: Mapping[str, Mapping[str, object]], firms: tuple[str, ...], years: Sequence[int]) -> Plans:
    owner = np.array([firms.index(str(record["enterprise"])) for record in plans.values()], dtype=np.intp)
    return Plans(tuple(plans), owner, *(_table(plans, key, None, years) for key in PLAN_DEFAULTS))


def _instruments(tools: Mapping[str, Mapping[str, object]], years: Sequence[int]) -> tuple[Instrument, ...]:
    made = []
    for label, record in tools.items():
        target = instruments.get(str(record.get("kind", label))).target
        made.append(make(("instruments", label), target, named_arguments(label, record), years))
    return tuple(made)


def _table(
    table: Mapping[str, Mapping[str, object]], key: str, default: float | None, years: Sequence[int]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    rows = np.zeros((len(table), len(years)))
    for position, record in enumerate(table.values()):
        value = record.get(key)
        rows[position] = np.asarray(default if value is None else over_all_years(value, years), dtype=float)
    return rows


def _listed(value: object) -> list[Any]:
    return list(value) if is_listing(value) else [value]  # type: ignore[call-overload]
