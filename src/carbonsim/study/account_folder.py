"""The folder of a stored inventory: what lies where, the manifest, and whether anything was altered since.

``inputs/ledger`` holds the ledger and ``inputs/own_factors`` its further own factors, byte for byte; ``factors`` the
factor tables that were used, own factors included; ``inventory.nc`` the result. Only ``manifest.json`` holds a time
and the machine.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, Final

import pandas as pd
import xarray as xr

from carbonsim.errors import InputError, Issue
from carbonsim.inputs.factors import write_factors
from carbonsim.inputs.files import sha256_of_bytes, sha256_of_file, write_bytes, write_text
from carbonsim.inputs.ledger import Ledger
from carbonsim.inputs.records import Source
from carbonsim.study.provenance import versions

FORMAT: Final = "carbonsim-account-1"
MANIFEST, INVENTORY, SOURCES = "manifest.json", "inventory.nc", "sources.csv"
INPUTS, FACTORS = "inputs", "factors"
LEDGER, OWN_FACTORS = f"{INPUTS}/ledger", f"{INPUTS}/own_factors"
# Names that a ledger gives to files that are not its own, and to its own factors.
PACKAGED_NAMES, OWN_NAMES = "scenarios/", "own_factors/"
# What decides the numbers of a replay; the seal is taken over it.
FIXED: Final = (
    "format", "carbonsim", "name", "years", "gwp_set", "market_gwp_set", "ledger", "own_factors", "factor_tables",
    "own_factor_values", "files",
)  # fmt: skip


def fill_folder(folder: Path, inventory: xr.Dataset, ledger: Ledger, written: str) -> dict[str, Any]:
    """Write everything a stored inventory consists of into a folder; returns the manifest.

    Raises
    ------
    InputError
        If a file of the ledger is not what was read.
    """
    places = _copy_inputs(ledger, folder)
    write_factors(ledger.factors, folder / FACTORS)
    sources = pd.DataFrame([astuple(source) for _, source in sorted(ledger.sources.items())],
                           columns=[item.name for item in fields(Source)])  # fmt: skip
    write_text(folder / SOURCES, sources.to_csv(index=False, lineterminator="\n"))
    write_bytes(folder / INVENTORY, bytes(inventory.to_netcdf(engine="h5netcdf")))
    fixed = {
        "format": FORMAT,
        "carbonsim": versions()["carbonsim"],
        "name": ledger.name,
        "years": [int(year) for year in inventory["year"].values],
        "gwp_set": str(inventory.attrs["gwp_set"]),
        "market_gwp_set": str(inventory.attrs["market_gwp_set"]),
        **places,
        "factor_tables": dict(sorted(ledger.factors.hashes.items())),
        "own_factor_values": len(ledger.factors.overlaid),
        "files": {name: sha256_of_file(folder / name) for name in _files_in(folder)},
    }
    about = {"versions": versions(), "platform": platform.platform(), "written": written}
    manifest = {**fixed, "seal": seal_of(fixed), **about}
    write_text(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
    return manifest


def seal_of(manifest: Mapping[str, Any]) -> str:
    """SHA-256 over all that decides the numbers: the choices and the hash of every file."""
    fixed = {name: manifest.get(name) for name in FIXED}
    return sha256_of_bytes(json.dumps(fixed, ensure_ascii=False, sort_keys=True).encode())


def read_account(folder: str | Path) -> dict[str, Any]:
    """The manifest of a stored inventory.

    Raises
    ------
    InputError
        If there is none, or it is of another format or incomplete.
    """
    path = Path(folder) / MANIFEST
    hints = "Give a folder that carbonsim account made.", "请给出由 carbonsim account 生成的文件夹。"
    if not path.is_file():
        raise InputError(Issue("no-account", str(path), "is missing.", "不存在。", *hints))
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        texts = f"is no JSON: {fault}.", f"不是 JSON：{fault}。"
        raise InputError(Issue("no-account", str(path), *texts, *hints)) from None
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT:
        texts = f"has the format {found!r}, expected '{FORMAT}'.", f"格式为 {found!r}，应为“{FORMAT}”。"
        raise InputError(Issue("no-account", str(path), *texts, *hints))
    missing = [name for name in (*FIXED, "seal") if name not in manifest]
    if missing or not isinstance(manifest["files"], dict):
        shown = ", ".join(missing) or "files"
        texts = f"lacks {shown}.", f"缺少 {shown}。"
        raise InputError(Issue("no-account", str(path), *texts, *hints))
    return dict(manifest)


def ledger_paths(folder: Path, manifest: Mapping[str, Any]) -> tuple[Path, Path | None]:
    """Where the stored ledger and its further own factors are; InputError if that is outside the folder."""
    ledger, own = (str(manifest[name]) for name in ("ledger", "own_factors"))
    for name in (ledger, own):
        if not (folder / name).resolve().is_relative_to(folder.resolve()):
            texts = f"names '{name}', which is outside the folder.", f"所列“{name}”不在该文件夹内。"
            hints = "Restore the folder from its copy.", "请从副本恢复该文件夹。"
            raise InputError(Issue("account-file", str(folder / MANIFEST), *texts, *hints))
    return folder / ledger, folder / own if own else None


def stored_inventory(folder: Path) -> xr.Dataset:
    """The inventory in the folder, whether or not it was altered; InputError if it cannot be read."""
    path = folder / INVENTORY
    try:
        with xr.open_dataset(path, engine="h5netcdf") as opened:
            return opened.load()
    except (OSError, ValueError, KeyError) as fault:
        texts = f"cannot be read: {fault}.", f"无法读取：{fault}。"
        hints = "Restore the folder from its copy.", "请从副本恢复该文件夹。"
        raise InputError(Issue("account-file", str(path), *texts, *hints)) from None


def altered(folder: Path, manifest: Mapping[str, Any]) -> list[Issue]:
    """Files that are missing, have other bytes than when they were stored, or were added to what a replay reads."""
    listed: Mapping[str, str] = manifest["files"]
    there = set(_files_in(folder))
    hints = "Restore the folder from its copy.", "请从副本恢复该文件夹。"

    def issue(name: str, text: str, chinese: str) -> Issue:
        return Issue("account-file", str(folder / name), text, chinese, *hints)

    problems = [issue(name, "is missing.", "缺失。") for name in sorted({*listed} - there)]
    for name in sorted({*listed} & there):
        found, stored = sha256_of_file(folder / name), listed[name]
        if found != stored:
            texts = f"was changed: SHA-256 {found}, stored {stored}.", f"被改动：SHA-256 为 {found}，存档为 {stored}。"
            problems.append(issue(name, *texts))
    read = tuple(f"{part}/" for part in (INPUTS, FACTORS))
    for name in sorted(name for name in there - {*listed} if name.startswith(read)):
        problems.append(issue(name, "was not stored with the inventory.", "不属于存档内容。"))
    if seal_of(manifest) != manifest["seal"]:
        problems.append(issue(MANIFEST, "was changed: its seal does not fit.", "被改动：封签不符。"))
    return problems


def other_version(folder: Path, manifest: Mapping[str, Any]) -> list[Issue]:
    """A warning if another version of the package made the folder."""
    now, then = versions()["carbonsim"], str(manifest["carbonsim"])
    if now == then:
        return []
    texts = f"was made by carbonsim {then}; this is {now}.", f"由 carbonsim {then} 生成；当前版本为 {now}。"
    hints = f"If values differ, replay with version {then}.", f"如数值不同，请用 {then} 版复算。"
    return [Issue("account-version", str(folder / MANIFEST), *texts, *hints, severity="warning")]


def _files_in(folder: Path) -> list[str]:
    """Names of all files of a folder but the manifest, relative to it."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if name != MANIFEST)


