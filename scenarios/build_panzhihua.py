"""Write the tables of the study `panzhihua`: illustrative local enterprises and the blocks of the national market.

Run ``python scenarios/build_panzhihua.py`` from the top of a checkout. The package does not import this file. Same
input, same bytes. The numbers are in `build_panzhihua_data.py`; measures and coverage are kept by hand.
"""

from __future__ import annotations

import csv
from pathlib import Path

import build_panzhihua_data as data

STUDY = Path(__file__).parent / "panzhihua"
BASE_YEAR, PRICE_YEAR = 2024, 2025
ILLUSTRATIVE = "study-assumption"
DISCOUNT_RATE = 0.08

Row = dict[str, object]
Tables = dict[str, list[Row]]
TABLE_COLUMNS = {
    "enterprises": "enterprise,name_zh,name_en,sector,ecosystem,chain,place,kind,entities,discount_rate,trade_exposure",
    "facilities": "facility,enterprise,process,product,output_unit,benchmark_class,cooling,load_factor,heat_ratio,"
    "special_case",
    "activity": "facility,year,stream,method,factor,quantity,unit,net_calorific_value,carbon_content,oxidation,"
    "control_so2,control_nox,control_pm",
    "finances": "enterprise,year,revenue,value_added,ebit,capex_budget,jobs,product_price,tax,money_unit,price_year",
}
UNIT_OF_GAS = ("natural_gas", "bf_gas", "bof_gas", "coke_oven_gas")
METHOD_UNIT = {"electricity_purchased": "MWh", "heat_purchased": "GJ", "heat_supplied": "GJ"}
# Measured values of coal in generating units (GJ/t, tC/TJ): the default values of the steel guideline, table A.1.
MEASURED_COAL = {"bituminous": (23.736, 26.18), "coal_gangue": (8.374, 25.41), "other_washed_coal": (12.545, 25.41)}


def main() -> None:
    """Write the four tables; measures and coverage are kept by hand."""
    tables: Tables = {name: [] for name in TABLE_COLUMNS}
    for line in data.ENTERPRISES.strip().splitlines():
        add_enterprise(tables, line.split("|"))
    add_power_blocks(tables)
    for sector in data.INTENSITY_BINS:
        add_intensity_blocks(tables, sector)
    for sector in data.REPORTING:
        add_reporting_blocks(tables, sector)
    for name, columns in TABLE_COLUMNS.items():
        header = [*columns.split(","), "basis", "source", "note"]
        with (STUDY / "tables" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, header, lineterminator="\n", restval="")
            writer.writeheader()
            writer.writerows(tables[name])


def add_enterprise(tables: Tables, fields: list[str]) -> None:
    """Rows of one local enterprise: itself, its facilities with their streams, its accounts."""
    key, zh, en, recipe, size, place, chain, price, value_added, ebit, jobs, trade = fields
    amount = float(size)
    if recipe.startswith("steel:"):
        sector, unit = "steel", "t"
        add_steel_works(tables, key, recipe, amount)
    else:
        head, streams = data.RECIPES[recipe]
        sector, process, product, unit, unit_class, cooling, load, heat = head.split("|")
        add(
            tables,
            "facilities",
            facility=f"{key}_1",
            enterprise=key,
            process=process,
            product=product,
            output_unit=unit,
            benchmark_class=unit_class,
            cooling=cooling,
            load_factor=load,
            heat_ratio=heat,
        )
        add_streams(tables, key, f"{key}_1", process, streams, amount)
        add_output(tables, f"{key}_1", "output", amount, unit)
    add(
        tables,
        "enterprises",
        enterprise=key,
        name_zh=zh,
        name_en=en,
        sector=sector,
        ecosystem=data.CHAINS[chain],
        chain=chain,
        place=place,
        kind="enterprise",
        entities=1,
        discount_rate=DISCOUNT_RATE,
        trade_exposure=trade,
    )
    add_finances(tables, key, amount * float(price), (float(value_added), float(ebit)), float(jobs), price)


