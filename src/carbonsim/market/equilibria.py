"""What a reader must be told of supply that a rule decides: what it does, and every equilibrium found."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from carbonsim.market.problem_kind import Columns, columns_over

BY_EQUILIBRIUM = ("allowance_price", "price_low", "price_high", "bank", "supply_change")
FLOWS = (
    "supply_change", "supply_after_rule", "tnac", "reserve_intake", "reserve_intake_forgone", "reserve_backloaded",
    "reserve_placed", "reserve_release", "reserve_returned", "reserve_invalidated", "cap_adjustment",
    "unsold_reoffered", "unsold_cancelled", "unsold_to_reserve", "unsold_waiting", "reserve_stock",
)  # fmt: skip


def equilibrium_lines(dataset: xr.Dataset) -> list[str]:
    """How many equilibria were found, with the price path of each, and what the rule warns of; none without a rule.

    Parameters
    ----------
    dataset : Dataset
        A market as published.
    """
    if "equilibria" not in dataset.attrs:
        return []
    warnings = dataset.attrs["rule_warnings"]
    return [
        dataset.attrs["equilibria"],
        *(f"{label}: {path}" for label, path in _paths(dataset)),
        *([f"warning: {warnings}"] if warnings else []),
    ]


def equilibrium_remarks(dataset: xr.Dataset) -> list[tuple[str, str]]:
    """The same as sentences in English and Chinese, with the residual of the fixed point."""
    if "equilibria" not in dataset.attrs:
        return []
    isotone = dataset.attrs["rule_isotone"] == "yes"
    residual, allowed = dataset.attrs["rule_residual"], dataset.attrs["rule_tolerance"]
    found = [
        (f"Equilibria: {_count(dataset, isotone)}", f"均衡：{_count_zh(dataset, isotone)}"),
        (
            f"Supply rule: answered consistently, residual {residual:.1e} of the largest yearly volume "
            f"(accepted {allowed:.1e})",
            f"供给规则：自洽，残差为最大年度数量的 {residual:.1e}（容许 {allowed:.1e}）",
        ),
    ]
    warnings, chinese = (dataset.attrs[name] for name in ("rule_warnings", "rule_warnings_zh"))
    return [*found, *([(f"Warning: {warnings}", f"提示：{chinese}")] if warnings else [])]


def rule_tables(dataset: xr.Dataset) -> Mapping[str, Columns]:
    """What the rule does year by year, and the years of every equilibrium where there are several."""
    if "equilibria" not in dataset.attrs:
        return {}
    flows = [name for name in FLOWS if name in dataset and dataset[name].dims == ("year",)]
    found = {"supply_rule": columns_over(dataset, ("year",), flows)}
    if "equilibrium" in dataset.dims:
        each = columns_over(dataset, ("equilibrium", "year"), [f"{name}_by_equilibrium" for name in BY_EQUILIBRIUM])
        found["equilibria"] = {name.removesuffix("_by_equilibrium"): values for name, values in each.items()}
    return found


def _paths(dataset: xr.Dataset) -> list[tuple[str, str]]:
    """Label and prices of every equilibrium where there are several."""
    if "equilibrium" not in dataset.dims:
        return []
    prices = dataset["allowance_price_by_equilibrium"].transpose("equilibrium", "year").values
    written = [", ".join("undetermined" if np.isnan(one) else f"{one:.6g}" for one in path) for path in prices]
    return list(zip(dataset.equilibrium.values.astype(str), written, strict=True))


def _count(dataset: xr.Dataset, isotone: bool) -> str:
    labels = list(dataset.equilibrium.values.astype(str)) if "equilibrium" in dataset.dims else []
    if not labels and isotone:
        return "one, reached from no intervention and from the largest"
    shown = f"; the tables show {labels[0].replace('_', ' ')}" if labels else ""
    others = (
        "; any other lies between least and greatest withdrawal"
        if isotone
        else "; others are possible, for the rule is not isotone (start from seeds to look for them)"
    )
    return f"at least {max(len(labels), 1)}{shown}{others}"


def _count_zh(dataset: xr.Dataset, isotone: bool) -> str:
    several = "equilibrium" in dataset.dims
    if not several and isotone:
        return "一个，从不干预与最大干预出发均到达"
    shown = "；各表为所找到的第一个" if several else ""
    others = "；其余介于扣减最少与扣减最多之间" if isotone else "；规则不保序，可能还有其他均衡（可用 seeds 另设起点）"
    return f"至少 {dataset.sizes.get('equilibrium', 1)} 个{shown}{others}"
