"""Merge: bring the runs of another ledger, or of a rescued journal, into this one. Doing it twice changes nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from harness.core.clip import clip
from harness.core.errors import LedgerError
from harness.ledger import file, journal, recovery, standings
from harness.ledger.packing import dictionary_key
from harness.ledger.shapes import shape_key
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
    if source.is_dir():
        what = "this is a folder"
    elif not source.exists():
        what = "there is nothing here"
    elif not source.is_file():  # a pipe can be read once, and a ledger is read in any order
        what = "this is not a plain file: copy its content into one"
    elif source.suffix != journal.SUFFIX:
        is_database = file.is_database(source)
        what = _foreign_schema(source) if is_database else "this file is not a ledger: it is not a SQLite database"
    if what:
        fix = "name ledgers that `pytest` wrote, or .jsonl files of their journal folders"
        raise LedgerError(what, where=str(source), fix=fix)


def _foreign_schema(source: Path) -> str:
    """What a ledger's schema would execute that is not ours; empty if nothing.

    Reading it must not execute SQL of its author: a view in the place of a table or a computed column may never end.
    """
    connection = file.connect(source, read_only=True)
    try:
        found = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view', 'trigger')"
        )
        for kind, name, sql in found.fetchall():
            hidden = f"SELECT 1 FROM pragma_table_xinfo('{name}') WHERE hidden"  # noqa: S608 - one of our names
            if kind == "trigger" and sql not in standings.TRIGGERS:
                return f"this file is not a ledger: it has a trigger {clip(name)} of its own"
            if name in TABLES and (kind != "table" or connection.execute(hidden).fetchone()):
                return f"this file is not a ledger: its {name} are computed"
    except sqlite3.Error:
        return ""  # damaged: reported when it is read
    finally:
        connection.close()
    return ""


def check_shards(sources: Sequence[Path]) -> None:
    """Check that the latest shards in several ledgers are parts of one partition.

    Args:
        sources: Ledgers that are merged together; of journals nothing is known.

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
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            what = f"the record of a run cannot be read ({error})"
            raise LedgerError(what, where=str(source), fix="leave this ledger out") from error
    if len(found) > 1:
        (one, *_), (two, *_) = list(found.values())[:2]
        raise LedgerError(
            f"this is part {two[1]}/{two[2]} of another partition than {one[0]}, which is part {one[1]}/{one[2]}",
            where=str(two[0]),
            fix="run all parts on the same files with the same options; merge other ledgers one by one",
        )


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
        fix = "name a ledger, or a .jsonl from its journal folder"
        raise LedgerError("this is not the journal of a run", where=str(source), fix=fix)
    known = {row["nodeid"] for row in ledger.rows("SELECT nodeid FROM evaluations WHERE run_id = ?", found.run.run_id)}
    new = (record for record in found.records() if record.evaluation.case.nodeid not in known)
    with ledger.writing() as connection:
        recovery.restore(connection, found.run, new)
        rank_boards(connection)
    return [f"{found.unreadable} lines cannot be read"] if found.unreadable else []


def _ledger(ledger: Ledger, source: Path) -> list[str]:
    with Ledger.read(source) as other:  # says what is wrong with it, replays its journals, brings it up to date
        notices, read_only = list(other.notices), other.read_only
    try:
        with ledger.attached(source, immutable=read_only), ledger.writing() as connection:
            connection.execute(_OUTDATED)
            for table in TABLES:
                if not connection.execute(f"PRAGMA other.table_info({table})").fetchone():
                    what = f"it has no table {table}"
                    raise LedgerError(what, where=str(source), fix="leave this ledger out")
                if column := _mistyped(connection, table):
                    what = f"its {table} have values of another form in the column {column}"
                    raise LedgerError(what, where=str(source), fix="leave this ledger out")
                if _is_forged(connection, table):
                    what = f"its {table} have other keys than their content"
                    raise LedgerError(what, where=str(source), fix="leave this ledger out")
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


_STORED = {
    "TEXT": "'text', 'integer', 'real'",  # a number becomes a text
    "INTEGER": "'integer'",
    "REAL": "'real', 'integer'",
    "BLOB": "'blob'",
}  # fmt: skip


