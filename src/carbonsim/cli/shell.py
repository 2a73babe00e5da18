"""What every verb shares: the app, its options, messages in English and Chinese, and the one map to exit codes."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.exceptions import Abort, Exit, TyperException

from carbonsim.errors import InfeasibleError, InputError, Issue, error_in_chinese

Language = Literal["zh", "en"]
FAULTS_ZH = {"SolverError": "求解失败", "CertificateError": "核验失败", "PluginError": "扩展模块错误"}
DONE, INPUT, INFEASIBLE, FAULT, INTERRUPTED = 0, 1, 2, 3, 130

app = typer.Typer(
    name="carbonsim",
    help="What happens to enterprises when a carbon market widens. 碳市场扩大行业覆盖范围对企业的影响。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Lang = Annotated[str, typer.Option("--lang", help="zh or en; messages, report and figure labels. 语言。")]
Out = Annotated[Path, typer.Option("--out", help="Folder to write; must not hold other files. 输出文件夹。")]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier run in that folder. 覆盖该文件夹中的旧结果。")]
Anonymise = Annotated[bool, typer.Option("--anonymise", help="Aliases in place of enterprise names.")]
AliasKey = Annotated[
    str,
    typer.Option(
        "--alias-key", envvar="CARBONSIM_ALIAS_KEY", help="Secret that makes the aliases; same key, same aliases."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar. 不显示进度条。")]


def default_lang() -> Language:
    """Chinese when the environment asks for it (CARBONSIM_LANG or LANG), English otherwise."""
    wish = os.environ.get("CARBONSIM_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if wish.lower().startswith("zh") else "en"


def lang_of(lang: str) -> Language:
    """The language asked for, or that of the environment if none was; anything but zh and en is refused."""
    if not lang:
        return default_lang()
    if lang == "zh":
        return "zh"
    if lang == "en":
        return "en"
    raise InputError(f"--lang is '{lang}', expected zh or en.", f"--lang 为 '{lang}'，应为 zh 或 en。")


def say(lang: str, english: str, chinese: str) -> None:
    """Print one message in the language of the user."""
    typer.echo(chinese if lang == "zh" else english)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
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


def report_problems(problems: list[Issue], lang: str) -> None:
    """Raise with the errors, all at once; warnings alone are printed and stop nothing."""
    if any(problem.severity == "error" for problem in problems):
        raise InputError(problems)
    for problem in problems:
        typer.echo(("提示：" if lang == "zh" else "note: ") + problem.text(lang), err=True)


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
        typer.echo(f"{'命令行有误：' if lang == 'zh' else ''}{problem}  (carbonsim --help)", err=True)
        return INPUT
    except InputError as problem:
        _report(problem, lang)
        return INPUT
    except InfeasibleError as problem:
        typer.echo(problem.text(lang), err=True)
        return INFEASIBLE
    except Exception as problem:  # the last wrapper: anything else is our fault and says so
        name = type(problem).__name__
        typer.echo(
            f"{FAULTS_ZH.get(name, name)}：{error_in_chinese(problem)}" if lang == "zh" else f"{name}: {problem}",
            err=True,
        )
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
