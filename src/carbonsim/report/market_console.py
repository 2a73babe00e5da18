"""What the shell prints of a cleared problem: where it comes from, its tables, how it was found and what proves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from carbonsim.market import MarketProblem, instruments
from carbonsim.market.expected import Comparison
from carbonsim.market.problem_file import NO_CURRENCY, ProblemFile
from carbonsim.market.problem_kind import Columns
from carbonsim.report.certificate_words import certificate_lines
from carbonsim.report.labels import COLUMNS, Lang, phrase, value_name
from carbonsim.report.market_labels import ZERO_IS_SILENT, money_name
from carbonsim.report.market_words import CONCEPT_WORDS, INSTRUMENT_WORDS, Words
from carbonsim.report.tables import COLON, Header, PeopleTable, people_table, price_range, render_table

LONG = ("options",)  # tables that are written, not printed
SHOWN_ROWS = 40  # of a table on the console; the files hold them all
PRICES = ("allowance_price", "price")  # columns that an interval belongs to
DIGITS = 10  # of a number that is compared with the file's own


def console_lines(
    file: ProblemFile, cleared: Any, comparisons: Sequence[Comparison], lang: Lang, *, certificate: bool = False
) -> list[str]:
    """Everything that the shell prints, line by line.

    Parameters
    ----------
    file : ProblemFile
    cleared : Cleared
        What clearing the file gave.
    comparisons : sequence of Comparison
        The file's expected values beside those found.
    lang : {"zh", "en"}
    certificate : bool
        Whether every line of the certificate is printed.
    """
    lines = [*_head(file, lang), ""]
    for name, columns in file.rules.tables(file.problem, cleared).items():
        if name in LONG or _says_nothing(columns):
            continue
        lines += [title_of(name, lang), *_table(columns, file.currency, lang), ""]
    lines += [chinese if lang == "zh" else english for english, chinese in file.rules.remarks(file.problem, cleared)]
    if isinstance(file.problem, MarketProblem):
        lines.append(instruments_line(file.problem, lang))
    if file.rules.has_concepts:
        lines.append(f"{phrase('concept', lang)}{COLON[lang]}{concept_words(file, lang)}")
    lines.append(_audit(cleared, lang))
    if certificate:
        lines += certificate_lines(cleared.certificate.lines, lang)
    return [*lines, *comparison_lines(comparisons, lang)]


def concept_words(file: ProblemFile, lang: Lang) -> str:
    """The file's concept by name and the settings that it gives, or what holds without one."""
    if file.concept is None:
        return phrase("plain_concept", lang)
    given = file.lines.data["concept"]
    settings = {key: value for key, value in given.items() if key != "kind"} if isinstance(given, Mapping) else {}
    written = ("；" if lang == "zh" else "; ").join(
        f"{key} = {_written(value, lang)}" for key, value in settings.items()
    )
    return _called(file.concept_name, CONCEPT_WORDS.get(file.concept_name), written, lang)


def _written(value: object, lang: Lang) -> str:
    """A setting on one line, ``field = value``; of a mapping of mappings, as of a tree's nodes, the names alone.

    >>> _written({"kind": "cap", "after": {2026: 0.5}, "until": None, "years": [2025, 2026]}, "en")
    'cap (after = {2026 = 0.5}, until = null, years = [2025, 2026])'
    >>> _written({"now": {"years": 2025}, "tight": {"years": 2026}}, "en")
    'now, tight'
    """
    between = "，" if lang == "zh" else ", "
    if isinstance(value, Mapping):
        if value and all(isinstance(entry, Mapping) for entry in value.values()):
            return between.join(map(str, value))
        fields = {key: entry for key, entry in value.items() if key != "kind"}
        inside = between.join(f"{key} = {_written(entry, lang)}" for key, entry in fields.items())
        if "kind" not in value:
            return f"{{{inside}}}"
        opening, closing = ("（", "）") if lang == "zh" else (" (", ")")
        return f"{value['kind']}{opening}{inside}{closing}" if inside else str(value["kind"])
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_written(entry, lang) for entry in value)}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)


def instruments_line(problem: MarketProblem, lang: Lang) -> str:
    """The instruments of a market with their numbers; in Chinese also what each is called."""
    kinds = {instruments.get(name).target: name for name in instruments}
    declared = []
    for one in problem.instruments:
        rest = one.statement.removeprefix(one.label).strip().removeprefix("(").removesuffix(")")
        declared.append(_called(one.label, INSTRUMENT_WORDS.get(kinds.get(type(one), "")), rest, lang))
    listed = ("；" if lang == "zh" else "; ").join(declared)
    return f"{phrase('instruments', lang)}{COLON[lang]}{listed or phrase('none_declared', lang)}"


def _called(key: str, words: Words | None, rest: str, lang: Lang) -> str:
    """A key of the file with what stands behind it in brackets: in Chinese its name first."""
    if lang == "zh":
        inside = [part for part in (words.zh if words else "", rest) if part]
        return f"{key}（{'；'.join(inside)}）" if inside else key
    return f"{key} ({rest})" if rest else key


