"""Tune a kernel over its SPACE: compile all configurations, predict the feasible ones, measure the best.

An interrupted sweep continues when it is called again; without a GPU, the ranking is a prediction.

Example:
  crucible kernel sweep kernels/matmul/autotuned.py --most 40
  crucible kernel sweep kernels/fmha/autotuned.py --shape B=4,H=16,G=16,S=4096,D=64,causal=true --write
  crucible kernel sweep kernels/matmul/autotuned.py --targets --write      # every target size of the operation
"""

from __future__ import annotations

import argparse
import re
import secrets
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness.cli import output
from harness.cli.kernel import subject
from harness.cli.printable_stream import raw
from harness.core.errors import UsageError
from harness.core.number import whole
from harness.core.owned_folder import OwnedFolder
from harness.lanes.kernel.axis_expression import evaluate
from harness.lanes.kernel.device_limits import DEFAULT, find_device
from harness.lanes.kernel.device_measurement import hold_device
from harness.lanes.kernel.device_tuning import Tuner
from harness.lanes.kernel.gpu import absent_gpu, list_gpus, own_gpu, require_extra
from harness.lanes.kernel.sweep import KernelClimb
from harness.lanes.kernel.sweep_store import LANE
from harness.lanes.kernel.swept import Subject, Sweep, Tried, label
from harness.lanes.kernel.trace_items import Performance, send
from harness.lanes.kernel.tuned_table import Tuned, write_tuned
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.ledger.points import Points
from harness.report.table import Column

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
    add = parser.add_argument
    add("kernel", type=Path, metavar="KERNEL", help="a kernel's file with a SPACE")
    subject.add_definition(parser)
    subject.add_shapes(parser, what="tune for this size instead of the definition's first target (repeatable)")
    add("--targets", action="store_true", help="tune for every target of the definition")
    add("--device", help=f"the card to tune for (default: this machine's, else {DEFAULT})")
    add("--most", type=whole(1), metavar="N", help="sample N configurations instead of all")
    add("--best", type=whole(1), default=8, metavar="N", help="measure the N most promising (default 8)")
    output.add_ledger(parser)
    add("--top", type=whole(), default=10, metavar="N", help="print the best N (default 10; 0: all)")
    add("--write", action="store_true", help="write the best measured configurations into the kernel's TUNED")
    add("--no-measure", action="store_true", help="predict only")
    subject.add_trace(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if no configuration can run at one of the sizes, or if `--write` has no measurement to write."""
    from harness.evolve.recording import recording
    from harness.lanes.kernel.climb import TunedKernel
    from harness.lanes.kernel.lane import KernelLane

    if args.targets and args.shape:
        raise UsageError("--targets and --shape exclude each other", fix="keep one of them")
    output.refuse_unwritable(args.kernel if args.write else None)
    args.kernels = [args.kernel]
    (kernel,) = subject.read_candidates(args)
    require_extra()
    absent = "--no-measure" if args.no_measure else absent_gpu()
    card = find_device(args.device or (DEFAULT if absent else own_gpu(list_gpus()).name))
    points = subject.choose_points(args.shape, kernel.definition)
    subjects = [Subject(kernel, point, card) for point in (points if args.shape or args.targets else points[:1])]
    _ = subjects[0].space  # raises if it is invalid, before any process starts
    found: list[Sweep] = []
    with ExitStack() as stack:
        ledger = stack.enter_context(output.open_ledger(args.ledger, create=True))
        kept = Points(ledger, lane=LANE)
        processes = stack.enter_context(WarmProcesses())
        baselines = gpu = None
        if not absent:
            scratch = stack.enter_context(OwnedFolder("sweep"))
            baselines, gpu = stack.enter_context(hold_device(scratch / "baselines"))
        for about in subjects:
            with ExitStack() as tuning:
                measure = None
                if baselines is not None:
                    tuner = Tuner(about, processes, baselines, gpu, seed=secrets.randbits(62))
                    measure = tuning.enter_context(tuner).measure
                progress = _make_progress_printer(sys.stderr.isatty())
                searched = KernelClimb(
                    about,
                    kept,
                    processes,
                    max_configurations=args.most,
                    measure=measure,
                    best=args.best,
                    progress=progress,
                )
                recorded = TunedKernel(searched, KernelLane())
                config = {**about.basis, "device": about.device.name}
                words, name = ["kernel", "sweep", str(args.kernel)], f"kernel-{args.kernel.stem}"
                with recording(ledger, recorded, name, lane="kernel", config=config, words=words) as rows:
                    one = searched.run(rows)
            one.unmeasured = absent
            found.append(one)
            send(_build_trace_items(one), fields=args.trace_fields)
            if not args.json:
                _print_ranking(one, top=args.top)
            if args.write and one.best is not None:
                _write_best(one, one.best, quiet=args.json)
    if args.json:
        reports = [_to_json(one) for one in found]
        output.print_json(reports[0] | {"sweeps": reports})
    status = 0 if all(one.ranked for one in found) else 1
    if args.write and any(one.best is None for one in found):
        print("crucible: not written: no configuration was measured, only predicted", file=sys.stderr)
        status = 1
    return status


def _make_progress_printer(shown: bool) -> Callable[[str], None]:
    def print_progress(text: str) -> None:
        if shown:
            from harness.report.words import printable

            stream = raw(sys.stderr)
            print(f"\r\x1b[K{printable(text)[:114]}\r", end="", file=stream, flush=True)

    return print_progress


def _print_ranking(found: Sweep, *, top: int) -> None:
    ranked = found.ranked
    dropped = [one for one in found.tried if not one.feasible]
    print(f"{found.subject.candidate.path.name} at {found.subject.point.label} for {found.subject.device.name}")
    if ranked:
        shown = ranked[: top or None]
        # Values that all configurations share are printed once; the others have a column each.
        names = list(ranked[0].configuration)
        shared = [name for name in names if len({one.configuration[name] for one in shown}) == 1]
        if shared and len(shown) > 1:
            print("all: " + label({name: shown[0].configuration[name] for name in shared}))
        else:
            shared = []
        varied = [name for name in names if name not in shared]
        columns = (Column(" #", right=True), *(Column(name, right=True) for name in varied), *FIGURES)
        output.print_table(columns, [_format_cells(number, one, varied) for number, one in enumerate(shown, 1)])
    counts = f"{len(found.tried)} configurations: {len(ranked)} can run, {len(dropped)} cannot"
    print(f"{counts}; {found.known} were already in the ledger")
    for reason, count in _count_reasons(dropped):
        print(f"  {count} {reason}")
    if found.agreement is not None:
        print(f"rank correlation of prediction and measurement: Spearman {found.agreement:+.2f}")
    if found.unmeasured:
        print(f"not measured: {found.unmeasured}")


def _format_cells(number: int, one: Tried, names: list[str]) -> list[str]:
    code = one.compiled.main
    predicted, timed = one.prediction, one.measured
    measured = "-" if timed is None else (timed.why or f"{timed.detail['kernel_ms']:.4f}")
    return [
        str(number),
        *(str(one.configuration[name]) for name in names),
        str(code.registers),
        str(code.shared_bytes),
        "" if predicted is None else f"{predicted.rounds:.2f}",
        "" if predicted is None else predicted.limit,
        "" if predicted is None else f"{predicted.seconds * 1e3:.4f}",
        measured,
        "-" if timed is None or timed.value is None else f"{timed.value:.3f}",
    ]


def _count_reasons(dropped: list[Tried]) -> list[tuple[str, int]]:
    """Count why configurations cannot run, most frequent first; reasons that differ only in numbers are equal."""
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


def _to_json(found: Sweep) -> dict[str, Any]:
    best = found.best
    return {
        "kernel": str(found.subject.candidate.path),
        "point": found.subject.point.to_wire(),
        "device": found.subject.device.name,
        "not_measured": found.unmeasured,
        "agreement": found.agreement,
        "known": found.known,
        "best": best.configuration if best else None,
        "trace": [item.to_wire() for item in _build_trace_items(found)],
        "tried": [
            {
                "configuration": one.configuration,
                "feasible": one.feasible,
                "fault": one.compiled.fault,
                "codes": [code.to_wire() for code in one.compiled.codes],
                "predicted": one.prediction.to_wire() if one.prediction else None,
                "measured": one.measured.to_wire() if one.measured else None,
            }
            for one in found.tried
        ],
    }


def _build_trace_items(found: Sweep) -> list[Performance]:
    """Return an item for each right configuration that was measured, the best one last."""
    about = found.subject
    flops, moved = (
        evaluate(text, about.point.names)
        for text in (about.candidate.definition.flops, about.candidate.definition.bytes)
    )
    return [
        Performance(
            step_name=f"{about.candidate.name} {label(one.configuration)}",
            point=about.point.label,
            latency_ms=one.milliseconds,
            tflops=flops / one.milliseconds / 1e9,
            speedup=one.measured.value if one.measured else None,
            dram_throughput=moved / one.milliseconds / 1e6,
        )
        for one in reversed(found.ranked)
        if one.milliseconds is not None
    ]


def _write_best(found: Sweep, best: Tried, *, quiet: bool) -> None:
    about, path = found.subject, found.subject.candidate.path
    entry = Tuned(
        device=about.device.name,
        dtype="float32" if about.point.dtype == "tf32" else about.point.dtype,
        shape=about.point.sizes,
        parameters=about.point.parameters,
        configuration=best.configuration,
    )
    # The file is read again, because the entry of another size may have been written since.
    text = write_tuned(path.read_text(encoding="utf-8"), [entry], where=str(path))
    output.write_file(path, text)
    if not quiet:
        print(f"wrote {label(best.configuration)} into {path}")
