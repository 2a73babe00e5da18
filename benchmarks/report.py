"""Measurements as files and as a table: growth over the sizes, ratios, aims."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.registry import Benchmark, benchmark_of

RESULTS: Final = Path(__file__).parent / "results"
GROWTH_AIM: Final = 1.2


def growth(sizes: Sequence[int], seconds: Sequence[float]) -> dict[str, float] | None:
    """Exponents of seconds over size: the fit through all sizes, and the step between the two largest ones.

    Fixed costs hide in the fit, which they bend downwards; the last step shows what larger sizes will meet. None for
    a single size.

    >>> growth([10, 100], [0.1, 1.0])
    {'fit': 1.0, 'last_step': 1.0}
    """
    if len(sizes) < 2:
        return None
    across, up = np.log(np.array(sizes, dtype=float)), np.log(np.array(seconds, dtype=float))
    fit = float(np.polyfit(across, up, 1)[0])
    return {"fit": round(fit, 3), "last_step": round(float((up[-1] - up[-2]) / (across[-1] - across[-2])), 3)}


def growth_of_phases(measured: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Growth of the CPU seconds of every phase that was run at two sizes or more."""
    names = dict.fromkeys(name for one in measured for name in one["phases"])
    found = {}
    for name in names:
        pairs = sorted((one["size"], one["phases"][name]["cpu"]) for one in measured if name in one["phases"])
        exponents = growth([size for size, _ in pairs], [seconds for _, seconds in pairs])
        if exponents is not None:
            found[name] = exponents
    return found


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """One result as JSON, with numbers to four digits: more would be noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_rounded(result), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) and math.isfinite(value) else value


def read_results(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Results of the given files, or of the folder of stored ones."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths or sorted(RESULTS.glob("*.json"))]


def markdown(results: Sequence[Mapping[str, Any]]) -> str:
    """A table a result, with the machine, the growth and the ratios."""
    return "\n".join(line for result in results for line in _section(result))


def _section(result: Mapping[str, Any]) -> list[str]:
    benchmark = benchmark_of(result["name"])
    kit, used = result["machine"], result["versions"]
    lines = [
        f"## {result['name']}",
        "",
        benchmark.summary,
        "",
        f"{result['date']}: {kit['processor']}, {kit['cores']} cores, {kit['memory_gib']} GiB, {kit['system']}; "
        f"Python {used['python']}, numpy {used['numpy']}, pandas {used['pandas']}; threads: {kit['threads']}.",
        "",
        f"| {benchmark.unit} | phase | wall s | CPU s | peak MiB | aim s | ratio to rival (CPU) | load |",
        "|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    for one in result["sizes"]:
        lines += _rows(benchmark, one)
    for name, exponents in result["growth"].items():
        kept = "within" if exponents["last_step"] <= GROWTH_AIM else "above"
        lines.append(
            f"\nGrowth of {name}: exponent {exponents['fit']:.2f} over all sizes, {exponents['last_step']:.2f} in the "
            f"last step, {kept} the aim of {GROWTH_AIM}."
        )
    return [*lines, ""]


def _rows(benchmark: Benchmark[Any], one: Mapping[str, Any]) -> list[str]:
    load = " to ".join(f"{value:.1f}" for value in one["load_average"])
    aims = {phase.name: phase.aim[1] for phase in benchmark.phases if phase.aim and phase.aim[0] == one["size"]}
    rows = []
    for name, spent in one["phases"].items():
        aim = f"{aims[name]:g}" if name in aims else ""
        peak = f"{one['peak_mib'][name]:,.1f}"
        cells = (f"{one['size']:,}", name, f"{spent['wall']:.3f}", f"{spent['cpu']:.3f}", peak, aim, "", load)
        rows.append(f"| {' | '.join(cells)} |")
    for name, spent in one["rivals"].items():
        ratio = f"{spent['ratio_cpu']:.3g} × {spent['phase']}"
        peak = f"{one['peak_mib'][name]:,.1f}" if name in one["peak_mib"] else "not measured"
        cells = (f"{one['size']:,}", f"*{name}*", f"{spent['wall']:.3f}", f"{spent['cpu']:.3f}", peak, "", ratio, load)
        rows.append(f"| {' | '.join(cells)} |")
    return rows
