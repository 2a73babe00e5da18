"""An output problem from plain numbers: a mapping written by hand or read from a problem file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from carbonsim.errors import InputError, Said, chinese_of, did_you_mean
from carbonsim.market.output_problem import BENCHMARKED, KINDS, OutputProblem, PolicyKind
from carbonsim.market.supply import Array

PROBLEM_KEYS = ("year", "goods", "producers", "pools", "links")
GOOD_KEYS = ("intercept", "slope", "reference_price", "reference_quantity", "elasticity", "pass_through")
PRODUCER_KEYS = (
    "good", "pool", "foreign", "intensity", "unit_cost", "supply_slope", "abatement_curvature", "largest_cut",
    "benchmark", "free",
)  # fmt: skip
POLICY_KEYS = ("policy", "from", "cap", "free_budget", "benchmark")

Record = dict[str, Any]


def output_problem_from_mapping(mapping: Mapping[str, object]) -> OutputProblem:
    """An output problem from numbers; one number holds in every year, a list has one for each.

    Parameters
    ----------
    mapping : dict
        ``year`` (list). ``goods`` {name: intercept and slope, or reference_price, reference_quantity and elasticity
        (above 0: per cent of quantity lost for one per cent of price); pass_through where the price is regulated}.
        ``producers`` {name: good, intensity, unit_cost, supply_slope, and optionally pool, foreign, benchmark, free,
        abatement_curvature (without it there is nothing to abate), largest_cut (else the intensity)}. ``pools``
        {name: policy, cap, free_budget, benchmark}, or {name: list of such records, each with ``from``: the year it
        starts in}: that is how a rate-based policy turns into an absolute cap. A pool's benchmark goes to its
        producers that have none. ``links``: lists of pools that trade with each other, or records with ``pools``,
        ``from`` and ``until``.

    Raises
    ------
    InputError
        If a key is unknown or missing, or the problem is not valid.
    """
    _check(mapping, PROBLEM_KEYS, Said("output problem", "产出类问题"), ("year", "goods", "producers"))
    year = tuple(int(label) for label in cast(Sequence[Any], mapping["year"]))
    goods, producers = _records(mapping["goods"], "goods"), _records(mapping["producers"], "producers")
    pools = {
        name: _policies(value, name)
        for name, value in cast(Mapping[str, object], mapping.get("pools", {}) or {}).items()
    }
    names = {"good": tuple(goods), "pool": tuple(pools)}
    intercept, slope, share = (np.zeros((len(goods), len(year))) for _ in range(3))
    for g, (name, record) in enumerate(goods.items()):
        intercept[g], slope[g], share[g] = _demand(record, name, len(year))
    kinds = tuple(tuple(_kind_in(pools[name], name, label) for label in year) for name in pools)
    table = _producers(producers, names, len(year))
    _spread_benchmarks(table["benchmark"], _positions(producers, "pool", names["pool"]), pools, year)
    return OutputProblem(
        year=year,
        good=names["good"],
        intercept=intercept,
        slope=slope,
        pass_through=share,
        producer=tuple(producers),
        producer_good=_positions(producers, "good", names["good"]),
        producer_pool=_positions(producers, "pool", names["pool"]),
        is_foreign=np.array([bool(record.get("foreign", False)) for record in producers.values()], dtype=bool),
        pool=names["pool"],
        kind=kinds,
        cap=_pool_table(pools, year, "cap"),
        free_budget=_pool_table(pools, year, "free_budget"),
        market=_markets(mapping.get("links", ()), names["pool"], year),
        **{**table, "benchmark": np.nan_to_num(table["benchmark"])},
    )


def _demand(record: Record, name: str, years: int) -> tuple[Array, Array, Array]:
    """Intercept, slope and regulated share of a good."""
    where = f"goods.{name}"
    _check(record, GOOD_KEYS, where, ())
    share = _yearly(record.get("pass_through", np.nan), f"{where}.pass_through", years)
    if "intercept" in record or "slope" in record:
        _check(record, ("intercept", "slope", "pass_through"), where, ("intercept", "slope"))
        return _yearly(record["intercept"], where, years), _yearly(record["slope"], where, years), share
    _check(record, GOOD_KEYS, where, ("reference_price", "reference_quantity", "elasticity"))
    price, quantity, elasticity = (
        _yearly(record[key], f"{where}.{key}", years) for key in ("reference_price", "reference_quantity", "elasticity")
    )
    if np.any(quantity <= 0) or np.any(elasticity <= 0) or np.any(price <= 0):
        raise InputError(
            f"{where}: reference_price, reference_quantity and elasticity must be above 0.",
            f"{where}：reference_price、reference_quantity 和 elasticity 须大于 0。",
        )
    slope = price / (elasticity * quantity)
    return price + slope * quantity, slope, share


def _producers(records: dict[str, Record], names: dict[str, tuple[str, ...]], years: int) -> dict[str, Array]:
    """The producers' numbers, (producer, year); a benchmark that is not given is NaN."""
    keys = (
        "intensity", "unit_cost", "supply_slope", "abatement_curvature", "largest_cut", "benchmark", "free",
    )  # fmt: skip
    table = {key: np.zeros((len(records), years)) for key in keys}
    for i, (name, record) in enumerate(records.items()):
        where = f"producers.{name}"
        _check(record, PRODUCER_KEYS, where, ("good", "intensity", "unit_cost", "supply_slope"))
        can_abate = "abatement_curvature" in record
        if "largest_cut" in record and not can_abate:
            raise InputError(
                f"{where}.largest_cut needs abatement_curvature: what the cut costs.",
                f"给出 {where}.largest_cut 时须给出 abatement_curvature，即减排的成本。",
            )
        standard = {
            "abatement_curvature": 1.0,
            "largest_cut": record["intensity"] if can_abate else 0.0,
            "benchmark": np.nan,
            "free": 0.0,
        }
        for key in keys:
            table[key][i] = _yearly(record.get(key, standard.get(key)), f"{where}.{key}", years)
    return table


