"""Run a program; exit status 1 if it fails, 0 if it passes or waits for an answer.

Example:
  crucible dsl run hello.spak --live --input name=World
  crucible dsl run tune.spak --live --backend ollama --model qwen2.5:7b --state out/tune
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import output
from harness.cli.dsl import display, options, programs, run_folders
from harness.core.errors import UsageError
from harness.core.number import whole
from harness.dsl.analysis.inputs import refuse_unknown
from harness.dsl.machine.session import Session
from harness.dsl.machine.settings import RunSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("program", type=Path, metavar="FILE", help="the program")
    add("--input", action="append", default=[], metavar="NAME=VALUE", help="an input (repeatable)")
    add("--seed", type=whole(), default=0, metavar="N", help="seed of the program's random numbers (default 0)")
    add("--entry", default="", metavar="UNIT", help="the task or loop to run (default: the program's first)")
    add("--state", type=Path, metavar="DIR", help=f"the run's folder (default: below {run_folders.RUNS})")
    options.add_files(parser)
    add("--quiet", action="store_true", help="do not print events")
    options.add_stop(parser)
    options.add_settings(parser)
    options.add_durability(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if the run fails."""
    given = options.parse_inputs(args.input)
    program = programs.load(args.program, inputs=given, entry=args.entry)
    if program.main < 0:
        fix = "`crucible dsl check` checks it: it holds only facts and rules"
        where = str(args.program)
        raise UsageError("the program has no task or loop, so there is nothing to run", where=where, fix=fix)
    refuse_unknown(given, program, where=str(args.program))
    # Checked before the first effect; `--backend file` may wait for a file that is written later.
    if args.answers is not None and (args.backend != "file" or Path(args.answers).exists()):
        from harness.providers.file import read_answers

        read_answers(Path(args.answers))
    variables = (*program.state, *(program.units[program.main].slots if program.main >= 0 else ()))
    kinds = {variable.name: str(variable.type.kind) for variable in variables}
    settings = RunSettings.from_wire(options.parse_settings(args) | {"durability": args.durability})
    session = Session.start(
        program,
        run_folders.choose_folder(args.program, args.state),
        inputs=options.convert_inputs(given, kinds),
        seed=args.seed,
        settings=settings,
        files=options.read_files(program, args),
        listener=None if args.quiet or args.json else display.print_event,
    )
    with session:
        outcome = session.run(steps=args.stop_after)
        display.write_exports(session, outcome)
        return display.print_summary(session, outcome, as_json=args.json)
