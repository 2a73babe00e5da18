"""The verbs of a ledger: account for it, replay a stored account, and see what other factors would change."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carbonsim.cli.shell import Force, Lang, Language, Out, Quiet, app, lang_of, progress_bar, report_problems, say
from carbonsim.cli.text_table import table_lines
from carbonsim.errors import InputError, Issue, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from carbonsim.study.account import Account, Approach

UNCERTAINTIES = ("approach_1", "monte_carlo", "none")
SHOWN_CHANGES = 40

OwnFactors = Annotated[
    str, typer.Option("--factors", help="Workbook or folder of own factors, laid over those of the ledger.")
]


@app.command()
def account(
    ledger: Annotated[Path, typer.Argument(help="Workbook, folder of CSV files, or name of a packaged ledger.")],
    out: Out = Path("account"),
    factors: OwnFactors = "",
    gwp: Annotated[str, typer.Option("--gwp", help="Warming potentials of the inventory: AR4, AR5, AR6.")] = "AR5",
    market_gwp: Annotated[str, typer.Option("--market-gwp", help="Those of the covered emissions.")] = "AR5",
    uncertainty: Annotated[
        str, typer.Option("--uncertainty", help="approach_1, monte_carlo or none.")
    ] = "approach_1",
    draws: Annotated[int, typer.Option("--draws", help="Draws of monte_carlo.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of monte_carlo.")] = 1,
    explain: Annotated[str, typer.Option("--explain", help="Also print every multiplication of an enterprise.")] = "",
    lang: Lang = "",
    force: Force = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Account for a ledger: inventory, scopes, uncertainty, audit. 碳排放核算：清单、不确定度与核验。"""
    from carbonsim.inputs.ledger import read_ledger
    from carbonsim.inputs.packaged_ledgers import find_ledger
    from carbonsim.report.account_console import console_lines
    from carbonsim.report.account_folder import AccountOptions, check_account_target, write_account
    from carbonsim.report.account_words import portable_warnings
    from carbonsim.study.account import account as account_for

    lang = lang_of(lang)
    approach = _approach(uncertainty)
    check_account_target(out, force=force)
    with progress_bar(quiet) as progress:
        progress("ledger", 0, 1)
        read = read_ledger(find_ledger(ledger), own_factors=factors or None)
        made = account_for(
            read, gwp_set=gwp, market_gwp_set=market_gwp, uncertainty=approach, draws=draws, seed=seed,
            progress=progress,
        )  # fmt: skip
        chain = _chain(made, explain, lang)
        sampled = approach == "monte_carlo"
        options = AccountOptions(lang, uncertainty, draws if sampled else 0, seed if sampled else None)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        write_account(made, out, options, written=now, force=force, progress=progress)
    report_problems(portable_warnings(made), lang)
    for line in [*console_lines(made, lang), *chain]:
        typer.echo(line)
    say(lang, f"Report: {out / 'report.html'}   Workbook: {out / 'account.xlsx'}",
        f"报告：{out / 'report.html'}   工作簿：{out / 'account.xlsx'}")  # fmt: skip
    say(lang, f"Data: {out / 'tables'}, {out / 'inventory.nc'}   Prove it: carbonsim replay {out}",
        f"数据：{out / 'tables'}、{out / 'inventory.nc'}   复算：carbonsim replay {out}")  # fmt: skip


def _approach(uncertainty: str) -> Approach | None:
    if uncertainty == "approach_1":
        return "approach_1"
    if uncertainty == "monte_carlo":
        return "monte_carlo"
    if uncertainty == "none":
        return None
    known = ", ".join(UNCERTAINTIES)
    raise InputError(
        Issue("option", "--uncertainty", f"is '{uncertainty}'. Known: {known}.", f"为“{uncertainty}”，可选：{known}。",
              did_you_mean(uncertainty, UNCERTAINTIES))
    )  # fmt: skip


def _chain(made: Account, enterprise: str, lang: Language) -> list[str]:
    """Lines of every multiplication of an enterprise in the last year, or none if nobody asked."""
    if not enterprise:
        return []
    from carbonsim.accounting import explain
    from carbonsim.report.account_console import explanation_lines

    return [*explanation_lines(explain(made.inventory, enterprise, made.ledger.years[-1]), lang), ""]


@app.command()
def replay(folder: Path, lang: Lang = "") -> None:
    """Compute a stored account again and compare every digit. 复算已存档的核算结果，逐位比对。"""
    from carbonsim.study.accounts import replay as replay_account

    lang = lang_of(lang)
    found = replay_account(folder)
    if not found.holds:
        for line in _differences(found.differences):
            typer.echo(line)
        errors = [issue for issue in found.issues if issue.severity == "error"]
        count = len(found.differences)
        texts = (f"does not replay: {count} values differ.", f"复算不一致：{count} 个数值不同。")
        raise InputError([*errors, Issue("replay", str(folder), *texts)])
    for issue in found.issues:
        typer.echo(issue.text(lang), err=True)
    say(lang, f"{folder}: replayed to the last digit, {found.compared} values.",
        f"{folder}：复算一致，{found.compared} 个数值逐位相同。")  # fmt: skip
    say(lang, f"seal {found.seal}", f"封签 {found.seal}")


def _differences(frame: pd.DataFrame) -> list[str]:
    if frame.empty:
        return []
    rows = [[str(cell) for cell in row] for row in frame.head(SHOWN_CHANGES).itertuples(index=False)]
    rest = len(frame) - SHOWN_CHANGES
    lines = table_lines([[str(name) for name in frame.columns], *rows], give={1: 34, 2: 18, 3: 18})
    return [*lines, *([f"... {rest} more"] if rest > 0 else [])]


@app.command("what-changed")
def what_changed(
    folder: Path,
    factors: Annotated[
        str,
        typer.Option("--factors", help="packaged, or own factors (workbook or folder) laid over the packaged ones."),
    ] = "packaged",
    lang: Lang = "",
) -> None:
    """What other factors would do to a stored account, term by term. 换用其他因子对已存档核算的影响。"""
    from carbonsim.inputs.factor_search import open_factors
    from carbonsim.report.account_changes import change_lines
    from carbonsim.study.accounts import what_would_change

    lang = lang_of(lang)
    found = what_would_change(folder, open_factors(factors)[0])
    for line in change_lines(found, lang, most=SHOWN_CHANGES):
        typer.echo(line)
