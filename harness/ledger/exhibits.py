"""Exhibits: what lanes show of evaluations, read from their records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from harness.ledger.lookup import records
from harness.ledger.store import Ledger


class Stored(NamedTuple):
    """One exhibit of an evaluation; `text` is its JSON."""

    name: str
    kind: str
    text: str


def exhibits(ledger: Ledger, run_id: str, nodeids: Sequence[str]) -> dict[str, list[Stored]]:
    """The exhibits of some evaluations of a run, by node id and in order."""
    found = {nodeid: stored(json.loads(text)) for nodeid, text in records(ledger, run_id, nodeids).items()}
    return {nodeid: shown for nodeid, shown in found.items() if shown}


def stored(record: dict[str, Any]) -> list[Stored]:
    """The exhibits of a record."""
    shown = record["evidence"]["exhibits"]
    return [Stored(one["name"], one["kind"], one["text"]) for one in shown if "text" in one]
