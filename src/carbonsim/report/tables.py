"""Tables for people: which columns, in which unit, under which header; as text for the console and markdown."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from carbonsim.errors import InputError, did_you_mean
from carbonsim.inputs.parameters import Parameter
from carbonsim.inputs.scenario import Scenario
from carbonsim.report import quantities
from carbonsim.report.labels import MARKET_WIDE, Form, Lang, column, market_key, phrase, text, value_name
from carbonsim.report.messages import widening_message
from carbonsim.study.results import Results

CONSOLE_WIDTH = 118
SHORT = 24  # columns up to which a text is never broken over lines
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHOWN_DRAFTS = 8
PLAIN_UNITS: Mapping[Form, str] = {"co2e": "tCO₂e", "mass": "t"}  # an account is in tonnes, whatever its size
COLON: Mapping[Lang, str] = {"zh": "：", "en": ": "}
CONSOLE_COLUMNS = (
    "scenario", "year", "allowance_price", "price_range", "price_basis", "local_obligation",
    "local_abatement", "resource_cost", "transfers", "local_net_compliance_cost",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """Header of one column: its name, the name in the other language, and the unit."""

    name: str
    other: str
    unit: str
    numeric: bool

    def line(self) -> str:
        """Name and unit on one line."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True, slots=True)
