"""The run folder of an account: everything an auditor opens, and everything a replay reads, written whole.

Only ``manifest.json`` holds a time and the machine; every other file depends on ledger, factors and options alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from carbonsim.errors import CertificateError
from carbonsim.inputs.files import new_folder, write_bytes, write_text
from carbonsim.report import account_figures
from carbonsim.report.account_html import write_account_report
from carbonsim.report.account_labels import SHEETS
from carbonsim.report.account_tables import account_tables
from carbonsim.report.account_words import portable_warnings
from carbonsim.report.labels import language, phrase
from carbonsim.report.run_folder import ILLUSTRATIVE, check_target
from carbonsim.report.workbook import workbook_bytes
from carbonsim.study.account import Account
from carbonsim.study.account_folder import fill_folder, read_account
from carbonsim.study.accounts import replay

CHOICES = "account.json"
SHEET_ROWS = 10_000  # a workbook of more rows a sheet is slow to open; the data files hold them all
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """What was asked for beside the ledger; it is stored with the account."""

    lang: str
    uncertainty: str = "none"
    draws: int = 0
    seed: int | None = None


def check_account_target(out: Path, *, force: bool) -> None:
    """Raise InputError if ``out`` holds anything but an earlier account that may be replaced."""
    check_target(out, force=force)
    if out.is_dir() and any(out.iterdir()):
        read_account(out)


def write_account(
    account: Account, out: Path, options: AccountOptions, *, written: str = "", force: bool = False,
    progress: Progress | None = None,
) -> None:  # fmt: skip
    """Write the folder of an account beside its place, replay it there, and move it when it is complete.

    Parameters
    ----------
    account : Account
    out : Path
        Folder to make; an earlier account there is replaced only with ``force``.
    options : AccountOptions
    written : str
        Time of writing, for the manifest.
    force : bool
    progress : callable, optional
        Called with (what is being written, files done, files in all).

    Raises
    ------
    InputError
        If ``out`` holds something that is not an earlier account, or one without ``force``, or a file of the ledger
        was changed since it was read.
    CertificateError
        If the stored account does not replay to the last digit.
    """
    check_account_target(out, force=force)
    tell = progress or (lambda *_: None)
    with new_folder(out, replace=force) as made:
        _fill(account, made, options, tell)
        fill_folder(made, account.inventory, account.ledger, written)
        tell("replay", STEPS - 1, STEPS)
        found = replay(made)
        if not found.holds:
            raise CertificateError(f"the stored account does not replay: {found}")
    tell("replay", STEPS, STEPS)


STEPS = 6


def _fill(account: Account, folder: Path, options: AccountOptions, tell: Progress) -> None:
    lang = language(options.lang)
    tell("tables", 0, STEPS)
    tables = account_tables(account)
    summary = tables["summary"]
    write_text(folder / "summary.csv", summary.to_csv(index=False, float_format="%.10g", lineterminator="\n"))
    (folder / "tables").mkdir()
    for name, table in tables.items():
        plain = pd.DataFrame(table)
        plain.attrs = {}
        if account.is_illustrative:
            plain = plain.assign(notice=ILLUSTRATIVE)
        plain.to_parquet(folder / "tables" / f"{name}.parquet", compression="zstd", index=False)
    tell("account.xlsx", 1, STEPS)
    write_bytes(folder / "account.xlsx", account_workbook(tables, lang=lang, illustrative=account.is_illustrative))
    tell("figures", 2, STEPS)
    drawings = account_figures.save_all(account, folder / "figures", lang=lang)
    tell("report.html", 3, STEPS)
    write_account_report(folder / "report.html", account, tables, lang=lang, drawings=drawings)
    write_text(folder / CHOICES, json.dumps(_choices(account, options), ensure_ascii=False, indent=1) + "\n")
    tell("inventory.nc", 4, STEPS)


def account_workbook(tables: dict[str, pd.DataFrame], *, lang: str, illustrative: bool) -> bytes:
    """The workbook of an account: a sheet a table, long ones cut with a word about it in their title."""
    shown = language(lang)
    notes = {
        name: phrase("rows_cut", shown, shown=SHEET_ROWS, count=len(table), name=name)
        for name, table in tables.items()
        if len(table) > SHEET_ROWS
    }
    sheets = {name: pd.DataFrame(table).head(SHEET_ROWS) for name, table in tables.items()}
    return workbook_bytes(sheets, lang=shown, illustrative=illustrative, titles=SHEETS, notes=notes)


def _choices(account: Account, options: AccountOptions) -> dict[str, Any]:
    """Options and outcome that the manifest does not hold."""
    return {
        "lang": options.lang,
        "uncertainty": options.uncertainty,
        "draws": options.draws,
        "seed": options.seed,
        "content_hash": account.ledger.content_hash(),
        "checks": [
            {"name": line.name, "residual": line.residual, "tolerance": line.tolerance, "passed": line.passed}
            for line in account.checks
        ],
        "warnings": [issue.text() for issue in portable_warnings(account)],
    }
