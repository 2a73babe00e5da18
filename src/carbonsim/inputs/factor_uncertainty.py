"""Published uncertainties of factors, in the form of a ledger's uncertainty table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from carbonsim.errors import InputError, Issue, shorten
from carbonsim.inputs.factor_records import Factors
from carbonsim.inputs.factors import cell_text
from carbonsim.inputs.table_checks import records

COLUMNS = (
    "term", "factor", "facility", "stream", "half_width", "distribution", "years_correlated", "shared", "basis",
    "source", "note",
)  # fmt: skip
_FUEL_TERMS = ("net_calorific_value", "carbon_content", "oxidation")


def default_uncertainty(factors: Factors, borrow_for: Sequence[str] = ()) -> pd.DataFrame:
    """Published uncertainties of the library's values, as rows of a ledger's uncertainty table.

    An interval is about the value it was published for: where own factors put another value in its place it is left
    out, unless they bring an interval as well. Of a lopsided interval the larger side counts, as the IPCC asks for
    error propagation; a lognormal one is lopsided by itself, so half of the whole interval counts there.

    Parameters
    ----------
    factors : Factors
    borrow_for : sequence of str
        Table sets without published uncertainties whose fuels take those of the same fuel elsewhere, as an assumption.

    Returns
    -------
    DataFrame
        Columns of the ledger's ``uncertainty`` table; ``half_width`` [1] is relative; ``factor`` is ``set:fuel`` or the
        id of a factor; facility and stream are empty.

    Raises
    ------
    InputError
        If a value that bounds belong to is missing or zero, or no fuel of a set in ``borrow_for`` has a counterpart.

    References
    ----------
    source: ipcc-2006-v2 (Tables 1.2, 1.3, 2.2, 2.3); ipcc-2006-v1 (3.2.3.1, columns E and F)

    Examples
    --------
    >>> from carbonsim.inputs.factors import packaged_factors
    >>> table = default_uncertainty(packaged_factors())
    >>> row = table[(table["factor"] == "ipcc_2006:diesel") & (table["term"] == "carbon_content")].iloc[0]
    >>> round(float(row["half_width"]), 4)  # 20.2 between 19.8 and 20.4
    0.0198
    """
    values = _values(factors)
    replaced = _replaced(factors)
    rows = [
        _row(published, values)
        for published in records(factors.uncertainties)
        if (_address(published), _value_term(published)) not in replaced or _interval_key(published) in replaced
    ]
    for table_set in borrow_for:
        rows += _borrowed(factors, table_set, rows, replaced)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def half_width_of(value: float, lower: float, upper: float, distribution: str = "normal") -> float:
    """Relative half-width: of the wider side of an interval, or half of a lognormal one.

    >>> round(half_width_of(20.2, 19.8, 20.4), 4)
    0.0198
    >>> round(half_width_of(3, 1, 18, "lognormal"), 4)  # 17 wide
    2.8333
    """
    if distribution == "lognormal":
        return (upper - lower) / 2 / value
    return max(value - lower, upper - value) / value


def _values(factors: Factors) -> dict[tuple[str, str], float]:
    """Value by address and term; a process factor or a combustion gas has one value, whatever the term."""
    fuels = {
        (f"{row['table_set']}:{row['fuel']}", term): float(row[term])
        for row in records(factors.fuels)
        for term in _FUEL_TERMS
    }
    process = dict(zip(((key, "") for key in factors.process["factor"]), factors.process["value"], strict=True))
    gases = {(f"{row['factor']}/{row['gas']}", ""): float(row["value"]) for row in records(factors.combustion_gases)}
    return {**fuels, **process, **gases}


def _address(published: Mapping[str, object]) -> str:
    """Id of the factor: ``set:fuel`` for a fuel."""
    name = str(published["factor"])
    return f"{published['table_set']}:{name}" if published["term"] in _FUEL_TERMS else name


def _value_term(published: Mapping[str, object]) -> str:
    """The term where a factor has several values, empty where it has one."""
    return str(published["term"]) if published["term"] in _FUEL_TERMS else ""


def _interval_key(published: Mapping[str, object]) -> tuple[str, str]:
    return f"{published['table_set']}:{published['factor']}/{published['term']}", "interval"


def _replaced(factors: Factors) -> set[tuple[str, str]]:
    """Values by address and term that own factors replaced, and the intervals that they brought."""
    found = set()
    for change in factors.overlaid:
        if change.table == "uncertainties":
            found.add((change.key, "interval"))
        elif change.table == "fuels" and change.column in _FUEL_TERMS:
            found.add((change.key, change.column))
        elif change.table in ("process", "combustion_gases") and change.column == "value":
            found.add((change.key, ""))
    return found


def _row(published: Mapping[str, object], values: Mapping[tuple[str, str], float]) -> dict[str, object]:
    term, address = str(published["term"]), _address(published)
    half_width = float(str(published["half_width"]))
    if np.isnan(half_width):
        value = values.get((address, _value_term(published)), float("nan"))
        if not value > 0:
            raise InputError(
                Issue(
                    "uncertainty-value",
                    "",
                    f"the uncertainty of '{address}' ({term}) gives bounds, but the factor has no value above zero.",
                    f"“{address}”（{term}）给出了上下限，但因子没有大于零的数值。",
                    "Give half_width, or the value.",
                    "请填写相对半宽，或补充数值。",
                )
            )
        bounds = float(str(published["lower"])), float(str(published["upper"]))
        half_width = half_width_of(value, *bounds, str(published["distribution"]))
    return {
        "term": term,
        "factor": address,
        "facility": "",
        "stream": "",
        "half_width": half_width,
        "distribution": str(published["distribution"]) or "normal",
        "years_correlated": "yes",
        "shared": "yes",
        "basis": str(published["basis"]),
        "source": str(published["source"]),
        "note": " ".join(part for part in (str(published["where"]), cell_text(published["note"])) if part),
    }


def _borrowed(
    factors: Factors, table_set: str, rows: Sequence[Mapping[str, object]], replaced: Collection[tuple[str, str]]
) -> list[dict[str, object]]:
    fuels = set(factors.fuels.loc[factors.fuels["table_set"] == table_set, "fuel"])
    own = {(row["factor"], row["term"]) for row in rows} | set(replaced)
    found = [
        {
            **row,
            "factor": f"{table_set}:{str(row['factor']).partition(':')[2]}",
            "basis": "assumption",
            "note": f"Taken over from {row['factor']}.",
        }
        for row in rows
        if row["term"] in _FUEL_TERMS
        and str(row["factor"]).partition(":")[2] in fuels
        and (f"{table_set}:{str(row['factor']).partition(':')[2]}", row["term"]) not in own
    ]
    if not found:
        sets = sorted(set(factors.fuels["table_set"]))
        raise InputError(
            Issue(
                "uncertainty-set",
                "",
                f"no fuel of the table set '{table_set}' has a published uncertainty elsewhere. Sets: {shorten(sets)}.",
                f"因子集“{table_set}”的燃料在其他因子集中没有已发表的不确定度。因子集：{shorten(sets, 'zh')}。",
            )
        )
    return found
