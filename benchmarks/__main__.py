"""The command: ``python -m benchmarks list | run NAME | agree | report``, from the root of the repository."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.agreement import LEAST, compare_all, shortcomings, table
from benchmarks.machine import machine, versions
from benchmarks.measure import check_ratios, peaks_of, time_one
from benchmarks.registry import Benchmark, DisagreementError, all_benchmarks, benchmark_of
from benchmarks.report import RESULTS, growth_of_phases, markdown, read_results, write_result

REPEAT: Final = 3
ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 1 if answers disagree or a promised ratio is missed, 2 for a wrong argument."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "list":
            print("\n".join(_line(benchmark) for benchmark in all_benchmarks().values()))
        elif options.command == "report":
            print(markdown(read_results([Path(path) for path in options.files])))
        elif options.command == "one":
            chosen = benchmark_of(options.name)
            found = peaks_of(chosen, options.size) if options.memory else time_one(chosen, options.size, options.repeat)
            print(json.dumps(found))
        elif options.command == "agree":
            return _agree(options)
        else:
            return _run(options)
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 2
    except DisagreementError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Benchmarks of carbonsim.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the benchmarks and their sizes")
    report = commands.add_parser("report", help="stored results as a markdown table")
    report.add_argument("files", nargs="*", help=f"results; those in {RESULTS.name}/ by default")
    agree = commands.add_parser("agree", help="the three market engines on stratified random markets")
    agree.add_argument("--instances", type=int, default=1200, help="random markets")
    agree.add_argument("--seed", type=int, default=0, help="of the random numbers; a market is made by seed and number")
    agree.add_argument("--least", type=int, default=LEAST, help="markets that each stratum must have")
    run = commands.add_parser("run", help="measure a benchmark, each size in a process of its own")
    run.add_argument("--size", type=int, action="append", help="this size only; may be repeated")
    run.add_argument("--out", help="write the result as JSON")
    one = commands.add_parser("one", help="what `run` starts: one size in this process, JSON on standard output")
    one.add_argument("--size", type=int, required=True)
    one.add_argument("--memory", action="store_true", help="peak memory instead of times")
    for command in (run, one):
        command.add_argument("name")
        command.add_argument("--repeat", type=int, default=REPEAT, help="rounds, of which the best counts")
    return parser


def _line(benchmark: Benchmark[Any]) -> str:
    sizes = ", ".join(f"{size:,}" for size in benchmark.sizes)
    phases = ", ".join(phase.name for phase in benchmark.phases)
    rivals = ", ".join(rival.name for rival in benchmark.rivals) or "none"
    return f"{benchmark.name}: {benchmark.summary}\n  {sizes} {benchmark.unit}; phases: {phases}; rivals: {rivals}"


def _run(options: argparse.Namespace) -> int:
    benchmark = benchmark_of(options.name)
    if options.repeat < 1:
        raise ValueError(f"--repeat is {options.repeat}; expected at least 1.")
    unknown = sorted(set(options.size or ()) - set(benchmark.sizes))
    if unknown:
        raise ValueError(f"{benchmark.name} has no size {unknown[0]}. Sizes: {', '.join(map(str, benchmark.sizes))}.")
    measured = []
    for size in sorted(set(options.size or benchmark.sizes)):
        one = _child(benchmark.name, size, "--repeat", str(options.repeat))
        measured.append({**one, "peak_mib": _child(benchmark.name, size, "--memory")})
    os.environ.update(ONE_THREAD)
    result = {
        "name": benchmark.name,
        "unit": benchmark.unit,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "sizes": measured,
        "growth": growth_of_phases(measured),
    }
    if options.out:
        write_result(Path(options.out), result)
    print(markdown([result]))
    for one in measured:
        check_ratios(benchmark, one)
    return 0


def _agree(options: argparse.Namespace) -> int:
    if options.instances < 1:
        raise ValueError(f"--instances is {options.instances}; expected at least 1.")
    found = list(compare_all(options.instances, options.seed))
    print(table(found, options.seed))
    short = shortcomings(found, options.least)
    for sentence in short:
        print(sentence, file=sys.stderr)
    return 1 if short else 0


def _child(name: str, size: int, *more: str) -> dict[str, Any]:
    """One size in a fresh process with one thread, so that no size warms up another and CPU time means one core."""
    command = [sys.executable, "-m", "benchmarks", "one", name, "--size", str(size), *more]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise DisagreementError(f"{name}, {size}: {last}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
