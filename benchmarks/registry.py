"""What a benchmark is, and the registry of all of them."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Phase(Generic[State]):
    """One timed step; it keeps what later phases need in the state. Sizes above ``largest`` leave it out."""

    name: str
    run: Callable[[State], None]
    largest: int | None = None
    aim: tuple[int, float] | None = None  # (size, seconds): reported, never asserted

    def runs_at(self, size: int) -> bool:
        """Whether the phase is run at a size."""
        return self.largest is None or size <= self.largest


@dataclass(frozen=True, slots=True)
class Rival(Generic[State]):
    """Another way to the same numbers, timed in the same run on the same instance.

    ``phase`` is the phase it is compared with; ``agrees`` raises if the two answers differ. At sizes above ``largest``
    the rival is not run and no ratio exists. At ``largest`` the ratio has to be ``least_ratio`` or more, if one is
    promised; below it fixed costs count. Above ``largest_traced`` its memory is not measured, for tracing slows Python.
    """

    name: str
    phase: str
    run: Callable[[State], None]
    agrees: Callable[[State], None]
    largest: int
    least_ratio: float | None = None
    largest_traced: float = math.inf


@dataclass(frozen=True, slots=True)
class Benchmark(Generic[State]):
    """A frozen specification: ``build`` makes the instance of a size in an empty folder and is not timed.

    The phases run in their order, then ``check`` asserts what must hold of the answer, then the rivals run.
    """

    name: str
    summary: str
    sizes: tuple[int, ...]
    unit: str  # what a size counts
    build: Callable[[int, Path], State]
    phases: tuple[Phase[State], ...]
    check: Callable[[State], None]
    rivals: tuple[Rival[State], ...] = ()


class DisagreementError(AssertionError):
    """Two ways to the same number gave different ones, or a ratio fell below what is promised."""


_BENCHMARKS: dict[str, Benchmark[Any]] = {}


def register(specification: Callable[[], Benchmark[State]]) -> Callable[[], Benchmark[State]]:
    """Decorator of a function that returns a specification; its name has to be new."""
    benchmark = specification()
    if benchmark.name in _BENCHMARKS:
        raise ValueError(f"benchmark '{benchmark.name}' is registered twice; choose another name.")
    _BENCHMARKS[benchmark.name] = benchmark
    return specification


def all_benchmarks() -> dict[str, Benchmark[Any]]:
    """Every benchmark by name; the modules of ``benchmarks.cases`` are imported at first use."""
    package = importlib.import_module("benchmarks.cases")
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"benchmarks.cases.{module}")
    return dict(sorted(_BENCHMARKS.items()))


def benchmark_of(name: str) -> Benchmark[Any]:
    """The benchmark of a name.

    Raises
    ------
    ValueError
        If there is none; lists the known ones.
    """
    known = all_benchmarks()
    if name not in known:
        raise ValueError(f"benchmark '{name}' is not known. Known: {', '.join(known)}.")
    return known[name]


def assert_same(what: str, ours: float, theirs: float, *, relative: float = 1e-9, absolute: float = 0.0) -> None:
    """Raise unless two totals are equal within a relative and an absolute tolerance.

    Raises
    ------
    DisagreementError
        With both numbers.
    """
    if not abs(ours - theirs) <= max(relative * max(abs(ours), abs(theirs)), absolute):
        raise DisagreementError(f"{what}: {ours!r} against {theirs!r}, which differ by more than {relative:g}.")
