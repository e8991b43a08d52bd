"""Print the minimum time a card needs for each target size of an operation, and what limits it.

Example:
  crucible kernel roofline specs/kernels/matmul.yaml
  crucible kernel roofline specs/kernels/fmha.yaml --device H100 --shape B=1,H=16,G=16,S=8192,D=128,causal=true
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness.cli import output
from harness.cli.kernel import subject
from harness.lanes.kernel.axis_expression import evaluate
from harness.lanes.kernel.device_limits import DEFAULT, DEVICES, find_device
from harness.report.table import Column

COLUMNS = (
    Column("operation", optional=2),
    Column("point", flexible=True, min_width=20),
    Column("GFLOP", right=True),
    Column("MB", right=True),
    Column("FLOP/byte", right=True),
    Column("ridge", right=True, optional=3),
    Column("bound"),
    Column("least ms", right=True),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("definitions", nargs="+", type=Path, metavar="YAML", help="a definition")
    parser.add_argument("--device", default=DEFAULT, help=f"a card (default {DEFAULT}; known: {', '.join(DEVICES)})")
    subject.add_shapes(parser, what="this size instead of the definition's targets (repeatable)")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    device = find_device(args.device)
    table: list[dict[str, Any]] = []
    for path in args.definitions:
        definition = subject.read_definition_file(path)
        for point in subject.choose_points(args.shape, definition):
            flops, moved = evaluate(definition.flops, point.names), evaluate(definition.bytes, point.names)
            floor = device.floor(flops=flops, bytes_moved=moved, precision=point.dtype)
            table.append(
                {
                    "operation": definition.operation, "point": point.label, "device": device.name, "flops": flops,
                    "bytes": moved, **floor.to_wire(),
                }
            )  # fmt: skip
    if args.json:
        output.print_json({"device": device.to_wire(), "points": table})
        return 0
    print(f"{device.name}, data sheet: {device.tflops['bfloat16']:g} TFLOP/s in 16 bits, {device.memory_tbs:g} TB/s")
    output.print_table(COLUMNS, [_format_cells(entry) for entry in table])
    return 0


def _format_cells(entry: dict[str, Any]) -> list[str]:
    return [
        entry["operation"],
        entry["point"],
        f"{entry['flops'] / 1e9:,.2f}",
        f"{entry['bytes'] / 1e6:,.2f}",
        f"{entry['intensity']:,.1f}",
        f"{entry['ridge']:,.0f}",
        entry["bound"],
        f"{entry['seconds'] * 1e3:.4f}",
    ]
