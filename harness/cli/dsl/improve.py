"""Ask for revisions of a program and accept those that measure better; exit status 1 if none does.

Example:
  crucible dsl improve matmul.spak --live --backend ollama --metric cost --minimize --out better.spak
  crucible dsl improve plan.spak --live --backend command --command './propose.py' --laws laws.spak
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import output
from harness.cli.dsl import options, programs
from harness.core.errors import UsageError
from harness.core.number import whole

if TYPE_CHECKING:
    from harness.dsl.improve.revision import Attempt


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("program", type=Path, metavar="FILE", help="the program")
    parser.add_argument("--metric", default="", metavar="NAME", help="a check with a number, or Variant.Case.field")
    parser.add_argument("--minimize", action="store_true", help="smaller is better")
    parser.add_argument("--rounds", type=whole(1), default=3, metavar="N", help="revisions to ask for (default 3)")
    parser.add_argument("--repeats", type=whole(1), default=3, metavar="N", help="runs of each program (default 3)")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help="an input (repeatable)")
    parser.add_argument("--laws", type=Path, metavar="FILE", help="a domain whose laws no revision may break")
    parser.add_argument(
        "--variable",
        action="append",
        default=[],
        metavar="NAME",
        help="what may change: a name, step or written file; or a measured Variant.Case.field (repeatable)",
    )
    options.add_files(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the best program here, if one is better")
    options.add_settings(parser)
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if no revision was accepted."""
    from harness.dsl.improve.measured_runs import Objective, measure
    from harness.dsl.improve.revision import Improvement, ProgramClimb
    from harness.dsl.machine.settings import RunSettings
    from harness.evolve.recording import recording
    from harness.lanes.dsl.climb import DslClimb
    from harness.lanes.dsl.lane import DslLane
    from harness.providers.factory import provider_for

    output.refuse_unwritable(args.out)
    inputs = options.parse_inputs(args.input)
    program = programs.load(args.program, inputs=inputs)
    laws = None if args.laws is None else programs.load(args.laws)
    settings = RunSettings.from_wire(options.parse_settings(args))
    provider = None if settings.backend is None else provider_for(settings.backend)
    if provider is None:
        raise UsageError("no back end to ask for revisions", fix="--backend ollama, openai, command or file")
    files = options.read_files(program, args)
    objective = Objective(args.metric, maximize=not args.minimize)
    improving = Improvement(
        objective,
        lambda revised, first: measure(
            revised,
            objective,
            inputs=inputs,
            settings=settings,
            provider=provider,
            repeats=args.repeats,
            first=first,
            files=files,
        ),
        provider,
        inputs=tuple(inputs),
        laws=laws,
        variable=frozenset(args.variable),
    )
    searched = ProgramClimb(improving, program)
    recorded, operator = DslClimb(searched, DslLane(), objective), provider.name
    config, words = {"program": program.digest, "operator": operator}, ["dsl", "improve", str(args.program)]
    with (
        output.open_ledger(args.ledger, create=True) as ledger,
        recording(ledger, recorded, f"dsl-{program.name}", lane="dsl", config=config, words=words) as rows,
    ):
        searched.run(rows, args.rounds)
    best, attempts = searched.best, searched.attempts
    better = best.digest != program.digest
    if better and args.out is not None:
        output.write_file(args.out, best.source)
    if args.json:
        shown = [_row(attempt) for attempt in attempts]
        output.print_json({"improved": better, "digest": best.digest, "attempts": shown})
    else:
        for attempt in attempts:
            print(f"round {attempt.round}: {'accepted' if attempt.accepted else 'rejected'}: {attempt.why}")
        if better and args.out is None:
            output.print_document(best.source)
    return int(not better)


def _row(attempt: Attempt) -> dict[str, Any]:
    """An attempt as a JSON object; the source is omitted."""
    return {
        "round": attempt.round,
        "accepted": attempt.accepted,
        "why": attempt.why,
        "digest": attempt.digest,
        "values": list(attempt.values),
    }
