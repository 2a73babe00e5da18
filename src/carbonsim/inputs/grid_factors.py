"""The electricity factor of a region for a year: the latest published one that is not too old."""

from __future__ import annotations

from typing import Final, Literal

import pandas as pd

from carbonsim.errors import InputError, Issue, did_you_mean
from carbonsim.inputs.factor_records import Factors

GridKind = Literal["average", "residual", "fossil", "notice"]
# China publishes two to three years after the data year; an older factor must be named by the user.
OLDEST: Final = 3
NATION: Final = "national"


def grid_factor(factors: Factors, region: str, year: int, kind: GridKind = "average") -> pd.Series:
    """The row of the grid table that applies to electricity of a region in a year.

    Parameters
    ----------
    factors : Factors
    region : str
        Nation, regional grid or province by its Chinese or English name, or the id of a factor; an id is taken as it
        is, whatever its year and kind. The residual and fossil mix of the nation go by the name of the nation.
    year : int
        Year of the electricity.
    kind : str
        Which of the published factors of the region.

    Returns
    -------
    Series
        The row with the latest ``data_year`` not after ``year``.

    Raises
    ------
    InputError
        If the region is unknown, has no factor of this kind up to the year, or the latest is over three years older.

    Examples
    --------
    >>> from carbonsim.inputs.factors import packaged_factors
    >>> grid_factor(packaged_factors(), "四川", 2025)["factor"]
    'grid_2023_sichuan'
    """
    grid = factors.grid
    named = grid[grid["factor"] == region]
    if len(named):
        return named.iloc[0]
    of_region = _of_region(grid, region)
    of_kind = of_region[of_region["kind"].eq(kind) & of_region["value"].notna()]
    if of_kind.empty:
        kinds = ", ".join(sorted(of_region["kind"].unique()))
        raise _refusal(
            f"no grid factor of kind '{kind}' is known for '{region}'.",
            f"“{region}”没有种类为 {kind} 的电力因子。",
            f"It has: {kinds}. Choose one of them, or supply your own factor with its source.",
            f"现有种类：{kinds}。请选用其一，或提供带来源的自有因子。",
        )
    earlier = of_kind[of_kind["data_year"] <= year]
    if len(earlier) and year - int(earlier["data_year"].max()) <= OLDEST:
        return earlier.iloc[int(earlier["data_year"].to_numpy().argmax())]
    years = ", ".join(str(found) for found in sorted(of_kind["data_year"].astype(int)))
    by_year = of_kind.sort_values("data_year", kind="stable")
    latest = by_year.iloc[len(earlier) - 1] if len(earlier) else by_year.iloc[0]
    why = f"the latest is over {OLDEST} years older" if len(earlier) else "all are later"
    why_zh = f"最新的也早于该年 {OLDEST} 年以上" if len(earlier) else "均晚于该年"
    raise _refusal(
        f"no grid factor of '{region}' fits {year}: it has {years}, and {why}.",
        f"“{region}”没有适用于 {year} 年的电力因子：现有 {years}，{why_zh}。",
        f"Name the id if you accept that year, such as '{latest['factor']}', or supply your own with its source.",
        f"如接受该年份，请直接填写因子代码（如 {latest['factor']}），或提供带来源的自有因子。",
    )


def _of_region(grid: pd.DataFrame, region: str) -> pd.DataFrame:
    """Rows of a region by either name; the nation's other mixes are listed under longer names of their own."""
    names = grid["region_zh"].eq(region) | grid["region_en"].str.lower().eq(region.lower())
    if names.any():
        is_nation = (names & grid["level"].eq(NATION) & grid["kind"].eq("average")).any()
        return grid[names | grid["level"].str.startswith(NATION)] if is_nation else grid[names]
    known = sorted({*grid["region_zh"], *grid["region_en"]})
    nation = grid[grid["level"].eq(NATION) & grid["kind"].eq("average")]
    shown, shown_zh = (", ".join(sorted(set(nation[column]))) for column in ("region_en", "region_zh"))
    raise _refusal(
        f"no grid factor is known for region '{region}'.",
        f"没有地区“{region}”的电力因子。",
        f"{did_you_mean(region, known)} Regions are the nation ({shown}), regional grids and provinces.".strip(),
        f"{did_you_mean(region, known, 'zh')}可用地区：全国（{shown_zh}）、区域电网与各省。",
    )


def _refusal(message: str, chinese: str, hint: str, hint_zh: str) -> InputError:
    return InputError(Issue("grid-factor", "", message, chinese, hint, hint_zh))
