"""The reference of accounting methods and sectors, generated from what they say and declare about themselves."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carbonsim.accounting.core import DataItem, SectorAccounting, accounting_methods, accounting_sectors
from carbonsim.accounting.formula import Recipe
from carbonsim.accounting.lookup import Ask, FactorFinder
from carbonsim.dims import GASES
from carbonsim.errors import InputError
from carbonsim.inputs.choice_labels import CHOICE_LABELS
from carbonsim.inputs.factors import Factors, factor_ids
from carbonsim.inputs.records import Source
from carbonsim.inputs.terms import TERMS, Term

SHOWN_FACTORS: Final = 8
FILES: Final = {"en": "methods.md", "zh": "methods.zh.md"}
CATEGORIES: Final = {
    "combustion": "燃烧", "process": "过程", "product": "产品固碳", "captured": "捕集与转移", "fugitive": "逸散",
    "wastewater": "废水", "electricity": "电力", "heat": "热力", "output": "产量", "reported": "报告值",
    "scope3": "范围三",
}  # fmt: skip
SECTOR_NAMES: Final = {"reporting": "仅报告行业"}
SCOPES: Final = {
    0: ("none: an amount, no emissions", "无：只是数量，不产生排放"),
    1: ("1", "一"),
    2: ("2", "二"),
    3: ("3", "三"),
}

_ROLE = re.compile(r":math:`([^`]+)`")
_BLOCK = re.compile(r"^\.\. math::\s*(.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
_SOURCE = re.compile(r"([a-z][a-z0-9]*(?:-[a-z0-9]+)+)(?:\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\))?")
_LITERAL = re.compile(r"``([^`]+)``")


@dataclass(frozen=True, slots=True)
class Described:
    """A docstring in its parts: first sentence, formulas, the other text in Markdown, and (source, place) pairs."""

    summary: str
    formulas: tuple[str, ...]
    text: str
    sources: tuple[tuple[str, str], ...]


def described(target: object) -> Described:
    r"""The parts of the docstring of a method or a sector.

    >>> from carbonsim.accounting.core import accounting_methods
    >>> found = described(accounting_methods.get("deduction").target)
    >>> found.formulas, found.sources
    (('E = -M \\cdot D',), (('cets-ag-02-cement-2024', ''),))
    """
    document = inspect.cleandoc(inspect.getdoc(target) or "")
    body, _, references = document.partition("\nReferences\n")
    body = re.sub(r"\n(Notes|Parameters|Returns)\n-+\n", "\n", body)
    formulas = tuple(" ".join(line.split()) for line in _BLOCK.findall(body))
    summary, _, rest = body.partition("\n")
    text = _BLOCK.sub("", rest)
    return Described(
        summary=_markdown(summary),
        formulas=formulas,
        text=_markdown(re.sub(r"\n{3,}", "\n\n", text).strip()),
        sources=tuple(
            (key, " ".join(place.split())) for key, place in _SOURCE.findall(references.replace("source:", ""))
        ),
    )


def _markdown(text: str) -> str:
    return _LITERAL.sub(r"`\1`", _ROLE.sub(r"$\1$", text))


def method_reference(factors: Factors, lang: str, sources: Mapping[str, Source]) -> str:
    """Every registered method and sector with formula, clause, factor set and source, as a Markdown page.

    Parameters
    ----------
    factors : Factors
        Their process table says which factors a method takes.
    lang : str
        ``en`` or ``zh``; the Chinese page has formulas, terms, factors and sources, and names the English prose.
    sources : mapping
        Sources by key; those that a docstring names are listed at the end.
    """
    zh = lang == "zh"
    taken = factor_ids(factors)
    lines = [*_head(zh), "", "## 核算方法" if zh else "## Methods", ""]
    cited: dict[str, None] = {}
    for name in accounting_methods:
        entry = accounting_methods.get(name)
        about = described(entry.target)
        cited |= dict.fromkeys(key for key, _ in about.sources)
        lines += _method(name, entry.declares, about, (terms_of(name, factors), taken.get(name, ())), zh)
    lines += ["## 行业" if zh else "## Sectors", ""]
    for name in accounting_sectors:
        target = accounting_sectors.get(name).target
        about = described(target)
        cited |= dict.fromkeys(key for key, _ in about.sources)
        lines += _sector(name, target, about, zh)
    lines += ["## 来源" if zh else "## Sources", ""]
    lines += [_cited(key, sources) for key in sorted(cited)]
    return "\n".join([*lines, ""])


def write_method_reference(folder: Path, factors: Factors, sources: Mapping[str, Source]) -> None:
    """Write the page in both languages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for lang, name in FILES.items():
        (folder / name).write_text(method_reference(factors, lang, sources), encoding="utf-8")


