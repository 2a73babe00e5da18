"""Approach 2: what Monte Carlo shares with Approach 1, where it differs, and that its bits are reproducible."""

import math

import numpy as np
import pytest
import xarray as xr
from uncertainty_builders import Row, inventory, stated

from carbonsim.accounting.uncertainty import Uncertainty, propagate
from carbonsim.errors import InputError

STATISTICS = ("half_width", "low", "high", "standard_deviation", "sample_mean", "sample_median", "interaction_share")
COAL = {"stream": "coal", "term": "quantity", "half_width": 0.05}


def run(data: xr.Dataset, *rows: dict[str, object], **options: object) -> Uncertainty:
    settings = {"approach": "monte_carlo", "seed": 2024, "draws": 10_000, **options}
    return propagate(data, stated(*rows), **settings)  # type: ignore[arg-type]


def of_total(result: Uncertainty, name: str, year: int = 2024) -> float:
    return float(result.dataset[name].sel(group="total", year=year))


def thousand(factor: object) -> list[Row]:
    return [
        Row("coal", [10.0], {"emission_factor": factor}, facility=f"site_{n}", enterprise=f"firm_{n}")  # type: ignore[dict-item]
        for n in range(1000)
    ]


def test_a_thousand_sites_on_one_factor_do_not_average_out() -> None:
    # Half of a sampled 95 % interval has a relative standard error of about 1.4 / sqrt(2,000) = 3 %.
    data = inventory(thousand((2.0, "guides:coal/emission_factor")))
    result = run(data, {"term": "emission_factor", "half_width": 0.07}, draws=2_000)
    assert of_total(result, "relative_half_width") == pytest.approx(0.07, rel=0.06)
    assert float(result.dataset["relative_half_width"].sel(group="firm_7", year=2024)) == pytest.approx(0.07, rel=0.06)


def test_a_thousand_measured_factors_do() -> None:
    # 7 % / sqrt(1000) = 0.2213594 %.
    result = run(inventory(thousand(2.0)), {"term": "emission_factor", "half_width": 0.07}, draws=2_000)
    assert of_total(result, "relative_half_width") == pytest.approx(0.002213594, rel=0.06)


def test_small_normal_errors_agree_with_approach_1() -> None:
    data = inventory([
        Row("coal", [60.0, 50.0], {"net_calorific_value": 1.0, "carbon_content": (1.0, "coal")}),
        Row("coke", [30.0, 35.0], {"net_calorific_value": 1.0, "carbon_content": (1.0, "coal")}),
        Row("product", [20.0, 21.0], sign=-1.0),
    ])  # fmt: skip
    rows = ({"term": "carbon_content", "half_width": 0.03}, {"term": "quantity", "half_width": 0.02},
            {"term": "net_calorific_value", "half_width": 0.01})  # fmt: skip
    drawn, exact = run(data, *rows, draws=40_000), propagate(data, stated(*rows))
    for name in ("half_width", "low", "high", "standard_deviation", "trend_low", "trend_high", "change_low"):
        # 1.6 / sqrt(40,000) = 0.8 % of a half width is one standard error; the points themselves are larger.
        width = exact.dataset["half_width" if "trend" not in name and "change" not in name else "trend_half_width"]
        if name.startswith("change"):
            width = exact.dataset["change_half_width"]
        difference = np.abs(drawn.dataset[name] - exact.dataset[name])
        assert (difference <= 0.04 * width).all(), name


def test_the_variance_of_a_product_of_large_errors_is_that_of_theory() -> None:
    # Independent factors of mean 1: variance of the product is (1 + c1^2)(1 + c2^2) - 1. Lognormal with half width
    # 1.0100574 has c^2 = exp(0.25) - 1 = 0.2840254: 1.2840254^2 - 1 = 0.6487213 (it is exp(0.5) - 1), against
    # 2 x 0.2840254 = 0.5680508 of first-order propagation.
    wide = {"half_width": 1.0100574, "distribution": "lognormal"}
    data = inventory([Row("coal", [1.0])])
    rows = ({"term": "quantity", **wide}, {"term": "emission_factor", **wide})
    result = run(data, *rows, draws=400_000, chunk=50_000)
    assert of_total(result, "standard_deviation") ** 2 == pytest.approx(0.6487213, rel=0.03)
    first_order = propagate(data, stated(*rows))
    assert of_total(first_order, "standard_deviation") ** 2 == pytest.approx(0.5680508, rel=1e-6)
    # 1 - 0.5680508 / 0.6487213 = 0.1243531.
    assert of_total(result, "interaction_share") == pytest.approx(0.1243531, abs=0.03)
    # A product of lognormals is lognormal with s^2 = 0.5: median exp(-0.25), quantiles exp(-0.25 -+ 1.96 sqrt(0.5)).
    assert of_total(result, "sample_median") == pytest.approx(math.exp(-0.25), rel=0.01)
    assert of_total(result, "high") == pytest.approx(math.exp(-0.25 + 1.959964 * math.sqrt(0.5)), rel=0.01)
    assert of_total(result, "sample_mean") == pytest.approx(1.0, rel=0.01)
    assert of_total(result, "emissions_co2e") == 1.0


