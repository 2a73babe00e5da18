"""The error family and the one record in which every input problem is reported."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

SHOWN_LABELS = 5


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem in an input: where it is, what was found, what was expected, how to mend it.

    ``source`` is a file as the user named it; ``row`` is the row the user sees in that file (the header is row 1),
    ``line`` a line of a YAML file. ``message`` and ``message_zh`` say what was found and what was expected,
    ``hint`` and ``hint_zh`` how to mend it.
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

    def where(self) -> str:
        """Place of the problem in one string: file:line, then sheet, row and column."""
        head = f"{self.source}:{self.line}" if self.line is not None else self.source
        parts = [head]
        if self.sheet:
            parts.append(f"sheet {self.sheet}")
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.column:
            parts.append(f"column {self.column}")
        return ", ".join(parts)

    def text(self, lang: str = "en") -> str:
        """The whole problem on one line, in English or Chinese."""
        chinese = lang == "zh"
        message = (self.message_zh or self.message) if chinese else self.message
        hint = (self.hint_zh or self.hint) if chinese else self.hint
        return f"{self.where()}: {message}{' ' + hint if hint else ''} [{self.code}]"


class CarbonsimError(Exception):
    """Base of every error that carbonsim raises on purpose."""


class InputError(CarbonsimError):
    """Something the user can mend in a file or on the command line; carries all problems found."""

    def __init__(self, problem: str | Issue | Iterable[Issue]) -> None:
        if isinstance(problem, str):
            problem = Issue(code="input", source="", message=problem)
        self.issues: tuple[Issue, ...] = (problem,) if isinstance(problem, Issue) else tuple(problem)
        super().__init__(self.text())

    def text(self, lang: str = "en") -> str:
        """All problems, one a line."""
        lines = [issue.text(lang) if issue.source else _bare(issue, lang) for issue in self.issues]
        return "\n".join(lines)


def _bare(issue: Issue, lang: str) -> str:
    message = issue.message_zh if lang == "zh" and issue.message_zh else issue.message
    hint = issue.hint_zh if lang == "zh" and issue.hint_zh else issue.hint
    return f"{message}{' ' + hint if hint else ''}"


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


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggestion for a typo, or an empty string.

    >>> did_you_mean("benchmrk", ["auction", "benchmark"])
    "Did you mean 'benchmark'?"
    """
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"Did you mean '{close[0]}'?" if close else ""


def shorten(labels: Sequence[object]) -> str:
    """At most five labels, then the count of the rest.

    >>> shorten(["a", "b", "c", "d", "e", "f", "g"])
    'a, b, c, d, e and 2 more'
    """
    shown = ", ".join(str(label) for label in labels[:SHOWN_LABELS])
    rest = len(labels) - SHOWN_LABELS
    return f"{shown} and {rest} more" if rest > 0 else shown
