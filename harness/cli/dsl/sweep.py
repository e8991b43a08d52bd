r"""Run one engineering loop of a program and print its points; a repeated call continues an interrupted search.

Example:
  crucible dsl sweep fmha.spak --live --workers 2
  crucible dsl sweep specs/programs/kernel_tuner.spak --live --grant crucible --files kernels/matmul/autotuned.py \
    --files specs/kernels/matmul.yaml
  crucible dsl sweep fmha.spak --loop Kernel_Tuner --live --state out/tune --retry-failed
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from harness.cli import output
from harness.cli.dsl import display, options, programs, run_folders
from harness.core.errors import UsageError
from harness.core.number import whole
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.ir import Program, Sweep
from harness.dsl.machine.effect_handler import POINTS
from harness.dsl.machine.fork import fork
from harness.dsl.machine.input_files import read_input_files
from harness.dsl.machine.run_files import LOG
from harness.dsl.machine.session import Session
from harness.dsl.machine.settings import RunSettings
from harness.report import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("program", type=Path, metavar="FILE", help="the program")
    add("--loop", default="", metavar="NAME", help="the engineering_loop (default: the only one)")
    add("--input", action="append", default=[], metavar="NAME=VALUE", help="an input (repeatable)")
    add("--seed", type=whole(), default=0, metavar="N", help="seed of the sampled points (default 0)")
    add("--state", type=Path, metavar="DIR", help=f"the run's folder (default: below {run_folders.RUNS})")
    options.add_files(parser)
    add("--retry-failed", action="store_true", help="measure failed points again")
    options.add_settings(parser)
    options.add_durability(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if the search fails."""
    given = options.parse_inputs(args.input)
    entry = args.loop or _find_only_loop(programs.load(args.program, inputs=given), args.program)
    program = programs.load(args.program, inputs=given, entry=entry)
    folder = run_folders.choose_folder(args.program, args.state)
    more: dict[str, Any] = {"retry_failed": args.retry_failed, "progress": partial(print, file=sys.stderr)}
    added: dict[str, bytes] = {}
    if (folder / LOG).is_file():
        added = read_input_files(args.files)
        name = _fork_before_search(folder) if args.retry_failed else None
        session = Session.resume(folder, run=name, change=options.parse_settings(args), **more)
    else:
        settings = RunSettings.from_wire(options.parse_settings(args) | {"durability": args.durability})
        files = options.read_files(program, args)
        session = Session.start(program, folder, inputs=given, seed=args.seed, settings=settings, files=files, **more)
    with session:
        for path, data in added.items():
            session.handler.folder.write(path, data)
        outcome = session.run()
        display.write_exports(session, outcome)
        points = _read_points(folder)
        if args.json:
            output.print_json(
                display.outcome_to_json(session, outcome) | _describe_search(program, entry) | {"points": points}
            )
            return 0 if outcome.passed else 1
        for point in points:
            values = " ".join(f"{name}={value}" for name, value in point["point"].items())
            print(
                f"  {values}: {point['value'] if point['value'] is not None else point['status'] + ': ' + point['why']}"
            )
        for line in _format_best(session):
            print(line)
        return display.print_summary(session, outcome, as_json=False)


def _format_best(session: Session) -> Iterator[str]:
    """The best point of each search, its interval, and how many points may be as good."""
    for event in session.log.events():
        value = event.value
        source = value.get("source") or {}
        if value["k"] != "result" or "ranking" not in source:
            continue
        point, number, _ = source["ranking"][0]
        low, high = source["interval"]
        found = " ".join(f"{name}={one}" for name, one in point.items())
        others = words.count(source["rivals"], "other point")
        yield (
            f"best: {found}: {number:g} ({low:g} to {high:g}, {words.count(source['samples'], 'sample')}), "
            f"{others} whose intervals overlap"
        )


def _describe_search(program: Program, entry: str) -> dict[str, Any]:
    """Return task, metric and direction of the search, for `crucible dsl lift`."""
    unit = next(unit for unit in program.units if unit.name == entry)
    measure = next(one.measure for one in unit.code if isinstance(one, Sweep))
    return {"task": entry, "metric": measure.metric, "lower_is_better": not measure.maximize}


def _fork_before_search(folder: Path) -> str | None:
    """Fork a finished search from before it and return the fork's name; its points stay measured."""
    with LogFile(folder / LOG) as file:
        log = file.open_run()
        for event in log.events():
            if event.value.get("name") == "sweep":
                return fork(file, log, event.seq - 1).name
    return None


def _find_only_loop(program: Program, path: Path) -> str:
    loops = [unit.name for unit in program.units if unit.kind == "engineering_loop"]
    if len(loops) != 1:
        fix = f"--loop with one of {', '.join(loops)}" if loops else "add an engineering_loop"
        raise UsageError(f"the program has {len(loops)} engineering loops", where=str(path), fix=fix)
    return loops[0]


def _read_points(folder: Path) -> list[dict[str, Any]]:
    path = folder / POINTS
    if not path.is_file():
        return []
    found = []
    with LogFile(path, read_only=True) as file:
        # Runs are in the order of measurement, which depends on the workers; their names give the order of the points.
        for row in sorted(file.runs(), key=lambda row: [int(part) for part in row.name.split("/")[1:]]):
            log = file.open_run(row.number)
            events = list(log.events())  # more than one if a failed point was measured again
            if events:
                genesis, measured = log.genesis_value(), events[-1].value["measured"]
                samples = measured["samples"]
                point = {name: genesis[name] for name in ("point", "rung")}
                point |= {name: measured[name] for name in ("status", "why")}
                value = statistics.median(samples) if samples else None
                found.append(point | {"value": value, "samples": samples, "head": row.head})
    return found
