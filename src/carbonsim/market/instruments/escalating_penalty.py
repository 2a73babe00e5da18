"""Escalating penalty: the fee rises with the share of the obligation that is left unmet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike

from carbonsim.errors import ParameterError, Said
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.supply import (
    Array,
    Instrument,
    MarketSetting,
    SupplyStep,
    as_array,
    check_exists,
    check_yearly,
    instruments,
    over_years,
    steps_in_years,
    write_steps,
)

if TYPE_CHECKING:
    from carbonsim.market.programme import Frame


@instruments.register("escalating_penalty", parameters=())
@dataclass(frozen=True, slots=True, eq=False)
class EscalatingPenalty(Instrument):
    r"""An obligation may be left unmet at a fee that rises in steps with the share left unmet.

    .. math::
        :label: escalating-penalty

        u_y = \sum_j u_{jy}, \qquad
        0 \le u_{jy} \le (\bar\sigma_j - \bar\sigma_{j-1}) \sum_e s_{ey} e_{ey} \quad [\mu_{jy}], \qquad
        F_{1y} \le F_{2y} \le \dots

    at the cost :math:`d_y F_{jy}` each, for the part of the obligation between the shares :math:`\bar\sigma_{j-1}` and
    :math:`\bar\sigma_j`; the last step has no upper share. The fees must not fall, else the cheap step would have to
    be earned by leaving more unmet, which is no convex programme. The last fee caps the price. A step whose share is
    used up has the worth :math:`\mu_{jy} = p_y - F_{jy}`, and since the share counts the own obligation, a tonne cut
    takes some of it away: :math:`MAC = s(\varphi p - \sum_j (\bar\sigma_j - \bar\sigma_{j-1})\mu_{jy})`.

    Parameters
    ----------
    steps : dict of {name: {price, up_to}}
        In rising order: the fee [CNY/tCO2e] and the share of the obligation up to which it holds [1], numbers or
        lists over years. The last step has no ``up_to``.
    name : str
        Label; the steps appear as ``name/step``.
    """

    steps: Mapping[str, Mapping[str, ArrayLike]]
    name: str = "escalating_penalty"

    @property
    def label(self) -> str:
        """Name of the instrument."""
        return self.name

    @property
    def statement(self) -> str:
        """The fees and the shares up to which they hold."""
        return f"{self.label} ({write_steps(self.steps)})"

    @property
    def is_its_steps(self) -> bool:
        """Nothing beside its steps."""
        return True

    def problems(self, years: Sequence[int]) -> list[str]:
        """Fields, shapes and signs, shares that do not rise and fees that fall."""
        if not self.steps:
            return [
                Said(
                    f"{self.label}.steps is empty; expected one or more steps with a price.",
                    f"{self.label}.steps 为空；应给出一档或多档，每档有 price。",
                )
            ]
        found: list[str] = []
        for position, (name, step) in enumerate(self.steps.items()):
            expected = {"price"} if position == len(self.steps) - 1 else {"price", "up_to"}
            if set(step) != expected:
                found.append(
                    Said(
                        f"{self.label}.steps.{name} has {', '.join(sorted(step))}; expected "
                        f"{' and '.join(sorted(expected))} (every step but the last says up to which share it holds).",
                        f"{self.label}.steps.{name} 有 {'、'.join(sorted(step))}，应为 "
                        f"{' 和 '.join(sorted(expected))}（除最后一档"
                        "外，每档须给出适用到的比例）。",
                    )
                )
                continue
            arrays = {field: as_array(step[field]) for field in sorted(expected)}
            found += check_yearly(f"{self.label}.steps.{name}", arrays, len(years))
        if found:
            return found
        found += list(self._order_problems(len(years)))
        return found or [sentence for step in self.supply_steps(years) for sentence in check_exists(step)]

    def _order_problems(self, years: int) -> Iterator[str]:
        fee, reached = np.zeros(years), np.zeros(years)
        for name, step in self.steps.items():
            price = over_years(as_array(step["price"]), years)
            upper = over_years(as_array(step.get("up_to", np.inf)), years)
            if np.any(price < fee):
                yield (
                    Said(
                        f"{self.label}.steps.{name}.price falls below the step before; a fee that falls with the share "
                        "left unmet is no convex programme. Order the steps by rising fee.",
                        f"{self.label}.steps.{name}.price 低于前一档；未清缴比例越高罚款越低，就不再是凸规划。"
                        "请按罚款由低到高排列各档。",
                    )
                )
            if np.any(upper <= reached) or np.any((upper > 1) & np.isfinite(upper)):
                yield Said(
                    f"{self.label}.steps.{name}.up_to must rise from step to step and be at most 1.",
                    f"{self.label}.steps.{name}.up_to 须逐档上升，且不超过 1。",
                )
            fee, reached = np.fmax(fee, price), upper

    def supply_steps(self, years: Sequence[int]) -> tuple[SupplyStep, ...]:
        """One step for each fee, limited by its share of the obligation; the last without a limit."""
        count, reached = len(years), np.zeros(len(years))
        made = []
        for name, step in self.steps.items():
            price = over_years(as_array(step["price"]), count)
            quantity = np.where(np.isnan(price), 0.0, np.inf)
            share: Array | None = None
            if "up_to" in step:
                upper = over_years(as_array(step["up_to"]), count)
                share, reached = upper - reached, upper
            made.append(SupplyStep(f"{self.name}/{name}", "penalty", price, quantity, obligation_share=share))
        return tuple(made)

    def in_years(self, first: int, stop: int, years: Sequence[int]) -> Self | None:
        """The same fees in those years; nothing is owed to later ones."""
        found = replace(self, steps=steps_in_years(self.steps, first, stop))
        return found if any(step.exists().any() for step in found.supply_steps(years[first:stop])) else None

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> NoReturn:
        """No study lists it: no law that was read has such a scale."""
        raise ParameterError(
            "escalating_penalty cannot be listed by a study: no parameter gives its steps. Use it in a problem file.",
            "研究不能列用 escalating_penalty：没有参数给出各档罚款。请在问题文件中使用。",
        )

    def add_to(self, frame: Frame) -> None:
        """Add the unmet part of each step and the row ``escalating_penalty/step.limit`` of its share."""
        import pyomo.environ as pyo

        for step in self.supply_steps(frame.years):
            used = frame.add_supply(step)
            if step.obligation_share is None:
                continue
            share = dict(zip(frame.years, map(float, step.obligation_share), strict=True))

            def limit(_: object, year: int, used: dict = used, share: dict = share) -> object:  # type: ignore[type-arg]
                return used[year] <= share[year] * frame.obligation[year]

            frame.block(step.name).limit = pyo.Constraint(list(used), rule=limit)
