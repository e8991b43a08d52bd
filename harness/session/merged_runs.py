"""Merged runs: the shards of a ledger become one run each partition, with the gates of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.core.errors import CrucibleError
from harness.core.gate import GateResult
from harness.gates.expression import parse_gate
from harness.gates.syntax import PAIRED, aggregates, baselines
from harness.ledger import queries
from harness.ledger.partition import Partition, assemble, conclude
from harness.ledger.run_gates import run_gates, run_problems, write_run_gates
from harness.ledger.store import Ledger
from harness.report.gate_cases import gate_rows
from harness.session.run_gates import evaluate_gates


def merge_partitions(ledger: Ledger) -> list[str]:
    """Make the run of each partition in a ledger, and evaluate its gates once it is complete.

    Returns:
        The ids of these runs, oldest first.

    Raises:
        LedgerError: if the ledger cannot be read or written.
    """
    found = assemble(ledger)
    for partition, is_made in found:
        # What is compared with earlier runs changes when those are merged later.
        if partition.is_complete and (is_made or any(map(_is_compared, partition.gates))):
            gates = [*_evaluated(ledger, partition), *_of_plugins(ledger, partition)]
            if gates:
                problems = run_problems(ledger, partition.run_id)
                write_run_gates(ledger, partition.run_id, gates, problems)
        if is_made:
            conclude(ledger, partition)
    return [partition.run_id for partition, _ in found]


def _is_compared(gate: str) -> bool:
    try:
        return any(one.name in PAIRED for one in aggregates(parse_gate(gate).root))
    except CrucibleError:
        return False


def _evaluated(ledger: Ledger, partition: Partition) -> Iterator[GateResult]:
    """The gates of the whole, with the same function as those of a run."""
    run_id = partition.run_id
    earlier = _earlier(ledger, run_id)
    for text in partition.gates:
        try:
            gate = parse_gate(text)
            named = {name: _named(ledger, name, earlier) for name in baselines(gate.root)}
            yield from evaluate_gates(
                [text], gate_rows(ledger, run_id, gate), ledger=ledger, run_id=run_id, named=named
            )
        except CrucibleError as error:  # a run that this ledger does not have, a gate of another version
            yield GateResult(name=text, observed=None, threshold=0.0, passed=False, why=error.what)


def _earlier(ledger: Ledger, run_id: str) -> list[str]:
    runs = [run["run_id"] for run in queries.runs(ledger)]
    return runs[runs.index(run_id) + 1 :]


def _named(ledger: Ledger, name: str, earlier: Sequence[str]) -> str:
    head, _, back = name.partition("~")
    if head == "latest" and (back.isdigit() or not back) and int(back or 0) < len(earlier):
        return earlier[int(back or 0)]  # the run itself is not meant
    return str(queries.run(ledger, name)["run_id"])


def _of_plugins(ledger: Ledger, partition: Partition) -> Iterator[GateResult]:
    """The gates that plugins computed from the evaluations of each part."""
    for number, part in partition.parts.items():
        for gate in run_gates(ledger, part.run.run_id):
            yield GateResult(
                name=gate["expression"],
                observed=gate["observed"],
                threshold=gate["threshold"] or 0.0,
                passed=bool(gate["passed"]),
                why=f"part {number}: {gate['why']}",
                nodeid=gate["nodeid"],
            )
