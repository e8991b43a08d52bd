"""Digests: content addresses for subjects, inputs and evidence."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

PREFIX = 16  # hex digits that are displayed; the full digest is stored

# One encoder for all: making one takes as long as encoding a short string.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def digest_bytes(data: bytes) -> str:
    """Hex SHA-256 of raw bytes: the identity of a subject."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON text of a value, independent of key order.

    Raises:
        TypeError: if `value` is not JSON.
        ValueError: if it contains NaN or infinity, which have no canonical JSON form.
    """
    return _encode(value)


def digest_text(text: str) -> str:
    """Hex SHA-256 of a string, also of one with lone surrogates."""
    return digest_bytes(text.encode("utf-8", "surrogatepass"))


def digest_json(value: Any) -> str:
    """Hex SHA-256 of `canonical_json`; raises what it raises."""
    return digest_text(canonical_json(value))


def digest_folder(path: Path) -> str:
    """Hex SHA-256 of the names and bytes of all files below a folder, or of one file.

    Byte code and hidden files are ignored; links are followed, and of a dangling link only the name counts.
    """
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    found: dict[str, str] = {}
    for file in files:
        name = file.relative_to(path).as_posix() if file != path else ""
        if not any(part.startswith(".") or part == "__pycache__" for part in name.split("/")):
            if file.is_file():
                found[name] = digest_bytes(file.read_bytes())
            elif not file.is_dir():
                found[name] = ""
    return digest_json(found)


def folder_state(path: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Names, times of modification in ns, sizes and inodes of the files of `digest_folder`: equal while none changed.

    Raises:
        OSError: if the path, or the target of a link, does not exist.
    """
    if not path.is_dir():
        return (_file_state(os.fspath(path)),)
    found: list[tuple[str, int, int, int]] = []
    waiting = [os.fspath(path)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name == "__pycache__":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    found.append(_file_state(entry.path))
    return tuple(found)


def _file_state(path: str) -> tuple[str, int, int, int]:
    found = os.stat(path)  # noqa: PTH116 - a Path for each file takes longer than the call
    return path, found.st_mtime_ns, found.st_size, found.st_ino


def derive_seed(*parts: object) -> int:
    """A 63-bit seed from parts, the same on every machine and Python version (unlike `hash`)."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big") >> 1


def short(digest: str) -> str:
    """The first `PREFIX` digits of a digest, for display."""
    return digest[:PREFIX]
