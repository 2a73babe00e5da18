"""The page of the certificate: every line that the audits declare, and which line each corruption fails first.

Lines are read from the audits' own text, so that none is left out because no case happens to reach it.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import carbonsim.market
from carbonsim.market import audit_ledger
from carbonsim.report.certificate_words import SCALES, line_words, words_of
from corruption import FACTORS, PART, Corruption

PAGES = {"en": "certificate.md", "zh": "certificate.zh.md"}
ROOT = Path(carbonsim.market.__file__).parent
# Calls that make a line: the place of its tolerance among their arguments, if it is one.
MAKERS: Mapping[str, int | None] = {
    "worst": 3, "Line": 2, "labels": None, "same": None, "_difference": None, "line": None, "_line": 3, "_slack": None,
}  # fmt: skip
NAMED = 4  # markets that are listed by name rather than counted
NAME = re.compile(r"[a-z_*]+(: |\.|_\*)[a-z_.*\[\]]*")


@cache
def declared_lines() -> Mapping[str, tuple[str, ...]]:
    """Name of every line, with ``*`` for what varies, and the tolerances that it is declared with."""
    found: dict[str, set[str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "Line" not in text:
            continue
        module = importlib.import_module(".".join(("carbonsim.market", *path.relative_to(ROOT).with_suffix("").parts)))
        for name, tolerance in _lines(ast.parse(text), {**vars(audit_ledger), **vars(module)}):
            found.setdefault(name, set()).update([tolerance] if tolerance else [])
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def _lines(tree: ast.AST, names: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            own = [keyword.value for keyword in node.keywords if called == "replace" and keyword.arg == "name"]
            for value in own or (node.args[:1] if called in MAKERS else []):
                if name := _name(value):
                    yield name, _tolerance(node, called, names)
        elif isinstance(node, ast.Assign):
            parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            # The conditions of a price face carry the names of the lines that report them.
            named = [_name(part) for part in parts] if "Face" in names or _is_name(node.targets[0]) else []
            yield from ((name, _shown(names["OPTIMAL"]) if "Face" in names else "") for name in named if name)


def _is_name(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "name"


def _name(value: ast.expr) -> str:
    """A text with ``*`` for what varies, if it may be the name of a line."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        text = value.value
    elif isinstance(value, ast.JoinedStr):
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in value.values)
    else:
        return ""
    return text if NAME.fullmatch(text) else ""


def _tolerance(call: ast.Call, called: str, names: Mapping[str, object]) -> str:
    place = MAKERS.get(called)
    if called == "labels":
        return "0"
    default = {"_slack": "WORTH", "_difference": "SUMMED", "same": "IDENTITY", "_line": "EXACT", "line": "OPTIMAL"}
    if place is None or len(call.args) <= place:
        return _shown(names.get(default.get(called, ""), ""))
    try:
        return _shown(eval(compile(ast.Expression(call.args[place]), "", "eval"), dict(names)))  # noqa: S307
    except NameError:
        return ""  # it comes with the case: the tolerance of a declared fixed point


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else ""


def undescribed(declared: Iterable[str]) -> list[str]:
    """Lines without words."""
    return [name for name in declared if words_of(name) is None]


def unused(declared: Iterable[str]) -> list[str]:
    """Words that are of no line."""
    mine = {words.line for name in declared if (words := words_of(name))}
    return [words.line for words in line_words() if words.line not in mine]


