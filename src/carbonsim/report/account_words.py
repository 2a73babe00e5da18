"""Words of the page of an account: titles, findings computed from the tables, notes on method."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from carbonsim.accounting.own_factors import overlaid_in_boundary
from carbonsim.accounting.warming import MEMO_GASES
from carbonsim.errors import Issue, shorten
from carbonsim.report import quantities
from carbonsim.report.label import Label, Lang
from carbonsim.report.labels import value_name
from carbonsim.study.account import Account, memo_column

WORDS: Mapping[str, Label] = {
    "findings": Label("核算结果", "What was counted"),
    "totals": Label("排放总量", "Totals"),
    "evidence": Label("不确定度与数据质量", "How certain it is and what it rests on"),
    "judged": Label("需要判断的内容", "What needs judgement"),
    "own_factors": Label("自有因子", "Own factors laid over the library"),
    "no_own_factors": Label("没有使用自有因子。", "No own factors: every default is the library's."),
    "assumptions": Label("假设", "Assumptions"),
    "no_assumptions": Label("没有依据假设的数据。", "Nothing rests on an assumption."),
    "gaps": Label("数据缺失与替代", "Gaps and what was put in"),
    "no_gaps": Label("没有数据缺失。", "No gaps."),
    "warnings": Label("账册提示", "Notes on the ledger"),
    "no_warnings": Label("没有提示。", "None."),
    "figures": Label("图", "Figures"),
    "chains": Label("逐项计算", "Every multiplication"),
    "checks": Label("核验", "Audit"),
    "check_lines": Label("逐项核验", "Every check"),
    "method": Label("方法说明", "Notes on method"),
    "show_all": Label("展开", "show"),
    "rows": Label("行", "rows"),
}  # fmt: skip
MEMO = tuple(memo_column(gas) for gas in sorted(MEMO_GASES))
TOTALS = (
    "year", "direct_co2e", "covered_co2e", "scope2_location_based", "scope2_market_based", "scope3_reported",
    *MEMO, "SO2", "NOx", "PM",
)  # fmt: skip
EVIDENCE = (
    "year", "relative_half_width", "half_width", "unstated_share", "partly_stated_share", "measured_share",
    "partly_measured_share", "default_share", "assumption_share", "substituted_share", "verification",
    "verified_difference",
)  # fmt: skip
# Why a cell of a column can be empty: keys of the phrases.
REASONS: Mapping[str, str] = {
    "scope2_market_based": "stated_unknown",
    "scope3_reported": "no_category",
    "SO2": "no_pollutant_factor",
    "NOx": "no_pollutant_factor",
    "PM": "no_pollutant_factor",
    "relative_half_width": "nothing_stated",
    "verified_difference": "nobody_verified",
    **dict.fromkeys(
        ("measured_share", "partly_measured_share", "default_share", "assumption_share", "substituted_share"),
        "nothing_direct",
    ),
}


def _named(summary: pd.DataFrame, names: tuple[str, ...], lang: Lang) -> pd.DataFrame:
    shown = summary[f"name_{lang}"].where(summary[f"name_{lang}"] != "", summary["enterprise"])
    frame = summary[list(names)].copy()
    frame.insert(0, "enterprise", shown)
    return frame


def totals_frame(summary: pd.DataFrame, lang: Lang) -> pd.DataFrame:
    """Amounts by enterprise and year; what no enterprise has is left out."""
    frame = _named(summary, tuple(name for name in TOTALS if name in summary), lang)
    optional = [name for name in ("scope3_reported", *MEMO, "SO2", "NOx", "PM") if name in frame]
    return frame.drop(columns=[name for name in optional if not (frame[name] > 0).any()])


def evidence_frame(summary: pd.DataFrame, lang: Lang) -> pd.DataFrame:
    """Uncertainty, tiers, assumptions and verification by enterprise and year."""
    frame = _named(summary, EVIDENCE, lang)
    return frame.drop(columns=[name for name in ("relative_half_width", "half_width", "unstated_share",
                                                 "partly_stated_share") if frame[name].isna().all()])  # fmt: skip


def own_in_boundary(account: Account, lang: Lang) -> list[str]:
    """One sentence where covered emissions rest on factors that a user replaced or added; none otherwise."""
    entries = overlaid_in_boundary(account.inventory, account.ledger.factors)
    if not entries:
        return []
    named = shorten(entries, lang)
    return [
        f"履约排放量依据自有因子：{named}。" if lang == "zh" else f"Covered emissions rest on own factors: {named}."
    ]


def findings(account: Account, tables: Mapping[str, pd.DataFrame], lang: Lang) -> list[str]:
    """Sentences about the last year, each computed from the tables below it."""
    chinese, year = lang == "zh", int(account.ledger.years[-1])
    at = tables["summary"][tables["summary"]["year"] == year]
    direct, covered = (float(at[name].sum()) for name in ("direct_co2e", "covered_co2e"))
    count = len(at)
    amounts = quantities.tonnes(direct, lang), quantities.tonnes(covered, lang)
    said = [
        f"{year}年{count}家企业直接排放{amounts[0]}，其中市场边界内{amounts[1]}。" if chinese else
        f"{year}: {_enterprises(count)} emitted {amounts[0]} directly, {amounts[1]} inside the market's boundary."
    ]  # fmt: skip
    said += [*_bought(at, lang), *_certainty(account, year, lang), *_weakness(at, direct, lang)]
    gaps, own = len(tables["gaps"]), len(tables["overlaid"])
    if gaps:
        tonnes = quantities.tonnes(float(tables["gaps"]["gap_co2e"].abs().sum()), lang)
        filled = (
            f"{gaps} gaps were filled with conservative amounts" if gaps > 1 else "One gap was filled conservatively"
        )
        said.append(f"{gaps}项缺失数据以保守值替代，涉及{tonnes}。" if chinese else f"{filled}: {tonnes}.")
    if own:
        changed = f"Own factors changed {own} cells" if own > 1 else "Own factors changed one cell"
        said.append(f"自有因子改动{own}处，见下表。" if chinese else f"{changed} of the factor tables, listed below.")
        said += own_in_boundary(account, lang)
    return [*said, *_verified(at, lang)]


def _enterprises(count: int) -> str:
    return "one enterprise" if count == 1 else f"{count} enterprises"


def _bought(at: pd.DataFrame, lang: Lang) -> list[str]:
    location, market = at["scope2_location_based"], at["scope2_market_based"]
    if not (location != 0).any() and not (market > 0).any():
        return []
    by_place = quantities.tonnes(float(location.sum()), lang)
    missing = int(market.isna().sum())
    by_market = quantities.tonnes(float(market.sum()), lang)
    if lang == "zh":
        rest = f"（{missing}家未给出）" if missing else ""
        return [f"外购电力与热力：基于位置{by_place}，基于市场{by_market}{rest}。"]
    rest = f" ({missing} without)" if missing else ""
    return [f"Electricity and heat bought: {by_place} location-based, {by_market} market-based{rest}."]


def _certainty(account: Account, year: int, lang: Lang) -> list[str]:
    if account.uncertainty is None:
        return [
            "未计算不确定度：账册与因子库均未给出，或未要求计算。"
            if lang == "zh"
            else "No uncertainty: neither ledger nor library states one, or it was not asked for."
        ]
    at = account.uncertainty.dataset.sel(group="total", year=year)
    unstated, partly = (quantities.share(float(at[f"{name}_share"])) for name in ("unstated", "partly_stated"))
    width = float(at["relative_half_width"])
    if math.isnan(width) or float(at["unstated_share"]) >= 1:
        return [
            "没有给出不确定度，无法计算区间。" if lang == "zh" else "No uncertainty is stated, so there is no interval."
        ]
    half = quantities.share(width)
    if lang == "zh":
        return [f"直接排放的95%区间为±{half}；{unstated}的排放未给出不确定度，{partly}仅部分给出。"]
    return [f"The 95 % interval of direct emissions is ±{half}; {unstated} of tonnes carry no stated uncertainty, "
            f"{partly} only in part."]  # fmt: skip


def _weakness(at: pd.DataFrame, direct: float, lang: Lang) -> list[str]:
    """Shares of all tonnes on defaults and on assumptions, weighted by the enterprises' tonnes."""
    if direct <= 0:
        return []
    weights = at["direct_co2e"].abs()
    shares = [
        quantities.share(float((at[name].fillna(0.0) * weights).sum() / weights.sum()))
        for name in ("default_share", "assumption_share")
    ]
    if lang == "zh":
        return [f"{shares[0]}的直接排放使用缺省因子，{shares[1]}依据假设。"]
    return [f"{shares[0]} of direct tonnes use default factors, {shares[1]} rest on assumptions."]


