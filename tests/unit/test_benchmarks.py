"""Every registered benchmark runs at its smallest size, and both sides of its ratios give the same answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.__main__ import main  # noqa: E402
from benchmarks.measure import check_ratios, peaks_of, time_one  # noqa: E402
from benchmarks.registry import DisagreementError, all_benchmarks, assert_same, benchmark_of, register  # noqa: E402
from benchmarks.report import growth, markdown, read_results  # noqa: E402
from benchmarks.row_errors import Row, half_widths  # noqa: E402

BENCHMARKS = all_benchmarks()


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_runs_at_its_smallest_size_and_its_answers_agree(name: str) -> None:
    benchmark = BENCHMARKS[name]
    measured = time_one(benchmark, min(benchmark.sizes), repeat=1)
    assert list(measured["phases"]) == [phase.name for phase in benchmark.phases]
    assert list(measured["rivals"]) == [rival.name for rival in benchmark.rivals]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_specification_is_consistent(name: str) -> None:
    benchmark = BENCHMARKS[name]
    phases = {phase.name: phase for phase in benchmark.phases}
    assert list(benchmark.sizes) == sorted(set(benchmark.sizes))
    assert len(phases) == len(benchmark.phases)
    for phase in benchmark.phases:
        assert phase.aim is None or (phase.aim[0] in benchmark.sizes and phase.runs_at(phase.aim[0]))
    for rival in benchmark.rivals:
        assert rival.largest in benchmark.sizes
        assert phases[rival.phase].runs_at(rival.largest)


def test_an_answer_that_differs_stops_the_run() -> None:
    with pytest.raises(DisagreementError, match=r"total: 1\.0 against"):
        assert_same("total", 1.0, 1.0 + 2e-9)
    with pytest.raises(DisagreementError):
        assert_same("total", float("nan"), 1.0)
    assert_same("total", 1.0, 1.0 + 0.5e-9)


def test_a_promised_ratio_is_held_at_the_largest_size_of_the_rival_only() -> None:
    benchmark = BENCHMARKS["inventory"]
    rival = benchmark.rivals[0]
    assert rival.least_ratio is not None
    slow = {rival.name: {"ratio_cpu": 0.9 * rival.least_ratio}}
    check_ratios(benchmark, {"size": min(benchmark.sizes), "rivals": slow})
    check_ratios(benchmark, {"size": max(benchmark.sizes), "rivals": {}})
    with pytest.raises(DisagreementError, match="promised"):
        check_ratios(benchmark, {"size": rival.largest, "rivals": slow})


def test_peak_memory_of_draws_falls_with_the_chunk() -> None:
    peaks = peaks_of(BENCHMARKS["monte_carlo"], 1_000)
    assert 0 < peaks["draw_in_small_chunks"] < peaks["draw"]


def test_growth_is_the_exponent_of_the_size() -> None:
    # 0.01, 0.1, 4 at 10, 100, 1,000: log10 rises by 1 and by 1.60206; the least-squares slope is their mean.
    assert growth([10, 100, 1_000], [0.01, 0.1, 4.0]) == {"fit": 1.301, "last_step": 1.602}
    assert growth([10], [1.0]) is None


def test_half_widths_by_hand() -> None:
    # Two rows of 100 t on one factor (3 %), each with a quantity of its own (2 %): an enterprise has
    # sqrt(3^2 + 2^2) = 3.6055513 t, the total sqrt(6^2 + 2^2 + 2^2) = 6.6332496 t.
    shared = ("carbon_content", "coal")
    rows = [Row("north", 100.0, (("quantity", "0"), shared)), Row("south", 100.0, (("quantity", "1"), shared))]
    found = half_widths(rows)
    assert found["north"] == pytest.approx(3.6055513, rel=1e-7)
    assert found["total"] == pytest.approx(6.6332496, rel=1e-7)


def test_names_are_found_or_refused() -> None:
    with pytest.raises(ValueError, match=r"not known\. Known: approach_1"):
        benchmark_of("inventry")
    with pytest.raises(ValueError, match="registered twice"):
        register(lambda: BENCHMARKS["inventory"])


def test_the_command_lists_and_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert "rivals: row_by_row_with_units" in capsys.readouterr().out
    assert main(["run", "inventory", "--size", "17"]) == 2
    assert "has no size 17" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_is_stored_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "approach_1.json"
    assert main(["run", "approach_1", "--size", "1000", "--repeat", "1", "--out", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "| 1,000 | propagate |" in shown
    assert markdown(read_results([path])).strip() == shown.strip()
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert set(stored) == {"name", "unit", "date", "machine", "versions", "sizes", "growth"}
    assert set(stored["machine"]) == {"processor", "cores", "memory_gib", "system", "threads"}


def test_stored_results_are_of_registered_benchmarks_and_name_no_place() -> None:
    for result in read_results([]):
        benchmark = BENCHMARKS[result["name"]]
        assert {one["size"] for one in result["sizes"]} <= set(benchmark.sizes)
        assert "/" not in json.dumps([result["machine"], result["versions"]])
        assert all(np.isfinite(spent["cpu"]) for one in result["sizes"] for spent in one["phases"].values())
