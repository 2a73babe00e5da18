"""Stable aliases in place of enterprise names, so that results can leave the office."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from carbonsim.errors import InputError
from carbonsim.study.results import Audit, Results

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
    """Results in which no enterprise of the study, and none of its facilities and options, carries its name.

    Parameters
    ----------
    results : Results
        As simulated.
    key : str
        Secret of the office; without it an alias can be traced back by trying names.

    Returns
    -------
    Results
        Same numbers. Enterprises get aliases, their facilities and options aliases with running numbers; the sector
        blocks of the rest of the country keep their names. Wherever a name stands in the provenance its alias stands
        instead, and the audit no longer says where its residuals are.
    """
    dataset = results.dataset
    local = dataset["kind"].values == "enterprise"
    alias = aliases([str(name) for name in dataset["enterprise"].values[local]], key)
    names = _names(dataset, alias)
    labels = [alias.get(str(name), str(name)) for name in dataset["enterprise"].values]
    renamed: dict[str, tuple[str, np.ndarray]] = {"enterprise": ("enterprise", np.array(labels))}
    for name in ("name_zh", "name_en"):
        shown = [
            alias.get(str(e), str(v)) for e, v in zip(dataset["enterprise"].values, dataset[name].values, strict=True)
        ]
        renamed[name] = ("enterprise", np.array(shown))
    owners = [alias.get(str(name), str(name)) for name in dataset["option_enterprise"].values]
    facilities = [_without(str(name), names) for name in dataset["option_facility"].values]
    measures = [_without(str(name), names) for name in dataset["option_measure"].values]
    numbered = zip(owners, _running_numbers(owners), measures, strict=True)
    renamed |= {
        "option_enterprise": ("option", np.array(owners)),
        "option_facility": ("option", np.array(facilities)),
        "option_measure": ("option", np.array(measures)),
        "option": ("option", np.array([f"{owner}/{number}/{measure}" for owner, number, measure in numbered])),
    }
    return dataclasses.replace(
        results,
        dataset=dataset.assign_coords(renamed),
        provenance={name: _scrubbed(entry, names) for name, entry in results.provenance.items()},
        certificate={
            name: Audit({**line, "where": ""} for line in lines) for name, lines in results.certificate.items()
        },
    )


def _names(dataset: xr.Dataset, alias: dict[str, str]) -> dict[str, str]:
    """Everything that names an enterprise of the study, with what stands instead, the longest first."""
    found = dict(alias)
    for name in ("name_zh", "name_en"):
        pairs = zip(dataset["enterprise"].values, dataset[name].values, strict=True)
        found |= {str(shown): alias[str(key)] for key, shown in pairs if str(key) in alias and str(shown)}
    owners, facilities = dataset["option_enterprise"].values, dataset["option_facility"].values
    number: dict[str, int] = {}
    for owner, facility in sorted(set(zip(owners.tolist(), facilities.tolist(), strict=True))):
        if str(owner) in alias:
            number[owner] = number.get(owner, 0) + 1
            found[str(facility)] = f"{alias[str(owner)]}/{number[owner]}"
    return dict(sorted(found.items(), key=lambda pair: (-len(pair[0]), pair[0])))


def _without(text: str, names: dict[str, str]) -> str:
    for name, instead in names.items():
        text = text.replace(name, instead)
    return text


def _scrubbed(value: Any, names: dict[str, str]) -> Any:
    """The same plain value with every name in its texts replaced; file names of inputs are left out."""
    if isinstance(value, str):
        return _without(value, names)
    if isinstance(value, Mapping):
        return {key: {} if key == "inputs" else _scrubbed(entry, names) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(entry, names) for entry in value]
    return value


def _running_numbers(labels: Sequence[str]) -> list[int]:
    seen: dict[str, int] = {}
    numbers = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        numbers.append(seen[label])
    return numbers
