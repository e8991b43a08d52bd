"""EventLog: what a machine did, one JSON line per event, each chained to all before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.core.digest import digest_json

Event = dict[str, Any]


class LogError(Exception):
    """The log is not what was written: damaged, reordered or of another program."""


class EventLog:
    """An append-only file of events; its head is the digest of everything in it.

    The chain finds damage and edits; it does not stop a forger who rewrites the whole file, for it has no outside
    anchor. What a run decides is therefore recorded by the head in the evidence.
    """

    def __init__(self, path: Path, genesis: Event) -> None:
        self.path = path
        self.head = digest_json(genesis)
        self.events: list[Event] = []
        if path.exists():
            self._load()

    def append(self, event: Event) -> None:
        """Write one event; it is in the file when this returns."""
        head = digest_json([self.head, event])
        line = json.dumps({"head": head, "event": event}, ensure_ascii=True, sort_keys=True)
        with self.path.open("a", encoding="ascii") as file:
            file.write(line + "\n")
        self.head = head
        self.events.append(event)

    def _load(self) -> None:
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                row = json.loads(line)
                event, head = row["event"], row["head"]
            except (ValueError, KeyError, TypeError) as error:
                raise LogError(f"{self.path.name}:{number}: not an event") from error
            if digest_json([self.head, event]) != head:
                raise LogError(f"{self.path.name}:{number}: the chain is broken here")
            self.head = head
            self.events.append(event)
        if len(whole) != len(data):
            # A machine that was killed while writing leaves half a line: that event never happened.
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
