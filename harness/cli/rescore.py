"""Judge the stored evidence of a run again: with today's lanes, or under another epoch or other gates.

The observations stay: a timeout at the old budget is still a timeout. Only --write changes the ledger: it adds a run.

Example:
  crucible rescore --run latest --gates score=0.9 --gates correctness=1
  crucible rescore --epoch 40 --write
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from harness.cli import output
from harness.cli.second_run import add_plugins, load_lanes, run_again
from harness.core.errors import CrucibleError, LedgerError, UsageError
from harness.core.evaluation import Evaluation
from harness.core.gate import GateResult
from harness.core.number import whole
from harness.core.policy import Policy
from harness.core.run import Run
from harness.core.status import RunStatus
from harness.core.tier import Tier
from harness.gates.expression import parse_gate
from harness.gates.row import row as gate_row
from harness.hooks import Lane
from harness.ledger import queries
from harness.ledger.row import dump
from harness.ledger.run_gates import run_gates, write_run_gates
from harness.ledger.store import Ledger
from harness.report import words
from harness.report.table import Column
from harness.session.run_gates import check_gates, evaluate_gates

COLUMNS = (
    Column("case", flexible=True, min_width=20),
    Column("score", right=True),
    Column("Δ", right=True),
    Column("verdict"),
    Column("why", flexible=True, prose=True, min_width=16, optional=1),
)


@dataclass(frozen=True, slots=True)
class Change:
    """An evaluation as recorded, and judged again."""

    before: Evaluation
    after: Evaluation

    @property
    def differs(self) -> bool:
        """Whether the two scores differ in a byte of their stored JSON."""
        return dump(self.before.score.to_wire()) != dump(self.after.score.to_wire())

    def to_json(self) -> dict[str, object]:
        """Return the change as `--json` prints it."""
        return {
            "nodeid": self.after.case.nodeid,
            "score": [self.before.score.total, self.after.score.total],
            "passed": [self.before.passed, self.after.passed],
            "why": self.after.why,
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", default="latest", metavar="RUN", help="a run's id or a part of it (default latest)")
    parser.add_argument("--epoch", type=whole(0, 2**31 - 1), metavar="N", help="judge by the budgets of this epoch")
    parser.add_argument(
        "--gates", action="append", default=[], metavar="NAME=MIN", help="a gate to set, e.g. score=0.9 (repeatable)"
    )
    parser.add_argument("--write", action="store_true", help="store the verdicts as a new run")
    add_plugins(parser)
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    gates, lanes = parse_gates(args.gates), load_lanes(args.plugin)
    with output.open_ledger(args.ledger) if args.write else output.read_ledger(args.ledger) as ledger:
        row = queries.run(ledger, args.run)
        changes = list(rescore(queries.load_all(ledger, row["run_id"]), lanes, epoch=args.epoch, gates=gates))
        written = _store(ledger, row, changes, args.epoch, lanes) if args.write and changes else None
    differing = [change for change in changes if change.differs]
    if args.json:
        output.print_json(
            {
                "run": row["run_id"],
                "evaluations": len(changes),
                "changed": [change.to_json() for change in differing],
                "written": written,
            }
        )
        return 0
    if differing:
        output.print_table(COLUMNS, [_format_cells(change) for change in differing])
    print(f"{words.count(len(changes), 'evaluation')} of run {row['run_id']} judged again, {len(differing)} differ")
    if written:
        print(f"stored as run {written}")
    return 0


def rescore(
    evaluations: Iterable[Evaluation],
    lanes: Mapping[str, Lane],
    *,
    epoch: int | None = None,
    gates: Mapping[str, float] | None = None,
) -> Iterable[Change]:
    """Judge evidence again under its recorded policy, with the given changes.

    Args:
        epoch: The epoch whose budgets apply; the recorded one by default.

    Raises:
        UsageError: if the lane of an evaluation does not exist, or the policy is invalid.
        LedgerError: if its evidence cannot be scored.
    """
    for before in evaluations:
        case = before.case
        lane = lanes.get(case.lane)
        if lane is None:
            fix = f"known lanes are {', '.join(lanes)}; name the file that defines it with --plugin"
            raise UsageError(f"unknown lane {case.lane!r} of {case.nodeid}", fix=fix)
        components: tuple[str, ...] = tuple(getattr(lane, "components", ()))
        for name in gates or () if components else ():
            if name not in (*components, "score", *case.policy.gates):
                known = ", ".join((*components, "score"))
                raise UsageError(f"lane {lane.name} has no component {name!r} to gate", fix=f"name one of {known}")
        wanted = case.policy.to_wire() | ({} if epoch is None else {"epoch": epoch})
        wanted["gates"] = case.policy.gates | dict(gates or {})
        try:
            policy = Policy.from_wire(wanted)
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", fix="change --epoch") from error
        try:
            score = lane.score(before.evidence, policy)
        except CrucibleError:
            raise
        except Exception as error:  # the evidence was written by another version, or by another program
            what = f"the evidence of {case.nodeid} is not of lane {lane.name} ({type(error).__name__}: {error})"
            raise LedgerError(what, fix="judge the case again with --fresh") from error
        yield Change(
            before, Evaluation(case=case.model_copy(update={"policy": policy}), evidence=before.evidence, score=score)
        )


def parse_gates(given: Iterable[str]) -> dict[str, float]:
    """Parse gates of the form `NAME=MIN`, also several in one string, separated by commas.

    Raises:
        UsageError: if one does not have this form.
    """
    gates = {}
    for text in (part for one in given for part in one.split(",")):
        name, equals, minimum = (part.strip() for part in text.partition("="))
        try:
            gates[name] = float(minimum)
        except ValueError:
            equals = ""
        if not equals or not name or gates[name] - gates[name] != 0:
            raise UsageError(f"{text!r} is not a gate", fix="write NAME=MIN, e.g. --gates score=0.9")
    return gates


def _store(
    ledger: Ledger, row: queries.Row, changes: list[Change], epoch: int | None, lanes: Mapping[str, Lane]
) -> str:
    tier = Tier(row["tier"]) if row["tier"] else None
    made = run_again(ledger, row["run_id"], tier=tier, **({} if epoch is None else {"epoch": epoch}))
    ledger.begin(made)
    for change in changes:
        ledger.record(change.after, run_id=made.run_id)
    write_run_gates(ledger, made.run_id, list(_gates_again(ledger, row, made, changes, lanes)))
    ledger.finish(made.run_id, RunStatus.FINISHED)
    return made.run_id


def _gates_again(
    ledger: Ledger, row: queries.Row, made: Run, changes: list[Change], lanes: Mapping[str, Lane]
) -> Iterable[GateResult]:
    """Evaluate the gates of the run again on the new scores.

    A baseline that is gone leaves a gate undefined; a gate that a plugin added is kept as it was.
    """
    rows = [gate_row(change.after, made) for change in changes]
    for gate in run_gates(ledger, row["run_id"]):
        kept = {name: gate[name] for name in ("observed", "threshold", "why", "nodeid")}
        try:
            parse_gate(gate["expression"])
        except UsageError:
            yield GateResult(name=gate["expression"], passed=bool(gate["passed"]), **kept)
            continue
        try:
            named = check_gates([gate["expression"]], lanes, ledger)
            yield from evaluate_gates([gate["expression"]], rows, ledger=ledger, run_id=made.run_id, named=named)
        except UsageError as error:
            yield GateResult(name=gate["expression"], passed=False, **kept | {"observed": None, "why": error.what})


def _format_cells(change: Change) -> list[str]:
    before, after = change.before.score.total, change.after.score.total
    verdicts = ["passes" if one.passed else "fails" for one in (change.before, change.after)]
    return [
        change.after.case.nodeid,
        f"{words.score(before)} → {words.score(after)}",
        words.delta(after - before if before is not None and after is not None else None),
        verdicts[0] if verdicts[0] == verdicts[1] else " → ".join(verdicts),
        "" if change.after.passed else change.after.why,
    ]
