"""The tutorial and the how-tos do what they say: every command is run and what it prints is compared.

A fence says what its block is: ``sh`` (commands), ``sh fails`` (a command that is refused), ``python``, ``text`` (all
that the block before it printed), ``text excerpt`` (lines of it), ``csv from=PATH`` (lines of a packaged file) and
``csv write=PATH`` or ``yaml write=PATH`` (a file that the reader makes).
"""

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from carbonsim.cli import execute
from carbonsim.market import instruments

ROOT = Path(__file__).parents[2]
PAGES = (
    "tutorial_inventory", "howto_own_factors", "howto_gaps", "howto_uncertainty", "howto_clear", "howto_instruments",
    "howto_concepts", "howto_auctions_and_desk", "howto_new_instrument", "howto_output_markets",
)  # fmt: skip
FILES = [ROOT / "docs" / f"{page}{end}" for page in PAGES for end in (".md", ".zh.md")]
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)


@pytest.fixture(autouse=True)
def forget_plug_ins() -> Iterator[None]:
    """A page may register an instrument of its own; the next page has not read it."""
    known = set(instruments)
    yield
    for name in set(instruments) - known:
        instruments.unregister(name)


def run_commands(body: str, refused: bool, capsys: pytest.CaptureFixture[str]) -> str:
    printed = []
    for line in body.replace("\\\n", " ").splitlines():
        words = line.split()
        assert words[0] == "carbonsim", line
        code = execute([word.strip("'\"") for word in words[1:]])
        output = capsys.readouterr()
        assert code == (1 if refused else 0), output.err
        printed.append(output.err if refused else output.out)
    return "".join(printed)


def run_python(body: str, names: dict[str, object]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(body, "tutorial", "exec"), names)  # noqa: S102  the page's own lines
    return printed.getvalue()


def plain(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_page_does_what_it_says(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CARBONSIM_LANG", "zh" if path.name.endswith(".zh.md") else "en")
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    text = path.read_text(encoding="utf-8")
    update = request.config.getoption("--update-golden")
    names: dict[str, object] = {}
    printed, changes = "", []
    for found in FENCE.finditer(text):
        kind, _, option = found[1].partition(" ")
        body = found[2]
        if kind == "sh":
            printed = run_commands(body, option == "fails", capsys)
        elif kind == "python":
            printed = run_python(body, names)
        elif option.startswith("write="):
            target = tmp_path / option.removeprefix("write=")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(body, encoding="utf-8")
        elif option.startswith("from="):
            lines = plain((ROOT / option.removeprefix("from=")).read_text(encoding="utf-8"))
            assert set(plain(body)) <= set(lines)
        elif option == "excerpt":
            assert "\n".join(plain(body)) in "\n".join(plain(printed)), f"{path.name}: not printed:\n{body}"
        elif update:
            changes.append((found.span(2), "".join(f"{line}\n" for line in plain(printed))))
        else:
            assert plain(body) == plain(printed)
    for (begin, end), new in reversed(changes):
        text = text[:begin] + new + text[end:]
    if update:
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_run_the_same_commands(page: str) -> None:
    kinds = []
    for name in (f"{page}.md", f"{page}.zh.md"):
        blocks = FENCE.findall((ROOT / "docs" / name).read_text(encoding="utf-8"))
        kinds.append([(kind, body) for kind, body in blocks if kind.split()[0] in ("sh", "python")])
    assert kinds[0] == kinds[1]
