"""Run kernels in Triton's interpreter and compare with double precision; no GPU is needed.

Example:
  crucible kernel check kernels/matmul/tiled.py
  crucible kernel check mine.py --definition matmul.yaml --shape M=33,N=65,K=47,dtype=bfloat16
"""

from __future__ import annotations

import argparse
from typing import Any

from harness.cli import output
from harness.cli.kernel import subject
from harness.core.evidence import Evidence
from harness.core.number import whole
from harness.core.owned_folder import OwnedFolder
from harness.core.status import Status
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.correctness import interpret
from harness.lanes.kernel.gpu import require_extra
from harness.lanes.kernel.question import plan_questions
from harness.lanes.kernel.trace_items import correctness_items, send
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.report.table import Column

COLUMNS = (
    Column("kernel"),
    Column("set", optional=2),
    Column("shape", flexible=True, min_width=16),
    Column("dtype"),
    Column("numbers", optional=3),
    Column("error", right=True),
    Column("allowed", right=True),
    Column("verdict"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subject.add_kernels(parser)
    subject.add_shapes(parser, what="check this size instead of those of the definition (repeatable)")
    subject.add_settings(parser)
    parser.add_argument(
        "--attempts", type=whole(1), default=1, metavar="N", help="how often all questions are asked (default 1)"
    )
    subject.add_seed(parser)
    subject.add_timeout(parser, 120)
    parser.add_argument("--library", action="store_true", help="allow PyTorch's own operators")
    subject.add_trace(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if a kernel is wrong or could not be checked."""
    kernels = list(subject.read_candidates(args))
    require_extra()
    seed = subject.choose_seed(args)
    configuration = subject.parse_settings(args.settings, where="--set")
    found: list[tuple[Candidate, Evidence]] = []
    with WarmProcesses() as processes:
        for kernel in kernels:
            shapes = subject.parse_shapes(args.shape, kernel.definition)
            with OwnedFolder("check") as folder:
                questions = plan_questions(kernel.definition, seed=seed, shapes=shapes)
                job = kernel.job(
                    folder, processes, timeout=args.timeout, questions=questions, attempts=args.attempts,
                    configuration=configuration, library=args.library,
                )  # fmt: skip
                found.append((kernel, interpret(job)))
    for kernel, evidence in found:
        send(correctness_items(kernel.name, evidence.facts.get("shapes", [])), fields=args.trace_fields)
    if args.json:
        output.print_json(
            [{"kernel": str(k.path), "status": e.status, "why": e.why, "seed": seed, **e.facts} for k, e in found]
        )
    else:
        output.print_table(COLUMNS, [row for kernel, evidence in found for row in _build_rows(kernel, evidence)])
        for kernel, evidence in found:
            print(f"{kernel.path}: {evidence.status}" + (f": {evidence.why}" if evidence.why else ""))
    return 0 if all(evidence.status is Status.OK for _, evidence in found) else 1


def _build_rows(kernel: Candidate, evidence: Evidence) -> list[list[str]]:
    return [
        [
            kernel.path.stem,
            entry["set"],
            " ".join(f"{axis}={size}" for axis, size in {**entry["shape"], **entry["parameters"]}.items()),
            entry["dtype"],
            entry["family"],
            _format(entry.get("error")),
            _format(entry.get("allowed")),
            "right" if entry["right"] else "wrong",
        ]
        for entry in evidence.facts.get("shapes", [])
    ]


def _format(value: Any) -> str:
    return "-" if value is None else f"{value:.2g}"