_FORMS = {
    ("evaluations", "record"): """ifnull(json_valid(unpacked), 0)
        AND ifnull(json_type(unpacked, '$.case'), '') = 'object'
        AND ifnull(json_type(unpacked, '$.evidence'), '') = 'object'""",
    ("evaluations", "numbers"): "json_valid(numbers)",
    ("shapes", "cells"): "json_valid(cells)",
    ("runs", "record"): "json_valid(record) AND json_type(record) = 'object'",
    ("runs", "versions"): "json_valid(versions) AND json_type(versions) = 'object'",
    ("runs", "started_at"): "julianday(started_at) IS NOT NULL",
}
"""What else a column holds, as a condition."""


def _mistyped(connection: sqlite3.Connection, table: str) -> str:
    """The first column with a value that no reader expects; empty if there is none."""
    types = {row[1]: row[2] for row in connection.execute(f"PRAGMA main.table_info({table})")}
    theirs = [row[1] for row in connection.execute(f"PRAGMA other.table_info({table})") if row[1] in types]
    cases = []
    for column in theirs:
        is_packed = table == "evaluations" and column in ("record", "case_key")  # bytes, in what was a text column
        stored = _STORED.get("BLOB" if is_packed else types[column])
        checks = [f"typeof({column}) IN ({stored}, 'null')"] if stored else []
        checks += [_FORMS[table, column]] if (table, column) in _FORMS else []
        cases += [f"WHEN NOT ({' AND '.join(checks)}) THEN '{column}'"] if checks else []
    if not cases:
        return ""
    # A subquery with a limit is not merged into the query around it, so a record is unpacked once and not at each
    # mention. Its dictionary was copied before.
    unpacked = ["unpacked(record, digest, numbers) AS unpacked"] if table == "evaluations" else []
    columns = ", ".join(theirs + unpacked)
    query = f"""SELECT CASE {" ".join(cases)} END AS mistyped FROM (SELECT {columns} FROM other.{table} LIMIT -1)
        WHERE mistyped IS NOT NULL LIMIT 1"""  # noqa: S608 - names are ours
    found = connection.execute(query).fetchone()
    return found[0] if found else ""


def _is_forged(connection: sqlite3.Connection, table: str) -> bool:
    """Whether rows that are known by their content have another: those of later ledgers would be read with them."""
    if table == "dictionaries":
        rows = connection.execute("SELECT key, text FROM other.dictionaries")
        return any(dictionary_key(text) != key for key, text in rows)
    if table == "shapes":
        rows = connection.execute("SELECT shape, part, position, cells FROM other.shapes ORDER BY 1, 2, 3")
        return any(shape_key(tuple(cells) for _, *cells in of) != key for key, of in groupby(rows, lambda row: row[0]))
    return False


def _copy(connection: sqlite3.Connection, table: str) -> None:
    mine, theirs = (
        [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({table})")] for schema in ("main", "other")
    )
    shared = ", ".join(name for name in mine if name in theirs)
    values = shared
    if table == "handoffs":
        # A repair executes the oracle that a hand-off names. One that waits there is queued again by a run of here.
        values = shared.replace(" state,", " iif(state IN ('queued', 'leased'), 'expired', state),")
    # A merged partition is made from its parts (`harness.ledger.partition`), so it is not copied.
    own = f" WHERE run_id NOT IN ({_MERGED})" if table != "handoffs" and "run_id" in theirs else ""
    # IGNORE: a run is known by its id and never changes, so what is here already is the same.
    connection.execute(f"INSERT OR IGNORE INTO main.{table} ({shared}) SELECT {values} FROM other.{table}{own}")  # noqa: S608


_OUTDATED = """DELETE FROM main.evaluations AS mine
    WHERE run_id IN (SELECT run_id FROM main.runs WHERE status = 'running') AND created_at < (
        SELECT created_at FROM other.evaluations o WHERE o.run_id = mine.run_id AND o.nodeid = mine.nodeid)"""
"""A run that was still going when it was merged has confirmed some of its cases since, and so recorded them again."""
_MERGED = "SELECT run_id FROM other.runs WHERE json_array_length(record, '$.parts') > 0"
