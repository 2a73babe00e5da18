"""Pressure indicators of widening coverage: signal, burden, capacity and time, each a function of given runs.

Every indicator is a ratio of sums (or a sum): numerators and denominators are added over the group first, and
divided last. An indicator that cannot be computed is NaN in the table and its reason stands in ``REASONS`` or
in the ``absent`` attribute of the table, never a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.errors import InputError, did_you_mean

By = Literal["enterprise", "sector", "chain", "place"]
GROUPS: tuple[By, ...] = ("enterprise", "sector", "chain", "place")
Dimension = Literal["signal", "burden", "capacity", "time"]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator: what is added up, what it is divided by, and where it belongs.

    ``number`` is its row in the table of economics; ``numerator`` and ``denominator`` take a run (a dataset
    without scenario dimension) and return arrays over (enterprise, year). Without a denominator the sum itself
    is the indicator. ``covered_only`` keeps enterprises out of the sums in the years they owe nothing;
    ``enterprise_only`` indicators are not added up, because products differ; ``partial`` ones are about the members
    that have the number at all.
    """

    name: str
    number: str
    dimension: Dimension
    unit: str
    title_en: str
    title_zh: str
    numerator: Callable[[xr.Dataset], xr.DataArray]
    denominator: Callable[[xr.Dataset], xr.DataArray] | None = None
    covered_only: bool = True
    enterprise_only: bool = False
    partial: bool = False
    reason: str = ""
    reason_zh: str = ""


def _price(run: xr.Dataset) -> xr.DataArray:
    return run["allowance_price"]


def _shortfall(run: xr.Dataset) -> xr.DataArray:
    return run["obligation"] - run["free_allocation"]


def _baseline_shortfall(run: xr.Dataset) -> xr.DataArray:
    return run["baseline_obligation"] - run["baseline_free_allocation"]


def _allowance_cost(run: xr.Dataset) -> xr.DataArray:
    return run["allowance_cost"]


def _indirect(run: xr.Dataset) -> xr.DataArray:
    return run["net_compliance_cost"] + run["indirect_cost"]


def _unrecovered(run: xr.Dataset) -> xr.DataArray:
    return (1 - run["pass_through"]) * run["net_compliance_cost"]


def _signal(run: xr.Dataset) -> xr.DataArray:
    return run["phi"] * run["obligation_share"] * _price(run) * run["covered_emissions"]


