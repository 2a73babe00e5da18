"""What must hold of a market problem: labels, shapes, signs, response terms, instruments and plans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from carbonsim.allocation.core import BalancedRule
from carbonsim.errors import Said, shorten
from carbonsim.market.plans import plan_problems

if TYPE_CHECKING:
    from carbonsim.market.problem import MarketProblem

IntArray = NDArray[np.intp]

WHAT_ZH = {"enterprise": "企业", "option": "减排选项"}
SHARES_TOLERANCE = 1e-9


def problems_of(problem: MarketProblem) -> Iterator[str]:
    """What is wrong with a problem, one sentence each."""
    yield from _label_problems(problem)
    shapes = list(_shape_problems(problem))
    yield from shapes
    if shapes:
        return
    yield from _sign_problems(problem)
    yield from _response_problems(problem)
    yield from _instrument_problems(problem)
    if problem.plans is not None:
        yield from plan_problems(problem, problem.plans)


def _label_problems(problem: MarketProblem) -> Iterator[str]:
    for what, labels in (("enterprise", problem.enterprise), ("option", problem.options.label)):
        twice = sorted({label for label in labels if labels.count(label) > 1}) if len(set(labels)) < len(labels) else []
        if twice:
            yield Said(
                f"{what} {shorten(twice)} is listed twice; labels must be unique.",
                f"{WHAT_ZH[what]} {shorten(twice, 'zh')} 重复；名称不得重复。",
            )
    if not problem.enterprise:
        yield Said("there is no enterprise; a market needs at least one.", "没有企业；市场须至少有一家。")
    if not problem.year or list(problem.year) != list(range(problem.year[0], problem.year[0] + len(problem.year))):
        yield Said(
            f"year is {shorten(problem.year)}; expected consecutive calendar years.",
            f"year 为 {shorten(problem.year, 'zh')}，应为连续的公历年份。",
        )


def _shape_problems(problem: MarketProblem) -> Iterator[str]:
    years, options = len(problem.year), len(problem.options.label)
    by_enterprise, by_option = (len(problem.enterprise), years), (options, years)
    expected: list[tuple[str, NDArray[np.generic], tuple[int, ...]]] = [
        *((name, getattr(problem, name), by_enterprise) for name in ("baseline", "share", "fixed", "per_emission")),
        *(
            (f"options.{name}", getattr(problem.options, name), by_option)
            for name in ("potential", "unit_cost", "slope")
        ),
        ("options.enterprise", problem.options.enterprise, (options,)),
        ("supply", problem.supply, (years,)),
    ]
    if problem.given_price is not None:
        expected.append(("given_price", problem.given_price, (years,)))
    for name, array, shape in expected:
        if array.shape != shape:
            yield Said(
                f"{name} has shape {array.shape}; expected {shape}.", f"{name} 的形状为 {array.shape}，应为 {shape}。"
            )
        elif not np.isfinite(array).all():
            place = _label_of(problem, name, np.argwhere(~np.isfinite(array))[0])
            yield Said(
                f"{name} of {place} is not a finite number; write 0 for what does not exist.",
                f"{place.zh}的 {name} 不是有限的数；不存在的请写 0。",
            )


def _label_of(problem: MarketProblem, name: str, position: IntArray) -> Said:
    if len(position) == 1:
        year = problem.year[position[0]]
        return Said(str(year), f"{year} 年")
    rows: Sequence[str] = problem.options.label if name.startswith("options.") else problem.enterprise
    label, year = rows[position[0]], problem.year[position[1]]
    return Said(f"{label} in {year}", f"{label} 在 {year} 年")


def _sign_problems(problem: MarketProblem) -> Iterator[str]:
    arrays = {
        "baseline": problem.baseline,
        "share": problem.share,
        "options.potential": problem.options.potential,
        "options.slope": problem.options.slope,
        "supply": problem.supply,
    }
    for name, array in arrays.items():
        if array.min(initial=0.0) < 0:
            place = _label_of(problem, name, np.argwhere(array < 0)[0])
            yield Said(
                f"{name} of {place} is {array.min():g}; expected a number that is not negative.",
                f"{place.zh}的 {name} 为 {array.min():g}，应为非负数。",
            )
    if problem.share.max(initial=0.0) > 1:
        place = _label_of(problem, "share", np.argwhere(problem.share > 1)[0])
        yield Said(
            f"share of {place} is {problem.share.max():g}; expected 0 to 1.",
            f"{place.zh}的 share 为 {problem.share.max():g}，应为 0 到 1。",
        )
    if not problem.interest > -1:
        yield Said(
            f"interest is {problem.interest:g}; expected a rate above -1.",
            f"interest 为 {problem.interest:g}，应为大于 -1 的利率。",
        )
    if not np.isfinite(problem.opening_bank):
        yield Said(
            f"opening_bank is {problem.opening_bank:g}; expected a finite number, negative for allowances owed.",
            f"opening_bank 为 {problem.opening_bank:g}，应为有限的数，欠额为负。",
        )
    yield from _split_problems(problem)
    owner = problem.options.enterprise
    if np.any((owner < 0) | (owner >= len(problem.enterprise))):
        yield Said("options.enterprise points outside the enterprises.", "options.enterprise 指向未列出的企业。")
        return
    yield from _potential_problems(problem)


def _split_problems(problem: MarketProblem) -> Iterator[str]:
    split = problem.opening_split
    if split is None:
        return
    if split.shape != (len(problem.enterprise),):
        yield Said(
            f"opening_split has shape {split.shape}; expected one share for each enterprise.",
            f"opening_split 的形状为 {split.shape}，应为每家企业一个比例。",
        )
    elif np.any(split < 0) or abs(float(split.sum()) - 1.0) > SHARES_TOLERANCE:
        yield Said(
            f"opening_split adds up to {split.sum():g}; expected shares from 0 to 1 that add up to 1.",
            f"opening_split 合计为 {split.sum():g}，应为 0 到 1 之间、合计为 1 的比例。",
        )


def _potential_problems(problem: MarketProblem) -> Iterator[str]:
    """Options that together cut more than there is, outside response terms."""
    potential = problem.options.potential
    cut = problem.by_enterprise(np.where(problem.in_response, 0.0, potential) if problem.responses else potential)
    over = cut > problem.baseline * (1 + 1e-9) + 1e-6
    # A unit that is under a response rule in a year holds its emissions there.
    for row, column in np.argwhere(over)[:1]:
        place = _label_of(problem, "baseline", np.array([row, column]))
        yield (
            Said(
                f"options of {place} cut {cut[row, column]:g} t of {problem.baseline[row, column]:g} t "
                f"({int(over.sum())} such cases); potentials must add up to no more than the emissions.",
                f"{place.zh}的减排选项共减排 {cut[row, column]:g} 吨，而排放为 {problem.baseline[row, column]:g} "
                "吨（共 "
                f"{int(over.sum())} 处）；减排潜力合计不得超过排放量。",
            )
        )


def _response_problems(problem: MarketProblem) -> Iterator[str]:
    used: set[tuple[int, int]] = set()
    for term in problem.responses:
        where = Said(
            f"response term of enterprise {term.enterprise} in {term.year}",
            f"企业 {term.enterprise} 在 {term.year} 年的最优响应单元",
        )
        if not 0 <= term.enterprise < len(problem.enterprise) or term.year not in problem.year:
            yield Said(f"{where}: no such enterprise or year.", f"{where.zh}：没有该企业或年份。")
            continue
        where = Said(
            f"response term of {problem.enterprise[term.enterprise]} in {term.year}",
            f"{problem.enterprise[term.enterprise]} 在 {term.year} 年的最优响应单元",
        )
        if not (term.key >= 0 and term.other >= 0 and term.weight > 0):
            yield Said(
                f"{where}: emissions must not be negative and the weight must be positive.",
                f"{where.zh}：排放不得为负，weight 须为正。",
            )
        position = problem.year.index(term.year)
        for name, indices, emissions in (
            ("key", term.key_options, term.key),
            ("other", term.other_options, term.other),
        ):
            if any(not 0 <= option < len(problem.options.label) for option in indices):
                yield Said(
                    f"{where}: {name}_options point outside the options.",
                    f"{where.zh}：{name}_options 指向未列出的选项。",
                )
                continue
            shared = [problem.options.label[option] for option in indices if (option, term.year) in used]
            if shared:
                yield Said(
                    f"{where}: option {shorten(shared)} already belongs to another term of that year.",
                    f"{where.zh}：选项 {shorten(shared, 'zh')} 已属于当年的另一单元。",
                )
            used.update((option, term.year) for option in indices)
            cut = float(problem.options.potential[list(indices), position].sum())
            if cut > emissions * (1 + 1e-9) + 1e-6:
                yield Said(
                    f"{where}: {name} options cut {cut:g} t of {emissions:g} t.",
                    f"{where.zh}：{name} 选项减排 {cut:g} 吨，而排放为 {emissions:g} 吨。",
                )
        if term.balance_group and not isinstance(term.rule, BalancedRule):
            yield Said(
                f"{where}: its rule has no balance value to recalibrate, which group '{term.balance_group}' needs.",
                f"{where.zh}：其规则没有可重新校准的平衡值，而平衡组 '{term.balance_group}' 需要。",
            )


def _instrument_problems(problem: MarketProblem) -> Iterator[str]:
    labels = [instrument.label for instrument in problem.instruments]
    for label in sorted({label for label in labels if labels.count(label) > 1}):
        yield Said(
            f"instrument '{label}' is declared twice; give each its own name.", f"市场工具“{label}”重复，请分别命名。"
        )
    own = [sentence for instrument in problem.instruments for sentence in instrument.problems(problem.year)]
    yield from own
    if own:
        return
    names = [step.name for step in problem.steps]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Said(
            f"supply step '{name}' is declared twice; give each its own name.", f"供给项“{name}”重复，请分别命名。"
        )
    for instrument in problem.instruments:
        yield from instrument.problems_in(problem)
    if problem.given_price is not None:
        idle = [instrument.label for instrument in problem.instruments if not instrument.at_given_price]
        if idle:
            yield Said(
                f"instruments {shorten(idle)} have no effect at a given price; leave them out.",
                f"给定价格时，市场工具 {shorten(idle, 'zh')} 不起作用，请删去。",
            )
        if np.any(problem.given_price < 0):
            yield Said(
                f"given_price is {problem.given_price.min():g}; expected prices that are not negative.",
                f"given_price 为 {problem.given_price.min():g}，应为非负价格。",
            )
