"""`crucible kernel sweep`: tune a kernel: compile its tile space, predict, measure the best where there is a GPU."""

from __future__ import annotations

import argparse
import re
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness.cli import output
from harness.cli.kernel import subject
from harness.core.errors import UsageError
from harness.lanes.kernel import tile_space
from harness.lanes.kernel.device import DEFAULT, find_device
from harness.lanes.kernel.gpu import absent_gpu, list_gpus, own_gpu
from harness.lanes.kernel.nursery import Nursery
from harness.lanes.kernel.point_store import PointStore
from harness.lanes.kernel.sweep import Subject, Sweep, Tried, sweep
from harness.lanes.kernel.tuned_table import Tuned, write_tuned
from harness.lanes.kernel.tuning import measurer
from harness.report.table import Column

NAME = "sweep"
HELP = """Tune a kernel over its SPACE: compile all, drop what cannot run, predict the rest, measure the best.

It can be stopped and goes on where it was; without a GPU nothing is measured, and the ranking is a prediction.

example:
  crucible kernel sweep kernels/matmul/autotuned.py --most 40
  crucible kernel sweep kernels/fmha/autotuned.py --shape B=4,H=16,G=16,S=4096,D=64,causal=true --write"""

FIGURES = (
    Column("registers", right=True, optional=3),
    Column("shared", right=True, optional=2),
    Column("rounds", right=True, optional=5),
    Column("limit", optional=4),
    Column("predicted ms", right=True),
    Column("measured ms", right=True),
    Column("speed-up", right=True),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("kernel", type=Path, metavar="KERNEL", help="a kernel's file with a SPACE")
    subject.add_definition(parser)
    subject.add_shapes(parser, what="tune for this size instead of the definition's first target")
    parser.add_argument("--device", help=f"the card to tune for (default: the one that is there, else {DEFAULT})")
    parser.add_argument("--most", type=int, metavar="N", help="sample N configurations instead of all")
    parser.add_argument("--best", type=int, default=8, metavar="N", help="measure the N most promising (default 8)")
    subject.add_points(parser)
    parser.add_argument("--top", type=int, default=10, metavar="N", help="print the best N (default 10; 0: all)")
    parser.add_argument(
        "--write", action="store_true", help="write the best measured configuration into the kernel's TUNED"
    )
    parser.add_argument("--no-measure", action="store_true", help="predict only")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the ranking; 1 if no configuration can run, or nothing could be written that was asked for."""
    args.kernels = [args.kernel]
    kernel = next(subject.named(args))
    subject.need_extra()
    if args.most is not None and args.most < 1:
        raise UsageError(f"{args.most} configurations are none", where="--most", fix="name 1 or more")
    absent = "--no-measure" if args.no_measure else absent_gpu()
    card = find_device(args.device or (DEFAULT if absent else own_gpu(list_gpus()).name))
    point = subject.points_of(args.shape[:1], kernel.definition)[0]
    about = Subject(kernel.path, kernel.source, kernel.definition, kernel.place, point, card)
    if problem := about.file.problem:
        raise UsageError(problem, where=str(kernel.path), fix='write SPACE = {"BLOCK_M": [64, 128], ...}')
    with ExitStack() as stack:
        store, nursery = stack.enter_context(PointStore(args.points)), stack.enter_context(Nursery())
        measure = None if absent else stack.enter_context(measurer(nursery, seed=secrets.randbits(62)))
        found = sweep(
            about,
            store,
            nursery,
            most=args.most,
            measure=measure,
            best=args.best,
            progress=_progress(sys.stderr.isatty()),
        )
    if args.json:
        output.print_json(_report(found, absent))
    else:
        _print(found, absent, top=args.top)
    status = 0 if found.ranked else 1
    return max(status, _write(found)) if args.write else status


def _progress(shown: bool) -> Any:
    def say(done: int, whole: int, text: str) -> None:
        if shown:
            print(
                f"\r\x1b[K{done}/{whole} {text}"[:118],
                end="" if done < whole else "\r\x1b[K",
                file=sys.stderr,
                flush=True,
            )

    return say


def _print(found: Sweep, absent: str, *, top: int) -> None:
    ranked = found.ranked
    dropped = [one for one in found.tried if not one.feasible]
    print(f"{found.subject.path.name} at {found.subject.point.label} for {found.subject.device.name}")
    if ranked:
        shown = ranked[: top or None]
        # What all of them share is said once; a column for each of the others.
        names = list(ranked[0].configuration)
        shared = [name for name in names if len({one.configuration[name] for one in shown}) == 1]
        if shared and len(shown) > 1:
            print("all: " + tile_space.label({name: shown[0].configuration[name] for name in shared}))
        else:
            shared = []
        varied = [name for name in names if name not in shared]
        columns = (Column(" #", right=True), *(Column(name, right=True) for name in varied), *FIGURES)
        output.print_table(columns, [_cells(number, one, varied) for number, one in enumerate(shown, 1)])
    known = sum(one.known for one in found.tried)
    print(
        f"{len(found.tried)} configurations: {len(ranked)} can run, {len(dropped)} cannot; {known} were known already"
    )
    for reason, count in _reasons(dropped):
        print(f"  {count} {reason}")
    if found.agreement is not None:
        print(f"the prediction ranks as the measurement does: Spearman {found.agreement:+.2f}")
    if absent:
        print(f"not measured: {absent}")


def _cells(number: int, one: Tried, names: list[str]) -> list[str]:
    code = max(one.compiled.codes, key=lambda code: code.registers)
    predicted, timing = one.prediction, one.timing
    measured = "-" if timing is None else (timing.why or f"{timing.seconds * 1e3:.4f}")
    return [
        str(number),
        *(str(one.configuration[name]) for name in names),
        str(code.registers),
        str(code.shared_bytes),
        "" if predicted is None else f"{predicted.rounds:.2f}",
        "" if predicted is None else predicted.limit,
        "" if predicted is None else f"{predicted.seconds * 1e3:.4f}",
        measured,
        "-" if timing is None or timing.speedup is None else f"{timing.speedup:.3f}",
    ]


def _reasons(dropped: list[Tried]) -> list[tuple[str, int]]:
    """Why configurations cannot run, most frequent first; figures left out, so that like comes to like."""
    counted: dict[str, int] = {}
    for one in dropped:
        reason = "do not compile" if re.search("does not compile|raised", one.compiled.fault) else one.compiled.fault
        for word, text in (
            ("spills", "spill"),
            ("shared memory", "need more shared memory"),
            ("registers", "need more registers"),
        ):
            if word in reason:
                reason = text
        counted[reason] = counted.get(reason, 0) + 1
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))


def _report(found: Sweep, absent: str) -> dict[str, Any]:
    return {
        "kernel": str(found.subject.path),
        "point": found.subject.point.to_wire(),
        "device": found.subject.device.name,
        "not_measured": absent,
        "agreement": found.agreement,
        "tried": [
            {
                "configuration": one.configuration,
                "feasible": one.feasible,
                "fault": one.compiled.fault,
                "codes": [code.to_wire() for code in one.compiled.codes],
                "predicted": one.prediction.to_wire() if one.prediction else None,
                "measured": one.timing.to_wire() if one.timing else None,
            }
            for one in found.tried
        ],
    }


def _write(found: Sweep) -> int:
    best = next((one for one in found.ranked if one.timing and not one.timing.why), None)
    if best is None:
        print("crucible: nothing was measured, so nothing is written: a prediction is no result", file=sys.stderr)
        return 1
    about = found.subject
    entry = Tuned(
        device=about.device.name,
        dtype="float32" if about.point.dtype == "tf32" else about.point.dtype,
        shape=about.point.sizes,
        parameters=about.point.parameters,
        configuration=best.configuration,
    )
    text = write_tuned(about.source.decode(), [entry], where=str(about.path))
    about.path.write_text(text, encoding="utf-8")
    print(f"wrote {tile_space.label(best.configuration)} into {about.path}")
    return 0
