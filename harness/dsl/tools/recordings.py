"""Recordings: what tools said before, so that a program can be run without having any effect."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core.digest import digest_json, short
from harness.core.errors import SpecError
from harness.core.frozen import Frozen

FORMAT = 1


class Recorded(Frozen):
    """One effect and its response."""

    key: str
    """See `key_of`."""
    occurrence: int
    name: str
    arguments: dict[str, Any]
    status: str
    value: Any = None
    why: str = ""
    items: tuple[tuple[str, dict[str, Any]], ...] = ()


class Recordings(Frozen):
    """A file of recordings."""

    format: int = FORMAT
    effects: tuple[Recorded, ...] = ()


def key_of(label: str, name: str, arguments: dict[str, Any]) -> str:
    """Digest of the place in the program and what is asked there."""
    return short(digest_json([label, name, arguments]))


class RecordingFile:
    """Recordings of one program, to be replayed and added to. Safe to use from several threads.

    Args:
        path: The file; it need not exist.

    Raises:
        SpecError: if it holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._known: dict[tuple[str, int], Recorded] = {}
        if path.exists():
            try:
                found = Recordings.model_validate_json(path.read_bytes())
            except (ValidationError, OSError, ValueError) as error:
                raise SpecError(
                    f"no recordings: {str(error)[:200]}", where=str(path), fix="record them again"
                ) from error
            if found.format > FORMAT:
                raise SpecError(f"format {found.format} is newer than {FORMAT}", where=str(path), fix="upgrade")
            self._known = {(effect.key, effect.occurrence): effect for effect in found.effects}

    def find(self, key: str, occurrence: int) -> Recorded | None:
        """What was said the so-manieth time; the last time counts for all later ones."""
        with self._lock:
            for earlier in range(occurrence, 0, -1):
                found = self._known.get((key, earlier))
                if found is not None:
                    return found
        return None

    def keep(self, effect: Recorded) -> None:
        """Keep one; the file is whole at every moment."""
        with self._lock:
            self._known[effect.key, effect.occurrence] = effect
            effects = sorted(self._known.values(), key=lambda e: (e.name, e.key, e.occurrence))
            text = Recordings(effects=tuple(effects)).model_dump_json(indent=2) + "\n"
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(self._path)
