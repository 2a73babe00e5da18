"""Transaction cost: what buying and selling allowances costs beside their price."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from carbonsim.errors import ParameterError, Said, SolverError
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.audit_ledger import IDENTITY, LEFT, gross_positions, worst
from carbonsim.market.enterprise_instrument import EnterpriseInstrument, Found, Margins, Published
from carbonsim.market.supply import Array, Instrument, MarketSetting, as_array, check_yearly, instruments, over_years

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.audit_enterprise_replies import OwnProgramme
    from carbonsim.market.certificate import Line
    from carbonsim.market.enterprise_data import EnterpriseData
    from carbonsim.market.enterprise_programme import Cell
    from carbonsim.market.problem import MarketProblem

PART = "transaction_cost_volume_chosen"
ROUNDING = 1e-12  # share of all an enterprise owes and is given before any cut: what rounding leaves of a balance
TRADED = 1e-9  # share of the largest trade below which an enterprise does not trade


@instruments.register("transaction_cost", parameters=())
@dataclass(frozen=True, slots=True, eq=False)
class TransactionCost(EnterpriseInstrument):
    r"""Trading costs so much a tonne, so much a year for who trades at all, and less a tonne for large volumes.

    .. math::
        :label: transaction-cost

        \min \dots + \sum_{e,y} d_y \big[ \tau^b_y b_{ey} + \tau^s_y v_{ey} + F_y z_{ey} + T(b_{ey} + v_{ey}) \big],
        \qquad b_{ey} + v_{ey} \le M_e z_{ey}, \quad z_{ey} \in \{0, 1\}

    b is bought and v sold. An allowance is worth :math:`\lambda = p + \tau^b + T'` to who buys and
    :math:`p - \tau^s - T'` to who sells; in between nobody trades, and the initial allocation decides who abates. T
    is the volume cost: a unit cost for each part of the year's volume, none dearer than the part before it, so T is
    concave and each further part is a binary column: :math:`T(q) = \min_k (a_k + c_k q)`. With binaries the prices
    are those of the chosen plan (``fixed_integer_dual``), and nobody trades more in a year than M, twice all that it
    can ever owe and be given. The cost is spent, not paid to another enterprise. It
    raises no revenue, drives buyers' and sellers' marginal costs apart, and leaves small enterprises to themselves.

    Parameters
    ----------
    purchase, sale : float or array [CNY/allowance] (year)
        Cost of each allowance bought and sold.
    participation : float or array [CNY] (year)
        Cost F of trading at all, for each enterprise and year.
    volume : sequence of float [allowance]
        Volumes bought and sold in a year at which the next part begins, rising.
    volume_cost : sequence of float [CNY/allowance]
        Unit cost of each part, one more than ``volume``, falling.
    """

    purchase: Array = 0.0  # type: ignore[assignment]  # a number is accepted and stored as an array
    sale: Array = 0.0  # type: ignore[assignment]
    participation: Array = 0.0  # type: ignore[assignment]
    volume: Sequence[float] = ()
    volume_cost: Sequence[float] = ()

    def __post_init__(self) -> None:
        for name in ("purchase", "sale", "participation"):
            object.__setattr__(self, name, as_array(getattr(self, name)))
        for name in ("volume", "volume_cost"):
            object.__setattr__(self, name, tuple(float(one) for one in getattr(self, name)))

    @property
    def label(self) -> str:
        """Name under which the cost appears."""
        return "transaction_cost"

    @property
    def splits_trade(self) -> bool:
        """Purchases and sales have costs of their own."""
        return True

    @property
    def has_integers(self) -> bool:
        """Taking part, and each part of the volume beyond the first, is a yes or no."""
        return bool(np.any(self.participation > 0)) or len(self.volume) > 0

    def yearly(self) -> dict[str, Array]:
        """Unit costs and the cost of taking part."""
        return {"purchase": self.purchase, "sale": self.sale, "participation": self.participation}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, parts that do not fit, and a cost of nothing."""
        found = check_yearly(self.label, self.yearly(), len(years))
        if any(np.any(np.isinf(array)) for array in self.yearly().values()):
            found.append(
                Said(
                    "transaction_cost holds an infinite cost; forbid trade by trade_limit instead.",
                    "transaction_cost 含无穷大的成本；禁止交易请用 trade_limit。",
                )
            )
        if len(self.volume_cost) != (len(self.volume) + 1 if len(self.volume) else len(self.volume_cost)):
            found.append(
                Said(
                    f"transaction_cost.volume_cost has {len(self.volume_cost)} values; expected "
                    f"{len(self.volume) + 1}, "
                    "one more than volume.",
                    f"transaction_cost.volume_cost 有 {len(self.volume_cost)} 个值，应为 {len(self.volume) + 1} 个，"
                    "比 volume 多一个。",
                )
            )
        elif len(self.volume_cost) == 1:
            found.append(
                Said(
                    "transaction_cost.volume_cost has one part; write it as purchase and sale.",
                    "transaction_cost.volume_cost 只有一段；请改写为 purchase 和 sale。",
                )
            )
        elif len(self.volume_cost) and not len(self.volume):
            found.append(
                Said(
                    "transaction_cost.volume_cost is given without volume, where its parts begin.",
                    "给出了 transaction_cost.volume_cost，但缺少各段起点 volume。",
                )
            )
        if np.any(np.diff(self.volume) <= 0) or any(not 0 < start < np.inf for start in self.volume):
            found.append(
                Said("transaction_cost.volume must be positive and rise.", "transaction_cost.volume 须为递增的正数。")
            )
        if np.any(np.diff(self.volume_cost) >= 0) or any(cost < 0 for cost in self.volume_cost):
            found.append(
                Said(
                    "transaction_cost.volume_cost must fall from part to part and not be negative; a unit cost that "
                    "rises "
                    "with volume is not offered.",
                    "transaction_cost.volume_cost 须逐段下降且非负；不提供随交易量上升的单位成本。",
                )
            )
        charged = any(np.any(array > 0) for array in self.yearly().values()) or any(self.volume_cost)
        if not found and not charged:
            found.append(
                Said("transaction_cost is 0 in every year; leave it out.", "transaction_cost 各年均为 0，请删去该项。")
            )
        return found

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """Refused: no dated parameter states a transaction cost."""
        raise ParameterError(
            "transaction_cost needs costs per tonne that no dated parameter states; use it in a problem file.",
            "transaction_cost 所需的每吨成本没有带日期的参数给出；请在问题文件中使用。",
        )

    def add_to_enterprise(self, cell: Cell) -> None:
        """Add the costs of trade; with a cost of taking part or volume parts, binary columns and their limits."""
        years, discount = cell.frame.years, cell.frame.discount
        purchase, sale = (over_years(array, len(years)) for array in (self.purchase, self.sale))
        first = float(self.volume_cost[0]) if len(self.volume_cost) else 0.0
        further = _further(cell, self.volume, self.volume_cost)
        for year in cell.years:
            y = years.index(year)
            cell.frame.cost.append(discount[year] * (float(purchase[y]) + first) * cell.purchased[year])
            cell.frame.cost.append(discount[year] * (float(sale[y]) + first) * cell.sold[year])
            for saving, fixed, part, chosen in further.get(year, ()):
                cell.frame.cost.append(-discount[year] * saving * part)
                cell.frame.cost.append(discount[year] * fixed * chosen)
        fee = over_years(self.participation, len(years))
        _add_participation(cell, fee)
        if self.has_integers:
            volume = {year: cell.purchased[year] + cell.sold[year] for year in cell.years}
            plain = {year: total for year, total in volume.items() if fee[years.index(year)] <= 0}
            cell.rows("transaction_cost_most", {year: (one, cell.number("most_held")) for year, one in plain.items()})

    def decided(self, data: EnterpriseData, column: Callable[[str], Array]) -> Mapping[str | tuple[str, int], Array]:
        """A volume at which a part just begins is charged as the part before, which costs the same."""
        volume = column("purchased") + column("sold")
        found: dict[str | tuple[str, int], Array] = {}
        for k, start in enumerate(self.volume, 1):
            at = np.abs(volume - start) <= TRADED * data.scale * data.most_held[:, None]
            before = np.where(at, 1.0, np.nan)
            found[PART, k] = np.fmin(found.get((PART, k), np.nan), np.where(at, 0.0, np.nan))
            if k > 1:
                found[PART, k - 1] = np.fmax(found[PART, k - 1], before)
        return found

    def publish_enterprises(self, data: EnterpriseData, found: Found) -> Mapping[str, Published]:
        """``transaction_cost`` [CNY] (enterprise, year)."""
        if self.has_integers and np.any(np.abs(found.trade) >= data.scale * data.most_held[:, None] * (1 - TRADED)):
            raise SolverError(
                "Somebody trades more than it ever needs or is given, the most that transaction_cost allows for in its "
                "yes-or-no decisions. Leave out what makes trade for its own sake pay (a rule that counts sales).",
                "有企业的交易量超过其需要量与所得配额，即 transaction_cost 的是非决策所允许的最大量。"
                "请删去使单纯买卖有利可图的规则（计入卖出量的规则）。",
            )
        return {"transaction_cost": (("enterprise", "year"), self._cost(found.trade), "CNY")}

    def _cost(self, net: Array) -> Array:
        years = net.shape[1]
        volume = np.abs(net)
        traded = volume > TRADED * max(1.0, float(volume.max(initial=0.0)))
        unit = np.where(net > 0, over_years(self.purchase, years), over_years(self.sale, years))
        cost = unit * volume + np.where(traded, over_years(self.participation, years), 0.0)
        starts = np.concatenate([[0.0], self.volume, [np.inf]])
        for k, part in enumerate(self.volume_cost):
            cost = cost + part * np.clip(volume - starts[k], 0.0, starts[k + 1] - starts[k])
        return np.asarray(np.where(traded, cost, 0.0))

    def margins(self, problem: MarketProblem, dataset: xr.Dataset) -> Margins:
        """Who buys faces price and cost, who sells price less cost; others any worth between, or any if it costs F."""
        years = len(problem.year)
        bought, sold = dataset.purchased.values, dataset.sold.values
        part = np.searchsorted(self.volume, bought + sold, side="left")
        unit = np.array(self.volume_cost)[part] if len(self.volume_cost) else np.zeros(bought.shape)
        first = self.volume_cost[0] if len(self.volume_cost) else 0.0
        up, down = over_years(self.purchase, years) + unit, over_years(self.sale, years) + unit
        stays_out = over_years(self.participation, years) > 0
        least = np.where(stays_out, -np.inf, -(over_years(self.sale, years) + first))
        most = np.where(stays_out, np.inf, over_years(self.purchase, years) + first)
        # What rounding leaves of a balance is no trade.
        tiny = ROUNDING * gross_positions(problem)
        least = np.where(bought > tiny, up, np.where(sold > tiny, -down, least))
        most = np.where(bought > tiny, up, np.where(sold > tiny, -down, most))
        return Margins(least, most)

    def answer(self, own: OwnProgramme) -> None:
        """The unit costs, the cost of taking part, and one part of the volume chosen for all that is traded."""
        years, discount = len(own.problem.year), own.problem.discount
        fee, on_buying, on_selling = (
            np.broadcast_to(array, (years,)) for array in (self.participation, self.purchase, self.sale)
        )
        for y, bought in own.bought.items():
            sold = own.sold[y]
            own.cost[bought] += float(discount[y] * on_buying[y])
            own.cost[sold] += float(discount[y] * on_selling[y])
            if not self.has_integers:
                continue
            parts, chosen, fixed = {}, {}, 0.0
            for k, unit in enumerate(self.volume_cost or (0.0,)):
                # The line of part k meets that of the part before where part k begins.
                fixed += (self.volume_cost[k - 1] - unit) * self.volume[k - 1] if k else 0.0
                amount = own.column(float(discount[y]) * unit)
                takes = own.column(float(discount[y]) * (fee[y] + fixed) / own.unit, high=1.0, whole=True)
                own.row({amount: 1.0, takes: -own.most}, -np.inf, 0.0)
                parts[amount], chosen[takes] = -1.0, 1.0
            own.row({bought: 1.0, sold: 1.0, **parts}, -np.inf, 0.0)
            own.row(chosen, -np.inf, 1.0)

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """The cost of each enterprise's trades, part by part of their volume."""
        bought, sold = dataset.purchased.values, dataset.sold.values
        total = np.zeros(bought.shape)
        for y in range(len(problem.year)):
            fee, on_buying, on_selling = (
                float(np.broadcast_to(array, (len(problem.year),))[y])
                for array in (self.participation, self.purchase, self.sale)
            )
            total[:, y] = on_buying * bought[:, y] + on_selling * sold[:, y]
            total[:, y] += np.where(bought[:, y] + sold[:, y] > 0, fee, 0.0)
        left = bought + sold
        for k, unit in enumerate(self.volume_cost):
            before = self.volume[k - 1] if k else 0.0
            room = self.volume[k] - before if k < len(self.volume) else np.inf
            total += unit * np.minimum(left, room)
            left = np.maximum(left - room, 0.0)
        each = over_years(self.purchase, len(problem.year)) + over_years(self.sale, len(problem.year))
        scale = np.maximum(total, LEFT * LEFT * each * gross_positions(problem))
        yield worst(
            "transaction_cost.paid", dataset.transaction_cost.values - total, scale, IDENTITY, problem.enterprise
        )


