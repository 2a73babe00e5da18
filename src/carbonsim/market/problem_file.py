"""Problem files: one YAML file with everything that clears, read in one go and with every fault at its line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carbonsim.errors import InputError, Issue, did_you_mean
from carbonsim.inputs.parameters import BASES
from carbonsim.inputs.paths import scenarios_folder
from carbonsim.inputs.yaml_loader import YamlFile, read_yaml
from carbonsim.market.concept import Concept, read_concept
from carbonsim.market.expected import Comparison, Expected, compare, expected_faults, read_expected
from carbonsim.market.faults import Fault, unknown_name, wrong_shape
from carbonsim.market.mapping_checks import said_by_problem
from carbonsim.market.problem_kind import ProblemKind, Progress, problem_kinds

FOLDER = "problems"
MARKET = "market"
TEXTS = ("title", "title_zh", "description", "description_zh", "source", "source_zh", "where", "basis", "currency")
ABOUT = ("kind", *TEXTS, "concept", "expected")  # keys on the file; all others are the problem's own
CURRENCY = re.compile(r"^[A-Z]{3}(\d{4})?$")
NO_CURRENCY = "XXX"  # ISO 4217: no currency is meant
TEXT = ("a text", "文本")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProblemFile:
    """A problem with what its file says about it.

    ``text`` holds title, description, source, where, basis and currency, as far as the file gives them.
    """

    path: Path
    shown: str
    sha256: str
    kind: str
    text: Mapping[str, str]
    problem: Any
    concept: Concept | None
    concept_name: str
    expected: Expected | None
    lines: YamlFile

    def __repr__(self) -> str:
        """Title, kind, who says so on which basis, and the problem."""
        source, basis = self.text.get("source", "no source stated"), self.text.get("basis", "no basis stated")
        return f"ProblemFile {self.name} ({self.kind}): {self.title('en')}\n  {source} [{basis}]\n{self.problem!r}"

    @property
    def name(self) -> str:
        """Name of the file without its end."""
        return self.path.stem

    @property
    def currency(self) -> str:
        """Money of the file: an ISO code with the price year if there is one, CNY by default, XXX for none."""
        return self.text.get("currency", "CNY")

    def title(self, lang: str) -> str:
        """What the file is called in a language, or its name."""
        return self.text.get("title_zh" if lang == "zh" else "title", self.text.get("title", self.name))

    def description(self, lang: str) -> str:
        """What the file says about itself in a language, or nothing."""
        return self.text.get("description_zh" if lang == "zh" else "description", self.text.get("description", ""))

    def source(self, lang: str) -> str:
        """Who says so, in a language, as far as the file says it."""
        return self.text.get("source_zh" if lang == "zh" else "source", self.text.get("source", ""))

    @property
    def rules(self) -> ProblemKind:
        """How problems of this kind are read, cleared and shown."""
        return problem_kinds.get(self.kind).target()

    def clear(self, engine: str = "auto", progress: Progress | None = None) -> Any:
        """The problem's answer with its certificate, under the file's concept.

        Raises
        ------
        InputError
            If an engine is asked for of a kind that has one way of clearing only, or one that cannot hold the problem.
        """
        if engine != "auto" and not self.rules.has_engines:
            raise InputError(
                Issue("engine", self.shown,
                      f"a problem of kind '{self.kind}' has one way of clearing; engine is '{engine}'.",
                      f"类型为“{self.kind}”的问题只有一种求解方式，而指定了 engine '{engine}'。",
                      "Leave the engine out.", "请不要指定求解方式。")
            )  # fmt: skip
        return self.rules.clear(self.problem, engine=engine, concept=self.concept, progress=progress)

    def compare(self, cleared: Any) -> tuple[Comparison, ...]:
        """The file's expected values beside those found; none if it states none.

        Raises
        ------
        InputError
            If it expects a result or a label that the answer does not have.
        """
        if self.expected is None:
            return ()
        answers = self.rules.answers(self.problem, cleared)
        _raise(self.lines, expected_faults(self.expected, answers))
        return compare(self.expected, answers)


def read_problem(path: str | Path) -> ProblemFile:
    """The problem of a YAML file, or the packaged one of that name.

    Parameters
    ----------
    path : str or Path
        File, or name that ``packaged_problems`` lists.

    Raises
    ------
    InputError
        With every fault of the file, each with its line, or if there is no such file.

    Examples
    --------
    >>> file = read_problem("two_firms")
    >>> float(file.clear().dataset.allowance_price.round(9).item())
    12.0
    """
    place, shown = find_problem(path)
    content, issues = read_yaml(place, shown)
    if content is None:
        raise InputError(issues)
    if not isinstance(content.data, Mapping):
        raise InputError([*issues, wrong_shape((), content.data, ("a mapping of keys", "键值映射")).issue(shown, 1)])
    mapping: dict[str, Any] = {str(key): value for key, value in content.data.items()}
    own = {key: value for key, value in mapping.items() if key not in ABOUT}
    kind, faults = _kind(mapping.get("kind", MARKET))
    faults += _text_faults(mapping)
    expected, wrong = read_expected(mapping.get("expected"))
    faults += wrong
    concept, concept_name, wrong = _concept(mapping.get("concept"), kind, mapping.get("year"))
    faults += wrong
    if kind is not None:
        faults += [_among(fault, tuple(own)) for fault in kind.faults(own)]
    if issues or faults or kind is None:
        raise InputError(
            sorted([*issues, *(_issue(content, fault) for fault in faults)], key=lambda one: one.line or 0)
        )
    return ProblemFile(
        path=place, shown=shown, sha256=content.sha256, kind=str(mapping.get("kind", MARKET)),
        text={key: str(mapping[key]).strip() for key in TEXTS if mapping.get(key) is not None},
        problem=_read(kind, own, content), concept=concept, concept_name=concept_name, expected=expected, lines=content,
    )  # fmt: skip


def packaged_problems() -> list[tuple[str, str, str]]:
    """Packaged problems in alphabetical order: name, and title in English and Chinese."""
    found = []
    for path in sorted((scenarios_folder() / FOLDER).glob("*.yaml")):
        content, _ = read_yaml(path)
        data = content.data if content is not None and isinstance(content.data, Mapping) else {}
        title = str(data.get("title", path.stem))
        found.append((path.stem, title, str(data.get("title_zh", title))))
    return found


def find_problem(path: str | Path) -> tuple[Path, str]:
    """The file that a user named, and what to call it; a name that is no path may be that of a packaged problem.

    Raises
    ------
    InputError
        If there is neither.
    """
    place, text = Path(path), os.fspath(path)
    if place.is_file():
        return place, text
    folder = scenarios_folder() / FOLDER
    names = sorted(found.stem for found in folder.glob("*.yaml"))
    if text in names:
        return folder / f"{text}.yaml", f"{text}.yaml"
    hint = f"{did_you_mean(text, names)} Give a YAML file, or a name that carbonsim list shows under problems."
    meant = did_you_mean(text, names, "zh")
    hint_zh = f"{meant}请提供 YAML 文件，或 carbonsim list 所列的问题名称。"
    there = ("is a folder, no problem file.", "是文件夹，不是问题文件。") if place.is_dir() else (
        "is no file, and no packaged problem has this name.", "没有此文件，也没有此名称的内置问题。"
    )  # fmt: skip
    raise InputError(Issue("file-missing", text, *there, hint.strip(), hint_zh))


def _kind(name: object) -> tuple[ProblemKind | None, list[Fault]]:
    if str(name) in problem_kinds:
        return problem_kinds.get(str(name)).target(), []
    return None, [unknown_name(("kind",), name, tuple(problem_kinds), ("kind of problem", "问题类型"))]


def _text_faults(mapping: Mapping[str, object]) -> list[Fault]:
    found = [
        wrong_shape((key,), mapping[key], TEXT)
        for key in TEXTS
        if mapping.get(key) is not None and not isinstance(mapping[key], str)
    ]
    basis, currency = mapping.get("basis"), mapping.get("currency")
    if isinstance(basis, str) and basis not in BASES:
        found.append(unknown_name(("basis",), basis, BASES, ("basis", "数据依据")))
    if isinstance(currency, str) and not CURRENCY.match(currency):
        expected = (
            "an ISO code, with the price year if there is one, such as CNY, CNY2025 or XXX for none",
            "ISO 货币代码，可附价格年份，例如 CNY、CNY2025，无货币写 XXX",
        )
        found.append(wrong_shape(("currency",), currency, expected))
    return found


def _concept(value: object, kind: ProblemKind | None, years: object) -> tuple[Concept | None, str, list[Fault]]:
    """The concept that a file names, by its name alone or with its settings."""
    if value is None:
        return None, "", []
    if kind is not None and not kind.has_concepts:
        return (
            None,
            "",
            [wrong_shape(("concept",), value, ("nothing: this kind has no concepts", "不设概念：该类型不支持"))],
        )
    horizon = [year for year in years if isinstance(year, int)] if isinstance(years, list) else []
    return read_concept(value, horizon)


def _among(fault: Fault, own: tuple[str, ...]) -> Fault:
    """An unknown key at the top may also have been meant as one of those about the file."""
    if len(fault.path) == 1 and fault.path[0] in own and not fault.hint:
        meant = [did_you_mean(fault.path[0], ABOUT, lang) for lang in ("en", "zh")]
        hint = meant[0] or f"About the file itself: {', '.join(ABOUT)}."
        hint_zh = meant[1] or f"说明文件本身的键：{'、'.join(ABOUT)}。"
        return Fault(fault.path, fault.message, fault.message_zh, hint, hint_zh, fault.value)
    return fault


def _read(kind: ProblemKind, own: Mapping[str, object], content: YamlFile) -> Any:
    """The problem; what only the whole of it shows to be wrong is reported for the file."""
    try:
        return kind.read(own)
    except InputError as problem:
        tools = own.get("instruments")
        labels = [str(label) for label in tools] if isinstance(tools, Mapping) else []
        _raise(content, [said_by_problem(one.message, one.message_zh, labels) for one in problem.issues])
        raise


def _raise(content: YamlFile, faults: list[Fault]) -> None:
    if faults:
        raise InputError([_issue(content, fault) for fault in faults])


def _issue(content: YamlFile, fault: Fault) -> Issue:
    """The fault at the line of its key, or of the nearest key above it."""
    return fault.issue(content.source, content.line(*fault.path) or 1)
