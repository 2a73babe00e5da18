"""Looks into an .xlsx before it is opened: its unpacked size, and formulas that were never calculated."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.parsers import expat

from carbonsim.errors import Issue

MAX_UNPACKED = 512_000_000
SMALL_UNPACKED = 16_000_000
MAX_RATIO = 100
READ_BLOCK = 1 << 16
LONGEST_TAG = 256
_FORMULA = re.compile(rb"<([^<>/\s]*:)?f[\s/>]")


def check_archive(path: Path, source: str) -> list[Issue]:
    """Faults that forbid opening a workbook: not a workbook, or far larger inside than outside."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            unpacked = sum(member.file_size for member in archive.infolist())
    except OSError as problem:
        reason = problem.strerror or "unreadable"
        return [Issue("file-missing", source, f"cannot be read: {reason}.", f"无法读取：{reason}。")]
    except zipfile.BadZipFile:
        names, unpacked = [], 0
    if "xl/workbook.xml" not in names:
        return [
            Issue(
                "not-a-workbook",
                source,
                "is not an .xlsx workbook.",
                "不是 .xlsx 工作簿。",
                "Save it as an Excel workbook (.xlsx) without a password.",
                "请另存为不加密的 Excel 工作簿（.xlsx）。",
            )
        ]
    packed = max(path.stat().st_size, 1)
    if unpacked > MAX_UNPACKED or (unpacked > SMALL_UNPACKED and unpacked / packed > MAX_RATIO):
        return [
            Issue(
                "workbook-size",
                source,
                f"unpacks from {packed:,} to {unpacked:,} bytes; such a file is not opened.",
                f"解压后由 {packed:,} 字节增至 {unpacked:,} 字节，不予打开。",
                "Copy the filled cells into a fresh template.",
                "请把填好的单元格复制到新模板中。",
            )
        ]
    return []


def uncalculated_formulas(path: Path, sheet: str) -> tuple[str, ...]:
    """Cells of a sheet, such as ``C7``, that hold a formula without a stored value."""
    with zipfile.ZipFile(path) as archive:
        targets = {
            item["Id"]: item.get("Target", "")
            for item in _elements(archive, "xl/_rels/workbook.xml.rels", "Relationship")
        }
        for item in _elements(archive, "xl/workbook.xml", "sheet"):
            if item.get("name") == sheet:
                target = targets.get(item.get("r:id", ""), "")
                member = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
                with archive.open(member) as stream:
                    if not _may_hold_formulas(stream):
                        return ()
                with archive.open(member) as stream:
                    return _without_value(stream)
    return ()


def _elements(archive: zipfile.ZipFile, member: str, wanted: str) -> Iterator[dict[str, str]]:
    found: list[dict[str, str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.split(":")[-1] == wanted:
            found.append(attributes)

    parser = _parser()
    parser.StartElementHandler = start
    parser.Parse(archive.read(member), True)
    return iter(found)


def _may_hold_formulas(stream: IO[bytes]) -> bool:
    """Whether a formula element may occur in a sheet, which is parsed for damage without looking at its elements.

    Calling back for every element of a large sheet takes several times as long as reading it.
    """
    parser, tail, found = _parser(), b"", False
    while block := stream.read(READ_BLOCK):
        parser.Parse(block, False)
        # The pattern is ASCII: in any wider encoding its letters are set apart by zero bytes.
        window = tail + block
        # Looking for two bytes is many times faster than the pattern.
        near = not found and (b"<f" in window or b":f" in window)
        found = found or b"\0" in block or (near and _FORMULA.search(window) is not None)
        tail = block[-LONGEST_TAG:]
    parser.Parse(b"", True)
    return found


def _without_value(stream: IO[bytes]) -> tuple[str, ...]:
    cells: list[str] = []
    state = {"cell": "", "formula": "", "open": "", "value": ""}

    def start(name: str, attributes: dict[str, str]) -> None:
        tag = name.split(":")[-1]
        if tag == "c":
            state.update(cell=attributes.get("r", ""), formula="", value="")
        elif tag == "f":
            state["formula"] = "yes"
        state["open"] = tag

    def text(content: str) -> None:
        if state["open"] in ("v", "t"):
            state["value"] += content.strip()

    def end(name: str) -> None:
        state["open"] = ""
        if name.split(":")[-1] == "c" and state["formula"] and not state["value"]:
            cells.append(state["cell"])

    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    while block := stream.read(READ_BLOCK):
        parser.Parse(block, False)
    parser.Parse(b"", True)
    return tuple(cells)


def _parser() -> expat.XMLParserType:
    """A parser that refuses entity declarations, so that a small file cannot grow without end."""
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise expat.ExpatError("entity declarations are not allowed")

    parser.EntityDeclHandler = refuse
    return parser
