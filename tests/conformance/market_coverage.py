"""Every engine, concept and instrument together: which markets are held, and why the others are refused.

A cell is one small market. It must clear with its certificate, or be refused by an error that names what cannot be
held; anything else fails. The page ``docs/reference/market_coverage.md`` is written from what is found here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from test_concept_conformance import CONCEPTS

from builders import beside, market, one_of_each
from carbonsim.allocation.obligations import CollaredIntensity
from carbonsim.errors import InputError, Said, chinese_of
from carbonsim.market import Instrument, MarketProblem, ResponseTerm, clear, instruments
from carbonsim.market.clear import ENGINES
from carbonsim.market.concept import Concept, concepts
from carbonsim.market.concepts.dominant_enterprise import DominantEnterprise
from carbonsim.market.concepts.lagged_allocation import LaggedAllocation
from carbonsim.market.concepts.rule_driven_supply import RuleDrivenSupply
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.plans import Plans
from carbonsim.market.supply import EngineName
from carbonsim.market.supply_rule import supply_rules
from carbonsim.report.market_words import CONCEPT_WORDS, INSTRUMENT_WORDS, RULE_WORDS

SUPPLY = (130.0, 103.0)  # the bank is used: 5 t are carried into 2026
SUPPLY_UNDER_RULES = (135.0, 115.0)  # under the collar south does not abate: 10 t are carried
SAYS_WHY = 5  # words that a label and nothing else would not have
FORESIGHT, PLANS, RULES = "perfect_foresight", "plans", "best_response_rules"
FORMS = (FORESIGHT, PLANS, RULES)  # markets cleared without a concept
STANDARD: dict[str, Concept] = {
    **CONCEPTS,
    "dominant_enterprise": DominantEnterprise(enterprise="south"),
    "lagged_allocation": LaggedAllocation(share={"south": 0.3}, previous={"south": 55.0}),
    "rule_driven_supply": RuleDrivenSupply(
        rule={
            "kind": "cap_triggered",
            "adjustments": [{"measured": 2025, "first": 2026, "last": 2026, "above": 1.0, "share": 0.5}],
        }
    ),
}
STANDING_ALONE = ("dominant_enterprise", "lagged_allocation", *FORMS)  # they mean something without a bank
# What takes the place of banking cannot stand beside it.
INSTEAD_OF_BANKING = ("vintages",)
SUPPLY_RULES: dict[str, dict[str, object]] = {
    "cap_triggered": {"adjustments": [{"measured": 2025, "first": 2026, "last": 2026, "above": 1.0, "share": 0.5}]},
    "price_triggered": {
        "upper_price": 5.0, "release": 3.0, "lower_price": None, "withholding": 0.0, "lag": 1,
        "opening_reserve": 10.0, "withheld_to": "reserve", "earlier_price": {2024: 10.0},
    },
    "tnac_reserve": {
        "lower": 1.0, "upper": 3.0, "rate": 0.24, "minimum_intake": 1.0, "release": 1.0, "smoothing_until": None,
        "invalid_above": None, "first_tnac_year": 2023, "months_in_first_year": 4, "opening_reserve": 5.0,
        "earlier_tnac": {2023: 6.0, 2024: 0.0},
    },
    "unsold_allowances": {"acts_on": "auction_floor", "then": "re_offer", "after": 1},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One market: where it stands in the table, and why it is refused; "" if it is held."""

    engine: str
    column: str
    row: str
    reason: str


def attempt(
    make: Callable[[], MarketProblem], engine: EngineName, concept: Concept | None, named: Iterable[str]
) -> str:
    """ "" if the market is made and clears with a certificate, else the refusal, which names what it must name."""
    try:
        cleared = clear(make(), engine=engine, concept=concept)
    except InputError as refused:
        text = " ".join(issue.message for issue in refused.issues)
        assert any(word in text for word in named), f"the refusal names none of {sorted(named)}: {text}"
        assert len(text.split()) > SAYS_WHY, f"a refusal without a reason: {text}"
        return Said(text, "".join(issue.message_zh for issue in refused.issues))
    assert cleared.certificate.passed
    assert cleared.certificate.lines
    if concept is not None:
        assert concepts.get(cleared.dataset.attrs["concept"]).target is type(concept)
    return ""


def concept_of(column: str) -> Concept | None:
    """The concept of a column, with its standard settings."""
    if column in FORMS:
        return None
    assert column in STANDARD, f"give the concept {column} small standard settings in {__file__}"
    return STANDARD[column]


def tools_of(column: str, row: str) -> tuple[Instrument, ...]:
    """The instruments of a cell: the row's own, what it cannot stand without, and the bank that concepts need."""
    tools = [*beside(row), one_of_each()[row]] if row else []
    has_bank = any(tool.label == "banking" for tool in tools)
    if column not in STANDING_ALONE and row not in INSTEAD_OF_BANKING and not has_bank:
        tools.insert(0, Banking())
    return tuple(tools)


def market_of(column: str, tools: tuple[Instrument, ...]) -> MarketProblem:
    """The market of a column with these instruments."""
    if column == RULES:
        rule = CollaredIntensity(key_output=36.0, strength=0.15, limit=0.03, balance_value=1.0)
        terms = tuple(ResponseTerm(1, year, 30.0, 0.0, rule, key_options=(2,)) for year in (2025, 2026))
        return market(*tools, supply=SUPPLY_UNDER_RULES, responses=terms)
    problem = market(*tools, supply=SUPPLY)
    if column != PLANS:
        return problem
    plan = Plans(("north/switch",), np.array([0]), np.full((1, 2), 12.0), np.full((1, 2), 200.0))
    return dataclasses.replace(problem, plans=plan)


