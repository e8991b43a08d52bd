"""Merged runs: the shards of a ledger become one run each partition, with the gates of the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.core.errors import CrucibleError
from harness.core.gate import GateResult
from harness.gates.expression import parse_gate
from harness.gates.syntax import PAIRED, aggregates, baselines
from harness.lane.registry import Registry
from harness.ledger import queries
from harness.ledger.partition import Partition, assemble, conclude
from harness.ledger.run_gates import Problem, run_gates, run_problems, write_run_gates
from harness.ledger.store import Ledger
from harness.report.gate_cases import gate_rows
from harness.session.run_gates import evaluate_gates

NO_GATES = "the gates of plugins (crucible_gates) were not evaluated"
FIX = "merge again where it is installed, or with --plugin FILE"


def merge_partitions(ledger: Ledger, registry: Registry | None = None) -> list[str]:
    """Make the run of each partition in a ledger, and evaluate its gates once it is complete.

    Args:
        registry: Has the plugins whose gates are evaluated, next to those that are installed.

    Returns:
        The ids of these runs, oldest first.

    Raises:
        LedgerError: if the ledger cannot be read or written.
    """
    found = assemble(ledger)
    for partition, is_made in found:
        plugins = _Plugins(partition, registry)
        # What is compared with earlier runs changes when those are merged later; a plugin may have been missing before.
        is_changed = any(map(_is_compared, partition.gates)) or (plugins.wanted and not plugins.missing)
        if partition.is_complete and (is_made or is_changed):
            gates = [*_evaluated(ledger, partition), *_of_parts(ledger, partition)]
            problems = [one for one in run_problems(ledger, partition.run_id) if not one.why.startswith(NO_GATES)]
            try:
                gates += plugins.gates(ledger)
            except Exception as error:
                problems.append(Problem(f"{NO_GATES}: {type(error).__name__}: {error}"))
            if plugins.missing:
                names = " and ".join(plugins.missing)
                problems.append(Problem(f"{NO_GATES}: {names} is not loaded; {FIX}"))
            if gates or plugins.wanted:
                write_run_gates(ledger, partition.run_id, gates, problems)
        if is_made:
            conclude(ledger, partition)
    return [partition.run_id for partition, _ in found]


class _Plugins:
    """The plugins that have gates of a partition."""

    def __init__(self, partition: Partition, registry: Registry | None) -> None:
        self._run_id, self.wanted = partition.run_id, partition.gate_plugins
        self._registry = registry or Registry()
        self.missing: list[str] = []
        if self.wanted:
            self._registry.lanes  # noqa: B018 - loads the installed plugins
            known = Counter(self._registry.implementers("crucible_gates"))
            self.missing = sorted((self.wanted - known).elements())

    def gates(self, ledger: Ledger) -> list[GateResult]:
        if not self.wanted:
            return []
        rows = gate_rows(ledger, self._run_id)
        found = self._registry.call("crucible_gates", only=self.wanted, rows=rows)
        return [gate for gates in found for gate in gates]


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


def _of_parts(ledger: Ledger, partition: Partition) -> Iterator[GateResult]:
    """The gates of plugins that parts of earlier versions evaluated themselves."""
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
