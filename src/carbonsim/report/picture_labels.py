"""Chinese and English phrases of the pictures of auctions, desks, linked markets, output markets and trees."""

from __future__ import annotations

from collections.abc import Mapping

from carbonsim.report.label import Label

PICTURE_PHRASES: Mapping[str, Label] = {
    "source_market": Label("来源：carbonsim 市场出清。", "Source: carbonsim, cleared market. "),
    "source_auction": Label("来源：carbonsim 拍卖出清。", "Source: carbonsim, auction held. "),
    "source_desk": Label("来源：carbonsim 履约方案。", "Source: carbonsim, compliance plan. "),
    "source_linked": Label("来源：carbonsim 连接市场出清。", "Source: carbonsim, linked markets cleared. "),
    "source_output": Label("来源：carbonsim 产出市场出清。", "Source: carbonsim, output market cleared. "),
    "source_tree": Label(
        "来源：carbonsim 情景树出清；线宽表示概率。",
        "Source: carbonsim, scenario tree cleared; the wider a line, the likelier. ",
    ),
    "bids_awarded": Label("中标", "Awarded"),
    "bids_rejected": Label("有效而未中标", "Counts, not awarded"),
    "bids_not_counted": Label("不计入（低于保留价或超限）", "Does not count\n(below reserve, over a limit)"),
    "bids_across": Label("累计申报量，报价由高到低", "Quantity bid so far, highest price first"),
    "bids_beyond": Label("更低的投标未显示", "lower bids not shown"),
    "bids_unnamed": Label("过窄的投标未写名称，见表", "bids too narrow for their name are in the table"),
    "on_offer": Label("供给 {value}", "On offer {value}"),
    "beyond_axis": Label("（在图外）", " (off the picture)"),
    "clearing_price": Label("成交价 {value}", "Price {value}"),
    "mean_price": Label("平均成交价 {value}", "Mean price paid {value}"),
    "auction_reserve": Label("保留价 {value}", "Reserve price {value}"),
    "trades": Label(
        "柱：买入为正，卖出为负；线：清缴前持有", "Bars: bought above zero, sold below; line: held before the surrender"
    ),
    "deadline": Label("履约截止（{month}末）", "Deadline (end of {month})"),
    "to_cover": Label("应清缴 {value}", "To be covered {value}"),
    "through_gates": Label("通过通道（来源市场的配额）", "Through the gates, allowances of the source"),
    "more_unlisted": Label("另有 {count} 项未列，见表", "{count} more are in the table"),
    "without_policy": Label("无政策", "Without policy"),
    "with_policy": Label("有政策", "With policy"),
    "output_of_goods": Label("产出（各产品的单位）", "Output (units of each good)"),
    "foreign": Label("境外", "abroad"),
    "branches": Label("各分支", "Branches"),
    "before_branching": Label("分岔之前", "Before the branches part"),
}