def _copy_inputs(ledger: Ledger, folder: Path) -> dict[str, str]:
    """Copy the files of a ledger byte for byte; returns where the ledger and its further own factors went."""
    own = {name: path for name, path in ledger.input_files.items() if not name.startswith(PACKAGED_NAMES)}
    places = {name: _place(name, path, own) for name, path in own.items()}
    problems = []
    for name, path in sorted(own.items()):
        content = path.read_bytes()
        if sha256_of_bytes(content) != ledger.input_hashes[name]:
            texts = "was changed since it was read.", "读取之后被改动。"
            problems.append(Issue("account-file", str(path), *texts, "Read the ledger again.", "请重新读取账册。"))
            continue
        write_bytes(folder / places[name], content)
    if problems:
        raise InputError(problems)
    return {"ledger": _root(places, LEDGER), "own_factors": _root(places, OWN_FACTORS)}


def _place(name: str, path: Path, files: Mapping[str, Path]) -> str:
    """Where a file of the ledger is stored; own factors in the ledger's folder stay there."""
    if not name.startswith(OWN_NAMES):
        return f"{LEDGER}/{name}"
    root = files["activity.csv"].parent if "activity.csv" in files else None
    if root is not None and path.parent == root / FACTORS:
        return f"{LEDGER}/{FACTORS}/{path.name}"
    return f"{OWN_FACTORS}/{path.name}"


def _root(places: Mapping[str, str], part: str) -> str:
    """The one workbook in a part of the folder, or the part itself; an empty text if nothing is there."""
    inside = [place for place in places.values() if place.startswith(f"{part}/")]
    if len(inside) == 1 and inside[0].endswith((".xlsx", ".xlsm")):
        return inside[0]
    return part if inside else ""