HEAD = {
    "en": [
        "# The certificate", "", "[中文](certificate.zh.md)", "",
        "Every cleared market carries a certificate: what its prices and quantities must satisfy, worked out from the "
        "problem and the published numbers alone, by code that shares no function with the engines "
        "(`src/carbonsim/market/audit_*.py`). A line that fails is an error, not a warning. "
        "`carbonsim clear --certificate` and `carbonsim check --certificate` print it; `--out` and "
        "`carbonsim run` store it with the numbers. "
        "This page is written by `tests/conformance/test_corruption.py` and held to what it finds.", "",
    ],
    "zh": [
        "# 核验证书", "", "[English](certificate.md)", "",
        "每个出清的市场都附有核验证书：价格与数量必须满足的条件，仅由问题与公布的数字重新算出，所用代码与求解方式不共用任何函数"
        "（`src/carbonsim/market/audit_*.py`）。任何一项不通过即为错误，而非警告。`carbonsim clear --certificate` 与 "
        "`carbonsim check --certificate` 打印证书；`--out` 与 `carbonsim run` 将其与数字一并保存。"
        "本页由 `tests/conformance/test_corruption.py` 写出并逐项核对。", "",
    ],
}  # fmt: skip
TITLES = {
    "en": {
        "lines": "Lines", "line": "line", "checks": "what it checks", "scale": "residual relative to",
        "accepted": "accepted", "case": "set by the case",
        "corrupted": "What happens when a number is changed",
        "explained": (
            "Each published number that is not missing is changed by {up}, by {down} and in sign, and one that is 0 or "
            "rounding is set to {part} of the largest number of its unit. Each word and label is replaced, and the "
            "labels of each dimension are put in reverse order. One change is made at a time, and every one of these "
            "{count} changes of {cases} markets fails at least one line. Below: the line that failed first, by "
            "variable; in brackets the markets in which it was that one, if not in all."
        ),
        "field": "changed", "first": "line that failed first", "some": "{some} of {all}",
        "in": "{count} changes. Markets ({cases}): {names}.",
    },
    "zh": {
        "lines": "核验项", "line": "名称", "checks": "核验内容", "scale": "残差相对于", "accepted": "容许值",
        "case": "由设定给出",
        "corrupted": "改动任一数字的后果",
        "explained": (
            "逐一改动公布的每个非缺失数字（{up}、{down} 与变号）；为零或仅为舍入误差的数字改为同单位最大数字的 {part}；"
            "替换每个文字与标签，并将各维度的标签倒序排列。每次只改动一处，{cases} 个市场的 {count} 次改动，"
            "每次至少使一个核验项不通过。下表按变量列出首先不通过的核验项；若并非所有市场都如此，括号内为相应市场。"
        ),
        "field": "被改动的变量", "first": "首先不通过的核验项", "some": "{all} 个中的 {some} 个",
        "in": "{cases} 个市场共 {count} 次改动：{names}。",
    },
}  # fmt: skip


def page(found: Mapping[str, tuple[Corruption, ...]], lang: str) -> str:
    """The page: all lines with their words, and the table of corruptions, by section."""
    words = TITLES[lang]
    lines = [*HEAD[lang], f"## {words['lines']}", "", *_line_table(lang), ""]
    count = sum(len(rows) for rows in found.values())
    up, down = (key for key in FACTORS if key != "sign")
    lines += [f"## {words['corrupted']}", ""]
    lines += [words["explained"].format(up=up, down=down, part=f"{PART:.0%}", count=count, cases=len(found)), ""]
    sections: dict[str, dict[str, tuple[Corruption, ...]]] = {}
    for name, rows in found.items():
        section, case = name.split("/")
        sections.setdefault(section, {})[case] = rows
    for section, cases in sections.items():
        total = sum(len(rows) for rows in cases.values())
        names = ", ".join(f"`{case}`" for case in cases)
        lines += [f"### `{section}`", "", words["in"].format(count=total, cases=len(cases), names=names), ""]
        lines += [
            _row([words["field"], words["first"]]),
            _row(["---", "---"]),
            *_section_rows(cases, words["some"]),
            "",
        ]
    return "\n".join(lines)


def _line_table(lang: str) -> Iterator[str]:
    words = TITLES[lang]
    yield _row([words["line"], words["checks"], words["scale"], words["accepted"]])
    yield _row(["---"] * 4)
    accepted: dict[str, set[str]] = {}
    for name, tolerances in declared_lines().items():
        described = words_of(name)
        assert described is not None, f"{name} has no words in report/certificate_lines.csv"
        accepted.setdefault(described.line, set()).update(tolerances)
    for described in line_words():
        if described.line in accepted:
            shown = ", ".join(sorted(accepted[described.line], key=float)) or words["case"]
            scale = SCALES[described.scale][lang == "zh"]
            yield _row([f"`{described.line}`", described.zh if lang == "zh" else described.en, scale, shown])


def _section_rows(cases: Mapping[str, tuple[Corruption, ...]], some: str) -> Iterator[str]:
    """A row for each variable, in order of first appearance."""
    first: dict[str, dict[str, dict[str, None]]] = {}
    holding: dict[str, set[str]] = {}
    for case, rows in cases.items():
        for row in rows:
            line = row.line or "?"
            holding.setdefault(row.field, set()).add(case)
            first.setdefault(row.field, {}).setdefault(line, {})[case] = None
    for field, lines in first.items():
        count = len(holding[field])
        parts = []
        for line, where in lines.items():
            shown = ", ".join(where) if len(where) <= NAMED else some.format(some=len(where), all=count)
            parts.append(f"`{line}`" + (f" ({shown})" if len(where) < count else ""))
        yield _row([f"`{field}`", "; ".join(parts)])


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
