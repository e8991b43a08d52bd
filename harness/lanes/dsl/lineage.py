"""Lineage: a ledger's record of the program that a revision was derived from, and of all revisions that were tried."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.trial import Trial
from harness.dsl.improve.revision import Attempt
from harness.dsl.ir.program import Program
from harness.ledger.row import now
from harness.ledger.store import Ledger
from harness.ledger.trials import record_search


def record_trials(ledger: Path, program: Program, attempts: Sequence[Attempt], *, operator: str) -> None:
    """Record the revisions of a program as trials of a search; the program itself is the first row.

    Args:
        ledger: The file of the ledger.
        program: The program.
        attempts: Its revisions, in order.
        operator: Who proposed them.

    Raises:
        LedgerError: if it cannot be written.
    """

    def row(number: int, generation: int, digest: str, **values: Any) -> Trial:
        return Trial(number, generation, 0, program.name, digest, stage="judged", **values)

    rows = [row(0, 0, program.digest, operator="start", status="ok", passed=True)]
    texts = {program.digest: program.source}
    parent = program.digest
    for number, one in enumerate(attempts, 1):
        rows.append(
            row(
                number,
                one.round,
                one.digest,
                parents=(parent,),
                operator=operator,
                status="ok" if one.values else "wrong",
                passed=one.accepted,
                verdict={"why": one.why, "values": list(one.values)},
            )
        )
        texts[one.digest] = one.text
        parent = one.digest if one.accepted else parent
    config = {"program": program.digest, "operator": operator}
    with Ledger.open(ledger) as opened:
        record_search(opened, f"dsl-{program.name}", lane="dsl", config=config, trials=rows, texts=texts)


def record_lineage(ledger: Path, child: str, parent: str) -> None:
    """Record in a ledger that `child` was derived from `parent`; both are digests.

    Raises:
        LedgerError: if it cannot be written.
    """
    with Ledger.open(ledger) as opened, opened.writing() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO lineage (child, parent, relation, created_at) VALUES (?, ?, 'improved', ?)",
            (child, parent, now()),
        )
