"""The README says what is true: its commands, its table, its links."""

import re
from pathlib import Path

import pytest

import carbonsim as cs
from carbonsim.report.tables import console_summary

ROOT = Path(__file__).parents[2]
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}


def blocks(path: Path) -> list[str]:
    return re.findall(r"```(?:\w*)\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.S)


def test_ci_runs_exactly_the_test_command_of_both_readmes() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for path in READMES.values():
        command = next(block.strip() for block in blocks(path) if block.rstrip().endswith("pytest"))
        assert command in ci.splitlines()


@pytest.mark.parametrize("lang", READMES)
def test_the_table_is_what_the_demo_prints(lang: str) -> None:
    printed = console_summary(cs.simulate(cs.read_scenario("panzhihua")), lang).rstrip()
    assert printed in READMES[lang].read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [*READMES.values(), *sorted((ROOT / "docs").glob("*.md"))], ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if not link.startswith("http"):
            assert (path.parent / link).exists(), f"{path.name} links to {link}"


@pytest.mark.parametrize("path", READMES.values(), ids=lambda path: path.name)
def test_the_notebook_lines_run(path: Path) -> None:
    lines = next(block for block in blocks(path) if block.startswith("import carbonsim"))
    assert len([line for line in lines.splitlines() if line.strip()]) <= 10
    exec(compile(lines, path.name, "exec"), {})  # noqa: S102  the README's own lines
