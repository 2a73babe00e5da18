"""The memo: one self-contained HTML file with findings, prices, figures, pressure tables and provenance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from carbonsim.forcing import GROUPS
from carbonsim.inputs.files import write_text
from carbonsim.report import figures, messages, series, tables
from carbonsim.report.fonts import embedded_face
from carbonsim.report.labels import Form, Lang, column, language, market_key, phrase, text
from carbonsim.report.memo_words import METHOD, WORDS
from carbonsim.report.variations import named, variations
from carbonsim.study.results import Results

if TYPE_CHECKING:
    import jinja2

PRICE_COLUMNS = (
    "scenario", "year", "allowance_price", "price_range", "price_basis", "price_bank_high", "price_bank_low",
    "price_without_widening",
)  # fmt: skip
SUMMARY_COLUMNS = (
    "scenario", "year", "allowance_price", "surrender", "supply_free", "supply_auction", "bank",
    "local_inventory_emissions", "local_obligation", "local_abatement", "resource_cost",
    "local_no_regret_cost", "transfers",
    "penalties", "local_net_compliance_cost", "auction_revenue",
)  # fmt: skip
BY_YEAR: tuple[tuple[str, Form], ...] = (("cost_to_value_added", "share"), ("net_compliance_cost", "money"))
IN_ORDER = ("sector", "place", "chain", "enterprise")
# Whatever changes from run to run though the input does not; the manifest alone keeps it.
TIMES = frozenset({"created", "started", "finished", "seconds", "wall_seconds", "wall_time", "timestamp"})
# Shown in places of their own.
APART = frozenset({"sources", "basis_shares", "drafts", "name", "title_zh", "title_en"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """One figure as markup that stands in the page as it is.

    The text of the drawing is outlines, and its comments, the only place where input text would survive, are out.
    """

    name: str
    svg: str


def write_report(path: Path, results: Results, *, lang: str = "zh", drawings: Mapping[str, str] | None = None) -> None:
    """Write the report of a simulation, whole or not at all.

    Parameters
    ----------
    path : Path
        File to write.
    results : Results
        As ``simulate`` or ``read_results`` gave them; the first scenario is the one the memo is about.
    lang : {"zh", "en"}
        Language of the memo; one file, one language.
    drawings : mapping, optional
        Figures drawn already, name to SVG as ``figures.save`` returns it; all others are drawn here.

    Raises
    ------
    InputError
        If there are no labels in that language.
    """
    first = results.scenarios[0]
    certificate = [{"scenario": name, **line} for name, lines in results.certificate.items() for line in lines]
    page = render_report(
        dataset=results.dataset,
        summary=results.summary(),
        pressure={by: results.pressure(by, kind=series.local_kind(results.run())) for by in GROUPS},
        basis_shares=results.basis_shares(first),
        certificate_lines=certificate,
        drafts=[str(path) for path in results.provenance[first].get("drafts", [])],
        comparison=results.compare() if len(results.scenarios) > 1 else None,
        sources=results.sources(),
        provenance=results.provenance,
        lang=language(lang),
        drawings=drawings,
    )
    write_text(path, page)


def render_report(
    *,
    dataset: xr.Dataset,
    summary: pd.DataFrame,
    pressure: Mapping[str, pd.DataFrame],
    basis_shares: pd.DataFrame,
    certificate_lines: Iterable[object],
    drafts: Sequence[str],
    provenance: Mapping[str, Mapping[str, Any]],
    sources: pd.DataFrame | None = None,
    comparison: pd.DataFrame | None = None,
    drawings: Mapping[str, str] | None = None,
    lang: Lang = "zh",
) -> str:
    """The report as one HTML page that loads nothing from outside.

    Parameters
    ----------
    dataset : Dataset
        Results with leading dimension ``scenario``; the memo is about the first.
    summary : DataFrame
        As ``Results.summary()``.
    pressure : mapping
        Group (``sector``, ``place``, ``chain``, ``enterprise``) to the table of ``Results.pressure``.
    basis_shares : DataFrame [1]
        Index basis; ``covered_tonnes`` and ``cost``.
    certificate_lines : iterable
        Mappings or dataclasses with name, residual, tolerance, passed and, for several scenarios, scenario.
    drafts : sequence of str
        Parameters whose value in force is a draft.
    provenance : mapping
        Scenario to what is known of it; times are left out.
    sources : DataFrame, optional
        As ``Results.sources()``.
    comparison : DataFrame, optional
        As ``Results.compare()``, where there are several scenarios.
    drawings : mapping, optional
        Figures drawn already, name to SVG.
    lang : {"zh", "en"}
    """
    run = series.run_of(dataset, None)
    first = str(dataset["scenario"].values[0])
    titles = _titles(dataset, provenance, lang)
    people = tables.with_market(tables.summary_table(summary), run)
    shown_columns = [market_key(name, run) for name in SUMMARY_COLUMNS]
    certificate = certificate_frame(certificate_lines)
    page = template("report.html.j2").render(
        lang=lang,
        **_head(dataset, titles, lang),
        words={key: text(label, lang) for key, label in WORDS.items()},
        about=named(first, titles),
        variations=variations(comparison, provenance, titles, lang) if comparison is not None else [],
        findings=messages.findings(run, lang, basis_shares),
        prices=_people(people, PRICE_COLUMNS, lang, titles),
        summary=_people(people, shown_columns, lang, titles),
        basis=tables.people_table(basis_shares.rename_axis("basis").reset_index(), lang),
        drafts=list(drafts),
        certificate=_people(certificate, tuple(map(str, certificate)), lang, titles),
        certificate_sentence=_certificate_sentence(certificate, lang),
        figures=_figures(dataset, titles, drawings or {}, lang),
        pressure=[_pressure(pressure[by], by, run, lang, scenario=first) for by in IN_ORDER if by in pressure],
        method=[*messages.price_meaning(run, lang), *(text(line, lang) for line in METHOD)],
        provenance=tables.people_table(provenance_frame(provenance), lang),
        sources=tables.people_table(sources, lang) if sources is not None and len(sources) else None,
        foot=messages.foot(dataset, lang),
    )
    # Glyphs depend on the finished text, so the font goes in last.
    return page.replace("</style>", f"{embedded_face(page)}</style>", 1)


def template(name: str) -> jinja2.Template:
    """A page template of the package, with every input escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("carbonsim.report"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=False, keep_trailing_newline=True,
    )  # fmt: skip
    return environment.get_template(name)


