"""The packaged Panzhihua study and its variations: what changes when coverage widens slower, faster or not at all.

Run: python examples/01_panzhihua.py --out out/panzhihua
"""

import argparse
from pathlib import Path

import carbonsim as cs

STUDIES = ("panzhihua", "panzhihua/no_widening", "panzhihua/slower", "panzhihua/faster")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/panzhihua"))
    parser.add_argument("--lang", choices=("zh", "en"), default="en")
    chosen = parser.parse_args()
    results = cs.simulate([cs.read_scenario(study) for study in STUDIES])
    chosen.out.mkdir(parents=True, exist_ok=True)
    results.save(chosen.out / "results.nc")
    tables = {
        "compare": results.compare(),
        "pressure_by_sector": results.pressure("sector"),
        "pressure_by_place": results.pressure("place"),
        "announcement_effect": results.announcement_effect(),
    }
    for name, table in tables.items():
        table.to_csv(chosen.out / f"{name}.csv")
    zh = chosen.lang == "zh"
    print("示意企业, 非真实企业数据" if zh else "Illustrative enterprises, not real ones.")
    print(results.summary()["allowance_price"].unstack("scenario").round(2).to_string())
    print("公布扩围对碳价的影响 (元/吨)" if zh else "Effect of the announced widening on the price (CNY/t)")
    print(tables["announcement_effect"].round(2).to_string())


if __name__ == "__main__":
    main()
