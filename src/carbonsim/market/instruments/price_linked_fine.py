"""Fine that is a multiple of the market price: it follows the price and gives no cap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from carbonsim.errors import InfeasibleError, InputError, Said
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.supply import (
    Array,
    Instrument,
    MarketSetting,
    as_array,
    check_yearly,
    from_start,
    instruments,
    over_years,
)

if TYPE_CHECKING:
    import xarray as xr

    from carbonsim.market.certificate import Line
    from carbonsim.market.problem import MarketProblem
    from carbonsim.market.programme import Frame

GAIN = 2e-6  # gain per tonne, relative to the price, that a solver's tolerance may leave


@instruments.register("price_linked_fine", parameters=("market.fine_multiple", "market.next_year_cut"))
@dataclass(frozen=True, slots=True, eq=False)
class PriceLinkedFine(Instrument):
    r"""What is not surrendered is fined at a multiple of the market price, which gives the price no cap.

    .. math::
        :label: price-linked-fine

        u_y \ge 0 \;\perp\; q_y m_y\, p_y + c_y \frac{d_{y+1}}{d_y}\, p_{y+1} \ge p_y

    A tonne left unmet costs the fine m p with the probability q that it is enforced, and c allowances of next year if
    the law cuts them or has them made good; it saves p. With :math:`q m \ge 1` the left side is never below the right
    one, whatever the price: nobody gains by leaving anything unmet, and the instrument adds **no column and no row**.
    It publishes the fine for each tonne, ``<name>`` :math:`= m_y p_y`. With :math:`q m < 1` and no cut, every positive
    price is more than the expected fine, so everybody would leave everything unmet: no positive price clears and the
    instrument is refused. With :math:`q m < 1` and a cut, :math:`u = 0` is an equilibrium exactly if the price rises
    enough, :math:`(1 - q_y m_y)\, d_y p_y \le c_y\, d_{y+1} p_{y+1}` in every year; the cleared market is checked for
    it. Where it fails, prices at which some obligations stay unmet depend on the fine and the fine on them; that is no
    least-cost programme, and the market is refused with the year and the two numbers.

    Parameters
    ----------
    multiple : float or array [1] (year)
        Fine m per missing allowance as a multiple of the year's price; 0 in a year without a fine.
    enforcement : float or array [1] (year)
        Probability q that the fine is imposed, 0..1.
    cut : float or array [allowance/tCO2e] (year)
        Allowances of next year that a missing one costs.
    until : int, optional
        Last compliance year whose missing allowances are cut from the next year's.
    beyond : float [CNY/tCO2e], optional
        Price of an allowance in the year after the last, discounted to the last.
    name : str
        Label, unique in a market.
    """

    multiple: Array
    enforcement: Array = 1.0  # type: ignore[assignment]  # a number is accepted and stored as an array
    cut: Array = 0.0  # type: ignore[assignment]
    until: int | None = None
    beyond: float | None = None
    name: str = "price_linked_fine"

    def __post_init__(self) -> None:
        for field in ("multiple", "enforcement", "cut"):
            object.__setattr__(self, field, as_array(getattr(self, field)))

    @property
    def label(self) -> str:
        """Name of the instrument and of the fine it publishes."""
        return self.name

    @property
    def is_its_steps(self) -> bool:
        """It has none, and adds nothing to any programme."""
        return True

    @property
    def relaxes(self) -> tuple[str, ...]:
        """The fine is no way out when allowances are missing."""
        return (
            Said(
                f"{self.name} gives no cap, since it rises with the price: declare a penalty with a fee in money, or a "
                "price_ceiling",
                f"{self.name} 随碳价上升，不构成上限：请声明按金额计的 penalty 或 price_ceiling",
            ),
        )

    def yearly(self) -> dict[str, Array]:
        """Multiple, probability and cut."""
        return {"multiple": self.multiple, "enforcement": self.enforcement, "cut": self.cut}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, a probability above 1, and years in which no positive price could clear."""
        found = check_yearly(self.label, self.yearly(), len(years))
        if np.any(self.enforcement > 1):
            found.append(
                Said(
                    f"{self.label}.enforcement is {self.enforcement.max():g}; expected a probability from 0 to 1.",
                    f"{self.label}.enforcement 为 {self.enforcement.max():g}，应为 0 到 1 之间的概率。",
                )
            )
        if np.any(np.isinf(self.multiple)) or np.any(np.isinf(self.cut)):
            found.append(
                Said(
                    f"{self.label} has an infinite multiple or cut; expected finite numbers.",
                    f"{self.label} 的 multiple 或 cut 为无穷大，应为有限的数。",
                )
            )
        if self.beyond is not None and not (np.isfinite(self.beyond) and self.beyond >= 0):
            found.append(
                Said(
                    f"{self.label}.beyond is {self.beyond:g}; expected a price that is not negative.",
                    f"{self.label}.beyond 为 {self.beyond:g}，应为非负价格。",
                )
            )
        if found:
            return found
        expected, cut = self._expected(len(years)), self._cut(years)
        for y, year in enumerate(years):
            if expected[y] >= 1 or (cut[y] > 0 and (y < len(years) - 1 or self.beyond is not None)):
                continue
            inside, inside_zh = (" inside the horizon", "（在市场期内）") if cut[y] > 0 else ("", "")
            beyond = " with beyond (the price after the horizon)" if inside else ""
            beyond_zh = "并给出 beyond（期后价格）" if inside else ""
            found.append(
                Said(
                    f"{self.label} fines {expected[y]:g} of the price in {year} (multiple times enforcement) and "
                    f"nothing more is lost{inside}, so at every positive price everybody would leave everything "
                    "unmet: none clears. Raise multiple or enforcement to 1 together, "
                    f"add a cut{beyond}, or declare a penalty with a fee in money.",
                    f"{self.label} 在 {year} 年的罚款只有碳价的 {expected[y]:g} 倍（multiple 与 enforcement 之积），"
                    f"此外没有损失{inside_zh}，因此在任何正价格下人人都不清缴，没有能出清的价格。"
                    f"请把二者之积提高到 1，或增加 cut{beyond_zh}，或声明按金额计的 penalty。",
                )
            )
            break
        return found

    def in_years(self, first: int, stop: int, years: Sequence[int]) -> Self | None:
        """The same fine in those years; one that rests on a cut reaches past them and cannot be cut so."""
        if np.any(self._expected(len(years)) < 1):
            raise InputError(
                f"{self.label} cannot be cut into windows or nodes: where it is less than the price, it rests on the "
                "cut of a year that a window may not hold. Raise multiple times enforcement to 1, or clear without a "
                "concept.",
                f"{self.label} 不能切分到窗口或节点：罚款低于碳价时，它取决于某年的核减，而该年可能不在窗口之内。"
                "请使 multiple 与 enforcement 之积不小于 1，或不用均衡概念出清。",
            )
        cut = {name: array if len(array) == 1 else array[first:stop] for name, array in self.yearly().items()}
        return replace(self, **cut)  # type: ignore[arg-type]  # the names are those of the arrays

    def problems_in(self, problem: MarketProblem) -> list[str]:
        """Another rule on what is left unmet."""
        others = sorted({step.name.split("/")[0] for step in problem.steps if step.kind == "penalty"})
        if not others:
            return []
        return [
            Said(
                f"{self.label} stands beside {', '.join(others)}; a market has one rule on what is left unmet. Keep "
                "one.",
                f"{self.label} 与 {'、'.join(others)} 并存；一个市场对未清缴量只能有一条规则，请保留其一。",
            )
        ]

    def _expected(self, years: int) -> Array:
        """Expected fine as a share of the price."""
        return over_years(self.multiple, years) * over_years(self.enforcement, years)

    def _cut(self, years: Sequence[int]) -> Array:
        holds = np.array([self.until is None or year <= self.until for year in years])
        return np.where(holds, over_years(self.cut, len(years)), 0.0)

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """The multiple of ``market.fine_multiple``, with the cut of ``market.next_year_cut`` if that is given.

        Without ``market.fine_enforcement`` every fine is imposed.
        """
        years = setting.years

        def given(path: str, otherwise: float) -> Array:
            return np.nan_to_num(from_start(parameters, path, years)) if path in parameters else as_array(otherwise)

        return (
            cls(
                multiple=np.nan_to_num(from_start(parameters, "market.fine_multiple", years)),
                enforcement=given("market.fine_enforcement", 1.0),
                cut=given("market.next_year_cut", 0.0),
            ),
        )

    def add_to(self, frame: Frame) -> None:
        """Add nothing: nobody leaves anything unmet."""

    def derive(self, problem: MarketProblem, dataset: xr.Dataset) -> dict[str, xr.DataArray]:
        """The fine of a missing allowance; InfeasibleError if leaving some unmet would pay at these prices."""
        price = dataset.allowance_price.where(dataset.allowance_price.notnull(), dataset.price_low)
        self._check_nobody_gains(problem, price.values)
        fine = dataset.allowance_price * over_years(self.multiple, len(problem.year))
        return {self.name: fine.assign_attrs(units="CNY/tCO2e")}

    def _check_nobody_gains(self, problem: MarketProblem, price: Array) -> None:
        expected, cut = self._expected(len(problem.year)), self._cut(problem.year)
        later = np.append(price[1:] * problem.discount[1:] / problem.discount[:-1], self.beyond or 0.0)
        cost = expected * price + cut * later
        for y in np.flatnonzero(cost < price * (1 - GAIN)):
            raise InfeasibleError(
                f"{self.name}: at the price of {price[y]:.6g} CNY/t that clears {problem.year[y]} a missing allowance "
                f"costs {cost[y]:.6g} CNY/t only ({expected[y]:g} of the price and {cut[y]:g} times next year's "
                f"{later[y]:.6g}), so obligations would be left unmet. A fine that follows the price gives no cap; "
                "raise multiple times enforcement to 1, or declare a penalty with a fee in money.",
                f"{self.name}：在使 {problem.year[y]} 年出清的价格 {price[y]:.6g} CNY/t 下，缺一吨配额只付出 "
                f"{cost[y]:.6g}"
                f" CNY（碳价的 {expected[y]:g} 倍，加上次年价格 {later[y]:.6g} 的 {cut[y]:g} 倍），因此会有义务不清缴。"
                "随碳价变动的罚款不构成上限；请使 multiple 与 enforcement 之积不小于 1，或声明按金额计的 penalty。",
            )

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """Nothing is left unmet, the fine is its multiple of the price, and nobody gains by leaving some unmet."""
        from carbonsim.market.audit_ledger import IDENTITY, worst

        count = len(problem.year)
        price = dataset.allowance_price.values
        known = np.where(np.isnan(price), dataset.price_low.values, price)
        unmet = dataset.penalty_tonnes.values
        obligation = dataset.obligation.values.sum(axis=0)
        yield worst(f"{self.name}.unmet", unmet, np.maximum(obligation, 1.0), 0.0, problem.year)
        fine = dataset[self.name].values
        multiple = np.broadcast_to(self.multiple, count)
        apart = np.where(np.isnan(price), np.where(np.isnan(fine), 0.0, np.inf), fine - multiple * np.nan_to_num(price))
        yield worst(f"{self.name}.fine", apart, np.maximum(multiple * known, 1e-3), IDENTITY, problem.year)
        gain = np.zeros(count)
        for y, year in enumerate(problem.year):
            held = self.until is None or year <= self.until
            lost = np.broadcast_to(self.cut, count)[y] if held else 0.0
            last = y == count - 1
            after = (self.beyond or 0.0) if last else known[y + 1] / (1.0 + problem.interest)
            gain[y] = known[y] - multiple[y] * np.broadcast_to(self.enforcement, count)[y] * known[y] - lost * after
        yield worst(f"{self.name}.gain", np.maximum(gain, 0.0), np.maximum(known, 1e-3), 2 * GAIN, problem.year)
