"""What the propagation of uncertainty returns: one Dataset, and the tables and sentences that people read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd
import xarray as xr

from carbonsim.accounting.uncertainty.cells import TOTAL
from carbonsim.errors import InputError, did_you_mean, shorten

REST: Final = "rest"
SHOWN: Final = 3  # largest sources named in the text
SHOWN_YEARS: Final = 5
LARGE: Final = 0.3  # coefficient of variation above which the guidelines advise Approach 2
PERCENT: Final = 100
_LEVEL: Final = (
    "emissions_co2e", "half_width", "relative_half_width", "low", "high", "standard_deviation",
    "sample_mean", "sample_median", "unstated_share", "partly_stated_share",
)  # fmt: skip
_TREND: Final = (
    "change", "change_low", "change_high", "trend", "trend_half_width", "trend_low", "trend_high",
)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Uncertainty:
    """The uncertainty of an inventory's totals; prints as a summary.

    Attributes
    ----------
    dataset : Dataset
        ``emissions_co2e`` (group, year) [tCO2e], the inventory's own total whatever the approach; ``half_width``,
        ``low``, ``high``, ``standard_deviation`` (group, year) [tCO2e] of its 95 % interval, ``relative_half_width``
        (group, year) [1]; with Monte Carlo ``sample_mean`` and ``sample_median`` beside it, never applied, and
        ``interaction_share`` (group, year) [1] of the variance that no single source explains. The last group is
        ``total``. With more than one year the trend from ``base_year`` to ``last_year``: ``change`` (group) [tCO2e],
        ``trend`` (group) [1] relative to the base year, each with ``_half_width``, ``_low``, ``_high``. NaN where the
        divisor is zero. ``contribution`` (entry) and ``trend_contribution`` (trend_entry) [1] are the shares of the
        first-order variance by source, each group's adding up to 1. ``unstated_share`` and ``partly_stated_share``
        (group, year) [1] are the tonnes without any stated uncertainty and with some terms not stated; where the
        first is 1 the half width of 0 is no claim, and the text shows no interval.
    """

    dataset: xr.Dataset

    @property
    def approach(self) -> str:
        """``approach_1`` or ``monte_carlo``."""
        return str(self.dataset.attrs["approach"])

    @property
    def years(self) -> tuple[int, ...]:
        """Years of the inventory."""
        return tuple(int(year) for year in self.dataset["year"].values)

    def table(self) -> pd.DataFrame:
        """One row for each group and year: point, interval, deviation and the share that is not stated."""
        names = [name for name in _LEVEL if name in self.dataset]
        frame = self.dataset[names].to_dataframe().reset_index()
        return frame[["group", "year", *names]]

    def trend(self) -> pd.DataFrame:
        """One row for each group: change and relative change from the base year to the last, with intervals.

        Raises
        ------
        InputError
            If the inventory has one year only.
        """
        if "trend" not in self.dataset:
            raise InputError("a trend needs two years; the inventory has one.")
        names = list(_TREND)
        return self.dataset[names].to_dataframe().reset_index()[["group", *names]]

    def contributions(
        self, group: str = TOTAL, year: int | None = None, *, top: int | None = None,
        of: Literal["level", "trend"] = "level",
    ) -> pd.DataFrame:  # fmt: skip
        """Shares of a group's first-order variance by source, the largest first.

        Parameters
        ----------
        group : str
            A label of ``group``; the total by default.
        year : int, optional
            The last year by default; not used for the trend.
        top : int, optional
            As many sources; the others are added up in a row called ``rest``.
        of : str
            ``level`` of a year or the ``trend``.

        Returns
        -------
        DataFrame
            Columns ``source``, ``term``, ``kind`` (``shared``, ``stated_shared``, ``own``), ``half_width``,
            ``distribution`` and ``contribution`` [1]; no rows if nothing of the group is uncertain.

        Raises
        ------
        InputError
            If the group or the year is not there.
        """
        data = self.dataset
        labels = [str(label) for label in data["group"].values]
        if group not in labels:
            raise InputError(f"group '{group}' is not there. {did_you_mean(group, labels)}".strip())
        prefix = "trend_" if of == "trend" else ""
        if of == "trend" and "trend" not in data:
            raise InputError("a trend needs two years; the inventory has one.")
        chosen = data[f"{prefix}entry_group"].values == labels.index(group)
        if of == "level":
            when = self.years[-1] if year is None else year
            if when not in self.years:
                raise InputError(f"year {when} is not there. Years: {shorten(self.years)}.")
            chosen = chosen & (data["entry_year"].values == when)
        place = data[f"{prefix}entry_source"].values[chosen]
        frame = pd.DataFrame({
            "source": data["source"].values[place],
            **{name: data[f"source_{name}"].values[place] for name in ("term", "kind", "half_width", "distribution")},
            "contribution": data[f"{prefix}contribution"].values[chosen],
        })  # fmt: skip
        if top is None or len(frame) <= top:
            return frame
        rest = {"source": REST, "term": "", "kind": REST, "half_width": float("nan"), "distribution": "",
                "contribution": float(frame["contribution"].iloc[top:].sum())}  # fmt: skip
        return pd.concat([frame.iloc[:top], pd.DataFrame([rest])], ignore_index=True)

    def unstated(self) -> pd.DataFrame:
        """Streams of which nothing or not everything is stated, by year, the largest share of the emissions first.

        Returns
        -------
        DataFrame
            Columns ``stream``, ``year``, ``emissions_co2e`` [tCO2e], ``share`` [1] of the sum of absolute emissions,
            ``stated`` (``none`` or ``partly``) and ``missing``, the terms that are not stated.
        """
        frame = self.dataset[["stream_emissions", "stream_share", "stated", "missing"]].to_dataframe().reset_index()
        frame = frame.rename(columns={"stream_emissions": "emissions_co2e", "stream_share": "share"})
        frame = frame[frame["stated"].isin(["none", "partly"])]
        columns = ["stream", "year", "emissions_co2e", "share", "stated", "missing"]
        return frame.sort_values(["year", "share", "stream"], ascending=[True, False, True])[columns].reset_index(
            drop=True
        )

    def text(self, lang: str = "en") -> str:
        """The summary in English or Chinese."""
        return "\n".join(_sentences_zh(self) if lang == "zh" else _sentences(self))

    def __repr__(self) -> str:
        return self.text()


def _percent(value: float) -> str:
    return f"{PERCENT * value:.2f} %"


def _shown_years(result: Uncertainty) -> tuple[int, ...]:
    """All years, or the two of the trend where there are many."""
    if len(result.years) <= SHOWN_YEARS:
        return result.years
    return int(result.dataset.attrs["base_year"]), int(result.dataset.attrs["last_year"])


def _of_total(data: xr.Dataset, year: int) -> dict[str, float]:
    at = data.sel(group=TOTAL, year=year)
    names = ("emissions_co2e", "low", "high", "relative_half_width", "unstated_share", "partly_stated_share")
    return {name: float(at[name]) for name in names}


def _trend_of_total(data: xr.Dataset) -> list[str]:
    """Trend of the total with its interval, in per cent."""
    at = data.sel(group=TOTAL)
    return [f"{PERCENT * float(at[name]):+.2f}" for name in ("trend", "trend_low", "trend_high")]


def _largest(result: Uncertainty, rest: str) -> list[str]:
    """The largest sources of the last year's variance with their shares."""
    frame = result.contributions(top=SHOWN)
    names = [rest if kind == REST else str(source) for source, kind in zip(frame["source"], frame["kind"], strict=True)]
    return [f"{name} {_percent(share)}" for name, share in zip(names, frame["contribution"].tolist(), strict=True)]


