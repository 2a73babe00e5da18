"""The error family and the one record in which every input problem is reported."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

SHOWN_LABELS = 5
_SUGGESTION = re.compile(r"Did you mean '([^']*)'\?")


class Said(str):
    """A sentence or a clause in English that carries its Chinese as ``zh``.

    It is the English text wherever text is expected. What is put together from it is English alone, unless its Chinese
    is put together as well.

    >>> why = Said("holds a stock of credits", "保有信用存量")
    >>> str(why), why.zh, chinese_of(why), chinese_of("a text that somebody else wrote")
    ('holds a stock of credits', '保有信用存量', '保有信用存量', 'a text that somebody else wrote')
    """

    __slots__ = ("zh",)
    zh: str

    def __new__(cls, english: str, chinese: str) -> Said:
        """Both texts as one value."""
        made = super().__new__(cls, english)
        made.zh = chinese
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # a copy needs both
        """What a copy is made of."""
        return str(self), self.zh


def chinese_of(text: str) -> str:
    """The Chinese that a text carries; the text itself if it carries none, or none of it."""
    return (text.zh if isinstance(text, Said) else "") or text


def error_in_chinese(error: BaseException) -> str:
    """What an error says in Chinese, or its own text where it has none."""
    if isinstance(error, CarbonsimError):
        return error.text("zh")
    return chinese_of(error.args[0]) if error.args and isinstance(error.args[0], str) else str(error)


def joined(texts: Iterable[str]) -> Said:
    """Several clauses as one: with semicolons, in both languages.

    >>> joined([Said("one", "一"), Said("two", "二")]).zh
    '一；二'
    """
    listed = list(texts)
    return Said("; ".join(listed), "；".join(chinese_of(text) for text in listed))


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem in an input: where it is, what was found, what was expected, how to mend it.

    ``source`` is a file as the user named it, or what the problem is in, which ``source_zh`` names in Chinese;
    ``row`` is the row the user sees in that file (the header is row 1), ``line`` a line of a YAML file. ``message``
    and ``message_zh`` say what was found and what was expected, ``hint`` and ``hint_zh`` how to mend it.
    """

    code: str
    source: str
    message: str
    message_zh: str = ""
    hint: str = ""
    hint_zh: str = ""
    sheet: str = ""
    row: int | None = None
    line: int | None = None
    column: str = ""
    value: str = ""
    severity: Literal["error", "warning"] = "error"
    source_zh: str = ""

    def where(self, lang: str = "en") -> str:
        """Place of the problem in one string: file:line, then sheet, row and column."""
        chinese = lang == "zh"
        source = (chinese and self.source_zh) or self.source
        parts = [f"{source}:{self.line}" if self.line is not None else source]
        if self.sheet:
            parts.append(f"{'工作表' if chinese else 'sheet'} {self.sheet}")
        if self.row is not None:
            parts.append(f"第{self.row}行" if chinese else f"row {self.row}")
        if self.column:
            parts.append(f"{'列' if chinese else 'column'} {self.column}")
        return ", ".join(parts)

    def text(self, lang: str = "en") -> str:
        """The whole problem on one line, in English or Chinese."""
        return f"{self.where(lang)}: {_bare(self, lang)} [{self.code}]".replace("。 [", "。[").replace("？ [", "？[")


class CarbonsimError(Exception):
    """Base of every error that carbonsim raises on purpose; ``chinese`` is what it says in Chinese."""

    def __init__(self, message: str = "", chinese: str = "") -> None:
        super().__init__(str(message))
        self.chinese = chinese or chinese_of(message)

    def text(self, lang: str = "en") -> str:
        """What went wrong, in English or Chinese."""
        return self.chinese if lang == "zh" else str(self)


class InputError(CarbonsimError):
    """Something the user can mend in a file or on the command line; carries all problems found."""

    def __init__(self, problem: str | Issue | Iterable[Issue], chinese: str = "") -> None:
        if isinstance(problem, str):
            problem = Issue("input", "", str(problem), chinese or (problem.zh if isinstance(problem, Said) else ""))
        self.issues: tuple[Issue, ...] = (problem,) if isinstance(problem, Issue) else tuple(problem)
        super().__init__(self.text(), self.text("zh"))

    def text(self, lang: str = "en") -> str:
        """All problems, one a line."""
        lines = [issue.text(lang) if issue.source else _bare(issue, lang) for issue in self.issues]
        return "\n".join(lines)


def issues_of(code: str, source: str, texts: Iterable[str]) -> list[Issue]:
    """An issue for each text that says what is wrong with ``source``, in Chinese too where the texts carry it."""
    return [Issue(code, str(source), str(text), chinese_of(text), source_zh=chinese_of(source)) for text in texts]


def _bare(issue: Issue, lang: str) -> str:
    """Message and hint; a suggestion that was given in English only is put into Chinese."""
    if lang != "zh":
        return f"{issue.message} {issue.hint}".strip()
    message = issue.message_zh or issue.message
    hint = issue.hint_zh or _SUGGESTION.sub(r"是否为“\1”？", issue.hint)
    return f"{message}{hint}" if message.endswith(("。", "？")) else f"{message} {hint}".strip()


class ScenarioError(InputError):
    """A scenario file or a change to a scenario is wrong."""


class ParameterError(InputError):
    """A dated parameter is missing, malformed, or asked for outside its validity."""


class SourceError(InputError):
    """A value names a source that ``sources.yaml`` does not list."""


class UnitError(InputError):
    """A unit is unknown or of the wrong dimension."""


class AlignmentError(InputError):
    """Labels that must match do not."""


class InfeasibleError(CarbonsimError):
    """The study has no answer: names the year, the missing tonnes and the rules to relax."""


class SolverError(CarbonsimError):
    """The solver or a declared fixed point did not reach its tolerance."""


class CertificateError(CarbonsimError):
    """A result failed its audit."""


class PluginError(CarbonsimError):
    """A registered rule, sector, instrument or measure broke its declared contract."""


def did_you_mean(name: str, known: Iterable[str], lang: str = "en") -> str:
    """Suggestion for a typo in English or Chinese, or an empty string.

    >>> did_you_mean("benchmrk", ["auction", "benchmark"])
    "Did you mean 'benchmark'?"
    >>> did_you_mean("钢鉄", ["钢铁", "电力"], "zh")
    '是否为“钢铁”？'
    """
    # Chinese words have two or three letters: one wrong letter is half of the word.
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6 if name.isascii() else 0.5)
    if not close:
        return ""
    return f"是否为“{close[0]}”？" if lang == "zh" else f"Did you mean '{close[0]}'?"


def shorten(labels: Sequence[object], lang: str = "en") -> str:
    """At most five labels, then the count of the rest; in Chinese, of all.

    >>> shorten(["a", "b", "c", "d", "e", "f", "g"])
    'a, b, c, d, e and 2 more'
    >>> shorten(["a", "b", "c", "d", "e", "f", "g"], "zh"), shorten(["a", "b"], "zh")
    ('a、b、c、d、e 等 7 项', 'a、b')
    """
    rest = len(labels) - SHOWN_LABELS
    separator, more = ("、", f" 等 {len(labels)} 项") if lang == "zh" else (", ", f" and {rest} more")
    shown = separator.join(str(label) for label in labels[:SHOWN_LABELS])
    return f"{shown}{more}" if rest > 0 else shown
