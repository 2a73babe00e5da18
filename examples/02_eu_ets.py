"""EU ETS 2013-2020: free allocation against verified emissions, potential trade, and a market over all installations.

The first part reads the public record as it is. The second part is a thought experiment: the record has no abatement
cost and no cap, so both are assumptions, all of them at the top of this file and printed.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import carbonsim as cs
from carbonsim.inputs.readers import read_eu_ets
from carbonsim.market import Market, MarketProblem, Options, clear
from carbonsim.market.instruments.banking import Banking

# Size categories of installations: Regulation (EU) 601/2012, article 19(2), by yearly emissions.
CATEGORY_B_FROM_T = 50_000.0
CATEGORY_C_FROM_T = 500_000.0
# Marginal cost of the last tonne if everything were cut [EUR/tCO2e]; it rises in a straight line from 0.
FULL_CUT_COST = {"A": 1000.0, "B": 750.0, "C": 500.0, "aircraft": 2000.0}
LARGEST_CUT = 0.30  # share of verified emissions that can be cut in a year
FIRST_CUT, CUT_STEP = 0.02, 0.01  # the cap asks for this share in the first year, and one point more each year
INTEREST = 0.03
MEGATONNE = 1e6
SHOWN = 12

TEXT = {
    "made_up": {
        "en": "Made-up rows, not the EU record: no --data was given, so this runs on {count} invented operators.",
        "zh": "以下为虚构数据，并非欧盟实际记录：未给出 --data，程序使用 {count} 个虚构的经营者。",
    },
    "scope": {
        "en": """{operators:,} operators, {rows:,} rows, {first}-{last}; tables in Mt.
