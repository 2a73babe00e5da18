"""Offsets with a rising supply curve: credits of one type that become dearer the more are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carbonsim.errors import ParameterError, Said
from carbonsim.inputs.parameters import ParameterSet
from carbonsim.market.supply import (
    Array,
    EngineName,
    Instrument,
    MarketSetting,
    SupplyStep,
    as_array,
    check_exists,
    check_window,
    check_yearly,
    from_start,
    in_window,
    instruments,
    over_years,
    steps_in_years,
    write_steps,
    write_yearly,
)

if TYPE_CHECKING:
    from carbonsim.market.programme import Frame

USABLE = "market.offset_type_usable"
STEP_FIELDS = {"price", "quantity"}


@instruments.register(
    "offset_curve", parameters=(USABLE, "market.offset_price", "market.offset_supply"), at_given_price=True
)
@dataclass(frozen=True, slots=True, eq=False)
class OffsetCurve(Instrument):
    r"""Offset credits of one type are offered along a rising supply curve, straight or in steps.

    .. math::
        :label: offset-curve

        0 \le o_y \le O_y, \quad \text{cost } d_y\big(p^o_y o_y + \tfrac12 b_y o_y^2\big)
        \qquad\text{or}\qquad
        o_y = \sum_j o_{jy},\quad 0 \le o_{jy} \le O_{jy},\quad \text{cost } d_y \sum_j p^o_{jy} o_{jy}

    so that credits are used until the last one costs the allowance price: :math:`p^o + b\,o = p` on a straight curve
    short of its end. What is paid above each credit's own cost is the sellers' rent; the programme counts the credits
    at cost, as it counts abatement. The quantity limits the market, not an enterprise, so :math:`MAC = s\varphi p`
    stays; for a share of obligations put the type under an ``offset_limit``.

    Parameters
    ----------
    price : float or array [CNY/tCO2e] (year), optional
        Price of the first credit of a straight curve; NaN in a year without one.
    slope : float or array [CNY/tCO2e per tCO2e] (year)
        Rise b of the price with use; 0 for a flat price.
    quantity : float or array [tCO2e] (year)
        Credits on offer; ``inf`` if the curve has no end.
    steps : dict of {name: {price, quantity}}, optional
        The curve in steps instead, each with its price and quantity, numbers or lists over years.
    name : str
        Label of the type; the steps appear as ``name/step``.
    usable_from, usable_until : int, optional
        First and last compliance year that credits of this type may serve.
    """

    price: Array | None = None
    slope: Array = 0.0  # type: ignore[assignment]  # a number is accepted and stored as an array
    quantity: Array = np.inf  # type: ignore[assignment]
    steps: Mapping[str, Mapping[str, ArrayLike]] | None = None
    name: str = "offset_curve"
    usable_from: int | None = None
    usable_until: int | None = None

    def __post_init__(self) -> None:
        for field in ("price", "slope", "quantity"):
            value = getattr(self, field)
            object.__setattr__(self, field, None if value is None else as_array(value))

    @property
    def label(self) -> str:
        """Name of the type."""
        return self.name

    @property
    def statement(self) -> str:
        """The straight curve, or its steps."""
        numbers = {name: write_yearly(values) for name, values in self.yearly().items()}
        line = ", ".join(f"{name} {words}" for name, words in numbers.items())
        return f"{self.label} ({line if self.steps is None else write_steps(self.steps)})"

    @property
    def at_given_price(self) -> bool:
        """Credits in steps are worth using at a given price as well; a rising price needs a market that clears."""
        return not self.slope.any()

    @property
    def is_its_steps(self) -> bool:
        """Nothing beside its steps."""
        return True

    def refused_by(self, engine: EngineName) -> str:
        """Best responses hold flat steps alone."""
        rising = self.slope.any() and engine == "best_response"
        return (
            Said("has a price that rises with use (give the curve in steps)", "价格随用量上升（请把曲线写成分档）")
            if rising
            else ""
        )

    def yearly(self) -> dict[str, Array]:
        """The straight curve."""
        if self.price is None:
            return {}
        return {"price": self.price, "slope": self.slope, "quantity": self.quantity}

    def problems(self, years: Sequence[int]) -> list[str]:
        """One curve and not two, shapes and signs, the window, and a curve that offers nothing."""
        if (self.price is None) == (self.steps is None):
            return [
                Said(
                    f"{self.label} needs one curve: either price (with slope and quantity), or steps.",
                    f"{self.label} 须给出一条曲线：price（可附 slope 和 quantity），或 steps。",
                )
            ]
        found = check_yearly(self.label, self.yearly(), len(years))
        found += check_window(self.label, years, self.usable_from, self.usable_until)
        for name, step in (self.steps or {}).items():
            if set(step) != STEP_FIELDS:
                found.append(
                    Said(
                        f"{self.label}.steps.{name} has {', '.join(sorted(step))}; expected price and quantity.",
                        f"{self.label}.steps.{name} 有 {'、'.join(sorted(step))}，应为 price 和 quantity。",
                    )
                )
                continue
            arrays = {field: as_array(step[field]) for field in sorted(STEP_FIELDS)}
            found += check_yearly(f"{self.label}.steps.{name}", arrays, len(years))
        if np.any(np.isinf(self.slope)):
            found.append(
                Said(
                    f"{self.label}.slope is infinite; a curve that stops has a quantity.",
                    f"{self.label}.slope 为无穷大；到某一数量为止的曲线请用 quantity 表示。",
                )
            )
        if found:
            return found
        return [sentence for step in self.supply_steps(years) for sentence in check_exists(step)]

    def supply_steps(self, years: Sequence[int]) -> tuple[SupplyStep, ...]:
        """The straight curve as one step whose price rises, or the steps."""
        count = len(years)
        if self.steps is None:
            assert self.price is not None  # noqa: S101  problems() asks for one of the two
            slope = over_years(self.slope, count) if self.slope.any() else None
            price, quantity = over_years(self.price, count), over_years(self.quantity, count)
            made = [SupplyStep(self.name, "offset", price, quantity, slope=slope)]
        else:
            made = [
                SupplyStep(
                    f"{self.name}/{name}", "offset",
                    over_years(as_array(step["price"]), count), over_years(as_array(step["quantity"]), count),
                )
                for name, step in self.steps.items()
            ]  # fmt: skip
        return tuple(in_window(step, years, self.usable_from, self.usable_until) for step in made)

    def in_years(self, first: int, stop: int, years: Sequence[int]) -> Self | None:
        """The same curve in those years, of which each has its own credits; None if there are none."""
        cut = {name: array if len(array) == 1 else array[first:stop] for name, array in self.yearly().items()}
        steps = None if self.steps is None else steps_in_years(self.steps, first, stop)
        found = replace(self, steps=steps, **cut)  # type: ignore[arg-type]  # the names are those of the arrays
        offered = any(step.exists().any() for step in found.supply_steps(years[first:stop]))
        return found if offered else None

    @classmethod
    def from_parameters(cls, parameters: ParameterSet, setting: MarketSetting) -> tuple[Instrument, ...]:
        """One flat curve for each type of ``market.offset_type_usable`` in the years it may be used.

        Price and quantity are those of ``market.offset_type_price`` and ``market.offset_type_supply``; a type that is
        the only one of its years may leave them to ``market.offset_price`` and ``market.offset_supply``.

        Raises
        ------
        ParameterError
            If two types of one year would share a price or a quantity that was given for one, or if one is not known
            in a year in which the type may be used.
        """
        years = setting.years
        usable = {
            label: np.nan_to_num(from_start(parameters, USABLE, years, label)) > 0
            for (label,) in parameters.get(USABLE).labels()
        }
        usable = {label: when for label, when in usable.items() if when.any()}
        together = np.sum(list(usable.values()), axis=0) > 1 if usable else np.zeros(len(years), dtype=bool)
        made = []
        for label, when in usable.items():
            shared = bool((when & together).any())
            price, quantity = (
                _of_type(parameters, what, years, label, when, shared=shared) for what in ("price", "supply")
            )
            made.append(
                cls(
                    price=np.where(when, price, np.nan),
                    quantity=setting.part * np.where(when, quantity, 0.0),
                    name=label,
                )
            )
        return tuple(made)

    def add_to(self, frame: Frame) -> None:
        """Add the credits used; on a straight curve their cost is quadratic."""
        for step in self.supply_steps(frame.years):
            frame.add_supply(step)


def _of_type(
    parameters: ParameterSet, what: str, years: Sequence[int], label: str, when: NDArray[np.bool_], *, shared: bool
) -> Array:
    """A type's price or supply over years, known in every year in which it may be used."""
    own, common = f"market.offset_type_{what}", f"market.offset_{what}"
    is_own = own in parameters and (label,) in parameters.get(own).labels()
    if shared and not is_own:
        raise ParameterError(
            f"{own} has no value for {label}, and another type of offsets may be used in the same years, so "
            f"{common} cannot be both of theirs. Give {own} a value for {label}.",
            f"{own} 没有 {label} 的值，而同样的年份还可使用另一类抵销信用，{common} 不能同时属于两类。请在 {own} 中给"
            f"出 {label} 的值。",
        )
    found = from_start(parameters, own, years, label) if is_own else from_start(parameters, common, years)
    missing = [year for year, here, number in zip(years, when, found, strict=True) if here and np.isnan(number)]
    if missing:
        raise ParameterError(
            f"{own if is_own else common} has no value before {missing[-1] + 1}, but {label} may be used in "
            f"{missing[0]} ({USABLE}). Give {own} a value for {label} from then on, or let the study begin later.",
            f"{own if is_own else common} 在 {missing[-1] + 1} 之前没有值，而 {label} 在 {missing[0]} 年即可使用（"
            f"{USABLE}）。请在 {own} 中从该年起给出 {label} 的值，或推迟研究的起始年。",
        )
    return found
