"""Print how stable a subject is; with --attempts, judge it again from its files.

New attempts have new hash seeds and new inputs, and are added to those in the ledger, as a separate run.

Example:
  crucible stability 1a2b3c4d
  crucible stability 1a2b3c4d --attempts 299
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import output
from harness.cli.second_run import add_plugins, load_lanes, run_again
from harness.core.digest import derive_seed
from harness.core.errors import CrucibleError, InfraError, LedgerError, UsageError
from harness.core.number import whole
from harness.core.stability import FACT, Stability, stability_of
from harness.core.status import RunStatus
from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report import words

if TYPE_CHECKING:
    from harness.core.evaluation import Evaluation
    from harness.lane.context import Context
    from harness.lane.protocol import Lane

BATCH = 40  # attempts between two lines of progress; Ctrl-C keeps the finished ones


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="DIGEST|NODEID|NAME", help="the beginning of a digest, a node id, or a name")
    parser.add_argument(
        "--attempts", type=whole(1), metavar="N", help="make attempts until there are N in all, e.g. 299"
    )
    parser.add_argument("--run", metavar="RUN", help="a run's id or a part of it, `latest`, or `latest~N`")
    parser.add_argument("--secret-seed", type=whole(), metavar="S", help="seed of the new inputs (default random)")
    output.add_min_tier(parser)
    add_plugins(parser)
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if new attempts do not confirm the expected verdict.

    Raises:
        InfraError: if the subject cannot be judged again: its files changed or do not exist.
    """
    with output.open_ledger(args.ledger) if args.attempts else output.read_ledger(args.ledger) as ledger:
        run_id = queries.run(ledger, args.run)["run_id"] if args.run else None
        found = queries.find(ledger, args.what, run_id=run_id)
        newest = list({row["nodeid"]: row for row in reversed(found)}.values())[::-1]
        shown = [queries.load(ledger, row["run_id"], row["nodeid"]) for row in newest]
        written = None
        if args.attempts:
            if len(shown) > 1:
                names = ", ".join(one.case.nodeid for one in shown[:5])
                raise UsageError(f"{len(shown)} cases match {args.what}", fix=f"name one of {names}")
            lanes = load_lanes(args.plugin)
            extended = _add_attempts(shown[0], lanes, args)
            written = _store(ledger, newest[0], extended, lanes) if extended is not shown[0] else None
            shown = [extended]
    if args.json:
        output.print_json([_to_json(one, written) for one in shown])
    else:
        for one in shown:
            for line in _format_lines(one):
                print(words.printable(line))
        if written:
            print(f"stored as run {written}")
    return int(args.attempts is not None and not shown[0].as_expected)


def _add_attempts(evaluation: Evaluation, lanes: Mapping[str, Lane], args: argparse.Namespace) -> Evaluation:
    """Make attempts in batches until there are `args.attempts` of them or one disagrees."""
    from harness.session.confirmation import another_round

    lane = lanes.get(evaluation.case.lane)
    if lane is None:
        raise UsageError(f"unknown lane {evaluation.case.lane!r}", fix="name the file that defines it with --plugin")
    known = stability_of(evaluation.evidence)
    if known is None:
        raise CrucibleError(f"the lane {lane.name} makes no attempts, so there is nothing to repeat")
    secret = secrets.randbits(63) if args.secret_seed is None else args.secret_seed
    context = _build_context(evaluation, lane, args, secret)
    try:
        while _wants_more(evaluation, args.attempts):
            have = len(evaluation.evidence.attempts)
            context.secret_seed = derive_seed(secret, "stability", have)
            wanted = min(BATCH, args.attempts - have)
            first = max(attempt.round for attempt in evaluation.evidence.attempts) == 0
            after = another_round(evaluation, lane, context, attempts=wanted, remeasure=first)
            if after.evidence.unconfirmed:
                what = f"the subject cannot be judged again: {after.evidence.unconfirmed}"
                fix = "run `pytest` on its suite: attempts on changed files cannot be added to the recorded ones"
                raise InfraError(what, where=evaluation.case.subject.path or evaluation.case.nodeid, fix=fix)
            evaluation = after
            print(f"crucible: {len(after.evidence.attempts)} of {args.attempts} attempts", file=sys.stderr)
            if len(after.evidence.attempts) == have:
                break  # the lane made no attempt
    except KeyboardInterrupt:
        print("crucible: interrupted; the attempts made so far count", file=sys.stderr)
    finally:
        context.close()
    return evaluation


