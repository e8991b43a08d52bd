"""KeptSources: files of the candidates that a program gives as text, for as long as they are judged."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path

from harness.core.digest import digest_bytes
from harness.core.owned_folder import OwnedFolder


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
        self._owned = OwnedFolder("pool")
        self.folder = self._owned.path
        self._users: Counter[Path] = Counter()

    def keep(self, data: bytes) -> Path:
        """The file of a source, until each `keep` has its `release`."""
        path = self.folder / f"{digest_bytes(data)[:32]}.py"
        if not self._users[path]:
            path.write_bytes(data)
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
