"""Search for better candidates: propose, judge, select, repeat; the same command continues an interrupted search.

Example:
  crucible evolve examples/dream.yaml
  crucible evolve search.yaml --lanes 4 --ledger reports/ledger.db
  crucible evolve search.yaml --cluster tls://cluster.example:8786
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import output
from harness.cli.printable_stream import raw
from harness.core.errors import UsageError
from harness.core.number import whole

if TYPE_CHECKING:
    from harness.evolve.result import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="YAML with one experiment or several")
    parser.add_argument("--lanes", type=whole(1), metavar="N", help="judge processes (default: one for each core)")
    output.add_min_tier(parser)
    output.add_cluster(parser)
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    from harness.evolve.climbing import ClimbSearch
    from harness.evolve.config import lanes, read_experiments
    from harness.evolve.search import Search
    from harness.lane.climb import ClimbingLane

    experiments = read_experiments(args.file)
    results = []
    with output.open_ledger(args.ledger, create=True) as ledger:
        for experiment in experiments:
            if not experiment.enabled:
                print(f"{experiment.name} is not enabled", file=sys.stderr)
                continue
            lane, command = lanes()[experiment.domain], ["evolve", str(args.file)]
            if isinstance(lane, ClimbingLane):
                _require_here(args, lane.name)
                results.append(ClimbSearch(experiment, args.file, ledger, lane, words=command, say=_say).run())
                continue
            search = Search(
                experiment,
                args.file,
                ledger,
                lanes=args.lanes,
                judged=_judged(args),
                words=command,
                say=_say,
                live=_show,
            )
            results.append(search.run())
    if args.json:
        output.print_json([_to_wire(result) for result in results])
    else:
        for result in results:
            _print(result)
    return 0 if all(result.champions for result in results) else 1


def _judged(args: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(args, name) for name in ("min_tier", "cluster", "insecure")}


def _require_here(args: argparse.Namespace, lane: str) -> None:
    if args.cluster is not None:
        fix = "leave out --cluster, or this experiment"
        raise UsageError(f"the lane {lane!r} searches on this machine only", where=str(args.file), fix=fix)


def _say(line: str) -> None:
    _clear_line()
    print(line, file=sys.stderr)


def _show(line: str) -> None:
    if sys.stderr.isatty():
        _clear_line()
        print(line, end="", file=sys.stderr, flush=True)


def _clear_line() -> None:
    if sys.stderr.isatty():
        raw(sys.stderr).write("\r\x1b[K")


def _print(result: Result) -> None:
    print(f"{result.experiment}: {result.trials} trials, {result.judged} judged now; ended after {result.reason}")
    stages = [
        f"{name} {found['trials']:g} ({found['seconds']:.1f} s)"
        for name, found in result.stages.items()
        if found["trials"]
    ]
    print(f"  stages    {', '.join(stages)}")
    if result.trace:
        print(f"  tools     {' '.join(f'{epoch}:{tool}' for epoch, tool in result.trace)}")
    if result.tokens:
        print(f"  spent     {result.tokens} tokens, {result.money:.4f} US dollars")
    for tool, front in result.fronts.items():
        print(f"  front     {tool}: {', '.join(f'trial {one.number} ({one.cell})' for one in front) or 'empty'}")
    for one in result.champions:
        state = "confirmed" if one.confirmed else "not confirmed"
        print(f"  champion  {one.tool}: {one.trial.name}, {one.trial.digest[:16]}, {state}")
        if one.why:
            print(f"            {'' if one.faster is None else 'against its seed parent: '}{one.why}")
    if not result.champions:
        print("  champion  none: no candidate passed")


def _to_wire(result: Result) -> dict[str, Any]:
    return {
        "experiment": result.experiment,
        "reason": result.reason,
        "trials": result.trials,
        "judged": result.judged,
        "stages": result.stages,
        "trace": result.trace,
        "tokens": result.tokens,
        "money": result.money,
        "fronts": {
            tool: [
                {"number": one.number, "digest": one.digest, "cell": one.cell, "steps": one.steps.vector}
                for one in front
            ]
            for tool, front in result.fronts.items()
        },
        "champions": [
            {
                "tool": one.tool,
                "number": one.trial.number,
                "digest": one.trial.digest,
                "operator": one.trial.operator,
                "confirmed": one.confirmed,
                "faster": one.faster,
                "why": one.why,
            }
            for one in result.champions
        ],
    }