def _spread_benchmarks(
    benchmark: Array, pool_of: np.ndarray[Any, np.dtype[np.intp]], pools: dict[str, list[Record]], year: tuple[int, ...]
) -> None:
    """A pool's own benchmark, for its producers that have none, in the years whose policy has benchmarks."""
    for k, (name, records) in enumerate(pools.items()):
        for y, label in enumerate(year):
            record = _record_in(records, name, label)
            if record.get("policy") not in BENCHMARKED:
                if "benchmark" in record:
                    raise InputError(
                        f"pools.{name}: policy {record.get('policy')} has no benchmark; leave it out.",
                        f"pools.{name}：政策 {record.get('policy')} 没有 benchmark；请删去。",
                    )
                continue
            # A self-balancing pool needs only the proportions, which are even if nobody says otherwise.
            given = record.get("benchmark", 1.0 if record["policy"] == "self_balancing" else np.nan)
            column = benchmark[pool_of == k, y]
            value = _in_force(given, f"pools.{name}.benchmark", record, records, year, y)
            benchmark[pool_of == k, y] = np.where(np.isnan(column), value, column)
            if np.any(np.isnan(benchmark[pool_of == k, y])):
                raise InputError(
                    f"pools.{name}.benchmark is missing in {label} and not every producer of the pool has its own; "
                    f"write 0 for those that get nothing.",
                    f"{label} 年缺少 pools.{name}.benchmark，且该池并非每个生产者都有自己的基准；没有基准的请写 0。",
                )


def _policies(value: object, name: str) -> list[Record]:
    """The records of a pool, sorted by the year they start in."""
    listed = list(value) if isinstance(value, (list, tuple)) else [value]
    records: list[Record] = []
    for record in listed:
        if not isinstance(record, Mapping):
            raise InputError(
                f"pools.{name} is {type(record).__name__}; expected policy and its numbers.",
                f"pools.{name} 为 {type(record).__name__}，应为政策及其数值。",
            )
        _check(record, POLICY_KEYS, f"pools.{name}", ("policy",))
        if record["policy"] not in KINDS:
            raise InputError(
                f"pools.{name}.policy is '{record['policy']}'. Known: {', '.join(KINDS)}. "
                f"{did_you_mean(str(record['policy']), KINDS)}".strip(),
                (
                    f"pools.{name}.policy 为 '{record['policy']}'。可用：{'、'.join(KINDS)}。"
                    f"{did_you_mean(str(record['policy']), KINDS, 'zh')}"
                ).strip(),
            )
        records.append({str(key): entry for key, entry in record.items()})
    if len(records) > 1 and any("from" not in record for record in records):
        raise InputError(
            f"pools.{name} has several policies; each needs 'from', the year it starts in.",
            f"pools.{name} 有多项政策；每项都须给出 'from'，即起始年份。",
        )
    starts = [record.get("from") for record in records]
    if len(set(starts)) < len(starts):
        raise InputError(f"pools.{name} has two policies from the same year.", f"pools.{name} 有两项政策从同一年开始。")
    return sorted(records, key=lambda record: int(record.get("from", 0)))


def _record_in(records: list[Record], name: str, year: int) -> Record:
    """The policy in force in a year; none before the first."""
    found: Record = {"policy": "none"}
    for record in records:
        if year >= int(record.get("from", year)):
            found = record
    return found


