"""Measured terms of a missing month: the value that raises emissions among all that the stream showed elsewhere.

A month without a measurement stands at the default of the factor tables, and that counts as shown too. Where it alone
is the careful one, the gap takes it like those months. Which of several tables a sector uses is not known here: a
value between their defaults is refused, and the user states the term of the gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from carbonsim.errors import shorten
from carbonsim.inputs.ledger_terms import WIDE_TERMS
from carbonsim.inputs.term_defaults import ANODE, TermDefaults

Texts = tuple[str, ...]
Row = Mapping[str, Any]

# A low divisor, or a low share that is taken off, means more emissions.
LOWER_IS_MORE: Final = ("duct_efficiency", "current_efficiency", "abated", "retention")
# An anode's sulphur and ash are no carbon; the sulphur of a fuel is sulphur dioxide.
LOWER_OF_ANODES: Final = ("ash", "sulphur")
NEVER_CARRIED: Final = ("biogenic_fraction",)
CARBON_FRACTION: Final = "carbon_fraction"
_ASKED: Final = ("method", "factor", "gas_factor", "pollutant_factor")


def careful_terms(
    rows: Sequence[tuple[Row, Mapping[str, float]]],
    own: Mapping[str, float],
    defaults: TermDefaults,
    *,
    subtracts: bool,
) -> dict[str, float] | tuple[str, Texts]:
    """Terms of a gap by name; or the term whose careful value is not known, and the texts that say so.

    Parameters
    ----------
    rows : sequence of (row of activity, its values in the table of terms)
        The rows that are compared.
    own : mapping of term to value
        Terms that are stated for the gap itself: they are left out.
    defaults : TermDefaults
    subtracts : bool
        Whether the method deducts, so that low values raise emissions.
    """
    given = [_measured(row, terms) for row, terms in rows]
    names = dict.fromkeys(name for values in given for name in values)
    found = {}
    for name in names:
        if name in own or name in NEVER_CARRIED:
            continue
        values = [one[name] for one in given if name in one]
        # Nothing is emitted where nothing was used, whatever the term.
        bare = [(row, one) for (row, _), one in zip(rows, given, strict=True) if name not in one and row["quantity"]]
        method = str(rows[0][0]["method"])
        lowers = name in LOWER_IS_MORE or (method == ANODE and name in LOWER_OF_ANODES)
        lowest = lowers != subtracts
        extreme = min(values) if lowest else max(values)
        if name == CARBON_FRACTION and any(wide in one for _, one in bare for wide in WIDE_TERMS):
            return name, _two_ways(name)
        shown = sorted({value for row, _ in bare for value in defaults.values(name, *(row[key] for key in _ASKED))})
        if not shown or (extreme <= shown[0] if lowest else extreme >= shown[-1]):
            found[name] = extreme
        elif shown[0] < extreme < shown[-1]:
            return name, _unclear(name, extreme, shown, len(values), len(rows))
    return found


def _measured(row: Row, terms: Mapping[str, float]) -> dict[str, float]:
    """What was measured for a row, in the columns of activity or in the table of terms."""
    wide = {name: float(row[name]) for name in WIDE_TERMS if row[name] == row[name]}
    return {**wide, **terms}


def _unclear(name: str, extreme: float, shown: Sequence[float], measured: int, compared: int) -> Texts:
    several = [f"{value:g}" for value in shown]
    return (
        f"{name} was measured in {measured} of {compared} compared rows, the careful value being {extreme:g}; the "
        f"others stand at the default of the sector's factor table, one of {shorten(several)}, which may be more "
        "careful.",
        f"对比的 {compared} 行中有 {measured} 行实测 {name}，最保守值为 {extreme:g}；其余各行取行业因子表的缺省值"
        f"（{shorten(several, 'zh')} 之一），可能更保守。",
        f"State {name} of this gap in terms, or give it for all rows of the stream.",
        f"请在 terms 表中填写该缺失项的 {name}，或为该源流的所有行填写。",
    )


def _two_ways(name: str) -> Texts:
    return (
        f"some compared rows measured {name}, others the heat and carbon content of the fuel; which is the careful "
        "one is not known.",
        f"对比的各行中，有的实测 {name}，有的实测热值或含碳量，无法判断何者更保守。",
        f"State {name} of this gap in terms.",
        f"请在 terms 表中填写该缺失项的 {name}。",
    )
