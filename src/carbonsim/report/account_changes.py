"""What other factors would do to a stored account, as lines of a terminal."""

from __future__ import annotations

import pandas as pd

from carbonsim.inputs.table_checks import records
from carbonsim.report.label import Lang
from carbonsim.report.labels import value_name
from carbonsim.report.quantities import shortened, width

NAME, TERM, NUMBER, EFFECT, FACTOR = 30, 20, 10, 14, 28


def change_lines(changes: pd.DataFrame, lang: Lang, *, most: int) -> list[str]:
    """The largest effects first, then the effect on each scope; one sentence if nothing changes.

    Parameters
    ----------
    changes : DataFrame
        As ``what_would_change`` gives it; ``effect`` [tCO2e] is positive where emissions rise.
    lang : {"zh", "en"}
    most : int
        Rows that are listed; the others are counted.
    """
    chinese = lang == "zh"
    if changes.empty:
        return ["因子没有变化：结果不变。" if chinese else "No factor that was used has changed: the result stays."]
    order = changes["effect"].abs().sort_values(ascending=False, kind="stable").index
    shown = changes.loc[order[:most]]
    heads = (
        ("源流", "参数", "存档值", "新值", "影响 tCO2e") if chinese else ("stream", "term", "stored", "new", "tCO2e")
    )
    lines = [_row(*heads)]
    for row in records(shown):
        month = f"@{int(row['month']):02d}" if row["month"] else ""
        label = f"{row['facility']}/{row['stream']}{month} {row['year']}"
        term = value_name("term", str(row["term"]), lang) or value_name("change", str(row["change"]), lang)
        lines.append(_row(label, term, f"{row['old']:.6g}", f"{row['new']:.6g}", f"{row['effect']:+,.2f}"))
    rest = len(changes) - len(shown)
    if rest > 0:
        lines.append(f"… 另有 {rest} 处" if chinese else f"… and {rest} more")
    for scope, effect in changes.groupby("scope")["effect"].sum().items():
        lines.append(
            f"范围{scope}合计：{effect:+,.2f} tCO2e" if chinese else f"scope {scope}: {effect:+,.2f} tCO2e in all"
        )
    return lines


def _row(label: str, term: str, old: str, new: str, effect: str) -> str:
    texts = [shortened(label, NAME), shortened(term, TERM)]
    padded = [cell + " " * (size - width(cell)) for cell, size in zip(texts, (NAME, TERM), strict=True)]
    numbers = [
        " " * (size - width(cell)) + cell
        for cell, size in zip((old, new, effect), (NUMBER + 2, NUMBER + 2, EFFECT), strict=True)
    ]
    return "  ".join([*padded, *numbers]).rstrip()