INDICATORS: tuple[Indicator, ...] = (
    Indicator(
        "net_compliance_cost", "1", "burden", "CNY", "Net compliance cost", "净履约成本",
        lambda run: run["net_compliance_cost"],
    ),
    Indicator(
        "cost_to_value_added", "2", "burden", "1", "Cost / value added", "履约成本占增加值",
        lambda run: run["net_compliance_cost"], lambda run: run["value_added"],
        reason="value added is zero or negative", reason_zh="增加值为零或负",
    ),
    Indicator(
        "cost_with_indirect_to_value_added", "2", "burden", "1",
        "Cost with electricity cost / value added", "含间接用电成本占增加值",
        _indirect, lambda run: run["value_added"], covered_only=False,
        reason="value added is zero or negative", reason_zh="增加值为零或负",
    ),
    Indicator(
        "shortfall_before", "3", "burden", "1", "Shortfall before abatement", "减排前配额缺口率",
        _baseline_shortfall, lambda run: run["baseline_obligation"],
    ),
    Indicator(
        "shortfall_after", "3", "burden", "1", "Shortfall after abatement", "减排后配额缺口率",
        _shortfall, lambda run: run["obligation"],
    ),
    Indicator(
        "marginal_price_signal", "4", "signal", "CNY/tCO2e", "Marginal carbon price (phi x price)", "边际碳价信号",
        _signal, lambda run: run["covered_emissions"],
    ),
    Indicator(
        "incentive_share", "4", "signal", "1", "Share of the price felt at the margin (phi)", "边际激励系数 φ",
        lambda run: run["phi"] * run["covered_emissions"], lambda run: run["covered_emissions"],
    ),
    Indicator(
        "average_carbon_cost", "5", "burden", "CNY/tCO2e",
        "Average carbon cost per covered tonne", "单位排放平均碳成本",
        _allowance_cost, lambda run: run["covered_emissions"],
    ),
    Indicator(
        "marginal_cost_per_unit", "4", "signal", "CNY/unit",
        "Marginal carbon cost per unit of product", "单位产品边际碳成本",
        _signal, lambda run: run["product_quantity"], enterprise_only=True,
        reason="no product price, so no quantity of product", reason_zh="无产品价格, 无法得到产量",
    ),
    Indicator(
        "average_cost_per_unit", "5", "burden", "CNY/unit",
        "Average carbon cost per unit of product", "单位产品平均碳成本",
        _allowance_cost, lambda run: run["product_quantity"], enterprise_only=True,
        reason="no product price, so no quantity of product", reason_zh="无产品价格, 无法得到产量",
    ),
    Indicator(
        "marginal_cost_to_revenue", "6", "signal", "1",
        "Marginal carbon cost / product value", "边际碳成本占产品价值",
        _signal, lambda run: run["revenue"],
    ),
    Indicator(
        "average_cost_to_revenue", "6", "burden", "1",
        "Average carbon cost / product value", "平均碳成本占产品价值",
        _allowance_cost, lambda run: run["revenue"],
    ),
    Indicator(
        "unrecovered_cost", "7", "burden", "CNY", "Cost not passed on", "未能转嫁的成本", _unrecovered,
    ),
    Indicator(
        "profit_at_risk", "8", "capacity", "1", "Cost not passed on / EBIT", "未转嫁成本占息税前利润",
        _unrecovered, lambda run: run["ebit"],
        reason="EBIT is zero or negative: the enterprise earns nothing to pay from",
        reason_zh="息税前利润为零或负, 无利润可承担成本",
    ),
    Indicator(
        "abatement_headroom", "9", "capacity", "1",
        "Abatement potential below the price / shortfall", "碳价以下减排潜力与缺口之比",
        lambda run: run["potential_below_price"], _baseline_shortfall,
        reason="no shortfall before abatement", reason_zh="减排前无配额缺口",
    ),
    Indicator(
        "anticipatory_share", "10", "time", "1",
        "Abatement before entry / abatement to date", "纳入前减排占累计减排",
        lambda run: run["anticipatory_abatement"].cumsum("year"),
        lambda run: run["abatement"].cumsum("year"), covered_only=False,
        reason="no abatement to date", reason_zh="至今无减排",
    ),
    Indicator(
        "distance_to_benchmark", "14", "signal", "1",
        "Distance of intensity to benchmark", "碳排放强度与基准值差距",
        lambda run: run["benchmark_excess"], lambda run: run["benchmark_emissions"],
        partial=True, reason="the allocation rule of the year has no benchmark", reason_zh="当年分配规则无基准值",
    ),
)  # fmt: skip

NOT_COMPUTED: Mapping[str, tuple[str, str]] = {
    "profit_at_risk_distribution": (
        "needs the price distribution of an ensemble of runs", "需要多情景集合给出的碳价分布"),
    "employment_exposure": ("comes with a later version", "后续版本提供"),
    "trade_exposure": ("comes with a later version", "后续版本提供"),
}  # fmt: skip


class Absences(tuple[tuple[object, ...], ...]):
    """Rows (group, year, indicator, reason, reason in Chinese) of what is not computed; never changed once made."""

    __slots__ = ()

    def __deepcopy__(self, memo: object) -> Absences:
        """Itself: pandas copies what hangs on a frame at every step, and thousands of rows would make it slow."""
        return self


def find_indicator(name: str) -> Indicator:
    """The indicator called ``name``; an unknown one is an InputError that lists the known."""
    for indicator in INDICATORS:
        if indicator.name == name:
            return indicator
    known = [indicator.name for indicator in INDICATORS]
    raise InputError(f"indicator '{name}' is not known. Known: {', '.join(known)}. {did_you_mean(name, known)}".strip())