def _wants_more(evaluation: Evaluation, attempts: int) -> bool:
    known = stability_of(evaluation.evidence)
    return known is not None and not known.flaky and known.attempts < attempts


def _build_context(evaluation: Evaluation, lane: Lane, args: argparse.Namespace, secret: int) -> Context:
    from harness.judge.folders import project_root, scratch_folder
    from harness.judge.isolation import folders_of, prove_tier, secrets_of
    from harness.lane.context import Context
    from harness.suites.settings import settle

    subject = Path(evaluation.case.subject.path or ".")
    settings = settle(project_root(subject), command={"secret_seed": secret, "min_tier": args.min_tier})
    hidden = secrets_of([evaluation.case], root=project_root(subject), ledger=args.ledger.absolute())
    protect = folders_of(hidden)
    tier = prove_tier([lane], settings, hidden, protect=protect).tier if lane.boxed else None
    return Context(secret_seed=secret, scratch=scratch_folder(), tier=tier, protect=protect)


def _store(ledger: Ledger, row: queries.Row, evaluation: Evaluation, lanes: Mapping[str, Lane]) -> str | None:
    from harness.judge.provenance import machine, versions
    from harness.lane.fingerprint import engine_of

    known = versions() | engine_of(lanes, [evaluation.case.lane])
    made = run_again(ledger, row["run_id"], machine=machine(), tier=evaluation.evidence.tier, versions=known)
    try:
        ledger.begin(made)
        ledger.record(evaluation, run_id=made.run_id)
        ledger.finish(made.run_id, RunStatus.FINISHED)
    except LedgerError as error:  # the attempts were expensive: the result is printed although it is not stored
        print(f"crucible: not stored: {error}", file=sys.stderr)
        return None
    return made.run_id


def _format_lines(evaluation: Evaluation) -> list[str]:
    case, known = evaluation.case, stability_of(evaluation.evidence)
    lines = [f"{case.nodeid}  {case.subject.digest[:12]}  {evaluation.status}"]
    if known is None:
        return [*lines, "  no attempts were made, so the stability is unknown"]
    lines.append(f"  {known.text}")
    lines += [f"  round {number}: {text}" for number, text in enumerate(_format_rounds(evaluation))]
    if evaluation.evidence.why:
        lines.append(f"  {evaluation.evidence.why}")
    found = evaluation.evidence.counterexample
    if found is not None:
        lines += [f"  question: {found.question}", f"  expected: {found.expected}", f"  observed: {found.observed}"]
    if evaluation.passed:
        lines.append(f"  {'confirmed on fresh inputs' if known.confirmed else 'not confirmed: cannot be ranked first'}")
    return lines


def _format_rounds(evaluation: Evaluation) -> list[str]:
    found: dict[int, list[str]] = {}
    for attempt in evaluation.evidence.attempts:
        found.setdefault(attempt.round, []).append(attempt.status.value)
    return [
        f"{words.count(len(statuses), 'attempt')}: "
        + ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
        for statuses in found.values()
    ]


def _to_json(evaluation: Evaluation, written: str | None) -> dict[str, Any]:
    known: Stability | None = stability_of(evaluation.evidence)
    return {
        "nodeid": evaluation.case.nodeid,
        "digest": evaluation.case.subject.digest,
        "status": evaluation.status.value,
        "stability": None if known is None else asdict(known) | {"text": known.text, "confirmed": known.confirmed},
        "rounds": evaluation.evidence.facts.get(FACT, []),
        "counterexample": evaluation.evidence.counterexample and evaluation.evidence.counterexample.to_wire(),
        "written": written,
    }
