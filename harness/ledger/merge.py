"""Merge: bring the runs of another ledger, or of a rescued journal, into this one. Doing it twice changes nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import LedgerError
from harness.ledger import file, journal, recovery
from harness.ledger.standings import rank_boards
from harness.ledger.store import Ledger

TABLES = """
    runs dictionaries shapes evaluations comparisons lineage handoffs snapshots spec_versions spec_branches
    points run_gates run_problems case_columns sources experiments trials
""".split()


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of merging one source.

    Attributes:
        source: Where it came from.
        runs: Runs this ledger did not have.
        evaluations: Evaluations it did not have.
        notices: What there is to say about the source.
    """

    source: str
    runs: int
    evaluations: int
    notices: tuple[str, ...] = ()


def check_source(source: Path) -> None:
    """Check every source before anything is written: a merge is complete or does not happen.

    Raises:
        LedgerError: if a source is missing, or cannot contain runs.
    """
    what = ""
    if not source.is_file():
        what = "this is a folder" if source.is_dir() else "there is nothing here"
    elif source.suffix != journal.SUFFIX and not file.is_database(source):
        what = "this file is not a ledger: it is not a SQLite database"
    if what:
        raise LedgerError(
            what, where=str(source), fix="name ledgers that `pytest` wrote, or .jsonl files of their journal folders"
        )


def check_shards(sources: Sequence[Path]) -> list[str]:
    """Check that the latest shards in several ledgers are parts of one partition.

    Args:
        sources: Ledgers that are merged together; of journals nothing is known.

    Returns:
        What is missing, one sentence each.

    Raises:
        LedgerError: if the partitions differ: some cases were judged twice, and others never.
    """
    found: dict[str, list[tuple[Path, int, int]]] = {}
    for source in sources:
        if source.suffix == journal.SUFFIX:
            continue
        with Ledger.read(source) as other:
            rows = other.rows("SELECT record FROM runs ORDER BY started_at DESC, run_id DESC")
        try:
            shard = next((text for row in rows if (text := json.loads(row["record"]).get("shard"))), "")
            if shard:
                place, _, digest = shard.partition(" ")
                part, _, parts = place.partition("/")
                found.setdefault(digest, []).append((source, int(part), int(parts)))
        except (ValueError, AttributeError, RecursionError) as error:
            what = f"the record of a run cannot be read ({error})"
            raise LedgerError(what, where=str(source), fix="leave this ledger out") from error
    if len(found) > 1:
        (one, *_), (two, *_) = list(found.values())[:2]
        raise LedgerError(
            f"this is part {two[1]}/{two[2]} of another partition than {one[0]}, which is part {one[1]}/{one[2]}",
            where=str(two[0]),
            fix="run all parts on the same files with the same options; merge other ledgers one by one",
        )
    return [
        f"part {part} of {parts} is missing"
        for shards in found.values()
        for parts in [shards[0][2]]
        for part in range(1, parts + 1)
        if part not in {held for _, held, _ in shards}
    ]


def merge(ledger: Ledger, source: Path) -> Merged:
    """Add the rows of `source` that `ledger` lacks.

    Args:
        ledger: Open for writing.
        source: Another ledger, or the journal (`.jsonl`) of a run that could not be stored.

    Raises:
        LedgerError: if the source is missing, damaged, newer or this ledger itself, or the ledger cannot be written.
    """
    if source.exists() and ledger.path.exists() and source.samefile(ledger.path):
        raise LedgerError("a ledger cannot be merged into itself", where=str(source), fix="name another --ledger")
    before = _counts(ledger)
    notices = _journal(ledger, source) if source.suffix == journal.SUFFIX else _ledger(ledger, source)
    after = _counts(ledger)
    return Merged(str(source), after[0] - before[0], after[1] - before[1], tuple(notices))


def _counts(ledger: Ledger) -> tuple[int, int]:
    row = ledger.rows("SELECT (SELECT count(*) FROM runs) AS runs, (SELECT count(*) FROM evaluations) AS cases")[0]
    return row["runs"], row["cases"]


def _journal(ledger: Ledger, source: Path) -> list[str]:
    if not source.is_file():
        raise file.missing(source)
    found = journal.read(source)
    if found is None:
        raise LedgerError(
            "this is not the journal of a run",
            where=str(source),
            fix="name a ledger, or a .jsonl from its journal folder",
        )
    known = {row["nodeid"] for row in ledger.rows("SELECT nodeid FROM evaluations WHERE run_id = ?", found.run.run_id)}
    new = [record for record in found.records if record.evaluation.case.nodeid not in known]
    with ledger.writing() as connection:
        recovery.restore(connection, found.run, new)
        rank_boards(connection)
    return [f"{found.unreadable} lines cannot be read"] if found.unreadable else []


def _ledger(ledger: Ledger, source: Path) -> list[str]:
    with Ledger.read(source) as other:  # says what is wrong with it, replays its journals, brings it up to date
        notices, read_only = list(other.notices), other.read_only
    try:
        with ledger.attached(source, immutable=read_only), ledger.writing() as connection:
            for table in TABLES:
                _copy(connection, table)
            connection.execute(
                """UPDATE runs SET (status, finished_at, tier) = (
                       SELECT o.status, o.finished_at, o.tier FROM other.runs o WHERE o.run_id = runs.run_id)
                   WHERE status = 'running' AND run_id IN (SELECT run_id FROM other.runs WHERE status <> 'running')"""
            )
            rank_boards(connection)
    except sqlite3.Error as error:
        raise LedgerError(f"the ledger cannot be merged: {error}", where=str(source)) from error
    return notices


def _copy(connection: sqlite3.Connection, table: str) -> None:
    mine, theirs = (
        [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({table})")] for schema in ("main", "other")
    )
    shared = ", ".join(name for name in mine if name in theirs)
    # IGNORE: a run is known by its id and never changes, so what is here already is the same.
    connection.execute(f"INSERT OR IGNORE INTO main.{table} ({shared}) SELECT {shared} FROM other.{table}")  # noqa: S608
