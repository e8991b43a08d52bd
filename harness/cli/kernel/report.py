"""Write the pages about kernels: all results, and a final report for each ladder.

Example:
  crucible kernel report --out docs
  crucible kernel report --json > results.json
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from harness.cli import output
from harness.cli.kernel import subject
from harness.lanes.kernel.device_limits import DEFAULT, find_device
from harness.lanes.kernel.golden_table import read_golden
from harness.lanes.kernel.markdown_pages import ladder_page, results_page
from harness.lanes.kernel.results import ladders, results
from harness.lanes.kernel.sweep_store import LANE
from harness.lanes.kernel.tile_map import TileMap, tile_maps
from harness.ledger.points import Points

RESULTS = "kernel-results.md"
FINAL = {
    "matmul": ("Final_MatMul_Report.md", "Final MatMul report"),
    "fmha": ("Final_FMHA_Report.md", "Final FMHA report"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    subject.add_suites(parser)
    output.add_ledger(parser)
    add("--device", default=DEFAULT, help=f"the card whose data sheet gives the roofline (default {DEFAULT})")
    add("--out", type=Path, default=Path("docs"), metavar="DIR", help="folder of the pages (default docs)")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    candidates = subject.read_suites(args)
    device = find_device(args.device)
    maps: dict[str, list[TileMap]] = {}
    with ExitStack() as stack:
        known = None
        if args.ledger.is_file():
            known = Points(stack.enter_context(output.read_ledger(args.ledger)), lane=LANE)
        rows = results(candidates, known, device=device)
        for candidate in candidates:
            if known is not None:
                maps.setdefault(candidate.operation, []).extend(tile_maps(candidate, known))
    found = ladders(rows)
    if args.json:
        output.print_json(
            {
                "device": device.to_wire(),
                "results": [row.to_wire() for row in rows],
                "ladders": {operation: ladder.to_wire() for operation, ladder in found.items()},
                "maps": {operation: [one.to_wire() for one in tiles] for operation, tiles in maps.items()},
            }
        )
        return 0
    pages = {RESULTS: results_page(rows, found)}
    for operation, (name, title) in FINAL.items():
        if operation in found:
            here = [row for row in rows if row.operation == operation]
            stories = {c.name: c.file.story for c in candidates if c.operation == operation}
            place = next(c.place for c in candidates if c.operation == operation)
            golden = place.parent / "golden" / f"{operation}.json"
            pages[name] = ladder_page(
                title,
                here,
                found[operation],
                device=device,
                stories=stories,
                maps=maps.get(operation, []),
                resources=read_golden(golden).rows if golden.is_file() else (),
            )
    args.out.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        output.write_file(args.out / name, text)
        print(args.out / name)
    return 0
