"""Docstrings in their parts: first sentence, prose, equations with their labels, and fields with their units."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Final

_SECTION = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)
_INLINE_MATH = re.compile(r":math:`([^`]+)`")
_EQUATION = re.compile(r":eq:`([^`]+)`")
_ROLE = re.compile(r":(?:func|class|meth|mod|attr):`~?([^`]+)`")
_LITERAL = re.compile(r"``([^`]+)``")
_DIRECTIVE = ".. math::"
_LABEL = ":label:"
_UNITS = re.compile(r"\[[^\[\]]+\](?:,\s*\[[^\[\]]+\])*")
_PROSE: Final = ("", "Notes")


@dataclass(frozen=True, slots=True)
class Equation:
    """One displayed equation in LaTeX, and its label; "" if it has none."""

    label: str
    latex: str


@dataclass(frozen=True, slots=True)
class Field:
    """One or several fields described together: names, type with dimensions, unit ("" if none), and meaning."""

    name: str
    kind: str
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Document:
    """A docstring: its first sentence, prose and equations in the order written, fields, and cited sources."""

    summary: str
    body: tuple[str | Equation, ...]
    fields: tuple[Field, ...]
    sources: tuple[str, ...]

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations alone."""
        return tuple(part for part in self.body if isinstance(part, Equation))


def read_document(target: object) -> Document:
    r"""The parts of the docstring of a class or a function.

    >>> from carbonsim.market.instruments.price_ceiling import PriceCeiling
    >>> found = read_document(PriceCeiling)
    >>> [equation.label for equation in found.equations]
    ['price-ceiling']
    >>> found.fields[0].name, found.fields[0].kind, found.fields[0].unit
    ('price', 'float or array (year)', 'CNY/tCO2e')
    """
    # The class's own words: without any, inspect would take those of a base class.
    text = inspect.cleandoc(getattr(target, "__doc__", "") or "")
    pieces = _SECTION.split(text)
    sections = {"": pieces[0], **dict(zip(pieces[1::2], pieces[2::2], strict=True))}
    summary, _, rest = sections[""].partition("\n")
    body: list[str | Equation] = []
    for name in _PROSE:
        body += _parts(rest if not name else sections.get(name, ""))
    return Document(
        summary=to_markdown(summary),
        body=tuple(body),
        fields=tuple(_fields(sections.get("Parameters", ""))),
        sources=tuple(re.findall(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+", sections.get("References", ""))),
    )


def to_markdown(text: str) -> str:
    """Roles and literals of reStructuredText as Markdown.

    >>> to_markdown("``name`` is worth :math:`p_y`; see :eq:`reserve-intake`.")
    '`name` is worth $`p_y`$; see [reserve-intake](#eq-reserve-intake).'
    """
    text = _LITERAL.sub(r"`\1`", _ROLE.sub(r"`\1`", text))
    return _EQUATION.sub(r"[\1](#eq-\1)", _INLINE_MATH.sub(r"$`\1`$", text))


def _parts(text: str) -> list[str | Equation]:
    """Paragraphs and equations in their order."""
    found: list[str | Equation] = []
    prose: list[str] = []
    lines = text.split("\n")
    place = 0
    while place < len(lines):
        if not lines[place].startswith(_DIRECTIVE):
            prose.append(lines[place])
            place += 1
            continue
        block = [lines[place].removeprefix(_DIRECTIVE)]
        place += 1
        while place < len(lines) and (not lines[place].strip() or lines[place][0].isspace()):
            block.append(lines[place])
            place += 1
        found += [*_paragraphs(prose), _equation(block)]
        prose = []
    return [*found, *_paragraphs(prose)]


def _equation(block: list[str]) -> Equation:
    label = next((line.strip().removeprefix(_LABEL).strip() for line in block if line.strip().startswith(_LABEL)), "")
    kept = [line.strip() for line in block if line.strip() and not line.strip().startswith(_LABEL)]
    return Equation(label, "\n".join(kept))


def _paragraphs(lines: list[str]) -> list[str]:
    text = "\n".join(lines).strip()
    return [to_markdown(" ".join(part.split())) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _fields(text: str) -> list[Field]:
    found: list[Field] = []
    heads: list[tuple[str, list[str]]] = []
    for line in text.strip("\n").split("\n"):
        if line and not line[0].isspace():
            heads.append((line, []))
        elif line.strip() and heads:
            heads[-1][1].append(line.strip())
    for head, meaning in heads:
        name, _, kind = head.partition(" : ")
        units = _UNITS.search(kind)
        unit = units[0] if units else ""
        found.append(
            Field(
                name=name.strip(),
                kind=" ".join((kind.replace(unit, " ", 1) if unit else kind).split()).replace(" ,", ","),
                unit=unit.replace("[", "").replace("]", ""),
                meaning=to_markdown(" ".join(meaning)),
            )
        )
    return found
