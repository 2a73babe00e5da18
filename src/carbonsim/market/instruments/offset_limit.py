"""Joint limit on offsets: several types of credits share one limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonsim.errors import Said, did_you_mean, shorten
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.supply import (
    Array,
    EngineName,
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

BINDS = 1e-7  # a limit with less than this share of it left counts as reached


# At a given price it is made and then refused by name, lest the credits be used beyond it.
@instruments.register("offset_limit", parameters=("market.offset_limit",), at_given_price=True)
@dataclass(frozen=True, slots=True, eq=False)
class OffsetLimit(Instrument):
    r"""Credits of several types together stand in for a share of obligations, or a quantity, at most.

    .. math::
        :label: offset-limit

        \sum_{k \in K} o_{ky} \le \theta_y \sum_e s_{ey} e_{ey} \quad [\mu_y]
        \qquad\text{or}\qquad \sum_{k \in K} o_{ky} \le O_y \quad [\mu_y]

    The dual :math:`\mu_y`, published as ``<name>_price``, is what a tonne more of the limit is worth: the allowance
    price less the price of the dearest credit used. A credit of type k is used up to its own limit if
    :math:`p^o_k + \mu_y < p_y`, so the cheap types come first. A limit that is a share of obligations shrinks with
    every tonne cut, hence an enterprise abates up to :math:`MAC = s(\varphi p - \theta\mu)`; one that is a quantity
    leaves :math:`MAC = s \varphi p`. Each type keeps its own limits beside this one; a type stands under one joint
    limit at most.

    Parameters
    ----------
    types : str or sequence of str
        Labels of the offsets that share the limit.
    share_limit : float or array [1] (year), optional
        Share of the obligation, 0..1. Exactly one of the two limits is given.
    quantity : float or array [tCO2e] (year), optional
        Credits that may be used in the whole market.
    name : str
        Label of the limit, unique in a market.
    """

    types: Sequence[str]
    share_limit: Array | None = None
    quantity: Array | None = None
    name: str = "offset_limit"

    def __post_init__(self) -> None:
        listed: str | Sequence[str] = self.types
        object.__setattr__(self, "types", (listed,) if isinstance(listed, str) else tuple(listed))
        for field in ("share_limit", "quantity"):
            value = getattr(self, field)
            object.__setattr__(self, field, None if value is None else as_array(value))

    @property
    def label(self) -> str:
        """Name of the block of rows."""
        return self.name

    @property
    def adds_last(self) -> bool:
        """The row holds the columns of other instruments."""
        return True

    @property
    def rations(self) -> bool:
        """Several steps share one limit."""
        return True

    @property
    def counts_obligation(self) -> bool:
        """A share of obligations moves with every tonne cut."""
        return self.share_limit is not None

    @property
    def relaxes(self) -> tuple[str, ...]:
        """The limit may be what is short."""
        return (Said(f"the joint limit on offsets ({self.name})", f"抵销信用合计限额（{self.name}）"),)

    def refused_by(self, engine: EngineName) -> str:
        """The other engines hold limits on single types alone."""
        return (
            ""
            if engine == "programme"
            else Said("limits several types of offsets together", "对多类抵销信用设有合计限额")
        )

    def yearly(self) -> dict[str, Array]:
        """The limit that is given."""
        limits = {"share_limit": self.share_limit, "quantity": self.quantity}
        return {name: array for name, array in limits.items() if array is not None}

    def problems(self, years: Sequence[int]) -> list[str]:
        """Shape and sign, exactly one limit, a share above 1, and no types."""
        found = check_yearly(self.label, self.yearly(), len(years))
        if (self.share_limit is None) == (self.quantity is None):
            found.append(
                Said(
                    f"{self.label} needs exactly one limit: share_limit or quantity.",
                    f"{self.label} 须且只须给出一种限制：share_limit 或 quantity。",
                )
            )
        if self.share_limit is not None and np.any(self.share_limit > 1):
            found.append(
                Said(
                    f"{self.label}.share_limit is {self.share_limit.max():g}; expected a share from 0 to 1.",
                    f"{self.label}.share_limit 为 {self.share_limit.max():g}，应为 0 到 1 之间的比例。",
                )
            )
        if not self.types or len(set(self.types)) < len(self.types):
            found.append(
                Said(
                    f"{self.label}.types is {shorten(self.types)}; expected labels of offsets, once each.",
                    f"{self.label}.types 为 {shorten(self.types, 'zh')}，应为抵销信用的名称，每个一次。",
                )
            )
        return found

    def problems_in(self, problem: MarketProblem) -> list[str]:
        """Types that are no offsets of the market, and types under two joint limits."""
        offsets = sorted({step.name.split("/")[0] for step in problem.steps if step.kind == "offset"})
        found: list[str] = [
            Said(
                f"{self.label}.types names '{name}', which is no offset of this market. "
                f"Known: {shorten(offsets) or 'none'}. {did_you_mean(name, offsets)}".strip(),
                (
                    f"{self.label}.types 提到 '{name}'，本市场没有该抵销信用。可用：{shorten(offsets, 'zh') or '无'}。"
                    f"{did_you_mean(name, offsets, 'zh')}"
                ).strip(),
            )
            for name in self.types
            if name not in offsets
        ]
        # Each pair is reported once, by the limit that is declared first.
        later = [one for one in problem.instruments if isinstance(one, OffsetLimit)]
        for other in later[later.index(self) + 1 :]:
            if shared := sorted(set(self.types) & set(other.types)):
                found.append(
                    Said(
                        f"{shorten(shared)} stands under both {self.label} and {other.label}; a type has one joint "
                        "limit. "
                        "Give the type its own share_limit or quantity instead.",
                        f"{shorten(shared, 'zh')} 同时受 {self.label} 和 {other.label} 限制；"
                        "一类信用只能有一个合计限额。"
                        "请改为给该类信用自己的 share_limit 或 quantity。",
                    )
                )
        return found

    def _binds(self, step: str) -> bool:
        return step.split("/")[0] in self.types

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """``market.offset_limit`` of obligations over every type of ``market.offset_type_usable`` that may be used."""
        usable = parameters.get("market.offset_type_usable")
        types = [
            label
            for (label,) in usable.labels()
            if np.nansum(from_start(parameters, "market.offset_type_usable", setting.years, label)) > 0
        ]
        limit = np.nan_to_num(from_start(parameters, "market.offset_limit", setting.years))
        return (cls(types=tuple(types), share_limit=limit),) if types else ()

    def add_to(self, frame: Frame) -> None:
        """Add the row ``offset_limit.limit`` of each year in which a credit of these types may be used."""
        import pyomo.environ as pyo

        bound = [columns for step, columns in frame.step_columns.items() if self._binds(step)]
        count = len(frame.years)
        share = np.zeros(count) if self.share_limit is None else over_years(self.share_limit, count)
        fixed = np.zeros(count) if self.quantity is None else over_years(self.quantity, count) / frame.scale
        rows = {
            year: (float(share[y]), float(fixed[y]))
            for y, year in enumerate(frame.years)
            if np.isfinite(fixed[y]) and any(year in columns for columns in bound)
        }
        block = frame.block(self.label)
        block.limit = pyo.Constraint(
            list(rows),
            rule=lambda _, year: (
                pyo.quicksum(columns[year] for columns in bound if year in columns)
                <= rows[year][0] * frame.obligation[year] + rows[year][1]
            ),
        )
        frame.publish_price(f"{self.label}_price", dict(block.limit.items()))

    def _room(self, problem: MarketProblem, dataset: xr.Dataset) -> tuple[Array, Array]:
        """Use and limit of each year from the published quantities."""
        mine = [index for index, step in enumerate(problem.steps) if step.name.partition("/")[0] in self.types]
        used = np.asarray(dataset.step_used.values[mine].sum(axis=0), dtype=float)
        if self.share_limit is not None:
            return used, np.asarray(self.share_limit * dataset.obligation.values.sum(axis=0), dtype=float)
        assert self.quantity is not None  # noqa: S101  problems() asks for one of the two
        return used, np.broadcast_to(self.quantity, used.shape)

    def _worth_at(self, problem: MarketProblem, dataset: xr.Dataset, price: Array) -> Array:
        """Worth of a tonne more of the limit at a price path; while it binds, it takes up the price's whole move."""
        known = np.where(np.isnan(dataset.allowance_price), dataset.price_low, dataset.allowance_price)
        used, limit = self._room(problem, dataset)
        worth = dataset[f"{self.label}_price"].values
        moved = np.maximum(worth + price - known, 0.0)
        return np.where(used >= limit * (1 - BINDS), moved, worth)

    def rents(self, problem: MarketProblem, dataset: xr.Dataset, price: Array) -> dict[str, Array]:
        """A credit costs what it takes of the limit."""
        worth = self._worth_at(problem, dataset, price)
        return {step.name: worth for step in problem.steps if step.name.partition("/")[0] in self.types}

    def worth_of_obligation(self, problem: MarketProblem, dataset: xr.Dataset, price: Array) -> Array | float:
        """A tonne of obligation allows ``share_limit`` tonnes more of credits."""
        return 0.0 if self.share_limit is None else self.share_limit * self._worth_at(problem, dataset, price)

    def audit(self, problem: MarketProblem, dataset: xr.Dataset) -> Iterable[Line]:
        """The limit is kept, its worth is not negative, and a limit that is not reached is worth nothing."""
        from carbonsim.market.audit_ledger import SOLVED, worst

        used, limit = self._room(problem, dataset)
        worth = dataset[f"{self.label}_price"].values
        obligation = dataset.obligation.values.sum(axis=0)
        size = np.maximum(np.where(np.isinf(limit), obligation, limit), 1e-9 * obligation)
        yield worst(f"{self.label}.limit", np.maximum(used - limit, 0.0), size, SOLVED, problem.year)
        scale = np.maximum(np.nan_to_num(dataset.allowance_price.values), 1.0)
        yield worst(f"{self.label}.worth", np.minimum(worth, 0.0), scale, SOLVED, problem.year)
        left = np.where(np.isinf(limit), 1.0, np.maximum(limit - used, 0.0) / size)
        yield worst(f"{self.label}.slack", left * worth, scale, SOLVED, problem.year)