class PeopleTable:
    """A table as people read it: headers, cells as text, notes that say why a cell is empty, a common unit if any."""

    headers: tuple[Header, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    unit: str = ""


def summary_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Price, emissions and cost by scenario and year, resource cost and transfers apart.

    Parameters
    ----------
    summary : DataFrame
        As ``Results.summary()`` gives it.

    Returns
    -------
    DataFrame
        Plain columns. ``price_range`` is the interval in which the rules leave the price, as text;
        ``auction_revenue`` is price times allowances auctioned [CNY], ``resource_cost`` the abatement cost of the
        study's enterprises, ``transfers`` their net allowance cost.
    """
    flat = summary.reset_index().rename(
        columns={
            "local_abatement_cost": "resource_cost", "local_allowance_cost": "transfers",
            "local_penalty_cost": "penalties",
        }
    )  # fmt: skip
    pairs = zip(flat["price_low"], flat["price_high"], strict=True)
    flat.insert(3, "price_range", [price_range(low, high) for low, high in pairs])
    flat["auction_revenue"] = flat["allowance_price"] * flat["supply_auction"]
    return flat


def with_market(frame: pd.DataFrame, run: xr.Dataset) -> pd.DataFrame:
    """The same columns, those about the whole market under names that say whether it is the national one."""
    return frame.rename(columns={name: market_key(name, run) for name in MARKET_WIDE})


def price_range(low: float, high: float) -> str:
    """The interval in which the rules leave a price, as text; empty if they do not bound it from below."""
    if not math.isfinite(low):
        return ""
    if not math.isfinite(high):
        return f"≥ {quantities.digits(low)}"
    ends = quantities.digits(low), quantities.digits(high)
    return ends[0] if ends[0] == ends[1] else f"{ends[0]}–{ends[1]}"


def without_notes(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame without ``attrs``: pandas copies them, however long, at every step."""
    return pd.DataFrame(frame)


def pressure_by_group(pressure: pd.DataFrame, by: str, scenario: str, year: int) -> pd.DataFrame:
    """All indicators of one scenario and year, a row a group, the largest cost over value added first."""
    chosen = without_notes(pressure).xs((scenario, year), level=("scenario", "year"))
    if by == "enterprise":
        # Counts and percentiles say nothing about a group of one.
        alone = [name for name in chosen if str(name).endswith(("entities", "_p10", "_p50", "_p90"))]
        chosen = chosen.drop(columns=alone)
    order = chosen["cost_to_value_added"].sort_values(ascending=False, na_position="last", kind="stable").index
    return chosen.loc[order].rename_axis(by).reset_index()


def indicator_by_year(pressure: pd.DataFrame, by: str, scenario: str, indicator: str) -> pd.DataFrame:
    """One indicator of one scenario, a row a group and a column a year."""
    wide = without_notes(pressure).xs(scenario, level="scenario")[indicator].unstack("year")  # noqa: PD010  one value a cell
    return wide.rename_axis(index=by, columns=None).reset_index()


def absence_reasons(
    pressure: pd.DataFrame, scenario: str, lang: Lang, *, year: int | None = None, indicator: str = ""
) -> dict[tuple[str, str], str]:
    """Why something is not computed: by (group, indicator) of a year, or by (group, year) of an indicator."""
    found = {}
    for name, group, when, what, english, chinese in pressure.attrs.get("absent", []):
        if name == scenario and (when == year or what == indicator):
            found[str(group), str(when) if indicator else str(what)] = str(chinese if lang == "zh" else english)
    return found


def people_table(
    frame: pd.DataFrame, lang: Lang, *, form: Form | None = None,
    reasons: Mapping[tuple[str, str], str] | None = None, together: bool = False,
) -> PeopleTable:  # fmt: skip
    """A frame of plain columns as people read it.

    Parameters
    ----------
    frame : DataFrame
        Columns named as in the results; a year as column name stands for itself.
    lang : {"zh", "en"}
        Language of headers and of names in cells.
    form : str, optional
        How all columns whose name is a year are written.
    reasons : mapping, optional
        (first cell of the row, column) to the reason why it is missing; becomes a note under the table.
    together : bool
        Whether all columns of tonnes share one unit, and all of money, so that a reader can add them up.
    """
    other: Lang = "en" if lang == "zh" else "zh"
    notes: dict[str, str] = {}
    headers, columns = [], []
    years = [name for name in frame.columns if not isinstance(name, str)]
    common = _scale(pd.Series(frame[years].to_numpy().ravel()), form, lang) if form and years else (1.0, "")
    for name in frame.columns:
        label = column(str(name))
        shape = form if form is not None and name in years else label.form
        alike = frame[_of_form(frame, shape)].to_numpy().ravel() if together else frame[name]
        divisor, unit = (common[0], "") if name in years else _scale(pd.Series(alike), shape, lang)
        numeric = shape not in ("text", "flag") and pd.api.types.is_numeric_dtype(frame[name])
        headers.append(Header(text(label, lang), text(label, other), unit, numeric))
        columns.append([
            _cell(value, str(first), str(name), shape, divisor, lang, reasons or {}, notes)
            for value, first in zip(frame[name], frame.iloc[:, 0], strict=True)
        ])  # fmt: skip
    lines = tuple(f"{letter}: {reason}" for reason, letter in notes.items())
    return PeopleTable(tuple(headers), tuple(zip(*columns, strict=True)), lines, common[1])


def _of_form(frame: pd.DataFrame, form: Form) -> list[str]:
    """Columns that are written alike."""
    return [str(name) for name in frame.columns if column(str(name)).form == form]


def _scale(values: pd.Series, form: Form, lang: Lang) -> tuple[float, str]:
    if form == "price":
        return 1.0, "元/吨" if lang == "zh" else "CNY/t"
    if form in PLAIN_UNITS:
        return 1.0, PLAIN_UNITS[form]
    if form not in ("tonnes", "money") or not pd.api.types.is_numeric_dtype(values):
        return 1.0, ""
    # The middle of the sizes, not the largest: in the scale of one giant everybody else would read 0.00.
    sizes = values.abs()[values.abs() > 0]
    largest = float(sizes.median()) if len(sizes) else 0.0
    scale = quantities.tonnes_scale(largest, lang) if form == "tonnes" else quantities.money_scale(largest, lang)
    return scale.divisor, scale.unit


def _cell(
    value: object, first: str, name: str, form: Form, divisor: float, lang: Lang,
    reasons: Mapping[tuple[str, str], str], notes: dict[str, str],
) -> str:  # fmt: skip
    if isinstance(value, str):
        return value_name(name, value, lang)
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    reason = reasons.get((first, name))
    if missing and reason:
        letter = notes.setdefault(reason, LETTERS[len(notes) % len(LETTERS)])
        return f"– {letter}"
    if missing or form not in ("tonnes", "money"):
        return quantities.cell(value, form, lang)
    return quantities.digits(float(value) / divisor)  # type: ignore[arg-type]  # a number, by its form


def markdown(frame: pd.DataFrame, lang: Lang) -> str:
    """A frame of plain columns as a markdown table."""
    table = people_table(frame, lang)
    rows = [[header.line() for header in table.headers], ["--:" if h.numeric else "---" for h in table.headers]]
    rows += [[cell.replace("|", "\\|") for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def console_table(frame: pd.DataFrame, lang: Lang) -> str:
    """A frame (its index becomes columns) as a text table; Chinese characters count as two columns."""
    plain = frame.reset_index() if frame.index.names != [None] else frame
    return render_table(people_table(plain, lang))


def render_table(table: PeopleTable) -> str:
    """A table as text, a line a row, its columns aligned."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for place, header in enumerate(table.headers):
        title = Text(f"{header.name}\n{header.unit}" if header.unit else header.name)
        short = not header.numeric and max((quantities.width(row[place]) for row in table.rows), default=0) <= SHORT
        shown.add_column(title, justify="right" if header.numeric else "left", overflow="fold", no_wrap=short)
    for row in table.rows:
        shown.add_row(*(Text(cell) for cell in row))
    stream = io.StringIO()
    Console(file=stream, width=CONSOLE_WIDTH, color_system=None, force_terminal=False).print(shown)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def console_summary(results: Results, lang: Lang) -> str:
    """What the shell prints after a run: the table, the opening-bank range, the drafts used, the notice."""
    frame = summary_table(results.summary())
    shown = frame[[name for name in CONSOLE_COLUMNS if name in frame]]
    if len(results.scenarios) == 1:
        shown = shown.drop(columns="scenario")
    lines = [console_table(shown, lang), ""]
    for name in results.scenarios:
        lines += bank_range_lines(frame[frame["scenario"] == name], lang)
        message = widening_message(results.run(name), lang)
        lines += [f"{name}{COLON[lang]}{message}"] if message else []
    drafts = sorted({str(path) for name in results.scenarios for path in results.provenance[name].get("drafts", [])})
    if drafts:
        listed = _listed(drafts, lang)
        lines.append(f"使用了征求意见稿参数：{listed}" if lang == "zh" else f"Draft parameters used: {listed}")
    if results.dataset.attrs.get("illustrative"):
        lines.append(f"{phrase('illustrative', lang)}{COLON[lang]}{phrase('illustrative_note', lang)}")
    return "\n".join(lines)


def _listed(drafts: Sequence[str], lang: Lang) -> str:
    """The first few, and how many more there are."""
    shown, more = list(drafts[:SHOWN_DRAFTS]), len(drafts) - SHOWN_DRAFTS
    if lang == "zh":
        return "、".join(shown) + (f"等共{len(drafts)}项" if more > 0 else "")
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def bank_range_lines(frame: pd.DataFrame, lang: Lang) -> list[str]:
    """Price of the first and the last year at both ends of the opening bank's range; nothing if it is a point."""
    ends = frame.iloc[[0, -1]]
    pairs = np.sort(ends[["price_bank_low", "price_bank_high"]].to_numpy(dtype=float), axis=1)
    if not np.isfinite(pairs).all() or np.allclose(pairs[:, 0], pairs[:, 1]):
        return []
    parts = [
        f"{year}: {quantities.digits(low)}–{quantities.digits(high)}"
        for year, (low, high) in zip(ends["year"], pairs.tolist(), strict=True)
    ]
    name = frame["scenario"].iloc[0]
    if lang == "zh":
        return [f"{name}：期初结余取假设范围两端时的碳价（元/吨）{'；'.join(parts)}"]
    return [f"{name}: price at both ends of the assumed opening bank (CNY/t) {'; '.join(parts)}"]


def describe_path(scenario: Scenario, path: str, lang: Lang) -> str:
    """One parameter, or one row of a table (``enterprises.works_a``), with its source and dates."""
    if path in scenario.parameters:
        return _describe_parameter(scenario, scenario.parameters.get(path), lang)
    table, _, key = path.partition(".")
    if table in scenario.tables and key:
        return _describe_row(scenario, table, key)
    known = [*scenario.parameters, *(f"{name}.<row>" for name in scenario.tables)]
    raise InputError(
        f"'{path}' is neither a parameter nor a table row of {scenario.name}. {did_you_mean(path, known)} "
        f"Tables: {', '.join(sorted(scenario.tables))}.".strip()
    )


def _describe_parameter(scenario: Scenario, parameter: Parameter, lang: Lang) -> str:
    rows = [
        {
            "parameter": " ".join(labels) or parameter.path, "year": dated.applies_from,
            "value": "-" if dated.value is None else f"{dated.value:g}",
            "low": "" if dated.low is None else f"{dated.low:g}",
            "high": "" if dated.high is None else f"{dated.high:g}",
            "basis": dated.basis, "source": dated.source, "where": dated.where,
            "announced": "" if dated.announced is None else dated.announced.isoformat(),
        }
        for labels, values in parameter.values.items()
        for dated in values
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    kept = [name for name in frame if not (frame[name] == "").all()]
    checked = parameter.checked_on.isoformat() if parameter.checked_on else "-"
    until, read = ("有效至", "核对日期") if lang == "zh" else ("valid until", "checked on")
    head = f"{parameter.path} [{parameter.unit}], {until} {parameter.valid_until}, {read} {checked}"
    lines = [head, parameter.description, console_table(frame[kept], lang), *_titles(scenario, frame["source"])]
    return "\n".join(lines)


def _describe_row(scenario: Scenario, table: str, key: str) -> str:
    frame = scenario.tables[table]
    names = frame.index.astype(str) if frame.index.name else frame.iloc[:, 0].astype(str)
    found = frame[names.to_numpy() == key]
    if found.empty:
        raise InputError(f"table {table} has no row '{key}'. {did_you_mean(key, names)}".strip())
    lines = [f"{table}.{key}"]
    for _, row in found.iterrows():
        lines += [f"  {name:<20} {value}" for name, value in row.items() if str(value) not in ("", "nan", "None")]
    return "\n".join([*lines, *_titles(scenario, found.get("source", []))])


def _titles(scenario: Scenario, keys: Sequence[str] | pd.Series) -> list[str]:
    found = [scenario.sources[key] for key in sorted({str(key) for key in keys}) if key in scenario.sources]
    return [f"  {source.key}: {source.title}{f' <{source.url}>' if source.url else ''}" for source in found]
