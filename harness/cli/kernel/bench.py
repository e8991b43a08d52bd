"""Check and time kernels on a GPU against every baseline; known results are not measured again.

Example:
  crucible kernel bench kernels/matmul/*.py
  crucible kernel bench --all --suites suites/kernel      # everything; continues an interrupted run
  crucible kernel report --out docs                       # then write the pages
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from harness.cli import output
from harness.cli.kernel import subject
from harness.core.errors import InfraError, UsageError
from harness.core.evidence import Evidence
from harness.core.owned_folder import OwnedFolder
from harness.lane.context import Context
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.device_limits import DEFAULT, DEVICES
from harness.lanes.kernel.device_measurement import hold_device, measure_kernel
from harness.lanes.kernel.gpu import absent_gpu, require_extra
from harness.lanes.kernel.ladder import Ladder
from harness.lanes.kernel.question import plan_questions
from harness.lanes.kernel.results import identity_of, ladders, results
from harness.lanes.kernel.trace_items import Item, TraceItem, correctness_items, send
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.ledger.points import Points
from harness.report.table import Column

COLUMNS = (
    Column("operation", optional=3),
    Column("kernel"),
    Column("target", flexible=True, min_width=16),
    Column("ms", right=True),
    Column("TFLOP/s", right=True, optional=2),
    Column("light", right=True, optional=4),
    Column("against", flexible=True, min_width=6),
    Column("speed-up", right=True),
    Column("interval", right=True, optional=5),
    Column("verdict"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kernels", nargs="*", type=Path, metavar="KERNEL", help="a kernel's file")
    subject.add_definition(parser)
    parser.add_argument("--all", action="store_true", help="all kernels that the suites of --suites name")
    subject.add_suites(parser)
    output.add_ledger(parser)
    parser.add_argument("--fresh", action="store_true", help="measure known results again")
    subject.add_seed(parser)
    parser.add_argument(
        "--budget-s", type=subject.parse_seconds, metavar="SECONDS", help="start no kernel after this time"
    )
    subject.add_timeout(parser, 300)
    subject.add_trace(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if a kernel is wrong or failed, or if this machine cannot measure."""
    candidates = _select_candidates(args)
    require_extra()
    absent = absent_gpu()
    device = DEFAULT
    with subject.open_points(args.ledger) as points:
        if not absent:
            device = _measure_all(candidates, points, args)
        rows = results(candidates, points, device=DEVICES.get(device))
    if args.json:
        output.print_json({"not_measured": absent, "results": [row.to_wire() for row in rows]})
    else:
        output.print_table(COLUMNS, [_format_cells(row.to_wire()) for row in rows])
        for operation, ladder in ladders(rows).items():
            print(f"{operation}: {_describe_invariants(ladder)}")
    if absent:
        print(f"crucible: not measured: {absent}", file=sys.stderr)
    return 1 if absent or any(row.status not in ("ok", "review", "noisy") for row in rows) else 0


def _select_candidates(args: argparse.Namespace) -> list[Candidate]:
    if args.all == bool(args.kernels):
        raise UsageError("name kernels, or use --all", where="crucible kernel bench", fix="crucible kernel bench --all")
    return subject.read_suites(args) if args.all else list(subject.read_candidates(args))


def _measure_all(candidates: list[Candidate], points: Points, args: argparse.Namespace) -> str:
    """Measure the kernels without a stored result, store each result at once, and return the device's name."""
    seed = subject.choose_seed(args)
    with ExitStack() as stack:
        processes = stack.enter_context(WarmProcesses())
        scratch = stack.enter_context(OwnedFolder("bench"))
        baselines, gpu = stack.enter_context(hold_device(scratch / "baselines"))
        device, driver = (gpu.name, gpu.driver) if gpu is not None else ("cpu", "")
        context = Context(
            secret_seed=seed,
            scratch=scratch,
            progress=lambda text: print(f"crucible: {text}", file=sys.stderr, flush=True),
        )
        began, left = time.monotonic(), 0
        for number, candidate in enumerate(candidates):
            identity = identity_of(candidate, device=device, driver=driver)
            if not args.fresh and points.find(identity) is not None:
                continue
            if args.budget_s is not None and time.monotonic() - began > args.budget_s:
                left += 1
                continue
            print(f"crucible: {number + 1}/{len(candidates)} {candidate.operation} {candidate.name}", file=sys.stderr)
            questions = plan_questions(candidate.definition, seed=seed)
            folder = scratch / str(number)
            job = candidate.job(folder, processes, timeout=args.timeout, questions=questions, attempts=2)
            try:
                evidence = measure_kernel(job, baselines, gpu, context, step=candidate.name)
            except InfraError as error:  # a fault of the machine, not of the kernel: no result is stored
                print(f"crucible: {candidate.operation} {candidate.name}: {error}", file=sys.stderr)
                continue
            send(_list_trace_items(candidate.name, evidence), fields=args.trace_fields)
            points.keep(identity, _to_stored(evidence), kind="benchmarked", subject=candidate.name)
    if left:
        print(
            f"crucible: the budget is used up; {left} kernels were not measured: call the command again",
            file=sys.stderr,
        )
    return device


def _list_trace_items(step: str, evidence: Evidence) -> list[Item]:
    """Return the trace items of a benchmark: correctness and performance."""
    timed = TypeAdapter(list[TraceItem]).validate_python(evidence.facts.get("trace", []))
    return [*correctness_items(step, evidence.facts.get("shapes", [])), *timed]


def _to_stored(evidence: Evidence) -> dict[str, Any]:
    """Return the value of a benchmark that the ledger stores."""
    value: dict[str, Any] = {"status": evidence.status.value, "why": evidence.why, "environment": evidence.environment}
    for name in ("targets", "trace", "ceilings"):
        if name in evidence.facts:
            value[name] = evidence.facts[name]
    return value


def _describe_invariants(ladder: Ladder) -> str:
    """Describe the state of the two invariants of a ladder and the kernels that break them."""
    words = {True: "holds", False: "is broken", None: "is undecided: not all kernels were measured"}
    text = f"Correctness {words[ladder.correctness]}; Monotonic Speedup {words[ladder.monotonic]}"
    lines = [f"{name} is wrong" for name in ladder.wrong] + [one.sentence for one in ladder.regressions]
    return text + "".join(f"\n  {line}" for line in lines)


def _format_cells(row: dict[str, Any]) -> list[str]:
    found = row["measured"]
    head = [row["operation"], row["kernel"], row["target"]]
    if found is None:
        return [*head, "-", "-", "-", "-", "-", "-", row["status"] or "not measured"]
    return [
        *head,
        f"{found['milliseconds']:.4f}",
        f"{found['tflops']:.1f}",
        "-" if found["light"] is None else f"{found['light']:.0%}",
        found["fastest"],
        "-" if found["speedup"] is None else f"{found['speedup']:.3f}",
        "-" if found["low"] is None else f"{found['low']:.3f}-{found['high']:.3f}",
        row["status"],
    ]
