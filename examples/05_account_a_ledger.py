"""Accounts of the packaged ledgers: totals, what the market sees, what is measured, and where the uncertainty is.

Run: python examples/05_account_a_ledger.py --out out/accounts
     python examples/05_account_a_ledger.py my_ledger.xlsx --lang zh
"""

import argparse
from pathlib import Path

import pandas as pd

import carbonsim as cs

LEDGERS = ("steel_works", "clinker_line", "smelter", "power_plant")
HEADINGS = {
    "enterprise": "企业", "year": "年份", "direct_co2e": "直接排放", "covered_co2e": "履约排放量",
    "scope2_location_based": "范围二（位置）", "default_share": "缺省值占比", "relative_half_width": "不确定度",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ledgers", nargs="*", type=Path, help="workbooks or folders; the packaged ones by default")
    parser.add_argument("--out", type=Path, default=Path("out/accounts"))
    parser.add_argument("--lang", choices=("zh", "en"), default="en")
    chosen = parser.parse_args()
    zh = chosen.lang == "zh"
    packaged = Path(__file__).parents[1] / "scenarios" / "ledgers"
    made = [cs.account(cs.read_ledger(path)) for path in chosen.ledgers or [packaged / name for name in LEDGERS]]
    if any(one.is_illustrative for one in made):
        print("示意企业, 非真实企业数据" if zh else "Illustrative enterprises, not real ones.")
    chosen.out.mkdir(parents=True, exist_ok=True)
    summary = pd.concat([one.summary() for one in made], ignore_index=True)
    summary.to_csv(chosen.out / "summary.csv", index=False)
    shown = summary[list(HEADINGS)].rename(columns=HEADINGS if zh else {})
    print(
        shown.to_string(index=False, float_format=lambda value: f"{value:,.0f}" if abs(value) > 1 else f"{value:.1%}")
    )
    for one in made:
        one.classes.to_csv(chosen.out / f"{one.ledger.name}_classes.csv", index=False)
        first = one.uncertainty.contributions(top=1).iloc[0] if one.uncertainty else None
        if first is not None:
            told = "方差的最大来源" if zh else "largest part of the variance"
            print(f"{one.ledger.name}: {told}: {first['source']} ({first['contribution']:.0%})")


if __name__ == "__main__":
    main()
