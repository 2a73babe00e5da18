"""What every registered allocation rule promises, checked for each by itself."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from carbonsim.allocation import (
    Allocation,
    AllocationInput,
    CollaredIntensity,
    allocation_rules,
    with_auction_share,
)
from carbonsim.allocation.assemble import straight_line
from carbonsim.inputs.parameter_files import read_parameter_folder
from carbonsim.inputs.parameters import DatedValue, Parameter, ParameterSet
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.inputs.yaml_loader import read_yaml

BASE_YEAR, DEFAULT_YEAR, DEFAULT_SECTOR = 2024, 2026, "steel"
INVARIANTS = {"splitting", "scaling", "smooth"}
STEP = 1e-6  # relative step of the finite differences
EXTENSIVE = (
    "entities", "emissions", "key_emissions", "output", "key_output", "heat_output", "reference_emissions",
    "reference_output", "previous_emissions", "previous_output",
)  # fmt: skip


def assumed(path: str, value: float) -> Parameter:
    sectors = ("steel", "cement", "aluminium", "power")
    dated = (DatedValue(2019, value, "made-up", "assumption"),)
    return Parameter(path, path, "1", ("sector",), {(sector,): dated for sector in sectors}, 2040)


@pytest.fixture(scope="module")
def policy() -> ParameterSet:
    folder = scenarios_folder()
    sources, _ = read_yaml(folder / "sources.yaml", "sources.yaml")
    assert sources is not None
    found, _, _ = read_parameter_folder(folder / "parameters" / "china", "china", sources.data)
    made_up = {
        "reduction_factor": 0.95,
        "intensity_decline": 0.01,
        "output_benchmark": 0.7,
        "updating_share": 0.6,
        "free_budget": 1e8,
    }
    study = {f"industry.{name}": assumed(f"industry.{name}", value) for name, value in made_up.items()}
    return ParameterSet({**found, **study})


def sample(rule: str) -> AllocationInput:
    """Six facilities of four enterprises, one a block of fifty, away from every kink and threshold.

    For power: coal near its benchmark, coal far below the ceiling of the shortfall, a gas unit short and one long, a
    special case; elsewhere intensities of the key process within the collar and beyond both ends.
    """
    declares = allocation_rules.get(rule).declares
    sector = (declares["sectors"] or (DEFAULT_SECTOR,))[0]
    year = declares["first_year"] or DEFAULT_YEAR
    output = np.array([1e6, 2e6, 5e5, 8e5, 4e8, 3e5])
    emissions = output * np.array([0.95, 1.6, 0.45, 0.30, 0.92, 1.1])
    if sector != "power":
        emissions = output * np.array([1.4, 1.5, 1.45, 1.1, 1.38, 1.9])
    key = emissions if sector == "power" else output * np.array([1.0, 0.98, 1.03, 0.7, 1.0, 1.35])
    return AllocationInput(
        sector=sector,
        year=year,
        base_year=min(BASE_YEAR, year),
        facility=tuple(f"f{i}" for i in range(6)),
        enterprise=("a", "b", "c", "c", "block", "d") if sector == "power" else ("a", "b", "c", "e", "block", "d"),
        entities=np.array([1.0, 1.0, 1.0, 1.0, 50.0, 1.0]),
        emissions=emissions,
        key_emissions=key,
        output=output,
        key_output=output,
        heat_output=output * 0.1,
        benchmark_class=("II", "III", "IV", "IV", "I", "III"),
        load_factor=np.array([0.7, np.nan, np.nan, np.nan, 0.6, np.nan]),
        heat_ratio=np.array([0.0, 0.1, 0.2, 0.0, 0.05, 0.0]),
        cooling=("air", "water", "", "", "water", "back_pressure"),
        special_case=("",) * 5 + ("closure",),
        reference_emissions=1.1 * emissions,
        reference_output=1.05 * output,
        product=("product",) * 6,
        previous_emissions=1.04 * emissions,
        previous_output=0.97 * output,
    )


def run(rule: str, data: AllocationInput, policy: ParameterSet, held: Allocation | None = None) -> Allocation:
    """The rule, with the constants it takes as given held at those of an earlier run."""
    entry = allocation_rules.get(rule)
    given = {} if held is None else {name: held.notes[name] for name in entry.declares["takes_as_given"]}
    return entry.target(data, policy, **given)


def take(data: AllocationInput, rows: Sequence[int], scale: float = 1.0, suffix: str = "") -> AllocationInput:
    """Rows of an input in a given order, extensive numbers times a scale, labels with a suffix."""
    index = np.array(rows)
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(data):
        value = getattr(data, field.name)
        if isinstance(value, np.ndarray):
            changes[field.name] = value[index] * (scale if field.name in EXTENSIVE else 1.0)
        elif isinstance(value, tuple):
            renamed = suffix if field.name in ("facility", "enterprise") else ""
            changes[field.name] = tuple(value[row] + renamed for row in rows)
    return dataclasses.replace(data, **changes)


def joined(first: AllocationInput, second: AllocationInput) -> AllocationInput:
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(first):
        one, two = getattr(first, field.name), getattr(second, field.name)
        if isinstance(one, np.ndarray):
            changes[field.name] = np.concatenate([one, two])
        elif isinstance(one, tuple):
            changes[field.name] = one + two
    return dataclasses.replace(first, **changes)


def moved(data: AllocationInput, row: int, **steps: float) -> AllocationInput:
    changes: dict[str, Any] = {}
    for name, step in steps.items():
        array = getattr(data, name).copy()
        array[row] += step
        changes[name] = array
    return dataclasses.replace(data, **changes)


RULES = list(allocation_rules)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_declares_what_it_is(rule: str, policy: ParameterSet) -> None:
    entry = allocation_rules.get(rule)
    assert entry.summary
    assert set(entry.declares["invariants"]) <= INVARIANTS
    assert any("一" <= letter <= "鿿" for letter in entry.declares["title_zh"])
    assert entry.declares["data_items"]
    first, last = entry.declares["first_year"], entry.declares["last_year"]
    assert first is None or last is None or first <= last
    for path in entry.declares["parameters"]:
        assert path in policy


@pytest.mark.parametrize("rule", RULES)
def test_it_reads_no_parameter_that_it_does_not_declare(rule: str, policy: ParameterSet) -> None:
    declared = allocation_rules.get(rule).declares["parameters"]
    run(rule, sample(rule), ParameterSet({path: policy.get(path) for path in declared}))


@pytest.mark.parametrize("rule", RULES)
def test_shapes_and_signs(rule: str, policy: ParameterSet) -> None:
    data = sample(rule)
    result = run(rule, data, policy)
    assert result.rule == rule
    assert result.facility == data.facility
    assert result.enterprise == data.enterprise
    arrays = [field.name for field in dataclasses.fields(result) if isinstance(getattr(result, field.name), np.ndarray)]
    assert {"amount", "phi_key", "sigma", "emissions", "auctioned"} <= set(arrays)
    for name in arrays:
        assert getattr(result, name).shape == (len(data.facility),), name
        assert np.all(np.isfinite(getattr(result, name))), name
    assert np.all(result.amount >= 0)
    assert np.all(result.sigma >= 0)
    assert np.all(result.phi_key <= 1) or result.kind == "best_response"


@pytest.mark.parametrize("rule", RULES)
def test_kind_and_parts_agree(rule: str, policy: ParameterSet) -> None:
    data = sample(rule)
    result = run(rule, data, policy)
    if result.kind != "best_response":
        parts = result.fixed + result.per_emission * result.emissions + result.per_output * result.output
        assert np.allclose(parts, result.amount_unrounded, rtol=1e-12)
        assert result.units == ()
        return
    covered = [name for unit in result.units for name in unit.facilities]
    assert sorted(covered) == sorted(data.facility)
    amounts = sum(float(unit.rule.amount(unit.key_emissions, unit.other_emissions)) for unit in result.units)
    assert amounts == pytest.approx(result.amount_unrounded.sum(), rel=1e-9)
    emissions = sum(unit.key_emissions + unit.other_emissions for unit in result.units)
    assert emissions == pytest.approx(data.emissions.sum(), rel=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_rounding_takes_less_than_three_allowances_a_facility(rule: str, policy: ParameterSet) -> None:
    # Electricity, heat and top-up are floored one by one; rounded intensities and factors move up to 1e-4 of it.
    result = run(rule, sample(rule), policy)
    assert np.all(np.abs(result.amount - result.amount_unrounded) <= 3 + 1e-4 * result.amount_unrounded)


@pytest.mark.parametrize("rule", RULES)
def test_the_order_of_enterprises_is_irrelevant(rule: str, policy: ParameterSet) -> None:
    data = sample(rule)
    order = [5, 2, 4, 0, 3, 1]
    straight, shuffled = run(rule, data, policy), run(rule, take(data, order), policy)
    for name in ("amount", "amount_unrounded", "phi_key", "phi_other", "sigma"):
        assert np.allclose(getattr(straight, name)[order], getattr(shuffled, name), rtol=1e-9), name


@pytest.mark.parametrize("rule", RULES)
def test_the_input_is_left_alone(rule: str, policy: ParameterSet) -> None:
    data, before = sample(rule), sample(rule)
    run(rule, data, policy)
    for field in dataclasses.fields(data):
        np.testing.assert_array_equal(getattr(data, field.name), getattr(before, field.name), err_msg=field.name)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if "scaling" in allocation_rules.get(rule).declares["invariants"]]
)
def test_declared_scaling_holds(rule: str, policy: ParameterSet) -> None:
    data = sample(rule)
    doubled = take(data, range(6), scale=2.0)
    assert np.allclose(
        run(rule, doubled, policy).amount_unrounded, 2 * run(rule, data, policy).amount_unrounded, rtol=1e-12
    )


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if "splitting" in allocation_rules.get(rule).declares["invariants"]]
)
def test_declared_splitting_holds(rule: str, policy: ParameterSet) -> None:
    data = sample(rule)
    halves = joined(take(data, range(6), 0.3, "_one"), take(data, range(6), 0.7, "_two"))
    whole = run(rule, data, policy).amount_unrounded.sum()
    assert run(rule, halves, policy).amount_unrounded.sum() == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if "smooth" in allocation_rules.get(rule).declares["invariants"]]
)
def test_declared_smoothness_holds(rule: str, policy: ParameterSet) -> None:
    data = sample(rule)
    for row in range(6):
        for name in ("emissions", "output"):
            size = getattr(data, name)[row]
            amounts = [
                run(rule, moved(data, row, **{name: part * size}), policy).amount_unrounded.sum()
                for part in np.linspace(-0.9, 3.0, 14)
            ]
            assert np.allclose(np.diff(amounts, 2), 0.0, atol=1e-9 * max(amounts))


def difference(rule: str, data: AllocationInput, policy: ParameterSet, row: int, **steps: float) -> list[float]:
    """One-sided differences of the total allowances, before rounding, below and above."""
    base = run(rule, data, policy)
    size = max(abs(step) for step in steps.values())
    amounts = [
        run(rule, moved(data, row, **{name: sign * step for name, step in steps.items()}), policy, held=base)
        for sign in (-1, 1)
    ]
    here = base.amount_unrounded.sum()
    below, above = (other.amount_unrounded.sum() for other in amounts)
    return [float(here - below) / size, float(above - here) / size]


@pytest.mark.parametrize("row", range(6))
@pytest.mark.parametrize("rule", RULES)
def test_phi_is_the_finite_difference_in_emissions(rule: str, row: int, policy: ParameterSet) -> None:
    data = sample(rule)
    result = run(rule, data, policy)
    step = STEP * data.emissions[row]
    by_key = difference(rule, data, policy, row, emissions=step, key_emissions=step)
    assert by_key == pytest.approx([1 - result.phi_key[row]] * 2, abs=1e-3)
    if data.sector != "power":  # the key channel of a generating unit is all of its emissions
        by_other = difference(rule, data, policy, row, emissions=step)
        assert by_other == pytest.approx([1 - result.phi_other[row]] * 2, abs=1e-3)


@pytest.mark.parametrize("row", range(6))
@pytest.mark.parametrize("rule", RULES)
def test_sigma_is_the_finite_difference_in_output(rule: str, row: int, policy: ParameterSet) -> None:
    data = sample(rule)
    step = STEP * data.output[row]
    slopes = difference(rule, data, policy, row, output=step, key_output=step)
    assert slopes == pytest.approx([run(rule, data, policy).sigma[row]] * 2, abs=1e-3)


@pytest.mark.parametrize("rule", RULES)
def test_what_the_year_before_brings_is_its_finite_difference(rule: str, policy: ParameterSet) -> None:
    # A rule without lag must not react at all; one with it must say by how much, below and above.
    data = sample(rule)
    result = run(rule, data, policy)
    assert (result.lag > 0) == bool(np.any(result.per_previous_emission) or np.any(result.per_previous_output))
    for row in range(6):
        for name, stated in (("emissions", result.per_previous_emission), ("output", result.per_previous_output)):
            step = STEP * getattr(data, f"previous_{name}")[row]
            slopes = difference(rule, data, policy, row, **{f"previous_{name}": step})
            assert slopes == pytest.approx([stated[row]] * 2, abs=1e-3), name


@pytest.mark.parametrize("rule", RULES)
def test_the_declared_incentives_are_those_of_the_result(rule: str, policy: ParameterSet) -> None:
    declares = allocation_rules.get(rule).declares
    if "phi" not in declares:
        return  # a rule from outside may leave the table empty
    result = run(rule, sample(rule), policy)
    assert declares["kind"] == result.kind
    assert declares["lag"] == result.lag
    # Where the formula is a number, every facility has that number.
    for name, values in (("phi", result.phi_key), ("sigma", result.sigma)):
        if declares[name] in ("0", "1"):
            assert np.all(values == float(declares[name])), name
    # A signal that is 1 within the year is written with the next year's price if the year after brings something.
    assert ("p'/p" in declares["phi"]) == bool(np.any(result.per_previous_emission))
    assert ("p'/p" in declares["sigma"]) == bool(np.any(result.per_previous_output))


@pytest.mark.parametrize("rule", RULES)
def test_sigma_of_a_unit_holds_on_both_sides_of_its_kinks(rule: str, policy: ParameterSet) -> None:
    for unit in run(rule, sample(rule), policy).units:
        inner = unit.rule
        if not isinstance(inner, CollaredIntensity):
            continue
        for kink in inner.key_kinks():
            for side in (0.99, 1.01):
                key, other = side * kink, unit.other_emissions
                step = 1e-6 * inner.key_output
                amounts = [
                    float(dataclasses.replace(inner, key_output=inner.key_output + sign * step).amount(key, other))
                    for sign in (-1, 1)
                ]
                slope = (amounts[1] - amounts[0]) / (2 * step)
                assert slope == pytest.approx(inner.output_gradient(key, other), abs=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_obligation_rules_jump_only_at_their_kinks(rule: str, policy: ParameterSet) -> None:
    for unit in run(rule, sample(rule), policy).units:
        for key_kink in unit.rule.key_kinks():
            check_kink(unit.rule, key_kink, unit.other_emissions, (1.0, 0.0))
        for total in unit.rule.total_kinks():
            check_kink(
                unit.rule,
                min(unit.key_emissions, 0.5 * total),
                total - min(unit.key_emissions, 0.5 * total),
                (0.0, 1.0),
            )


def check_kink(rule: Any, key: float, other: float, along: tuple[float, float]) -> None:
    """The stated gradient holds just below and just above, by differences that stay on their side."""
    size = 1e-4 * (key + other)
    for side in (-1.0, 1.0):
        near, far = side * size, 2 * side * size
        slope = (
            float(rule.amount(key + far * along[0], other + far * along[1]))
            - float(rule.amount(key + near * along[0], other + near * along[1]))
        ) / (far - near)
        middle = 1.5 * side * size
        by_key, by_other = rule.gradient(key + middle * along[0], other + middle * along[1])
        assert slope == pytest.approx(by_key * along[0] + by_other * along[1], abs=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.35, 1.0])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_takes_an_auction_share(rule: str, share: float, policy: ParameterSet) -> None:
    base = run(rule, sample(rule), policy)
    hybrid = with_auction_share(base, share)
    assert np.allclose(hybrid.amount_unrounded + hybrid.auctioned, base.amount_unrounded)
    assert np.allclose(1 - hybrid.phi_key, (1 - share) * (1 - base.phi_key))


@pytest.fixture
def dummy() -> Iterator[str]:
    def tenth(data: AllocationInput, parameters: ParameterSet, /) -> Allocation:
        """A tenth of an allowance for each unit of output, for this test."""
        return straight_line("test_tenth", data, per_output=np.full(len(data.facility), 0.1))

    allocation_rules.register(
        "test_tenth", first_year=None, last_year=None, sectors=(), parameters=(), takes_as_given=(),
        invariants=("splitting", "scaling", "smooth"), title_zh="测试", data_items=("output",),
    )(tenth)  # fmt: skip
    yield "test_tenth"
    allocation_rules.unregister("test_tenth")


def test_a_rule_from_outside_the_package_passes_the_suite(dummy: str, policy: ParameterSet) -> None:
    assert dummy in allocation_rules
    test_a_rule_declares_what_it_is(dummy, policy)
    test_shapes_and_signs(dummy, policy)
    test_kind_and_parts_agree(dummy, policy)
    test_the_order_of_enterprises_is_irrelevant(dummy, policy)
    test_declared_scaling_holds(dummy, policy)
    test_declared_splitting_holds(dummy, policy)
    test_declared_smoothness_holds(dummy, policy)
    for row in range(6):
        test_phi_is_the_finite_difference_in_emissions(dummy, row, policy)
        test_sigma_is_the_finite_difference_in_output(dummy, row, policy)
