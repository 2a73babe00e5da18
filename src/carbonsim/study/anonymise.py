"""Stable aliases in place of enterprise names, so that results can leave the office."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from collections.abc import Iterable

import numpy as np
import xarray as xr

from carbonsim.errors import InputError
from carbonsim.study.results import Results

DIGITS = 8


def aliases(enterprises: Iterable[str], key: str) -> dict[str, str]:
    """Alias of every enterprise: the same key and name give the same alias in every run.

    >>> aliases(["works-a"], "key")["works-a"] == aliases(["works-a", "works-b"], "key")["works-a"]
    True
    """
    made = {
        name: "E-" + hmac.new(key.encode(), name.encode(), hashlib.sha256).hexdigest()[:DIGITS]
        for name in sorted(enterprises)
    }
    if len(set(made.values())) < len(made):
        raise InputError("two enterprises got the same alias; give another --alias-key.")
    return made


def anonymise(results: Results, key: str) -> Results:
    """Results in which no enterprise, facility or option carries its name.

    Parameters
    ----------
    results : Results
        As simulated.
    key : str
        Secret of the office; without it an alias can be traced back by trying names.

    Returns
    -------
    Results
        Same numbers. Enterprises get aliases, facilities and options aliases with running numbers. Changes in the
        provenance that name an enterprise are named by their alias as well.
    """
    dataset = results.dataset
    alias = aliases([str(name) for name in dataset["enterprise"].values], key)
    renamed: dict[str, xr.DataArray | tuple[str, np.ndarray]] = {
        "enterprise": ("enterprise", np.array([alias[str(name)] for name in dataset["enterprise"].values]))
    }
    for name in ("name_zh", "name_en"):
        renamed[name] = ("enterprise", np.array([alias[str(value)] for value in dataset["enterprise"].values]))
    owners = np.array([alias[str(name)] for name in dataset["option_enterprise"].values])
    measures = dataset["option_measure"].values.astype(str)
    renamed["option_enterprise"] = ("option", owners)
    renamed["option_facility"] = ("option", owners)
    numbers = _running_numbers(owners)
    renamed["option"] = (
        "option",
        np.array([f"{o}/{n}/{m}" for o, n, m in zip(owners, numbers, measures, strict=True)]),
    )
    provenance = {name: _scrub(dict(entry), alias) for name, entry in results.provenance.items()}
    return dataclasses.replace(results, dataset=dataset.assign_coords(renamed), provenance=provenance)


def _running_numbers(labels: np.ndarray) -> list[int]:
    seen: dict[str, int] = {}
    numbers = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        numbers.append(seen[label])
    return numbers


def _scrub(entry: dict[str, object], alias: dict[str, str]) -> dict[str, object]:
    changes = entry.get("changes")
    if isinstance(changes, list):
        entry["changes"] = [
            {
                **change,
                "path": ".".join(alias.get(part, part) for part in str(change["path"]).split(".")),
                "value": alias.get(str(change["value"]), str(change["value"])),
                "why": "" if any(name in str(change["why"]) for name in alias) else change["why"],
            }
            for change in changes
        ]
    return entry
