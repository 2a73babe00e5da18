"""The page of an account: one self-contained HTML file that starts with what was counted and what was assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from carbonsim.accounting import explain
from carbonsim.accounting.quality import CLASS_NOTE, CLASS_NOTE_ZH
from carbonsim.accounting.verification import NOTE, NOTE_ZH
from carbonsim.inputs.files import write_text
from carbonsim.report import account_words
from carbonsim.report.account_labels import SHEETS
from carbonsim.report.fonts import embedded_face
from carbonsim.report.html import Drawn, inline, template
from carbonsim.report.label import Lang
from carbonsim.report.labels import phrase, text, value_name
from carbonsim.report.tables import PeopleTable, people_table
from carbonsim.study.account import Account

Frame = pd.DataFrame
OPEN_ROWS: Final = 15  # longer tables are folded
FIRST_PAGE_ROWS: Final = 60  # own factors and assumptions are seen at once, unless there are very many
PAGE_ROWS: Final = 400  # what a page shows of a table; the workbook holds more, the data files all
CHAIN_ENTERPRISES, CHAIN_STREAMS = 8, 400  # explained on the page; the sheet of terms holds every one
# Left out where nobody passes anything on.
PASSED_ON: Final = ("electricity_bought", "electricity_resold", "exports_beyond_purchase", "scope2_exports")
SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "scope2": ("enterprise", "year", "scope2_location_based", "scope2_market_based", "market_method",
               "electricity_bought", "electricity_resold", "load", "exports_beyond_purchase", "scope2_exports",
               "location_factor", "certificates_applied", "residual_electricity", "residual_factor"),
    "certificates": ("certificate", "certificate_kind", "mwh", "mwh_applied", "certificate_factor",
                     "certificate_status"),
    "scope3": (),
    "pollutants": (),
    "intensity": (),
    "unattributed": (),
    "quality": (),
    "verification": (),
    "classes": (),
    "factors": (),
    "sources": ("source", "title", "url", "read_on", "confidence"),
}  # fmt: skip


def write_account_report(
    path: Path, account: Account, tables: Mapping[str, Frame], *, lang: Lang, drawings: Mapping[str, str]
) -> None:
    """Write the page of an account, whole or not at all.

    Parameters
    ----------
    path : Path
    account : Account
    tables : mapping
        As ``account_tables`` gives them.
    lang : {"zh", "en"}
    drawings : mapping
        Pictures as SVG, by name.
    """
    page = template("account.html.j2").render(
        lang=lang,
        **_head(account, lang),
        words={key: text(label, lang) for key, label in account_words.WORDS.items()},
        findings=account_words.findings(account, tables, lang),
        totals=_explained(account_words.totals_frame(tables["summary"], lang), lang),
        evidence=_explained(account_words.evidence_frame(tables["summary"], lang), lang),
        own_factors=_shown("overlaid", tables["overlaid"], lang, most=FIRST_PAGE_ROWS),
        assumptions=_shown("assumptions", tables["assumptions"], lang, most=FIRST_PAGE_ROWS),
        gaps=_shown("gaps", tables["gaps"], lang),
        warnings=[issue.text(lang) for issue in account_words.portable_warnings(account)],
        figures=[Drawn(name, inline(svg, name)) for name, svg in drawings.items()],
        chains=_chains(account, lang),
        sections=[_section(name, tables[name], lang) for name in SECTIONS if name in tables],
        checks=_table(tables["checks"], lang),
        check_sentence=account_words.check_sentence(account, lang),
        method=account_words.method_notes(account, lang),
        foot=account_words.foot(account, lang),
    )
    write_text(path, page.replace("</style>", f"{embedded_face(page)}</style>", 1))


def _head(account: Account, lang: Lang) -> dict[str, Any]:
    years = account.ledger.years
    span = f"{years[0]}–{years[-1]}" if len(years) > 1 else str(years[0])
    title = f"碳排放核算：{account.ledger.name}" if lang == "zh" else f"Account of emissions: {account.ledger.name}"
    notice = [phrase("illustrative", lang), account_words.illustrative(lang)] if account.is_illustrative else []
    return {"title": title, "subtitle": account_words.subtitle(account, span, lang), "notice": notice}


def _table(frame: Frame, lang: Lang) -> PeopleTable:
    return people_table(frame.head(PAGE_ROWS), lang)


def _explained(frame: Frame, lang: Lang) -> PeopleTable:
    """A table by enterprise whose empty cells say why they are empty."""
    reasons = {
        (str(enterprise), column): phrase(why, lang)
        for column, why in account_words.REASONS.items()
        for enterprise in dict.fromkeys(frame["enterprise"])
    }
    return people_table(frame.head(PAGE_ROWS), lang, reasons=reasons)


def _shown(name: str, frame: Frame, lang: Lang, *, most: int = OPEN_ROWS) -> dict[str, Any]:
    """A table with its title, whether it is folded, and a word if rows are left to the data files."""
    cut = phrase("rows_cut", lang, shown=PAGE_ROWS, count=len(frame), name=name) if len(frame) > PAGE_ROWS else ""
    chinese, english = SHEETS[name]
    return {
        "name": name,
        "title": chinese if lang == "zh" else english,
        "table": _table(frame, lang),
        "count": len(frame),
        "folded": len(frame) > most,
        # Of what must be seen at once, the weightiest rows stand above the fold.
        "preview": _table(frame.head(OPEN_ROWS), lang) if len(frame) > most >= FIRST_PAGE_ROWS else None,
        "note": cut,
    }


def _section(name: str, frame: Frame, lang: Lang) -> dict[str, Any]:
    if name == "scope2" and not (frame[list(PASSED_ON[1:])] != 0).to_numpy().any():
        frame = frame.drop(columns=list(PASSED_ON))
    chosen: Sequence[str] = [head for head in SECTIONS[name] if head in frame] or [str(head) for head in frame]
    # A column that is empty in every row tells nothing on a page; the workbook keeps it.
    shown = frame[[head for head in chosen if not frame[head].isin(["", None]).all() and not frame[head].isna().all()]]
    notes = {"classes": (CLASS_NOTE_ZH, CLASS_NOTE), "verification": (NOTE_ZH, NOTE)}
    made = _shown(name, shown, lang)
    remark = notes[name][0 if lang == "zh" else 1] if name in notes else ""
    return {**made, "note": " ".join(part for part in (remark, made["note"]) if part)}


def _chains(account: Account, lang: Lang) -> list[dict[str, Any]]:
    """Every multiplication of the largest enterprises in the last year."""
    inventory, year = account.inventory, int(account.ledger.years[-1])
    at = inventory["emissions_co2e"].sel(year=year).to_series()
    names = inventory[f"name_{lang}"].to_series()
    streams = pd.Series(inventory["stream_enterprise"].values).value_counts()
    found = []
    for enterprise in at.sort_values(ascending=False, kind="stable").index[:CHAIN_ENTERPRISES]:
        if streams.get(enterprise, 0) > CHAIN_STREAMS:
            continue
        explanation = explain(inventory, str(enterprise), year)
        rows = [
            (stream.stream, value_name("accounting_method", stream.method, lang), value_name("tier", stream.tier, lang),
             stream.formula, stream.emissions_co2e,
             "; ".join(dict.fromkeys(term.entry.partition("/")[0] for term in stream.terms if term.entry)),
             f"{stream.activity_source}, {value_name('basis', stream.activity_basis, lang)}")
            for stream in explanation.streams
        ]  # fmt: skip
        columns = ["stream_name", "accounting_method", "tier", "formula", "stream_co2e", "factor", "activity_source"]
        shown = str(names[enterprise]) or str(enterprise)
        found.append({"title": f"{shown}, {year}", "table": _table(Frame(rows, columns=columns), lang)})
    return found
