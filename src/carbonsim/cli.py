"""The shell: every verb, its messages in English and Chinese, and one wrapper that maps errors to exit codes."""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer.exceptions import Abort, Exit, TyperException

from carbonsim.errors import InfeasibleError, InputError, Issue

if TYPE_CHECKING:
    from carbonsim.study import Results

Language = Literal["zh", "en"]
DONE, INPUT, INFEASIBLE, FAULT, INTERRUPTED = 0, 1, 2, 3, 130
DEMO_STUDY, DEMO_FOLDER = "panzhihua", "panzhihua-demo"

app = typer.Typer(
    name="carbonsim",
    help="What happens to enterprises when a carbon market widens. 碳市场扩大行业覆盖范围对企业的影响。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Lang = Annotated[str, typer.Option("--lang", help="zh or en; messages, report and figure labels.")]
Out = Annotated[Path, typer.Option("--out", help="Folder to write; must not hold other files.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier run in that folder.")]
Anonymise = Annotated[bool, typer.Option("--anonymise", help="Aliases in place of enterprise names.")]
AliasKey = Annotated[
    str,
    typer.Option(
        "--alias-key", envvar="CARBONSIM_ALIAS_KEY", help="Secret that makes the aliases; same key, same aliases."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]


def default_lang() -> Language:
    """Chinese when the environment asks for it (CARBONSIM_LANG or LANG), English otherwise."""
    wish = os.environ.get("CARBONSIM_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if wish.lower().startswith("zh") else "en"


def _lang(lang: str) -> Language:
    if not lang:
        return default_lang()
    if lang == "zh":
        return "zh"
    if lang == "en":
        return "en"
    raise InputError(f"--lang is '{lang}', expected zh or en.")


def _say(lang: str, english: str, chinese: str) -> None:
    typer.echo(chinese if lang == "zh" else english)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error when somebody is looking, nothing otherwise."""
    if quiet or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<40}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1)
        yield lambda stage, done, total: bar.update(task, description=stage, completed=done, total=total)


def _version(asked: bool) -> None:
    if asked:
        from carbonsim import __version__

        typer.echo(f"carbonsim {__version__}")
        raise Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What happens to enterprises when a carbon market widens. 碳市场扩大行业覆盖范围对企业的影响。"""


@app.command()
def demo(lang: Lang = "", out: Out = Path(DEMO_FOLDER), quiet: Quiet = False) -> None:
    """Run the packaged Panzhihua study and say where to look. 运行示例研究(攀枝花)。"""
    lang = _lang(lang)
    replaced = out.exists()
    _run([DEMO_STUDY], out, lang=lang, force=True, quiet=quiet)
    if replaced:
        _say(lang, f"(the earlier demo in {out} was replaced)", f"(已替换 {out} 中的旧示例)")


@app.command()
def template(
    path: Path,
    lang: Lang = "",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing workbook.")] = False,
) -> None:
    """Write an input workbook with Chinese headers, drop-downs and example rows. 生成输入工作簿模板。"""
    from carbonsim.inputs import write_template

    if path.exists() and not force:
        raise InputError(f"{path}: exists; give another name, or replace it with --force.")
    write_template(path)
    lang = _lang(lang)
    _say(lang, f"Template written: {path}", f"模板已生成: {path}")
    _say(
        lang,
        f"Fill it in, then: carbonsim init {path} --policy panzhihua --out my",
        f"填写后运行: carbonsim init {path} --policy panzhihua --out my",
    )


@app.command()
def init(
    workbook: Path,
    policy: Annotated[str, typer.Option("--policy", help="Packaged study whose rules and market apply.")] = "panzhihua",
    out: Out = Path("my"),
    lang: Lang = "",
    force: Annotated[
        bool, typer.Option("--force", help="Replace the study in that folder, with everything in it.")
    ] = False,
) -> None:
    """Make a study folder from a filled workbook and a packaged policy. 由工作簿和政策情景生成研究文件夹。"""
    from carbonsim.inputs import init_study, read_scenario
    from carbonsim.study import check_study

    lang = _lang(lang)
    init_study(workbook, out, policy=policy, force=force)
    _say(lang, f"Study written: {out}", f"研究已生成：{out}")
    _report_problems(check_study(str(out)), lang)
    if read_scenario(out).illustrative:
        _say(
            lang,
            "Example rows are left (source 'example'), so every output says illustrative enterprises.",
            "仍有示例行（来源为 example），因此所有输出都标注“示意企业”。",
        )
    _say(lang, f"Run it: carbonsim run {out}", f"运行：carbonsim run {out}")


@app.command()
def check(
    study: str,
    lang: Lang = "",
    certificate: Annotated[bool, typer.Option("--certificate", help="Also simulate and print the audit.")] = False,
    engines: Annotated[bool, typer.Option("--engines", help="Also say which engine clears it and why.")] = False,
) -> None:
    """Validate a study: every problem at once, exit code 1 if there is one. 校验研究, 一次列出全部问题。"""
    from carbonsim.study import check_study

    lang = _lang(lang)
    _report_problems(check_study(study), lang)
    _say(lang, f"{study}: no problems found.", f"{study}：未发现问题。")
    if certificate or engines:
        from carbonsim.inputs import read_scenario
        from carbonsim.study import simulate

        results = simulate(read_scenario(study))
        if engines:
            typer.echo(results.provenance[results.scenarios[0]]["engine"])
        if certificate:
            _print_certificate(results)


def _report_problems(problems: list[Issue], lang: str) -> None:
    """Raise with the errors, all at once; warnings alone are printed and stop nothing."""
    if any(problem.severity == "error" for problem in problems):
        raise InputError(problems)
    for problem in problems:
        typer.echo(("提示：" if lang == "zh" else "note: ") + problem.text(lang), err=True)


def _print_certificate(results: Results) -> None:
    for name, lines in results.certificate.items():
        typer.echo(name)
        for line in lines:
            mark = "ok  " if line["passed"] else "FAIL"
            size = f"residual {line['residual']:.2e}  tolerance {line['tolerance']:.0e}"
            typer.echo(f"  {mark} {line['name']:<52} {size}")


@app.command()
def run(
    studies: list[str],
    out: Out = Path("run"),
    lang: Lang = "",
    force: Force = False,
    anonymise: Anonymise = False,
    alias_key: AliasKey = "",
    quiet: Quiet = False,
) -> None:
    """Simulate studies, print the summary, write the run folder. 模拟并输出结果文件夹。"""
    _run(studies, out, lang=_lang(lang), force=force, anonymise=anonymise, alias_key=alias_key, quiet=quiet)


def _run(
    studies: list[str],
    out: Path,
    *,
    lang: Language,
    force: bool = False,
    anonymise: bool = False,
    alias_key: str = "",
    quiet: bool = False,
) -> None:
    from carbonsim.report.run_folder import check_target
    from carbonsim.report.tables import console_summary

    check_target(out, force=force)
    with _progress(quiet) as progress:
        results = _simulate_and_write(studies, out, lang, force, anonymise, alias_key, progress)
    typer.echo(console_summary(results, lang))
    _say(lang, f"Report: {out / 'report.html'}", f"报告: {out / 'report.html'}")
    _say(
        lang,
        f"Tables: {out / 'results.xlsx'}   Figures: {out / 'figures'}   Data: {out / 'results.nc'}",
        f"表格: {out / 'results.xlsx'}   图: {out / 'figures'}   数据: {out / 'results.nc'}",
    )


def _simulate_and_write(
    studies: list[str],
    out: Path,
    lang: str,
    force: bool,
    anonymise: bool,
    alias_key: str,
    progress: Callable[[str, int, int], None],
) -> Results:
    """Simulate the studies and write the run folder; the warnings of the run go into its manifest."""
    from carbonsim.inputs import read_scenario
    from carbonsim.report.run_folder import RunRecord, write_run
    from carbonsim.study import anonymise as hide_names
    from carbonsim.study import simulate

    start = time.perf_counter()
    if anonymise and not alias_key:
        raise InputError(
            Issue("alias", "", "--anonymise needs --alias-key: a secret of yours that makes the aliases.",
                  "--anonymise 需要 --alias-key（由您保管、用于生成代号的密钥）。")
        )  # fmt: skip
    if alias_key and not anonymise:
        raise InputError(
            Issue("alias", "", "--alias-key has no effect without --anonymise; names would be published.",
                  "没有 --anonymise 时 --alias-key 不起作用，企业名称会被公开。")
        )  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scenarios = [read_scenario(study) for study in studies]
        results = simulate(scenarios, progress=progress)
        if anonymise:
            results = hide_names(results, alias_key)
        record = RunRecord(
            studies=tuple(studies), lang=lang, seconds=time.perf_counter() - start, anonymised=anonymise,
            # A warning may name an enterprise, and the manifest of an anonymised run must not.
            warnings=() if anonymise else tuple(str(item.message) for item in caught),
            inputs={} if anonymise else {k: v for scenario in scenarios for k, v in scenario.input_files.items()},
        )  # fmt: skip
        write_run(results, out, record, force=force, progress=progress)
    return results


@app.command()
def compare(
    folders: list[Path],
    to: Annotated[str, typer.Option("--to", help="Scenario to compare with; the first by default.")] = "",
    lang: Lang = "",
) -> None:
    """Differences between scenarios of one or several run folders. 比较情景。"""
    from carbonsim.report.tables import console_table
    from carbonsim.study import join_results, read_results

    results = join_results([read_results(folder) for folder in folders])
    reference, language = to or results.scenarios[0], _lang(lang)
    _say(language, f"Each scenario minus {reference}:", f"各情景减去 {reference}：")
    typer.echo(console_table(results.compare(reference), language))


@app.command()
def show(study: str, path: str, lang: Lang = "") -> None:
    """One parameter or table row of a study with its source and dates. 查看参数及其来源。"""
    from carbonsim.inputs import read_scenario
    from carbonsim.report.tables import describe_path

    typer.echo(describe_path(read_scenario(study), path, _lang(lang)))


@app.command(name="list")
def list_names(lang: Lang = "") -> None:
    """Packaged studies, allocation rules, instruments and accounting sectors. 列出内置研究与规则。"""
    from carbonsim.accounting import accounting_sectors
    from carbonsim.allocation import allocation_rules
    from carbonsim.market import instruments
    from carbonsim.study import list_scenarios

    lang = _lang(lang)
    _say(lang, "Studies", "研究")
    for name, title_en, title_zh in list_scenarios():
        typer.echo(f"  {name:<32} {title_zh if lang == 'zh' else title_en}")
    kinds = (
        ("Allocation rules", "分配规则", allocation_rules),
        ("Instruments", "市场工具", instruments),
        ("Accounting sectors", "核算行业", accounting_sectors),
    )
    for english, chinese, registry in kinds:
        _say(lang, english, chinese)
        for name in registry:
            typer.echo(f"  {name:<32} {registry.get(name).summary}")


@app.command()
def verify(folder: Path, lang: Lang = "") -> None:
    """Run a run folder again and compare it byte for byte. 重新运行并逐字节比较。"""
    from carbonsim.report.run_folder import differences, read_manifest

    manifest = read_manifest(folder)
    if manifest["anonymised"]:
        raise InputError(f"{folder}: is anonymised; verify the run it was made from.")
    with tempfile.TemporaryDirectory() as scratch:
        again = Path(scratch) / "again"
        _simulate_and_write(manifest["studies"], again, manifest["lang"], False, False, "", lambda *_: None)
        changed = _changed_inputs(manifest["inputs"], read_manifest(again)["inputs"])
        found = differences(folder, again)
    lang = _lang(lang)
    for name in changed:
        _say(lang, f"input changed since the run: {name}", f"运行后输入已改变: {name}")
    for line in found:
        typer.echo(line)
    if found or changed:
        raise InputError(f"{folder}: the second run differs from the first ({len(found)} files).")
    _say(lang, f"{folder}: byte-equal on a second run.", f"{folder}: 两次运行逐字节相同。")


def _changed_inputs(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> list[str]:
    old = {name: digest for files in before.values() for name, digest in files.items()}
    new = {name: digest for files in after.values() for name, digest in files.items()}
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def execute(arguments: list[str]) -> int:
    """Run one command line and return its exit code; errors are printed, never raised."""
    asked = [value for flag, value in itertools.pairwise(arguments) if flag == "--lang"]
    lang = asked[-1] if asked and asked[-1] in ("zh", "en") else default_lang()
    try:
        code = typer.main.get_command(app).main(args=arguments, prog_name="carbonsim", standalone_mode=False)
        return int(code or DONE)
    except Exit as stop:
        return stop.exit_code
    except (Abort, KeyboardInterrupt):
        typer.echo("已中断。" if lang == "zh" else "Interrupted.", err=True)
        return INTERRUPTED
    except TyperException as problem:
        typer.echo(f"{problem}  (carbonsim --help)", err=True)
        return INPUT
    except InputError as problem:
        _report(problem, lang)
        return INPUT
    except InfeasibleError as problem:
        typer.echo(str(problem), err=True)
        return INFEASIBLE
    except Exception as problem:  # the last wrapper: anything else is our fault and says so
        typer.echo(f"{type(problem).__name__}: {problem}", err=True)
        if os.environ.get("CARBONSIM_DEBUG"):
            raise
        return FAULT


def _report(problem: InputError, lang: str) -> None:
    count = len(problem.issues)
    if count > 1:
        typer.echo(f"发现 {count} 个问题:" if lang == "zh" else f"{count} problems found:", err=True)
    typer.echo(problem.text(lang), err=True)


def main() -> None:
    """Entry point of the ``carbonsim`` command."""
    sys.exit(execute(sys.argv[1:]))
