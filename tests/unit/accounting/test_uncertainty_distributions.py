"""Distributions of a relative error: mean 1, the stated half width, and what they refuse."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaincinv

from carbonsim.accounting.uncertainty.distributions import (
    DISTRIBUTIONS,
    Z,
    holds,
    largest_half_width,
    shape_of,
)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("half_width", [0.01, 0.3, 0.6])
def test_half_of_the_95_per_cent_interval_is_as_stated(distribution: str, half_width: float) -> None:
    shape = shape_of(distribution, half_width)
    assert (shape.quantile(0.975) - shape.quantile(0.025)) / 2 == pytest.approx(half_width, rel=1e-9)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_mean_is_one_and_deviation_that_of_the_quantiles(distribution: str) -> None:
    # The mean of a distribution is the integral of its quantiles over (0, 1); here by the midpoint rule.
    shape = shape_of(distribution, 0.5)
    level = (np.arange(200_000) + 0.5) / 200_000
    drawn = shape.quantiles(level)
    assert drawn.mean() == pytest.approx(1.0, abs=1e-4)
    assert drawn.std() == pytest.approx(shape.standard_deviation, rel=2e-3)


def test_parameters_follow_from_the_half_width_by_hand() -> None:
    # Normal: 0.07 / 1.959964 = 0.0357149.
    assert shape_of("normal", 0.07).standard_deviation == pytest.approx(0.0357149, abs=1e-7)
    # Uniform on 1 +- a holds 95 % in 1 +- 0.95 a: a = 0.19 / 0.95 = 0.2, deviation 0.2 / sqrt(3) = 0.1154701.
    assert shape_of("uniform", 0.19).standard_deviation == pytest.approx(0.1154701, abs=1e-7)
    # Triangular on 1 +- a: P(X < 1 - a + d) = d^2 / (2 a^2) = 0.025, d = a sqrt(0.05) = 0.2236068 a, so that half the
    # interval is 0.7763932 a; a = 0.5 for 0.3881966; deviation a / sqrt(6) = 0.2041241.
    assert shape_of("triangular", 0.3881966).standard_deviation == pytest.approx(0.2041241, abs=1e-6)
    # Lognormal with s = 0.5: half the interval is exp(-0.125) sinh(0.979982), where the sinh is
    # (2.664408 - 0.375318) / 2 = 1.144545: 0.8824969 x 1.144545 = 1.0100574; deviation sqrt(exp(0.25) - 1) = 0.5329404.
    assert shape_of("lognormal", 1.0100574).standard_deviation == pytest.approx(0.5329404, abs=1e-6)
    # Gamma of shape 1 is exponential: quantiles -ln(1 - p), half of 3.6888795 - 0.0253178 = 1.8317808; deviation 1.
    assert shape_of("gamma", 1.8317808).standard_deviation == pytest.approx(1.0, abs=1e-6)


def test_quantiles_agree_with_the_reference_distributions() -> None:
    level = np.linspace(0.001, 0.999, 997)
    spread = shape_of("lognormal", 0.8).parameter
    reference = stats.lognorm(s=spread, scale=math.exp(-(spread**2) / 2)).ppf(level)
    np.testing.assert_allclose(shape_of("lognormal", 0.8).quantiles(level.copy()), reference, rtol=1e-12)
    half = shape_of("triangular", 0.3).parameter
    reference = stats.triang(0.5, loc=1 - half, scale=2 * half).ppf(level)
    np.testing.assert_allclose(shape_of("triangular", 0.3).quantiles(level.copy()), reference, rtol=1e-12)


@pytest.mark.parametrize("half_width", [0.05, 1.0, 3.0])
def test_the_gamma_spline_is_the_exact_quantile(half_width: float) -> None:
    shape = shape_of("gamma", half_width)
    level = np.array([2.0**-54, 1e-9, 0.01, 0.2, 0.5, 0.9, 0.999, 1 - 1e-12])
    reference = gammaincinv(shape.parameter, level) / shape.parameter
    np.testing.assert_allclose(shape.quantiles(level.copy()), reference, rtol=1e-9)


def test_no_error_at_all_is_exactly_one() -> None:
    assert shape_of("normal", 0.0).quantile(0.3) == 1.0
    assert shape_of("normal", 0.0).standard_deviation == 0.0


def test_a_normal_error_may_be_negative_once_in_a_thousand() -> None:
    # The standard normal quantile at 0.001 is -3.0902: sigma 1 / 3.0902 = 0.32360, half width 1.95996 x 0.32360.
    assert largest_half_width("normal") == pytest.approx(0.63425, abs=1e-4)
    assert stats.norm.cdf(-Z / largest_half_width("normal")) == pytest.approx(1e-3, rel=1e-9)
    assert not holds("normal", 1.0)
    assert holds("lognormal", 1.0)


def test_bounded_distributions_reach_down_to_zero_and_no_further() -> None:
    assert shape_of("uniform", largest_half_width("uniform")).quantile(1e-12) == pytest.approx(0.0, abs=1e-9)
    assert shape_of("triangular", largest_half_width("triangular")).quantile(1e-15) == pytest.approx(0.0, abs=1e-6)


def test_a_divisor_is_held_further_from_zero() -> None:
    assert not holds("uniform", 0.95, divides=True)
    assert holds("normal", 0.63)
    assert not holds("normal", 0.63, divides=True)
    assert holds("lognormal", 2.0, divides=True)
