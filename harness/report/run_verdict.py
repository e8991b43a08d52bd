"""RunVerdict: whether a run held, and why not: the one answer of terminal, page, CI output, verbs and exit status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.core.status import RunStatus, Status
from harness.ledger import queries
from harness.ledger.run_gates import Problem, run_gates, run_problems
from harness.ledger.store import Ledger
from harness.report import words
from harness.report.urgency import causes_first, failed

if TYPE_CHECKING:
    from harness.core.evaluation import Evaluation
    from harness.core.gate import GateResult

Row = dict[str, Any]

NO_CASE, ALL_SKIPPED = "no case was judged", "every case was skipped: nothing was judged"
MAX_REASONS = 3  # in the first line, for which cases were not judged
HISTORY = ("regressed", "new case", "as before")
INTERRUPTED = "the run was interrupted"


class Kind(StrEnum):
    """What kept a run from holding, in the order in which it is told."""

    GATE = "gate"
    """A gate of the run fails or is undefined."""
    PROBLEM = "problem"
    """A suite is wrong, nothing was judged, an output could not be written, or the run was interrupted."""
    CANDIDATE = "candidate"
    """A candidate is not as its suite requires."""
    CONTROL = "control"
    """A control does not have the verdict that its suite expects."""
    INFRA = "infra"
    """A case could not be judged."""


class Fault(NamedTuple):
    """One thing that kept a run from holding.

    Attributes:
        kind: What it is.
        what: The gate's expression or the case's node id; empty for a problem of the run.
        why: The reason, as recorded: it may contain text of a candidate.
        nodeid: The case to look at; empty where there is none.
        history: Of a candidate, one of `HISTORY`; empty without an earlier run.
    """

    kind: Kind
    what: str
    why: str
    nodeid: str = ""
    history: str = ""


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """Whether a run held, with the numbers that its first line shows.

    Attributes:
        faults: What kept it from holding, in the order of `Kind`.
        is_over: Whether the run ended.
        gates: Its gates, with the columns of the table `run_gates`.
        candidates, passing: Candidates that were judged, and those of them that pass.
        failing: Of those that fail, how many regressed, are new cases, and failed before; empty without an earlier run.
        since: The run in which the regressed ones passed; empty if it is not the same one for all.
        controls, caught: Controls that were judged, and those of them that have the expected verdict.
        unjudged: Cases that neither passed nor failed, by reason.
        aborted: Whether the run was interrupted.
        shard: `2/4 DIGEST` of a part of a run that was divided; empty for others.
    """

    faults: tuple[Fault, ...]
    is_over: bool
    gates: tuple[Row, ...] = ()
    candidates: int = 0
    passing: int = 0
    failing: tuple[tuple[str, int], ...] = ()
    since: str = ""
    controls: int = 0
    caught: int = 0
    unjudged: tuple[tuple[str, int], ...] = ()
    aborted: bool = False
    shard: str = ""

    @property
    def held(self) -> bool:
        """Whether everything is as asked; a run that is not over has not held yet."""
        return self.is_over and not self.faults

    @property
    def word(self) -> str:
        """`GOOD`, `NOT GOOD`, or `RUNNING` where nothing has failed yet."""
        return "NOT GOOD" if self.faults else "GOOD" if self.is_over else "RUNNING"

    def of_kind(self, *kinds: Kind) -> list[Fault]:
        """The faults of some kinds."""
        return [fault for fault in self.faults if fault.kind in kinds]

    def facts(self) -> list[str]:
        """What the first line says after the word: what kept the run from holding, then the rest."""
        empty = (
            "this shard holds none of the selected cases" if self.shard and self.is_over else "nothing was judged yet"
        )
        return [*self.bad_facts(), *self.other_facts()] or [empty]

    def bad_facts(self) -> list[str]:
        """What kept the run from holding, most important first."""
        found = []
        if bad := len(self.of_kind(Kind.GATE)):
            found.append(f"{bad} of {words.count(len(self.gates), 'gate')} {_verb(bad, 'fail')}")
        found += [fault.why for fault in self.of_kind(Kind.PROBLEM)][:1]
        if infra := len(self.of_kind(Kind.INFRA)):
            found.append(f"{words.count(infra, 'case')} could not be judged (infra)")
        if failing := self.candidates - self.passing:
            since = f" since run {self.since}" if self.since else ""
            again = ", ".join(f"{count} {how}{since if how == HISTORY[0] else ''}" for how, count in self.failing)
            said = f"{failing} of {words.count(self.candidates, 'candidate')} {_verb(failing, 'fail')}"
            found.append(f"{said} ({again})" if again else said)
        if missed := self.controls - self.caught:
            found.append(f"{missed} of {words.count(self.controls, 'control')} not as expected")
        return found

    def other_facts(self) -> list[str]:
        """What passed, and what was not judged."""
        found = []
        if self.passing == self.candidates > 0:
            verb = "passes" if self.passing == 1 else "pass"
            found.append(f"{self.passing} of {words.count(self.candidates, 'candidate')} {verb}")
        if self.caught == self.controls > 0:
            found.append(f"{self.caught} of {words.count(self.controls, 'control')} as expected")
        if number := sum(count for _, count in self.unjudged):
            known = [(reason.partition(": ")[0], count) for reason, count in self.unjudged[:MAX_REASONS]]
            reasons = ", ".join(f"{count} {reason}" for reason, count in known) if len(known) > 1 else known[0][0]
            more = ", …" if len(self.unjudged) > MAX_REASONS else ""
            found.append(f"{number} not judged ({reasons}{more})")
        return found


def run_verdict(ledger: Ledger, run_id: str, *, compare: str | None = None) -> RunVerdict:
    """The verdict on a run of the ledger; `compare` is as for `queries.deltas`.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
    """
    run = queries.run(ledger, run_id)
    run_id = run["run_id"]
    return decide(
        RunStatus(run["status"]),
        queries.evaluations(ledger, run_id),
        gates=run_gates(ledger, run_id),
        problems=run_problems(ledger, run_id),
        deltas=queries.deltas(ledger, run_id, before=compare),
        selected=run["selected"],
        shard=run["shard"],
    )


def decide(
    status: RunStatus | None,
    rows: Sequence[Row],
    *,
    gates: Sequence[Row] = (),
    problems: Iterable[Problem] = (),
    deltas: Mapping[str, Row] = MappingProxyType({}),
    selected: int | None = None,
    shard: str = "",
) -> RunVerdict:
    """The verdict on a run from its rows.

    Args:
        status: The state of the run; None if none was opened.
        rows: Evaluations, with the ledger's columns `nodeid`, `status`, `why`, `expected`, `as_expected`, `neutral`.
        gates: Rows of `run_gates`.
        problems: What else kept the run from holding.
        deltas: The changes since an earlier run (`queries.deltas`).
        selected: How many cases the run was to judge; None if it is not known.
        shard: `Run.shard`: a part may hold although it judged nothing.
    """
    found = [
        Fault(Kind.GATE, gate["expression"], gate["why"], gate["nodeid"]) for gate in gates if not gate["passed"]
    ] + [Fault(Kind.PROBLEM, "", one.why, one.nodeid) for one in problems]
    if status is RunStatus.ABORTED:
        found.append(Fault(Kind.PROBLEM, "", _interrupted(len(rows), selected)))
    elif status is RunStatus.FINISHED and not shard and not any(fault.kind is Kind.PROBLEM for fault in found):
        if not rows:
            found.append(Fault(Kind.PROBLEM, "", NO_CASE))
        elif all(row["status"] == Status.SKIPPED and row["neutral"] for row in rows):
            found.append(Fault(Kind.PROBLEM, "", ALL_SKIPPED))
    bad = causes_first([row for row in rows if failed(row)], lambda row: row)
    for kind in (Kind.CANDIDATE, Kind.CONTROL, Kind.INFRA):
        found += [
            Fault(
                kind, row["nodeid"], _why(row), row["nodeid"], _history(row, deltas) if kind is Kind.CANDIDATE else ""
            )
            for row in bad
            if _kind(row) is kind
        ]
    judged = [row for row in rows if row["as_expected"] or failed(row)]
    judged = [row for row in judged if row["status"] != Status.INFRA]
    candidates = [row for row in judged if row["expected"] is None]
    regressed = [row for row in candidates if failed(row) and _history(row, deltas) == HISTORY[0]]
    since = {deltas[row["nodeid"]].get("run_id", "") for row in regressed}
    unjudged = Counter(_reason(row) for row in rows if row["neutral"] and not row["as_expected"])
    return RunVerdict(
        faults=tuple(found),
        is_over=status is not RunStatus.RUNNING,
        gates=tuple(gates),
        candidates=len(candidates),
        passing=sum(row["as_expected"] for row in candidates),
        failing=_histories([row for row in candidates if not row["as_expected"]], deltas),
        since=since.pop() if len(since) == 1 else "",
        controls=len(judged) - len(candidates),
        caught=sum(row["as_expected"] for row in judged if row["expected"] is not None),
        unjudged=tuple(unjudged.most_common()),
        aborted=status is RunStatus.ABORTED,
        shard=shard,
    )


def _interrupted(judged: int, selected: int | None) -> str:
    of_all = (
        ""
        if selected is None
        else f": {judged} of {words.count(selected, 'case')} {'was' if selected == 1 else 'were'} judged"
    )
    return f"{INTERRUPTED}{of_all}; what was judged is in the ledger"


def gate_row(gate: GateResult) -> Row:
    """A gate that is not stored yet, with the columns of `run_gates`."""
    row = gate.to_wire()
    return {**row, "expression": row.pop("name")}


def evaluated(evaluation: Evaluation) -> Row:
    """An evaluation that is not stored, with the columns that `decide` reads."""
    return {
        "nodeid": evaluation.case.nodeid,
        "status": evaluation.status,
        "why": evaluation.why,
        "expected": evaluation.case.policy.expect,
        "as_expected": evaluation.as_expected,
        "neutral": evaluation.neutral,
    }


def _histories(failing: Sequence[Row], deltas: Mapping[str, Row]) -> tuple[tuple[str, int], ...]:
    """How many failing candidates passed before, are new, and failed before; empty without an earlier run."""
    counts = Counter(_history(row, deltas) for row in failing)
    found = [(how, counts[how]) for how in HISTORY if counts[how]]
    return tuple((f"{how}s" if how == "new case" and count > 1 else how, count) for how, count in found)


def _history(row: Row, deltas: Mapping[str, Row]) -> str:
    """Whether a failing candidate passed before, is new, or failed before; empty without an earlier run."""
    if not deltas:
        return ""
    delta = deltas.get(row["nodeid"])
    return HISTORY[1 if delta is None else 0 if delta["passed_before"] else 2]


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb


def _kind(row: Row) -> Kind:
    if row["status"] == Status.INFRA:
        return Kind.INFRA
    return Kind.CANDIDATE if row["expected"] is None else Kind.CONTROL


def _why(row: Row) -> str:
    said = f"{row['status']}: {row['why']}"
    if row["expected"] is not None:
        return f"expected {row['expected']}, was {said}"
    return row["why"] if row["status"] == Status.OK and row["why"] else said


def _reason(row: Row) -> str:
    """Why a case was not judged, without the place, so that equal reasons count together."""
    return row["why"].partition(" (")[0] if row["status"] == Status.SKIPPED else f"{row['status']}"
