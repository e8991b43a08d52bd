"""Recordings: earlier responses of tools, so that a program can run without effects."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core.digest import digest_json, short
from harness.core.errors import SpecError
from harness.core.frozen import Frozen
from harness.core.named_path import read_file, write_file
from harness.core.os_fault import fix_of

FORMAT = 1


class Recorded(Frozen):
    """One effect and its response."""

    key: str
    """Identifies the effect, as computed by `key_of`."""
    occurrence: int
    name: str
    arguments: dict[str, Any]
    status: str
    value: Any = None
    why: str = ""
    items: tuple[tuple[str, dict[str, Any]], ...] = ()


class Recordings(Frozen):
    """The content of a recordings file."""

    format: int = FORMAT
    effects: tuple[Recorded, ...] = ()


def key_of(label: str, name: str, arguments: dict[str, Any]) -> str:
    """Digest of the place in the program and the request."""
    return short(digest_json([label, name, arguments]))


class RecordingFile:
    """Recordings of one program, to replay and to add to. Thread-safe.

    Args:
        path: The file; it may not exist yet.

    Raises:
        SpecError: if the file is not a recordings file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._known: dict[tuple[str, int], Recorded] = {}
        if path.exists():
            try:
                found = Recordings.model_validate_json(read_file(path))
            except OSError as error:
                raise SpecError(f"it cannot be read: {error.strerror}", where=str(path), fix=fix_of(error)) from error
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                what = f"it is not a recordings file: {'.'.join(map(str, first['loc']))}: {first['msg']}"
                raise SpecError(
                    what, where=str(path), fix="name a file that `--live --recordings FILE` wrote"
                ) from error
            if found.format > FORMAT:
                raise SpecError(f"format {found.format} is newer than {FORMAT}", where=str(path), fix="upgrade")
            self._known = {(effect.key, effect.occurrence): effect for effect in found.effects}

    def find(self, key: str, occurrence: int) -> Recorded | None:
        """The response of the n-th occurrence; the last one recorded serves all later occurrences."""
        with self._lock:
            for earlier in range(occurrence, 0, -1):
                found = self._known.get((key, earlier))
                if found is not None:
                    return found
        return None

    def add(self, effect: Recorded) -> None:
        """Add a recording; the file is replaced atomically."""
        with self._lock:
            self._known[effect.key, effect.occurrence] = effect
            effects = sorted(self._known.values(), key=lambda e: (e.name, e.key, e.occurrence))
            text = Recordings(effects=tuple(effects)).model_dump_json(indent=2) + "\n"
            write_file(self._path, text.encode("utf-8"))
