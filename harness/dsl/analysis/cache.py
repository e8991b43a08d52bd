"""Cache of checked programs in the user's cache folder, so that a start needs neither the parser nor the checker.

The key is a digest of the source, of the arguments of the check, and of the state of this package's files, so a stale
entry is never found. An entry begins with a checksum of its key and body: a damaged, truncated or moved entry is not
used. The body is JSON that decodes to IR values only. A file that another user owns or can write is not read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from harness.dsl.ir.codec import decode, encode
from harness.dsl.ir.program import Program
from harness.dsl.plain import changed

MAX_ENTRIES = 256
_PACKAGE = Path(__file__).parents[1]
_CHECKER_FOLDERS = ("", "analysis", "expressions", "facts", "ir", "language", "language/syntax")
"""Folders of this package whose files determine the result of a check."""

Warnings = list[tuple[str, str, tuple[int, int], str]]
"""(code, message, span, note) of each warning."""


def compute_key(text: str, *, inputs: Iterable[str], entry: str) -> str:
    """The key of an entry: a SHA-256 digest in hexadecimal."""
    asked = json.dumps([sys.hexversion, sorted(inputs), entry, text])
    return hashlib.sha256(_checker_fingerprint() + asked.encode("ascii")).hexdigest()


def load(key: str, text: str, path: str, *, folder: Path | None = None) -> tuple[Program, Warnings] | None:
    """A program that was checked before, with its warnings; None without a valid entry.

    Args:
        key: From `compute_key`.
        path: Name of the file, for messages.
        folder: Folder of the entries; by default the user's cache folder.
    """
    try:
        data = _read_private(_entry(key, folder))
        checksum, body = data[:64], data[65:]
        if checksum != _checksum(key, body):
            return None
        program, warnings = decode(json.loads(body))
        if not isinstance(program, Program):
            return None
        return changed(program, source=text, path=path), [(c, m, tuple(span), n) for c, m, span, n in warnings]
    except (OSError, ValueError, TypeError, LookupError, RecursionError, AttributeError):
        return None  # absent, truncated, foreign or from another version: check the source again


def store(key: str, program: Program, warnings: Sequence[tuple[str, str, tuple[int, int], str]]) -> None:
    """Store a program that was checked without errors. A failure to write is ignored."""
    entry = _entry(key, None)
    with contextlib.suppress(OSError, RecursionError):
        kept = encode((changed(program, source="", path=""), list(warnings)))
        body = json.dumps(kept, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        entry.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(entry, _checksum(key, body) + b"\n" + body)


def default_folder() -> Path:
    """`$XDG_CACHE_HOME/crucible/dsl`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "crucible" / "dsl"


def _entry(key: str, folder: Path | None) -> Path:
    return (default_folder() if folder is None else folder) / f"{key[:40]}.json"


def _checksum(key: str, body: bytes) -> bytes:
    return hashlib.sha256(key.encode("ascii") + body).hexdigest().encode("ascii")


@cache
def _checker_fingerprint() -> bytes:
    """A digest of this package's files by name, size, times and inode: reading their contents would be too slow."""
    digest = hashlib.sha256()
    for name in _CHECKER_FOLDERS:
        with os.scandir(_PACKAGE / name) as found:
            for file in sorted(found, key=lambda file: file.name):
                if file.name.endswith((".py", ".lark")):
                    state = file.stat()
                    facts = (file.name, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
                    digest.update(repr(facts).encode("utf-8"))
    return digest.digest()


def _read_private(path: Path) -> bytes:
    """The bytes of a file that only the current user can write.

    Raises:
        OSError: if the file cannot be read or another user can write it.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        state = os.fstat(handle)
        if state.st_uid != os.geteuid() or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(f"{path} can be written by another user")
        return file.read()


def _write(entry: Path, data: bytes) -> None:
    from harness.core.replaced_file import replace_file

    replace_file(entry, data)
    entries = list(entry.parent.glob("*.json"))
    if len(entries) > MAX_ENTRIES:
        with contextlib.suppress(FileNotFoundError):  # another process removes old entries too
            for old in sorted(entries, key=lambda path: path.stat().st_mtime)[: len(entries) - MAX_ENTRIES]:
                old.unlink(missing_ok=True)
