"""What is refused of statements that are in force: what no distribution can hold, and two words about one value.

Dimensions inside: n use of a term (of one component and year), m statement.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carbonsim.accounting.formula import DIVISOR
from carbonsim.accounting.uncertainty.cells import Floats, Index, Labels
from carbonsim.accounting.uncertainty.distributions import HIGH, holds, shape_of
from carbonsim.accounting.uncertainty.statements import Statements, too_wide
from carbonsim.errors import InputError
from carbonsim.inputs.terms import TERMS

BOUND_TOLERANCE: Final = 1e-9


def check_values(statements: Statements, statement: Index, term: Labels, value: Floats, form: NDArray[np.int8]) -> None:
    """Refuse what a distribution would do to a share or a divisor; one issue a statement and term.

    Parameters
    ----------
    statements : Statements
    statement, term, value, form
        Of each use (n): the place of its statement or -1, the term's name, its point value, and how it enters.

    Raises
    ------
    InputError
        If a statement is wider than its distribution holds, reaches beyond the bound of a share, or lets a divisor
        come near zero.
    """
    issues = []
    active = np.flatnonzero(statement >= 0)
    frame = pd.DataFrame({"statement": statement[active], "value": value[active], "divides": form[active] == DIVISOR})
    # A statement is about one term.
    worst = frame.groupby("statement", sort=True).agg(value=("value", "max"), divides=("divides", "any"))
    for place, highest, divides in zip(
        worst.index.tolist(), worst["value"].tolist(), worst["divides"].tolist(), strict=True
    ):
        name = statements.term[place]
        distribution, width = statements.distribution[place], statements.half_width[place]
        if not holds(distribution, width):
            texts = too_wide(distribution, width)
            issues.append(statements.origin.issue("uncertainty-negative", place, "half_width", width, texts))
            continue
        if divides and width and not holds(distribution, width, divides=True):
            texts = _near_zero(name, distribution, width)
            issues.append(statements.origin.issue("uncertainty-divisor", place, "half_width", width, texts))
        upper = TERMS[name].upper if name in TERMS else None
        if upper is None or not width:
            continue
        high = highest * shape_of(distribution, width).quantile(HIGH)
        if high > upper * (1 + BOUND_TOLERANCE):
            texts = _beyond_bound(name, highest, distribution, width, high, upper)
            issues.append(statements.origin.issue("uncertainty-bound", place, "half_width", width, texts))
    if issues:
        raise InputError(issues)


def _near_zero(name: str, distribution: str, width: float) -> tuple[str, str, str, str]:
    return (
        f"{name} divides, and a {distribution} error with half width {width:g} comes near zero.",
        f"{name} 作除数，而半宽为{width:g}的 {distribution} 误差会接近零。",
        "Use lognormal, or state the interval again.",
        "请改用 lognormal，或重新给出区间。",
    )


def _beyond_bound(
    name: str, value: float, distribution: str, width: float, high: float, upper: float
) -> tuple[str, str, str, str]:
    room = max(upper / value - 1, 0.0)
    return (
        f"{name} of {value:g} with half width {width:g} ({distribution}): its 95 % interval reaches {high:.4g}, "
        f"above {upper:g}, and nothing is clipped.",
        f"{name} 为{value:g}、半宽为{width:g}（{distribution}）：95% 区间上端为{high:.4g}，"
        f"超过{upper:g}；程序不作截断。",
        f"State a half width of about {room:.3g} or less here, or put the uncertainty on another term of the product.",
        f"此处的半宽请不超过约{room:.3g}，或把不确定度放在乘积的其他项上。",
    )


def check_one_statement(
    statements: Statements, chosen: Index, one: Index, correlated: NDArray[np.bool_], key: Index, shared: Labels
) -> None:
    """Refuse two statements that describe one error differently: one draw has one distribution.

    Parameters
    ----------
    statements : Statements
    chosen, one, correlated, key
        Of each uncertain use (n): the place of its statement, a number that is the same for all uses of one error,
        whether the error runs through all years, and the place on ``shared`` or -1.
    shared : array of str
        Labels of the values of the tables.

    Raises
    ------
    InputError
        One issue for each pair of statements and value.
    """
    contents = list(zip(statements.half_width, statements.distribution, strict=True))
    content_of = {content: number for number, content in enumerate(dict.fromkeys(contents))}
    content = np.array([content_of[content] for content in contents], dtype=np.intp)[chosen] * 2 + correlated
    first = np.full(int(one.max(initial=-1)) + 1, -1, dtype=np.intp)
    first[one[::-1]] = np.arange(len(one))[::-1]
    wrong = np.flatnonzero(content != content[first[one]])
    pairs = sorted({(int(chosen[first[one[use]]]), int(chosen[use]), int(key[use])) for use in wrong})
    issues = []
    for before, behind, place in pairs:
        name = str(shared[place]) if place >= 0 else statements.term[before]
        hint = "write shared = no where a site's own deviation is meant."
        hint_zh = "若指各场所自身的偏差，请写 shared = no。"
        if place < 0:
            # The months of one stream, whose factors differ.
            hint = "name the facility and the stream in one row that goes before both."
            hint_zh = "可用一行写明设施与源流，该行优先于这两行。"
        texts = (
            f"'{name}' is one value wherever it is used, but two rows state its uncertainty: "
            f"'{statements.name(before)}' and '{statements.name(behind)}'.",
            f"“{name}”在各处是同一个数值，却有两行给出其不确定度：“{statements.name(before)}”与“{statements.name(behind)}”。",
            f"State it once, or {hint}",
            f"请只给出一次；{hint_zh}",
        )
        issues.append(statements.origin.issue("uncertainty-twice", behind, "factor", name, texts))
    if issues:
        raise InputError(issues)
