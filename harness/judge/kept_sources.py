"""KeptSources: files of the candidates that a program gives as text, for as long as they are judged."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from harness.core.digest import digest_bytes
from harness.core.errors import InfraError
from harness.core.owned_folder import OwnedFolder

T = TypeVar("T")


def many(sources: Iterable[T], *, one: str) -> Iterable[T]:
    """The sources, unless they are one source: a string is a sequence too, and would be judged by its characters.

    Args:
        sources: What a program gives as several.
        one: What to call for a single source.

    Raises:
        TypeError: if they are text, bytes or a path.
    """
    if isinstance(sources, (str, bytes, bytearray, memoryview, os.PathLike)):
        msg = f"several sources are a list of them, not one {type(sources).__name__}; for a single source: {one}"
        raise TypeError(msg)
    return sources


def source_bytes(source: object) -> bytes:
    """The bytes of a source that a program gives.

    Raises:
        TypeError: if it is neither text nor bytes; `bytes` would make a file of zeros of an integer.
    """
    if isinstance(source, str):
        return source.encode("utf-8", "surrogatepass")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    msg = f"a source is text, bytes or a path (os.PathLike) of a Python file, not {type(source).__name__}"
    raise TypeError(msg)


class KeptSources:
    """A folder of sources by digest; the caller holds a lock."""

    def __init__(self) -> None:
        try:
            self._owned = OwnedFolder("pool")
        except OSError as error:
            what = f"no folder for candidates can be made: {error.strerror or error}"
            raise InfraError(what, where=tempfile.gettempdir(), fix="make room, or set TMPDIR") from error
        self.folder = self._owned.path
        self._users: Counter[Path] = Counter()

    def keep(self, data: bytes) -> Path:
        """The file of a source, until each `keep` has its `release`.

        Raises:
            InfraError: if it cannot be written.
        """
        path = self.folder / f"{digest_bytes(data)[:32]}.py"
        if not self._users[path]:
            try:
                path.write_bytes(data)
            except OSError as error:
                with contextlib.suppress(OSError):
                    path.unlink()  # it would take the room of another one
                what = f"a candidate cannot be kept while it is judged: {error.strerror or error}"
                raise InfraError(what, where=str(self.folder), fix="make room, or set TMPDIR") from error
        self._users[path] += 1
        return path

    def has(self, path: Path) -> bool:
        """Whether a file is one of these, and not the user's own."""
        return path.parent == self.folder

    def release(self, path: Path) -> None:
        """Remove a file that no one uses any more; a file of the user stays."""
        if not self.has(path):
            return
        self._users[path] -= 1
        if not self._users[path]:
            del self._users[path]
            with contextlib.suppress(OSError):
                path.unlink()

    def close(self) -> None:
        """Remove the folder."""
        self._owned.remove()
