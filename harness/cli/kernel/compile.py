"""Compile kernels without a GPU: registers, spills, shared memory, occupancy, tensor cores.

Example:
  crucible kernel compile kernels/matmul/*.py
  crucible kernel compile mine.py --definition matmul.yaml --architecture sm_80 --set BLOCK_M=64
  crucible kernel compile kernels/matmul/*.py --golden specs/kernels/golden/matmul.json
"""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path
from typing import Any

from harness.cli import output
from harness.cli.kernel import subject
from harness.core.errors import SpecError, UsageError
from harness.core.number import whole
from harness.core.owned_folder import OwnedFolder
from harness.lanes.kernel.architecture import ARCHITECTURES
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.compilation import MAX_CONFIGURATIONS, Launch, compile_launches
from harness.lanes.kernel.definition import Point
from harness.lanes.kernel.device_limits import card_of
from harness.lanes.kernel.golden_table import Golden, golden_text, read_golden, rows_of
from harness.lanes.kernel.gpu import require_extra
from harness.lanes.kernel.performance_model import predict, tile_of
from harness.lanes.kernel.trace_items import Resources, send
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.report.table import Column

COLUMNS = (
    Column("kernel"),
    Column("launch"),
    Column("architecture"),
    Column("target", flexible=True, min_width=10, optional=4),
    Column("registers", right=True),
    Column("stack", right=True),
    Column("shared", right=True),
    Column("threads", right=True, optional=3),
    Column("occupancy", right=True),
    Column("instructions", optional=5),
    Column("verdict", flexible=True, prose=True, min_width=12),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subject.add_kernels(parser)
    subject.add_shapes(parser, what="compile for this size instead of the definition's targets (repeatable)")
    subject.add_settings(parser)
    parser.add_argument(
        "--architecture",
        action="append",
        choices=sorted(ARCHITECTURES),
        help="a target of the compiler (default sm_90a; repeatable)",
    )
    parser.add_argument("--targets", type=whole(1), default=1, metavar="N", help="the first N target sizes (default 1)")
    parser.add_argument("--golden", type=Path, metavar="JSON", help="write the result as a golden table")
    subject.add_timeout(parser, 120)
    subject.add_trace(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if a launch does not compile, does not fit, spills, or lacks a claimed feature."""
    kernels = list(subject.read_candidates(args))
    _refuse_other_file(args.golden)
    require_extra()
    configuration = subject.parse_settings(args.settings, where="--set")
    table: list[dict[str, Any]] = []
    golden = []
    with WarmProcesses() as processes:
        for kernel in kernels:
            points = subject.choose_points(args.shape, kernel.definition)
            with OwnedFolder("compile") as folder:
                job = kernel.job(folder, processes, timeout=args.timeout, configuration=configuration)
                launches, fault, _ = compile_launches(
                    job,
                    points if args.shape else points[: args.targets],
                    architectures=tuple(args.architecture or ["sm_90a"]),
                    max_configurations=MAX_CONFIGURATIONS,
                )
            golden += rows_of(kernel.path.stem, launches)
            table += _build_entries(kernel, launches, "" if fault is None else fault.why, points, configuration)
    send((_to_resources(entry) for entry in table if "registers" in entry), fields=args.trace_fields)
    if args.golden is not None:
        table_text = golden_text(Golden(triton=importlib.metadata.version("triton"), rows=tuple(golden)))
        output.write_file(args.golden, table_text)
    if args.json:
        output.print_json(table)
    else:
        output.print_table(COLUMNS, [_format_cells(entry) for entry in table])
        for entry in table:
            if entry["verdict"] != "ok":
                print(f"{entry['kernel']}: {entry['verdict']}")
    return 0 if all(entry["verdict"] == "ok" for entry in table) else 1


def _refuse_other_file(golden: Path | None) -> None:
    output.refuse_unwritable(golden)
    if golden is not None and golden.is_file():
        try:
            read_golden(golden)
        except SpecError:
            fix = "name another file, or remove this one"
            raise UsageError("it exists and is not a golden table", where=str(golden), fix=fix) from None


def _build_entries(
    kernel: Candidate, launches: list[Launch], fault: str, points: list[Point], configuration: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return an entry for each launch, or one for a kernel without launches; a known tile adds a prediction."""
    name = str(kernel.path)
    if fault or not launches:
        return [{"kernel": name, "verdict": fault or f"{kernel.definition.entry} launches no Triton kernel"}]
    entries = []
    for launch in launches:
        best = launch.best
        entry: dict[str, Any] = {
            "kernel": name, "launch": launch.name, "architecture": launch.architecture, "target": launch.target,
            "configuration": {**configuration, **best.configuration},
        }  # fmt: skip
        point = next(one for one in points if one.label == launch.target)
        if (code := best.code) is not None:
            entry |= code.to_wire()
            if tile_of(point) <= (named := entry["configuration"]).keys():
                guess = predict(kernel.definition, point, named, code, device=card_of(launch.architecture))
                entry["predicted_ms"] = guess.seconds * 1e3
        entries.append(entry | {"verdict": best.problem or "ok"})
    for architecture in dict.fromkeys(launch.architecture for launch in launches):
        codes = [launch.best.code for launch in launches if launch.architecture == architecture and launch.best.code]
        claims = [claim for claim in kernel.file.claims if claim in ARCHITECTURES[architecture].claims]
        if missing := [claim for claim in claims if not any(code.shows(claim) for code in codes)]:
            verdict = f"claims {', '.join(missing)}: not in the code"
            entries.append({"kernel": name, "architecture": architecture, "verdict": verdict})
    return entries


def _to_resources(entry: dict[str, Any]) -> Resources:
    known = {name: entry[name] for name in Resources.model_fields if name in entry}
    return Resources(step_name=Path(entry["kernel"]).stem, **known)


def _format_cells(entry: dict[str, Any]) -> list[str]:
    instructions = entry.get("instructions") or {}
    shown = [
        f"{name} {count}" for name, count in instructions.items() if name in ("HGMMA", "HMMA", "UTMALDG", "LDGSTS")
    ]
    figures = ("registers", "stack_bytes", "shared_bytes", "threads")
    return [
        Path(entry["kernel"]).stem,
        entry.get("launch", ""),
        entry.get("architecture", ""),
        entry.get("target", ""),
        *(str(entry[name]) if name in entry else "" for name in figures),
        f"{entry['occupancy']:.0%}" if "occupancy" in entry else "",
        " ".join(shown),
        entry["verdict"],
    ]