def test_a_divided_lognormal_has_the_mean_of_its_inverse() -> None:
    # E(1/X) = exp(s^2) for a lognormal of mean 1: exp(0.25) = 1.2840254; the point stays where it is.
    wide = {"half_width": 1.0100574, "distribution": "lognormal"}
    # The duct efficiency is small, so that its interval stays below 1.
    data = inventory([Row("coal", [1.0], {"duct_efficiency": 0.1})])
    result = run(data, {"term": "duct_efficiency", **wide}, draws=200_000, chunk=50_000)
    assert of_total(result, "sample_mean") == pytest.approx(12.840254, rel=0.01)
    assert of_total(result, "emissions_co2e") == pytest.approx(10.0)


def test_shares_taken_off_are_drawn_together_with_the_rest() -> None:
    # 100 t x (1 - 0.1 - 0.3): 20 % of 0.3 is 6 t, which a normal error moves exactly linearly.
    data = inventory([Row("anode", [100.0], {"emission_factor": 1.0, "sulphur": 0.1, "ash": 0.3})])
    result = run(data, {"term": "ash", "half_width": 0.2})
    assert of_total(result, "half_width") == pytest.approx(6.0, rel=0.03)
    assert of_total(result, "sample_mean") == pytest.approx(60.0, rel=0.002)


def test_a_shared_factor_cancels_between_input_and_product() -> None:
    carbon = {"emission_factor": (1.0, "steel")}
    rows = [Row("ore", [100.0], carbon), Row("product", [60.0], carbon, sign=-1.0)]
    result = run(inventory(rows), {"term": "emission_factor", "half_width": 0.07})
    assert of_total(result, "half_width") == pytest.approx(2.8, rel=0.03)


def test_the_gases_of_a_stream_share_its_quantity() -> None:
    gases = {"CO2": {"emission_factor": 1.0}, "CH4": {"gas_factor": 0.1}}
    result = run(inventory([Row("coal", [10.0], gases=gases)]), COAL)
    assert of_total(result, "relative_half_width") == pytest.approx(0.05, rel=0.03)


def test_a_correlated_factor_leaves_the_trend_exact_and_an_uncorrelated_one_does_not() -> None:
    data = inventory([Row("coal", [60.0, 30.0], {"emission_factor": (1.0, "coal")})])
    kept = run(data, {"term": "emission_factor", "half_width": 0.1})
    assert float(kept.dataset["trend_half_width"].sel(group="total")) == pytest.approx(0.0, abs=1e-12)
    # sqrt(3^2 + (0.5 x 6)^2) / 60 = 0.0707107.
    loose = run(data, {"term": "emission_factor", "half_width": 0.1, "years_correlated": "no"})
    assert float(loose.dataset["trend_half_width"].sel(group="total")) == pytest.approx(0.0707107, rel=0.03)


def test_contributions_are_those_of_approach_1_and_the_sampled_correlation() -> None:
    data = inventory([Row("coal", [60.0]), Row("gas", [40.0])])
    rows = (COAL, {"stream": "gas", "term": "quantity", "half_width": 0.1})
    assert run(data, *rows).contributions().equals(propagate(data, stated(*rows)).contributions())
    assert run(data, *rows).contributions()["contribution"].tolist() == pytest.approx([0.64, 0.36])