def _verified(at: pd.DataFrame, lang: Lang) -> list[str]:
    known = at[at["verification"] != "not_verified"]
    if known.empty:
        return ["没有核查结果。" if lang == "zh" else "Nothing was verified."]
    late = known[known["verification"] == "beyond"]
    beyond = late[f"name_{lang}"].where(late[f"name_{lang}"] != "", late["enterprise"]).tolist()
    if lang == "zh":
        outcome = f"超出允许偏差：{'、'.join(beyond)}" if beyond else "均在允许偏差内"
        return [f"{len(known)}家企业有核查结果，{outcome}。"]
    where = f"beyond the bound: {', '.join(beyond)}" if beyond else "all within the bound"
    return [f"{_enterprises(len(known)).capitalize()} verified, {where}."]


def portable_warnings(account: Account) -> list[Issue]:
    """Warnings of the ledger with the name of each file alone: where it lay is the machine's business."""
    return [replace(issue, source=Path(issue.source).name) for issue in account.ledger.warnings]


def check_sentence(account: Account, lang: Lang) -> str:
    """How many checks there were; an account exists only if all passed."""
    count = len(account.checks)
    if lang == "zh":
        return f"用独立代码由账册与计算链重新计算，共{count}项核验，全部通过。"
    return f"Recomputed from the ledger and the chain of multiplications by separate code: {count} checks, all passed."