def add_steel_works(tables: Tables, key: str, recipe: str, hot_metal: float) -> None:
    """Facilities of an integrated works; ``recipe`` gives coke made and electricity bought per tonne of hot metal."""
    coke, grid = (float(part) for part in recipe.split(":")[1:])
    made = {
        "coal": coke * 1.40,
        "oven": coke * 0.0175,
        "coke": coke,
        "cog": coke * 0.040,
        "tar": coke * 0.035,
        "benzene": coke * 0.010,
        "grid": grid,
        "spare": coke * (0.040 - 0.0175) - 0.0010,
    }
    for process, streams in data.STEEL_HOT_METAL.items():
        product = {
            "ironmaking": "hot metal",
            "steelmaking": "crude steel",
            "sintering": "sinter",
            "coking": "coke",
            "pelletising": "pellets",
            "power_unit": "electricity",
        }.get(process, "rolled steel")
        unit = "MWh" if process == "power_unit" else "t"
        add(
            tables,
            "facilities",
            facility=f"{key}_{process}",
            enterprise=key,
            process=process,
            product=product,
            output_unit=unit,
        )
        add_streams(
            tables,
            key,
            f"{key}_{process}",
            process,
            streams.format(**{k: round(v, 6) for k, v in made.items()}),
            hot_metal,
        )
    add_output(tables, f"{key}_ironmaking", "key_output", hot_metal, "t")
    add_output(tables, f"{key}_sintering", "output", hot_metal * 1.30, "t")
    add_output(tables, f"{key}_steelmaking", "output", hot_metal * 1.02, "t")


def add_streams(tables: Tables, key: str, facility: str, process: str, streams: str, size: float) -> None:
    """Activity rows of a recipe: ``stream method factor amount-per-unit``, separated by semicolons."""
    for stream in streams.split(";"):
        name, method, factor, amount = stream.split()
        factor = factor.strip("-")
        scale = data.EFFICIENCY.get(key, 1.0) if method == "combustion" else 1.0
        unit = METHOD_UNIT.get(method, "1e4_Nm3" if factor in UNIT_OF_GAS else "t")
        measured = MEASURED_COAL.get(factor, ("", "")) if process == "power_unit" else ("", "")
        add(
            tables,
            "activity",
            facility=facility,
            year=BASE_YEAR,
            stream=name,
            method=method,
            factor=factor,
            quantity=number(float(amount) * size * scale),
            unit=unit,
            net_calorific_value=measured[0],
            carbon_content=measured[1],
        )


def add_output(tables: Tables, facility: str, method: str, amount: float, unit: str) -> None:
    """The activity row of a facility's product."""
    add(
        tables,
        "activity",
        facility=facility,
        year=BASE_YEAR,
        stream=method,
        method=method,
        quantity=number(amount),
        unit=unit,
    )


def add_finances(
    tables: Tables, key: str, revenue: float, margins: tuple[float, float], jobs: float, price: object
) -> None:
    """Accounts of the base year; investment is taken as 6 % and tax as 4 % of revenue."""
    add(
        tables,
        "finances",
        enterprise=key,
        year=BASE_YEAR,
        revenue=number(revenue),
        value_added=number(revenue * margins[0]),
        ebit=number(revenue * margins[1]),
        capex_budget=number(revenue * 0.06),
        jobs=number(jobs),
        product_price=price,
        tax=number(revenue * 0.04),
        money_unit="CNY",
        price_year=PRICE_YEAR,
    )


def add_power_blocks(tables: Tables) -> None:
    """Power blocks by class and bin; gross generation follows from the bin's position under the benchmarks of 2024."""
    covered, local = data.LOCAL_COVERED["power"]
    total, entities = data.NATIONAL["power"] - covered, data.ENTITIES["power"] - local
    shares = [
        share * bin_share
        for share, _, _ in data.POWER_CLASSES.values()
        for bin_share, _, _, _ in data.POWER_BINS.values()
    ]
    counts, row = split_whole(entities, shares), 0
    for unit_class, (class_share, heat_per_tonne, class_position) in data.POWER_CLASSES.items():
        for label, (bin_share, coal, gas, load) in data.POWER_BINS.items():
            position = class_position * (gas if unit_class == "IV" else coal)
            emissions = total * class_share * bin_share
            heat = emissions * heat_per_tonne
            for_power = emissions * position - heat * data.POWER_HEAT_BENCHMARK[unit_class]
            key = f"national_power_{unit_class.lower()}_{label}"
            add_block(
                tables,
                key,
                "power",
                f"{unit_class}类机组，{data.BIN_ZH[label]}",
                f"class {unit_class}, {label}",
                counts[row],
                emissions,
                ("power_unit", "electricity", "MWh"),
                benchmark_class=unit_class,
                load_factor=load,
                heat_ratio=0.1 if heat_per_tonne < 1 else 0.4,
            )
            add_output(tables, f"{key}_1", "output", for_power / data.POWER_BENCHMARK[unit_class], "MWh")
            add(
                tables,
                "activity",
                facility=f"{key}_1",
                year=BASE_YEAR,
                stream="heat_out",
                method="heat_supplied",
                quantity=number(heat),
                unit="GJ",
            )
            row += 1