def many(order: np.ndarray, count: int = 300) -> xr.Dataset:
    """Streams in three blocks of cells, several gases, years and shapes of sharing, in a given order."""
    rows = [
        Row("coal", [10.0 + n, 12.0 + n / 2], facility=f"site_{n // 3}_{n}", enterprise=f"firm_{n % 5}",
            gases={"CO2": {"carbon_content": (1.0, f"c{n % 3}"), "oxidation": 0.9},
                   "CH4": {"gas_factor": (0.01, "gas"), "conversion": 0.5}})
        for n in range(count)
    ]  # fmt: skip
    return inventory([rows[place] for place in order])


MANY = (
    {"term": "quantity", "half_width": 0.05},
    {"term": "carbon_content", "half_width": 0.07, "distribution": "lognormal"},
    {"term": "gas_factor", "half_width": 0.9, "distribution": "gamma"},
    {"term": "oxidation", "half_width": 0.05, "distribution": "triangular"},
    {"term": "conversion", "half_width": 0.3, "distribution": "uniform", "years_correlated": "no"},
)


@pytest.mark.parametrize("chunk", [7, 64, 1000])
def test_the_chunk_changes_not_a_bit(chunk: int) -> None:
    data = many(np.arange(300))
    whole = run(data, *MANY, draws=130, chunk=130)
    assert run(data, *MANY, draws=130, chunk=chunk).dataset.identical(whole.dataset)


def test_the_memory_limit_changes_not_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = many(np.arange(300))
    whole = run(data, *MANY, draws=130, by="stream")
    monkeypatch.setattr("carbonsim.accounting.uncertainty.monte_carlo.HELD", 130 * 2 * 11)
    assert run(data, *MANY, draws=130, by="stream").dataset.identical(whole.dataset)


def test_the_order_of_rows_changes_not_a_bit() -> None:
    straight = run(many(np.arange(300)), *MANY, draws=130).dataset
    shuffled = run(many(np.random.default_rng(3).permutation(300)), *MANY, draws=130).dataset
    for name in STATISTICS[:-1]:
        xr.testing.assert_identical(straight[name], shuffled[name].sel(group=straight["group"]))
    left_over = shuffled["interaction_share"].sel(group=straight["group"])
    np.testing.assert_allclose(straight["interaction_share"], left_over, atol=1e-9)


def test_the_draws_of_a_stream_do_not_depend_on_what_else_there_is() -> None:
    alone = run(inventory([Row("coal", [60.0])]), COAL, by="stream")
    among = run(inventory([Row("aaa", [1.0]), Row("coal", [60.0])]), COAL, by="stream")
    for name in ("low", "high", "sample_mean"):
        assert float(alone.dataset[name].sel(group="works/coal", year=2024)) == float(
            among.dataset[name].sel(group="works/coal", year=2024)
        )


def test_a_seed_repeats_and_another_differs() -> None:
    data = inventory([Row("coal", [60.0])])
    assert run(data, COAL).dataset.identical(run(data, COAL).dataset)
    assert of_total(run(data, COAL), "low") != of_total(run(data, COAL, seed=7), "low")
    first, second = (run(data, COAL, seed=np.random.default_rng(5)) for _ in range(2))
    assert first.dataset.identical(second.dataset)


def test_a_generator_moves_on() -> None:
    generator = np.random.default_rng(5)
    data = inventory([Row("coal", [60.0])])
    assert of_total(run(data, COAL, seed=generator), "low") != of_total(run(data, COAL, seed=generator), "low")


@pytest.mark.parametrize("seed", [None, -1, "42", True])
def test_a_seed_is_required(seed: object) -> None:
    with pytest.raises(InputError, match="needs an integer"):
        run(inventory([Row("coal", [60.0])]), COAL, seed=seed)


def test_too_few_draws_are_refused() -> None:
    with pytest.raises(InputError, match="at least 100 draws"):
        run(inventory([Row("coal", [60.0])]), COAL, draws=50)


def test_a_trend_from_nothing_has_no_ratio() -> None:
    result = run(inventory([Row("coal", [0.0, 10.0])]), COAL)
    assert np.isnan(float(result.dataset["trend"].sel(group="total")))
    assert np.isnan(float(result.dataset["trend_half_width"].sel(group="total")))
    assert float(result.dataset["change_half_width"].sel(group="total")) == pytest.approx(0.5, rel=0.03)


def test_progress_is_told() -> None:
    seen: list[tuple[str, int, int]] = []
    run(inventory([Row("coal", [60.0])]), COAL, draws=100, progress=lambda *step: seen.append(step))
    assert seen[-1] == ("monte_carlo", 1, 1)