def comparison_lines(comparisons: Sequence[Comparison], lang: Lang) -> list[str]:
    """Whether the answer is the one that the file states, and every value that is not."""
    if not comparisons:
        return []
    wrong = [one for one in comparisons if not one.holds]
    if not wrong:
        return [phrase("matches", lang, count=len(comparisons))]
    frame = pd.DataFrame({
        "item": [one.name for one in wrong],
        "where_found": [one.where for one in wrong],
        "expected_value": [_digits(one.expected) for one in wrong],
        "found_value": [_digits(one.found) for one in wrong],
    })  # fmt: skip
    table = render_table(people_table(frame, lang))
    return [phrase("differs", lang, failed=len(wrong), count=len(comparisons)), *table.splitlines()]


def frame_of(columns: Columns) -> pd.DataFrame:
    """A table of a kind as a frame, unchanged."""
    return pd.DataFrame({name: np.asarray(values) for name, values in columns.items()})


def with_units(columns: Columns, currency: str) -> Columns:
    """The same columns; one that has no label of its own, as of an instrument with a name of its own, gets its unit.

    >>> import xarray as xr
    >>> list(with_units({"wind_price": xr.DataArray([1.0], attrs={"units": "CNY/tCO2e"})}, "CNY2025"))
    ['wind_price (CNY/tCO2e)']
    """
    money = money_name(currency, "en")
    named = {}
    for name, values in columns.items():
        unit = str(getattr(values, "attrs", {}).get("units", "")).replace("CNY", money)
        named[f"{name} ({unit})" if unit and name not in COLUMNS else name] = values
    return named


def shown_frame(columns: Columns) -> pd.DataFrame:
    """The columns that a reader needs: the interval as text, and flows only where there are any."""
    frame = frame_of(columns)
    if {"price_low", "price_high"} <= set(frame):
        pairs = zip(frame["price_low"], frame["price_high"], strict=True)
        frame["price_range"] = [price_range(low, high) for low, high in pairs]
        order = [name for name in frame if name not in ("price_low", "price_high", "price_range")]
        order.insert(1 + next(at for at, name in enumerate(order) if name in PRICES), "price_range")
        frame = frame[order]
    silent = [name for name in ZERO_IS_SILENT if name in frame and not np.abs(frame[name]).max() > 0]
    return frame.drop(columns=silent)


def in_currency(table: PeopleTable, currency: str, lang: Lang) -> PeopleTable:
    """The same table with its units of money in the currency of the file."""
    own = money_name("CNY", lang)
    name = money_name(currency, lang)
    headers = tuple(replace(header, unit=_unit(header, own, name)) for header in table.headers)
    return replace(table, headers=headers)


def _unit(header: Header, own: str, name: str) -> str:
    return header.unit.replace(own, name)


def _head(file: ProblemFile, lang: Lang) -> list[str]:
    """Title, description, who says so, and whether the numbers are assumed."""
    colon = COLON[lang]
    lines = [f"{file.name}{colon}{file.title(lang)}"]
    if file.description(lang):
        lines.append(file.description(lang))
    if file.source(lang):
        place = f" ({file.text['where']})" if "where" in file.text else ""
        lines.append(f"{phrase('stated_by', lang)}{colon}{file.source(lang)}{place}")
    basis = file.text.get("basis")
    known = phrase("basis_unstated", lang) if basis is None else value_name("basis", basis, lang)
    lines.append(phrase("assumed_note", lang) if basis == "assumption" else f"{phrase('rests_on', lang)}{colon}{known}")
    money = phrase("no_money", lang) if file.currency == NO_CURRENCY else file.currency
    return [*lines, f"{phrase('money_of', lang)}{colon}{money}"]


def title_of(name: str, lang: Lang) -> str:
    """What a table of a kind is called; its key where it has no name."""
    try:
        return phrase(f"table_{name}", lang)
    except KeyError:
        return name.replace("_", " ")


def _says_nothing(columns: Columns) -> bool:
    """Whether all numbers of a table are flows that are 0 throughout, which leaves labels alone."""
    numbers = {name: np.asarray(values) for name, values in columns.items() if np.asarray(values).dtype.kind == "f"}
    return all(name in ZERO_IS_SILENT and not np.abs(values).max(initial=0.0) > 0 for name, values in numbers.items())


def _table(columns: Columns, currency: str, lang: Lang) -> list[str]:
    frame = shown_frame(with_units(columns, currency))
    shown = people_table(frame.head(SHOWN_ROWS), lang, together=True)
    rest = len(frame) - SHOWN_ROWS
    lines = render_table(in_currency(shown, currency, lang)).splitlines()
    return [*lines, *([phrase("more_rows", lang, count=rest)] if rest > 0 else [])]


def _audit(cleared: Any, lang: Lang) -> str:
    lines = cleared.certificate.lines
    failed = len(cleared.certificate.failures())
    key = "audit_failed" if failed else "audited"
    return phrase(key, lang, count=len(lines), failed=failed)


def _digits(value: object) -> str:
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)
