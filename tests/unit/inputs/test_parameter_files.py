"""Dated parameters: what a file may say, and when a value is in force."""

from __future__ import annotations

from datetime import date

import pytest

from carbonsim.errors import Issue, ParameterError
from carbonsim.inputs.parameter_files import read_topic
from carbonsim.inputs.parameters import Parameter, ParameterSet
from carbonsim.inputs.yaml_loader import parse_yaml

BENCHMARK = """\
benchmark:
  description: Allowances per unit of gross generation.
  unit: tCO2/MWh
  dims: [benchmark_class]
  bounds: [0, 2]
  source: plan-a
  where: annex 2
  basis: law
  values:
    I: {2023: 0.7950, 2024: {value: 0.7910, announced: "2024-10-21"}}
    II: {2023: 0.8090, 2025: {value: 0.8, basis: draft, source: plan-b, low: 0.79, high: 0.81}, 2026: null}
  valid_until: 2026
  checked_on: "2026-11-23"
"""


def read(text: str) -> tuple[dict[str, Parameter], list[Issue]]:
    document, faults = parse_yaml(text, "power.yaml")
    assert document is not None
    found = read_topic(document, "power", {"plan-a", "plan-b"})
    return {item.path: item for item, _ in found if item}, faults + [issue for _, issues in found for issue in issues]


def test_defaults_of_the_parameter_and_overrides_of_a_value() -> None:
    parameters, issues = read(BENCHMARK)
    benchmark = parameters["power.benchmark"]
    assert issues == []
    first, second = benchmark.at(2023, "I"), benchmark.at(2025, "II")
    assert (first.source, first.where, first.basis, first.announced) == ("plan-a", "annex 2", "law", None)
    assert (second.source, second.basis, second.low, second.high) == ("plan-b", "draft", 0.79, 0.81)
    assert benchmark.at(2024, "I").announced == date(2024, 10, 21)
    assert benchmark.checked_on == date(2026, 11, 23)
    assert (benchmark.file, benchmark.line) == ("power.yaml", 1)


def test_value_holds_from_its_year_until_the_next() -> None:
    benchmark = read(BENCHMARK)[0]["power.benchmark"]
    assert [benchmark.at(year, "I").value for year in (2023, 2024, 2026)] == [0.795, 0.791, 0.791]


@pytest.mark.parametrize(
    ("year", "label", "said"),
    [
        (2022, "I", "starts in 2023"),
        (2026, "II", "ended in 2026"),
        (2027, "I", "valid until 2026"),
        (2024, "IV", "no value for IV"),
    ],
)
def test_outside_its_validity_a_parameter_stops_the_run(year: int, label: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        read(BENCHMARK)[0]["power.benchmark"].at(year, label)


def test_drafts_are_refused_unless_allowed() -> None:
    parameters = read(BENCHMARK)[0]
    assert ParameterSet(parameters, allow_draft=True).value("power.benchmark", 2025, "II") == 0.8
    with pytest.raises(ParameterError, match=r"power.benchmark II in 2025 is a draft \(plan-b\)"):
        ParameterSet(parameters, allow_draft=False).value("power.benchmark", 2025, "II")


def test_topic_key_renames_the_file() -> None:
    assert set(read("topic: industry\n" + BENCHMARK)[0]) == {"industry.benchmark"}


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("unit: tCO2/MWh", "unit: tCO2/mwh", "unknown-unit", "MWh"),
        ("unit: tCO2/MWh\n", "\n", "missing-key", "unit"),
        ("valid_until: 2026", "valid_untill: 2026", "unknown-key", "Did you mean 'valid_until'?"),
        ("valid_until: 2026", "", "missing-key", "valid_until"),
        ('"2026-11-23"', '"23.11.2026"', "bad-date", "ISO"),
        ('"2024-10-21"', "2024-10-21", "yaml-date", "quoted"),
        ('"2024-10-21"', '"2024-21-10"', "bad-date", "ISO"),
        ("source: plan-a", "source: plan-c", "unknown-source", "plan-c"),
        ("  source: plan-a\n", "", "missing-key", "source"),
        ("basis: law", "basis: laww", "unknown-choice", "Did you mean 'law'?"),
        ("0.7950", "7.95", "out-of-bounds", "0 to 2"),
        ("low: 0.79,", "low: 0.805,", "bad-range", "low and high"),
        ("low: 0.79,", "", "bad-range", "both"),
        ("2025: {value", "2029: {value", "bad-validity", "2029"),
        ("2023: 0.7950", "2023: true", "wrong-type", "a number"),
        ("2023: 0.7950", "now: 0.7950", "bad-year", "now"),
        ("2023: 0.7950", "2023: 1e-1", "yaml-number", "1e-1"),
    ],
)
def test_faults_of_a_parameter_file(old: str, new: str, code: str, said: str) -> None:
    assert old in BENCHMARK
    _, issues = read(BENCHMARK.replace(old, new))
    hits = [issue for issue in issues if issue.code == code]
    assert hits, issues
    assert any(said in issue.text() for issue in hits)
    assert hits[0].line is not None


def test_all_faults_of_a_file_come_at_once() -> None:
    text = BENCHMARK.replace("0.7950", "7.95").replace("plan-b", "plan-c").replace("unit: tCO2/MWh", "unit: bananas")
    assert {issue.code for issue in read(text)[1]} == {"out-of-bounds", "unknown-source", "unknown-unit"}


def test_unknown_sector_label_is_a_fault() -> None:
    text = (
        BENCHMARK.replace("[benchmark_class]", "[sector]")
        .replace("    I:", "    steel:")
        .replace("    II:", "    stel:")
    )
    parameters, issues = read(text)
    assert [issue.code for issue in issues] == ["unknown-sector"]
    assert parameters["power.benchmark"].labels() == (("steel",),)


def test_array_has_dims_and_unit() -> None:
    text = BENCHMARK.replace(", 2026: null", "")
    array = ParameterSet(read(text)[0]).array("power.benchmark", [2024, 2026])
    assert array.dims == ("benchmark_class", "year")
    assert array.attrs["units"] == "tCO2/MWh"
    assert array.sel(benchmark_class="II").values.tolist() == [0.809, 0.8]