def pressure_table(run: xr.Dataset, by: By = "sector", *, kind: str = "enterprise") -> pd.DataFrame:
    """Indicators of one run by enterprise, sector, chain or place and year.

    Parameters
    ----------
    run : Dataset
        One scenario of the results (no scenario dimension).
    by : {"enterprise", "sector", "chain", "place"}
        Group to add up over.
    kind : str
        Which rows take part: ``enterprise`` (local ones) or ``block`` (the rest of the country).

    Returns
    -------
    DataFrame
        Index (group, year); a column an indicator, ``entities`` (count) and ``covered_entities``, and the
        10th, 50th and 90th percentile of cost / value added over the covered enterprises behind each row.
        NaN means not computed; ``attrs["absent"]`` lists (group, year, indicator, reason).

    Raises
    ------
    InputError
        If ``by`` is none of the groups.
    """
    if by not in GROUPS:
        raise InputError(f"pressure by '{by}' is not known. Known: {', '.join(GROUPS)}.")
    chosen = run.sel(enterprise=run["kind"].values == kind)
    labels = chosen["enterprise"].values if by == "enterprise" else chosen[by].values
    groups, index = np.unique(labels.astype(str), return_inverse=True)
    years = chosen["year"].values
    covered = chosen["obligation_share"].transpose("enterprise", "year").values > 0
    frame = pd.DataFrame(index=pd.MultiIndex.from_product([groups, years], names=[by, "year"]))
    frame["entities"] = np.repeat(np.bincount(index, minlength=len(groups)), len(years))
    frame["covered_entities"] = _add(covered.astype(float), index, len(groups)).ravel().astype(int)
    absent: list[tuple[str, int, str, str, str]] = []
    for indicator in INDICATORS:
        if indicator.enterprise_only and by != "enterprise":
            values, reasons = _not_added_up(len(groups), len(years))
        else:
            values, reasons = _evaluate(indicator, chosen, covered, index, len(groups))
        frame[indicator.name] = values.ravel()
        for row, column in np.argwhere(np.isnan(values)):
            english, chinese = reasons[row][column]
            absent.append((str(groups[row]), int(years[column]), indicator.name, english, chinese))
    _add_distribution(frame, chosen, covered, index, len(groups))
    frame.attrs["absent"] = Absences(absent)
    return frame


def _add(values: np.ndarray, index: np.ndarray, count: int) -> np.ndarray:
    total = np.zeros((count, values.shape[1]))
    np.add.at(total, index, values)
    return total


Reason = tuple[str, str]
NOT_COVERED: Reason = ("not covered in this year", "当年未纳入")
NO_PRICE: Reason = ("no price is determined in this year", "当年碳价无法确定")
NO_DATA: Reason = ("a member has no such data", "有企业缺少所需数据")


def _evaluate(
    indicator: Indicator, run: xr.Dataset, covered: np.ndarray, index: np.ndarray, count: int
) -> tuple[np.ndarray, list[list[Reason]]]:
    """Values (group, year), NaN where not computed, and the reason that would explain it for each cell.

    One member without a number leaves its group without one, unless the indicator is about some members only.
    """
    mask = covered if indicator.covered_only else np.ones_like(covered)
    top = indicator.numerator(run).transpose("enterprise", "year").values
    bottom = np.ones_like(top)
    if indicator.denominator is not None:
        bottom = indicator.denominator(run).transpose("enterprise", "year").values
    known = mask & ~np.isnan(top) & ~np.isnan(bottom)
    unpriced = _add((mask & np.isnan(top)).astype(float), index, count) > 0
    unpriced &= np.isnan(run["allowance_price"].values)
    lacking = _add((mask & ~known).astype(float), index, count) > 0
    anybody = _add(mask.astype(float), index, count) > 0
    some = _add(known.astype(float), index, count) > 0
    values = _add(np.where(known, top, 0.0), index, count)
    divisor = np.ones_like(values)
    if indicator.denominator is not None:
        divisor = _add(np.where(known, bottom, 0.0), index, count)
    complete = some if indicator.partial else some & ~lacking
    computed = complete & (divisor > 0)
    values = np.divide(values, divisor, out=np.full_like(values, np.nan), where=computed)
    own = (indicator.reason or NO_DATA[0], indicator.reason_zh or NO_DATA[1])

    def reason(group: int, year: int) -> Reason:
        if not anybody[group, year]:
            return NOT_COVERED
        if unpriced[group, year]:
            return NO_PRICE
        return own if complete[group, year] or indicator.partial else NO_DATA

    return values, [[reason(group, year) for year in range(values.shape[1])] for group in range(count)]


