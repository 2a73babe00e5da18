"""A market problem from plain numbers: a mapping written by hand or read from a problem file."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from carbonsim.errors import InputError, did_you_mean
from carbonsim.market.problem import MarketProblem, Options, as_matrix
from carbonsim.market.supply import Array, Instrument, instruments

PROBLEM_KEYS = ("year", "enterprises", "options", "supply", "interest", "opening_bank", "instruments", "given_price")
ENTERPRISE_DEFAULTS = {"baseline": None, "share": 1.0, "fixed": 0.0, "per_emission": 0.0}
OPTION_DEFAULTS = {"potential": None, "unit_cost": None, "slope": 0.0}


def problem_from_mapping(mapping: Mapping[str, object]) -> MarketProblem:
    """A market problem from numbers; one number holds in every year, a list has one for each.

    Parameters
    ----------
    mapping : dict
        ``year`` (list), ``enterprises`` {name: baseline, share=1, fixed=0, per_emission=0}, ``options``
        {name: enterprise, potential, unit_cost, slope=0}, and optionally ``supply``, ``interest``, ``opening_bank``,
        ``given_price`` and ``instruments`` {label: arguments}. The label is the instrument's registered name, or any
        label with the name as ``kind``.

    Raises
    ------
    InputError
        If a key is unknown or missing, or the problem is not valid.
    """
    _check_keys(mapping, PROBLEM_KEYS, "problem", required=("year", "enterprises"))
    year = tuple(int(label) for label in _listed(mapping["year"]))
    firms = _records(mapping["enterprises"], "enterprises")
    options = _records(mapping.get("options", {}), "options")
    table = {key: _table(firms, key, value, len(year), "enterprises") for key, value in ENTERPRISE_DEFAULTS.items()}
    for name, record in firms.items():
        _check_keys(record, tuple(ENTERPRISE_DEFAULTS), f"enterprises.{name}", required=("baseline",))
    given = mapping.get("given_price")
    return MarketProblem(
        enterprise=tuple(firms),
        year=year,
        options=_options(options, tuple(firms), len(year)),
        supply=_yearly("supply", mapping.get("supply", 0.0), len(year)),
        interest=float(_number(mapping.get("interest", 0.0))),
        opening_bank=float(_number(mapping.get("opening_bank", 0.0))),
        instruments=_instruments(_records(mapping.get("instruments", {}), "instruments")),
        given_price=None if given is None else _yearly("given_price", given, len(year)),
        baseline=table["baseline"],
        share=table["share"],
        fixed=table["fixed"],
        per_emission=table["per_emission"],
    )


def _yearly(name: str, value: object, years: int) -> Array:
    numbers = np.asarray(_number(value), dtype=float).reshape(-1)
    if len(numbers) not in (1, years):
        raise InputError(
            f"{name} has {len(numbers)} values; expected one number, or one for each of the {years} years."
        )
    return np.asarray(as_matrix(numbers, 1, years)[0])


def _options(records: dict[str, dict[str, object]], firms: tuple[str, ...], years: int) -> Options:
    owner = []
    for name, record in records.items():
        _check_keys(
            record,
            ("enterprise", *OPTION_DEFAULTS),
            f"options.{name}",
            required=("enterprise", "potential", "unit_cost"),
        )
        firm = str(record["enterprise"])
        if firm not in firms:
            raise InputError(f"options.{name}.enterprise is '{firm}', which is not listed. {did_you_mean(firm, firms)}")
        owner.append(firms.index(firm))
    table = {key: _table(records, key, value, years, "options") for key, value in OPTION_DEFAULTS.items()}
    return Options(label=tuple(records), enterprise=np.array(owner, dtype=np.intp), **table)


def _instruments(records: dict[str, dict[str, object]]) -> tuple[Instrument, ...]:
    made = []
    for label, record in records.items():
        arguments: dict[str, Any] = dict(record)
        kind = str(arguments.pop("kind", label))
        if kind != label:
            arguments["name"] = label
        target = instruments.get(kind).target
        try:
            made.append(target(**arguments))
        except (TypeError, ValueError) as error:
            known = ", ".join(inspect.signature(target).parameters)
            raise InputError(f"instruments.{label}: {error}. Fields of '{kind}': {known or 'none'}.") from error
    return tuple(made)


def _table(
    records: dict[str, dict[str, object]], key: str, default: float | None, years: int, where: str
) -> np.ndarray[Any, np.dtype[np.float64]]:
    rows = np.zeros((len(records), years))
    for position, (name, record) in enumerate(records.items()):
        value = record.get(key, default)
        if value is None:
            raise InputError(f"{where}.{name}.{key} is missing; every one needs a number.")
        try:
            rows[position] = np.asarray(value, dtype=float)
        except (TypeError, ValueError) as error:
            raise InputError(f"{where}.{name}.{key} is {value!r}; expected a number or {years} numbers.") from error
    return rows


def _check_keys(mapping: Mapping[str, object], known: tuple[str, ...], where: str, required: Iterable[str]) -> None:
    for key in mapping:
        if key not in known:
            raise InputError(
                f"{where} has no '{key}'. Known: {', '.join(known)}. {did_you_mean(str(key), known)}".strip()
            )
    missing = [key for key in required if key not in mapping]
    if missing:
        raise InputError(f"{where} needs {', '.join(missing)}.")


def _records(value: object, where: str) -> dict[str, dict[str, object]]:
    if not isinstance(value, Mapping) or not all(isinstance(record, Mapping) for record in value.values()):
        raise InputError(f"{where} is {type(value).__name__}; expected a mapping of names to their fields.")
    return {str(name): dict(record) for name, record in value.items()}


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _number(value: object) -> Any:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{value!r} is not a number or a list of numbers.") from error
