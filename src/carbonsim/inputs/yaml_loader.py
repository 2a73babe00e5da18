"""Strict YAML: what is read is what is written, and every fault has a file and a line.

YAML 1.1 reads ``NO`` as false, ``010`` as eight, ``12:30`` as 750, ``1e6`` as text, and keeps the last of two equal
keys. Here each of these is a fault. Aliases, tags, very deep and very large files are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from carbonsim.errors import Issue
from carbonsim.inputs.files import sha256_of_bytes

MAX_BYTES = 2_000_000
MAX_DEPTH = 20
FULL_COLON = "\uff1a"  # what a Chinese keyboard writes in place of a colon
UNQUOTED_FULL_COLON = re.compile(rf"[^\s#'\"]*{FULL_COLON}\s*([-+\[{{0-9]|$)")
COLON_HINT = ('Quote a text that holds a colon and a blank: "a: b".', '含有冒号加空格的文字请加引号："a: b"。')

_DECIMAL = re.compile(r"^[+-]?(0|[1-9][0-9]*)$")
_FLOAT = re.compile(r"^[+-]?(0|[1-9][0-9]*)?\.[0-9]*([eE][+-][0-9]+)?$")
_TAG = "tag:yaml.org,2002:"


class StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses aliases and deep nesting while it composes the tree."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node; an alias or a too deep node stops the reading."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, f"alias '*{event.anchor}' is not allowed", event.start_mark)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The content of one YAML file with the line of every key.

    ``source`` is the name shown to the user; ``lines`` maps a path of keys to a line, the first line being 1.
    """

    source: str
    data: Any
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    sha256: str = ""

    def line(self, *path: object) -> int | None:
        """Line of a key, or of the nearest key above it that is in the file."""
        keys = tuple(str(key) for key in path)
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys)


