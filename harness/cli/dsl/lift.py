"""Find laws in a ledger or report of measurements and write them as a domain; each fact names its runs.

Example:
  crucible dsl lift reports/ledger.db --out laws.spak
  crucible dsl lift Final_FMHA_Report.md --name FMHA
  crucible dsl check --laws laws.spak plan.spak
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import output
from harness.core.number import amount
from harness.report import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.dsl.mining.axis import AxisFinding
    from harness.dsl.mining.effect_size import Effect
    from harness.dsl.mining.findings import Findings, TechniqueFinding

MAX_RATIO = 1000.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="*", type=Path, metavar="FILE", help="ledgers, JSON or Markdown reports")
    output.add_ledger(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="the domain (default: stdout)")
    parser.add_argument("--name", default="Lifted", help="the domain's name")
    parser.add_argument("--suite", help="only suites or tasks whose name contains this")
    parser.add_argument(
        "--least",
        type=amount(1.0, MAX_RATIO),
        default=1.05,
        metavar="RATIO",
        help="minimum ratio of single measurements (default 1.05)",
    )
    parser.add_argument("--metric", default="", metavar="NAME", help="the number to compare in reports")
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--minimize", dest="lower", action="store_true", default=None, help="smaller is better")
    end.add_argument("--maximize", dest="lower", action="store_false", help="larger is better")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if no law was found."""
    from harness.dsl.analysis.load import check_source
    from harness.dsl.language.diagnostic import ProgramError
    from harness.dsl.mining.domain_writer import write
    from harness.dsl.mining.findings import find
    from harness.dsl.mining.reports import Wanted
    from harness.dsl.mining.sources import merged, read
    from harness.lanes.dsl.ledger_measurements import read_ledger

    wanted = Wanted(args.metric, args.lower)
    measurements = merged(
        found for path in args.sources or [args.ledger] for found in read(path, wanted, ledger=read_ledger)
    )
    if args.suite:
        measurements = [found for found in measurements if args.suite in found.task]
    lifted = find(measurements, min_ratio=args.least)
    text = write(lifted, name=args.name)
    _, problems = check_source(text, path="lifted", cache=False)
    if any(problem.is_error for problem in problems):
        raise ProgramError(problems, text, "lifted")
    if args.json:
        output.print_json([*map(_technique_to_json, lifted.techniques), *map(_axis_to_json, lifted.axes)])
    elif args.out is None:
        print(text, end="")
    names = [*lifted.supported, *lifted.choices]
    if args.out is not None:
        output.write_file(args.out, text)
        if not args.json:
            facts = len(lifted.techniques) + len(lifted.axes)
            print(f"{args.out}: {words.count(facts, 'fact')}, {words.count(len(names), 'law')}")
            for line in _format_lines(lifted):
                print(f"  {line}")
    return int(not names)


def _effect_to_json(made: Effect) -> dict[str, object]:
    return {
        "ratio": made.ratio,
        "low": made.low,
        "high": made.high,
        "samples": made.samples,
        "comparisons": made.pairs,
        "scatter_seen": made.known,
    }


def _technique_to_json(law: TechniqueFinding) -> dict[str, object]:
    from harness.dsl.mining.findings import runs_of

    named = {"law": law.technique.name, "helps": law.helps, "task": law.after.task, "setting": dict(law.after.setting)}
    compared = {"before": law.before.subject, "after": law.after.subject, "together_with": list(law.together)}
    return named | compared | _effect_to_json(law.effect) | {"runs": runs_of(law.members)}


def _axis_to_json(law: AxisFinding) -> dict[str, object]:
    from harness.dsl.mining.findings import runs_of

    axis, first = law.axis, law.axis.members[0]
    named = {"law": axis.name, "helps": law.helps, "task": first.task, "setting": dict(first.setting)}
    values = {"values": list(axis.values), "good": list(law.good), "times_worse": list(law.levels)}
    return named | values | _effect_to_json(law.effect) | {"runs": runs_of(axis.members)}


def _format_lines(lifted: Findings) -> Iterator[str]:
    for law in lifted.techniques:
        sign = "+" if law.helps else "-"
        together = f" with {' and '.join(law.together)}" if law.together else ""
        yield f"{sign} {law.technique.name}{together}: {_format_effect(law.effect)} over {law.before.subject}"
    for found in lifted.axes:
        good = ", ".join(map(str, found.good)) if found.helps else "no value is better"
        yield f"{'+' if found.helps else '-'} {found.axis.name}: {good}; {_format_effect(found.effect)}"


def _format_effect(made: Effect) -> str:
    seen = f"{made.samples} samples" if made.known else "one measurement each"
    return f"{made.ratio:.2f} x ({made.low:.2f} to {made.high:.2f}, {seen})"
