"""Strict YAML: what other loaders let through is a fault with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbonsim.inputs.yaml_loader import MAX_BYTES, parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: 1\na: 2", "duplicate-key"),
        ("a: 1\nb: {c: 1, c: 2}", "duplicate-key"),
        ("a: 1\nb: 1e6", "yaml-number"),
        ("a: 1\nb: 010", "yaml-number"),
        ("a: 1\nb: 12:30", "yaml-number"),
        ("a: 1\nb: 1_000", "yaml-number"),
        ("a: 1\nb: 0x1F", "yaml-number"),
        ("a: 1\nb: .inf", "yaml-number"),
        ("a: 1\nb: nan", "yaml-number"),
        ("a: 1\nb: NO", "yaml-bool"),
        ("a: 1\nb: 2024-10-21", "yaml-date"),
        ("a: 1\nno: 2", "yaml-bool"),
        ("a: 1\ntrue: 2", "yaml-key"),
        ("a: 1\n? [b]\n: 2", "yaml-key"),
        ("a: 1\nb: !!python/name:os.system x", "yaml-tag"),
        ("a: 1\nb: !!binary aGVsbG8=", "yaml-tag"),
        ("a: &x 1\nb: *x", "yaml"),
        ("a: 1\nb: [1", "yaml"),
        ("a: 1\n--- 2", "yaml"),
    ],
)
def test_faults_have_a_code_and_a_line(text: str, code: str) -> None:
    _, issues = parse_yaml(text, "file.yaml")
    assert [issue.code for issue in issues] == [code]
    assert issues[0].source == "file.yaml"
    assert issues[0].line in (2, 3)


def test_all_faults_are_collected() -> None:
    _, issues = parse_yaml("a: 1e6\nb: yes\nb: 2\nc: 2024-01-01\n", "file.yaml")
    assert [issue.line for issue in issues] == [1, 2, 3, 4]


def test_plain_values_are_read_as_written() -> None:
    document, issues = parse_yaml('a: 1\nb: -2.5\nc: 1.0e+6\nd: true\ne: ~\nf: "1e6"\ng: [钒钛, 2024]\n2024: x\n', "f")
    assert issues == []
    assert document.data == {
        "a": 1,
        "b": -2.5,
        "c": 1e6,
        "d": True,
        "e": None,
        "f": "1e6",
        "g": ["钒钛", 2024],
        2024: "x",
    }
    assert document.line("g") == 7
    assert document.line("b", "nothing", "below") == 2


def test_deep_nesting_is_refused() -> None:
    _, issues = parse_yaml("[" * 1000, "file.yaml")
    assert [issue.code for issue in issues] == ["yaml"]
    assert "deeper" in issues[0].message


def test_large_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_text("#" * (MAX_BYTES + 1), encoding="utf-8")
    gbk = tmp_path / "gbk.yaml"
    gbk.write_bytes("名称: 攀枝花".encode("gbk"))
    codes = [read_yaml(path)[1][0].code for path in (large, tmp_path / "none.yaml", gbk)]
    assert codes == ["yaml-size", "file-missing", "encoding"]
