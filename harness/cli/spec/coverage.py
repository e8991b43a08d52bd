"""Report how much of a file is in a field, and the gaps.

Example:
  crucible spec coverage png.yaml picture.png
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from harness.cli import output
from harness.cli.spec import inputs
from harness.grammar.tool_host import (
    AnalyzeCoverageInput,
    ToolHost,
)

MAX_SHOWN = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_file_arguments(parser)


def run(args: argparse.Namespace) -> int:
    result = inputs.parse_file(args)
    found = ToolHost.analyze_coverage(AnalyzeCoverageInput(result))
    if args.json:
        output.print_json(asdict(found))
        return 0
    total = found.bytes_covered + found.bytes_uncovered
    print(f"{found.bytes_covered} of {total} bytes covered ({found.coverage_percentage:.1f}%)")
    for start, end in found.gaps[:MAX_SHOWN]:
        print(f"  gap 0x{start:x} .. 0x{end:x}  {end - start} bytes")
    if len(found.gaps) > MAX_SHOWN:
        print(f"  ... and {len(found.gaps) - MAX_SHOWN} more gaps")
    return 0
