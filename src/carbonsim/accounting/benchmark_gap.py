"""How far the intensity of facilities lies from a benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.errors import AlignmentError, InputError, Issue, did_you_mean, shorten

By = Literal["facility", "process", "product", "benchmark_class"]


def compare_with_benchmark(
    intensity: xr.DataArray,
    benchmark: Mapping[str, float] | xr.DataArray,
    *,
    by: By = "facility",
    available: xr.DataArray | None = None,
) -> pd.DataFrame:
    """Gap of each facility's intensity to the benchmark of its product, process or class, and its rank.

    Parameters
    ----------
    intensity : DataArray [tCO2e/unit of output] (facility, year)
        Such as ``intensity`` or ``direct_intensity`` of ``product_intensity``, with the coordinate ``by``.
    benchmark : Mapping or DataArray [tCO2e/unit of output] (by) or (by, year)
        Value for each label of ``by``, in the unit of the intensity; positive.
    by : str
        What the labels of the benchmark name.
    available : DataArray of bool (facility, year), optional
        Where the intensity is one, such as ``intensity_available``; everywhere by default.

    Returns
    -------
    DataFrame
        One row for each facility and year: intensity, benchmark, ``gap`` (intensity less benchmark), ``relative_gap``
        (gap over benchmark), ``rank`` within the benchmark's label and year (1 emits least; ties share a rank) and
        ``compared``. Where that is False, because there is no benchmark or no intensity, the numbers are empty.

    Raises
    ------
    InputError
        If a benchmark is not positive.
    AlignmentError
        If the labels of the benchmark match no facility, or a year is missing.
    """
    years = intensity["year"].values
    label = intensity[by].values.astype(str)
    values = _by_label_and_year(benchmark, by, years)
    unmatched = sorted(set(values.index.tolist()) - set(label.tolist()))
    if unmatched:
        raise AlignmentError(
            Issue(
                "benchmark",
                f"benchmark by {by}",
                f"no facility has the {by} {shorten(unmatched)}.",
                f"没有设施的 {by} 为 {shorten(unmatched)}。",
                did_you_mean(unmatched[0], set(label.tolist())),
            )
        )
    number = intensity.transpose("facility", "year").values
    known = np.ones(number.shape, dtype=bool)
    if available is not None:
        known = available.transpose("facility", "year").values
    limit = values.reindex(label).to_numpy(dtype=float)
    compared = known & ~np.isnan(limit)
    number, limit = (np.where(compared, array, np.nan) for array in (number, limit))
    gap = number - limit
    frame = pd.DataFrame({
        "facility": np.repeat(intensity["facility"].values, len(years)), by: np.repeat(label, len(years)),
        "year": np.tile(years, len(label)), "intensity": number.ravel(), "benchmark": limit.ravel(),
        "gap": gap.ravel(), "relative_gap": (gap / limit).ravel(), "compared": compared.ravel(),
    })  # fmt: skip
    frame["rank"] = frame.groupby([by, "year"])["relative_gap"].rank(method="min").astype("Int64")
    return frame


def _by_label_and_year(benchmark: Mapping[str, float] | xr.DataArray, by: str, years: np.ndarray) -> pd.DataFrame:
    """The benchmark as a table, one row a label and one column a year."""
    if isinstance(benchmark, xr.DataArray):
        missing = [year for year in years.tolist() if "year" in benchmark.dims and year not in benchmark["year"].values]
        if missing:
            raise AlignmentError(
                Issue(
                    "benchmark",
                    f"benchmark by {by}",
                    f"the benchmark has no year {shorten(missing)}.",
                    f"基准值缺少年份 {shorten(missing)}。",
                    hint="Give a value for every year of the intensity.",
                    hint_zh="请为强度的每一年给出基准值。",
                )
            )
        dated = benchmark.sel(year=years) if "year" in benchmark.dims else benchmark.expand_dims(year=years)
        values = pd.DataFrame(dated.transpose(by, "year").values, index=benchmark[by].values.astype(str))
    else:
        column = np.array(list(benchmark.values()), dtype=float)
        values = pd.DataFrame(np.tile(column[:, None], len(years)), index=list(benchmark))
    wrong = values.index[~(values > 0).all(axis=1)].tolist()
    if wrong:
        raise InputError(
            Issue(
                "benchmark",
                f"benchmark by {by}",
                f"the benchmark of {shorten(wrong)} is not a positive number.",
                f"{shorten(wrong)} 的基准值不是正数。",
                hint="Leave out what has no benchmark.",
                hint_zh="没有基准值的请不要列出。",
            )
        )
    return values
