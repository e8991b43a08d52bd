"""`crucible kernel bench`: judge and time kernels on a GPU, each in turn with the fastest thing there is."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness.cli import output
from harness.cli.kernel import subject
from harness.context import Context
from harness.core.errors import InfraError, UsageError
from harness.core.evidence import Evidence
from harness.lanes.kernel.device import DEFAULT, DEVICES
from harness.lanes.kernel.gpu import absent_gpu, list_gpus, own_gpu
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.ladder import Ladder
from harness.lanes.kernel.measuring import measure
from harness.lanes.kernel.nursery import Nursery
from harness.lanes.kernel.point_store import PointStore
from harness.lanes.kernel.question import plan_questions
from harness.lanes.kernel.results import BENCHMARKED, Candidate, candidates_of_suites, ladders, results
from harness.report.table import Column

NAME = "bench"
HELP = """Judge and time kernels on a GPU against every baseline; what is known already is not measured again.

example:
  crucible kernel bench kernels/matmul/*.py
  crucible kernel bench --all --suites suites/kernel      # everything, goes on where it was stopped
  crucible kernel report --out docs                       # and then the pages"""

SUITES = Path("suites/kernel")
COLUMNS = (
    Column("operation", optional=3),
    Column("kernel"),
    Column("target", flexible=True, least=16),
    Column("ms", right=True),
    Column("TFLOP/s", right=True, optional=2),
    Column("light", right=True, optional=4),
    Column("against", flexible=True, least=6),
    Column("speed-up", right=True),
    Column("interval", right=True, optional=5),
    Column("verdict"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("kernels", nargs="*", type=Path, metavar="KERNEL", help="a kernel's file")
    subject.add_definition(parser)
    parser.add_argument("--all", action="store_true", help="all kernels that the suites of --suites name")
    parser.add_argument("--suites", type=Path, default=SUITES, metavar="DIR", help=f"the suites (default {SUITES})")
    subject.add_points(parser)
    parser.add_argument("--fresh", action="store_true", help="measure again what is known")
    parser.add_argument("--seed", type=int, metavar="S", help="where the inputs come from (default: random, printed)")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS", help="for one kernel (default 300)")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print one line for each kernel and target; 1 if any is not right, or nothing can be measured here."""
    candidates = _candidates(args)
    subject.need_extra()
    absent = absent_gpu()
    device = DEFAULT
    with PointStore(args.points) as store:
        if not absent:
            device = _measure_all(candidates, store, args)
        rows = results(candidates, store, device=DEVICES.get(device))
    if args.json:
        output.print_json({"not_measured": absent, "results": [row.to_wire() for row in rows]})
    else:
        output.print_table(COLUMNS, [_cells(row.to_wire()) for row in rows])
        for operation, ladder in ladders(rows).items():
            print(f"{operation}: {_promises(ladder)}")
    if absent:
        print(f"crucible: not measured: {absent}", file=sys.stderr)
    return 1 if absent or any(row.status not in ("ok", "review", "noisy") for row in rows) else 0


def _candidates(args: argparse.Namespace) -> list[Candidate]:
    if args.all == bool(args.kernels):
        raise UsageError("name kernels, or --all", where="crucible kernel bench", fix="crucible kernel bench --all")
    if not args.all:
        return [Candidate(k.path, k.source, k.definition, k.place) for k in subject.named(args)]
    if not args.suites.is_dir():
        raise UsageError(
            "it is no folder", where=str(args.suites), fix="name the folder of kernel suites with --suites"
        )
    found = candidates_of_suites(args.suites)
    if not found:
        raise UsageError(
            "no suite of kernels is there", where=str(args.suites), fix="name another folder with --suites"
        )
    return found


def _measure_all(candidates: list[Candidate], store: PointStore, args: argparse.Namespace) -> str:
    """Measure what is not known; the device's name. Each result is kept at once."""
    gpu = own_gpu(list_gpus())
    seed = subject.seed_of(args)
    with Nursery() as nursery, tempfile.TemporaryDirectory(prefix="crucible-bench-") as scratch:
        context = Context(
            secret_seed=seed,
            scratch=Path(scratch),
            progress=lambda text: print(f"crucible: {text}", file=sys.stderr, flush=True),
        )
        for number, candidate in enumerate(candidates):
            identity = candidate.identity(device=gpu.name, driver=gpu.driver)
            if not args.fresh and store.find(identity) is not None:
                continue
            print(f"crucible: {number + 1}/{len(candidates)} {candidate.operation} {candidate.name}", file=sys.stderr)
            folder = Path(scratch) / str(number)
            folder.mkdir()
            job = Job(
                source=candidate.source,
                definition=candidate.definition,
                place=candidate.place.parent,
                questions=plan_questions(candidate.definition, seed=seed),
                attempts=2,
                timeout=args.timeout,
                folder=folder,
                nursery=nursery,
            )
            try:
                evidence = measure(job, context, step=candidate.name)
            except InfraError as error:  # ours: nothing is kept, and the next kernel is not to blame
                print(f"crucible: {candidate.operation} {candidate.name}: {error}", file=sys.stderr)
                continue
            names = {"operation": candidate.operation, "kernel": candidate.name}
            store.keep(identity, _value(evidence), kind=BENCHMARKED, **names)
    return gpu.name


def _value(evidence: Evidence) -> dict[str, Any]:
    """What is kept of a benchmark."""
    value: dict[str, Any] = {"status": evidence.status.value, "why": evidence.why, "environment": evidence.environment}
    for name in ("targets", "trace", "ceilings"):
        if name in evidence.facts:
            value[name] = evidence.facts[name]
    return value


def _promises(ladder: Ladder) -> str:
    """What became of a ladder's two invariants."""
    words = {True: "holds", False: "is broken", None: "is not decided: not everything was measured"}
    text = f"Correctness {words[ladder.correctness]}; Monotonic Speedup {words[ladder.monotonic]}"
    told = [f"{name} is wrong" for name in ladder.wrong] + [one.sentence for one in ladder.regressions]
    return text + "".join(f"\n  {line}" for line in told)


def _cells(row: dict[str, Any]) -> list[str]:
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
