"""Chinese and English labels of a cleared problem: columns of its tables, titles of its tables, fixed phrases."""

from __future__ import annotations

from collections.abc import Mapping

from carbonsim.report.label import Label

PROBLEM_COLUMNS: Mapping[str, Label] = {
    "allowance_supply": Label("配额供给", "Allowances supplied", "tonnes"),
    "total_emissions": Label("排放", "Emissions", "tonnes"),
    "total_obligation": Label("清缴义务", "Obligation", "tonnes"),
    "total_abatement": Label("减排量", "Abatement", "tonnes"),
    "offsets_used": Label("抵销量", "Offsets used", "tonnes"),
    "released": Label("储备与限价投放", "Reserve and ceiling sold", "tonnes"),
    "penalty_tonnes": Label("未清缴", "Unmet", "tonnes"),
    "unsold": Label("未售出", "Unsold", "tonnes"),
    "expired": Label("失效", "Expired", "tonnes"),
    "external_purchase": Label("外部购入", "Bought from outside", "tonnes"),
    "government_receipts": Label("转移：政府收入", "Transfer: government receipts", "money"),
    "drawn_from_bank": Label("转移：动用结余的价值", "Transfer: drawn from the bank", "money"),
    "total_net_cost": Label("企业净成本合计", "Net cost of all enterprises", "money"),
    "allowance_payment": Label("转移：配额支出", "Transfer: allowance payment", "money"),
    "offset_cost": Label("抵销成本", "Offset cost", "money"),
    "transaction_cost": Label("交易成本", "Transaction cost", "money"),
    "net_cost": Label("净成本", "Net cost", "money"),
    "node": Label("节点", "Node"),
    "parent": Label("上级节点", "After"),
    "probability": Label("概率", "Probability", "share"),
    "expected_price": Label("期望碳价", "Expected price", "price"),
    "bid": Label("投标", "Bid"),
    "bidder": Label("竞买方", "Bidder"),
    "seller": Label("委托方", "Seller"),
    "price": Label("成交价", "Price", "price"),
    "bid_price": Label("报价", "Bid price", "price"),
    "bid_quantity": Label("申报量", "Bid quantity", "tonnes"),
    "eligible_quantity": Label("有效量", "Eligible", "tonnes"),
    "award": Label("中标量", "Award", "tonnes"),
    "payment": Label("付款", "Payment", "money"),
    "sold": Label("售出", "Sold", "tonnes"),
    "consigned_sold": Label("委托售出", "Consigned and sold", "tonnes"),
    "consigned_proceeds": Label("委托所得", "Proceeds", "money"),
    "month": Label("月份", "Month"),
    "bought": Label("买入", "Bought", "tonnes"),
    "credits_bought": Label("买入减排量", "Credits bought", "tonnes"),
    "holdings": Label("持有配额", "Holdings", "tonnes"),
    "cash": Label("现金", "Cash", "money"),
    "cash_needed": Label("所需资金", "Cash needed", "money"),
    "allowance_value": Label("配额的期末价值", "Value of an allowance", "price"),
    "surrendered": Label("清缴", "Surrendered", "tonnes"),
    "credits_used": Label("使用减排量", "Credits used", "tonnes"),
    "credits_left": Label("剩余减排量", "Credits left", "tonnes"),
    "carried_over": Label("结转", "Carried over", "tonnes"),
    "missing": Label("欠缴", "Missing", "tonnes"),
    "fine_paid": Label("罚款", "Fine", "money"),
    "final_wealth": Label("期末净值", "Final wealth", "money"),
    "market": Label("市场", "Market"),
    "gate": Label("通道", "Gate"),
    "net_import": Label("净流入", "Net import", "tonnes"),
    "flow": Label("流量", "Flow", "tonnes"),
    "gate_rent": Label("通道租金", "Rent of the gate", "money"),
    "pool_emissions": Label("池内排放", "Emissions of the pool", "tonnes"),
    "government_revenue": Label("转移：政府收入", "Transfer: government revenue", "money"),
    "pool": Label("配额池", "Pool"),
    "issued": Label("发放", "Issued", "tonnes"),
    "good": Label("产品", "Good"),
    "producer": Label("生产者", "Producer"),
    "good_price": Label("产品价格", "Price of the good", "number"),
    "good_price_without": Label("无政策时产品价格", "Price without policy", "number"),
    "quantity": Label("产量", "Quantity", "number"),
    "consumer_surplus": Label("消费者剩余", "Consumer surplus", "money"),
    "output": Label("产出", "Output", "number"),
    "output_without": Label("无政策时产出", "Output without policy", "number"),
    "intensity_cut": Label("强度降幅", "Intensity cut", "number"),
    "emissions": Label("排放", "Emissions", "tonnes"),
    "net_demand": Label("配额净需求", "Net demand", "tonnes"),
    "profit": Label("利润", "Profit", "money"),
    "home_emissions": Label("境内排放", "Home emissions", "tonnes"),
    "home_emissions_without": Label("无政策时境内排放", "Home emissions without policy", "tonnes"),
    "policy_cost": Label("政策成本", "Cost of the policy", "money"),
    "leakage": Label("泄漏", "Leakage", "tonnes"),
    "welfare": Label("福利", "Welfare", "money"),
    "factor": Label("修正系数", "Factor on benchmarks", "number"),
    "auctioned": Label("拍卖", "Auctioned", "tonnes"),
    "unused": Label("未使用", "Unused", "tonnes"),
    "pass_through": Label("成本传导", "Pass-through", "share"),
    "abatement_spending": Label("减排成本", "Abatement cost", "money"),
    "switching_cost": Label("转产成本", "Switching cost", "money"),
    "output_margin_lost": Label("损失的产出收益", "Output margin lost", "money"),
    "windfall": Label("利润变化", "Change in profit", "money"),
    "leakage_rate": Label("泄漏率", "Leakage rate", "share"),
    "where_found": Label("位置", "Where"),
    "expected_value": Label("文件给出", "Stated in the file"),
    "found_value": Label("本次求得", "Found"),
}
ZERO_IS_SILENT = (
    "bank", "offsets_used", "released", "penalty_tonnes", "unsold", "expired", "external_purchase", "offset_cost",
    "penalty_cost", "transaction_cost", "drawn_from_bank", "auctioned", "unused", "government_revenue", "leakage",
    "leakage_rate",
)  # fmt: skip

