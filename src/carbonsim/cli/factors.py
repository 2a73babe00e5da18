"""The verb ``factors``: list, show and compare emission factors, and write their reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carbonsim.cli.shell import Lang, app, lang_of, say
from carbonsim.cli.text_table import WIDTH, display_width, table_lines, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from carbonsim.inputs.factor_search import Entry
    from carbonsim.inputs.factors import Factors
    from carbonsim.inputs.records import Source

# A unit in a column of its own stands fourth and the name second in every listing; they give way to these widths.
GIVING = {3: 16, 1: 10}
UNCERTAINTIES = "uncertainties"

factors_app = typer.Typer(
    help="List, show and compare emission factors. 查看、检索和比较排放因子。",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(factors_app, name="factors")

Library = Annotated[
    str,
    typer.Option(
        "--factors", help="packaged, a run folder, or a workbook or folder of own factors laid over the packaged ones."
    ),
]


@factors_app.command("list")
def list_factors(
    text: Annotated[str, typer.Argument(help="Words of an id or name, Chinese or English.")] = "",
    table: Annotated[str, typer.Option("--table", help="Only this table, such as fuels or grid.")] = "",
    table_set: Annotated[str, typer.Option("--set", help="Only this table set, such as ipcc_2006.")] = "",
    year: Annotated[int | None, typer.Option("--year", help="Only electricity factors of this data year.")] = None,
    factors: Library = "packaged",
    lang: Lang = "",
) -> None:
    """Find factors by words. 按关键词列出因子。"""
    from carbonsim.inputs.factor_search import open_factors, select_entries
    from carbonsim.inputs.factor_view import listing

    lang = lang_of(lang)
    library, _ = open_factors(factors)
    found = [
        entry
        for entry in select_entries(library, text, table or None, year, table_set or None)
        if table or entry.table != UNCERTAINTIES  # they are shown with the factor that they belong to
    ]
    sections: dict[tuple[str, str], list[Mapping[str, object]]] = {}
    for entry in found:
        sections.setdefault((entry.table, str(entry.row.get("table_set", ""))), []).append(entry.row)
    for (name, of_set), rows in sections.items():
        typer.echo(_title(name, lang) + (f": {of_set}" if of_set else ""))
        for line in table_lines(listing(name, rows, lang), give=GIVING):
            typer.echo(line)
        typer.echo("")
    say(
        lang,
        ("1 factor." if len(found) == 1 else f"{len(found)} factors.")
        + (" `carbonsim factors show ID` says more of one." if found else " Try fewer words."),
        f"共 {len(found)} 个因子。" + ("用 `carbonsim factors show 代码` 查看详情。" if found else "请减少关键词。"),
    )


@factors_app.command("show")
def show_factor(
    name: Annotated[str, typer.Argument(metavar="ID", help="Id, such as diesel, ipcc_2006:diesel or R-410A.")],
    factors: Library = "packaged",
    lang: Lang = "",
) -> None:
    """Everything about one factor. 显示一个因子的全部信息。"""
    from carbonsim.inputs.factor_search import find_entries, open_factors

    lang = lang_of(lang)
    library, sources = open_factors(factors)
    for entry in find_entries(library, name):
        pairs = [(label, text) for label, text in _facts(library, entry, sources, lang) if text]
        indent = max(display_width(label) for label, _ in pairs) + 2
        for label, text in pairs:
            first, *rest = wrap(text, WIDTH - indent)
            typer.echo(label + " " * (indent - display_width(label)) + first)
            for line in rest:
                typer.echo(" " * indent + line)
        typer.echo("")


@factors_app.command("diff")
def diff(
    this: Annotated[str, typer.Argument(metavar="A", help="packaged, a run folder, or a workbook or folder.")],
    other: Annotated[str, typer.Argument(metavar="B", help="As A.")],
    lang: Lang = "",
) -> None:
    """What differs between two libraries. 比较两个因子库。"""
    from carbonsim.inputs.factor_search import diff_factors, open_factors
    from carbonsim.inputs.table_checks import records

    lang = lang_of(lang)
    changes = diff_factors(open_factors(this)[0], open_factors(other)[0])
    if changes.empty:
        say(lang, f"{this} and {other} hold the same factors.", f"{this} 与 {other} 的因子相同。")
        return
    english = ("table", "id", "column", "A", "B", "B/A-1")
    header = list(("表", "代码", "列", "A", "B", "B/A-1") if lang == "zh" else english)
    words = (
        {"added": "（新增）", "removed": "（删除）"} if lang == "zh" else {"added": "(added)", "removed": "(removed)"}
    )
    rows = [
        [
            str(row["table"]),
            str(row["key"]),
            str(row["column"]) or words[str(row["change"])],
            str(row["this"]) or "-",
            str(row["other"]) or "-",
            _percent(float(row["relative_change"])),
        ]
        for row in records(changes)
    ]
    for line in table_lines([header, *rows], give={4: 10, 3: 10}):
        typer.echo(line)
    say(lang, "1 difference." if len(changes) == 1 else f"{len(changes)} differences.", f"共 {len(changes)} 处不同。")


@factors_app.command("reference")
def reference(
    out: Annotated[Path, typer.Option("--out", help="Folder for factors.md and factors.zh.md.")] = Path("reference"),
    factors: Library = "packaged",
    lang: Lang = "",
) -> None:
    """Write all factors with their sources as two markdown pages. 生成因子参考文档（中英文）。"""
    from carbonsim.inputs.factor_search import open_factors
    from carbonsim.inputs.factor_view import factor_reference

    library, sources = open_factors(factors)
    out.mkdir(parents=True, exist_ok=True)
    for code, name in (("en", "factors.md"), ("zh", "factors.zh.md")):
        (out / name).write_text(factor_reference(library, code, sources), encoding="utf-8")
    say(lang_of(lang), f"Reference written: {out}", f"参考文档已生成：{out}")


def _title(table: str, lang: str) -> str:
    from carbonsim.inputs.factor_columns import FACTOR_TABLES

    return f"{FACTOR_TABLES[table].zh} ({table})" if lang == "zh" else table


def _percent(value: float) -> str:
    return "" if value != value else f"{value:+.2%}"


def _facts(factors: Factors, entry: Entry, sources: Mapping[str, Source], lang: str) -> list[tuple[str, str]]:
    """Labels and texts about one row, in the order a reader asks for them."""
    from carbonsim.inputs.factor_overlay import value_text
    from carbonsim.inputs.factor_view import GRID_KINDS
    from carbonsim.inputs.factors import cell_text, methods_of
    from carbonsim.inputs.records import Source

    row, chinese = entry.row, lang == "zh"
    key = str(row.get("factor", entry.key))
    source = sources.get(str(row["source"]), Source(str(row["source"]), str(row["source"])))
    names = [str(row[name]) for name in ("name_zh", "name_en", "region_zh", "region_en", "variant") if name in row]
    kind = str(row.get("quantity", row.get("kind", "")))
    facts = (
        ("id", "代码", entry.key),
        ("table", "表", _title(entry.table, lang)),
        ("name", "名称", " / ".join(names if chinese else names[::-1])),
        ("value", "数值", value_text(entry.table, row)),
        ("gas", "气体", str(row.get("gas", "")) if entry.table == "process" else ""),
        ("kind", "种类", GRID_KINDS.get(kind, kind) if chinese else kind),
        ("set", "因子集", str(row.get("table_set", ""))),
        ("data year", "数据年份", cell_text(row.get("data_year", ""))),
        ("applies to", "适用范围", str(row.get("applies_to", row.get("use", "")))),
        ("methods", "核算方法", _methods(methods_of(factors, entry.table, key), chinese)),
        ("uncertainty", "不确定度", _uncertainty(factors, entry, chinese)),
        ("source", "来源", f"{source.key}: {source.title}"),
        ("address", "网址", source.url),
        ("where", "出处", str(row["where"])),
        ("confidence", "可信度", str(row["confidence"])),
        ("basis", "依据", str(row["basis"])),
        ("note", "备注", str(row["note"])),
        ("about source", "来源说明", source.note),
        ("own factors", "自有因子", _overlaid(factors, entry, chinese)),
    )
    return [(zh if chinese else en, text) for en, zh, text in facts]


def _methods(methods: tuple[str, ...], chinese: bool) -> str:
    from carbonsim.inputs.choice_labels import CHOICE_LABELS

    labels = CHOICE_LABELS["method"]
    return ", ".join(f"{method} ({labels[method]})" if chinese and method in labels else method for method in methods)


def _uncertainty(factors: Factors, entry: Entry, chinese: bool) -> str:
    from carbonsim.inputs.factor_uncertainty import default_uncertainty

    published = default_uncertainty(factors)
    address = str(entry.row["factor"]) if entry.table == "process" else entry.key
    rows = published[published["factor"] == address]
    interval = "95% 区间" if chinese else "95 % interval"
    return "; ".join(
        f"{row.term} ±{row.half_width:.1%} ({interval}, {row.distribution}, {row.source})" for row in rows.itertuples()
    )


def _overlaid(factors: Factors, entry: Entry, chinese: bool) -> str:
    found = [change for change in factors.overlaid if (change.table, change.key) == (entry.table, entry.key)]
    told = [
        ("新增" if chinese else "added")
        if change.is_added
        else f"{change.column}: {change.packaged or '-'} -> {change.own or '-'}"
        for change in found
    ]
    return "; ".join(f"{text} ({change.file})" for text, change in zip(told, found, strict=True))
