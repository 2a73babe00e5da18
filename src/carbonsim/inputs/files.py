"""Reading bytes with their hash, and writing files that are never half-written."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carbonsim.errors import InputError, Issue

HASH_BLOCK = 1 << 20


def sha256_of_bytes(content: bytes) -> str:
    """Hexadecimal SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: beside its place, flushed to the disk, then moved over it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        beside.chmod(0o644)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


@contextmanager
def new_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A folder filled beside its place and moved there only if the block ends without an error.

    With ``replace`` a folder that is there already is set aside until the new one stands, then deleted.

    Raises
    ------
    InputError
        If the place is a file, or a folder that is not empty and is not to be replaced.
    """
    if path.exists() and (not path.is_dir() or (any(path.iterdir()) and not replace)):
        raise InputError(
            Issue(
                "not-empty",
                str(path),
                "exists and is not empty.",
                "已存在且不为空。",
                "Choose another folder, or replace it with --force.",
                "请换一个文件夹，或用 --force 替换。",
            )
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
    try:
        yield beside
        beside.chmod(0o755)
        _put(beside, path.resolve())
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put(new: Path, path: Path) -> None:
    """Move a folder to its place; what stood there comes back if the move fails, and is deleted if not."""
    if not path.is_dir():
        new.replace(path)
        return
    aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".old"))
    aside.rmdir()
    path.replace(aside)
    try:
        new.replace(path)
    except OSError:
        aside.replace(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)
