"""Handoffs: the queue of candidates that wait for repair, and what became of them (docs/repair.md)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.core.digest import digest_json
from harness.ledger.row import plain, stamp
from harness.ledger.store import Ledger

QUEUED = "queued"
REPAIRED, PASSING, EXHAUSTED, UNCONFIRMED = "repaired", "nothing to repair", "exhausted", "unconfirmed"
INVALID, QUARANTINED = "invalid", "quarantined"
FIXED = "repairlab_fixed"  # the relation between repaired bytes and their parent in `lineage`
MAX_FAILURES, FAILURE_WINDOW = 3, timedelta(minutes=10)  # this many failures within this time quarantine an entry
TAKEN_LATER = timedelta(minutes=1)
"""A lease that began so much later than now is over: the clock was set back, and its end may never come."""
TTL = timedelta(days=7)  # an entry that was not taken for this long expires
MAX_RESULTS = 1000  # latest repairs that are read for what helped before

_ADD = """
INSERT INTO handoffs (handoff_id, run_id, nodeid, lane, digest, reason, tool, payload, state, created_at, updated_at,
                      expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?)
ON CONFLICT (handoff_id) DO UPDATE
SET state = 'queued', payload = excluded.payload, updated_at = excluded.updated_at, expires_at = excluded.expires_at
WHERE state = 'expired'
"""
_KEEP = """
INSERT OR REPLACE INTO handoffs (handoff_id, run_id, nodeid, lane, digest, reason, tool, payload, state, result,
                                 result_digest, attempts, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)