Aircraft operators: id number from 200000 on and no name, {aircraft:,} of them (the reader's guess).
A verified zero is none or not reported: counted apart, in neither shortage nor surplus. Potential trade = the smaller
of the year's sum of shortages and sum of surpluses (free trade inside the system, no bank, no auction).
""",
        "zh": """共 {operators:,} 个经营者，{rows:,} 行，{first}—{last} 年；表中单位为百万吨。
航空器经营者：编号200000及以上且无名称，共 {aircraft:,} 个（读取时的判断，表中无此字段）。
核查排放为0可能是无排放，也可能是未报：单列，不计入缺口和盈余。
潜在交易量 = 当年缺口合计与盈余合计中较小者（体系内自由交易，无结转、无拍卖）。
""",
    },
    "market": {
        "en": """== A market cleared over all of them (basis: assumption; not history)
Abatement: each operator's marginal cost rises in a straight line from 0; a full cut would cost {costs} EUR/t
at the margin; at most {largest:.0%} a year. A/B/C: below 50 kt, to 500 kt, above (Regulation 601/2012).
The price is proportional to these costs. Verified emissions are taken as emissions before abatement.
Cap: verified emissions less {first:.0%} in {start}, one point more each year, {last:.0%} in {end}; auctioned = cap
- free. Banking, no borrowing, interest {interest:.0%}. Aircraft operators trade with the rest in both directions (the
rules to 2020 let them buy, not sell).
""",
        "zh": """== 全体经营者出清一个市场（依据：假设，并非历史）
减排：各经营者边际成本由0线性上升，全部减排时边际成本为 {costs} EUR/t，每年最多减 {largest:.0%}。
A/B/C 以年排放5万吨、50万吨分界（法规601/2012）。价格与这些成本成正比。核查排放视为减排前排放。
总量：{start} 年为核查排放减 {first:.0%}，此后每年多减一个百分点，{end} 年减 {last:.0%}；拍卖量 = 总量 - 免费配额。
可结转，不可预借，利率 {interest:.0%}。航空与其他经营者双向交易（2020年前规则只许其买入，不许卖出）。
""",
    },
    "none": {"en": "none", "zh": "无"},
    "tables": {"en": "Tables: {out}", "zh": "表格: {out}"},
}


def read_rows(folder: Path | None, lang: str) -> pd.DataFrame:
    """One row an operator and year: operator, country, kind, year, free, verified; says first if they are made up.

    The reader marks by the number in the id alone. Operators with a name among them are plants (they file no
    flights), and without them the yearly totals are those of stationary installations and of aviation.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            made_up_tables(Path(temporary))
            record = read_eu_ets(temporary)
        print(TEXT["made_up"][lang].format(count=record["installation"].nunique()))
    else:
        record = read_eu_ets(folder)
    aircraft = record["is_likely_aircraft"]
    rows = pd.DataFrame(
        {
            "operator": record["installation"],
            "country": record["country"],
            "kind": np.where(aircraft, "aircraft", "stationary"),
            "year": record["year"],
            "free": record["free_allocation"],
            "verified": record["verified_emissions"],
        }
    )
    count = rows["operator"].nunique()
    print(
        TEXT["scope"][lang].format(
            operators=count,
            rows=len(rows),
            first=rows["year"].min(),
            last=rows["year"].max(),
            aircraft=rows.loc[aircraft, "operator"].nunique(),
        )
    )
    return rows


def positions(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Allocation, emissions and positions of the rows by ``keys``, in tonnes.

    A verified zero can mean none or not reported. Such a row has no known position: it is counted, its allocation is
    shown apart, and it is in neither ``shortage`` nor ``surplus``. Potential trade is the smaller of the two sums:
    what could change hands within the group in that year if every surplus met a shortage, with no bank and no auction.
    """
    reported = rows["verified"].gt(0)
    gap = (rows["verified"] - rows["free"]).where(reported, 0.0)
    parts = rows[keys].assign(
        operators=1,
        zero_verified=(~reported).astype(int),
        zero_free=rows["free"].eq(0).astype(int),
        free=rows["free"],
        verified=rows["verified"],
        free_of_zero_verified=rows["free"].where(~reported, 0.0),
        shortage=gap.clip(lower=0.0),
        surplus=(-gap).clip(lower=0.0),
    )
    table = parts.groupby(keys, sort=True).sum()
    return table.assign(potential_trade=table[["shortage", "surplus"]].min(axis=1))


def summed_over_years(table: pd.DataFrame) -> pd.DataFrame:
    """Years added up by kind and country; counts then are operator-years."""
    return table.groupby(level=["kind", "country"]).sum().rename(columns={"operators": "operator_years"})


def trade_within_countries(rows: pd.DataFrame) -> pd.DataFrame:
    """By kind and year: potential trade inside countries, between them, and shortage that no surplus covers."""
    whole = positions(rows, ["kind", "year"])
    home = positions(rows, ["kind", "year", "country"])["potential_trade"].groupby(level=["kind", "year"]).sum()
    return pd.DataFrame(
        {
            "within_countries": home,
            "between_countries": whole["potential_trade"] - home,
            "from_auction_or_bank": whole["shortage"] - whole["potential_trade"],
        }
    )


@dataclass(frozen=True, slots=True)
class MarketData:
    """The record as arrays (operator, year), in tonnes, and who each operator is."""

    operator: pd.DataFrame
    years: tuple[int, ...]
    verified: np.ndarray
    free: np.ndarray

    @property
    def required_cut(self) -> np.ndarray:
        """Share of verified emissions that the assumed cap takes away, by year."""
        return FIRST_CUT + CUT_STEP * np.arange(len(self.years))

    @property
    def auctioned(self) -> np.ndarray:
        """Allowances auctioned so that free and auctioned together are the assumed cap, by year."""
        return (1.0 - self.required_cut) * self.verified.sum(axis=0) - self.free.sum(axis=0)


def market_data(rows: pd.DataFrame) -> MarketData:
    """Operators by years; a year without a row is a year outside the system, with neither emissions nor allocation."""
    wide = rows.set_index(["operator", "year"])[["verified", "free"]].unstack("year", fill_value=0.0)  # noqa: PD010
    verified, free = wide["verified"].to_numpy(dtype=float), wide["free"].to_numpy(dtype=float)
    operator = rows.drop_duplicates("operator").set_index("operator")[["country", "kind"]].loc[wide.index]
    active = np.maximum((verified > 0).sum(axis=1), 1)
    mean = verified.sum(axis=1) / active
    category = np.select([mean > CATEGORY_C_FROM_T, mean > CATEGORY_B_FROM_T], ["C", "B"], default="A")
    operator = operator.assign(category=np.where(operator["kind"].eq("aircraft"), "aircraft", category))
    return MarketData(operator, tuple(int(year) for year in wide["verified"].columns), verified, free)


def market_problem(data: MarketData) -> MarketProblem:
    """One market over all operators and years with a linear MAC each, free trade and banking."""
    if np.any(data.auctioned < 0):
        raise cs.InputError("the assumed cap is below free allocation in some year; lower the required cut.")
    emits = data.verified.sum(axis=1) > 0
    verified = data.verified[emits]
    cost = data.operator["category"].map(FULL_CUT_COST).to_numpy(dtype=float)[emits, None]
    slope = np.divide(cost, verified, out=np.zeros_like(verified), where=verified > 0)
    labels = tuple(data.operator.index[emits] + "/cut")
    options = Options(labels, np.flatnonzero(emits), LARGEST_CUT * verified, np.zeros_like(verified), slope)
    return MarketProblem(
        enterprise=tuple(data.operator.index),
        year=data.years,
        baseline=data.verified,
        share=np.ones_like(data.verified),
        fixed=data.free,
        per_emission=np.zeros_like(data.verified),
        options=options,
        supply=data.auctioned,
        interest=INTEREST,
        instruments=(Banking(),) if len(data.years) > 1 else (),
    )


def market_by_year(data: MarketData, market: Market) -> pd.DataFrame:
    """Cap, price and quantities by year."""
    found = market.dataset
    bought = found["net_purchase"].transpose("enterprise", "year").to_numpy()
    return pd.DataFrame(
        {
            "verified": data.verified.sum(axis=0),
            "cap": data.free.sum(axis=0) + data.auctioned,
            "free": data.free.sum(axis=0),
            "auctioned": data.auctioned,
            "price": found["allowance_price"].to_numpy(),
            "price_low": found["price_low"].to_numpy(),
            "price_high": found["price_high"].to_numpy(),
            "price_basis": found["price_basis"].to_numpy().astype(str),
            "abatement": found["abatement"].sum("enterprise").to_numpy(),
            "bank": found["bank"].to_numpy(),
            "bought": np.maximum(bought, 0.0).sum(axis=0),
            "sold": np.maximum(-bought, 0.0).sum(axis=0),
        },
        index=pd.Index(data.years, name="year"),
    )


def market_by_country(data: MarketData, market: Market) -> pd.DataFrame:
    """Emissions, abatement, purchases and their value at the year's price, by kind and country, summed over years."""
    found = market.dataset
    bought = found["net_purchase"].transpose("enterprise", "year").to_numpy()
    table = data.operator[["kind", "country"]].assign(
        verified=data.verified.sum(axis=1),
        free=data.free.sum(axis=1),
        abatement=found["abatement"].sum("year").to_numpy(),
        net_purchase=bought.sum(axis=1),
        value=(bought * found["allowance_price"].to_numpy()).sum(axis=1),
    )
    return table.groupby(["kind", "country"], sort=True).sum()


def made_up_tables(folder: Path) -> None:
    """Two tables of the same shape as the real ones, drawn with a fixed seed; every row is invented."""
    rng = np.random.default_rng(2013)
    years = range(2013, 2021)
    names, rows = [], []
    for country in ("QM", "QN", "QO"):  # codes that ISO 3166 leaves to users: no country has them
        for number in range(1, 41):
            label = f"{country}_{number if number < 40 else 210_000}"  # the last came late: a high number, a name
            names.append((label, f"Made-up works {number}", country))
            size = float(rng.choice([8e3, 6e4, 4e5, 2e6])) * rng.uniform(0.5, 1.5)
            given = rng.uniform(0.0, 1.4)
            rows += [
                (label, year, round(given * size), round(size * rng.uniform(0.8, 1.2) * (rng.random() > 0.04)))
                for year in years
            ]
        for number in range(200_001, 200_005):  # aircraft operators: a high number and no name
            label = f"{country}_{number}"
            names.append((label, "", country))
            rows += [(label, year, 30_000, round(rng.uniform(2e4, 2e5))) for year in years if rng.random() > 0.1]
    pd.DataFrame(names, columns=["installation_id", "name", "country_id"]).to_csv(
        folder / "installation.csv", index=False
    )
    columns = ["installation_id", "year", "free_allocation_t", "verified_emissions_tco2e"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "compliance.csv", index=False)


# Columns of the printed tables: English, Chinese, divisor.
COLUMNS = {
    "operators": ("operators", "经营者数", 1.0),
    "operator_years": ("operator-years", "经营者·年", 1.0),
    "zero_verified": ("verified 0 (none or not reported)", "核查排放为0（无或未报）", 1.0),
    "zero_free": ("free 0", "免费配额为0", 1.0),
    "free": ("free", "免费配额", MEGATONNE),
    "verified": ("verified", "核查排放", MEGATONNE),
    "free_of_zero_verified": ("free where verified 0", "其中核查为0者的免费配额", MEGATONNE),
    "shortage": ("shortage", "缺口", MEGATONNE),
    "surplus": ("surplus", "盈余", MEGATONNE),
    "potential_trade": ("potential trade", "潜在交易量", MEGATONNE),
    "within_countries": ("inside countries", "国内可成交", MEGATONNE),
    "between_countries": ("between countries", "跨国可成交", MEGATONNE),
    "from_auction_or_bank": ("from auction or bank", "须来自拍卖或结转", MEGATONNE),
    "cap": ("cap", "总量", MEGATONNE),
    "auctioned": ("auctioned", "拍卖量", MEGATONNE),
    "price": ("price EUR/t", "价格 EUR/t", 1.0),
    "price_low": ("low", "下限", 1.0),
    "price_high": ("high", "上限", 1.0),
    "price_basis": ("basis", "定价依据", None),
    "abatement": ("abatement", "减排量", MEGATONNE),
    "bank": ("bank", "结转", MEGATONNE),
    "bought": ("bought", "买入", MEGATONNE),
    "sold": ("sold", "卖出", MEGATONNE),
    "net_purchase": ("net purchase", "净买入", MEGATONNE),
    "value": ("value MEUR", "金额 百万欧元", MEGATONNE),
    "year": ("year", "年份", None),
    "country": ("country", "国家", None),
    "kind": ("kind", "类别", None),
    "stationary": ("stationary", "固定设施", None),
    "aircraft": ("aircraft", "航空器经营者", None),
}


def show(table: pd.DataFrame, lang: str) -> None:
    """Print a table with headings in the language, tonnes as Mt."""
    column = 1 if lang == "zh" else 0
    shown = table.reset_index()
    for name in shown.columns:
        divisor = COLUMNS[name][2]
        if divisor is None:
            shown[name] = [COLUMNS[value][column] if value in COLUMNS else value for value in shown[name]]
        elif divisor > 1:
            shown[name] = (shown[name] / divisor).map("{:,.2f}".format)
        elif shown[name].dtype.kind == "f":
            shown[name] = shown[name].map("{:,.2f}".format)
    shown.columns = [COLUMNS[name][column] for name in shown.columns]
    with pd.option_context("display.unicode.east_asian_width", True, "display.width", 250):
        print(shown.to_string(index=False), end="\n\n")


def largest(table: pd.DataFrame, kind: str, column: str) -> pd.DataFrame:
    """The countries of one kind with the most of a column."""
    return table.xs(kind, level="kind").nlargest(SHOWN, column)


def print_record(rows: pd.DataFrame, lang: str, tables: dict[str, pd.DataFrame]) -> None:
    """The record by year and by country, stationary installations and aircraft operators apart."""
    for kind in ("stationary", "aircraft"):
        print(f"== {COLUMNS[kind][1 if lang == 'zh' else 0]}")
        if not rows["kind"].eq(kind).any():
            print(TEXT["none"][lang], end="\n\n")
            continue
        show(tables["by_year"].xs(kind, level="kind"), lang)
        show(tables["trade_by_year"].xs(kind, level="kind"), lang)
        show(largest(tables["by_country"], kind, "potential_trade"), lang)


def print_assumptions(data: MarketData, lang: str) -> None:
    """What the market rests on beyond the record."""
    print(
        TEXT["market"][lang].format(
            costs=", ".join(f"{name} {cost:,.0f}" for name, cost in FULL_CUT_COST.items()),
            largest=LARGEST_CUT,
            first=data.required_cut[0],
            last=data.required_cut[-1],
            start=data.years[0],
            end=data.years[-1],
            interest=INTEREST,
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with the two tables; made-up rows without it")
    parser.add_argument("--out", type=Path, default=Path("out/02_eu_ets"), help="folder for the CSV tables")
    parser.add_argument("--lang", choices=("zh", "en"), default="en", help="language of what is printed")
    arguments = parser.parse_args()
    lang = arguments.lang
    try:
        rows = read_rows(arguments.data, lang)
        tables = {
            "by_year": positions(rows, ["kind", "year"]),
            "trade_by_year": trade_within_countries(rows),
            "by_country": summed_over_years(positions(rows, ["kind", "country", "year"])),
            "by_country_year": positions(rows, ["kind", "country", "year"]),
        }
        print_record(rows, lang, tables)
        data = market_data(rows)
        print_assumptions(data, lang)
        market = clear(market_problem(data))
    except cs.CarbonsimError as error:
        raise SystemExit(error.text(lang) if isinstance(error, cs.InputError) else str(error)) from error
    tables["market_by_year"] = market_by_year(data, market)
    tables["market_by_country"] = market_by_country(data, market)
    show(tables["market_by_year"], lang)
    show(largest(tables["market_by_country"], "stationary", "verified"), lang)
    print(f"{market.engine}: {market.engine_reason}")
    print(market.certificate)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(arguments.out / f"{name}.csv", float_format="%.6f")
    print(TEXT["tables"][lang].format(out=arguments.out))


if __name__ == "__main__":
    main()
