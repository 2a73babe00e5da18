"""Prices and side payments where enterprises decide yes or no: hull price, supporting prices, what each one forgoes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carbonsim.errors import SolverError
from carbonsim.market.enterprise_data import EnterpriseData
from carbonsim.market.enterprise_hull import HullProgramme
from carbonsim.market.enterprise_instrument import Published
from carbonsim.market.enterprise_replies import Replies
from carbonsim.market.enterprise_search import Search
from carbonsim.market.supply import Array
from carbonsim.solving import DualFace, LoadedProgramme
from carbonsim.solving.tile import TiledProgramme

LARGEST_HULL = 1_000  # enterprises times years up to which hull and supporting prices are computed
LARGEST_REPLIES = 50  # the same where enterprises have many choices, whose replies are searched one by one
SAME = 5e-8  # share of the money at stake below which a gap is rounding
UNBOUNDED = 0.99

PRICE_RULE = (
    "allowance_price is the dual once the yes-or-no decisions are fixed as chosen (fixed_integer_dual); at it somebody "
    "may lose by its decision, which uplift states. hull_price is the lowest path of prices with the smallest uplift "
    "in all; supporting_low to supporting_high holds the prices, if there are any, at which nobody regrets its plan. "
    "uplift is counted at allowance_price, or along hull_price where a year's allowance_price is undetermined."
)
FOUND = "searched over every enterprise's best replies"
NONE = "searched over every enterprise's best replies: no path of prices supports the plan"


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """What is published of a market with yes-or-no decisions, and the words that go with it."""

    published: dict[str, Published]
    words: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class _Hull:
    """Hull prices, both ends of the supporting ones (present values) and the bound; NaN where there are none."""

    price: Array
    low: Array
    high: Array
    bound: float
    words: str


def price_decisions(
    data: EnterpriseData, tiled: TiledProgramme, plan: Array, duals: Array, known: bool, *, hull: HullProgramme | None
) -> Decided:
    r"""Hull price, supporting prices and uplift of a plan with yes-or-no decisions.

    .. math::
        :label: uplift-of-decisions

        L(\pi) = \sum_e \min_{x \in X_e} \Big( C_e(x) + \sum_y d_y \pi_y t_{ey}(x) \Big)
        + \text{supply's part}(\pi), \qquad
        \text{uplift}_e = C_e(x^*) + \sum_y d_y \pi_y t^*_{ey} - \min_{x \in X_e}(\dots) \ge 0, \qquad
        \sum_e \text{uplift}_e + \text{supply's uplift} = C^* - L(\pi)

    X_e is everything an enterprise may do, t what it buys less what it sells. The hull price maximises L, so it leaves
    the smallest uplift. A price supports the plan where :math:`L(\pi) = C^*`: if there is no gap the hull prices are
    the supporting ones, else there are none. At the price once decisions are fixed, supply loses nothing.

    Parameters
    ----------
    data : EnterpriseData
    tiled : TiledProgramme
        With its integers.
    plan : array (column)
        The plan chosen.
    duals : array (row)
        Of the programme with its integers fixed.
    known : bool
        Whether they determine the price of every year.
    hull : HullProgramme or None
        The programme over mixtures of everybody's choices; without it prices are searched by replies.
    """
    replies, problem = Replies(tiled), data.problem
    size = _at_stake(replies, plan, duals)
    found = _hull(data, replies, plan, duals, size, hull)
    discount, scale = problem.discount, data.scale
    uplift, market = np.full(len(problem.enterprise), np.nan), np.nan
    quoted = duals[: replies.shared] if known else -found.price
    if not np.isnan(quoted).any() and not _rations(tiled):
        uplift[:] = 0.0
        firms = np.concatenate([members.enterprise for members in data.cohorts])
        lost = [replies.at(block, plan, quoted).cost - replies.best(block, quoted).cost for block in replies.blocks]
        uplift[firms] = scale * _rounded(np.array(lost), size)
        market = 0.0 if known else scale * float(_rounded(_supply_loss(replies, plan, quoted), size))
    money, per_tonne = "CNY", "CNY/tCO2e"
    published: dict[str, Published] = {
        "hull_price": (("year",), found.price / discount, per_tonne),
        "supporting_low": (("year",), found.low / discount, per_tonne),
        "supporting_high": (("year",), found.high / discount, per_tonne),
        "uplift": (("enterprise",), uplift, money),
        "uplift_market": ((), np.array(market), money),
    }
    return Decided(published, {"price_rule": PRICE_RULE, "supporting_rule": found.words})


def _hull(
    data: EnterpriseData, replies: Replies, plan: Array, duals: Array, size: float, hull: HullProgramme | None
) -> _Hull:
    years = len(data.problem.year)
    nothing = np.full(years, np.nan)
    words = _unsearched(data, replies, LARGEST_REPLIES if hull is None else LARGEST_HULL)
    if words:
        return _Hull(nothing, nothing, nothing, np.nan, words)
    total = float(replies.programme.cost @ plan)
    if hull is not None:
        return _hull_of_choices(hull, years, total, size)
    search = Search(replies, size)
    search.start(plan, duals[: replies.shared])
    bound = search.bound()
    price = _tidy(-search.end(np.ones(years)), search.most)
    if total - bound > SAME * size:
        return _Hull(price, nothing, nothing, bound, NONE)
    low, high = (
        _tidy(np.array([-search.end(sign * row)[y] for y, row in enumerate(np.eye(years))]), search.most)
        for sign in (1.0, -1.0)
    )
    return _Hull(price, low, high, bound, FOUND)


def _hull_of_choices(hull: HullProgramme, years: int, total: float, size: float) -> _Hull:
    """Prices as duals of the programme over mixtures: all of its optimal ones, and their ends."""
    nothing, balance = np.full(years, np.nan), range(years)
    solution = LoadedProgramme(hull.programme, warm=True).solve()
    least = None
    if solution is not None:
        face = DualFace(hull.programme, solution)
        least = face.toward(dict.fromkeys(balance, 1.0))
    if solution is None or least is None:
        raise SolverError(
            "The programme over mixtures of choices has no point, though it has a plan.",
            "各企业选择混合后的规划没有可行点，尽管已有方案。",
        )
    price = _present(least, years)
    if total - solution.objective > SAME * size:
        return _Hull(price, nothing, nothing, solution.objective, NONE)
    ends = []
    for sign in (1.0, -1.0):
        found = [face.toward({y: sign}) for y in balance]
        ends.append(np.array([np.inf if one is None else _present(one, years)[y] for y, one in enumerate(found)]))
    return _Hull(price, ends[0], ends[1], solution.objective, FOUND)


def _present(duals: Array, years: int) -> Array:
    return _tidy(-duals[:years], np.inf)


def _tidy(price: Array, most: float) -> Array:
    found = np.where(price > UNBOUNDED * most, np.inf, price)
    real = float(np.abs(found[np.isfinite(found)]).max(initial=0.0))
    return np.asarray(np.where(found <= SAME * max(real, 1.0), 0.0, found))


def _unsearched(data: EnterpriseData, replies: Replies, largest: int) -> str:
    """Why hull and supporting prices are not searched; empty if they are."""
    count = len(data.problem.enterprise) * len(data.problem.year)
    if count > largest:
        return f"not searched: {count} enterprise-years are more than {largest}; allowance_price and uplift are"
    if replies.shared > len(data.problem.year):
        return "not searched: places or shared quantities have prices of their own beside the market's"
    return ""


def _rations(tiled: TiledProgramme) -> bool:
    """Whether a quantity of offsets is shared by all, so that its scarcity has a price that is not published."""
    return any(name.split("[")[0].endswith(".limit") for name in tiled.template.form.rows)


def _at_stake(replies: Replies, plan: Array, duals: Array) -> float:
    """Money against which a gap is rounding: what is spent and traded."""
    spent = float(np.abs(replies.programme.cost * plan).sum())
    traded = sum(float(np.abs(duals[: replies.shared] * replies.at(b, plan, duals[: replies.shared]).use).sum())
                 for b in replies.blocks)  # fmt: skip
    return max(spent + traded, 1e-6)


def _rounded(lost: Array, size: float) -> Array:
    return np.asarray(np.where(np.abs(lost) <= SAME * size, 0.0, lost))


def _supply_loss(replies: Replies, plan: Array, dual: Array) -> Array:
    """What is forgone at given prices on steps that sell, and on allowances that nobody takes."""
    whole, rows, columns = replies.programme, replies.shared, replies.shared_columns
    margin = whole.cost[:columns] - whole.matrix[:rows, :columns].T @ dual
    upper = np.where(margin < 0, whole.column_upper[:columns], 0.0)
    best = np.where(margin < 0, margin, 0.0) * np.where(np.isinf(upper), 0.0, upper)
    left = whole.row_upper[:rows] - (whole.matrix @ plan)[:rows]
    return np.asarray(float(np.sum(margin * plan[:columns] - best)) - float(dual @ left))
