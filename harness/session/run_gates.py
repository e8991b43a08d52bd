"""RunGates: the gates on a whole run: checked when it starts, held when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harness.core.errors import LedgerError, UsageError
from harness.core.gate import GateResult
from harness.gates.expression import evaluate_gate, parse_gate
from harness.gates.syntax import baselines
from harness.lane.registry import Registry
from harness.ledger import queries

if TYPE_CHECKING:
    from harness.ledger.store import Ledger


def check_gates(texts: Sequence[str], registry: Registry, ledger: Ledger) -> dict[str, str]:
    """Check what can only be known once a run is about to start: its lanes, and the runs that gates name.

    Args:
        texts: The gates.
        registry: The lanes there are.
        ledger: Where earlier runs are.

    Returns:
        The id of each run that is named, by the name.

    Raises:
        UsageError: with the place marked, and what there is.
    """
    found: dict[str, str] = {}
    for text in texts:
        gate = parse_gate(text, lanes=list(registry.lanes))
        for name, aggregate in baselines(gate.root).items():
            try:
                found[name] = queries.run(ledger, name)["run_id"]
            except LedgerError as error:
                place = text.find(name, max(0, text.find(aggregate.name)))
                mark = f"\n    {text}\n    {' ' * place}^" if place >= 0 and text.isprintable() else ""
                raise UsageError(f"wrong gate: {error.what}{mark}", where=error.where, fix=error.fix) from None
    return found


def evaluate_gates(
    texts: Sequence[str], rows: Sequence[dict[str, Any]], ledger: Ledger | None, run_id: str, named: dict[str, str]
) -> Iterator[GateResult]:
    """Hold the gates of a run that is over.

    Args:
        texts: The gates.
        rows: Its evaluations, as `recording.row` makes them.
        ledger: Where baselines are; None if nothing was recorded.
        run_id: The run.
        named: What `check_gates` returned.
    """
    before: list[queries.Row] | None = None
    others: dict[str, list[queries.Row]] = {}
    if ledger is not None:
        ledger.flush()
        before = queries.baseline(ledger, run_id)
        others = {name: queries.named_baseline(ledger, run_id, other) for name, other in named.items()}
    for text in texts:
        gate = parse_gate(text)
        known = {name: others.get(name, []) for name in baselines(gate.root)}
        yield evaluate_gate(gate, rows, baseline=before, named=known)


def counter_example(ledger: Ledger | None, run_id: str, gate: GateResult) -> list[str]:
    """Why the case that a gate fails for is as it is: its reason and its first counter-example, in lines."""
    if ledger is None or not gate.nodeid or gate.passed:
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
