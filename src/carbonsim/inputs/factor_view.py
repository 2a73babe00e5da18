"""How the rows of a factor table are shown to a reader: headings and cells in both languages, and markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from carbonsim.inputs.choice_labels import CHOICE_LABELS
from carbonsim.inputs.factor_columns import FACTOR_TABLES
from carbonsim.inputs.factor_overlay import key_text, value_text
from carbonsim.inputs.factor_records import Factors
from carbonsim.inputs.factor_search import entries
from carbonsim.inputs.factors import cell_text
from carbonsim.inputs.records import Source

Row = Mapping[str, object]
GRID_KINDS: Final = {"average": "平均", "residual": "剩余", "fossil": "化石", "notice": "通知值"}
CONFIDENCE: Final = {"read": "已查阅", "memory": "凭记忆", "measured": "实测"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One column of a listing: its heading in both languages and the text of a row's cell."""

    en: str
    zh: str
    cell: Callable[[Row, str], str]

    def heading(self, lang: str) -> str:
        """The heading in a language."""
        return self.zh if lang == "zh" else self.en


def _plain(name: str, en: str, zh: str) -> Shown:
    return Shown(en, zh, lambda row, _: cell_text(row[name]))


def _by_language(stem: str, en: str, zh: str) -> Shown:
    return Shown(en, zh, lambda row, lang: str(row[f"{stem}_{'zh' if lang == 'zh' else 'en'}"]))


def _labelled(name: str, en: str, zh: str, labels: Mapping[str, str]) -> Shown:
    return Shown(
        en, zh, lambda row, lang: labels.get(str(row[name]), str(row[name])) if lang == "zh" else str(row[name])
    )


def _key(table: str) -> Shown:
    return Shown("id", "代码", lambda row, _: key_text(table, row))


def _value(table: str) -> Shown:
    return Shown("value", "数值", lambda row, _: value_text(table, row))


_NAME: Final = _by_language("name", "name", "名称")
BASIS: Final = _labelled("basis", "basis", "依据", CHOICE_LABELS["basis"])
LISTED: Final[dict[str, tuple[Shown, ...]]] = {
    "fuels": (
        _key("fuels"),
        _NAME,
        Shown("NCV", "低位发热量", lambda row, _: f"{cell_text(row['net_calorific_value']) or '-'} GJ/{row['unit']}"),
        _plain("carbon_content", "tC/TJ", "tC/TJ"),
        _plain("oxidation", "oxid.", "氧化率"),
        BASIS,
    ),
    "process": (
        _key("process"),
        _NAME,
        Shown("value", "数值", lambda row, _: cell_text(row["value"]) or "-"),
        _plain("unit", "unit", "单位"),
        _plain("gas", "gas", "气体"),
        BASIS,
    ),
    "grid": (
        _key("grid"),
        _by_language("region", "region", "地区"),
        _plain("data_year", "year", "年份"),
        _value("grid"),
        _labelled("kind", "kind", "种类", GRID_KINDS),
        BASIS,
    ),
    "gwp": (
        _plain("gas", "gas", "气体"),
        _plain("variant", "formula", "化学式"),
        *(_plain(name, name, name) for name in ("AR4", "AR5", "AR5_feedback", "AR6")),
        BASIS,
    ),
    "pollutants": (
        _key("pollutants"),
        _plain("control_state", "control state", "治理状态"),
        _plain("pollutant", "pollutant", "污染物"),
        _value("pollutants"),
        BASIS,
    ),
    "combustion_gases": (_key("combustion_gases"), _NAME, _value("combustion_gases"), BASIS),
    "blends": (_key("blends"), _plain("gas", "gas", "气体"), _plain("mass_share", "mass share", "质量占比"), BASIS),
    "uncertainties": (
        _key("uncertainties"),
        _plain("term", "term", "项"),
        _value("uncertainties"),
        _plain("distribution", "shape", "分布"),
        BASIS,
    ),
}


def listing(table: str, rows: Sequence[Row], lang: str) -> list[list[str]]:
    """Headings and cells of some rows of one table."""
    shown = LISTED[table]
    return [[column.heading(lang) for column in shown], *([column.cell(row, lang) for column in shown] for row in rows)]


def factor_reference(factors: Factors, lang: str, sources: Mapping[str, Source]) -> str:
    """Every factor with its value, source and place in the source, as a markdown page in English or Chinese.

    Parameters
    ----------
    factors : Factors
    lang : str
        ``en`` or ``zh``.
    sources : mapping
        Sources by key; those that a row cites are listed at the end.
    """
    chinese = lang == "zh"
    lines = ["# 排放因子参考" if chinese else "# Factor reference", "", _introduction(chinese), ""]
    rows: dict[str, list[Row]] = {name: [] for name in FACTOR_TABLES}
    for entry in entries(factors):
        rows[entry.table].append(entry.row)
    for name, table in FACTOR_TABLES.items():
        lines += [
            f"## {table.zh} `{name}`" if chinese else f"## `{name}`",
            "",
            table.meaning_zh if chinese else table.meaning,
            "",
        ]
        lines += [*_markdown(name, rows[name], lang), ""]
    if factors.overlaid:
        lines += [*_overlaid(factors, chinese), ""]
    cited = sorted({str(row["source"]) for found in rows.values() for row in found})
    lines += ["## 来源" if chinese else "## Sources", "", *(_source(sources, key) for key in cited), ""]
    return "\n".join(lines)


def _introduction(chinese: bool) -> str:
    if chinese:
        return (
            "本页由因子表自动生成（`carbonsim factors reference`），请勿手工修改。"
            "可信度“已查阅”指数值在公开文本中读到，“凭记忆”指尚未核对，此类数值的依据均为“假设”。“-”表示已列出但未找到数值。"
        )
    return (
        "Generated from the factor tables by `carbonsim factors reference`; do not edit. "
        "Confidence `read` means that the value was read in a public text, `memory` that it still has to be checked: "
        "the basis of such a value is an assumption. `-` stands for a factor that is listed without a number."
    )


def _markdown(table: str, rows: Sequence[Row], lang: str) -> list[str]:
    extra = (
        _labelled("confidence", "confidence", "可信度", CONFIDENCE),
        _plain("source", "source", "来源"),
        _plain("where", "where", "出处"),
        _plain("note", "note", "备注"),
    )
    header, *cells = listing(table, rows, lang)
    header += [column.heading(lang) for column in extra]
    body = [[*line, *(column.cell(row, lang) for column in extra)] for line, row in zip(cells, rows, strict=True)]
    return [_line(header), _line(["---"] * len(header)), *(_line(line) for line in body)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _overlaid(factors: Factors, chinese: bool) -> list[str]:
    title = "## 自有因子的改动" if chinese else "## What own factors changed"
    header = ["表", "代码", "列", "原值", "新值", "来源", "文件"] if chinese else [
        "table", "id", "column", "packaged", "own", "source", "file"
    ]  # fmt: skip
    body = [
        _line(
            [
                change.table,
                change.key,
                change.column or "-",
                change.packaged or "-",
                change.own,
                change.source,
                change.file,
            ]
        )
        for change in factors.overlaid
    ]
    return [title, "", _line(header), _line(["---"] * len(header)), *body]


def _source(sources: Mapping[str, Source], key: str) -> str:
    source = sources.get(key, Source(key, key))
    return f"- `{key}`: " + ". ".join(part.rstrip(".。") for part in (source.title, source.note, source.url) if part)