def _not_added_up(count: int, years: int) -> tuple[np.ndarray, list[list[Reason]]]:
    """Nothing computed, because the members of a group make different products."""
    reason = ("products differ; read it by enterprise", "产品不同, 请按企业查看")
    return np.full((count, years), np.nan), [[reason] * years for _ in range(count)]


def _add_distribution(frame: pd.DataFrame, run: xr.Dataset, covered: np.ndarray, index: np.ndarray, count: int) -> None:
    """Percentiles of cost / value added over the enterprises behind each row, in place on the new frame."""
    cost = run["net_compliance_cost"].transpose("enterprise", "year").values
    added = run["value_added"].transpose("enterprise", "year").values
    ratio = np.divide(cost, added, out=np.full_like(cost, np.nan), where=covered & (added > 0))
    for name, quantile in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
        values = np.full((count, cost.shape[1]), np.nan)
        # A percentile is not additive: one pass a group and year is the only way.
        for group in range(count):
            rows = ratio[index == group]
            for year in range(cost.shape[1]):
                known = rows[:, year][~np.isnan(rows[:, year])]
                if known.size:
                    values[group, year] = np.quantile(known, quantile)
        frame[f"cost_to_value_added_{name}"] = values.ravel()


def announcement_effect(run: xr.Dataset, reference: xr.Dataset | None = None) -> pd.DataFrame:
    """Price with the announced widening less the price without it, by year (indicator 11).

    Parameters
    ----------
    run : Dataset
        One scenario.
    reference : Dataset, optional
        A run without widening over the same years; by default the counterfactual that every run carries, in which
        nobody enters after the first year and all else is equal (``price_without_widening``).

    Returns
    -------
    DataFrame [CNY/tCO2e]
        Index year; columns ``with_widening``, ``without_widening``, ``effect``; ``entered``, the share of obligations
        owed by those who entered after the first year; ``announced``, the share of the last year's entrants (by
        obligation) whose entry is announced. The effect in years before an entry can be positive or negative. The
        market has perfect foresight: where ``announced`` is 0 the effect rests on that assumption, not on an
        announcement.

    Raises
    ------
    InputError
        If the two runs are over different years.
    """
    if reference is not None and list(run["year"].values) != list(reference["year"].values):
        raise InputError("announcement effect needs two runs over the same years.")
    without = run["price_without_widening"] if reference is None else reference["allowance_price"]
    first = run["obligation_share"].isel(year=0) > 0
    owed = run["obligation"].sum("enterprise").values
    later = run["obligation"].where(~first, 0.0)
    entered = later.sum("enterprise").values
    at_the_end = later.isel(year=-1)
    total = float(at_the_end.sum())
    known = [float(at_the_end.where(run["announced"] <= year, 0.0).sum()) for year in run["year"].values]
    return pd.DataFrame(
        {
            "with_widening": run["allowance_price"].values,
            "without_widening": without.values,
            "effect": run["allowance_price"].values - without.values,
            "entered": np.divide(entered, owed, out=np.zeros_like(owed), where=owed > 0),
            "announced": np.array(known) / total if total > 0 else np.zeros_like(owed),
        },
        index=pd.Index(run["year"].values, name="year"),
    )
