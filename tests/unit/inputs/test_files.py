"""Files are written whole or not at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from carbonsim.errors import InputError
from carbonsim.inputs.files import new_folder, sha256_of_file, write_bytes, write_text


def test_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    write_text(path, "first\n")
    write_text(path, "攀枝花\n")
    assert path.read_bytes() == "攀枝花\n".encode()
    assert sha256_of_file(path) == hashlib.sha256("攀枝花\n".encode()).hexdigest()
    assert [item.name for item in path.parent.iterdir()] == ["a.txt"]


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    write_bytes(path, b"old")

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_folder_appears_only_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "study"

    def fill() -> None:
        with new_folder(target) as folder:
            write_text(folder / "a.txt", "a")
            assert not target.exists()
            raise RuntimeError("stopped half-way")

    with pytest.raises(RuntimeError):
        fill()
    assert list(tmp_path.iterdir()) == []
    with new_folder(target) as folder:
        write_text(folder / "a.txt", "a")
    assert [item.name for item in target.iterdir()] == ["a.txt"]
    with pytest.raises(InputError, match="not empty"), new_folder(target):
        pass