def add_intensity_blocks(tables: Tables, sector: str) -> None:
    """Blocks of steel, cement and aluminium by emission intensity."""
    intensity, key_share, key_output, bins = data.INTENSITY_BINS[sector]
    covered, local = data.LOCAL_COVERED[sector]
    counts = split_whole(data.ENTITIES[sector] - local, [share for share, _ in bins])
    facility = {
        "steel": ("steelworks", "crude steel", "t"),
        "cement": ("clinker_line", "clinker", "t"),
        "aluminium": ("potline", "primary aluminium", "t"),
    }[sector]
    for place, (share, ratio) in enumerate(bins):
        emissions = (data.NATIONAL[sector] - covered) * share
        output = emissions / (intensity * ratio)
        key = f"national_{sector}_{place + 1}"
        add_block(
            tables, key, sector, f"强度档{place + 1}", f"intensity bin {place + 1}", counts[place], emissions, facility
        )
        add_output(tables, f"{key}_1", "output", output, "t")
        if sector == "steel":
            add(
                tables,
                "activity",
                facility=f"{key}_1",
                year=BASE_YEAR,
                stream="key",
                method="reported_key",
                quantity=number(emissions * key_share),
                unit="tCO2e",
            )
            add_output(tables, f"{key}_1", "key_output", output * key_output, "t")


def add_reporting_blocks(tables: Tables, sector: str) -> None:
    """Blocks of the sectors that enter later."""
    total, entities, intensity, process, product, shares = data.REPORTING[sector]
    counts = split_whole(entities, list(shares))
    for place, share in enumerate(shares):
        key = f"national_{sector}_{place + 1}"
        ratio = 1.0 if len(shares) == 1 else (0.95, 1.08)[place]
        add_block(
            tables,
            key,
            sector,
            f"第{place + 1}组",
            f"group {place + 1}",
            counts[place],
            total * share,
            (process, product, "t"),
        )
        add_output(tables, f"{key}_1", "output", total * share / (intensity * ratio), "t")


def add_block(
    tables: Tables,
    key: str,
    sector: str,
    zh: str,
    en: str,
    entities: int,
    emissions: float,
    made: tuple[str, str, str],
    **unit: object,
) -> None:
    """Rows of one block: the rest of the country in a sector and bin, with its emissions as a reported total."""
    revenue, value_added, ebit, jobs = data.BLOCK_FINANCES[sector]
    add(
        tables,
        "enterprises",
        enterprise=key,
        name_zh=f"全国{data.SECTOR_ZH[sector]}（{zh}）",
        name_en=f"National {sector}, {en}",
        sector=sector,
        place="全国其他地区",
        kind="block",
        entities=entities,
        discount_rate=DISCOUNT_RATE,
        trade_exposure=0.1,
    )
    add(
        tables,
        "facilities",
        facility=f"{key}_1",
        enterprise=key,
        process=made[0],
        product=made[1],
        output_unit=made[2],
        **unit,
    )
    basis = {"basis": "calibrated", "source": "mee-operation-2025"} if sector in data.COVERED_2024 else {}
    add(
        tables,
        "activity",
        facility=f"{key}_1",
        year=BASE_YEAR,
        stream="national_total",
        method="reported",
        quantity=number(emissions, 6),
        unit="tCO2e",
        **basis,
    )
    add_finances(tables, key, emissions * revenue, (value_added, ebit), emissions * jobs / 1e6, "")


def split_whole(total: int, shares: list[float]) -> list[int]:
    """Whole numbers in proportion to the shares that sum to the total (largest remainders get the rest)."""
    exact = [total * share / sum(shares) for share in shares]
    counts = [int(value) for value in exact]
    order = sorted(range(len(exact)), key=lambda place: counts[place] - exact[place])
    for place in order[: total - sum(counts)]:
        counts[place] += 1
    return counts


def number(value: float, digits: int = 3) -> str:
    """Plain digits without trailing zeros."""
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def add(tables: Tables, table: str, **cells: object) -> None:
    """Append a row; it is an assumption of the study unless the cells say otherwise."""
    tables[table].append({"basis": "assumption", "source": ILLUSTRATIVE, **cells})


if __name__ == "__main__":
    main()
