"""Bookkeeping of a supply reserve in whole allowances: what is in circulation, and what the reserve takes of it."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import TypeVar

Number = TypeVar("Number", float, Fraction)

MONTHS = 12  # of a year


def allowances_in_circulation(
    issued: int, *, verified_emissions: int, cancelled: int, in_reserve: int, credits_exchanged: int = 0
) -> int:
    r"""Total number of allowances in circulation at the end of a year.

    .. math::
        :label: allowances-in-circulation

        TNAC_y = \text{issued}_{\le y} + \text{credits}_{\le y} - \text{emissions}_{\le y} - \text{cancelled}_{\le y}
        - \text{reserve}_y

    Parameters
    ----------
    issued : int [allowance]
        Allowances issued since the start of the count, those in the reserve included.
    verified_emissions : int [tCO2e]
        Emissions since then.
    cancelled : int [allowance]
        Allowances given up voluntarily or by the regulator since then. Those that became invalid in the reserve
        belong here if ``issued`` still counts them.
    in_reserve : int [allowance]
        Allowances that the reserve holds at the end of the year.
    credits_exchanged : int [allowance]
        International credits turned into allowances since then.

    References
    ----------
    source: eu-2015-1814
    """
    return issued + credits_exchanged - verified_emissions - cancelled - in_reserve


def reserve_intake(
    tnac: int, *, upper: int, rate: str | Fraction, smoothing_until: int | None = None, minimum: int = 0
) -> int:
    """Whole allowances that a reserve takes over twelve months for a number in circulation.

    Parameters
    ----------
    tnac : int [allowance]
        Allowances in circulation.
    upper : int [allowance]
        Threshold above which the reserve takes any.
    rate : str or Fraction [1]
        Share taken, as written in the law ("0.24"), so that no digit is lost.
    smoothing_until : int [allowance], optional
        Up to here only what lies above ``upper`` is taken.
    minimum : int [allowance]
        A share that would be less than this is not taken.

    Examples
    --------
    >>> reserve_intake(1_134_794_738, upper=833_000_000, rate="0.24")
    272350737
    """
    taken = intake_before_rounding(
        Fraction(tnac),
        Fraction(upper),
        Fraction(rate),
        None if smoothing_until is None else Fraction(smoothing_until),
        Fraction(minimum),
    )
    return whole(taken)


def intake_before_rounding(
    tnac: Number, upper: Number, rate: Number, smoothing_until: Number | None, minimum: Number
) -> Number:
    r"""What a reserve takes over twelve months, as the text says it, jumps included.

    .. math::
        :label: reserve-intake

        I(T) = \begin{cases} 0 & T \le \bar T \\ T - \bar T & \bar T < T \le \hat T \\
        \rho T & T > \hat T \text{ and } \rho T \ge m \\ 0 & \text{otherwise} \end{cases}

    Continuous only where :math:`\hat T = \bar T / (1 - \rho)`.
    """
    nothing = tnac * 0
    if tnac <= upper:
        return nothing
    if smoothing_until is not None and tnac <= smoothing_until:
        return tnac - upper
    share = rate * tnac
    return share if share >= minimum else nothing


def whole(amount: float | Fraction) -> int:
    """The nearest whole number of allowances; a half is rounded up."""
    return floor(amount + Fraction(1, 2))


def in_calendar_years(amount: int, months_in_first: int) -> tuple[int, int]:
    """A twelve-month amount split over two calendar years, in whole allowances that add up.

    >>> in_calendar_years(272_350_737, 4)
    (90783579, 181567158)
    """
    first = whole(Fraction(amount * months_in_first, MONTHS))
    return first, amount - first
