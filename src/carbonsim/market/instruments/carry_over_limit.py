"""Carry-over limit: what an enterprise keeps beyond the holdings date depends on what it has sold, net."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from carbonsim.errors import ParameterError, Said, shorten
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.audit_ledger import IDENTITY, worst
from carbonsim.market.enterprise_instrument import (
    Coupled,
    EnterpriseInstrument,
    Found,
    Margins,
    Published,
    no_margin,
)
from carbonsim.market.instruments.banking import Banking
from carbonsim.market.supply import Array, Instrument, MarketSetting, instruments

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.audit_enterprise_replies import OwnProgramme
    from carbonsim.market.certificate import Line
    from carbonsim.market.enterprise_data import EnterpriseData
    from carbonsim.market.enterprise_programme import Cell, EnterpriseFrame
    from carbonsim.market.problem import MarketProblem

ROUNDING = 1e-6  # tonnes below a whole number that are the solver's, not the law's
WORTH = 2e-6
SOLVED = 1e-7
FREED = 1e-8
SELLER = "carry_over_limit_seller"
EVERY = "all"  # field of an enterprise that is in none, if base and multiple are single numbers


@instruments.register("carry_over_limit", parameters=())
@dataclass(frozen=True, slots=True, eq=False)
class CarryOverLimit(EnterpriseInstrument):
    r"""An enterprise keeps at most a base and a multiple of its net sales beyond the holdings date; the rest expires.

    .. math::
        :label: carry-over-limit

        B_{eh} \le \beta_e + m_e n_e \quad [d_h \nu_e], \qquad
        0 \le n_e \le M_e u_e, \quad n_e \le \sum_{y \in W} (v_{ey} - b_{ey}) + n^0_e + M_e (1 - u_e), \quad
        u_e \in \{0, 1\}

    h is the year at whose end holdings count, W the years in which sales v less purchases b are counted. A net seller
    that would keep more earns :math:`\lambda_{ey} = p_y + m_e \nu_e d_h / d_y`: a sale frees room for m further
    tonnes. The maximum :math:`\max(n, 0)` stands on the wrong side for a linear programme, so each enterprise whose
    limit can grow has a binary, also who is never short: at price 0 it may take what others must sell to keep more.
    ``carry_over_seller`` publishes it, 1 wherever something is sold net. The rule gives an incentive to sell before
    the date and to buy back after it, which the programme shows where it pays. Prices are those of the chosen plan
    (``fixed_integer_dual``). ``carry_over_worth`` is :math:`\nu`; where nothing is kept and nothing may be, the least
    that the worths of an allowance imply.

    The law rounds the limit down to whole tonnes. That is done on the finished ledger: ``carry_over_limit`` is the
    rounded limit, ``carried_over`` what may be kept under it, and ``carry_over_forgone`` the part of a tonne by which
    the published bank exceeds it, which no later balance is charged with.

    Parameters
    ----------
    year : int
        Holdings count at the end of this year.
    counting : sequence of int
        Years whose sales and purchases count.
    base, multiple : float or mapping of str to float [allowance], [1]
        Base and multiple of net sales; one number, or one for each field.
    field_of : mapping of str to str, optional
        Field of each enterprise, such as power or industry, if base or multiple are given by field.
    not_complied : sequence of str, optional
        Enterprises that have not met their obligations: they keep nothing.
    sold_before : mapping of str to float [allowance], optional
        Net sales of an enterprise in counting years before the market's first, negative for net purchases.
    """

    year: int
    counting: Sequence[int]
    base: float | Mapping[str, float]
    multiple: float | Mapping[str, float]
    field_of: Mapping[str, str] = field(default_factory=dict)
    not_complied: Sequence[str] = ()
    sold_before: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counting", tuple(int(year) for year in self.counting))
        object.__setattr__(self, "not_complied", tuple(self.not_complied))

    @property
    def label(self) -> str:
        """Name under which the rows and columns appear."""
        return "carry_over_limit"

    @property
    def has_integers(self) -> bool:
        """Being a net seller is a yes or no, where sales raise what may be kept."""
        multiples = self.multiple.values() if isinstance(self.multiple, Mapping) else (self.multiple,)
        return any(multiple > 0 for multiple in multiples)

    @property
    def couples_prices(self) -> bool:
        """What a sale earns depends on the worth of carrying over."""
        return True

    @property
    def relaxes(self) -> tuple[str, ...]:
        """What to relax where too little can be carried."""
        return (Said("the limit on what is carried over (carry_over_limit.base)", "结转限额（carry_over_limit.base）"),)

    def problems(self, years: Sequence[int]) -> list[str]:
        """Years outside the market or in the wrong order, numbers below zero, fields that have none."""
        return list(self._wrong_settings(years))

    def _wrong_settings(self, years: Sequence[int]) -> Iterator[str]:
        if self.year not in years or self.year == years[-1]:
            yield Said(
                f"carry_over_limit.year is {self.year}; expected a year of the market before the last "
                f"({years[-1]}), so that there is a year to carry over into.",
                f"carry_over_limit.year 为 {self.year}，应为市场中末年（{years[-1]}）之前的年份，"
                "以便有可结转到的年份。",
            )
        if not self.counting or max(self.counting) > self.year or len(set(self.counting)) < len(self.counting):
            yield Said(
                f"carry_over_limit.counting is {shorten(self.counting)}; expected years up to {self.year}.",
                f"carry_over_limit.counting 为 {shorten(self.counting, 'zh')}，应为不晚于 {self.year} 的年份。",
            )
        elif not set(self.counting) & set(years):
            yield Said(
                "carry_over_limit.counting holds no year of the market; give net sales as sold_before.",
                "carry_over_limit.counting 不含市场的任何年份；请用 sold_before 给出净卖出量。",
            )
        for name in ("base", "multiple"):
            value = getattr(self, name)
            numbers = list(value.values()) if isinstance(value, Mapping) else [value]
            if not all(0 <= number < np.inf for number in numbers):
                yield Said(
                    f"carry_over_limit.{name} holds {shorten(numbers)}; expected finite numbers from 0.",
                    f"carry_over_limit.{name} 含 {shorten(numbers, 'zh')}，应为有限的非负数。",
                )
            if isinstance(value, Mapping) and (lost := sorted(set(self.field_of.values()) - set(value))):
                yield Said(
                    f"carry_over_limit.{name} has no number for the field {shorten(lost)}.",
                    f"carry_over_limit.{name} 未给出行业 {shorten(lost, 'zh')} 的数值。",
                )

    def problems_in(self, problem: MarketProblem) -> list[str]:
        """Enterprises that are not there or in no field, blocks without an identity, a market that carries nothing."""
        return list(self._wrong_beside(problem))

    def _wrong_beside(self, problem: MarketProblem) -> Iterator[str]:
        named = {*self.field_of, *self.not_complied, *self.sold_before}
        if unknown := sorted(named - set(problem.enterprise)):
            yield Said(
                f"carry_over_limit names {shorten(unknown)}, which is no enterprise of the market.",
                f"carry_over_limit 提到 {shorten(unknown, 'zh')}，市场中没有该企业。",
            )
        by_field = isinstance(self.base, Mapping) or isinstance(self.multiple, Mapping)
        if by_field and (lost := [name for name in problem.enterprise if name not in self.field_of]):
            yield Said(
                f"carry_over_limit.field_of says nothing of {shorten(lost)}; give every enterprise its field.",
                f"carry_over_limit.field_of 未给出 {shorten(lost, 'zh')} 的行业；请为每家企业给出行业。",
            )
        blocks = [problem.enterprise[term.enterprise] for term in problem.responses if term.weight != 1]
        if blocks:
            yield Said(
                f"carry_over_limit belongs to single enterprises, but {shorten(sorted(set(blocks)))} stands for "
                "several (weight): what each of them may keep is not known from their total. List them one by one.",
                f"carry_over_limit 针对单个企业，而 {shorten(sorted(set(blocks)), 'zh')} 代表多家（weight）："
                "由其合计无法得知每家可留多少。请逐家列出。",
            )
        if not any(isinstance(one, Banking) for one in problem.instruments):
            yield Said(
                "carry_over_limit limits what is carried over, but nothing is; declare banking.",
                "carry_over_limit 限制结转，但市场并无结转；请声明 banking。",
            )
        elif any(isinstance(one, Banking) and np.any(one.borrowing > 0) for one in problem.instruments):
            yield Said(
                "carry_over_limit and borrowing exclude each other; leave banking.borrowing out.",
                "carry_over_limit 与预借不能并用；请删去 banking.borrowing。",
            )

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """Refused: it needs each enterprise by itself, which a study's market of blocks does not have."""
        raise ParameterError(
            "carry_over_limit needs every enterprise by itself, with its field and whether it complied; use it in a "
            "problem file.",
            "carry_over_limit 需要逐家企业的行业及其是否履约；请在问题文件中使用。",
        )

    def _by_enterprise(self, name: str, enterprise: Sequence[str]) -> Array:
        value = getattr(self, name)
        found = [value[self.field_of[one]] if isinstance(value, Mapping) else value for one in enterprise]
        complied = [one not in self.not_complied for one in enterprise]
        return np.where(complied, np.array(found, dtype=float), 0.0)

    def _before(self, enterprise: Sequence[str]) -> Array:
        return np.array([float(self.sold_before.get(name, 0.0)) for name in enterprise])

    def enterprise_numbers(self, data: EnterpriseData) -> Mapping[str, Array]:
        """Base, multiple, earlier net sales and what can never be exceeded, in the programme's unit."""
        names = data.problem.enterprise
        before = self._before(names) / data.scale
        return {
            "carry_over_base": self._by_enterprise("base", names) / data.scale,
            "carry_over_multiple": self._by_enterprise("multiple", names),
            "carry_over_before": before,
            "carry_over_most": data.most_held + np.abs(before),
            # Who is no net seller may take what others give away to be net sellers, so no less than all there is.
            "carry_over_others": np.full(len(names), data.most_held.sum()),
            "carry_over_slack": data.most_held.sum() + before,
        }

    def structure(self, data: EnterpriseData) -> NDArray[np.generic]:
        """Whether the limit can grow with sales, which takes a binary; (enterprise, 1)."""
        return (self._by_enterprise("multiple", data.problem.enterprise) > 0)[:, None]

    def decided(self, data: EnterpriseData, column: Callable[[str], Array]) -> Mapping[str | tuple[str, int], Array]:
        """Who sells net is a net seller: its binary is 1, also where the cost leaves it open."""
        problem = data.problem
        trade = column("purchased") - column("sold") if data.splits_trade else column("trade")
        y = problem.year.index(self.year)
        net = self._before(problem.enterprise) - trade[:, self._counted(problem)].sum(axis=1)
        settled = np.full(trade.shape, np.nan)
        settled[:, y] = np.where(net > SOLVED * data.scale * data.most_held, 1.0, np.nan)
        return {SELLER: settled}

    def _counted(self, problem: MarketProblem) -> list[int]:
        return [problem.year.index(year) for year in self.counting if year in problem.year]

    def add_to_enterprise(self, cell: Cell) -> None:
        """Add net sales, the binary where it is needed, and the limit on the bank at the holdings date."""
        if self.year not in cell.bank:
            return
        bank, base = cell.bank[self.year], cell.number("carry_over_base")
        if not self.structure(cell.frame.data)[cell.enterprise, 0]:
            cell.rows("carry_over_limit_held", {self.year: (bank, base)})
            return
        sales = cell.columns("carry_over_limit_sales", [self.year])[self.year]
        bought = sum(cell.trade[year] for year in self.counting if year in cell.trade)
        seller = cell.columns(SELLER, [self.year], binary=True)[self.year]
        most, others = cell.number("carry_over_most"), cell.number("carry_over_others")
        cell.rows("carry_over_limit_sells", {self.year: (sales - most * seller, 0.0)})
        cell.rows(
            "carry_over_limit_net", {self.year: (sales + bought + others * seller, cell.number("carry_over_slack"))}
        )
        cell.rows("carry_over_limit_held", {self.year: (bank - cell.number("carry_over_multiple") * sales, base)})

    def add_links(self, frame: EnterpriseFrame) -> None:
        """A sale counts only if somebody buys: at price 0 nothing may be sold to nobody."""
        frame.require_buyers(self.label, [year for year in self.counting if year in frame.years])

    def publish_enterprises(self, data: EnterpriseData, found: Found) -> Mapping[str, Published]:
        """The rounded limit, what is kept under it, the part of a tonne forgone, and the worth of a tonne more."""
        problem = data.problem
        y = problem.year.index(self.year)
        net = self._before(problem.enterprise) - found.trade[:, self._counted(problem)].sum(axis=1)
        bound = self._by_enterprise("base", problem.enterprise)
        bound = bound + self._by_enterprise("multiple", problem.enterprise) * np.maximum(net, 0.0)
        limit = np.floor(bound + ROUNDING)
        bank = found.bank[:, y]
        kept = np.minimum(bank, limit)
        # The solver's rounding is no part of a tonne.
        forgone = np.where(bank - kept > FREED * np.maximum(bank, 1.0), bank - kept, 0.0)
        worth = self._least_worth(data, found)
        firms = ("enterprise",)
        return {
            "carry_over_limit": (firms, limit, "allowance"),
            "carried_over": (firms, kept, "allowance"),
            "carry_over_forgone": (firms, forgone, "allowance"),
            "carry_over_worth": (("enterprise", "year"), np.where(np.abs(worth) < WORTH, 0.0, worth), "CNY/tCO2e"),
            "carry_over_seller": (firms, np.round(found.column(SELLER)[:, y] / data.scale), "1"),
        }

    def _least_worth(self, data: EnterpriseData, found: Found) -> Array:
        """The dual of the limit; an empty bank under a limit of 0 leaves it open upwards, so there the least one."""
        y, discount = data.problem.year.index(self.year), data.problem.discount
        worth = found.dual("carry_over_limit_held") / discount
        present = found.dual("balance")
        gain = np.maximum(present[:, y + 1] - present[:, y], 0.0) / discount[y]
        closed = found.bank[:, y] <= SOLVED * data.scale * data.most_held
        worth[:, y] = np.where(closed, np.minimum(worth[:, y], gain), worth[:, y])
        return worth

    def _audited(self, problem: MarketProblem, dataset: xr.Dataset) -> tuple[Array, Array, Array]:
        """For the audit: net sales, multiple and unrounded limit of each enterprise, from the published trades."""
        net, multiple, limit = (np.zeros(len(problem.enterprise)) for _ in range(3))
        sold, bought = dataset.sold.values, dataset.purchased.values
        for e, name in enumerate(problem.enterprise):
            net[e] = self.sold_before.get(name, 0.0)
            for y, year in enumerate(problem.year):
                if year in self.counting:
                    net[e] += sold[e, y] - bought[e, y]
            if name not in self.not_complied:
                own = self.field_of.get(name, EVERY)
                multiple[e] = self.multiple[own] if isinstance(self.multiple, Mapping) else self.multiple
                limit[e] = self.base[own] if isinstance(self.base, Mapping) else self.base
                limit[e] += multiple[e] * max(net[e], 0.0)
        return net, multiple, limit

    def margins(self, problem: MarketProblem, dataset: xr.Dataset) -> Margins:
        """A net seller at its limit earns by a sale the multiple of what carrying a tonne more is worth."""
        net, multiple, limit = self._audited(problem, dataset)
        y = problem.year.index(self.year)
        least, most = no_margin(problem)
        table = np.full(most.shape, np.inf)
        table[:, y] = limit
        counted = [c for c, year in enumerate(problem.year) if year in self.counting]
        size = SOLVED * _moved(dataset)
        held = dataset.enterprise_bank.values[:, y] >= limit - size
        # A net seller that sells nothing net may not buy: its worth is no less, and may be more, than what sales earn.
        seller = dataset.carry_over_seller.values > 0.5
        stands = seller & (np.abs(net) <= size)
        most[np.ix_(stands, counted)] = np.inf
        pairs = tuple(
            Coupled(int(e), tuple(counted), float(multiple[e]), y)
            for e in np.flatnonzero(((net > size) | stands) & (multiple > 0) & held)
        )
        return Margins(least, most, bank_most=table, coupled=pairs)

    def answer(self, own: OwnProgramme) -> None:
        """What is kept is at most the base and the multiple of net sales, of which there are none below zero."""
        y, name = own.problem.year.index(self.year), own.problem.enterprise[own.enterprise]
        if y not in own.bank:
            return
        base, multiple = (
            0.0
            if name in self.not_complied
            else float(value[self.field_of[name]] if isinstance(value, Mapping) else value)
            for value in (self.base, self.multiple)
        )
        before, large = float(self.sold_before.get(name, 0.0)) / own.unit, 2.0 * float(len(own.problem.enterprise))
        counted = [c for c, year in enumerate(own.problem.year) if year in self.counting and c in own.bought]
        net, seller = own.column(), own.column(high=1.0, whole=True)
        own.row({own.bank[y]: 1.0, net: -multiple}, -np.inf, base / own.unit)
        own.row({net: 1.0, seller: -own.most - abs(before)}, -np.inf, 0.0)
        trade = {**{own.bought[c]: 1.0 for c in counted}, **{own.sold[c]: -1.0 for c in counted}}
        own.row({net: 1.0, **trade, seller: large}, -np.inf, large + before)

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """The bank within its bound, the limit rounded down, what is kept and forgone, and what a tonne is worth."""
        firms, y = problem.enterprise, problem.year.index(self.year)
        bank, (_, _, bound) = dataset.enterprise_bank.values[:, y], self._audited(problem, dataset)
        size = np.maximum(bound, _moved(dataset))
        counted = [c for c, year in enumerate(problem.year) if year in self.counting]
        net = dataset.net_purchase.values
        lost = np.minimum(net.sum(axis=0), 0.0)[counted]
        traded = np.maximum(np.abs(net).sum(axis=0)[counted], 1e-9)
        yield worst("carry_over_limit.sold_is_bought", lost, traded, SOLVED, [problem.year[c] for c in counted])
        yield worst("carry_over_limit.bound", np.maximum(bank - bound, 0.0), size, SOLVED, firms)
        limit, kept = dataset.carry_over_limit.values, dataset.carried_over.values
        yield worst("carry_over_limit.seller", self._seller_wrong(problem, dataset), 1.0, 0.0, firms)
        whole = np.floor(bound + ROUNDING)
        yield worst("carry_over_limit.rounded", limit - whole, np.maximum(whole, 1.0), IDENTITY, firms)
        yield worst("carry_over_limit.kept", kept - np.minimum(bank, limit), np.maximum(bank, 1e-3), IDENTITY, firms)
        forgone = dataset.carry_over_forgone.values
        # What is forgone is freed of rounding, which grows with the balance it is the small difference of.
        rounding = np.maximum(1.0, FREED * np.maximum(size, bank) / SOLVED)
        yield worst("carry_over_limit.forgone", forgone - (bank - kept), rounding, SOLVED, firms)
        beyond = np.maximum(forgone - 1.0, 0.0) + np.maximum(-forgone, 0.0)
        yield worst("carry_over_limit.part_of_a_tonne", beyond, 1.0, SOLVED, firms)
        worth = np.nan_to_num(dataset.enterprise_price.values)
        gain = worth[:, y + 1] * problem.discount[y + 1] / problem.discount[y] - worth[:, y]
        # Where another limit on the bank binds, it takes its part of the gain.
        held = bank >= bound - size * SOLVED
        gain = np.where(held & (gain > WORTH * np.maximum(worth[:, y], 1e-3)), gain, 0.0)
        if "holding_limit_value" in dataset:
            gain = np.maximum(gain - dataset.holding_limit_value.values[:, y], 0.0)
        expected = np.zeros(worth.shape)
        expected[:, y] = gain
        apart = dataset.carry_over_worth.values - expected
        yield worst("carry_over_limit.worth", apart, np.maximum(expected, 1e-3), 10 * WORTH, firms)

    def _seller_wrong(self, problem: MarketProblem, dataset: xr.Dataset) -> Array:
        """1 where the published yes or no is neither, or not that of who sells or buys net."""
        net, multiple, _ = self._audited(problem, dataset)
        seller = dataset.carry_over_seller.values
        size = SOLVED * _moved(dataset)
        wrong = ~np.isin(seller, (0.0, 1.0)) | ((seller != 0) & (multiple == 0))
        wrong |= (seller == 0) & (net > size) & (multiple > 0)
        return np.asarray(wrong | ((seller == 1) & (net < -size)), dtype=float)


def _moved(dataset: xr.Dataset) -> Array:
    """For the audit: most that each enterprise owes, is given or trades in a year."""
    moved = dataset.obligation.values + np.abs(dataset.free_allocation.values) + np.abs(dataset.net_purchase.values)
    return np.asarray(np.maximum(moved.max(axis=1), 1e-9))