def _head(zh: bool) -> list[str]:
    if zh:
        return [
            "# 核算方法与行业参考", "",
            "本页由方法与行业模块的说明自动生成，请勿手工修改。每个方法的完整文字说明与条款见"
            "[英文页](methods.md)，因子数值见[排放因子参考](factors.zh.md)。", "",
            "每条源流的排放量都是一个连乘式：数量 × 各参数；作除数的参数在分母，扣除类参数以 (1 − 参数) 计入。",
        ]  # fmt: skip
    return [
        "# Methods and sectors", "",
        "Generated from the docstrings of the methods and sectors; do not edit. The numbers are in the "
        "[factor reference](factors.md).", "",
        "The emissions of a stream are one product: the quantity times its terms; a divisor stands below the line, and "
        "a share that is taken off enters as one minus the share.",
    ]  # fmt: skip


def _method(
    name: str,
    declares: Mapping[str, object],
    about: Described,
    uses: tuple[Sequence[Term], Sequence[str]],
    zh: bool,
) -> list[str]:
    terms, factors = uses
    scope = SCOPES[int(str(declares["scope"]))][zh]
    category = str(declares["category"])
    title = f"### `{name}` {CHOICE_LABELS['method'].get(name, '')}".rstrip() if zh else f"### `{name}`"
    lines = [title, ""]
    if not zh:
        lines += [about.summary, ""]
    lines += [f"- 范围：{scope}；类别：{CATEGORIES[category]}" if zh else f"- scope: {scope}; category: {category}"]
    if terms:
        lines.append(f"- 公式中的参数：{_terms(terms, zh)}" if zh else f"- terms: {_terms(terms, zh)}")
    if factors:
        shown = ", ".join(f"`{factor}`" for factor in factors[:SHOWN_FACTORS])
        more = len(factors) - SHOWN_FACTORS
        rest = (f"，另有 {more} 个" if zh else f" and {more} more") if more > 0 else ""
        lines.append(f"- 因子：{shown}{rest}" if zh else f"- factors: {shown}{rest}")
    lines += [_sources_line(about.sources, zh)] if about.sources else []
    lines.append("")
    for formula in about.formulas:
        lines += ["$$", formula, "$$", ""]
    return lines + ([about.text, ""] if about.text and not zh else [])


def terms_of(name: str, factors: Factors) -> tuple[Term, ...]:
    """Terms in the formula of a method when a row gives all of them, from the first sector and factor that take it."""
    target = accounting_methods.get(name).target
    gases = str(factors.combustion_gases["factor"].iloc[0])
    latest = int(factors.grid["data_year"].max())
    for sector, factor in itertools.product(accounting_sectors, (*factor_ids(factors).get(name, ()), "", *GASES)):
        ask = Ask(name, factor, gases if name == "combustion" else "", frozenset(TERMS), latest, has_evidence=True)
        try:
            recipe: Recipe = target(FactorFinder(sector, factors), ask)
        except InputError:
            continue
        used = dict.fromkeys(term.name for component in recipe.components for term in component.terms)
        return tuple(TERMS[term] for term in used)
    return ()


def _terms(terms: Iterable[Term], zh: bool) -> str:
    shown = (f"{term.zh} `{term.name}` [{term.unit}]" if zh else f"`{term.name}` [{term.unit}]" for term in terms)
    return ("、" if zh else ", ").join(shown)


