"""China's coal plants under the 2024 power benchmark: class, emissions, surplus and shortage, and what they rest on.

The table gives a plant's capacity and place, nothing on its units, fuel, generation or coal use. Those are
assumptions, all of them at the top of this file and printed; the output is what follows from them, not a measurement.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import carbonsim as cs
from carbonsim.allocation import AllocationInput, allocation_rules
from carbonsim.inputs.factors import packaged_factors
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.inputs.readers import read_china_power
from carbonsim.units import conversion_factor

YEAR = 2024
RULE = "power_benchmark_2023"  # the rule of the 2023 and 2024 compliance years
# Rated capacity from which a conventional unit is class I: allocation plan of 2023-24, annex 2.
CLASS_I_MW = 400.0
HOURS = 4600.0  # full-load hours of a year
LOAD_FACTORS = {"base": 0.70, "low": 0.60}  # output over rated output while running; the rule pays below 0.65
COAL_RATE = {"I": 280.0, "II": 295.0, "III": 315.0}  # gce for each kWh of gross generation
COAL_RATE_RANGE = (0.95, 1.0, 1.05)
FACTOR_SET = "cets_steel_2024"  # carbon per energy of these coals, oxidation of self-owned power units
FUEL = {"I": "bituminous", "II": "bituminous", "III": "coal_gangue"}
NON_CONVENTIONAL = r"gangue|waste ?coal|coal slime|\bcfb\b"  # words in a plant's name or owner that make it class III
CLASSES = ("I", "II", "III")
OTHER_MARKETS = ("Hong Kong", "Macau", "Taiwan")  # not in the national market
SHOWN = 12

TEXT = {
    "made_up": {
        "en": "Made-up plants, not the real table: no --data was given, so this runs on {count} invented ones.",
        "zh": "以下为虚构电厂，并非真实数据：未给出 --data，程序使用 {count} 座虚构电厂。",
    },
    "scope": {
        "en": """{rows:,} plants (rows). Left out: {not_operating} not operating ({shut} shut, {building} being built),
{outside} outside the national market.
Capacity is missing in {no_capacity} ({idle_no_capacity} of them not operating): not filled.
Counted: {kept:,} plants; {no_province} have no province stated, {no_year} no year, {repeated} repeat an earlier
row in every cell (like units or a doubled entry, the table does not say: {repeated_mw:,.0f} MW, kept).
""",
        "zh": """共 {rows:,} 座电厂（行）。不计：未运行 {not_operating}（关停 {shut}，在建 {building}），
不在全国碳市场内 {outside}。装机缺失 {no_capacity}（其中未运行 {idle_no_capacity}）：不补值。
计入 {kept:,} 座；省份不明 {no_province}，投产年份不明 {no_year}，与前面某行完全相同 {repeated}
（同型机组或重复录入，表中未说明：{repeated_mw:,.0f} MW，保留）。
""",
    },
    "assumptions": {
        "en": """Assumptions (basis: assumption; the table has plant capacity only):
  Units: {build}; class I from {class_i:.0f} MW, II below it,
  III where the name says gangue or waste coal.
  {hours:,.0f} full-load hours, load factor {load:.2f}, no heat; gross coal rate {rates} gce/kWh.
  Carbon: {carbon} tCO2/tce (bituminous coal; gangue for III).
  Allocation: registered rule {rule}, compliance year {year}; rows with one plant id are one entity. Mt.
Agreement with published figures is no validation: coal rate, hours and unit size are assumptions that make it.
""",
        "zh": """假设（依据：假设；表中只有电厂装机）：
  机组：{build}；{class_i:.0f} MW 及以上为Ⅰ类，以下为Ⅱ类；
  名称含煤矸石等字样者为Ⅲ类。
  年利用 {hours:,.0f} 小时，负荷系数 {load:.2f}，不供热；发电煤耗 {rates} gce/kWh。
  碳：{carbon} tCO2/tce（烟煤；Ⅲ类按煤矸石）。
  配额：已登记规则 {rule}，{year} 年度；同一编号的各行为一个实体。单位：百万吨。