def _kind_in(records: list[Record], name: str, year: int) -> PolicyKind:
    return cast(PolicyKind, _record_in(records, name, year)["policy"])


def _pool_table(pools: dict[str, list[Record]], year: tuple[int, ...], key: str) -> Array:
    table = np.full((len(pools), len(year)), np.nan)
    for k, (name, records) in enumerate(pools.items()):
        for y, label in enumerate(year):
            record = _record_in(records, name, label)
            if key in record:
                table[k, y] = _in_force(record[key], f"pools.{name}.{key}", record, records, year, y)
    return table


def _in_force(value: object, where: str, record: Record, records: list[Record], year: tuple[int, ...], y: int) -> float:
    """A policy's number in a year: one number, or one for each year in which the policy is in force."""
    mine = [position for position, label in enumerate(year) if _record_in(records, where, label) is record]
    return float(_yearly(value, where, len(mine))[mine.index(y)])


def _markets(links: object, pools: tuple[str, ...], year: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Number of the market that each pool trades in, (pool, year)."""
    market = np.tile(np.arange(len(pools), dtype=np.intp)[:, None], (1, len(year)))
    for link in cast(Iterable[Any], links or ()):
        record = dict(link) if isinstance(link, Mapping) else {"pools": link}
        _check(record, ("pools", "from", "until"), "links", ("pools",))
        members = [str(name) for name in record["pools"]]
        unknown = [name for name in members if name not in pools]
        if unknown or len(set(members)) < 2:
            raise InputError(
                f"links joins {members}; expected two or more of the pools {', '.join(pools)}.",
                f"links 连接 {members}，应为配额池 {'、'.join(pools)} 中的两个或更多。",
            )
        first, last = int(record.get("from", year[0])), int(record.get("until", year[-1]))
        columns = [y for y, label in enumerate(year) if first <= label <= last]
        if not columns:
            raise InputError(
                f"the link of {', '.join(members)} from {first} until {last} is in none of the years.",
                f"{'、'.join(members)} 的连接（{first} 至 {last}）不在任何年份之内。",
            )
        for y in columns:
            numbers = market[[pools.index(name) for name in members], y]
            market[np.isin(market[:, y], numbers), y] = numbers.min()
    return market


def _positions(records: dict[str, Record], key: str, labels: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.intp]]:
    found = []
    for name, record in records.items():
        label = record.get(key, "")
        if label == "" and key == "pool":
            found.append(-1)
            continue
        if label not in labels:
            raise InputError(
                f"producers.{name}.{key} is '{label}', which is not listed. {did_you_mean(str(label), labels)}".strip(),
                f"producers.{name}.{key} 为 '{label}'，未列出。{did_you_mean(str(label), labels, 'zh')}".strip(),
            )
        found.append(labels.index(str(label)))
    return np.array(found, dtype=np.intp)


def _yearly(value: object, where: str, years: int) -> Array:
    try:
        numbers = np.asarray(value, dtype=float).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{where} is {value!r}; expected a number or a list of numbers.",
            f"{where} 为 {value!r}，应为数或数的列表。",
        ) from error
    if len(numbers) not in (1, years):
        raise InputError(
            f"{where} has {len(numbers)} values; expected one, or one for each of {years} years.",
            f"{where} 有 {len(numbers)} 个值，应为 1 个，或 {years} 年每年一个。",
        )
    return np.array(np.broadcast_to(numbers, (years,)))


def _check(mapping: Mapping[str, object], known: Iterable[str], where: str, required: Iterable[str]) -> None:
    known = tuple(known)
    for key in mapping:
        if key not in known:
            hint, meant = (did_you_mean(str(key), known, lang) for lang in ("en", "zh"))
            raise InputError(
                f"{where} has no '{key}' here. Known: {', '.join(known)}. {hint}".strip(),
                f"{chinese_of(where)} 在此没有 '{key}'。可用：{'、'.join(known)}。{meant}",
            )
    missing = [key for key in required if key not in mapping]
    if missing:
        raise InputError(f"{where} needs {', '.join(missing)}.", f"{chinese_of(where)} 须给出 {'、'.join(missing)}。")


def _records(value: object, where: str) -> dict[str, Record]:
    if not isinstance(value, Mapping) or not all(isinstance(record, Mapping) for record in value.values()):
        raise InputError(
            f"{where} is {type(value).__name__}; expected a mapping of names to their fields.",
            f"{where} 为 {type(value).__name__}，应为名称到字段的映射。",
        )
    return {str(name): {str(key): entry for key, entry in record.items()} for name, record in value.items()}
