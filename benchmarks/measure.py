"""Runs a benchmark at one size: wall and CPU seconds of each phase, peak memory, and the ratio to its rivals."""

from __future__ import annotations

import gc
import math
import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.registry import Benchmark, DisagreementError, Phase, Rival

MEBIBYTE: Final = 1 << 20


@dataclass(slots=True)
class Timing:
    """Best of the repeats [s], each on its own: the least wall time and the least CPU time."""

    wall: float = math.inf
    cpu: float = math.inf

    def add(self, step: Callable[[], None]) -> None:
        """Time one more run of a step, after the garbage of the last one is gone."""
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        step()
        self.wall = min(self.wall, time.perf_counter() - wall)
        self.cpu = min(self.cpu, time.process_time() - cpu)


def time_one(benchmark: Benchmark[Any], size: int, repeat: int) -> dict[str, Any]:
    """Times of all phases and rivals at one size, the best of ``repeat`` rounds; the answers are checked in each.

    A round is phases, check, rivals, so that both sides of a ratio meet the same load of the machine. Ratios are of
    CPU seconds as well as of wall seconds, and are there only for a rival that was run.
    """
    phases = [phase for phase in benchmark.phases if phase.runs_at(size)]
    rivals = [rival for rival in benchmark.rivals if size <= rival.largest]
    times = {name: Timing() for name in (*(phase.name for phase in phases), *(rival.name for rival in rivals))}
    load = [_load()]
    peak = 0.0
    with tempfile.TemporaryDirectory() as folder:
        state = benchmark.build(size, Path(folder))
        for _ in range(repeat):
            for phase in phases:
                times[phase.name].add(lambda run=phase.run: run(state))  # type: ignore[misc]
            benchmark.check(state)
            peak = peak or _process_peak()
            for rival in rivals:
                times[rival.name].add(lambda run=rival.run: run(state))  # type: ignore[misc]
                rival.agrees(state)
    load.append(_load())
    return {
        "size": size,
        "repeat": repeat,
        "phases": {phase.name: asdict(times[phase.name]) for phase in phases},
        "rivals": {rival.name: _against(rival, times) for rival in rivals},
        "process_peak_mib": peak,
        "load_average": load,
    }


def _parts(benchmark: Benchmark[Any], size: int) -> list[Phase[Any] | Rival[Any]]:
    """The phases and rivals that are run at a size."""
    phases = [phase for phase in benchmark.phases if phase.runs_at(size)]
    return [*phases, *(rival for rival in benchmark.rivals if size <= rival.largest)]


def _against(rival: Rival[Any], times: dict[str, Timing]) -> dict[str, Any]:
    ours, theirs = times[rival.phase], times[rival.name]
    return {
        **asdict(theirs),
        "phase": rival.phase,
        "ratio_wall": theirs.wall / ours.wall,
        "ratio_cpu": theirs.cpu / ours.cpu,
    }


def peaks_of(benchmark: Benchmark[Any], size: int) -> dict[str, float]:
    """Most memory allocated within each phase and rival [MiB] beyond what was held at its start, by ``tracemalloc``.

    It sees what Python and numpy allocate, wherever the allocator puts it, and not what Arrow or a workbook reader
    allocate outside of Python; for those see the peak of the process. Nothing is timed here: tracing slows Python.
    A first round at the smallest size is not traced, so that no import counts.
    """
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        state = benchmark.build(benchmark.sizes[0], Path(folder))
        for part in _parts(benchmark, benchmark.sizes[0]):
            part.run(state)
    with tempfile.TemporaryDirectory() as folder:
        state = benchmark.build(size, Path(folder))
        tracemalloc.start()
        try:
            for part in _parts(benchmark, size):
                if isinstance(part, Rival) and size > part.largest_traced:
                    continue
                gc.collect()
                held = tracemalloc.get_traced_memory()[0]
                tracemalloc.reset_peak()
                part.run(state)
                peaks[part.name] = (tracemalloc.get_traced_memory()[1] - held) / MEBIBYTE
        finally:
            tracemalloc.stop()
    return peaks


def check_ratios(benchmark: Benchmark[Any], measured: dict[str, Any]) -> None:
    """Assert the promised ratios of a measured size, in CPU seconds.

    Raises
    ------
    DisagreementError
        If a rival was fewer times slower than is promised.
    """
    for rival in benchmark.rivals:
        found = measured["rivals"].get(rival.name)
        if found is None or rival.least_ratio is None or measured["size"] != rival.largest:
            continue
        if found["ratio_cpu"] < rival.least_ratio:
            raise DisagreementError(
                f"{benchmark.name}, {measured['size']}: {rival.name} takes {found['ratio_cpu']:.2f} times the CPU "
                f"seconds of {rival.phase}; promised are {rival.least_ratio:g}."
            )


def _process_peak() -> float:
    """Most memory the process ever held [MiB], with interpreter, libraries and the making of the instance."""
    import resource

    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes / (MEBIBYTE if sys.platform == "darwin" else 1024)


def _load() -> float:
    """Mean number of running processes over the last minute; above 1 they may have disturbed the timings."""
    return round(os.getloadavg()[0], 2)