"""

_COLUMNS = "handoff_id, lane, tool, digest, reason, payload, run_id, nodeid, attempts"


@dataclass(frozen=True, slots=True)
class Handoff:
    """One candidate that waits for repair.

    Attributes:
        payload: The tournament's keys (`ts`, `source`, `spec_path`, `bundle_dir`, `epoch`, `impl_style`, `reason`,
            `metrics`), with `candidate` (its file), `suite` (the suite's file or "") and `tool_digest`; JSON only.
        run_id: The run that judged it; empty if none did.
        nodeid: Its case in that run.
        attempts: How often it was taken.
        key: Its id in the ledger; empty for one that was not read from there.
    """

    lane: str
    tool: str
    tool_digest: str
    digest: str
    reason: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    run_id: str = ""
    nodeid: str = ""
    attempts: int = 0
    key: str = ""

    @property
    def handoff_id(self) -> str:
        """The content id: the same candidate of the same tool is queued once."""
        return self.key or digest_json([self.lane, self.tool_digest, self.digest])


class Handoffs:
    """The queue of one ledger.

    Args:
        ledger: Open for writing.
    """

    def __init__(self, ledger: Ledger, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._ledger, self._clock = ledger, clock

    def add(self, found: Iterable[Handoff]) -> int:
        """Queue what is not known yet; an expired entry is queued again.

        Returns:
            How many were queued.

        Raises:
            LedgerError: if the ledger cannot be written.
        """
        wanted: dict[str, Handoff] = {}
        for one in found:  # the first of equal ones: a copy in another place must not replace it
            wanted.setdefault(one.handoff_id, one)
        if not wanted:
            return 0
        # A run that finds nothing new only reads.
        marks = ", ".join("?" * len(wanted))
        known = self._ledger.rows(
            f"SELECT handoff_id FROM handoffs WHERE state <> 'expired' AND handoff_id IN ({marks})",  # noqa: S608
            *wanted,
        )
        for row in known:
            del wanted[row["handoff_id"]]
        if not wanted:
            return 0
        now = self._clock()
        with self._ledger.writing() as connection:
            before = connection.total_changes
            connection.executemany(
                _ADD, [(*_values(one), stamp(now), stamp(now), stamp(now + TTL)) for one in wanted.values()]
            )
            return connection.total_changes - before

    def take(self, holder: str, *, seconds: float) -> Handoff | None:
        """The next entry, which nothing else gets for `seconds`; None if nothing waits.

        An entry whose lease ended (its holder died) counts a failure and waits again. So does one that was taken later
        than now, by a clock that was set back.

        Raises:
            LedgerError: if the ledger cannot be written.
        """
        now = self._clock()
        ended = "state = 'leased' AND (lease_until <= ? OR updated_at > ?)"
        bounds = stamp(now), stamp(now + TAKEN_LATER)
        if not self._ledger.rows(f"SELECT 1 FROM handoffs WHERE state = 'queued' OR {ended} LIMIT 1", *bounds):  # noqa: S608
            return None
        with self._ledger.writing() as connection:
            connection.execute(
                "UPDATE handoffs SET state = 'expired', updated_at = ? WHERE state = 'queued' AND expires_at <= ?",
                (stamp(now), stamp(now)),
            )
            dead = f"SELECT handoff_id, lease_until, failures FROM handoffs WHERE {ended}"  # noqa: S608 - a constant
            for handoff_id, until, failures in connection.execute(dead, bounds).fetchall():
                _count_failure(connection, handoff_id, failures, min(datetime.fromisoformat(until), now), now)
            # Entries that failed wait behind the others.
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM handoffs WHERE state = 'queued' "  # noqa: S608 - the names are ours
                "ORDER BY attempts, created_at, handoff_id LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                """UPDATE handoffs SET state = 'leased', holder = ?, lease_until = ?, attempts = attempts + 1,
                   updated_at = ? WHERE handoff_id = ?""",
                (holder, stamp(now + timedelta(seconds=seconds)), stamp(now), row["handoff_id"]),
            )
        return _handoff({**dict(row), "attempts": row["attempts"] + 1})

    def finish(self, one: Handoff, holder: str, state: str, result: Mapping[str, Any], *, child: str = "") -> bool:
        """Store what became of an entry; False if the holder has lost it.

        Args:
            holder: Who took it.
            state: `repaired`, `nothing to repair`, `exhausted`, `unconfirmed` or `invalid`.
            result: A JSON table.
            child: Digest of the repaired bytes, which become the parent's child in `lineage`.

        Raises:
            LedgerError: if the ledger cannot be written.
        """
        now = stamp(self._clock())
        with self._ledger.writing() as connection:
            done = connection.execute(
                """UPDATE handoffs SET state = ?, result = ?, result_digest = ?, holder = '', lease_until = NULL,
                   updated_at = ? WHERE handoff_id = ? AND holder = ? AND state = 'leased'""",
                (state, _text(dict(result)), child or None, now, one.handoff_id, holder),
            )
            if done.rowcount and child:
                _add_lineage(connection, child, one.digest, now)
        return bool(done.rowcount)

    def keep(self, one: Handoff, state: str, result: Mapping[str, Any], *, child: str = "") -> None:
        """Store the result of a repair that did not wait in the queue; arguments as for `finish`.

        Raises:
            LedgerError: if the ledger cannot be written.
        """
        now = stamp(self._clock())
        with self._ledger.writing() as connection:
            connection.execute(_KEEP, (*_values(one), state, _text(dict(result)), child or None, now, now))
            if child:
                _add_lineage(connection, child, one.digest, now)

    def fail(self, one: Handoff, holder: str, why: str) -> str:
        """Count a failure that says nothing about the candidate; the entry waits again, or is quarantined.

        Returns:
            Its state; empty if the holder has lost it.

        Raises:
            LedgerError: if the ledger cannot be written.
        """
        now = self._clock()
        with self._ledger.writing() as connection:
            row = connection.execute(
                "SELECT failures FROM handoffs WHERE handoff_id = ? AND holder = ? AND state = 'leased'",
                (one.handoff_id, holder),
            ).fetchone()
            if row is None:
                return ""
            connection.execute(
                "UPDATE handoffs SET result = ? WHERE handoff_id = ?", (_text({"why": plain(why)}), one.handoff_id)
            )
            return _count_failure(connection, one.handoff_id, row["failures"], now, now)

    def release(self, one: Handoff, holder: str) -> None:
        """Give an entry back without a result: its holder was asked to end.

        Raises:
            LedgerError: if the ledger cannot be written.
        """
        with self._ledger.writing() as connection:
            connection.execute(
                """UPDATE handoffs SET state = 'queued', holder = '', lease_until = NULL, attempts = attempts - 1
                   WHERE handoff_id = ? AND holder = ? AND state = 'leased'""",
                (one.handoff_id, holder),
            )

    # Reading

    def waiting(self) -> list[Handoff]:
        """The entries that wait or are being worked on, oldest first."""
        rows = self._ledger.rows(
            f"SELECT {_COLUMNS} FROM handoffs WHERE state IN ('queued', 'leased') ORDER BY created_at, handoff_id"  # noqa: S608
        )
        return [_handoff(row) for row in rows]

    def results(self) -> list[dict[str, Any]]:
        """State, tool, result (a table), digests and attempts of all entries, newest first."""
        rows = self._ledger.rows(
            """SELECT handoff_id, state, tool, result, digest, result_digest, attempts, nodeid, updated_at FROM handoffs
               ORDER BY updated_at DESC, handoff_id"""
        )
        return [{**row, "result": _read(row["result"])} for row in rows]

    def repairs(self) -> list[dict[str, Any]]:
        """The results of the latest repairs, newest first."""
        rows = self._ledger.rows(
            "SELECT result FROM handoffs WHERE state = 'repaired' ORDER BY updated_at DESC LIMIT ?", MAX_RESULTS
        )
        return [_read(row["result"]) for row in rows]


def _handoff(row: Mapping[str, Any]) -> Handoff:
    payload = _read(row["payload"])
    return Handoff(
        lane=row["lane"],
        tool=row["tool"],
        tool_digest=str(payload.get("tool_digest", "")),
        digest=row["digest"],
        reason=row["reason"],
        payload=payload,
        run_id=row["run_id"] or "",
        nodeid=row["nodeid"] or "",
        attempts=row["attempts"],
        key=row["handoff_id"],
    )


def _values(one: Handoff) -> tuple[str, ...]:
    payload = _text({**one.payload, "tool_digest": one.tool_digest})
    named = (one.handoff_id, one.run_id, one.nodeid, one.lane, one.digest, one.reason, one.tool)
    return (*map(plain, named), payload)


def _add_lineage(connection: sqlite3.Connection, child: str, parent: str, now: str) -> None:
    connection.execute("INSERT OR IGNORE INTO lineage VALUES (?, ?, ?, ?)", (child, parent, FIXED, now))


def _count_failure(connection: sqlite3.Connection, handoff_id: str, failures: str, at: datetime, now: datetime) -> str:
    times = [datetime.fromisoformat(one) for one in json.loads(failures)]
    recent = [time for time in times if at - time < FAILURE_WINDOW] + [at]
    state = QUARANTINED if len(recent) >= MAX_FAILURES else QUEUED
    connection.execute(
        """UPDATE handoffs SET state = ?, holder = '', lease_until = NULL, failures = ?, updated_at = ?
           WHERE handoff_id = ?""",
        (state, _text([stamp(time) for time in recent]), stamp(now), handoff_id),
    )
    return state


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _read(text: str) -> dict[str, Any]:
    """A stored table; an empty one where something else wrote nonsense."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
