"""Inventories written by hand in the form that ``build_inventory`` gives, for the tests of quality and comparison."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

GASES = ("CO2", "CH4")
POTENTIAL = {"CO2": 1.0, "CH4": 28.0}  # AR5

STREAM = {
    "enterprise": "e", "facility": "f", "stream": "coal", "month": 0, "method": "combustion", "scope": 1,
    "activity_basis": "statistic", "factor_basis": "law", "tier": "default", "substituted": False, "unit": "t",
    "source": "meter", "quantity": 1.0, "components": (),
}  # fmt: skip


def component(gas: str = "CO2", sign: float = 1.0, constant: float = 1.0, **terms: Any) -> dict[str, Any]:
    """One component; a term is ``(form, value, key)`` with the key of a table entry or ``""`` for an own value."""
    return {"gas": gas, "sign": sign, "constant": constant, "terms": terms}


def inventory(
    streams: Sequence[Mapping[str, Any]],
    years: Sequence[int] = (2024,),
    *,
    gwp: Mapping[str, float] = POTENTIAL,
    gwp_set: str = "AR5",
    sources: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """An inventory of these streams; ``quantity`` is a number or one for each year (None: no row in that year)."""
    rows = [{**STREAM, **stream} for stream in streams]
    assert not {name for stream in streams for name in stream} - set(STREAM)
    parts = [(place, part) for place, row in enumerate(rows) for part in row["components"]]
    names = sorted({name for _, part in parts for name in part["terms"]}) or ["emission_factor"]
    entries = sorted({term[2] for _, part in parts for term in part["terms"].values()} - {""})
    shape = (len(parts), len(names), len(years))
    form, value, key = np.zeros(shape[:2], dtype=np.int8), np.zeros(shape), np.full(shape, -1, dtype=np.int32)
    shared = np.zeros(len(entries))
    for number, (_, part) in enumerate(parts):
        for name, (kind, amount, entry) in part["terms"].items():
            at = names.index(name)
            form[number, at], value[number, at] = kind, amount
            if entry:
                key[number, at] = entries.index(entry)
                shared[entries.index(entry)] = amount
    given = [np.broadcast_to(np.array(row["quantity"], dtype=float), len(years)) for row in rows]
    quantity = np.array(given).reshape(len(rows), len(years))
    reported = ~np.isnan(quantity)
    activity = np.nan_to_num(quantity)
    co2e = np.zeros(activity.shape)
    for number, (place, part) in enumerate(parts):
        product = part["sign"] * part["constant"] * activity[place] * gwp[part["gas"]]
        taken_off = np.zeros(len(years))
        for name in part["terms"]:
            at, kind = names.index(name), form[number, names.index(name)]
            if kind == 1:
                product = product * value[number, at]
            elif kind == -1:
                product = product / value[number, at]
            else:
                taken_off = taken_off + value[number, at]
        co2e[place] += product * (1 - taken_off)
    labels = [f"{row['facility']}/{row['stream']}" + (f"#{row['month']}" if row["month"] else "") for row in rows]
    enterprises = sorted({row["enterprise"] for row in rows})
    direct = np.zeros((len(enterprises), len(years)))
    bought = np.zeros((len(enterprises), len(years)))
    for place, row in enumerate(rows):
        into = {1: direct, 2: bought}.get(row["scope"])
        if into is not None:
            into[enterprises.index(row["enterprise"])] += co2e[place]
    text = {
        "stream_enterprise": "enterprise", "stream_facility": "facility", "stream_name": "stream",
        "stream_month": "month", "stream_scope": "scope", "method": "method", "activity_basis": "activity_basis",
        "factor_basis": "factor_basis", "tier": "tier", "substituted": "substituted", "activity_source": "source",
        "activity_unit": "unit",
    }  # fmt: skip
    return xr.Dataset(
        {
            "activity": (("stream", "year"), activity),
            "stream_reported": (("stream", "year"), reported),
            "stream_emissions_co2e": (("stream", "year"), co2e),
            "emissions_co2e": (("enterprise", "year"), direct),
            "scope2_location": (("enterprise", "year"), bought),
            "gwp": (("gas", "year"), np.repeat([[gwp[gas]] for gas in GASES], len(years), axis=1)),
            "component_place": ("component", np.array([place for place, _ in parts], dtype=np.int64)),
            "term_form": (("component", "term"), form),
            "term_value": (("component", "term", "year"), value),
            "term_key": (("component", "term", "year"), key),
        },
        coords={
            "stream": labels, "year": np.array(years), "gas": list(GASES), "enterprise": enterprises,
            "sector": ("enterprise", ["mining"] * len(enterprises)),
            "component": [f"{labels[place]}|{part['gas']}" for place, part in parts],
            "component_gas": ("component", [part["gas"] for _, part in parts]),
            "component_sign": ("component", [float(part["sign"]) for _, part in parts]),
            "component_constant": ("component", [float(part["constant"]) for _, part in parts]),
            "term": names,
            "shared": entries,
            "shared_value": ("shared", shared),
            "shared_factor": ("shared", [entry.split("/")[0] for entry in entries]),
            "shared_source": ("shared", [(sources or {}).get(entry, "table") for entry in entries]),
            **{name: ("stream", [row[column] for row in rows]) for name, column in text.items()},
        },
        attrs={"gwp_set": gwp_set},
    )  # fmt: skip


def emitting(stream: str, tonnes: Any, **more: Any) -> dict[str, Any]:
    """A stream that emits these tonnes of CO2."""
    return {"stream": stream, "quantity": tonnes, "components": (component(),), **more}
