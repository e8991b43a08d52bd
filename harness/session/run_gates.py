"""Gates on a whole run: checked when it opens, evaluated when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.core.errors import LedgerError, UsageError
from harness.core.gate import GateResult
from harness.gates.expression import evaluate_gate, parse_gate
from harness.gates.syntax import baselines
from harness.ledger import queries
from harness.ledger.store import Ledger


def check_gates(gates: Sequence[str], lanes: Iterable[str], ledger: Ledger | None) -> dict[str, str]:
    """Check the gates of a run that is about to open: the lanes and runs that they name must exist.

    Args:
        ledger: Holds the earlier runs; None if it is not known yet which one will.

    Returns:
        The run id for each name of a run.

    Raises:
        UsageError: if one does not; the message shows the position with a caret, and the names that exist.
    """
    found: dict[str, str] = {}
    for text in gates:
        gate = parse_gate(text, lanes=list(lanes))
        if ledger is None:
            continue
        for name, aggregate in baselines(gate.root).items():
            try:
                found[name] = queries.run(ledger, name)["run_id"]
            except LedgerError as error:
                place = text.find(name, max(0, text.find(aggregate.name)))
                mark = f"\n    {text}\n    {' ' * place}^" if place >= 0 and text.isprintable() else ""
                raise UsageError(f"wrong gate: {error.what}{mark}", where=error.where, fix=error.fix) from None
    return found


def evaluate_gates(
    gates: Sequence[str],
    rows: Sequence[dict[str, Any]],
    *,
    ledger: Ledger | None,
    run_id: str,
    named: Mapping[str, str],
) -> Iterator[GateResult]:
    """Evaluate the gates of a run that is over.

    Args:
        rows: One row per evaluation of the run (`harness.gates.row`).
        ledger: Holds the baselines; None if no run was opened.
        named: The result of `check_gates`.
    """
    before: list[queries.Row] | None = None
    others: dict[str, list[queries.Row]] = {}
    if ledger is not None:
        ledger.flush()
        before = queries.baseline(ledger, run_id)
        others = {name: queries.named_baseline(ledger, run_id, other) for name, other in named.items()}
    rows = sorted(rows, key=lambda row: str(row.get("nodeid")))  # cases end in any order, and a message names the first
    for text in gates:
        gate = parse_gate(text)
        known = {name: others.get(name, []) for name in baselines(gate.root)}
        yield evaluate_gate(gate, rows, baseline=before, named=known)


def counter_example(ledger: Ledger, run_id: str, gate: GateResult) -> list[str]:
    """Lines on the case that a gate fails for: its status, reason and first counterexample."""
    if not gate.nodeid or gate.passed:
        return []
    try:
        evaluation = queries.load(ledger, run_id, gate.nodeid)
    except LedgerError:
        return []
    lines = [f"{gate.nodeid}: {evaluation.status}{': ' * bool(evaluation.why)}{evaluation.why}"]
    found = evaluation.evidence.counterexample
    if found is not None:
        lines += [f"question: {found.question}", f"expected: {found.expected}", f"observed: {found.observed}"]
    return lines
