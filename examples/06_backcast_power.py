"""The national power market 2021-2025 back-cast with the rules known each year, beside what was published.

Without --data the population is four benchmark classes spread around the published balance values. With --data it is
the plants of a table, whose units, hours, coal rates and load are assumptions as in example 03. Nothing is fitted to a
price; where the interval is wide, the model does not determine the price and the table says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

import carbonsim as cs
from carbonsim.inputs.backcast_files import read_backcast_parameters
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.study.backcast import BELIEFS, Backcast, Row, backcast
from carbonsim.study.backcast_population import FIRST_GROSS, Population, number, packaged_populations, power_units

OWN_USE = {
    "I": 0.05,
    "II": 0.07,
    "III": 0.09,
}  # share of generation that a plant uses itself; plans until 2022 count net
LOADS = {"low": 0.60, "high": 0.70}
SEED = 2021  # of the place of each plant in its class, which the table does not tell
MEGA = 1e6

TEXT = {
    "blocks": {
        "en": "Population without data: four benchmark classes around the published balance values.",
        "zh": "未给数据：四类机组，围绕已公布的盈亏平衡值分布。",
    },
    "plants": {
        "en": "Plants of the table: {entities:,} entities, {emissions:,.0f} Mt a year at the class coal rates, "
        "{share:.0%} of the published 5,094 Mt of 2021; not scaled.",
        "zh": "表中电厂：{entities:,} 个实体，按各类煤耗年排放 {emissions:,.0f} Mt，"
        "为2021年公布值 5,094 Mt 的 {share:.0%}；未作放大。",
    },
    "prices": {"en": "Price by the worth of left-overs, CNY/t", "zh": "按结余价值假设的价格（元/吨）"},
    "ends": {"en": "Which assumption gives which end", "zh": "区间两端对应的假设"},
    "volumes": {"en": "Potential trade of a cycle before abatement, Mt", "zh": "各履约周期减排前潜在交易量（Mt）"},
    "files": {"en": "Tables and figure: {out}", "zh": "表格和图: {out}"},
    "note": {
        "en": "Published volume holds re-trading and block trades; potential trade holds each position once.",
        "zh": "公布成交量含转手和大宗交易；潜在交易量中每个头寸只计一次。",
    },
    "wide": {
        "en": "The published facts do not determine the price: every year's interval begins at 0",
        "zh": "公布的事实不足以确定价格：每年的区间都从0开始",
    },
    "inside": {
        "en": "The published price lies in the interval of every year",
        "zh": "各年公布均价均在模型区间之内",
    },
    "outside": {
        "en": "The published price lies outside the modelled interval in {years}",
        "zh": "以下年份公布均价在模型区间之外：{years}",
    },
    "price_axis": {"en": "CNY/t", "zh": "元/吨"},
    "volume_axis": {"en": "Mt", "zh": "Mt"},
    "expected": {"en": "interval over all assumptions", "zh": "全部假设下的区间"},
    "shortage": {"en": "without a price put in from a survey", "zh": "不含调查预期价格"},
    "published": {"en": "published average price", "zh": "公布的成交均价"},
    "traded": {"en": "published volume of the cycle's years", "zh": "周期内各年公布成交量"},
    "potential": {"en": "potential trade, by entity, before abatement", "zh": "潜在交易量（按实体，减排前）"},
    "open": {"en": "no upper bound", "zh": "无上界"},
}
WORDS = {
    "en": {
        "always": "always with {}",
        "only": "only with {}",
        "all": "in all cases",
        "several": "several combinations",
    },
    "zh": {"always": "只要{}", "only": "仅当{}", "all": "所有组合", "several": "多种组合"},
}
LEVELS = {
    "left_over: worthless": ("left-overs worthless", "结余一文不值"),
    "left_over: shortage_ahead": ("left-overs worth the shortage ahead", "结余价值来自未来短缺"),
    "left_over: expected_price": ("left-overs worth the expected price", "结余价值按预期价格"),
    "rules: unchanged": ("plans expected unchanged", "预期方案不变"),
    "rules: as_came": ("plans expected as they came", "预期方案与后来一致"),
    "costs: low": ("low costs, high interest", "低成本、高利率"),
    "costs: high": ("high costs, low interest", "高成本、低利率"),
    "first_surplus: low": ("a small surplus of 2019-20", "2019—2020年盈余小"),
    "first_surplus: high": ("a large surplus of 2019-20", "2019—2020年盈余大"),
    "spread: low": ("a narrow spread of intensities", "强度离散小"),
    "spread: high": ("a wide spread of intensities", "强度离散大"),
    "position: short": ("intensities at the balance values", "强度等于盈亏平衡值"),
    "position: long": ("intensities below the balance values", "强度低于盈亏平衡值"),
    "coal_rate: low": ("low coal rates", "低煤耗"),
    "coal_rate: high": ("high coal rates", "高煤耗"),
    "load: low": ("low load", "低负荷"),
    "load: high": ("high load", "高负荷"),
}
HEADINGS = {
    "en": ["year", "worthless", "shortage ahead", "expected price", "interval", "published", "cases at 0", "open"],
    "zh": ["年份", "一文不值", "未来短缺", "预期价格", "区间", "公布均价", "价格为0的组合", "无上界"],
}
VOLUME_HEADINGS = {
    "en": ["settled", "emissions of", "potential trade", "published volume", "years traded"],
    "zh": ["清缴年份", "排放年份", "潜在交易量", "公布成交量", "交易年份"],
}


@dataclass(frozen=True, slots=True, eq=False)
class PlantPopulation:
    """Units of real plants; an entity keeps its place in its class, drawn once with a fixed seed."""

    parameters: ParameterSet
    units_table: pd.DataFrame  # entity, benchmark_class, unit_mw, rate [tCO2/MWh gross]
    hours: float
    coal_rate: float
    load: float

    def _place(self) -> pd.Series:
        names = sorted(set(self.units_table["entity"]))
        return pd.Series(np.random.default_rng(SEED).standard_normal(len(names)), index=names)

    def units(self, year: int, plan_year: int) -> Any:
        """The same units in every year; intensities fall by the stated rate after the last published balance values."""
        table = self.units_table
        decline = number(self.parameters, "assumed.intensity_decline", max(year, FIRST_GROSS))
        spread = (
            table["benchmark_class"]
            .map(lambda name: number(self.parameters, "assumed.spread", 2019, name))
            .to_numpy(dtype=float)
        )
        place = table["entity"].map(self._place()).to_numpy(dtype=float)
        intensity = table["rate"].to_numpy(dtype=float) * self.coal_rate * (1.0 + spread * place)
        intensity = intensity * (1.0 - decline) ** max(0, year - FIRST_GROSS)
        generation = table["unit_mw"].to_numpy(dtype=float) * self.hours
        own = table["benchmark_class"].map(OWN_USE).to_numpy(dtype=float)
        output = generation if plan_year >= FIRST_GROSS else generation * (1.0 - own)
        return power_units(
            plan_year, tuple(table["benchmark_class"]), generation * intensity, output, np.zeros(len(table)),
            load=self.load, entity=tuple(table["entity"]),
        )  # fmt: skip

    def benchmark_class(self) -> tuple[str, ...]:
        """Class of each entity: that of its largest unit."""
        table = self.units_table
        largest = table.loc[table.groupby("entity", sort=False)["unit_mw"].idxmax()].set_index("entity")
        return tuple(largest.loc[list(dict.fromkeys(table["entity"])), "benchmark_class"])

    def members(self) -> Any:
        """Each stands for itself."""
        return np.ones(len(set(self.units_table["entity"])))


def plants_example() -> ModuleType:
    """Example 03, whose assumptions on units and coal rates are taken over."""
    path = Path(__file__).with_name("03_china_coal_plants.py")
    spec = importlib.util.spec_from_file_location("coal_plants_example", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be loaded; keep the examples together.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def plant_populations(
    folder: Path, parameters: ParameterSet, lang: str
) -> tuple[tuple[Mapping[str, str], Population], ...]:
    """The plants of the table at both ends of the coal rate and of the load."""
    other = plants_example()
    plants = other.screened(other.read_plants(folder, lang), lang)
    units = other.generating_units(plants, other.BUILDS["base"])
    factors = other.emission_factors()
    rate = {name: other.COAL_RATE[name] / 1000.0 * factors[name] for name in other.CLASSES}  # gce/kWh is kgce/MWh
    table = units.assign(rate=units["benchmark_class"].map(rate))
    emissions = float((table["unit_mw"] * other.HOURS * table["rate"]).sum())
    share = emissions / number(parameters, "published.emissions", 2021)
    print(TEXT["plants"][lang].format(entities=table["entity"].nunique(), emissions=emissions / MEGA, share=share))
    ends = {"low": other.COAL_RATE_RANGE[0], "high": other.COAL_RATE_RANGE[-1]}
    return tuple(
        ({"coal_rate": rate_end, "load": load_end},
         PlantPopulation(parameters, table, other.HOURS, ends[rate_end], LOADS[load_end]))
        for rate_end in ends for load_end in LOADS
    )  # fmt: skip


def interval(low: float, high: float, lang: str) -> str:
    """Two ends as text; one number if they are the same, words where nothing bounds the price."""
    if not np.isfinite(high):
        return f"{low:.0f} – {TEXT['open'][lang]}"
    return f"{low:.0f}" if round(high) == round(low) else f"{low:.0f} – {high:.0f}"


def met_with(found: tuple[str, tuple[str, ...]], lang: str) -> str:
    """Under which assumptions an end is met, as text."""
    word, levels = found
    joint = {"en": {"always": " or ", "only": " and "}, "zh": {"always": "或", "only": "且"}}[lang].get(word, "")
    return WORDS[lang][word].format(joint.join(LEVELS[level][lang == "zh"] for level in levels))


def price_table(rows: Sequence[Row], lang: str) -> pd.DataFrame:
    """One row a year, one column a belief."""
    cells = []
    for row in rows:
        beliefs = [interval(*row.by_belief[b], lang) if b in row.by_belief else "." for b in BELIEFS["left_over"]]
        whole = interval(row.price_low, row.price_high, lang)
        at_zero = f"{row.at_zero} / {row.cases}"
        cells.append([row.year, *beliefs, whole, f"{row.published_price:.2f}", at_zero, row.undetermined])
    return pd.DataFrame(cells, columns=HEADINGS[lang])


def volume_table(found: Backcast, lang: str) -> pd.DataFrame:
    """One row a cycle; the published volume is that of all calendar years since the deadline before."""
    cells = []
    for row, _, years in by_cycle(found):
        emitted = found.cases[0].cycles[row.settled].years
        potential = f"{row.potential_low / MEGA:.0f} – {row.potential_high / MEGA:.0f}"
        volumes = " + ".join(f"{found.row(year).published_volume / MEGA:.1f}" for year in years)
        cells.append([row.settled, _span(emitted), potential, volumes, _span(years)])
    return pd.DataFrame(cells, columns=VOLUME_HEADINGS[lang])


def by_cycle(found: Backcast) -> list[tuple[Row, float, tuple[int, ...]]]:
    """The row of each deadline with the volume published for the years up to it, and those years."""
    result = []
    for settled in sorted({row.settled for row in found.rows}):
        traded = [row for row in found.rows if row.settled == settled]
        result.append((found.row(settled), sum(r.published_volume for r in traded), tuple(r.year for r in traded)))
    return result


def _span(years: Sequence[int]) -> str:
    return str(years[0]) if len(years) == 1 else f"{years[0]}–{years[-1]}"


def message(found: Backcast, lang: str) -> str:
    """What the figure shows, as its title."""
    outside = [str(row.year) for row in found.rows if not row.holds_published]
    if outside:
        return TEXT["outside"][lang].format(years=", ".join(outside))
    return TEXT["wide" if all(row.price_low < 0.5 for row in found.rows) else "inside"][lang]


def draw(found: Backcast, path: Path, lang: str) -> None:
    """The interval of each year against the published price, and the volumes below."""
    import matplotlib.pyplot as plt

    from carbonsim.report import figures, palette

    with figures.style():
        figure, (top, below) = plt.subplots(2, 1, figsize=(10, 8), height_ratios=(3, 2), layout="constrained")
        _draw_prices(top, found, lang, palette)
        _draw_volumes(below, found, lang, palette)
        figure.suptitle(message(found, lang))
        figure.text(0.01, -0.02, TEXT["note"][lang], fontsize=10)
        figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": "carbonsim"})
        plt.close(figure)


def _draw_prices(axes: Any, found: Backcast, lang: str, palette: Any) -> None:
    years = np.array([row.year for row in found.rows])
    published = [row.published_price for row in found.rows]
    whole = [(row.price_low, row.price_high) for row in found.rows]
    modelled = [_ends_without_survey(row) for row in found.rows]
    top = 1.15 * max(x for x in (*np.ravel(whole), *published) if np.isfinite(x))
    for ends, colour, width, key in (
        (whole, palette.RANGE, 0.62, "expected"),
        (modelled, palette.PRICE, 0.3, "shortage"),
    ):
        low = np.array([end[0] for end in ends])
        high = np.minimum([end[1] for end in ends], top)
        axes.bar(years, high - low, bottom=low, width=width, color=colour, alpha=0.45, label=TEXT[key][lang])
    for year, (low_end, high_end) in zip(years, whole, strict=True):
        if not np.isfinite(high_end):
            axes.annotate(TEXT["open"][lang], (year, top), ha="center", va="top")
        elif high_end - low_end < 0.5:
            axes.annotate(f"{high_end:.0f}", (year, high_end), xytext=(0, 3), textcoords="offset points", ha="center")
    axes.plot(years, published, color=palette.INK, marker="o", ls="", ms=9, label=TEXT["published"][lang])
    for year, value in zip(years, published, strict=True):
        axes.annotate(f"{value:.2f}", (year, value), xytext=(10, -4), textcoords="offset points", bbox=palette.HALO)
    axes.set_ylim(0, top)
    axes.set_ylabel(TEXT["price_axis"][lang])
    axes.set_xticks(years)
    axes.legend(loc="upper left", ncols=3, bbox_to_anchor=(0, 1.13), frameon=False, fontsize=11)


def _ends_without_survey(row: Row) -> tuple[float, float]:
    ends = [end for belief, end in row.by_belief.items() if belief != "expected_price"]
    return min(low for low, _ in ends), max(high for _, high in ends)


def _draw_volumes(axes: Any, found: Backcast, lang: str, palette: Any) -> None:
    cycles = by_cycle(found)
    place = np.arange(len(cycles))
    axes.bar(place - 0.2, [volume / MEGA for _, volume, _ in cycles], width=0.36, color=palette.INK, alpha=0.75,
             label=TEXT["traded"][lang])  # fmt: skip
    low = np.array([row.potential_low for row, _, _ in cycles]) / MEGA
    high = np.array([row.potential_high for row, _, _ in cycles]) / MEGA
    axes.bar(place + 0.2, high - low, bottom=low, width=0.36, color=palette.RANGE, label=TEXT["potential"][lang])
    for x, (row, volume, _) in zip(place, cycles, strict=True):
        axes.annotate(
            f"{volume / MEGA:.1f}", (x - 0.2, volume / MEGA), xytext=(0, 3), textcoords="offset points", ha="center"
        )
        ends = f"{row.potential_low / MEGA:.0f}–{row.potential_high / MEGA:.0f}"
        axes.annotate(
            ends, (x + 0.2, row.potential_high / MEGA), xytext=(0, 3), textcoords="offset points", ha="center"
        )
    axes.set_xticks(place, [_span(years) for _, _, years in cycles])
    axes.set_ylabel(TEXT["volume_axis"][lang])
    axes.margins(y=0.15)
    axes.legend(loc="upper left", ncols=2, bbox_to_anchor=(0, 1.2), frameon=False, fontsize=11)


def write(found: Backcast, out: Path, lang: str) -> None:
    """The table, every case, every number used, and the figure."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for row in found.rows:
        plain = {name: getattr(row, name) for name in Row.__slots__ if name != "by_belief"}
        plain |= {name: met_with(plain[name], "en") for name in ("low_with", "high_with")}
        for belief, (low, high) in row.by_belief.items():
            plain |= {f"{belief}_low": low, f"{belief}_high": high}
        rows.append(plain)
    pd.DataFrame(rows).to_csv(out / "by_year.csv", index=False, float_format="%.6f")
    cases = [
        {**case.levels, "year": year, "price_low": price.low, "price_high": price.high, "bank": price.bank,
         "why": price.why}
        for case in found.cases for year, price in case.prices.items()
    ]  # fmt: skip
    pd.DataFrame(cases).to_csv(out / "by_case.csv", index=False, float_format="%.6f")
    used = [{name: getattr(one, name) for name in type(one).__slots__} for one in found.used]
    pd.DataFrame(used).to_csv(out / "numbers_used.csv", index=False)
    draw(found, out / "backcast_power.png", lang)