def _head(dataset: xr.Dataset, titles: Mapping[str, str], lang: Lang) -> dict[str, Any]:
    """Title, years and scenarios, and the notice, empty if the enterprises are real."""
    years, shown = series.years_of(dataset), list(titles.values())
    notice = [phrase(key, lang) for key in ("illustrative", "illustrative_note")]
    return {
        "title": shown[0],
        "subtitle": " · ".join([f"{years[0]}–{years[-1]}", *(shown if len(shown) > 1 else [])]),
        "notice": notice if dataset.attrs.get("illustrative") else [],
    }


def certificate_frame(lines: Iterable[object]) -> pd.DataFrame:
    """Audit lines, given as mappings or dataclasses, as a table."""
    frame = pd.DataFrame(list(lines))
    known = [name for name in ("scenario", "name", "residual", "tolerance", "passed") if name in frame]
    return frame[known]


def _certificate_sentence(frame: pd.DataFrame, lang: Lang) -> str:
    failed = int((~frame["passed"].astype(bool)).sum()) if len(frame) else 0
    if lang == "zh":
        return f"共{len(frame)}项检查，{'全部通过' if not failed else f'{failed}项未通过'}。"
    return f"{len(frame)} checks, {'all passed' if not failed else f'{failed} failed'}."


def provenance_frame(provenance: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """What is known of each scenario, one item a row, without anything that depends on the clock."""
    rows = [
        {"scenario": name, "item": item, "value": value}
        for name, entry in provenance.items()
        for item, value in _flat(entry)
    ]
    return pd.DataFrame(rows, columns=["scenario", "item", "value"])


def _flat(entry: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key in entry:
        if str(key) in TIMES or (not prefix and str(key) in APART):
            continue
        value = entry[key]
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple) and any(isinstance(part, Mapping) for part in value):
            for number, part in enumerate(value, start=1):
                yield from _flat(part, f"{prefix}{key}.{number}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{key}", ", ".join(str(part) for part in value)
        else:
            yield f"{prefix}{key}", str(value)


def _titles(dataset: xr.Dataset, provenance: Mapping[str, Mapping[str, Any]], lang: Lang) -> dict[str, str]:
    names = [str(name) for name in dataset["scenario"].values]
    return {name: str(provenance.get(name, {}).get(f"title_{lang}") or name) for name in names}


def _people(frame: pd.DataFrame, columns: Sequence[str], lang: Lang, titles: Mapping[str, str]) -> tables.PeopleTable:
    """Some columns as people read them, without the scenario if there is only one."""
    chosen = frame[[name for name in columns if name in frame]]
    if "scenario" in chosen and len(titles) == 1:
        chosen = chosen.drop(columns="scenario")
    return tables.people_table(chosen, lang)


def _figures(dataset: xr.Dataset, titles: Mapping[str, str], drawings: Mapping[str, str], lang: Lang) -> list[Drawn]:
    drawn = []
    for name in figures.available(dataset):
        svg = drawings.get(name)
        if svg is None:
            svg = figures.render(figures.draw(dataset, name, lang=lang, titles=titles), "svg").decode("utf-8")
        drawn.append(Drawn(name, inline(svg, name)))
    return drawn


def inline(svg: str, name: str) -> str:
    """SVG fit to stand inside a page: no prologue, comments or metadata, identifiers unique to the figure."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'(xlink:href="|href="|url\()#', rf"\1#{name}-", body)
    return body.replace("<svg ", '<svg role="img" ', 1)


def _pressure(frame: pd.DataFrame, by: str, run: xr.Dataset, lang: Lang, *, scenario: str) -> dict[str, Any]:
    """Everything the page says about the pressure on one kind of group."""
    year = int(series.years_of(run)[-1])
    names = _names(run, lang) if by == "enterprise" else {}
    group = text(column(by), lang)
    return {
        "title": f"倒逼压力：按{group}" if lang == "zh" else f"Pressure by {group.lower()}",
        "caption": f"{year}年" if lang == "zh" else str(year),
        "indicators": tables.people_table(
            _renamed(tables.pressure_by_group(frame, by, scenario, year), by, names), lang,
            reasons=_named(tables.absence_reasons(frame, scenario, lang, year=year), names),
        ),
        "details": [_detail(frame, by, scenario, indicator, form, names, lang) for indicator, form in BY_YEAR],
    }  # fmt: skip


def _detail(
    frame: pd.DataFrame, by: str, scenario: str, indicator: str, form: Form, names: Mapping[str, str], lang: Lang
) -> dict[str, Any]:
    """One indicator year by year."""
    wide = _renamed(tables.indicator_by_year(frame, by, scenario, indicator), by, names)
    reasons = _named(tables.absence_reasons(frame, scenario, lang, indicator=indicator), names)
    shown = tables.people_table(wide, lang, form=form, reasons=reasons)
    title = text(column(indicator), lang) + (f" ({shown.unit})" if shown.unit else "")
    return {"title": f"逐年：{title}" if lang == "zh" else f"Year by year: {title}", "table": shown}


def _named(reasons: Mapping[tuple[str, str], str], names: Mapping[str, str]) -> dict[tuple[str, str], str]:
    return {(names.get(group, group), what): why for (group, what), why in reasons.items()}


def _names(run: xr.Dataset, lang: Lang) -> dict[str, str]:
    labels = series.texts(run["enterprise"])
    shown = series.texts(run[f"name_{lang}"])
    return {label: name or label for label, name in zip(labels, shown, strict=True)}


def _renamed(frame: pd.DataFrame, by: str, names: Mapping[str, str]) -> pd.DataFrame:
    return frame.assign(**{by: [names.get(str(name), str(name)) for name in frame[by]]})
