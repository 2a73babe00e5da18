"""The verb of a problem file: clear it, print it, prove it, write what it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carbonsim.cli.shell import Force, Lang, Quiet, app, lang_of, progress_bar, say
from carbonsim.errors import InputError, Issue, chinese_of

if TYPE_CHECKING:
    from carbonsim.market.problem_file import ProblemFile

STUDY_KEYS = {"extends", "years"}  # a change file names what it extends, a study file its first and last year
PROBLEM_KEYS = {"kind", "year", "enterprises"}  # a problem file has at least one of them

Folder = Annotated[str, typer.Option("--out", help="Folder to write; without it nothing is written. 输出文件夹。")]


@app.command()
def clear(
    problem: Annotated[
        str, typer.Argument(help="Problem file (YAML), or name of a packaged problem. 问题文件，或内置问题名称。")
    ],
    engine: Annotated[
        str,
        typer.Option(
            "--engine", help="auto, programme (规划), price_search (价格搜索) or best_response (最优响应). 求解方式。"
        ),
    ] = "auto",
    out: Folder = "",
    certificate: Annotated[
        bool, typer.Option("--certificate", help="Print every line of the audit. 打印全部核验项。")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Exit code 1 if the answer differs from the one the file expects. 与文件给出的答案不同则退出码为 1。",
        ),
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
    if check:
        _check_has_answer(file)
    if out:
        from carbonsim.report.market_folder import check_market_target

        check_market_target(Path(out), force=force)
    with progress_bar(quiet) as progress:
        progress("出清市场" if shown == "zh" else "clearing the market", 0, 100)
        cleared = file.clear(
            engine, lambda stage, part: progress(chinese_of(stage) if shown == "zh" else stage, round(100 * part), 100)
        )
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


def _check_has_answer(file: ProblemFile) -> None:
    """Refuse to compare with an answer that the file does not state."""
    if file.expected is None:
        raise InputError(
            Issue("expected", file.shown, "--check needs an answer to compare with, and the file states none.",
                  "--check 需要可比较的答案，而文件未给出。", "Add expected: to the file.",
                  "请在文件中加入 expected:。")
        )  # fmt: skip


def is_problem(name: str) -> bool:
    """Whether a name given to ``carbonsim check`` is that of a market problem, packaged or a file, and of no study."""
    from carbonsim.inputs.paths import packaged_names
    from carbonsim.inputs.yaml_loader import read_yaml
    from carbonsim.market.problem_file import packaged_problems

    place = Path(name)
    if not place.is_file() or place.suffix.lower() not in (".yaml", ".yml"):
        return name not in packaged_names() and name in {problem for problem, *_ in packaged_problems()}
    content, _ = read_yaml(place, name)
    keys = set(map(str, content.data)) if content is not None and isinstance(content.data, Mapping) else set()
    return bool(keys & PROBLEM_KEYS) and not keys & STUDY_KEYS


def check_problem(name: str, lang: str, *, certificate: bool, engines: bool) -> None:
    """Read a problem with all its faults at once; clear it where its certificate or its engine is asked for."""
    from carbonsim.market.problem_file import read_problem
    from carbonsim.market.supply import engine_zh
    from carbonsim.report.certificate_words import certificate_lines
    from carbonsim.report.labels import language

    file = read_problem(name)
    say(lang, f"{name}: no problems found.", f"{name}：未发现问题。")
    if not (certificate or engines):
        return
    cleared = file.clear()
    if engines and file.rules.has_engines:
        reason = chinese_of(cleared.engine_reason)
        say(lang, f"{cleared.engine}: {cleared.engine_reason}", f"{engine_zh(cleared.engine)}，{reason}")
    elif engines:
        say(lang, "One way of clearing only.", "只有一种求解方式。")
    if certificate:
        for line in certificate_lines(cleared.certificate.lines, language(lang)):
            typer.echo(line)
