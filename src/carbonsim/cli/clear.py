"""The verb of a problem file: clear it, print it, prove it, write what it leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from carbonsim.cli.shell import Force, Lang, Quiet, app, lang_of, progress_bar, say
from carbonsim.errors import InputError, Issue

Folder = Annotated[str, typer.Option("--out", help="Folder to write; without it nothing is written.")]


@app.command()
def clear(
    problem: Annotated[str, typer.Argument(help="Problem file (YAML), or name of a packaged problem.")],
    engine: Annotated[str, typer.Option("--engine", help="auto, programme, price_search or best_response.")] = "auto",
    out: Folder = "",
    certificate: Annotated[bool, typer.Option("--certificate", help="Print every line of the audit.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 1 if the answer differs from the one the file expects.")
    ] = False,
    lang: Lang = "",
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Clear one market problem: price, quantities, money, and what proves them. 出清一个市场问题。"""
    from carbonsim.market.problem_file import read_problem
    from carbonsim.report.labels import language
    from carbonsim.report.market_console import console_lines

    shown = language(lang_of(lang))
    file = read_problem(problem)
    if check and file.expected is None:
        raise InputError(
            Issue("expected", file.shown, "--check needs an answer to compare with, and the file states none.",
                  "--check 需要可比较的答案，而文件未给出。", "Add expected: to the file.",
                  "请在文件中加入 expected:。")
        )  # fmt: skip
    if out:
        from carbonsim.report.market_folder import check_market_target

        check_market_target(Path(out), force=force)
    with progress_bar(quiet) as progress:
        cleared = file.clear(engine, lambda stage, part: progress(stage, round(100 * part), 100))
        comparisons = file.compare(cleared)
        if out:
            from carbonsim.report.market_folder import write_market

            write_market(file, cleared, comparisons, Path(out), lang=shown, engine=engine, force=force)
    for line in console_lines(file, cleared, comparisons, shown, certificate=certificate):
        typer.echo(line)
    if out:
        say(shown, f"Written: {out}", f"已写入：{out}")
    wrong = sum(not one.holds for one in comparisons)
    if check and wrong:
        raise InputError(
            Issue("expected", file.shown, f"{wrong} of {len(comparisons)} values differ from those expected.",
                  f"{len(comparisons)} 个数值中有 {wrong} 个与文件给出的不同。")
        )  # fmt: skip
