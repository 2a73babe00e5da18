# ruff: noqa: E501  (one example row a line)
"""Example rows of the workbook template: four made-up enterprises that together are a small valid study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SOURCE: Final = "example"
YEAR: Final = 2024
PRICE_YEAR: Final = 2025
_EVIDENCE: Final = {"basis": "assumption", "source": SOURCE}
_NOTE: Final = "示例行，请替换 / example row, replace it"

Row = Mapping[str, str | float]


def example_rows() -> dict[str, tuple[Row, ...]]:
    """Rows by sheet; every one is an assumption and says so."""
    return {
        "enterprises": _ENTERPRISES,
        "facilities": _FACILITIES,
        "activity": _ACTIVITY,
        "finances": _FINANCES,
        "measures": _MEASURES,
        "coverage": (),
        "sources": ({"source": SOURCE, "title": "Made-up example figures; they describe no enterprise / 虚构示例数据",
                     "confidence": "assumption", "note": _NOTE},),
    }  # fmt: skip


def _enterprise(code: str, zh: str, en: str, sector: str, ecosystem: str, chain: str, place: str) -> Row:
    return {"enterprise": code, "name_zh": zh, "name_en": en, "sector": sector, "ecosystem": ecosystem, "chain": chain,
            "place": place, "kind": "enterprise", "entities": 1, "discount_rate": 0.08, "trade_exposure": 0.1,
            **_EVIDENCE, "note": _NOTE}  # fmt: skip


def _facility(code: str, enterprise: str, process: str, product: str, unit: str, **more: str | float) -> Row:
    return {"facility": code, "enterprise": enterprise, "process": process, "product": product, "output_unit": unit,
            **more, **_EVIDENCE}  # fmt: skip


def _stream(facility: str, stream: str, method: str, factor: str, quantity: float, unit: str, **more: float) -> Row:
    return {"facility": facility, "year": YEAR, "stream": stream, "method": method, "factor": factor,
            "quantity": quantity, "unit": unit, **more, **_EVIDENCE}  # fmt: skip


def _finance(enterprise: str, revenue: float, value_added: float, ebit: float, jobs: float, price: float) -> Row:
    return {"enterprise": enterprise, "year": YEAR, "revenue": revenue, "value_added": value_added, "ebit": ebit,
            "capex_budget": round(revenue * 0.04), "jobs": jobs, "product_price": price, "tax": round(revenue * 0.03),
            "money_unit": "万元", "price_year": PRICE_YEAR, **_EVIDENCE}  # fmt: skip


def _measure(code: str, zh: str, en: str, sector: str, process: str, stage: str, acts_on: str, reduction: float,
             most: float, unit_cost: float, slope: float, moves: str, from_year: int, electricity: float = 0) -> Row:  # fmt: skip
    return {"measure": code, "name_zh": zh, "name_en": en, "sector": sector, "process": process, "stage": stage,
            "acts_on": acts_on, "reduction": reduction, "max_penetration": most, "unit_cost": unit_cost,
            "slope": slope, "moves": moves, "available_from": from_year, "electricity_change": electricity,
            "price_year": PRICE_YEAR, **_EVIDENCE, "note": _NOTE}  # fmt: skip


_ENTERPRISES: Final = (
    _enterprise("示例企业甲", "示例企业甲（钢铁）", "Example enterprise A (steel)", "steel", "钒钛钢铁新材料", "钢铁", "东区"),
    _enterprise("示例企业乙", "示例企业乙（发电）", "Example enterprise B (power)", "power", "清洁能源", "综合能源", "西区"),
    _enterprise("示例企业丙", "示例企业丙（水泥）", "Example enterprise C (cement)", "cement", "钒钛钢铁新材料", "建材", "仁和区"),
    _enterprise("示例企业丁", "示例企业丁（化工）", "Example enterprise D (chemicals)", "chemicals", "绿色化工", "氯碱化工", "盐边县"),
)  # fmt: skip
_FACILITIES: Final = (
    _facility("甲-烧结", "示例企业甲", "sintering", "sinter", "t"),
    _facility("甲-炼铁", "示例企业甲", "ironmaking", "hot metal", "t"),
    _facility("甲-炼钢", "示例企业甲", "steelmaking", "crude steel", "t"),
    _facility("乙-1号机组", "示例企业乙", "power_unit", "electricity", "MWh", benchmark_class="III", cooling="air",
              load_factor=0.7, heat_ratio=0),
    _facility("丙-1号窑", "示例企业丙", "clinker_line", "clinker", "t"),
    _facility("丁-烧碱", "示例企业丁", "chlor_alkali", "caustic soda", "t"),
)  # fmt: skip
_ACTIVITY: Final = (
    _stream("甲-烧结", "breeze", "combustion", "coke", 5, "万吨"),
    _stream("甲-烧结", "limestone", "carbonate", "cets2024_limestone", 10, "万吨"),
    _stream("甲-烧结", "output", "output", "", 110, "万吨"),
    _stream("甲-炼铁", "coke", "combustion", "coke", 36, "万吨"),
    _stream("甲-炼铁", "injected_coal", "combustion", "anthracite", 13, "万吨"),
    _stream("甲-炼铁", "hot_metal_out", "product_output", "cets2024_pig_iron_sold", 90, "万吨"),
    _stream("甲-炼铁", "key_output", "key_output", "", 90, "万吨"),
    _stream("甲-炼钢", "hot_metal", "material_input", "cets2024_pig_iron", 90, "万吨"),
    _stream("甲-炼钢", "natural_gas", "combustion", "natural_gas", 800, "万Nm3"),
    _stream("甲-炼钢", "steel_out", "product_output", "cets2024_crude_steel_out", 92, "万吨"),
    _stream("甲-炼钢", "electricity", "electricity_purchased", "", 30000, "万kWh"),
    _stream("甲-炼钢", "output", "output", "", 92, "万吨"),
    _stream("乙-1号机组", "gangue", "combustion", "coal_gangue", 62, "万吨", net_calorific_value=8.4, carbon_content=25.41),
    _stream("乙-1号机组", "coal", "combustion", "bituminous", 40, "万吨", net_calorific_value=21, carbon_content=26.18),
    _stream("乙-1号机组", "output", "output", "", 150000, "万kWh"),
    _stream("丙-1号窑", "clinker", "clinker", "cets2024_clinker_portland", 140, "万吨"),
    _stream("丙-1号窑", "titanium_slag", "deduction", "cets2024_deduct_vanadium_titanium_slag", 4, "万吨"),
    _stream("丙-1号窑", "coal", "combustion", "bituminous", 18, "万吨"),
    _stream("丙-1号窑", "electricity", "electricity_purchased", "", 8000, "万kWh"),
    _stream("丙-1号窑", "output", "output", "", 140, "万吨"),
    _stream("丁-烧碱", "boiler_coal", "combustion", "bituminous", 3, "万吨"),
    _stream("丁-烧碱", "electricity", "electricity_purchased", "", 44000, "万kWh"),
    _stream("丁-烧碱", "output", "output", "", 19, "万吨"),
)  # fmt: skip
_FINANCES: Final = (
    _finance("示例企业甲", 330000, 50000, 7000, 3200, 3600),
    _finance("示例企业乙", 60000, 18000, 3000, 450, 400),
    _finance("示例企业丙", 42000, 12000, 2500, 400, 300),
    _finance("示例企业丁", 60000, 15000, 4000, 700, 3100),
)
_MEASURES: Final = (
    _measure("示例-高炉富氢", "高炉富氢（示例）", "Hydrogen-rich blast furnace (example)", "steel", "ironmaking", "fuel",
             "combustion", 0.05, 0.8, 80, 200, "both", 2026),
    _measure("示例-烧结余热", "烧结余热利用（示例）", "Sinter waste heat (example)", "steel", "sintering", "energy",
             "combustion", 0.05, 1, -30, 60, "both", 2024),
    _measure("示例-机组改造", "机组节能改造（示例）", "Unit retrofit (example)", "power", "power_unit", "process",
             "direct", 0.03, 0.8, 20, 80, "both", 2025),
    _measure("示例-替代原料", "钒钛渣替代原料（示例）", "Slag as raw material (example)", "cement", "clinker_line",
             "raw_material", "process", 0.03, 0.9, 10, 40, "both", 2024),
    _measure("示例-锅炉电气化", "锅炉电气化（示例）", "Electric boiler (example)", "chemicals", "chlor_alkali", "fuel",
             "combustion", 0.8, 0.9, 150, 150, "both", 2026, 2.2),
)  # fmt: skip
