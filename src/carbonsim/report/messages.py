"""Sentences that the figures' titles and the report's key findings say, computed from the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.report import quantities, series
from carbonsim.report.labels import Lang, market_key, phrase, sector_tick, value_name

SAME = 0.005  # relative change below which a path is called flat
SMALL = 1e-6  # share of the gross position below which a net one is rounding


def price_message(run: xr.Dataset, lang: Lang) -> str:
    """Where the price starts and ends, what decides it, or that the rules leave it open."""
    prices = series.price_series(run)
    known = np.flatnonzero(np.isfinite(prices.price))
    left_open = [int(year) for year in prices.years[~np.isfinite(prices.price)]]
    if known.size == 0:
        return "规则未能决定碳价，仅能给出区间" if lang == "zh" else "The rules leave the allowance price undetermined"
    path = _path(prices, int(known[0]), int(known[-1]), lang)
    if not left_open:
        return path
    return path + (f"，{_spans(left_open, lang)}年未定" if lang == "zh" else f"; left open in {_spans(left_open)}")


def _path(prices: series.PriceSeries, first: int, last: int, lang: Lang) -> str:
    """Where the price starts and ends."""
    start, end = float(prices.price[first]), float(prices.price[last])
    years = int(prices.years[first]), int(prices.years[last])
    if first == last or abs(end - start) <= SAME * max(abs(start), abs(end)):
        value = quantities.price(end, lang)
        return f"碳价保持在{value}" if lang == "zh" else f"The allowance price stays at {value}"
    if lang == "zh":
        verb = "升至" if end > start else "降至"
        return f"碳价由{years[0]}年的{quantities.digits(start)}元{verb}{years[1]}年的{quantities.price(end, lang)}"
    verb = "rises" if end > start else "falls"
    return f"The allowance price {verb} from {quantities.digits(start)} to {quantities.price(end, lang)} by {years[1]}"


def bank_message(run: xr.Dataset, lang: Lang) -> str:
    """When the bank peaks and what is left of it."""
    bank = run["bank"]
    national = market_key("bank", run) == "national_bank"
    whose = ("全国" if national else "市场") if lang == "zh" else "national" if national else "market"
    values = np.nan_to_num(bank.values.astype(float))
    years = series.years_of(run)
    peak = int(values.argmax())
    if values[peak] <= 0:
        return (
            f"{whose}没有结余配额，当年供需即时平衡"
            if lang == "zh"
            else f"No allowances are banked in the {whose} balance: each year balances by itself"
        )
    most, left = quantities.tonnes(float(values[peak]), lang), quantities.tonnes(float(values[-1]), lang)
    emptied = values[-1] <= SAME * values[peak]
    if lang == "zh":
        end = f"{years[-1]}年用尽" if emptied else f"{years[-1]}年剩{left}"
        return (
            f"{whose}结余配额{years[peak]}年最多（{most}），{end}"
            if peak + 1 < len(years)
            else f"{whose}结余配额逐年累积至{most}"
        )
    end = f"is used up by {years[-1]}" if emptied else f"stands at {left} in {years[-1]}"
    return (
        f"The {whose} bank peaks at {most} in {years[peak]} and {end}"
        if peak + 1 < len(years)
        else f"The {whose} bank grows to {most}"
    )


def curve_message(slices: list[series.CostSlice], price: float, year: int, lang: Lang) -> str:
    """How much of the potential costs no more than the price."""
    total = sum(piece.width for piece in slices)
    if not np.isfinite(price):
        potential = quantities.tonnes(total, lang)
        return f"{year}年减排潜力{potential}" if lang == "zh" else f"Abatement potential in {year}: {potential}"
    below = series.taken_at(slices, price)
    part = quantities.share(below / total if total > 0 else 0.0)
    amount, at = quantities.tonnes(below, lang), quantities.price(price, lang)
    if lang == "zh":
        return f"{year}年成本不高于碳价（{at}）的减排潜力为{amount}，占{part}"
    return f"In {year}, {amount} ({part} of potential) costs no more than the price ({at})"


def coverage_message(run: xr.Dataset, lang: Lang) -> str:
    """How the covered share of the study's emissions grows."""
    covered = np.nan_to_num(series.covered_share(run))
    years = series.years_of(run)
    start, end = quantities.share(float(covered[0])), quantities.share(float(covered[-1]))
    if lang == "zh":
        return (
            f"纳入市场的本地排放由{years[0]}年的{start}增至{years[-1]}年的{end}"
            if start != end
            else (f"纳入市场的本地排放一直为{end}")
        )
    if start == end:
        return f"{end} of local emissions are covered throughout"
    return f"Coverage of local emissions grows from {start} in {years[0]} to {end} in {years[-1]}"


def about(scenario: str, sentence: str, lang: Lang) -> str:
    """A sentence that names the scenario it is about, if there is one to name."""
    if not scenario:
        return sentence
    return f"{scenario}：{sentence}" if lang == "zh" else f"{scenario}: {sentence}"


