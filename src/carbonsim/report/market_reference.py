"""The reference of the market room, generated from what instruments, concepts, rules and engines say of themselves."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from carbonsim.allocation.incentives import incentive_table
from carbonsim.errors import chinese_of
from carbonsim.market.clear import ENGINES
from carbonsim.market.concept import concepts
from carbonsim.market.supply import ENGINES_ZH, Instrument, instruments
from carbonsim.market.supply_rule import supply_rules
from carbonsim.registry import Registry
from carbonsim.report.docstrings import Document, Equation, Field, read_document
from carbonsim.report.market_words import CONCEPT_WORDS, INSTRUMENT_WORDS, PART_NAMES, RULE_WORDS, Words

FILES: Final = {"en": "market.md", "zh": "market.zh.md"}
Examples = Mapping[str, Sequence[Instrument]]  # by registered name, one or more ways of using it

# Parts that a reader asks for first, in this order; all others with an equation follow by name.
FIRST: Final = (
    "MarketProblem", "Options", "ResponseTerm", "build_programme", "find_thresholds", "declare_enterprises", "Plans",
    "clear_lumpy", "Auction", "LinkedMarkets", "Desk", "OutputProblem",
)  # fmt: skip
TYPES_ZH: Final = (
    (r"sequence of", "序列："), (r"mapping of (\S+) to", r"映射（\1）→"), (r"mapping of", "映射："),
    (r"tuple of", "元组："), (r"array of", "数组："), (r"\bmapping\b", "映射"), (r"\bsequence\b", "序列"),
    (r"\bfloat\b", "数"), (r"\bint\b", "整数"), (r"\bstr\b", "文本"), (r"\bbool\b", "是/否"), (r"\barray\b", "数组"),
    (r"\bnumber\b", "数"), (r"\blist of\b", "列表："), (r"\blist\b", "列表"), (r"\bdict\b", "映射"),
    (r",? *optional\b", "（可选）"), (r" or ", "或"), (r"\byear\b", "年"),
)  # fmt: skip
CHOICES_ZH: Final = {"lump_sum": "总量", "affine": "线性", "best_response": "最优响应"}


def market_reference(lang: str, examples: Examples, formulations: Iterable[str]) -> str:
    """Every instrument, concept, supply rule and other part of the market with its equations, as a Markdown page.

    Parameters
    ----------
    lang : str
        ``en`` or ``zh``; on the Chinese page names, headings and tables are Chinese, what docstrings say is English.
    examples : mapping of str to sequence of Instrument
        Ways of using each registered instrument, so that each engine can say which it refuses.
    formulations : iterable of str
        Names of the golden ``.lp`` files.

    Returns
    -------
    str
    """
    zh = lang == "zh"
    lines = [*_head(zh)]
    lines += ["## 市场工具" if zh else "## Instruments", ""]
    golden = _by_instrument(formulations)
    for name in instruments:
        target = instruments.get(name).target
        facts = [*_price(INSTRUMENT_WORDS.get(name), zh), *_engines(name, examples.get(name, ()), zh)]
        facts += _formulations(golden.get(name, ()), zh)
        lines += _section(name, INSTRUMENT_WORDS.get(name), target, facts, zh)
    registered: tuple[tuple[str, str, Registry[Any], Mapping[str, Words]], ...] = (
        ("Concepts", "均衡概念", concepts, CONCEPT_WORDS), ("Supply rules", "供给规则", supply_rules, RULE_WORDS)
    )  # fmt: skip
    for english, chinese, registry, words in registered:
        lines += [f"## {chinese if zh else english}", ""]
        for name in registry:
            facts = _price(words.get(name), zh)
            lines += _section(name, words.get(name), registry.get(name).target, facts, zh)
    lines += ["## 其他部分" if zh else "## The other parts", ""]
    for target in market_parts():
        lines += _section(target.__name__, None, target, [_import_path(target, zh)], zh)
    return "\n".join([*lines, *_incentives(zh), ""])


def write_market_reference(folder: Path, examples: Examples, formulations: Sequence[str]) -> None:
    """Write the page in both languages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for lang, name in FILES.items():
        (folder / name).write_text(market_reference(lang, examples, formulations), encoding="utf-8")


