"""Exhibits: what lanes show of evaluations, read from the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from harness.ledger.store import Ledger

CHUNK = 500  # well under SQLite's lowest limit on parameters


class Stored(NamedTuple):
    """One exhibit of an evaluation; `data` is its deflated JSON."""

    name: str
    kind: str
    digest: str
    data: bytes


def exhibits(ledger: Ledger, run_id: str, nodeids: Sequence[str]) -> dict[str, list[Stored]]:
    """The exhibits of some evaluations of a run, by node id and in order."""
    found: dict[str, list[Stored]] = defaultdict(list)
    for start in range(0, len(nodeids), CHUNK):
        some = nodeids[start : start + CHUNK]
        marks = ", ".join("?" * len(some))
        rows = ledger.rows(
            f"""SELECT nodeid, name, kind, digest, data FROM case_exhibits JOIN exhibits USING (digest)
                WHERE run_id = ? AND nodeid IN ({marks}) ORDER BY nodeid, position""",  # noqa: S608 - question marks
            run_id,
            *some,
        )
        for row in rows:
            found[row["nodeid"]].append(Stored(row["name"], row["kind"], row["digest"], row["data"]))
    return dict(found)