与公布数字相近不构成验证：煤耗、小时数和单机容量都是假设，结果随之而定。
""",
    },
    "by_class": {"en": "By class; plants are not netted", "zh": "按类别（电厂之间不相抵）"},
    "coal_rate_range": {"en": "Range over the coal rate", "zh": "煤耗变化区间"},
    "load_factor": {
        "en": "Another load factor: the rule adds allowances below 0.65 and stops there",
        "zh": "负荷系数的影响：低于0.65规则增发，达到0.65即停",
    },
    "class_flips": {
        "en": "Plants whose class is another one under the alternative assumption",
        "zh": "替代假设下类别改变的电厂",
    },
    "balance_by_build": {
        "en": "Surplus and shortage under each assumption; the coal rate goes with the class",
        "zh": "各假设下的盈缺（煤耗随类别而变）",
    },
    "by_province": {"en": "By province, with the net range over the coal rate", "zh": "按省份，附煤耗变化区间"},
    "tables": {"en": "Tables: {out}", "zh": "表格: {out}"},
}


@dataclass(frozen=True, slots=True)
class Build:
    """How a plant's capacity is taken to be split into equal units, and which units are taken for class III."""

    en: str
    zh: str
    fewest_units: int = 2
    largest_mw: float = 1050.0
    old_before: int = 0
    old_largest_mw: float = np.inf
    fluidised_below_mw: float = 0.0


BUILDS = {
    "base": Build("at least two equal units, none above 1,050 MW", "至少两台等容量机组，单机不超过1050 MW"),
    "single_unit": Build("one unit where 1,050 MW allow it", "1050 MW以内视为单台机组", fewest_units=1),
    "small_old_units": Build(
        "base, but plants from before 2006 have units of at most 360 MW",
        "同基准，但2006年以前投产的单机不超过360 MW",
        old_before=2006,
        old_largest_mw=360.0,
    ),
    "fluidised": Build(
        "base, but units below 150 MW burn in fluidised beds (class III)",
        "同基准，但150 MW以下机组视为循环流化床（Ⅲ类）",
        fluidised_below_mw=150.0,
    ),
}


def generating_units(plants: pd.DataFrame, build: Build) -> pd.DataFrame:
    """One row for each assumed unit: plant (a row of the table), entity (its plant id), unit_mw, benchmark_class."""
    capacity = plants["capacity"].to_numpy(dtype=float)
    count = np.maximum(build.fewest_units, np.ceil(capacity / build.largest_mw))
    is_old = plants["commissioning_year"].to_numpy(dtype=float) < build.old_before
    count = np.where(is_old, np.maximum(count, np.ceil(capacity / build.old_largest_mw)), count).astype(int)
    unit_mw = capacity / count
    words = plants["name"] + " " + plants["owner"]
    is_waste = words.str.contains(NON_CONVENTIONAL, case=False, regex=True).to_numpy()
    benchmark_class = np.where(unit_mw >= CLASS_I_MW, "I", "II")
    benchmark_class = np.where(is_waste | (unit_mw < build.fluidised_below_mw), "III", benchmark_class)
    rows = np.repeat(np.arange(len(plants)), count)
    number = np.concatenate([np.arange(1, n + 1) for n in count])
    return pd.DataFrame(
        {
            "plant": plants["unit"].to_numpy()[rows],
            "entity": plants["plant"].to_numpy()[rows],
            "unit": number,
            "province": plants["province"].to_numpy()[rows],
            "unit_mw": unit_mw[rows],
            "benchmark_class": benchmark_class[rows],
        }
    )


def emission_factors() -> dict[str, float]:
    """tCO2 for each tce of coal, by class."""
    fuels = packaged_factors().fuels.set_index(["table_set", "fuel"])
    energy = conversion_factor("tce", "TJ")
    rows = {name: fuels.loc[(FACTOR_SET, fuel)] for name, fuel in FUEL.items()}
    return {
        name: float(energy * row["carbon_content"] * row["oxidation"] * 44 / 12)  # carbon content is per TJ
        for name, row in rows.items()
    }


def balance(units: pd.DataFrame, parameters: ParameterSet, *, rate: float, load: float) -> pd.DataFrame:
    """The units with generation [MWh], emissions [tCO2], allowances with and without relief, and their gap."""
    table = units.assign(generation=units["unit_mw"] * HOURS)
    coal_rate = table["benchmark_class"].map(COAL_RATE).astype(float) * rate
    coal = table["generation"] * coal_rate * conversion_factor("kg", "t")  # gce/kWh is kgce/MWh
    table["emissions"] = coal * table["benchmark_class"].map(emission_factors()).astype(float)
    data = allocation_input(table, load)
    rule = allocation_rules.get(RULE).target
    table["allocation"] = rule(data, parameters).amount
    table["relief"] = table["allocation"] - rule(data, parameters, relief=False).amount
    return table