def subtitle(account: Account, span: str, lang: Lang) -> str:
    """Years, number of enterprises, warming potentials."""
    inventory, chinese = account.inventory, lang == "zh"
    count, facilities = inventory.sizes["enterprise"], inventory.sizes["facility"]
    sectors = dict.fromkeys(value_name("sector", str(name), lang) for name in inventory["sector"].values)
    shown = ("、" if chinese else ", ").join(list(sectors)[:6])
    sets = inventory.attrs["gwp_set"], inventory.attrs["market_gwp_set"]
    if chinese:
        return f"{span}年 · {count}家企业，{facilities}个设施 · {shown} · 增温潜势 {sets[0]}（市场 {sets[1]}）"
    sites = "facility" if facilities == 1 else "facilities"
    return (f"{span} · {_enterprises(count)}, {facilities} {sites} · {shown} · warming potentials {sets[0]} "
            f"(market {sets[1]})")  # fmt: skip


def illustrative(lang: Lang) -> str:
    """The notice of a ledger that still holds example rows."""
    if lang == "zh":
        return "账册仍含示例行（来源为 example），不代表任何真实企业。"
    return "The ledger still holds example rows (source 'example') and stands for no real firm."


def method_notes(account: Account, lang: Lang) -> list[str]:
    """What a reader must know to redo the numbers."""
    notes = (
        ("每一项排放为：符号 × 常数 × 活动数据 × 各参数之积；表 terms 列出每个参数的数值与来源。",
         "Every amount is sign × constant × activity × its terms; the sheet terms lists each value with its source."),
        ("产品固碳、转出与封存按行扣减，企业合计不为负。",
         "Carbon that leaves with products, or is handed on or stored, is deducted row by row; no total is negative."),
        ("未给出的数值标为“未计算”，不以零代替；缺失数据只按账册 gaps 表的规则替代，并说明原因。",
         "What is not known says so and is never a zero; gaps are filled only by the rules of the table gaps."),
        ("范围二同时给出两种方法；范围三只列已报告的类别，不是全部。",
         "Scope 2 is given by both methods; scope 3 lists the categories that were reported and is no total."),
        ("不确定度为95%区间的半宽；未给出不确定度的参数视为准确，其排放占比单列。",
         "Uncertainty is half of the 95 % interval; a term without a statement counts as exact; its tonnes are shown."),
    )  # fmt: skip
    return [pair[0 if lang == "zh" else 1] for pair in notes]


def foot(account: Account, lang: Lang) -> str:
    """Where the numbers come from."""
    digest = account.ledger.content_hash()[:16]
    if lang == "zh":
        return f"carbonsim 核算，账册 {account.ledger.name}，内容指纹 {digest}。用 carbonsim replay 可逐位复算。"
    return f"Account of {account.ledger.name} by carbonsim, content {digest}; carbonsim replay redoes every digit."