def pressure_message(
    frame: pd.DataFrame, title: str, write: Callable[[float], str], lang: Lang, missing: Sequence[str] = ()
) -> str:
    """Which group stands under the highest pressure, and when; ``missing`` are the sectors that have no value."""
    sentence = _pressure_peak(frame, title, write, lang)
    if not missing:
        return sentence
    names = [value_name("sector", sector, lang) for sector in missing]
    if lang == "zh":
        return f"{sentence}（仅就已计算的行业而言；未计算：{'、'.join(names)}）"
    return f"{sentence} (among the sectors computed; not computed: {', '.join(name.lower() for name in names)})"


def _pressure_peak(frame: pd.DataFrame, title: str, write: Callable[[float], str], lang: Lang) -> str:
    values = frame.to_numpy(dtype=float)
    if not np.isfinite(values).any() or float(np.nanmax(values)) <= 0:
        return f"{title}：各行业均无净负担" if lang == "zh" else f"{title}: no sector bears a net burden"
    row, place = divmod(int(np.nanargmax(values)), values.shape[1])
    sector, year, peak = frame.index[row], frame.columns[place], float(values[row, place])
    value = write(peak)
    who = value_name("sector", str(sector), lang)
    if lang == "zh":
        return f"{who}{year}年压力最大：{title}达{value}"
    return f"Pressure peaks in {who.lower() if who != sector else who}, {year}: {title[0].lower()}{title[1:]} {value}"


def position_message(shortfall: pd.Series, year: int, lang: Lang) -> str:
    """How many are short, how many long, and the net position."""
    short, long = int((shortfall > 0).sum()), int((shortfall < 0).sum())
    net = float(shortfall.sum())
    even = abs(net) <= SMALL * float(shortfall.abs().sum())
    amount = quantities.tonnes(abs(net), lang)
    if lang == "zh":
        sum_zh = "两者相抵" if even else f"合计{'短缺' if net > 0 else '盈余'}{amount}"
        return f"{year}年{short}家企业短缺、{long}家盈余，{sum_zh}"
    word = "enterprise" if short == 1 else "enterprises"
    together = "in balance" if even else f"{'short' if net > 0 else 'long'} by {amount}"
    return f"{year}: {short} {word} short, {long} long; together {together}"


def emissions_message(run: xr.Dataset, lang: Lang) -> str:
    """What abatement changes by the last year."""
    own = series.local(run)
    with_it = float(own["inventory_emissions"].isel(year=-1).sum())
    without = float(own["baseline_inventory_emissions"].isel(year=-1).sum())
    year = int(series.years_of(run)[-1])
    part = quantities.share(1 - with_it / without if without > 0 else 0.0)
    if lang == "zh":
        return f"减排措施使{year}年排放比无减排低{part}"
    return f"Abatement puts emissions {part} below the path without it by {year}"


def compare_message(dataset: xr.Dataset, titles: dict[str, str], lang: Lang) -> str:
    """Which scenario ends with the highest and which with the lowest price."""
    last = dataset["allowance_price"].isel(year=-1)
    year = int(dataset["year"].values[-1])
    known = last.dropna("scenario")
    if known.size == 0:
        return f"{year}年各情景碳价均未由规则决定" if lang == "zh" else f"No scenario determines the price of {year}"
    high, low = known.isel(scenario=int(known.values.argmax())), known.isel(scenario=int(known.values.argmin()))
    if float(high) - float(low) <= SAME * abs(float(high)):
        value = quantities.price(float(high), lang)
        return f"{year}年各情景碳价相同（{value}）" if lang == "zh" else f"All scenarios end at {value} in {year}"
    names = titles[str(high["scenario"].values)], titles[str(low["scenario"].values)]
    values = quantities.digits(float(high)), quantities.digits(float(low))
    if lang == "zh":
        return f"{year}年碳价：“{names[0]}”最高（{values[0]}元/吨），“{names[1]}”最低（{values[1]}元/吨）"
    return f'In {year} the price is highest in "{names[0]}" ({values[0]} CNY/t), lowest in "{names[1]}" ({values[1]})'


def price_meaning(run: xr.Dataset, lang: Lang) -> list[str]:
    """What the price is in each year: the basis on which it was obtained, years of one basis together."""
    prices = series.price_series(run)
    grouped: dict[str, list[int]] = {}
    for year, basis in zip(prices.years, prices.basis, strict=True):
        grouped.setdefault(basis, []).append(int(year))
    if lang == "zh":
        return [
            f"{_spans(years, lang)}年：{value_name('price_basis', basis, lang)}" for basis, years in grouped.items()
        ]
    return [f"{_spans(years)}: {value_name('price_basis', basis, lang)}" for basis, years in grouped.items()]


def _spans(years: list[int], lang: Lang = "en") -> str:
    """Years written as spans: 2024, 2026-2028."""
    spans: list[list[int]] = []
    for year in years:
        if spans and year == spans[-1][1] + 1:
            spans[-1][1] = year
        else:
            spans.append([year, year])
    between = "、" if lang == "zh" else ", "
    return between.join(str(first) if first == last else f"{first}–{last}" for first, last in spans)


