"""Names of instruments, concepts and supply rules in Chinese, and what the price of each means, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """Chinese name of a plug-in, and what its price or dual means."""

    zh: str
    price: str
    price_zh: str


INSTRUMENT_WORDS: Final[Mapping[str, Words]] = {
    "auction_floor": Words(
        "拍卖底价",
        "At the floor while part of the volume stays unsold; the basis is then `floor`, and less is supplied.",
        "部分拍卖量未售出时，碳价等于底价（依据为 `floor`），供给随之减少。",
    ),
    "banking": Words(
        "结转与预借",
        "Ties the prices of years: constant in present value while the bank is above its limit, never rising.",
        "把各年碳价联系起来：结余高于下限时，折现后的碳价不变；任何时候都不会预期折现碳价上升。",
    ),
    "carry_over_limit": Words(
        "结转限额",
        "`carry_over_worth`: what a tonne more of the limit is worth to the enterprise; for a net seller it is earned "
        "by selling, on top of the price.",
        "`carry_over_worth` 是企业多一吨限额的价值；净卖出的企业每卖一吨，除碳价外还得到这一价值的若干倍。",
    ),
    "compliance_periods": Words(
        "履约期",
        "One price in present value inside a period; between periods as banking lets it.",
        "同一履约期内折现碳价相同；不同履约期之间取决于结转规则。",
    ),
    "escalating_penalty": Words(
        "递增罚则",
        "The price stands at the fee of the step in use; a step that is used up is worth the price less its fee.",
        "碳价停在正在使用的那一档罚款上；已用尽的一档价值为碳价减去该档罚款。",
    ),
    "holding_limit": Words(
        "持有限额",
        "`holding_limit_value`: what a tonne more of the limit is worth to the enterprise, the gain in present value "
        "from holding it to the next year.",
        "`holding_limit_value` 是企业多持有一吨的价值，即把配额留到下一年的折现收益。",
    ),
    "next_year_cut": Words(
        "次年等量核减",
        "The price stands at the fee plus the discounted price of next year's allowances while something is unmet.",
        "有未清缴量时，碳价等于罚款加上次年被核减配额的折现价值。",
    ),
    "offset_curve": Words(
        "抵销信用供给曲线",
        "Where the curve is in use short of its end, the last credit costs the allowance price; the rest is rent.",
        "曲线部分使用时，最后一吨信用的成本等于碳价，此前各吨的差额归卖方。",
    ),
    "offset_limit": Words(
        "抵销信用合计限额",
        "`<name>_price`: allowance price less that of the dearest credit used; 0 while the limit has room.",
        "`<name>_price` 等于碳价减去所用最贵信用的价格；限额未用满时为0。",
    ),
    "offset_stock": Words(
        "抵销信用存量",
        "`<name>_price`: price of a credit, constant in present value while credits are held.",
        "`<name>_price` 是信用价格；有存量时其折现值不变。",
    ),
    "offsets": Words(
        "抵销信用",
        "What a tonne more of the limit is worth is the allowance price less the credit's.",
        "多一吨限额的价值等于碳价减去信用价格。",
    ),
    "penalty": Words(
        "罚款与补缴",
        "Without make-good the fee caps the price (basis `penalty`); with it the price may exceed the fee by what the "
        "allowances owed next year are worth.",
        "不要求补缴时，罚款就是碳价上限（依据为 `penalty`）；要求补缴时，碳价可以超出罚款，"
        "差额为次年补缴配额的折现价值。",
    ),
    "price_ceiling": Words(
        "价格上限",
        "At the ceiling while the regulator sells (basis `ceiling`).",
        "主管部门按上限出售时，碳价等于上限（依据为 `ceiling`）。",
    ),
    "price_linked_fine": Words(
        "按碳价倍数罚款",
        "No cap: the fine grows with the price. `<name>` is the fine for each tonne, not a price.",
        "不构成上限：罚款随碳价上升。`<name>` 是每吨罚款额，不是价格。",
    ),
    "reserve_stock": Words(
        "总量储备",
        "The trigger price plus `<name>_rent`, what a tonne more of the stock is worth in money of the year.",
        "碳价等于触发价加 `<name>_rent`，后者是当年货币计的每吨储备的稀缺价值。",
    ),
    "reserve_tier": Words(
        "储备投放档",
        "At the trigger price while the tier is partly used (basis `reserve_tier`), above it once it is sold out.",
        "该档部分使用时，碳价等于触发价（依据为 `reserve_tier`）；售完后可以更高。",
    ),
    "terminal_bank": Words(
        "期末条件",
        "`terminal_bank_price`: what a tonne of the required stock costs; with `value` the last price is never below.",
        "`terminal_bank_price` 是期末要求每吨的成本；给出 `value` 时，末年碳价不低于该值。",
    ),
    "trade_limit": Words(
        "地区交易限额",
        "`place_premium`: the place's own price less the market's, the dual of its limit.",
        "`place_premium` 等于该地区价格减去市场价格，即限额的对偶值。",
    ),
    "transaction_cost": Words(
        "交易成本",
        "The price is between buyers and sellers; an allowance is worth more to a buyer, less to a seller, by the cost "
        "of trading it.",
        "碳价介于买卖双方的边际成本之间：对买方而言配额价值高出交易成本，对卖方而言低于碳价。",
    ),
    "vintages": Words(
        "年份与有效期",
        "`vintage_price`: the best use a vintage can still be put to; the year's price is that of the obligation.",
        "`vintage_price` 是该年份配额尚可实现的最高价值；当年碳价是清缴义务的价值。",
    ),
}

CONCEPT_WORDS: Final[Mapping[str, Words]] = {
    "dominant_enterprise": Words(
        "主导企业",
        "The price that the leader chooses to bring about; `competitive_price` is that of a market without leader.",
        "主导企业通过自身交易量选定的价格；`competitive_price` 是没有主导企业时的价格。",
    ),
    "lagged_allocation": Words(
        "按上年排放分配",
        "The multiplier of the year's balance, with the expected path of the other years given.",
        "其他年份价格按预期给定时，当年配额平衡的乘子。",
    ),
    "rolling_horizon": Words(
        "滚动预见",
        "The multiplier in the window that implements the year; what was not foreseen moves it at the next decision.",
        "实施该年的那个窗口中的乘子；未预见的变化在下一次决策时体现。",
    ),
    "rule_driven_supply": Words(
        "规则驱动的供给",
        "A price of the market with the supply that the rule answers with; with several equilibria the first is shown.",
        "规则给出的供给下的市场价格；有多个均衡时显示第一个。",
    ),
    "scenario_tree": Words(
        "情景树",
        "One price a node: minus the dual by the node's probability and discount factor.",
        "每个节点一个价格：对偶值的相反数除以节点概率与折现因子。",
    ),
    "year_by_year": Words(
        "逐年短视",
        "The multiplier of the year alone; with allowances left over it is what they are believed to be worth.",
        "只看当年的乘子；有结余时等于持有者认为的结余价值。",
    ),
}

RULE_WORDS: Final[Mapping[str, Words]] = {
    "cap_triggered": Words(
        "结余触发的总量调整",
        "The market's price with the caps as adjusted; nobody's own bank moves them in its own eyes.",
        "按调整后总量得到的价格；单个企业视调整为给定。",
    ),
    "price_triggered": Words(
        "价格触发的投放与扣减",
        "The market's price with the release or withholding that earlier prices trigger.",
        "在以往价格触发的投放或扣减之下得到的价格。",
    ),
    "tnac_reserve": Words(
        "流通量储备",
        "The market's price with what the reserve takes and gives back.",
        "储备扣减与返还之后的市场价格。",
    ),
    "unsold_allowances": Words(
        "未售配额的去向",
        "The market's price with what is offered again.",
        "再次拍卖之后的市场价格。",
    ),
}

PART_NAMES: Final[Mapping[str, str]] = {
    "build_programme": "配额平衡（年度合计）",
    "declare_enterprises": "分企业的配额平衡",
    "find_thresholds": "各选项的阈值",
    "Plans": "整体方案",
    "clear_lumpy": "整体方案的价格与补偿",
    "Auction": "拍卖",
    "LinkedMarkets": "市场连接",
    "Desk": "企业履约台",
    "OutputProblem": "产量响应、强度标准与返还",
    "clear_tree": "情景树规划",
    "TreeBank": "情景树中的结转",
    "price_decisions": "含是非决策的价格、补偿与支持区间",
    "tree_prices": "情景树的节点价格",
    "allowances_in_circulation": "流通中的配额总量",
    "intake_before_rounding": "储备的年度扣减",
    "MarketProblem": "市场问题",
    "Options": "减排选项",
    "ResponseTerm": "最优响应单元",
    "hull_programme": "凸包规划：凸包价格的求法",
    "DualHull": "凸包价格的核验：最高的拉格朗日下界",
    "WithinObligations": "分企业时抵销与罚款不超过清缴义务",
    "keep_within_obligations": "同价同成本的解中抵销与罚款不超过清缴义务的一个",
}

KINDS_ZH: Final[Mapping[str, str]] = {
    "auction": "密封报价拍卖：成交价、各标中标量与收入",
    "desk": "企业履约台：面对公布的价格，何时买卖、留存、抵销",
    "linked": "由通道连接的几个配额市场",
    "market": "企业、减排选项、供给和市场工具：配额按一个价格出清",
    "output": "产量随碳价响应：总量、强度标准、按产量返还",
}


def market_summaries() -> dict[str, dict[str, str]]:
    """What instruments, concepts and kinds of problems are, in Chinese, by group and registered name."""
    return {
        group: {name: f"{one.zh}。{one.price_zh}" for name, one in words.items()}
        for group, words in (("instruments", INSTRUMENT_WORDS), ("concepts", CONCEPT_WORDS))
    } | {"kinds": dict(KINDS_ZH)}
