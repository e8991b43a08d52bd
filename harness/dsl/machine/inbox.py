"""Inbox: messages from other processes to a run, as files next to its log: events, and a request to cancel."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from harness.core.errors import UsageError
from harness.dsl.machine.events import parse_line

INBOX, CANCEL = "inbox", "cancel"
Message = tuple[str, str, dict[str, Any]]
"""Name of the message, name of the event, and its fields."""


class Inbox:
    """The messages to one run."""

    def __init__(self, place: Path) -> None:
        self._folder = place / INBOX
        self._cancel = place / f"{INBOX}.{CANCEL}"

    def send(self, data: bytes) -> str:
        """Add an event, a JSON object whose key `event` is its name; return the name of the message.

        Raises:
            UsageError: if it is not an event.
        """
        name, fields = parse_line(data)
        if "why" in fields and name == "invalid":
            raise UsageError(f"it is not an event: {fields['why']}", fix='{"event": "name", "field": 1}')
        self._folder.mkdir(parents=True, exist_ok=True)
        message = f"{time.time_ns():020d}-{os.getpid()}"
        fresh = self._folder / f".{message}"
        fresh.write_text(json.dumps({"event": name, **fields}), encoding="utf-8")
        fresh.rename(self._folder / message)
        return message

    def messages(self, known: list[str]) -> list[Message]:
        """The messages that were not taken yet, in the order in which they were sent."""
        if not self._folder.is_dir():
            return []
        names = sorted(path.name for path in self._folder.iterdir() if not path.name.startswith("."))
        return [(name, *parse_line((self._folder / name).read_bytes())) for name in names if name not in known]

    def forget(self, known: list[str]) -> None:
        """Remove messages that the log holds."""
        for name in known if self._folder.is_dir() else []:
            (self._folder / name).unlink(missing_ok=True)

    def cancel(self, why: str) -> None:
        """Request that the run is cancelled."""
        self._cancel.write_text(why, encoding="utf-8")

    def cancelled(self) -> str | None:
        """The reason of a request to cancel the run; None if there is none."""
        try:
            return self._cancel.read_text(encoding="utf-8")
        except OSError:
            return None

    def clear_cancel(self) -> None:
        """Remove the request to cancel the run."""
        with contextlib.suppress(OSError):
            self._cancel.unlink()
