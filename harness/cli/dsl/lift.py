"""Find laws in ledgers, reports and runs and write them as a domain; each fact names its runs.

Example:
  crucible dsl lift reports/ledger.db --out laws.spak
  crucible dsl lift reports/dsl/matmul-1 --name MatMul
  crucible dsl lift Final_FMHA_Report.md --name FMHA
  crucible dsl check --laws laws.spak plan.spak
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import output
from harness.core.number import amount
from harness.report import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.dsl.mining.axis import AxisFinding
    from harness.dsl.mining.effect_size import Effect
    from harness.dsl.mining.findings import Findings, TechniqueFinding
    from harness.dsl.mining.measurement import Measurement

MAX_RATIO = 1000.0
MAX_UNUSED = 10  # rows that were not used, in the summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources", nargs="*", type=Path, metavar="FILE", help="ledgers, runs, trace.json, JSON or Markdown reports"
    )
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

    output.refuse_unwritable(args.out)
    wanted = Wanted(args.metric, args.lower)
    measurements = merged(
        found
        for path in map(_find, args.sources or [args.ledger])
        for found in read(path, wanted, ledger=read_ledger, run=_read_run)
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
        output.print_document(text)
    names = [*lifted.supported, *lifted.choices]
    if args.out is not None:
        output.write_file(args.out, text)
        if not args.json:
            facts = len(lifted.techniques) + len(lifted.axes)
            print(f"{args.out}: {words.count(facts, 'fact')}, {words.count(len(names), 'law')}")
            for line in [*_format_lines(lifted), *_format_unused(measurements), *_format_alone(lifted, measurements)]:
                print(f"  {line}")
    return int(not names)


def _find(path: Path) -> Path:
    """A file or folder, or the run of that name below `reports/dsl`."""
    from harness.cli.dsl.run_folders import RUNS

    return RUNS / path if not path.exists() and (RUNS / path).is_dir() else path


def _read_run(folder: Path) -> list[dict[str, Any]]:
    from harness.cli.dsl.run_folders import find_folder
    from harness.dsl.machine.export import trace
    from harness.dsl.machine.stored_run import open_log, stored_program
    from harness.dsl.mining.traces import trace_records

    with open_log(find_folder(str(folder))) as file:
        log = file.open_run()
        program = stored_program(file, log)
        return trace_records(trace(program, log), program.name)


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
    compared: dict[str, object] = {
        "before": law.before.subject,
        "after": law.after.subject,
        "together_with": list(law.together),
    }
    if law.against_reference is not None:
        compared |= {"reference": law.after.reference_name, "against_reference": list(law.against_reference)}
    if law.fallen:
        compared["worse"] = {key: list(numbers) for key, numbers in law.fallen.items()}
    return named | compared | _effect_to_json(law.effect) | {"runs": runs_of(law.members)}


def _axis_to_json(law: AxisFinding) -> dict[str, object]:
    from harness.dsl.mining.findings import runs_of

    axis, first = law.axis, law.axis.members[0]
    named = {"law": axis.name, "helps": law.helps, "task": first.task, "setting": dict(first.setting)}
    values: dict[str, object] = {"values": list(axis.values), "good": list(law.good), "times_worse": list(law.levels)}
    if law.depends_on:
        values["interacts_with"] = law.depends_on
        values["best_by"] = [list(pair) for pair in law.best_by]
    return named | values | _effect_to_json(law.effect) | {"runs": runs_of(axis.members)}


def _format_lines(lifted: Findings) -> Iterator[str]:
    for law in lifted.techniques:
        sign = "+" if law.helps else "-"
        worse = "".join(f", but {key} went from {a:g} to {b:g}" for key, (a, b) in law.fallen.items())
        if law.against_reference is not None:
            old, new = law.against_reference
            worse = f"; {old:.2f} to {new:.2f} of {law.after.reference_name}{worse}"
        together = f" with {' and '.join(law.together)}" if law.together else ""
        yield f"{sign} {law.technique.name}{together}: {_format_effect(law.effect)} over {law.before.subject}{worse}"
    for found in lifted.axes:
        good = ", ".join(map(str, found.good)) if found.helps else "no value is better"
        if found.depends_on:
            good = f"depends on {found.depends_on}: "
            good += ", ".join(f"{value} if {found.depends_on} is {of}" for of, value in found.best_by)
            yield f"- {found.axis.name}: {good}"
            continue
        yield f"{'+' if found.helps else '-'} {found.axis.name}: {good}; {_format_effect(found.effect)}"


def _format_unused(measurements: list[Measurement]) -> Iterator[str]:
    """Why rows that could have been compared were not."""
    unused = [one for one in measurements if not one.usable and one.notes]
    for one in unused[:MAX_UNUSED]:
        yield f"not used: {one.subject}: {one.notes[0]}"
    if len(unused) > MAX_UNUSED:
        yield f"not used: {len(unused) - MAX_UNUSED} more"


def _format_alone(lifted: Findings, measurements: list[Measurement]) -> Iterator[str]:
    """Known techniques that were measured and could be compared with nothing."""
    from harness.dsl.mining.technique import about, known_in, words_of

    compared = {finding.technique.name for finding in lifted.techniques}
    for one in measurements:
        for name in known_in(words_of(one), about(one)) if one.usable else ():
            if name not in compared:
                compared.add(name)
                yield f"not compared: {name}: {one.subject} is {one.median:g}, and nothing without it was measured"


def _format_effect(made: Effect) -> str:
    seen = f"{made.samples} samples" if made.known else "one measurement each"
    return f"{made.ratio:.2f} x ({made.low:.2f} to {made.high:.2f}, {seen})"
