"""The ``sources`` sheet of a workbook: the same entries as ``sources.yaml``, one a row."""

from __future__ import annotations

from carbonsim.errors import Issue
from carbonsim.inputs.columns import SOURCES
from carbonsim.inputs.records import Source
from carbonsim.inputs.table_checks import check_table, records
from carbonsim.inputs.tables import RawTable


def sources_of_sheet(raw: RawTable) -> tuple[dict[str, Source], list[Issue]]:
    """Sources by key, and the faults of the sheet."""
    frame, _, issues = check_table(raw, SOURCES)
    return {row["source"]: Source(row.pop("source"), **row) for row in records(frame)}, issues
