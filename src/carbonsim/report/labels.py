"""Chinese and English labels of everything a reader sees: columns, sectors, places, price bases, bases."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from carbonsim.errors import InputError
from carbonsim.forcing import INDICATORS
from carbonsim.report.account_labels import ACCOUNT_COLUMNS, ACCOUNT_PHRASES, ACCOUNT_VALUES
from carbonsim.report.label import Form as Form
from carbonsim.report.label import Label as Label
from carbonsim.report.label import Lang as Lang
from carbonsim.report.market_labels import EQUILIBRIA, PROBLEM_COLUMNS, PROBLEM_PHRASES
from carbonsim.report.picture_labels import PICTURE_PHRASES

SECTORS: Mapping[str, Label] = {
    "power": Label("电力", "Power"),
    "steel": Label("钢铁", "Steel"),
    "cement": Label("水泥", "Cement"),
    "aluminium": Label("电解铝", "Aluminium"),
    "petrochemicals": Label("石化", "Petrochemicals", short_en="Petrochem."),
    "chemicals": Label("化工", "Chemicals"),
    "flat_glass": Label("平板玻璃", "Flat glass"),
    "copper": Label("铜冶炼", "Copper smelting", short_en="Copper"),
    "paper": Label("造纸", "Paper"),
    "aviation": Label("民航", "Aviation"),
    "ferroalloy": Label("铁合金", "Ferroalloy"),
    "vanadium_titanium": Label("钒钛", "Vanadium and titanium", short_en="V and Ti"),
    "mining": Label("采选", "Mining and beneficiation", short_en="Mining"),
    "coking": Label("焦化", "Coking"),
    "other_industry": Label("其他工业", "Other industry", short_en="Other ind."),
}

PLACES: Mapping[str, Label] = {
    "东区": Label("东区", "East District"),
    "西区": Label("西区", "West District"),
    "仁和区": Label("仁和区", "Renhe District"),
    "米易县": Label("米易县", "Miyi County"),
    "盐边县": Label("盐边县", "Yanbian County"),
    "钒钛高新区": Label("钒钛高新区", "V-Ti High-tech Zone"),
}

CHAINS: Mapping[str, Label] = {
    "钒钛钢铁新材料": Label("钒钛钢铁新材料", "V-Ti steel and new materials"),
    "清洁能源": Label("清洁能源", "Clean energy"),
    "绿色化工": Label("绿色化工", "Green chemicals"),
    "光电信息": Label("光电信息", "Optoelectronics and information"),
    "低空经济": Label("低空经济", "Low-altitude economy"),
    "钢铁": Label("钢铁", "Steel"),
    "钒": Label("钒", "Vanadium"),
    "钛材料": Label("钛材料", "Titanium materials"),
    "矿山采选": Label("矿山采选", "Mining and beneficiation"),
    "铁合金与装备制造": Label("铁合金与装备制造", "Ferroalloy and equipment"),
    "固废建材": Label("固废建材", "Building materials from waste"),
    "钛白化工": Label("钛白化工", "Titanium dioxide"),
    "氯碱电石化工": Label("氯碱电石化工", "Chlor-alkali and carbide"),
    "煤焦化工": Label("煤焦化工", "Coal and coking chemicals"),
    "综合能源": Label("综合能源", "Integrated energy"),
    "水风光氢储": Label("水风光氢储", "Hydro, wind, solar, hydrogen, storage"),
    "电力": Label("电力", "Power"),
    "建材": Label("建材", "Building materials"),
}

PRICE_BASES: Mapping[str, Label] = {
    "lp_dual": Label("边际减排成本", "marginal cost"),
    "fixed_integer_dual": Label("固定整数后的边际成本", "marginal cost with integers fixed"),
    "hull": Label("凸包价格", "convex-hull price"),
    "dominant": Label("主导企业选定的价格", "brought about by the dominant enterprise"),
    "best_response": Label("各企业最优响应出清", "clears best responses"),
    "price_search": Label("逐段搜索的出清价格", "exact price search"),
    "floor": Label("拍卖底价", "auction floor"),
    "ceiling": Label("价格上限", "price ceiling"),
    "reserve_tier": Label("储备投放价", "reserve release"),
    "penalty": Label("罚则价格", "penalty"),
    "given": Label("给定价格", "given price"),
    "indeterminate": Label("规则未决定价格", "left undetermined by the rules"),
    "market": Label("供需出清", "supply meets demand"),
    "ample": Label("供给充裕", "supply is ample"),
    "interval": Label("多个价格均可出清，取最低", "several prices clear, the lowest shown"),
    "none": Label("无政策", "no policy"),
}

BASES: Mapping[str, Label] = {
    "law": Label("法规", "law"),
    "draft": Label("征求意见稿", "draft"),
    "statistic": Label("统计", "statistic"),
    "literature": Label("文献", "literature"),
    "calibrated": Label("校准", "calibrated"),
    "assumption": Label("假设", "assumption"),
}

SUPPLIES: Mapping[str, Label] = {
    "supply_free": Label("免费分配", "Free allocation", "tonnes"),
    "supply_auction": Label("拍卖", "Auctioned", "tonnes"),
    "supply_reserve": Label("储备投放", "Reserve release", "tonnes"),
    "supply_offset": Label("自愿减排量抵销", "Offsets", "tonnes"),
    "supply_penalty": Label("未清缴（罚款）", "Not surrendered (penalty)", "tonnes"),
}

_OWN_COLUMNS: Mapping[str, Label] = {
    "scenario": Label("情景", "Scenario"),
    "year": Label("年份", "Year", "year"),
    "enterprise": Label("企业", "Enterprise"),
    "name_zh": Label("中文名称", "Chinese name"),
    "name_en": Label("英文名称", "English name"),
    "sector": Label("行业", "Sector"),
    "place": Label("区域", "Place"),
    "chain": Label("产业链", "Industry chain"),
    "ecosystem": Label("产业生态圈", "Industrial ecosystem"),
    "kind": Label("类型", "Kind"),
    "entities": Label("企业数", "Entities", "count"),
    "covered_entities": Label("纳入企业数", "Covered entities", "count"),
    "allowance_price": Label("碳价", "Allowance price", "price"),
    "price_low": Label("碳价区间下端", "Price interval, low end", "price"),
    "price_high": Label("碳价区间上端", "Price interval, high end", "price"),
    "price_basis": Label("碳价依据", "Basis of the price"),
    "price_range": Label("区间", "Interval"),
    "price_without_widening": Label("不扩围时碳价", "Price without widening", "price"),
    "price_bank_low": Label("期初结余取低值时碳价", "Price with the opening bank at its low end", "price"),
    "price_bank_high": Label("期初结余取高值时碳价", "Price with the opening bank at its high end", "price"),
    "price_floor": Label("拍卖底价", "Auction floor", "price"),
    "price_ceiling": Label("价格上限", "Price ceiling", "price"),
    "surrender": Label("应清缴量", "Surrender obligation", "tonnes"),
    "bank": Label("年末结余配额", "Allowances banked at year end", "tonnes"),
    "covered_emissions": Label("纳入排放（减排后）", "Covered emissions after abatement", "tonnes"),
    "inventory_emissions": Label("排放清单（减排后）", "Inventory after abatement", "tonnes"),
    "baseline_inventory_emissions": Label("排放清单（无减排）", "Inventory without abatement", "tonnes"),
    "obligation": Label("清缴义务", "Obligation", "tonnes"),
    "obligation_share": Label("义务比例", "Share of the obligation", "share"),
    "free_allocation": Label("免费配额", "Free allocation", "tonnes"),
    "shortfall": Label("配额缺口（正为短缺）", "Shortfall (short > 0)", "tonnes"),
    "shortfall_ratio": Label("缺口率", "Shortfall ratio", "share"),
    "net_purchase": Label("净购入（正为买入）", "Net purchase (buy > 0)", "tonnes"),
    "abatement": Label("减排量", "Abatement", "tonnes"),
    "abatement_cost": Label("减排成本", "Abatement cost", "money"),
    "allowance_cost": Label("配额净支出", "Net allowance cost", "money"),
    "no_regret_cost": Label("无悔措施净成本（不计入履约）", "No-regret measures (not compliance)", "money"),
    "penalty_cost": Label("罚款", "Penalties", "money"),
    "resource_cost": Label("资源成本", "Resource cost", "money"),
    "auction_revenue": Label("转移：拍卖收入", "Transfer: auction revenue", "money"),
    "transfers": Label("转移：配额净支出", "Transfer: net allowance cost", "money"),
    "penalties": Label("转移：罚款", "Transfer: penalties", "money"),
    "local_inventory_emissions": Label("本地排放清单", "Local inventory", "tonnes"),
    "local_covered_emissions": Label("本地市场边界内排放", "Local emissions in the market boundary", "tonnes"),
    "local_obligation": Label("本地清缴义务", "Local surrender obligation", "tonnes"),
    "local_abatement": Label("本地减排量", "Local abatement", "tonnes"),
    "local_abatement_cost": Label("本地减排成本", "Local abatement cost", "money"),
    "local_allowance_cost": Label("本地配额净支出", "Local net allowance cost", "money"),
    "local_no_regret_cost": Label(
        "本地无悔措施净成本（不计入履约）", "Local no-regret measures (not compliance)", "money"
    ),
    "local_penalty_cost": Label("本地罚款", "Local penalties", "money"),
    "local_net_compliance_cost": Label("本地净履约成本", "Local net compliance cost", "money"),
    "cost_to_value_added_p10": Label("成本占增加值：10分位", "Cost / value added, P10", "share"),
    "cost_to_value_added_p50": Label("成本占增加值：中位数", "Cost / value added, median", "share"),
    "cost_to_value_added_p90": Label("成本占增加值：90分位", "Cost / value added, P90", "share"),
    "with_widening": Label("扩围时碳价", "Price with widening", "price"),
    "without_widening": Label("不扩围时碳价", "Price without widening", "price"),
    "effect": Label("公告效应", "Announcement effect", "price"),
    "entering": Label("新纳入义务占比", "Share of obligations that entered", "share"),
    "option": Label("减排选项", "Option"),
    "option_measure": Label("减排措施", "Measure"),
    "option_facility": Label("设施", "Facility"),
    "option_enterprise": Label("企业", "Enterprise"),
    "option_basis": Label("数据依据", "Basis"),
    "option_abatement": Label("采用的减排量", "Abatement taken", "tonnes"),
    "option_potential": Label("减排潜力", "Potential", "tonnes"),
    "option_unit_cost": Label("起始单位成本", "Unit cost at zero use", "price"),
    "option_slope": Label("边际成本斜率", "Slope of the marginal cost", "residual"),
    "basis": Label("数据依据", "Basis"),
    "covered_tonnes": Label("占纳入排放", "Share of covered tonnes", "share"),
    "cost": Label("占成本", "Share of cost", "share"),
    "name": Label("检查项", "Check"),
    "residual": Label("残差", "Residual", "residual"),
    "tolerance": Label("容差", "Tolerance", "residual"),
    "passed": Label("结果", "Result", "flag"),
    "parameter": Label("参数", "Parameter"),
    "item": Label("内容", "Item"),
    "source": Label("来源", "Source"),
    "title": Label("来源名称", "Title of the source"),
    "where": Label("出处", "Where in the source"),
    "count": Label("取值个数", "Number of values", "count"),
    "value": Label("值", "Value"),
    "low": Label("低值", "Low"),
    "high": Label("高值", "High"),
    "announced": Label("公布日期", "Announced"),
    "note": Label("说明", "Note"),
    "reason": Label("原因", "Reason"),
    "indicator": Label("指标", "Indicator"),
    "method": Label("方法", "Method"),
    "path": Label("改动的内容", "What is changed"),
    "why": Label("理由", "Why"),
}

_FORM_OF_UNIT: Mapping[str, Form] = {"CNY": "money", "CNY/tCO2e": "price", "1": "share", "tCO2e": "tonnes"}

MARKET_WIDE: Mapping[str, Label] = {
    **{name: Label(label.zh, label.en, "tonnes") for name, label in SUPPLIES.items()},
    "supply_auction": Label("拍卖配额", "Allowances auctioned", "tonnes"),
    "surrender": Label("应清缴量", "Surrender obligation", "tonnes"),
    "bank": Label("年末结余配额", "Allowances banked at year end", "tonnes"),
    "auction_revenue": Label("拍卖收入（转移）", "Auction revenue (transfer)", "money"),
}
_MARKETS: Mapping[str, tuple[str, str]] = {"national": ("全国", "National"), "market": ("市场", "Market")}

COLUMNS: Mapping[str, Label] = {
    **ACCOUNT_COLUMNS,
    **PROBLEM_COLUMNS,
    **_OWN_COLUMNS,
    **SUPPLIES,
    **{
        indicator.name: Label(indicator.title_zh, indicator.title_en, _FORM_OF_UNIT.get(indicator.unit, "number"))
        for indicator in INDICATORS
    },
    **{
        f"{market}_{name}": Label(zh + label.zh, f"{en} {label.en[0].lower()}{label.en[1:]}", label.form)
        for market, (zh, en) in _MARKETS.items()
        for name, label in MARKET_WIDE.items()
    },
    "cost_to_value_added": Label("履约成本占增加值（纳入企业）", "Cost / value added (covered enterprises)", "share"),
    "cost_with_indirect_to_value_added": Label(
        "含间接用电成本占增加值（全部企业）", "Cost with electricity cost / value added (all enterprises)", "share"
    ),
}

PHRASES: Mapping[str, Label] = {
    **ACCOUNT_PHRASES,
    **PROBLEM_PHRASES,
    **PICTURE_PHRASES,
    "illustrative": Label("示意企业", "Illustrative enterprises"),
    "illustrative_note": Label(
        "企业、设施、财务与减排数据均为示意，不代表任何真实企业。",
        "Enterprises, facilities, finances and measures are illustrative and stand for no real firm.",
    ),
    "not_computed": Label("未计算", "not computed"),
    "unbounded": Label("无上限", "no upper bound"),
    "not_covered": Label("未纳入", "not covered"),
    "passed": Label("通过", "passed"),
    "failed": Label("未通过", "failed"),
    "rest": Label("其余{count}家", "{count} others"),
    "other_sectors": Label("其余行业", "Other sectors"),
    "bank_range": Label("期初结余假设范围", "Range for the opening bank"),
    "interval": Label("规则未定的区间", "Interval left by the rules"),
    "entering": Label("纳入\n行业", "Sectors\nentering"),
    "set_by": Label("由{what}决定", "Set by {what}"),
    "obligation_by_sector": Label("各行业配额清缴义务比例", "Share of emissions under obligation, by sector"),
    "local_covered": Label("纳入的本地排放占比", "Covered share of local emissions"),
    "heat_colours": Label("红色为负担，蓝色为收益", "red a burden, blue a gain"),
    "potential_local": Label("本地企业减排潜力", "Abatement potential of local enterprises"),
    "potential_market": Label("全市场减排潜力", "Abatement potential of the whole market"),
    "long_short": Label("← 盈余      短缺 →", "← surplus      shortage →"),
    "only_long": Label("← 盈余", "← surplus"),
    "only_short": Label("短缺 →", "shortage →"),
    "nothing": Label("无（取消）", "none (removed)"),
    "already": Label("已纳入", "already in"),
    "covered_of_all": Label(
        "；行名后为{year}年纳入企业数/企业总数", "; after each name: covered / all enterprises in {year}"
    ),
    "cut": Label("过高或过低的成本未显示", "costs far from the price not shown"),
    "without_abatement": Label("无减排", "Without abatement"),
}

_COLUMN_VALUES: Mapping[str, Mapping[str, Label]] = {
    **ACCOUNT_VALUES,
    "sector": SECTORS,
    "place": PLACES,
    "chain": CHAINS,
    "ecosystem": CHAINS,
    "price_basis": PRICE_BASES,
    "equilibrium": EQUILIBRIA,
    "basis": BASES,
    "option_basis": BASES,
    "indicator": COLUMNS,
}


def language(lang: str) -> Lang:
    """The language asked for, if it is one that has labels; InputError otherwise."""
    known: Mapping[str, Lang] = {"zh": "zh", "en": "en"}
    if lang not in known:
        raise InputError(f"language is '{lang}', expected zh or en.")
    return known[lang]


def column(key: str) -> Label:
    """Label of a column; one that has none is shown by its key, spelled out.

    >>> column("bank").zh
    '年末结余配额'
    >>> column("water_use").en
    'water use'
    """
    spelled = key.replace("_", " ")
    return COLUMNS.get(key, Label(spelled, spelled, "number"))


def market_key(name: str, run: xr.Dataset) -> str:
    """Key of a market-wide column, national where the results hold the rest of the country, or the name as it is."""
    if name not in MARKET_WIDE:
        return name
    return f"national_{name}" if "block" in {str(kind) for kind in run["kind"].values} else f"market_{name}"


def text(label: Label, lang: Lang) -> str:
    """The label in one language."""
    return label.zh if lang == "zh" else label.en


def phrase(key: str, lang: Lang, **values: object) -> str:
    """A fixed phrase in one language.

    >>> phrase("rest", "en", count=3)
    '3 others'
    """
    return text(PHRASES[key], lang).format(**values)


def value_name(key: str, value: str, lang: Lang) -> str:
    """A label value (a sector, a place, a price basis...) as people read it; unknown ones stay as they are.

    >>> value_name("sector", "flat_glass", "zh")
    '平板玻璃'
    >>> value_name("place", "Rotterdam", "zh")
    'Rotterdam'
    """
    known = _COLUMN_VALUES.get(key, {}).get(value)
    return text(known, lang) if known else value


def sector_tick(sector: str, lang: Lang) -> str:
    """A sector's name short enough for a tick label."""
    known = SECTORS.get(sector)
    if known is None:
        return sector
    return known.zh if lang == "zh" else known.short_en or known.en


def sector_order(sectors: object) -> list[str]:
    """Sectors in the order of the national schedule, unknown ones after them in alphabetical order."""
    found = {str(sector) for sector in list(sectors)}  # type: ignore[call-overload]
    return [sector for sector in SECTORS if sector in found] + sorted(found - set(SECTORS))
