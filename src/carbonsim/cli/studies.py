"""The verbs of a study: make, check, run, compare, look up, verify."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carbonsim.cli.shell import (
    AliasKey,
    Anonymise,
    Force,
    Lang,
    Language,
    Out,
    Quiet,
    app,
    lang_of,
    progress_bar,
    report_problems,
    say,
)
from carbonsim.errors import InputError, Issue, chinese_of, did_you_mean

if TYPE_CHECKING:
    from carbonsim.registry import Registry
    from carbonsim.study import Results

DEMO_STUDY, DEMO_FOLDER = "panzhihua", "panzhihua-demo"
LISTED = {
    "studies": ("Studies", "研究"),
    "ledgers": ("Ledgers (carbonsim account NAME)", "账册（carbonsim account 名称）"),
    "problems": ("Problems (carbonsim clear NAME)", "市场问题（carbonsim clear 名称）"),
    "rules": ("Allocation rules", "分配规则"),
    "instruments": ("Instruments", "市场工具"),
    "concepts": ("Equilibrium concepts", "均衡概念"),
    "kinds": ("Kinds of problems", "问题类型"),
    "sectors": ("Accounting sectors", "核算行业"),
    "methods": ("Accounting methods", "核算方法"),
}


@app.command()
def demo(lang: Lang = "", out: Out = Path(DEMO_FOLDER), quiet: Quiet = False) -> None:
    """Run the packaged Panzhihua study and say where to look. 运行示例研究(攀枝花)。"""
    lang = lang_of(lang)
    replaced = out.exists()
    _run([DEMO_STUDY], out, lang=lang, force=True, quiet=quiet)
    if replaced:
        say(lang, f"(the earlier demo in {out} was replaced)", f"(已替换 {out} 中的旧示例)")


@app.command()
def template(
    path: Path,
    lang: Lang = "",
    ledger: Annotated[bool, typer.Option("--ledger", help="The ledger of an enterprise instead of a study.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing workbook.")] = False,
) -> None:
    """Write an input workbook with Chinese headers, drop-downs and example rows. 生成输入工作簿模板。"""
    from carbonsim.inputs import write_template
    from carbonsim.inputs.ledger_template import write_ledger_template

    if path.exists() and not force:
        raise InputError(f"{path}: exists; give another name, or replace it with --force.")
    lang = lang_of(lang)
    if ledger:
        write_ledger_template(path, lang)
    else:
        write_template(path)
    say(lang, f"Template written: {path}", f"模板已生成: {path}")
    if ledger:
        command = f"carbonsim account {path} --out account"
        say(lang, f"Fill it in, then: {command}", f"填写后运行: {command}")
        return
    say(
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

    lang = lang_of(lang)
    init_study(workbook, out, policy=policy, force=force)
    say(lang, f"Study written: {out}", f"研究已生成：{out}")
    report_problems(check_study(str(out)), lang)
    if read_scenario(out).illustrative:
        say(
            lang,
            "Example rows are left (source 'example'), so every output says illustrative enterprises.",
            "仍有示例行（来源为 example），因此所有输出都标注“示意企业”。",
        )
    say(lang, f"Run it: carbonsim run {out}", f"运行：carbonsim run {out}")


@app.command()
def check(
    study: str,
    lang: Lang = "",
    certificate: Annotated[
        bool, typer.Option("--certificate", help="Also simulate and print the audit. 并打印核验项。")
    ] = False,
    engines: Annotated[
        bool, typer.Option("--engines", help="Also say which engine clears it and why. 并说明求解方式及原因。")
    ] = False,
) -> None:
    """Validate a study or a market problem: every fault at once, exit code 1 if there is one. 校验研究或市场问题。"""
    from carbonsim.cli.clear import check_problem, is_problem
    from carbonsim.study import check_study

    lang = lang_of(lang)
    if is_problem(study):
        check_problem(study, lang, certificate=certificate, engines=engines)
        return
    report_problems(check_study(study), lang)
    say(lang, f"{study}: no problems found.", f"{study}：未发现问题。")
    if certificate or engines:
        from carbonsim.inputs import read_scenario
        from carbonsim.study import simulate

        results = simulate(read_scenario(study))
        if engines:
            engine = results.provenance[results.scenarios[0]]["engine"]
            say(lang, engine, chinese_of(engine))
        if certificate:
            _print_certificate(results, lang)


def _print_certificate(results: Results, lang: Language) -> None:
    from carbonsim.market.certificate import Line
    from carbonsim.report.certificate_words import certificate_lines

    for name, lines in results.certificate.items():
        typer.echo(name)
        audited = [Line(line["name"], line["residual"], line["tolerance"], line["where"]) for line in lines]
        for row in certificate_lines(audited, lang):
            typer.echo(f"  {row}")


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
    _run(studies, out, lang=lang_of(lang), force=force, anonymise=anonymise, alias_key=alias_key, quiet=quiet)


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
    with progress_bar(quiet) as progress:
        results = _simulate_and_write(studies, out, lang, force, anonymise, alias_key, progress)
    typer.echo(console_summary(results, lang))
    say(lang, f"Report: {out / 'report.html'}", f"报告: {out / 'report.html'}")
    say(
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
    reference, language = to or results.scenarios[0], lang_of(lang)
    say(language, f"Each scenario minus {reference}:", f"各情景减去 {reference}：")
    typer.echo(console_table(results.compare(reference), language))


@app.command()
def show(study: str, path: str, lang: Lang = "") -> None:
    """One parameter or table row of a study with its source and dates. 查看参数及其来源。"""
    from carbonsim.inputs import read_scenario
    from carbonsim.report.tables import describe_path

    typer.echo(describe_path(read_scenario(study), path, lang_of(lang)))


@app.command(name="list")
def list_names(
    what: Annotated[str, typer.Argument(help=f"One group: {', '.join(LISTED)}; all without it.")] = "",
    lang: Lang = "",
) -> None:
    """Packaged studies, ledgers and problems, and everything registered. 列出内置研究、账册、问题与规则。"""
    from carbonsim.accounting import accounting_sectors
    from carbonsim.accounting.core import accounting_methods
    from carbonsim.allocation import allocation_rules
    from carbonsim.inputs.choice_labels import CHOICE_LABELS
    from carbonsim.inputs.packaged_ledgers import packaged_ledgers
    from carbonsim.market import instruments
    from carbonsim.market.concept import concepts
    from carbonsim.market.problem_file import packaged_problems
    from carbonsim.market.problem_kind import problem_kinds
    from carbonsim.report.market_words import market_summaries
    from carbonsim.study import list_scenarios

    lang = lang_of(lang)
    if what and what not in LISTED:
        raise InputError(
            f"'{what}' is no group. Known: {', '.join(LISTED)}. {did_you_mean(what, LISTED)}".strip(),
            f"没有 '{what}' 这一类。可用：{'、'.join(LISTED)}。{did_you_mean(what, LISTED, 'zh')}",
        )
    packaged = {"studies": list_scenarios, "ledgers": packaged_ledgers, "problems": packaged_problems}
    registered: dict[str, Registry[Any]] = {
        "rules": allocation_rules, "instruments": instruments, "concepts": concepts, "kinds": problem_kinds,
        "sectors": accounting_sectors, "methods": accounting_methods,
    }  # fmt: skip
    chinese = {"methods": CHOICE_LABELS["method"], **market_summaries()} if lang == "zh" else {}
    for group in (what,) if what else LISTED:
        say(lang, *LISTED[group])
        rows = [(name, zh if lang == "zh" else en) for name, en, zh in packaged[group]()] if group in packaged else [
            (name, chinese.get(group, {}).get(name) or registered[group].get(name).summary)
            for name in registered[group]
        ]  # fmt: skip
        for name, words in rows:
            typer.echo(f"  {name:<32} {words}")


@app.command()
def verify(folder: Path, lang: Lang = "") -> None:
    """Run a run folder again and compare it byte for byte. 重新运行并逐字节比较。"""
    from carbonsim.report.run_folder import differences, read_manifest

    manifest = read_manifest(folder)
    if manifest.get("verb") == "clear":
        _verify_cleared(folder, lang_of(lang))
        return
    if manifest["anonymised"]:
        raise InputError(f"{folder}: is anonymised; verify the run it was made from.")
    with tempfile.TemporaryDirectory() as scratch:
        again = Path(scratch) / "again"
        _simulate_and_write(manifest["studies"], again, manifest["lang"], False, False, "", lambda *_: None)
        changed = _changed_inputs(manifest["inputs"], read_manifest(again)["inputs"])
        found = differences(folder, again)
    lang = lang_of(lang)
    for name in changed:
        say(lang, f"input changed since the run: {name}", f"运行后输入已改变: {name}")
    _say_differences(folder, found, lang, other=bool(changed))


def _verify_cleared(folder: Path, lang: Language) -> None:
    """Clear the stored problem again."""
    from carbonsim.report.market_folder import clear_again

    _say_differences(folder, clear_again(folder), lang)


def _say_differences(folder: Path, found: list[str], lang: Language, *, other: bool = False) -> None:
    for line in found:
        typer.echo(line)
    if found or other:
        raise InputError(f"{folder}: the second run differs from the first ({len(found)} files).")
    say(lang, f"{folder}: byte-equal on a second run.", f"{folder}: 两次运行逐字节相同。")


def _changed_inputs(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> list[str]:
    old = {name: digest for files in before.values() for name, digest in files.items()}
    new = {name: digest for files in after.values() for name, digest in files.items()}
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
