"""Search for better candidates: propose, judge, select, repeat; the same command continues an interrupted search.

Example:
  crucible evolve examples/dream.yaml
  crucible evolve search.yaml --lanes 4 --ledger reports/ledger.db
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import output
from harness.core.number import whole
from harness.core.tier import Tier

if TYPE_CHECKING:
    from harness.evolve.result import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="YAML with one experiment or several")
    parser.add_argument("--lanes", type=whole(1), metavar="N", help="judge processes (default: one for each core)")
    parser.add_argument("--min-tier", type=str.upper, choices=[tier.value for tier in Tier], help="as in pytest")
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    from harness.evolve.config import read_experiments
    from harness.evolve.search import Search

    experiments = read_experiments(args.file)
    results = []
    with output.open_ledger(args.ledger, create=True) as ledger:
        for experiment in experiments:
            if not experiment.enabled:
                print(f"{experiment.name} is not enabled", file=sys.stderr)
                continue
            search = Search(
                experiment,
                args.file,
                ledger,
                lanes=args.lanes,
                min_tier=args.min_tier,
                words=["evolve", str(args.file)],
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


def _say(line: str) -> None:
    print(f"\r\x1b[K{line}" if sys.stderr.isatty() else line, file=sys.stderr)


def _show(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def _print(result: Result) -> None:
    print(f"{result.experiment}: {result.trials} trials, {result.judged} judged now; ended after {result.reason}")
    stages = [
        f"{name} {found['trials']:g} ({found['seconds']:.1f} s)"
        for name, found in result.stages.items()
        if found["trials"]
    ]
    print(f"  stages    {', '.join(stages)}")
    print(f"  tools     {' '.join(f'{epoch}:{tool}' for epoch, tool in result.trace)}")
    if result.tokens:
        print(f"  spent     {result.tokens} tokens, {result.money:.4f} US dollars")
    for tool, front in result.fronts.items():
        print(f"  front     {tool}: {', '.join(f'trial {one.number} ({one.cell})' for one in front) or 'empty'}")
    for one in result.champions:
        state = "confirmed" if one.confirmed else "not confirmed"
        print(
            f"  champion  {one.tool}: trial {one.trial.number}, {one.trial.operator}, {one.trial.digest[:16]}, {state}"
        )
        if one.why:
            print(f"            against its seed parent: {one.why}")
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
