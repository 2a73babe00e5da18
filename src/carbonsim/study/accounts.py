"""Stored inventories: saved with all they rest on, computed again to the last digit, compared with newer factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from carbonsim.accounting import build_inventory
from carbonsim.accounting.compare import what_changed
from carbonsim.errors import InputError, Issue, shorten
from carbonsim.inputs.factors import Factors, load_factors, packaged_factors
from carbonsim.inputs.files import new_folder
from carbonsim.inputs.ledger import Ledger, read_ledger
from carbonsim.study.account_folder import (
    FACTORS,
    altered,
    fill_folder,
    ledger_paths,
    other_version,
    read_account,
    stored_inventory,
)

COLUMNS: Final = ("variable", "label", "stored", "replayed")
FROM: Final = " from "
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What came out when a stored inventory was computed again.

    Attributes
    ----------
    issues : tuple of Issue
        Files that are missing, changed or additional; a fault that stopped the computation; as a warning, that
        another version of the package did it.
    differences : DataFrame
        One row for each number or text that is not the same, bit for bit: ``variable, label, stored, replayed``.
    compared : int
        Numbers and texts that were compared.
    seal : str
        SHA-256 over the stored files and choices, from the manifest; noted elsewhere, it proves the whole folder.
    inventory : Dataset or None
        The inventory as computed now.
    """

    issues: tuple[Issue, ...]
    differences: pd.DataFrame
    compared: int
    seal: str
    inventory: xr.Dataset | None

    @property
    def holds(self) -> bool:
        """Whether nothing was altered and every value came out the same."""
        faults = any(issue.severity == "error" for issue in self.issues)
        return self.inventory is not None and self.differences.empty and not faults

    def text(self, lang: str = "en") -> str:
        """The outcome and every issue, one a line, in English or Chinese."""
        count, compared = len(self.differences), self.compared
        if lang == "zh":
            told = f"比对 {compared} 个数值，{count} 个不同：复算{'一致' if self.holds else '不一致'}。"
        else:
            verdict = "holds" if self.holds else "does not hold"
            told = f"{compared} values compared, {count} differ: the replay {verdict}."
        return "\n".join([told, *(issue.text(lang) for issue in self.issues)])

    def __str__(self) -> str:
        return self.text()


def save_inventory(
    inventory: xr.Dataset, ledger: Ledger, folder: str | Path, *, written: str = "", replace: bool = False
) -> Path:
    """Store an inventory with everything it was computed from; the folder appears whole or not at all.

    Parameters
    ----------
    inventory : Dataset
        What ``build_inventory`` made of the ledger.
    ledger : Ledger
        As read; its files must still be what they were.
    folder : path
        Folder to make.
    written : str
        Time of writing, for the manifest alone.
    replace : bool
        Whether an earlier stored inventory may be replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the folder holds anything but a stored inventory to be replaced, an input file was changed since it was
        read, or the inventory is not what the ledger gives, so that no replay could hold.
    """
    target = Path(folder)
    if replace and target.is_dir() and any(target.iterdir()):
        read_account(target)
    with new_folder(target, replace=replace) as made:
        manifest = fill_folder(made, inventory, ledger, written)
        again = _rebuild(made, manifest, load_factors(made / FACTORS))
        differences, _ = _differences(stored_inventory(made), again)
        if len(differences):
            raise _refusal(differences)
    return target


def read_inventory(folder: str | Path) -> xr.Dataset:
    """The inventory in a folder that ``save_inventory`` made.

    Raises
    ------
    InputError
        If it is no such folder or any of its files was altered since.
    """
    place = Path(folder)
    problems = altered(place, read_account(place))
    if problems:
        raise InputError(problems)
    return stored_inventory(place)


def replay(folder: str | Path) -> ReplayResult:
    """Compute a stored inventory again from its own inputs and factor tables and compare every value bit for bit.

    The factor tables of the package are not looked at. Files that were altered are named; the computation is still
    tried, so that the result shows what the alteration does.

    Raises
    ------
    InputError
        If the folder holds no stored inventory.
    """
    place = Path(folder)
    manifest = read_account(place)
    issues = (*altered(place, manifest), *other_version(place, manifest))
    seal = str(manifest["seal"])
    try:
        again = _rebuild(place, manifest, load_factors(place / FACTORS))
        differences, compared = _differences(stored_inventory(place), again)
    except InputError as fault:
        return ReplayResult((*issues, *fault.issues), pd.DataFrame(columns=list(COLUMNS)), 0, seal, None)
    return ReplayResult(issues, differences, compared, seal, again)


