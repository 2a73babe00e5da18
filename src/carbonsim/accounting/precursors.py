"""The table of precursors as checked: what a facility uses, and where its embedded emissions come from.

Dimensions inside: f facility, y year, p row of the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.accounting.core import Bools, Labels
from carbonsim.accounting.streams import Floats, Index, distinct, numbers, text
from carbonsim.errors import InputError, Issue, UnitError, did_you_mean, shorten
from carbonsim.units import conversion_factor

OUTSIDE: Final = -1
MASS: Final = "t"


@dataclass(frozen=True, slots=True)
class Precursors:
    """Rows of the table of precursors (p); places are those of the inventory.

    ``facility`` uses ``quantity`` of what ``origin`` makes, in the origin's output unit; where the origin is
    ``OUTSIDE`` the quantity is in tonnes and ``direct`` and ``indirect`` [tCO2e/t] are its own, else 0.
    """

    label: Labels
    name: Labels
    facility: Index
    origin: Index
    year: Index
    quantity: Floats
    unit: Labels
    direct: Floats
    indirect: Floats
    source: Labels


def read_precursors(table: pd.DataFrame | None, inventory: xr.Dataset, *, with_indirect: bool) -> Precursors:
    """The rows of the table, or all their problems at once.

    Parameters
    ----------
    table : DataFrame or None
        Columns facility, year, precursor, quantity, unit (empty: t), from_facility, direct_intensity,
        indirect_intensity [tCO2e/t], source.
    inventory : Dataset
        Its facilities and years are those that a row may name.
    with_indirect : bool
        Precursors from outside need an indirect intensity too.

    Raises
    ------
    InputError
        If a row names a facility or year that is not there, a quantity is missing or negative, a unit does not
        convert, two rows share their key, a facility is its own supplier, a supplier of the ledger has no output in
        the year, a row gives both a supplier and an intensity, or an outside precursor lacks intensity or source.
    """
    frame = pd.DataFrame({"facility": [], "year": []}) if table is None else table
    user, name, origin = text(frame, "facility"), text(frame, "precursor"), text(frame, "from_facility")
    year = frame["year"].to_numpy(dtype=np.int64)
    label = np.array([f"{f}/{n}/{y}" for f, n, y in zip(user, name, year, strict=True)], dtype=str)
    unit = text(frame, "unit")
    facilities = pd.Index(inventory["facility"].values)
    rows = Precursors(
        label=label,
        name=name,
        facility=np.asarray(facilities.get_indexer(pd.Index(user)), dtype=np.intp),
        origin=np.asarray(facilities.get_indexer(pd.Index(origin)), dtype=np.intp),
        year=np.asarray(pd.Index(inventory["year"].values).get_indexer(pd.Index(year)), dtype=np.intp),
        quantity=numbers(frame, "quantity"),
        unit=np.where(unit == "", MASS, unit),
        direct=numbers(frame, "direct_intensity"),
        indirect=numbers(frame, "indirect_intensity"),
        source=text(frame, "source"),
    )
    problems = [
        *_wrong_places(rows, inventory, user, origin),
        *_wrong_amounts(rows, inventory, inside=origin != ""),
        *_wrong_intensities(rows, inside=origin != "", with_indirect=with_indirect),
    ]
    scale, common, wrong_units = _to_common_units(rows, inventory, inside=rows.origin != OUTSIDE)
    if problems or wrong_units:
        raise InputError([*problems, *wrong_units])
    return Precursors(
        label=rows.label,
        name=rows.name,
        facility=rows.facility,
        origin=rows.origin,
        year=rows.year,
        quantity=rows.quantity * scale,
        unit=common,
        direct=np.nan_to_num(rows.direct),
        indirect=np.nan_to_num(rows.indirect) * with_indirect,
        source=rows.source,
    )


def _wrong_places(rows: Precursors, inventory: xr.Dataset, user: Labels, origin: Labels) -> Iterator[Issue]:
    """Rows whose facility, supplier, year or key is wrong."""
    known = inventory["facility"].values.tolist()
    years = f"{inventory['year'].values[0]}-{inventory['year'].values[-1]}"
    lost = (origin != "") & (rows.origin < 0)
    suggestion = did_you_mean(str(origin[lost][0]), known) if lost.any() else ""
    yield from _wrong(
        rows.label, "facility", rows.facility < 0, "the table of facilities does not hold the facility",
        "设施表中没有该设施",
    )  # fmt: skip
    yield from _wrong(
        rows.label, "from_facility", lost, "the supplier is no facility of this ledger", "供应设施不在本台账中",
        hint=f"{suggestion} Leave the cell empty and give the intensity of what is bought outside.".strip(),
        hint_zh="外购的请留空供应设施并填写其强度。",
    )  # fmt: skip
    yield from _wrong(
        rows.label, "from_facility", (origin == user) & (origin != ""),
        "what a facility makes and uses itself is in its own streams already; as a precursor it would count twice",
        "设施自产自用的物料已计入其自身源流，作为前体会重复计算", hint="Drop the row.", hint_zh="请删除该行。",
    )  # fmt: skip
    yield from _wrong(
        rows.label, "year", rows.year < 0, f"the year is not in the inventory, which runs over {years}",
        f"清单中没有该年份，清单年份为 {years}",
    )  # fmt: skip
    doubled = pd.Series(rows.label).duplicated().to_numpy()
    yield from _wrong(rows.label, "precursor", doubled, "the row appears twice", "该行重复")


def _wrong_amounts(rows: Precursors, inventory: xr.Dataset, *, inside: Bools) -> Iterator[Issue]:
    """Rows without a usable quantity, or whose supplier makes nothing in the year."""
    usable = (rows.quantity >= 0) & np.isfinite(rows.quantity)
    yield from _wrong(
        rows.label, "quantity", ~usable, "the quantity is no number that is not negative", "数量应为不小于零的数"
    )
    output = inventory["output"].transpose("facility", "year").values
    placed = inside & (rows.origin >= 0) & (rows.year >= 0)
    idle = placed & usable & (rows.quantity > 0)
    idle[idle] = output[rows.origin[idle], rows.year[idle]] <= 0
    yield from _wrong(
        rows.label, "from_facility", idle, "the supplier has no output in the year, so its product has no intensity",
        "供应设施当年没有产量，其产品没有强度",
        hint="Give the supplier's output, or the intensity of the earlier stock as bought outside.",
        hint_zh="请补充供应设施的产量，或按外购方式填写前期库存的强度。",
    )  # fmt: skip


def _wrong_intensities(rows: Precursors, *, inside: Bools, with_indirect: bool) -> Iterator[Issue]:
    """Rows that give an intensity where the ledger computes it, or none where it cannot."""
    own = ~np.isnan(rows.direct) | ~np.isnan(rows.indirect)
    yield from _wrong(
        rows.label, "direct_intensity", inside & own, "the intensity follows from the supplier's own account",
        "强度由供应设施自身核算得出", hint="Leave the intensity cells empty.", hint_zh="请留空强度单元格。",
    )  # fmt: skip
    columns = {"direct_intensity": rows.direct, **({"indirect_intensity": rows.indirect} if with_indirect else {})}
    for column, values in columns.items():
        yield from _wrong(
            rows.label, column, ~inside & ~((values >= 0) & np.isfinite(values)),
            "a precursor from outside this ledger needs its own intensity", "外购前体须有自己的强度",
            hint=f"Supply {column} in tCO2e/t with its source (0 is written too), or name from_facility.",
            hint_zh=f"请填写 {column}（tCO2e/t，零也须写明）及其来源，或填写供应设施。",
        )  # fmt: skip
    yield from _wrong(
        rows.label, "source", ~inside & (rows.source == ""), "the intensity of an outside precursor has no source",
        "外购前体的强度没有来源", hint="Name a key of the table of sources.", hint_zh="请填写来源表中的键。",
    )  # fmt: skip


def _to_common_units(rows: Precursors, inventory: xr.Dataset, *, inside: Bools) -> tuple[Floats, Labels, list[Issue]]:
    """Numbers that turn each quantity into the supplier's output unit, or tonnes; those units; what fails."""
    wanted = np.where(inside, inventory["output_unit"].values[rows.origin], MASS).astype(str)
    codes, first = distinct(rows.unit, wanted)
    scale = np.ones(len(first))
    problems: list[Issue] = []
    for code, row in enumerate(first.tolist()):
        try:
            scale[code] = conversion_factor(str(rows.unit[row]), str(wanted[row]))
        except UnitError as problem:
            message, chinese = str(problem).rstrip("."), f"单位“{rows.unit[row]}”无法换算为“{wanted[row]}”"
            problems += _wrong(rows.label, "unit", codes == code, message, chinese)
    return scale[codes], wanted, problems


def _wrong(
    label: Labels, column: str, wrong: Bools, message: str, chinese: str, *, hint: str = "", hint_zh: str = ""
) -> Iterator[Issue]:
    """One issue for all rows with the same fault."""
    rows = label[wrong].tolist()
    if rows:
        where = shorten(rows)
        yield Issue(
            "precursor", "precursors", f"{where}: {message}.", f"{where}：{chinese}。", hint, hint_zh, column=column
        )
