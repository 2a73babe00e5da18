"""The distributions of a relative error: mean 1, half of the 95 % interval as stated, and what each cannot hold."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DISTRIBUTIONS: Final = ("normal", "lognormal", "triangular", "uniform", "gamma")
LOW, HIGH = 0.025, 0.975  # ends of a 95 % interval
Z: Final = 1.959963984540054  # standard normal quantile at 0.975
# A normal error may fall below zero this often and no more; draws below zero are kept, never clipped.
NEGATIVE: Final = 1e-3
NEGATIVE_DIVISOR: Final = 1e-6
DIVISOR_SHAPE: Final = 2.0  # the inverse of a gamma variable has a variance only above this shape
SMALLEST_DRAW: Final = 2.0**-54  # keeps a uniform draw off 0, where quantiles are infinite
TOLERANCE: Final = 1e-12
# d/ds of exp(-s^2/2) sinh(z s) is zero where s tanh(z s) = z, which is z within 1e-3; the half width is flat there.
WIDEST_LOGNORMAL: Final = 1.9617581507
WIDEST_GAMMA: Final = 2.0  # standard deviation; beyond it almost all of the mass lies at zero
WIDEST_NORMAL, SPLINE_KNOTS = 8.5, 4097  # no draw lies further out than the normal quantile of SMALLEST_DRAW


@dataclass(frozen=True, slots=True)
class Shape:
    """A relative error: its distribution, the stated half width and the parameter that gives it.

    ``parameter`` is the standard deviation (normal), that of the logarithm (lognormal), half of the support
    (triangular, uniform) or the shape (gamma); 0 with a half width of 0, which is an exact value.
    """

    distribution: str
    half_width: float
    parameter: float
    standard_deviation: float

    def quantiles(self, level: Floats) -> Floats:
        """Quantiles at the levels, which are overwritten and returned; each lies in (0, 1)."""
        if self.half_width == 0:
            level[...] = 1.0
            return level
        return _QUANTILES[self.distribution](level, self.parameter)

    def quantile(self, level: float) -> float:
        """One quantile."""
        return float(self.quantiles(np.array([level]))[0])


@functools.lru_cache(maxsize=4096)
def shape_of(distribution: str, half_width: float) -> Shape:
    r"""The distribution with mean 1 whose 95 % interval has the stated half width.

    Parameters
    ----------
    distribution : str
        One of ``DISTRIBUTIONS``.
    half_width : float [1]
        Half of the 95 % interval as a share of the value, from 0 to ``largest_half_width``.

    Returns
    -------
    Shape

    Notes
    -----
    In every case the parameter solves :math:`(q_{0.975} - q_{0.025})/2 = h` with the mean at 1:

    - normal: :math:`\sigma = h / 1.96`;
    - lognormal: :math:`e^{-s^2/2} \sinh(1.96\,s) = h`, with :math:`\mu = -s^2/2`;
    - triangular on :math:`1 \pm a`: :math:`a = h / (1 - \sqrt{0.05})`;
    - uniform on :math:`1 \pm a`: :math:`a = h / 0.95`;
    - gamma of shape :math:`k` and scale :math:`1/k`: solved for :math:`k`.

    The interval of the two skewed ones is not symmetric about 1; their half width still is what was stated.
    The half width of a lognormal distribution has a largest value (3.41 at s = 1.96), beyond which a wider spread
    only moves mass towards zero; the smaller of the two spreads is meant. Gamma is held to a standard deviation of 2.

    References
    ----------
    source: ipcc-2006-v1, section 3.2.2.4.

    Examples
    --------
    >>> round(shape_of("normal", 0.07).standard_deviation, 6)
    0.035715
    """
    if half_width == 0:
        return Shape(distribution, 0.0, 0.0, 0.0)
    if distribution == "normal":
        parameter = deviation = half_width / Z
    elif distribution == "lognormal":
        parameter = _spread(_lognormal_half_width, half_width, WIDEST_LOGNORMAL)
        deviation = math.sqrt(math.expm1(parameter**2))
    elif distribution == "triangular":
        parameter = half_width / (1 - math.sqrt(2 * LOW))
        deviation = parameter / math.sqrt(6)
    elif distribution == "uniform":
        parameter = half_width / (HIGH - LOW)
        deviation = parameter / math.sqrt(3)
    else:
        deviation = _spread(_gamma_half_width, half_width, WIDEST_GAMMA)
        parameter = deviation**-2
    return Shape(distribution, half_width, parameter, deviation)


@functools.cache
def largest_half_width(distribution: str, *, divides: bool = False) -> float:
    """The largest half width a distribution can hold without emissions below zero, or without an infinite inverse.

    Parameters
    ----------
    distribution : str
        One of ``DISTRIBUTIONS``.
    divides : bool
        The value divides (such as a duct efficiency), so that errors near zero count more.
    """
    if distribution == "normal":
        from scipy.special import ndtri

        return float(Z / -ndtri(NEGATIVE_DIVISOR if divides else NEGATIVE))
    if distribution == "triangular":
        return 1 - math.sqrt(2 * LOW)
    if distribution == "uniform":
        return HIGH - LOW
    if distribution == "lognormal":
        return _lognormal_half_width(WIDEST_LOGNORMAL)
    return _gamma_half_width(DIVISOR_SHAPE**-0.5 if divides else WIDEST_GAMMA)


def holds(distribution: str, half_width: float, *, divides: bool = False) -> bool:
    """Whether a distribution can hold a half width; at the end of a bounded support a divisor would be zero."""
    limit = largest_half_width(distribution, divides=divides)
    strict = divides and distribution in ("triangular", "uniform", "gamma")
    return half_width < limit * (1 - TOLERANCE) if strict else half_width <= limit * (1 + TOLERANCE)


def _lognormal_half_width(spread: float) -> float:
    return math.exp(-(spread**2) / 2) * math.sinh(Z * spread)


def _gamma_half_width(deviation: float) -> float:
    from scipy.special import gammaincinv

    shape = deviation**-2
    return float(gammaincinv(shape, HIGH) - gammaincinv(shape, LOW)) / (2 * shape)


def _spread(half_width_of: Callable[[float], float], half_width: float, widest: float) -> float:
    """The smaller spread that gives a half width."""
    from scipy.optimize import brentq

    if half_width >= half_width_of(widest):
        return widest
    # A half width is never larger than two standard deviations by much: h/4 lies below the root.
    return float(brentq(lambda spread: half_width_of(spread) - half_width, half_width / 4, widest, xtol=1e-14))


def _normal(level: Floats, deviation: float) -> Floats:
    from scipy.special import ndtri

    ndtri(level, out=level)
    level *= deviation
    level += 1
    return level


def _lognormal(level: Floats, spread: float) -> Floats:
    from scipy.special import ndtri

    ndtri(level, out=level)
    level *= spread
    level -= spread**2 / 2
    return np.asarray(np.exp(level, out=level))


def _triangular(level: Floats, half: float) -> Floats:
    below = level < LOW + (HIGH - LOW) / 2
    level[...] = np.where(below, half * (np.sqrt(2 * level) - 1), half * (1 - np.sqrt(2 * (1 - level))))
    level += 1
    return level


def _uniform(level: Floats, half: float) -> Floats:
    level *= 2 * half
    level += 1 - half
    return level


def _gamma(level: Floats, shape: float) -> Floats:
    from scipy.special import ndtri

    ndtri(level, out=level)
    level[...] = _log_gamma_of_normal(shape)(level)
    return np.asarray(np.exp(level, out=level))


@functools.lru_cache(maxsize=256)
def _log_gamma_of_normal(shape: float) -> Callable[[Floats], Floats]:
    """Logarithm of the gamma quantile as a spline of the normal quantile, where it is smooth; good to 1e-9.

    The inverse of the incomplete gamma function itself takes a microsecond a draw.
    """
    from scipy.interpolate import CubicSpline
    from scipy.special import gammainccinv, gammaincinv, ndtr

    knots = np.linspace(-WIDEST_NORMAL, WIDEST_NORMAL, SPLINE_KNOTS)
    below = knots < 0
    quantile = np.empty_like(knots)
    quantile[below] = gammaincinv(shape, ndtr(knots[below]))
    quantile[~below] = gammainccinv(shape, ndtr(-knots[~below]))
    spline: Callable[[Floats], Floats] = CubicSpline(knots, np.log(quantile / shape))
    return spline


_QUANTILES: Final[dict[str, Callable[[Floats, float], Floats]]] = {
    "normal": _normal,
    "lognormal": _lognormal,
    "triangular": _triangular,
    "uniform": _uniform,
    "gamma": _gamma,
}
