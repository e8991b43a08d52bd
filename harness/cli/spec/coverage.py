"""Report how much of a file is in a field, and the gaps.

Example:
  crucible spec coverage png.yaml picture.png
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from harness.cli import output
from harness.cli.spec import inputs
from harness.grammar.engine.session import Session
from harness.grammar.host.file_reader import load
from harness.grammar.tool_host import AnalyzeCoverageInput, Coverage, ToolHost

MAX_SHOWN = 40
MIN_COLUMNAR_BYTES = 1 << 20  # a smaller file is read sooner than numpy is imported


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_files(parser)


def run(args: argparse.Namespace) -> int:
    given = inputs.read_inputs(args)
    found = _columnar(given, args) or _coverage(given, args)
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


def _coverage(given: inputs.Inputs, args: argparse.Namespace) -> Coverage:
    result = inputs.parse_file(args, found=given)
    inputs.print_notes(result)
    return ToolHost.analyze_coverage(AnalyzeCoverageInput(result))


def _columnar(given: inputs.Inputs, args: argparse.Namespace) -> Coverage | None:
    """The coverage of a whole file without an object for each record, where the grammar is columnar."""
    if given.files[0] == "-" or args.offset or args.limit is not None or args.max_records is not None:
        return None
    path = Path(given.files[0])
    try:
        session = Session(load(path))
    except (OSError, ValueError):
        return None  # the reference engine says why
    if len(session.data) < MIN_COLUMNAR_BYTES or session.batches(given.grammar) is None:
        return None
    tally = session.tally(given.grammar)
    return Coverage(
        bytes_covered=tally.covered,
        bytes_uncovered=tally.size - tally.covered,
        coverage_percentage=100.0 * tally.covered / tally.size,
        gaps=tally.gaps,
        largest_gap=max(tally.gaps, key=lambda gap: gap[1] - gap[0], default=None),
        record_count=tally.top_records,
    )
