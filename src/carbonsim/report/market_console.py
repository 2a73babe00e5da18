"""What the shell prints of a cleared problem: where it comes from, its tables, how it was found and what proves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from carbonsim.market.expected import Comparison
from carbonsim.market.problem_file import NO_CURRENCY, ProblemFile
from carbonsim.market.problem_kind import Columns
from carbonsim.report.labels import Lang, phrase, value_name
from carbonsim.report.market_labels import ZERO_IS_SILENT, money_name
from carbonsim.report.tables import COLON, Header, PeopleTable, people_table, price_range, render_table

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
        lines += [_title(name, lang), *_table(columns, file.currency, lang), ""]
    lines += [chinese if lang == "zh" else english for english, chinese in file.rules.remarks(file.problem, cleared)]
    if file.rules.has_concepts:
        lines.append(f"{phrase('concept', lang)}{COLON[lang]}{concept_words(file, lang)}")
    lines.append(_audit(cleared, lang))
    if certificate:
        lines += str(cleared.certificate).splitlines()
    return [*lines, *comparison_lines(comparisons, lang)]


def concept_words(file: ProblemFile, lang: Lang) -> str:
    """The file's concept by name and the settings that it gives, or what holds without one."""
    if file.concept is None:
        return phrase("plain_concept", lang)
    given = file.lines.data["concept"]
    settings = {key: value for key, value in given.items() if key != "kind"} if isinstance(given, Mapping) else {}
    # Of a tree the names of its nodes: what each holds stands in the file.
    words = [
        f"{key} {', '.join(map(str, value)) if isinstance(value, Mapping) else value}"
        for key, value in settings.items()
    ]
    return f"{file.concept_name} ({'; '.join(words)})" if words else file.concept_name


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
    if "source" in file.text:
        place = f" ({file.text['where']})" if "where" in file.text else ""
        lines.append(f"{phrase('stated_by', lang)}{colon}{file.text['source']}{place}")
    basis = file.text.get("basis")
    known = phrase("basis_unstated", lang) if basis is None else value_name("basis", basis, lang)
    lines.append(phrase("assumed_note", lang) if basis == "assumption" else f"{phrase('rests_on', lang)}{colon}{known}")
    money = phrase("no_money", lang) if file.currency == NO_CURRENCY else file.currency
    return [*lines, f"{phrase('money_of', lang)}{colon}{money}"]


def _title(name: str, lang: Lang) -> str:
    try:
        return phrase(f"table_{name}", lang)
    except KeyError:
        return name.replace("_", " ")


def _table(columns: Columns, currency: str, lang: Lang) -> list[str]:
    frame = shown_frame(columns)
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
