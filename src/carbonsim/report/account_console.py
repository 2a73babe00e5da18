"""What the shell prints of an account: a block of lines for each enterprise, years side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from carbonsim.accounting.explain import Explanation
from carbonsim.accounting.warming import BIOGENIC, MEMO_GASES
from carbonsim.report.account_words import own_in_boundary
from carbonsim.report.label import Lang
from carbonsim.report.labels import column, text, value_name
from carbonsim.report.quantities import PERCENT, shortened, width
from carbonsim.study.account import Account, memo_column

CONSOLE = 100
MOST_ENTERPRISES = 6
LABEL, CELL = 38, 12
SMALL = 10.0  # tonnes below which three digits are shown
MEMO = tuple(memo_column(gas) for gas in sorted(MEMO_GASES))
AMOUNTS = ("direct_co2e", "covered_co2e", "scope2_location_based", "scope2_market_based", "scope3_reported")
SPREAD = ("relative_half_width", "unstated_share", "partly_stated_share")
EVIDENCE = ("default_share", "assumption_share", "substituted_share")
POLLUTANTS = ("SO2", "NOx", "PM")
# Left out where it says nothing: there is none in any year.
ONLY_IF_ANY = ("scope3_reported", *MEMO, "substituted_share", "partly_stated_share", "unstated_share")
TOTALS = ("direct_co2e", "covered_co2e")


def console_lines(account: Account, lang: Lang) -> list[str]:
    """The largest enterprises, one block each, then the total of all and how certain it is."""
    frame = account.summary()
    sizes = frame.groupby("enterprise", sort=False)["direct_co2e"].max()
    order = sizes.sort_values(ascending=False, kind="stable").index
    lines: list[str] = []
    for enterprise in order[:MOST_ENTERPRISES]:
        rows = frame[frame["enterprise"] == enterprise]
        lines += [*_block(_title(rows, lang), rows, lang), ""]
    if len(order) > MOST_ENTERPRISES:
        rest = len(order) - MOST_ENTERPRISES
        lines += [f"… 另有 {rest} 家企业，见 summary.csv" if lang == "zh" else f"… and {rest} more: summary.csv", ""]
    if len(order) > 1:
        lines += [*_block(_all(len(order), lang), _total(account, frame), lang), ""]
    return lines + closing_lines(account, lang)


def closing_lines(account: Account, lang: Lang) -> list[str]:
    """The audit, gaps and own factors, in a line each; the shell prints warnings apart."""
    checks, gaps = len(account.checks), len(account.ledger.substitutions)
    own = account.ledger.factors.overlaid
    chinese = lang == "zh"
    lines = [f"核验：{checks} 项全部通过。" if chinese else f"Audit: all {checks} checks passed."]
    if account.uncertainty is None:
        lines.append("没有不确定度：账册与因子库均未给出，或未要求计算。" if chinese else
                     "No uncertainty: neither ledger nor library states one, or it was not asked for.")  # fmt: skip
    if gaps:
        lines.append(f"数据缺失替代：{gaps} 项。" if chinese else f"Gaps filled: {gaps}.")
    if own:
        lines.append(f"自有因子改动：{len(own)} 处。" if chinese else f"Own factors: {len(own)} changes to the tables.")
        lines += own_in_boundary(account, lang)
    if account.is_illustrative:
        lines.append("仍有示例行（来源为 example）：企业为示意。" if chinese else
                     "Example rows are left (source 'example'): the enterprises are illustrative.")  # fmt: skip
    return lines


def _title(rows: pd.DataFrame, lang: Lang) -> str:
    first = rows.iloc[0]
    name, key = str(first[f"name_{lang}"]), str(first["enterprise"])
    sector = value_name("sector", str(first["sector"]), lang)
    shown = key if name in ("", key) else f"{name} [{key}]"
    return shortened(f"{shown}, {sector}" if lang == "en" else f"{shown}，{sector}", CONSOLE)


def _all(count: int, lang: Lang) -> str:
    return f"合计 {count} 家企业" if lang == "zh" else f"All {count} enterprises"


def _total(account: Account, frame: pd.DataFrame) -> pd.DataFrame:
    """Sums that may be added up; scopes 2 and 3 of one enterprise can be scope 1 of another."""
    rows = frame.groupby("year")[list(TOTALS)].sum().reset_index()
    if account.uncertainty is None:
        return rows
    data = account.uncertainty.dataset.sel(group="total")
    return rows.assign(**{name: data[name].values for name in SPREAD})


def _block(title: str, rows: pd.DataFrame, lang: Lang) -> list[str]:
    """Years as columns, as many as fit; the last ones, with a word about those that do not."""
    fit = (CONSOLE - LABEL) // CELL
    shown = rows.tail(fit)
    earlier = len(rows) - len(shown)
    head = [str(year) for year in shown["year"]]
    lines = [title, _line("", head)]
    for names, write in _parts():
        for name in names:
            if name not in shown or (name in ONLY_IF_ANY and not (shown[name] > 0).any()):
                continue
            if name in (*POLLUTANTS, "relative_half_width") and shown[name].isna().all():
                continue
            lines.append(_line(_name(name, lang), [write(value, lang) for value in shown[name]]))
    if "SO2" in shown and shown[list(POLLUTANTS)].isna().to_numpy().all():
        lines.append(_line("大气污染物" if lang == "zh" else "air pollutants", [_none(lang)] * len(shown)))
    if "verification" in shown:
        lines.append(_verification(shown, lang))
    if earlier:
        lines.append(
            f"  （更早 {earlier} 年见 summary.csv）" if lang == "zh" else f"  ({earlier} earlier years: summary.csv)"
        )
    return lines


def _parts() -> Sequence[tuple[Sequence[str], Callable[[float, Lang], str]]]:
    return ((AMOUNTS, _tonnes), (MEMO, _memo), (SPREAD, _percent), (EVIDENCE, _percent), (POLLUTANTS, _small))


_SHORT: Mapping[str, tuple[str, str]] = {
    "direct_co2e": ("直接排放（范围一） tCO2e", "direct (scope 1), tCO2e"),
    "covered_co2e": ("　其中市场边界内 tCO2e", "  in the market's boundary, tCO2e"),
    "scope2_location_based": ("范围二（基于位置） tCO2e", "scope 2, location-based, tCO2e"),
    "scope2_market_based": ("范围二（基于市场） tCO2e", "scope 2, market-based, tCO2e"),
    "scope3_reported": ("范围三（已报告类别） tCO2e", "scope 3, categories reported, tCO2e"),
    memo_column(BIOGENIC): ("生物质CO2（不计入） t", "biogenic CO2 (in no total), t"),
    **{memo_column(gas): (f"{gas}（不计入） t", f"{gas} (in no total), t") for gas in MEMO_GASES - {BIOGENIC}},
    "relative_half_width": ("直接排放不确定度 ±（95%）", "uncertainty of direct, ± (95 %)"),
    "unstated_share": ("　未给出不确定度的排放", "  tonnes without a statement"),
    "partly_stated_share": ("　仅部分给出的排放", "  tonnes stated only in part"),
    "default_share": ("使用缺省值的排放", "tonnes on default factors"),
    "assumption_share": ("依据假设的排放", "tonnes resting on assumptions"),
    "substituted_share": ("缺失替代的排放", "tonnes substituted for gaps"),
}  # fmt: skip


def _name(name: str, lang: Lang) -> str:
    if name in _SHORT:
        return _SHORT[name][0 if lang == "zh" else 1]
    return f"{text(column(name), lang)} t" if lang == "zh" else f"{text(column(name), lang)}, t"


def _line(label: str, cells: Sequence[str]) -> str:
    pad = " " * max(LABEL - 2 - width(label), 1)
    return f"  {label}{pad}{''.join(' ' * max(CELL - width(cell), 1) + cell for cell in cells)}".rstrip()


def _none(lang: Lang) -> str:
    return "未计算" if lang == "zh" else "n/a"


def _tonnes(value: float, lang: Lang) -> str:
    return _none(lang) if math.isnan(value) else f"{value:,.0f}"


def _small(value: float, lang: Lang) -> str:
    return _none(lang) if math.isnan(value) else f"{value:,.1f}"


def _memo(value: float, lang: Lang) -> str:
    """Tonnes of a gas of which a little matters."""
    return _small(value, lang) if value == 0 or value >= SMALL else f"{value:.3g}"


def _percent(value: float, lang: Lang) -> str:
    return _none(lang) if math.isnan(value) else f"{value * PERCENT:.1f} %"


def _verification(rows: pd.DataFrame, lang: Lang) -> str:
    """Status of each year, short, with the difference where something was verified."""
    words = {"within": ("偏差内", "within"), "beyond": ("超偏差", "BEYOND"), "not_verified": ("未核查", "not verified")}
    cells = [words[status][0 if lang == "zh" else 1] for status in rows["verification"]]
    return _line("核查（与允许偏差相比）" if lang == "zh" else "verification (against its bound)", cells)


def explanation_lines(explanation: Explanation, lang: Lang) -> list[str]:
    """The chain of multiplications of an enterprise and year, a stream after the other."""
    if lang == "en":
        return str(explanation).splitlines()
    lines = [f"{explanation.enterprise} {explanation.year}年"]
    for stream in explanation.streams:
        method = value_name("accounting_method", stream.method, lang)
        tier = value_name("tier", stream.tier, lang)
        marks = [method, f"范围{stream.scope}", tier, "纳入市场边界" if stream.covered else "未纳入市场边界"]
        marks += ["缺失替代"] if stream.substituted else []
        evidence = f"{stream.activity_source}，{value_name('basis', stream.activity_basis, lang)}"
        lines.append(f"  {stream.stream}（{'，'.join(marks)}）")
        lines.append(f"    {stream.formula} = {stream.emissions_co2e:,.2f} tCO2e；活动数据［{evidence}］")
        for term in stream.terms:
            name = value_name("term", term.name, lang)
            where = f"{term.unit} <{term.entry}>［{term.source}，{value_name('basis', term.basis, lang)}］"
            lines.append(f"      {name} {term.value:.10g} {where if term.entry else '［自有值］'}")
    lines.append(
        f"  合计：直接排放 {explanation.emissions_co2e:,.2f} tCO2e；外购电力与热力 "
        f"{explanation.scope2_location:,.2f} tCO2e；市场边界内 {explanation.covered_emissions:,.2f} tCO2e"
    )
    return lines
