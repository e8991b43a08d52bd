"""`crucible dsl lift`: from measurements to laws."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import output
from harness.core.errors import UsageError

if TYPE_CHECKING:
    from harness.lanes.dsl.lift.lifting import Law

NAME = "lift"
HELP = """Turn a ledger or report of measurements into a domain of laws; every fact names the runs it came from.

example:
  crucible dsl lift reports/ledger.db --out laws.spak
  crucible dsl lift Final_FMHA_Report.md --name FMHA
  crucible dsl check --laws laws.spak plan.spak"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("sources", nargs="*", type=Path, metavar="FILE", help="ledgers, JSON or Markdown reports")
    output.add_ledger(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the domain goes (default: stdout)")
    parser.add_argument("--name", default="Lifted", help="the domain's name")
    parser.add_argument("--suite", help="only suites or tasks whose name contains this")
    parser.add_argument(
        "--least", type=float, default=1.05, metavar="RATIO", help="what single measurements must differ by (1.05)"
    )
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Lift; 1 if nothing was found."""
    from harness.lanes.dsl.analysis.load import check_source
    from harness.lanes.dsl.language.diagnostic import ProgramError
    from harness.lanes.dsl.lift.lifting import find, write
    from harness.lanes.dsl.lift.sources import read

    if not args.least >= 1:
        raise UsageError("--least is a ratio of at least 1", where=str(args.least), fix="--least 1.05")
    measurements = [found for path in args.sources or [args.ledger] for found in read(path)]
    if args.suite:
        measurements = [found for found in measurements if args.suite in found.task]
    laws = find(measurements, least=args.least)
    text = write(laws, name=args.name)
    _, problems = check_source(text, path="lifted", cache=False)
    if any(problem.is_error for problem in problems):
        raise ProgramError(problems, text, "lifted")
    helping = [law for law in laws if law.helps or law.only_right]
    if args.json:
        output.print_json([_row(law) for law in laws])
    elif args.out is None:
        print(text, end="")
    if args.out is not None:
        output.write_file(args.out, text)
        if not args.json:
            print(f"{args.out}: {len(laws)} facts, {len({law.technique.name for law in helping})} laws")
            for law in laws:
                print(f"  {_line(law)}")
    return int(not helping)


def _row(law: Law) -> dict[str, object]:
    made = law.effect
    return {
        "law": law.technique.name,
        "helps": law.helps,
        "task": law.after.task,
        "before": law.before.subject,
        "after": law.after.subject,
        "ratio": made.ratio,
        "low": made.low,
        "high": made.high,
        "samples": made.samples,
        "runs": list(dict.fromkeys([*law.before.runs, *law.after.runs])),
    }


def _line(law: Law) -> str:
    made = law.effect
    interval = f"({made.low:.2f} to {made.high:.2f}, {made.samples} samples)"
    sign = "+" if law.helps else "-"
    return f"{sign} {law.technique.name}: {made.ratio:.2f} x over {law.before.subject} {interval}"
