"""The example ledgers that come with the package: their names, their titles, and where each is."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Final

from carbonsim.errors import InputError, Issue, did_you_mean
from carbonsim.inputs.paths import scenarios_folder

LEDGERS: Final = "ledgers"
ENTERPRISES: Final = "enterprises.csv"


def packaged_ledgers() -> list[tuple[str, str, str]]:
    """Packaged ledgers in order: name, and the names of their enterprises in English and Chinese."""
    root = scenarios_folder() / LEDGERS
    found = []
    for path in sorted(root.glob(f"*/{ENTERPRISES}")):
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
        english, chinese = (sep.join(row[head] for row in rows) for sep, head in ((", ", "name_en"), ("、", "name_zh")))
        found.append((path.parent.name, english, chinese))
    return found


def find_ledger(path: str | Path) -> Path:
    """The workbook or folder that a user named; a name that is no path may be that of a packaged ledger.

    Raises
    ------
    InputError
        If there is neither.
    """
    place, text = Path(path), os.fspath(path)
    if place.exists():
        return place
    names = [name for name, _, _ in packaged_ledgers()]
    if text in names:
        return scenarios_folder() / LEDGERS / text
    hint = f"{did_you_mean(text, names)} Give a workbook (.xlsx), a folder of CSV files, or one of: {', '.join(names)}."
    meant = did_you_mean(text, names, "zh")
    hint_zh = f"{meant}请提供工作簿（.xlsx）、CSV 文件夹，或内置账册名：{'、'.join(names)}。"
    raise InputError(Issue("file-missing", text, "does not exist.", "不存在。", hint.strip(), hint_zh))