def what_would_change(folder: str | Path, factors: Factors | None = None) -> pd.DataFrame:
    """What other factor tables would do to a stored inventory: ``what_changed`` from the stored one to the new one.

    Parameters
    ----------
    folder : path
        Stored inventory.
    factors : Factors, optional
        Tables to count with; those of the package today by default. The ledger's own factors go on top again.

    Raises
    ------
    InputError
        If the folder was altered, or the other tables lack a factor that the ledger uses.
    """
    stored, place = read_inventory(folder), Path(folder)
    return what_changed(stored, _rebuild(place, read_account(place), factors or packaged_factors(), overlay=True))


def _rebuild(folder: Path, manifest: Mapping[str, Any], factors: Factors, *, overlay: bool = False) -> xr.Dataset:
    """The inventory of the stored ledger; ``overlay`` puts its own factors on the tables, which else hold them."""
    path, own = ledger_paths(folder, manifest)
    ledger = read_ledger(path, factors, own)
    sets = {name: _gwp_choice(str(manifest[name])) for name in ("gwp_set", "market_gwp_set")}
    return build_inventory(ledger, ledger.factors if overlay else factors, **sets)


def _gwp_choice(shown: str) -> str | dict[int, str]:
    """The choice of warming potentials that an attribute of an inventory describes.

    >>> _gwp_choice("AR4 from 2013, AR5 from 2021")
    {2013: 'AR4', 2021: 'AR5'}
    """
    if FROM not in shown:
        return shown
    pairs = [part.split(FROM) for part in shown.split(", ")]
    return {int(year): name for name, year in pairs}


def _refusal(differences: pd.DataFrame) -> InputError:
    where = shorten([f"{row['variable']} {row['label']}" for row in differences.to_dict("records")])
    return InputError(
        Issue(
            "account-inventory",
            "",
            f"the inventory is not what its ledger gives: {where} differ.",
            f"清单与账册不符：{where} 不同。",
            "Store the result of build_inventory as it is, counted with the factors of the ledger.",
            "请原样保存用账册自身因子表算出的清单。",
        )
    )


def _differences(stored: xr.Dataset, again: xr.Dataset) -> tuple[pd.DataFrame, int]:
    """Every value that is not the same bit for bit, and how many were compared."""
    frames, compared = [_other_attributes(stored, again)], 0
    for name in sorted({*map(str, stored.variables), *map(str, again.variables)}):
        one, other = (dataset.variables.get(name) for dataset in (stored, again))
        if one is None or other is None or one.dims != other.dims or one.shape != other.shape:
            shown = ["absent" if found is None else f"{found.dims} {found.shape}" for found in (one, other)]
            frames.append(pd.DataFrame([(name, "shape", *shown)], columns=list(COLUMNS)))
            continue
        compared += one.size
        places = np.nonzero(~_same(one.values, other.values))
        if places[0].size:
            frames.append(_rows(name, stored, (one, other), places))
    return pd.concat(frames, ignore_index=True), compared


def _other_attributes(stored: xr.Dataset, again: xr.Dataset) -> pd.DataFrame:
    """Attributes of the datasets that are not the same."""
    names = sorted({*map(str, stored.attrs), *map(str, again.attrs)})
    pairs = [(name, "attribute", str(stored.attrs.get(name)), str(again.attrs.get(name))) for name in names]
    return pd.DataFrame([pair for pair in pairs if pair[2] != pair[3]], columns=list(COLUMNS))


def _same(one: Array, other: Array) -> NDArray[np.bool_]:
    """Where two arrays of the same shape hold the same bits; every NaN counts as the same."""
    one, other = np.atleast_1d(one), np.atleast_1d(other)
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        bits = [np.ascontiguousarray(array, dtype=np.float64).view(np.int64) for array in (one, other)]
        return np.asarray((bits[0] == bits[1]) | (np.isnan(one) & np.isnan(other)))
    if {one.dtype.kind, other.dtype.kind} & {"U", "O", "S", "T"}:
        return np.asarray(one.astype(str) == other.astype(str))
    return np.asarray(one == other)


def _rows(
    name: str, stored: xr.Dataset, both: tuple[xr.Variable, xr.Variable], places: tuple[NDArray[np.intp], ...]
) -> pd.DataFrame:
    """Rows of the differences of one variable, with the labels of their places."""
    parts = []
    for dim, place in zip(both[0].dims, places, strict=False):
        known = stored[dim].values if dim in stored.coords else np.arange(stored.sizes[dim])
        parts.append([f"{dim}={label}" for label in known.astype(str)[place].tolist()])
    labels = [", ".join(part) for part in zip(*parts, strict=True)] or [""] * len(places[0])
    values = [[str(value) for value in np.atleast_1d(found.values)[places].tolist()] for found in both]
    return pd.DataFrame({"variable": name, "label": labels, "stored": values[0], "replayed": values[1]})
