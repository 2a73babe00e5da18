"""Fixed words of the memo: section titles and the notes on method, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from carbonsim.report.labels import Label

WORDS: Mapping[str, Label] = {
    "findings": Label("主要结论", "Key findings"),
    "all_scenarios": Label("全部情景", "all scenarios"),
    "variations": Label("各情景的变化", "What the variations change"),
    "changes": Label("改动条数", "Number of changes"),
    "no_changes": Label(
        "没有列出的改动（另一份研究，或改动不在情景文件内）。", "No listed change: a study of its own."
    ),
    "prices": Label("碳价：依据、区间与期初结余范围", "Price: basis, interval and opening-bank range"),
    "basis": Label("数据依据", "What the numbers rest on"),
    "basis_note": Label(
        "本地企业纳入排放与履约成本中，依据各类数据的份额；一个数值取其各输入中最弱的依据。",
        "Share of local covered tonnes and of compliance cost by the weakest basis among the inputs of each number.",
    ),
    "drafts": Label("使用的征求意见稿参数", "Draft parameters used"),
    "no_drafts": Label("没有使用征求意见稿参数。", "No draft parameter was used."),
    "certificate": Label("计算核验", "Certificate"),
    "figures": Label("图", "Figures"),
    "certificate_lines": Label("逐项检查", "Every check"),
    "summary": Label("逐年汇总（资源成本与转移支付分列）", "Summary by year (resource cost apart from transfers)"),
    "method": Label("方法说明", "Notes on method"),
    "provenance": Label("计算来源", "Provenance"),
    "sources": Label("数据来源清单", "Sources"),
}

METHOD: tuple[Label, ...] = (
    Label(
        "碳价是各企业在既定规则下的竞争性均衡价格：企业预知全部年份的政策与价格，把碳价视为给定，可以结余配额；"
        "模型不含投机、交易成本与市场势力，不是对行情的预测。",
        "The price is a competitive equilibrium under the stated rules: enterprises foresee policy and price of all "
        "years, take the price as given and may bank allowances. There is no speculation, transaction cost or market "
        "power in it, and it is no forecast of quotations.",
    ),
    Label(
        "区间表示规则本身没有决定价格：区间内任一价格都满足供需；期初结余范围表示假设的不确定性，两者不同。",
        "An interval means that the rules themselves leave the price open: every price in it balances supply and "
        "demand. The opening-bank range is something else: it shows how far an assumption moves the price.",
    ),
    Label(
        "资源成本是真实消耗（减排成本）；配额买卖、拍卖收入与罚款是转移支付，两者相加才是企业的净履约成本。",
        "Resource cost is what abatement uses up. Allowance payments, auction revenue and penalties are transfers. "
        "Net compliance cost of an enterprise is the sum of both.",
    ),
    Label(
        "行业、产业链与区域指标先分别加总分子与分母再相除，不对企业比率求平均；负值表示净收益。",
        "For sectors, chains and places numerators and denominators are added up before dividing; ratios of "
        "enterprises are never averaged. A negative value is a net gain.",
    ),
    Label(
        "未计算的指标注明原因，不以零代替。",
        "An indicator that is not computed says why and is never shown as zero.",
    ),
)