def _sentences(result: Uncertainty) -> list[str]:
    data, attrs = result.dataset, result.dataset.attrs
    how = f"monte_carlo, {attrs['draws']} draws" if result.approach == "monte_carlo" else result.approach
    lines = [f"Uncertainty ({how}; {attrs['scope']}, by {attrs['by']}; 95 % intervals)"]
    for year in _shown_years(result):
        at = _of_total(data, year)
        spread = f"± {_percent(at['relative_half_width'])} ({at['low']:,.0f} to {at['high']:,.0f})"
        lines.append(f"  {year}: {at['emissions_co2e']:,.0f} tCO2e "
                     + ("(nothing stated: no interval)" if at["unstated_share"] >= 1 else spread))  # fmt: skip
    if "trend" in data:
        trend, low, high = _trend_of_total(data)
        lines.append(f"  trend {attrs['base_year']} to {attrs['last_year']}: {trend} % ({low} to {high})")
    named = _largest(result, "the others")
    if named:
        lines.append(f"  variance of {result.years[-1]}: {'; '.join(named)}")
    at = _of_total(data, result.years[-1])
    lines.append(f"  {_percent(at['unstated_share'])} of tonnes carry no stated uncertainty, "
                 f"{_percent(at['partly_stated_share'])} only in part")  # fmt: skip
    if attrs["large_sources"] and result.approach != "monte_carlo":
        lines.append(f"  {attrs['large_sources']} sources vary by more than {PERCENT * LARGE:.0f} %: "
                     "prefer monte_carlo")  # fmt: skip
    return lines


def _sentences_zh(result: Uncertainty) -> list[str]:
    data, attrs = result.dataset, result.dataset.attrs
    how = f"蒙特卡洛，抽样{attrs['draws']}次" if result.approach == "monte_carlo" else "方法1（误差传播）"
    scope = {"direct": "直接排放", "covered": "纳入排放", "location_based": "外购电力热力（基于位置）"}[attrs["scope"]]
    lines = [f"不确定度（{how}；{scope}；95% 区间）"]
    for year in _shown_years(result):
        at = _of_total(data, year)
        spread = f" ± {_percent(at['relative_half_width'])}（{at['low']:,.0f} 至 {at['high']:,.0f}）"
        lines.append(f"  {year}年：{at['emissions_co2e']:,.0f} tCO2e"
                     + ("（未给出任何不确定度，没有区间）" if at["unstated_share"] >= 1 else spread))  # fmt: skip
    if "trend" in data:
        trend, low, high = _trend_of_total(data)
        lines.append(f"  {attrs['base_year']}—{attrs['last_year']}年变化：{trend} %（{low} 至 {high}）")
    named = _largest(result, "其余")
    if named:
        lines.append(f"  {result.years[-1]}年方差来源：{'；'.join(named)}")
    at = _of_total(data, result.years[-1])
    lines.append(f"  {_percent(at['unstated_share'])} 的排放量未给出不确定度，"
                 f"{_percent(at['partly_stated_share'])} 仅部分给出")  # fmt: skip
    if attrs["large_sources"] and result.approach != "monte_carlo":
        lines.append(f"  {attrs['large_sources']}个来源的变异系数超过{PERCENT * LARGE:.0f} %：建议采用 monte_carlo")
    return lines