def _sources_line(found: Sequence[tuple[str, str]], zh: bool) -> str:
    told = "; ".join(f"`{key}`" + (f" ({place})" if place else "") for key, place in found)
    return f"- 来源：{told}" if zh else f"- source: {told}"


def _sector(name: str, target: type[SectorAccounting], about: Described, zh: bool) -> list[str]:
    label = SECTOR_NAMES.get(name) or CHOICE_LABELS["sector"].get(name, "")
    lines = [f"### `{name}` {label}".rstrip() if zh else f"### `{name}`", ""]
    lines += [] if zh else [about.summary, "", *([about.text, ""] if about.text else [])]
    lines += [f"- {fact}" for fact in _facts(target, zh)]
    lines += [_sources_line(about.sources, zh), ""]
    items = target.data_items
    if items:
        head = ("数据项", "填写位置", "单位", "小数位", "必需", "来源") if zh else (
            "data item", "where a ledger holds it", "unit", "decimals", "needed", "source")  # fmt: skip
        lines += [_row(head), _row(["---"] * len(head)), *(_item(item, zh) for item in items), ""]
    if name != "reporting" and getattr(target, "refuses", None):
        lines += ["无来源因子、须由企业补充的名称：" if zh else "Refused by name, with what to supply instead:", ""]
        lines += [f"- `{factor}`: {texts[zh]}" for factor, texts in target.refuses.items()]  # type: ignore[attr-defined]
        lines.append("")
    return lines


def _facts(target: type[SectorAccounting], zh: bool) -> list[str]:
    """What a sector declares, in words."""
    any_set = "任意" if zh else "any"
    none = "无（仅燃料）" if zh else "none (fuels only)"
    sets = any_set if target.process_sets is None else _names(target.process_sets) or none
    whole = "整个企业" if zh else "the whole enterprise"
    each = "整个设施" if zh else "the whole facility"
    by_analogy = ("（类比使用，依据为假设）" if zh else " (by analogy: an assumption)") if target.by_analogy else ""
    boundary = whole if target.boundary_processes is None else _names(target.boundary_processes)
    key = each if target.key_processes is None else _names(target.key_processes)
    yes, no = ("是", "否") if zh else ("yes", "no")
    gases, last = ", ".join(target.market_gases), target.electricity_covered_until
    facts = [
        (f"燃料因子集：`{target.table_set}`{by_analogy}", f"fuel table: `{target.table_set}`{by_analogy}"),
        (f"过程因子集：{sets}", f"process factors of: {sets}"),
        (f"公式含碳氧化率：{yes if target.oxidation_enters else no}",
         f"oxidation rate in the formula: {yes if target.oxidation_enters else no}"),
        (f"扣减外输电力、热力：{yes if target.deducts_exports else no}",
         f"exported electricity and heat deducted: {yes if target.deducts_exports else no}"),
        (f"市场核算边界内的工序：{boundary}；气体：{gases}",
         f"processes inside the market: {boundary}; gases: {gases}"),
        (f"关键工序（决定行业强度）：{key}", f"key processes (their intensity counts): {key}"),
    ]  # fmt: skip
    if last:
        facts.append((f"外购电力计入履约排放量至 {last} 年度", f"purchased electricity was covered until {last}"))
    return [chinese if zh else english for chinese, english in facts]


def _names(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in sorted(values))


def _item(item: DataItem, zh: bool) -> str:
    decimals = ("未查到" if zh else "not read") if item.decimals is None else str(item.decimals)
    needed = ("是", "否") if zh else ("yes", "no")
    return _row(
        (item.zh if zh else item.name, f"`{item.held_in}`" if item.held_in in TERMS else item.held_in, item.unit,
         decimals, needed[not item.required], item.source)
    )  # fmt: skip


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _cited(key: str, sources: Mapping[str, Source]) -> str:
    source = sources.get(key, Source(key, key))
    return f"- `{key}`: " + ". ".join(part.rstrip(".。") for part in (source.title, source.note, source.url) if part)
