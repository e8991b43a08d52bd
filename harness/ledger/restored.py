"""Restored evaluations: read from their records as they were judged."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from harness.core.errors import LedgerError
from harness.ledger.lookup import RECORD, Row, chunks, marks
from harness.ledger.store import Ledger

if TYPE_CHECKING:
    from harness.core.evaluation import Evaluation


def load(ledger: Ledger, run_id: str, nodeid: str) -> Evaluation:
    """The whole evaluation as it was recorded.

    Raises:
        LedgerError: if it is not there, or is not one that this version wrote.
    """
    found = ledger.rows(f"SELECT {RECORD} FROM evaluations WHERE run_id = ? AND nodeid = ?", run_id, nodeid)  # noqa: S608
    if not found:
        raise LedgerError(f"run {run_id} has no evaluation {nodeid}", where=str(ledger.path))
    return _restore(ledger, found[0]["record"], nodeid)


def load_all(ledger: Ledger, run_id: str) -> Iterable[Evaluation]:
    """All evaluations of a run of which the evidence is kept, as they were recorded; raises as `load`."""
    query = f"SELECT nodeid, {RECORD} FROM evaluations WHERE run_id = ? AND case_key <> x'' ORDER BY nodeid"  # noqa: S608
    for row in ledger.rows(query, run_id):
        yield _restore(ledger, row["record"], row["nodeid"])


def judged(
    ledger: Ledger, keys: Collection[str], *, machine: str | None = None, engine: Mapping[str, str] | None = None
) -> dict[str, tuple[str, Evaluation]]:
    """The latest evaluation of each `Case.key` that was judged (not `infra`, not `skipped`), with its run, by key.

    Args:
        machine: Only what this class of machines measured.
        engine: Only runs with this fingerprint of the lane's judging code, `engine:NAME`.
    """
    found: dict[str, tuple[str, Evaluation]] = {}
    wanted = [key for key in dict.fromkeys(keys) if key]
    versions = {row["run_id"]: json.loads(row["versions"]) for row in ledger.rows("SELECT run_id, versions FROM runs")}
    for some in chunks(wanted):
        latest: dict[str, Row] = {}
        for row in ledger.rows(
            f"""SELECT lower(hex(case_key)) AS case_key, run_id, lane, evaluations.rowid AS place
                FROM evaluations JOIN runs USING (run_id)
                WHERE case_key IN ({marks(some)}) AND evaluations.status NOT IN ('infra', 'skipped')
                    AND (? IS NULL OR machine = ?)
                ORDER BY created_at, run_id DESC""",  # noqa: S608 - marks are question marks
            *map(bytes.fromhex, some),
            machine,
            machine,
        ):
            name = f"engine:{row['lane']}"
            if engine is None or versions[row["run_id"]].get(name, "") == engine.get(name):
                latest[row["case_key"]] = row
        for key, row in latest.items():  # records are large: only those that count are read
            [kept] = ledger.rows(f"SELECT {RECORD} FROM evaluations WHERE rowid = ?", row["place"])  # noqa: S608
            with contextlib.suppress(LedgerError):  # judged again
                found[key] = row["run_id"], _restore(ledger, kept["record"], key)
    return found


def _restore(ledger: Ledger, record: str, nodeid: str) -> Evaluation:
    from harness.core.evaluation import Evaluation  # here: most verbs read columns only, and start without pydantic

    try:
        return Evaluation.from_wire(json.loads(record))
    except (ValueError, RecursionError) as error:  # pydantic's ValidationError is a ValueError
        what = f"the record of {nodeid} cannot be read ({str(error).splitlines()[0]})"
        raise LedgerError(what, where=str(ledger.path), fix="judge the case again with --fresh") from error