@cache
def column_cells(engine: EngineName, column: str) -> tuple[Cell, ...]:
    """All cells of an engine and a column, the first without an instrument."""
    concept, plain = concept_of(column), tools_of(column, "")
    # A refusal of the market without any instrument is the concept's, the rules' or the plans', and repeats below.
    of_column = {column, "CollaredIntensity", "plans"}
    found = [Cell(engine, column, "", attempt(partial(market_of, column, plain), engine, concept, of_column))]
    for row in instruments:
        tools = tools_of(column, row)
        own = {tool.label for tool in tools} - {tool.label for tool in plain}
        named = own | of_column if found[0].reason else own
        found.append(Cell(engine, column, row, attempt(partial(market_of, column, tools), engine, concept, named)))
    return tuple(found)


@cache
def rule_cells(engine: EngineName) -> tuple[Cell, ...]:
    """Every supply rule in the market of ``made``, with an auction where it acts on one."""
    found = []
    for name in supply_rules:
        assert name in SUPPLY_RULES, f"give the supply rule {name} small standard settings in {__file__}"
        tools = (Banking(), one_of_each()["auction_floor"]) if "acts_on" in SUPPLY_RULES[name] else (Banking(),)
        concept = RuleDrivenSupply(rule={"kind": name, **SUPPLY_RULES[name]})
        reason = attempt(partial(market, *tools, supply=SUPPLY), engine, concept, (name,))
        found.append(Cell(engine, "rule_driven_supply", name, reason))
    return tuple(found)


def columns() -> tuple[str, ...]:
    """Markets without a concept, then every registered concept."""
    return (*FORMS, *concepts)


def every_cell() -> Iterator[Cell]:
    """All cells of engines, concepts and instruments."""
    for engine in ENGINES:
        for column in columns():
            yield from column_cells(engine, column)


HEAD = {
    "en": [
        "# What each engine, concept and instrument hold together", "", "[中文](market_coverage.zh.md)", "",
        "Written by `tests/conformance/test_market_coverage.py`, which clears every cell as a small market of two "
        "enterprises, three options and two years and holds this page to what it finds: ✓ cleared with its "
        "certificate; a number is the reason of refusal below, as the error says it. Engine `auto` takes one that "
        "holds the market. Every instrument stands as in `tests/builders.py`, together with what it cannot stand "
        "without. The columns `plans` and `best_response_rules` are markets without a concept whose enterprises have "
        "whole plans, or are under a collared-intensity rule. The formulas are in the [market reference](market.md).",
        "",
    ],
    "zh": [
        "# 求解方式、均衡概念与市场工具的组合", "", "[English](market_coverage.md)", "",
        "本页由 `tests/conformance/test_market_coverage.py` 写出：每一格都是一个小市场"
        "（两家企业、三个减排选项、两年），逐格出清并与本页核对。✓ 表示出清且通过证明；"
        "数字指向下方的拒绝原因，即错误信息的原文。`auto` 选用能处理该市场的求解方式。"
        "各工具的参数见 `tests/builders.py`，并带上它不可缺少的其他工具。"
        "`plans` 与 `best_response_rules` 两列是不带均衡概念的市场：前者企业有整体方案，"
        "后者企业适用幅度限制的强度规则。公式见[市场参考](market.zh.md)。", "",
    ],
}  # fmt: skip
COLUMN_WORDS = {FORESIGHT: "完全预见", PLANS: "整体方案", RULES: "最优响应规则"}
WORDS = {
    "en": ("Engine", "instrument", "none", "Supply rules", "rule", "Reasons of refusal", "reason"),
    "zh": ("求解方式", "市场工具", "无", "供给规则", "规则", "拒绝原因", "原因"),
}


def page(lang: str) -> str:
    """The tables of all engines, that of the supply rules, and the reasons of refusal."""
    engine_word, instrument_word, none, rules_word, rule_word, reasons_word, reason_word = WORDS[lang]
    reasons: dict[str, int] = {}

    def shown(cell: Cell) -> str:
        return "✓" if not cell.reason else str(reasons.setdefault(cell.reason, len(reasons) + 1))

    lines = [*HEAD[lang]]
    for engine in ENGINES:
        table = {(cell.row, cell.column): cell for column in columns() for cell in column_cells(engine, column)}
        lines += [f"## {engine_word} `{engine}`", "", _row([instrument_word, *(_column(c, lang) for c in columns())])]
        lines += [_row(["---"] * (len(columns()) + 1))]
        for row in ("", *instruments):
            words = INSTRUMENT_WORDS.get(row)
            name = f"({none})" if not row else f"`{row}`" + (f" {words.zh}" if lang == "zh" and words else "")
            lines.append(_row([name, *(shown(table[row, column]) for column in columns())]))
        lines.append("")
    lines += [f"## {rules_word}", "", _row([rule_word, *(f"`{engine}`" for engine in ENGINES)])]
    lines += [_row(["---"] * (len(ENGINES) + 1))]
    for place, name in enumerate(supply_rules):
        words = RULE_WORDS.get(name)
        label = f"`{name}`" + (f" {words.zh}" if lang == "zh" and words else "")
        lines.append(_row([label, *(shown(rule_cells(engine)[place]) for engine in ENGINES)]))
    lines += ["", f"## {reasons_word}", "", _row(["", reason_word]), _row(["---", "---"])]
    lines += [_row([str(number), chinese_of(reason) if lang == "zh" else reason]) for reason, number in reasons.items()]
    return "\n".join([*lines, ""])


def _column(column: str, lang: str) -> str:
    if lang == "en":
        return f"`{column}`"
    words = CONCEPT_WORDS.get(column)
    return f"`{column}` {COLUMN_WORDS.get(column, words.zh if words else '')}".strip()


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
