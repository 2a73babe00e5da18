"""Studies with measured terms, for the tests of single sectors."""

import dataclasses
from collections.abc import Mapping, Sequence

import pandas as pd
from accounting_builders import one_site

from carbonsim.inputs.scenario import Scenario

TERM = {"year": 2024, "month": None, "evidence": "", "basis": "assumption", "source": "made-up", "note": ""}


def measured_site(
    sector: str,
    process: str,
    rows: Sequence[Mapping[str, object]],
    terms: Mapping[str, Mapping[str, float]] | None = None,
) -> Scenario:
    """One enterprise ``e`` with one facility ``f``; ``terms`` are the measured values of its streams by name."""
    study = one_site(sector, process, rows)
    if not terms:
        return study
    table = [
        {"facility": "f", "stream": stream, "term": name, "value": value, **TERM}
        for stream, values in terms.items()
        for name, value in values.items()
    ]
    return dataclasses.replace(study, tables={**study.tables, "terms": pd.DataFrame(table)})