def findings(run: xr.Dataset, lang: Lang, basis_shares: pd.DataFrame) -> list[str]:
    """Key findings of one run as sentences, each computed from the numbers beside it in the report."""
    sentences = [
        price_message(run, lang), widening_message(run, lang), _opening_bank(run, lang), bank_message(run, lang),
        coverage_message(run, lang),
        emissions_message(run, lang), *_burden(run, lang), _last_position(run, lang),
        _assumed(basis_shares, lang),
    ]  # fmt: skip
    end = "。" if lang == "zh" else "."
    return [sentence + end for sentence in sentences if sentence]


def widening_message(run: xr.Dataset, lang: Lang) -> str:
    """What the announced widening does to the price of the first and the last year; empty if it does nothing."""
    price, without = run["allowance_price"].values, run["price_without_widening"].values
    years = series.years_of(run)
    if not np.isfinite([*price[[0, -1]], *without[[0, -1]]]).all() or np.allclose(price, without, rtol=SAME):
        return ""
    pairs = [(int(years[at]), quantities.digits(without[at]), quantities.digits(price[at])) for at in (0, -1)]
    if lang == "zh":
        said = "，".join(f"{year}年由{before}变为{after}元/吨" for year, before, after in pairs)
        return f"与不扩围相比，扩围使碳价{said}（市场自首年起完全预见扩围）"
    said = ", ".join(f"{year} from {before} to {after} CNY/t" for year, before, after in pairs)
    return f"Against no widening, the widening takes the price of {said} (the market foresees it from the first year)"


def _opening_bank(run: xr.Dataset, lang: Lang) -> str:
    low, high = (run[name].isel(year=0).item() for name in ("price_bank_low", "price_bank_high"))
    year = int(series.years_of(run)[0])
    if not (np.isfinite(low) and np.isfinite(high)) or abs(low - high) <= SAME * abs(low):
        return ""
    ends = quantities.digits(high), quantities.digits(low)
    if lang == "zh":
        return f"期初结余取假设范围的高值与低值时，{year}年碳价分别为{ends[0]}与{ends[1]}元/吨"
    return f"At the high and the low end of the assumed opening bank the {year} price is {ends[0]} and {ends[1]} CNY/t"


def _burden(run: xr.Dataset, lang: Lang) -> list[str]:
    own = series.local(run)
    cost = own["net_compliance_cost"].sum("enterprise")
    peak = int(cost.values.argmax())
    year, most = int(series.years_of(run)[peak]), float(cost[peak])
    parts = [float(own[name].isel(year=peak).sum()) for name in ("abatement_cost", "allowance_cost")]
    resource, transfer = (quantities.money(part, lang) for part in parts)
    frame = series.pressure_frame(run, "cost_to_value_added")
    if most <= 0:
        total = quantities.money(float(cost.sum()), lang)
        burden = (
            f"本地企业合计净履约成本为负（{total}），即净收益"
            if lang == "zh"
            else (f"Local enterprises gain on balance: net compliance cost {total} over all years")
        )
    elif lang == "zh":
        amount = quantities.money(most, lang)
        burden = f"本地净履约成本{year}年最高，为{amount}，其中减排成本{resource}，配额净支出{transfer}"
    else:
        burden = (f"Local net compliance cost peaks in {year} at {quantities.money(most, lang)}: "
                  f"{resource} of abatement cost, {transfer} of net allowance cost")  # fmt: skip
    title = "履约成本占增加值" if lang == "zh" else "Cost / value added"
    return [burden, pressure_message(frame, title, quantities.share, lang, series.not_computed(run, frame))]


def _last_position(run: xr.Dataset, lang: Lang) -> str:
    year = int(series.years_of(run)[-1])
    table = series.positions(run, year)
    return position_message(table["shortfall"], year, lang) if len(table) else ""


def _assumed(shares: pd.DataFrame, lang: Lang) -> str:
    if "assumption" not in shares.index:
        return ""
    tonnes, cost = (quantities.share(float(shares[name]["assumption"])) for name in ("covered_tonnes", "cost"))
    if lang == "zh":
        return f"纳入排放的{tonnes}、成本的{cost}依据的是假设"
    return f"{tonnes} of covered tonnes and {cost} of cost rest on assumptions"


def sector_list(sectors: list[str], lang: Lang) -> str:
    """Short sector names, one a line."""
    return "\n".join(sector_tick(sector, lang) for sector in sectors)


def foot(dataset: xr.Dataset, lang: Lang) -> str:
    """Source line of a figure: where the numbers come from, the year of the money, the notice if illustrative."""
    year = price_year(dataset)
    if lang == "zh":
        line = f"来源：carbonsim 模型计算{f'；金额为{year}年价' if year else ''}。"
    else:
        line = f"Source: carbonsim model run{f'; money of {year}' if year else ''}. "
    return line + (phrase("illustrative_note", lang) if dataset.attrs.get("illustrative") else "")


def price_year(dataset: xr.Dataset) -> int | None:
    """Year of the money in the results, from their attributes or from the unit of the price."""
    stated = dataset.attrs.get("price_year")
    return int(stated) if stated else quantities.year_of_money(str(dataset["allowance_price"].attrs.get("units", "")))