PROBLEM_PHRASES: Mapping[str, Label] = {
    "table_years": Label("逐年", "By year"),
    "table_money": Label(
        "逐年资金（资源成本 + 转移 = 净成本）", "Money by year (resource cost + transfers = net cost)"
    ),
    "table_auction": Label("拍卖结果", "The auction"),
    "table_bids": Label("逐笔投标", "By bid"),
    "table_sellers": Label("委托方", "By seller"),
    "table_months": Label("逐月", "By month"),
    "table_deadline": Label("清缴截止日", "At the deadline"),
    "table_markets": Label("逐市场", "By market"),
    "table_gates": Label("逐通道", "By gate"),
    "table_totals": Label("合计", "Totals"),
    "table_nodes": Label("逐节点", "By node"),
    "table_expected_prices": Label("期望碳价", "Expected price by year"),
    "table_pools": Label("逐配额池", "By pool"),
    "table_goods": Label("逐产品", "By good"),
    "table_producers": Label("逐生产者", "By producer"),
    "table_enterprises": Label("逐企业", "By enterprise"),
    "more_rows": Label("……另有 {count} 行；用 --out 可得全部", "... and {count} more rows; --out writes all of them"),
    "stated_by": Label("来源", "Source"),
    "rests_on": Label("依据", "Basis"),
    "basis_unstated": Label("文件未说明", "not stated in the file"),
    "assumed_note": Label(
        "假设：本问题的数字为设定值，并非观测值", "ASSUMPTION: the numbers of this problem are made up, not observed"
    ),
    "money_of": Label("货币", "Money"),
    "no_money": Label("货币单位（文件未指定币种）", "money units (the file names no currency)"),
    "concept": Label("均衡概念", "Concept"),
    "plain_concept": Label("完全预见、价格接受者", "everybody foresees the whole path and takes prices as given"),
    "audited": Label("验证：{count} 项检查全部通过", "Certificate: {count} lines, all passed"),
    "audit_failed": Label("验证：{failed}/{count} 项未通过", "Certificate: {failed} of {count} lines FAILED"),
    "matches": Label("与文件给出的答案一致（{count} 个数值）", "Matches the answer in the file ({count} values)"),
    "differs": Label(
        "与文件给出的答案不一致：{failed}/{count} 个数值不同",
        "DIFFERS from the answer in the file: {failed} of {count} values",
    ),
    "cleared_at": Label("出清碳价", "Cleared price"),
    "abated": Label("减排量", "Abatement"),
    "read_across": Label(
        "；任一成本水平上，色块宽度为各企业的减排量", "; across at any cost, each colour is an enterprise's part"
    ),
    "offset_price": Label("抵销价格", "offset price"),
    "others": Label("其他", "others"),
}


def money_name(currency: str, lang: str) -> str:
    """A currency as it stands in a unit: without its price year, and a plain word for none.

    >>> money_name("CNY2025", "zh"), money_name("USD", "zh"), money_name("XXX", "en")
    ('元', 'USD', 'money units')
    """
    if currency == "XXX":
        return "货币单位" if lang == "zh" else "money units"
    code = currency[:3]
    return "元" if code == "CNY" and lang == "zh" else code