def market_parts() -> tuple[Any, ...]:
    """Classes and functions of the market room with an equation that no registry knows, and the problem itself."""
    found: dict[str, Any] = {}
    package = importlib.import_module("carbonsim.market")
    for info in pkgutil.iter_modules(package.__path__):
        if not info.ispkg:
            module = importlib.import_module(f"carbonsim.market.{info.name}")
            found |= {thing.__name__: thing for thing in _described(module)}
    order = [name for name in FIRST if name in found] + sorted(set(found) - set(FIRST))
    return tuple(found[name] for name in order)


def _described(module: Any) -> Iterator[Any]:
    for name, thing in vars(module).items():
        own = (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__ == module.__name__
        if own and not name.startswith("_") and (".. math::" in (thing.__doc__ or "") or name in FIRST):
            yield thing


def _head(zh: bool) -> list[str]:
    if zh:
        return [
            "# 市场参考", "", "[English](market.md)", "",
            "本页由市场模块的说明自动生成，请勿手工修改。公式、字段与单位取自各模块；字段含义保留英文原文，符号的完整说明见"
            "[英文页](market.md)。哪些求解方式、均衡概念与市场工具可以同时使用，见[组合表](market_coverage.zh.md)；"
            "价格的含义见[碳价的含义](../what_the_price_means.zh.md)。", "",
            "记号：e 企业，o 减排选项，y 年；$`d_y = (1+r)^{-(y-y_0)}`$ 为折现因子，$`p_y`$ 为当年货币计的碳价，"
            "$`s_{ey}`$ 为清缴比例，$`\\varphi_{ey} = 1 - \\partial A_{ey} / \\partial e_{ey}`$，"
            "方括号内为对偶变量或约束名。", "",
        ]  # fmt: skip
    return [
        "# The market: equations, fields and engines", "", "[中文](market.zh.md)", "",
        "Generated from the docstrings of the market room; do not edit. Which engines, concepts and instruments go "
        "together is in the [table of coverage](market_coverage.md), what a price is the multiplier of in "
        "[what the price means](../what_the_price_means.md).", "",
        "Notation: e enterprise, o abatement option, y year; $`d_y = (1+r)^{-(y-y_0)}`$ the discount factor, $`p_y`$ "
        "the price in money of the year, $`s_{ey}`$ the share of emissions that carries an obligation, "
        "$`\\varphi_{ey} = 1 - \\partial A_{ey} / \\partial e_{ey}`$ the share of the price that a tonne feels, MAC "
        "marginal abatement cost; in square brackets a dual, or the name of the row.", "",
    ]  # fmt: skip


def _section(name: str, words: Words | None, target: Any, facts: Sequence[str], zh: bool) -> list[str]:
    """Heading, first sentence, facts, equations with the prose around them, and the table of fields."""
    about = read_document(target)
    chinese = words.zh if words else PART_NAMES.get(name, "")
    lines = [f"### `{name}` {chinese}".rstrip() if zh else f"### `{name}`", ""]
    lines += [] if zh else [about.summary, ""]
    lines += [*facts, ""] if facts else []
    lines += _body(about, zh)
    return [*lines, *_field_table(about.fields, zh)]


def _body(about: Document, zh: bool) -> list[str]:
    lines: list[str] = []
    for part in about.body:
        if isinstance(part, Equation):
            lines += [f'<a id="eq-{part.label}"></a>', ""] if part.label else []
            lines += ["```math", part.latex, "```", ""]
        elif not zh:
            lines += [part, ""]
    return lines


def _field_table(fields: Sequence[Field], zh: bool) -> list[str]:
    if not fields:
        return []
    head = ("字段", "类型", "单位", "含义（英文原文）") if zh else ("field", "type", "unit", "meaning")
    lines = [_row(head), _row(["---"] * len(head))]
    for one in fields:
        names = ", ".join(f"`{name.strip()}`" for name in one.name.split(","))
        lines.append(_row((names, _in_chinese(one.kind) if zh else one.kind, one.unit, one.meaning)))
    return [*lines, ""]


def _in_chinese(kind: str) -> str:
    """A type in Chinese, choices and names left as they are.

    >>> _in_chinese("float or array (year), optional")
    '数或数组 (年)（可选）'
    """
    if kind.startswith("{"):
        return kind
    for pattern, chinese in TYPES_ZH:
        kind = re.sub(pattern, chinese, kind)
    return kind


def _price(words: Words | None, zh: bool) -> list[str]:
    if words is None:
        return []
    return [f"- 价格与对偶：{words.price_zh}" if zh else f"- price and dual: {words.price}"]


def _engines(name: str, examples: Sequence[Instrument], zh: bool) -> list[str]:
    """Which engines hold the instrument, and what those say that do not, or not always."""
    if not examples:
        return []
    held, lines = [], []
    for engine in ENGINES:
        reasons = list(dict.fromkeys(reason for one in examples if (reason := one.refused_by(engine))))
        always = len(reasons) and all(one.refused_by(engine) for one in examples)
        shown = f"`{engine}`" + (f" {ENGINES_ZH[engine]}" if zh else "")
        if not always:
            held.append(shown)
        for reason in reasons:
            unless = ("在此情形下不能处理" if not always else "不能处理") if zh else (
                "refuses it where it" if not always else "refuses it:"
            )  # fmt: skip
            text = chinese_of(reason) if zh else reason if not always else f"{name} {reason}"
            lines.append(f"  - {shown}{'：' if zh else ' '}{unless}{'：' if zh else ' '}{text}")
    names = ("、" if zh else ", ").join(held)
    return [f"- 可用的求解方式：{names}" if zh else f"- engines that hold it: {names}", *lines]


def _by_instrument(formulations: Iterable[str]) -> dict[str, list[str]]:
    """Golden files by the instrument whose name they begin with, the longest that fits."""
    found: dict[str, list[str]] = {}
    for file in sorted(formulations):
        stem = file.removesuffix(".lp")
        fitting = [name for name in instruments if stem == name or stem.startswith(f"{name}_")]
        if fitting:
            found.setdefault(max(fitting, key=len), []).append(file)
    return found


def _formulations(files: Sequence[str], zh: bool) -> list[str]:
    shown = ("、" if zh else ", ").join(f"`tests/golden/{file}`" for file in files)
    return [f"- 规划文本：{shown}" if zh else f"- formulation: {shown}"] if files else []


def _import_path(target: Any, zh: bool) -> str:
    return f"- 模块：`{target.__module__}`" if zh else f"- module: `{target.__module__}`"


def _incentives(zh: bool) -> list[str]:
    """Phi and sigma of every allocation rule, as the rules declare them."""
    head = (
        ("分配规则", "种类", "滞后（年）", "φ", "σ")
        if zh
        else ("allocation rule", "kind", "lag [years]", "phi", "sigma")
    )
    intro = (
        "φ 是企业最后一吨排放感受到的碳价比例，σ 是多一单位产量带来的配额（各规则的声明，经有限差分检验）。"
        if zh
        else "phi is the share of the price that the last tonne feels, sigma the allowances for one more unit of "
        "output, as the rules declare them; finite differences hold them to it."
    )
    lines = ["## 分配规则的边际激励" if zh else "## Marginal incentives of allocation rules", "", intro, ""]
    lines += [_row(head), _row(["---"] * len(head))]
    for row in incentive_table():
        kind = CHOICES_ZH.get(row["kind"], row["kind"]) if zh else row["kind"].replace("_", " ")
        formulas = [f"`{row[name]}`" if row[name] else "" for name in ("phi", "sigma")]
        lines.append(_row((f"`{row['rule']}`", kind, row["lag"], *formulas)))
    return lines


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