def show(found: Backcast, lang: str) -> None:
    """Print the tables."""
    with pd.option_context("display.unicode.east_asian_width", True, "display.width", 200):
        print(f"== {TEXT['prices'][lang]}")
        print(price_table(found.rows, lang).to_string(index=False), end="\n\n")
        print(f"== {TEXT['ends'][lang]}")
        for row in found.rows:
            ends = [(row.price_low, row.low_with), (row.price_high, row.high_with)]
            print(f"{row.year}  " + "; ".join(f"{price:.0f}: {met_with(with_what, lang)}" for price, with_what in ends))
        print(f"\n== {TEXT['volumes'][lang]}")
        print(volume_table(found, lang).to_string(index=False))
        print(TEXT["note"][lang])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with coal_plants.csv; benchmark classes without it")
    parser.add_argument("--out", type=Path, default=Path("out/06_backcast_power"), help="folder for tables and figure")
    parser.add_argument("--lang", choices=("zh", "en"), default="en", help="language of what is printed and drawn")
    arguments = parser.parse_args()
    lang = arguments.lang
    try:
        parameters, _ = read_backcast_parameters()
        if arguments.data is None:
            print(TEXT["blocks"][lang])
            populations = packaged_populations(parameters)
        else:
            populations = plant_populations(arguments.data, parameters, lang)
        found = backcast(populations, parameters)
    except cs.InputError as error:
        raise SystemExit(error.text(lang)) from error
    show(found, lang)
    write(found, arguments.out, lang)
    print(TEXT["files"][lang].format(out=arguments.out))


if __name__ == "__main__":
    main()
