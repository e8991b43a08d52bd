"""Run gates: the gates of a whole run, what else kept it from holding, and columns of plugins, written when it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.ledger.lookup import Row
from harness.ledger.row import plain
from harness.ledger.store import Ledger

if TYPE_CHECKING:
    from harness.core.gate import GateResult


class Problem(NamedTuple):
    """What kept a run from holding although no case and no gate says so: a wrong suite, an unwritten report."""

    why: str
    nodeid: str = ""


def write_columns(ledger: Ledger, run_id: str, columns: Mapping[str, Mapping[str, float | str | None]]) -> None:
    """Store the columns that plugins add to evaluations of a run, given by node id.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    rows = [
        (run_id, plain(nodeid), plain(name), plain(value) if isinstance(value, str) else value)
        for nodeid, found in columns.items()
        for name, value in found.items()
    ]
    with ledger.writing() as connection:
        connection.executemany("INSERT OR REPLACE INTO case_columns VALUES (?, ?, ?, ?)", rows)


def columns(ledger: Ledger, run_id: str) -> dict[str, dict[str, float | str | None]]:
    """The columns that plugins added to evaluations of a run, by node id."""
    found: dict[str, dict[str, float | str | None]] = {}
    for row in ledger.rows("SELECT * FROM case_columns WHERE run_id = ? ORDER BY nodeid, name", run_id):
        found.setdefault(row["nodeid"], {})[row["name"]] = row["value"]
    return found


def write_run_gates(ledger: Ledger, run_id: str, gates: Sequence[GateResult], problems: Sequence[Problem] = ()) -> None:
    """Store the gates and problems of a run; those that were stored before are replaced.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    with ledger.writing() as connection:
        for table in ("run_gates", "run_problems"):
            connection.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))  # noqa: S608 - names are ours
        connection.executemany(
            "INSERT INTO run_gates VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    run_id,
                    position,
                    plain(gate.name),
                    gate.observed,
                    gate.threshold,
                    int(gate.passed),
                    plain(gate.why),
                    plain(gate.nodeid),
                )
                for position, gate in enumerate(gates)
            ],
        )
        connection.executemany(
            "INSERT INTO run_problems VALUES (?, ?, ?, ?)",
            [(run_id, position, plain(one.why), plain(one.nodeid)) for position, one in enumerate(problems)],
        )


def run_gates(ledger: Ledger, run_id: str) -> list[Row]:
    """The gates of a run in the order they were given: expression, observed, threshold, passed, why, nodeid."""
    return ledger.rows("SELECT * FROM run_gates WHERE run_id = ? ORDER BY position", run_id)


def run_problems(ledger: Ledger, run_id: str) -> list[Problem]:
    """What else kept a run from holding."""
    rows = ledger.rows("SELECT why, nodeid FROM run_problems WHERE run_id = ? ORDER BY position", run_id)
    return [Problem(row["why"], row["nodeid"]) for row in rows]