def _further(
    cell: Cell, volume: Sequence[float], unit: Sequence[float]
) -> dict[int, list[tuple[float, float, Any, Any]]]:
    """For each year and part beyond the first: saving per tonne, its fixed cost, the tonnes priced so, the choice."""
    found: dict[int, list[tuple[float, float, Any, Any]]] = {year: [] for year in cell.years}
    if not len(volume):
        return found
    index = [(k, year) for k in range(1, len(unit)) for year in cell.years]
    part = cell.columns("transaction_cost_volume_part", index)
    chosen = cell.columns(PART, index, binary=True)
    limits = {}
    fixed = np.concatenate([[0.0], np.cumsum(-np.diff(unit) * np.array(volume))]) / cell.frame.data.scale
    for k, year in index:
        limits[(k, year)] = (part[(k, year)] - cell.number("most_held") * chosen[(k, year)], 0.0)
        found[year].append((float(unit[0] - unit[k]), float(fixed[k]), part[(k, year)], chosen[(k, year)]))
    cell.rows("transaction_cost_volume_limit", limits)
    totals = {
        year: (sum(part[(k, year)] for k in range(1, len(unit))) - cell.purchased[year] - cell.sold[year], 0.0)
        for year in cell.years
    }
    cell.rows("transaction_cost_volume_total", totals)
    return found


def _add_participation(cell: Cell, fee: Array) -> None:
    years = [year for year in cell.years if fee[cell.frame.years.index(year)] > 0]
    if not years:
        return
    trades = cell.columns("transaction_cost_trades", years, binary=True)
    limits = {}
    for year in years:
        y = cell.frame.years.index(year)
        cell.frame.cost.append(cell.frame.discount[year] * float(fee[y]) / cell.frame.data.scale * trades[year])
        limits[year] = (cell.purchased[year] + cell.sold[year] - cell.number("most_held") * trades[year], 0.0)
    cell.rows("transaction_cost_trades_limit", limits)