def read_yaml(path: Path, source: str = "") -> tuple[YamlFile | None, list[Issue]]:
    """Content of a YAML file and all its faults; the content is None if it could not be read at all.

    Parameters
    ----------
    path : Path
        File to read.
    source : str
        Name shown in the faults; the path as given if empty.
    """
    shown = source or str(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            return None, [
                _fault(
                    "yaml-size",
                    shown,
                    1,
                    f"the file has {size} bytes, at most {MAX_BYTES} are read.",
                    f"文件有 {size} 字节，最多读取 {MAX_BYTES} 字节。",
                )
            ]
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as problem:
        reason = problem.strerror or "unreadable"
        return None, [Issue("file-missing", shown, f"cannot be read: {reason}.", f"无法读取：{reason}。")]
    except UnicodeDecodeError as problem:
        return None, [
            Issue(
                "encoding",
                shown,
                f"is not UTF-8 text (byte {problem.start}).",
                "不是 UTF-8 文本。",
                "Save the file as UTF-8.",
                "请另存为 UTF-8。",
            )
        ]
    return parse_yaml(text, shown, sha256_of_bytes(content))


def parse_yaml(text: str, source: str, sha256: str = "") -> tuple[YamlFile | None, list[Issue]]:
    """Content of YAML text and all its faults."""
    try:
        root = yaml.compose(text, Loader=StrictLoader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        said = problem.problem or problem.context or "not YAML"
        line, *hints = _remedy(text.splitlines(), mark.line + 1 if mark else 1, said)
        return None, [
            _fault("yaml", source, line, f"cannot be read as YAML: {said}.", f"不是有效的 YAML：{said}。", *hints)
        ]
    except yaml.YAMLError as problem:
        return None, [
            _fault("yaml", source, 1, f"cannot be read as YAML: {type(problem).__name__}.", "不是有效的 YAML。")
        ]
    builder = _Builder(source)
    data = builder.build(root, ()) if root is not None else {}
    return YamlFile(source, data, builder.lines, sha256), builder.issues


def _remedy(lines: list[str], line: int, said: str) -> tuple[int, str, str]:
    """Line to mend and how, in English and Chinese, as far as the parser's words and the lines before tell."""
    near = range(max(line - 2, 0), min(line, len(lines)))
    wide = next((place + 1 for place in near if UNQUOTED_FULL_COLON.match(lines[place].strip())), 0)
    if wide:
        return (
            wide,
            f"The line holds a full-width colon ({FULL_COLON}); write a colon and a blank.",
            f"该行有全角冒号“{FULL_COLON}”，请改为半角冒号加空格。",
        )
    if "'\\t'" in said:
        return line, "Indent with blanks, never with tabs.", "缩进请用空格，不要用制表符（Tab）。"
    return (line, *(COLON_HINT if said.startswith("mapping values") else ("", "")))


def _fault(
    code: str, source: str, line: int, message: str, chinese: str, hint: str = "", hint_zh: str = "", value: str = ""
) -> Issue:
    return Issue(code, source, message, chinese, hint, hint_zh, line=line, value=value)


class _Builder:
    """Turns composed nodes into plain values and collects faults on the way."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[tuple[str, ...], int] = {}
        self.issues: list[Issue] = []

    def build(self, node: yaml.Node, path: tuple[str, ...]) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.build(item, (*path, str(place))) for place, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, line)
        self._add("yaml-tag", line, f"tag '{node.tag}' is not allowed.", f"不允许使用标签 '{node.tag}'。")
        return None

    def _mapping(self, node: yaml.MappingNode, path: tuple[str, ...]) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self._scalar(key_node, line) if isinstance(key_node, yaml.ScalarNode) else None
            if isinstance(key, bool) or not isinstance(key, str | int):
                self._add("yaml-key", line, "a key must be a name or a year.", "键必须是名称或年份。")
                continue
            place = (*path, str(key))
            if place in self.lines:
                self._add(
                    "duplicate-key",
                    line,
                    f"key '{key}' is given twice (first in line {self.lines[place]}).",
                    f"键 '{key}' 重复（首次出现在第 {self.lines[place]} 行）。",
                    "Keep one of the two.",
                    "请只保留一个。",
                    str(key),
                )
                continue
            self.lines[place] = line
            result[key] = self.build(value_node, place)
        return result

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        text: str = node.value
        kind = node.tag.removeprefix(_TAG)
        if kind == "null":
            return None
        if kind == "int" and _DECIMAL.match(text):
            return int(text)
        if kind == "float" and _FLOAT.match(text):
            return float(text)
        if kind == "bool" and text in ("true", "false"):
            return text == "true"
        if kind == "str":
            if node.style is None and _is_number(text):
                self._number_as_text(line, text)
            return text
        self._refuse(kind, line, text)
        return text

    def _refuse(self, kind: str, line: int, text: str) -> None:
        if kind == "timestamp":
            self._add(
                "yaml-date",
                line,
                f"date {text} is not quoted.",
                f"日期 {text} 没有加引号。",
                f'Write "{text[:10]}" (year-month-day, quoted).',
                f'请写成 "{text[:10]}"。',
                text,
            )
        elif kind in ("int", "float"):
            self._number_as_text(line, text)
        elif kind == "bool":
            self._add(
                "yaml-bool",
                line,
                f"'{text}' would be read as true or false.",
                f"'{text}' 会被读成真或假。",
                f'Write true or false, or quote it: "{text}".',
                "请写 true 或 false，或加引号。",
                text,
            )
        else:
            self._add(
                "yaml-tag",
                line,
                f"'{text}' has the tag '{kind}', which is not allowed.",
                f"'{text}' 使用了不允许的标签 '{kind}'。",
                value=text,
            )

    def _number_as_text(self, line: int, text: str) -> None:
        self._add(
            "yaml-number",
            line,
            f"'{text}' looks like a number, but YAML would not read it as that number.",
            f"'{text}' 看起来像数字，但 YAML 不会按该数字读取。",
            "Write plain digits (1000000, 0.5, 1.0e+6), or quote it if it is a name.",
            "请写普通数字（1000000、0.5、1.0e+6）；若是名称请加引号。",
            text,
        )

    def _add(
        self, code: str, line: int, message: str, chinese: str, hint: str = "", hint_zh: str = "", value: str = ""
    ) -> None:
        self.issues.append(_fault(code, self.source, line, message, chinese, hint, hint_zh, value))


def _is_number(text: str) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return math.isfinite(number) or text.strip().lower().lstrip("+-") in ("nan", "inf", "infinity")