def allocation_input(table: pd.DataFrame, load: float) -> AllocationInput:
    """What the allocation rule is given: no heat, no gas."""
    count = len(table)
    emissions = table["emissions"].to_numpy(dtype=float)
    output = table["generation"].to_numpy(dtype=float)
    unknown, zero = np.full(count, np.nan), np.zeros(count)
    return AllocationInput(
        sector="power",
        year=YEAR,
        base_year=YEAR,
        facility=tuple(table["plant"] + "/" + table["unit"].astype(str)),
        enterprise=tuple(table["entity"]),
        entities=np.ones(count),
        emissions=emissions,
        key_emissions=emissions,
        output=output,
        key_output=output,
        heat_output=zero,
        benchmark_class=tuple(table["benchmark_class"]),
        load_factor=np.full(count, load),
        heat_ratio=zero,
        cooling=("",) * count,
        special_case=("",) * count,
        reference_emissions=unknown,
        reference_output=unknown,
    )


def totals(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Sums by class or province; surplus and shortage are added up over plants, never netted between them."""
    columns = ["unit_mw", "generation", "emissions", "allocation", "relief"]
    plants = table.groupby([by, "plant"], sort=True)[columns].sum()
    gap = plants["allocation"] - plants["emissions"]
    plants = plants.assign(surplus=gap.clip(lower=0.0), shortage=(-gap).clip(lower=0.0), plants=1)
    result = plants.groupby(level=by).sum().rename(columns={"unit_mw": "capacity_mw"})
    return result.assign(net=result["surplus"] - result["shortage"])


def class_flips(plants: pd.DataFrame, base: pd.DataFrame) -> pd.DataFrame:
    """Plants, and capacity, whose class is another one under each alternative build, and under any."""
    capacity = plants.set_index("unit")["capacity"]
    first = base.groupby("plant")["benchmark_class"].first()
    anywhere = pd.Series(False, index=first.index)
    rows = []
    for name, build in BUILDS.items():
        other = generating_units(plants, build).groupby("plant")["benchmark_class"].first()
        flips = other.ne(first)
        anywhere |= flips
        rows.append({"build": name, **_flip_shares(flips, capacity)})
    rows.append({"build": "any", **_flip_shares(anywhere, capacity)})
    return pd.DataFrame(rows).set_index("build")


def _flip_shares(flips: pd.Series, capacity: pd.Series) -> dict[str, float]:
    chosen = capacity.loc[flips.index[flips]]
    return {
        "plants_flipped": float(len(chosen)),
        "share_of_plants": len(chosen) / len(flips),
        "share_of_capacity": float(chosen.sum() / capacity.sum()),
    }


def coal_rate_range(units: pd.DataFrame, parameters: ParameterSet) -> pd.DataFrame:
    """Surplus, shortage and relief by class and in total at each coal rate."""
    parts = []
    for rate in COAL_RATE_RANGE:
        table = balance(units, parameters, rate=rate, load=LOAD_FACTORS["base"])
        part = totals(table, "benchmark_class")
        part.loc["all"] = part.sum()
        parts.append(part.assign(coal_rate_change=rate - 1.0).set_index("coal_rate_change", append=True))
    return pd.concat(parts).sort_index()


def relief_start(by_class: pd.DataFrame, parameters: ParameterSet) -> pd.Series:
    """Coal rate of each class [gce/kWh] above which the largest gap of the law is reached and relief begins."""
    gap = parameters.value("power.relief_gap_rate", YEAR)
    ratio = (by_class["allocation"] - by_class["relief"]) / by_class["emissions"]
    return pd.Series(COAL_RATE).reindex(by_class.index) * ratio / (1.0 - gap)


def made_up_table(folder: Path, count: int = 60) -> None:
    """A table of the same shape as the real one, drawn with a fixed seed; every row is invented."""
    rng = np.random.default_rng(2024)
    provinces = ["Shanxi Province", "Sichuan Province", "Inner Mongolia Autonomous Region"]
    capacity = rng.choice([60, 135, 270, 330, 600, 660, 1200, 1320, 2000], size=count).astype(str)
    capacity[0] = ""
    status = np.full(count, "", dtype=object)
    status[[0, 1]], status[2] = "Shutdown", "Under Construction"
    place = [f"Made-up County {provinces[i % 3]}" if i % 5 else "" for i in range(count)]
    table = pd.DataFrame(
        {
            "plant_id": [f"99{i:05d}" for i in range(count)],
            "name": [f"Made-up {'gangue ' if i % 15 == 7 else ''}power station {i:02d}" for i in range(count)],
            "capacity_mw": capacity,
            "commissioning_year": rng.integers(1990, 2019, size=count),
            "owner": "Made-up owner",
            "location": place,
            "operational_status": status,
            "latitude": rng.uniform(28, 40, size=count).round(3),
            "longitude": rng.uniform(102, 114, size=count).round(3),
        }
    )
    table.to_csv(folder / "coal_plants.csv", index=False)


# Columns of the printed tables: English, Chinese, divisor, format.
COLUMNS = {
    "plants": ("plants", "电厂数", 1.0, "{:,.0f}"),
    "units": ("units", "机组数", 1.0, "{:,.0f}"),
    "capacity_mw": ("GW", "装机 GW", 1e3, "{:,.1f}"),
    "generation": ("TWh", "发电量 TWh", 1e6, "{:,.0f}"),
    "emissions": ("emissions", "排放", 1e6, "{:,.1f}"),
    "allocation": ("allocation", "配额", 1e6, "{:,.1f}"),
    "relief": ("of it relief", "其中缺口上限豁免", 1e6, "{:,.2f}"),
    "surplus": ("surplus", "盈余", 1e6, "{:,.1f}"),
    "shortage": ("shortage", "缺口", 1e6, "{:,.1f}"),
    "net": ("net", "净盈缺", 1e6, "{:,.1f}"),
    "net_low_rate": ("net at -5 %", "煤耗-5%净盈缺", 1e6, "{:,.1f}"),
    "net_high_rate": ("net at +5 %", "煤耗+5%净盈缺", 1e6, "{:,.1f}"),
    "coal_rate_change": ("coal rate", "煤耗变化", 1.0, "{:+.0%}"),
    "relief_from": ("relief above gce/kWh", "豁免起点 gce/kWh", 1.0, "{:,.0f}"),
    "plants_flipped": ("plants flipped", "类别改变电厂数", 1.0, "{:,.0f}"),
    "share_of_plants": ("of plants", "占电厂数", 1.0, "{:.1%}"),
    "share_of_capacity": ("of capacity", "占装机", 1.0, "{:.1%}"),
    "load_factor": ("load factor", "负荷系数", 1.0, "{:.2f}"),
    "benchmark_class": ("class", "类别", None, ""),
    "province": ("province", "省份", None, ""),
    "build": ("assumption", "假设", None, ""),
    "all": ("all", "合计", None, ""),
    "not_stated": ("(not stated)", "（未注明）", None, ""),
    "any": ("under any of these", "任一替代假设", None, ""),
}


def show(table: pd.DataFrame, lang: str) -> None:
    """Print a table with headings in the language; tonnes as Mt."""
    column = 1 if lang == "zh" else 0
    shown = table.reset_index()
    for name in shown.columns:
        _, _, divisor, form = COLUMNS[name]
        if divisor is None:
            shown[name] = [_words(value, lang) for value in shown[name]]
        else:
            shown[name] = (shown[name] / divisor).map(form.format)
    shown.columns = [COLUMNS[name][column] for name in shown.columns]
    with pd.option_context("display.unicode.east_asian_width", True, "display.width", 250):
        print(shown.to_string(index=False), end="\n\n")


def _words(value: str, lang: str) -> str:
    if value in BUILDS:
        return BUILDS[value].zh if lang == "zh" else BUILDS[value].en
    return COLUMNS[value][1 if lang == "zh" else 0] if value in COLUMNS else value


def read_plants(folder: Path | None, lang: str) -> pd.DataFrame:
    """The table as read; says first if it is made up."""
    if folder is not None:
        return read_china_power(folder)
    with tempfile.TemporaryDirectory() as temporary:
        made_up_table(Path(temporary))
        table = read_china_power(temporary)
    print(TEXT["made_up"][lang].format(count=len(table)))
    return table


def screened(table: pd.DataFrame, lang: str) -> pd.DataFrame:
    """The plants that are counted on; prints how many are left out and why. A missing capacity is never filled."""
    running, known = table["is_operating"].astype(bool), table["capacity"].notna()
    outside = table["province"].isin(OTHER_MARKETS)
    kept = table[running & known & ~outside]
    repeated = kept["repeats_earlier_row"].astype(bool)
    print(
        TEXT["scope"][lang].format(
            rows=len(table),
            not_operating=(~running).sum(),
            shut=table["status"].eq("shutdown").sum(),
            building=table["status"].eq("under construction").sum(),
            outside=(running & outside).sum(),
            no_capacity=(~known).sum(),
            idle_no_capacity=(~known & ~running).sum(),
            kept=len(kept),
            no_province=kept["province"].eq("").sum(),
            no_year=kept["commissioning_year"].isna().sum(),
            repeated=repeated.sum(),
            repeated_mw=kept.loc[repeated, "capacity"].sum(),
        )
    )
    column = "province_zh" if lang == "zh" else "province"
    return kept.assign(province=kept[column].replace("", COLUMNS["not_stated"][1 if lang == "zh" else 0]))


def print_assumptions(lang: str) -> None:
    """What the numbers rest on beyond the table."""
    factors = emission_factors()
    print(
        TEXT["assumptions"][lang].format(
            build=BUILDS["base"].zh if lang == "zh" else BUILDS["base"].en,
            class_i=CLASS_I_MW,
            hours=HOURS,
            load=LOAD_FACTORS["base"],
            rates=", ".join(f"{name} {COAL_RATE[name]:.0f}" for name in CLASSES),
            carbon=", ".join(f"{name} {factors[name]:.3f}" for name in CLASSES),
            rule=RULE,
            year=YEAR,
        )
    )


def print_tables(tables: dict[str, pd.DataFrame], lang: str) -> None:
    """Every table that has a heading, under it."""
    for name in ("by_class", "coal_rate_range", "load_factor", "class_flips", "balance_by_build", "by_province"):
        print(f"== {TEXT[name][lang]}")
        show(tables[name].head(SHOWN) if name == "by_province" else tables[name], lang)


def results(plants: pd.DataFrame, parameters: ParameterSet) -> dict[str, pd.DataFrame]:
    """All tables, in tonnes and MWh."""
    load = LOAD_FACTORS["base"]
    units = generating_units(plants, BUILDS["base"])
    base = balance(units, parameters, rate=1.0, load=load)
    by_class = totals(base, "benchmark_class")
    by_class["relief_from"] = relief_start(by_class, parameters)
    province = totals(base, "province")
    for name, rate in (("net_low_rate", COAL_RATE_RANGE[0]), ("net_high_rate", COAL_RATE_RANGE[-1])):
        province[name] = totals(balance(units, parameters, rate=rate, load=load), "province")["net"]
    return {
        "by_class": by_class,
        "coal_rate_range": coal_rate_range(units, parameters),
        "load_factor": _stacked(
            "load_factor", {f: balance(units, parameters, rate=1.0, load=f) for f in LOAD_FACTORS.values()}
        ),
        "class_flips": class_flips(plants, units),
        "balance_by_build": _stacked(
            "build",
            {
                name: balance(generating_units(plants, build), parameters, rate=1.0, load=load)
                for name, build in BUILDS.items()
            },
        ),
        "by_province": province.sort_values("capacity_mw", ascending=False),
        "plants": base.groupby("plant").agg(
            province=("province", "first"), benchmark_class=("benchmark_class", "first"), units=("unit", "size"),
            capacity_mw=("unit_mw", "sum"), emissions=("emissions", "sum"), allocation=("allocation", "sum"),
            relief=("relief", "sum"),
        ),
    }  # fmt: skip


def _stacked(name: str, cases: Mapping[str, pd.DataFrame] | Mapping[float, pd.DataFrame]) -> pd.DataFrame:
    """Totals over all plants, one row a case."""
    rows = {case: totals(table, "benchmark_class").sum() for case, table in cases.items()}
    return pd.DataFrame(rows).T.rename_axis(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with coal_plants.csv; made-up plants without it")
    parser.add_argument("--out", type=Path, default=Path("out/03_china_coal_plants"), help="folder for the CSV tables")
    parser.add_argument("--lang", choices=("zh", "en"), default="en", help="language of what is printed")
    arguments = parser.parse_args()
    lang = arguments.lang
    try:
        plants = screened(read_plants(arguments.data, lang), lang)
        print_assumptions(lang)
        tables = results(plants, cs.read_scenario("panzhihua").parameters)
    except cs.InputError as error:
        raise SystemExit(error.text(lang)) from error
    print_tables(tables, lang)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(arguments.out / f"{name}.csv", float_format="%.6f")
    print(TEXT["tables"][lang].format(out=arguments.out))


if __name__ == "__main__":
    main()
