"""Repair candidates whose answers are wrong: those that pytest queued, or one file.

Without options it watches the queue. A repair counts only if it is right on inputs that the search has not seen.
The repaired bytes are stored next to the candidate, and `pytest` judges them like any other candidate.

The exit status is 0; 1 if the named candidate was not repaired, or a hand-off could not be worked on.

Example:
  crucible repair --once
  crucible repair --stats
  crucible repair --spec specs/tools/json_flatten --candidate broken.py --out fixed.py --budget-s 60
"""

from __future__ import annotations

import argparse
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import output
from harness.core.errors import UsageError
from harness.core.number import amount, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.ledger.handoffs import Handoffs
    from harness.repair.repairer import Proposer
    from harness.repair.workbench import Workbench

INTERVAL, SECONDS = 5.0, 180.0
LOGS = "repair"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="empty the queue and end")
    parser.add_argument("--stats", action="store_true", help="print success rates by tool and strategy")
    parser.add_argument("--spec", type=Path, metavar="PATH", help="repair one candidate of this tool or suite")
    parser.add_argument("--candidate", type=Path, metavar="FILE", help="the candidate, with --spec")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the repaired source is written, with --spec")
    parser.add_argument("--epoch", type=whole(0, 10**9), default=0, metavar="N", help="with --spec (default 0)")
    parser.add_argument("--secret-seed", type=whole(), metavar="S", help="seed of the search's inputs, with --spec")
    parser.add_argument(
        "--budget-s",
        type=amount(0.001),
        default=SECONDS,
        metavar="S",
        help=f"maximum seconds for each candidate (default {SECONDS:g})",
    )
    parser.add_argument(
        "--interval",
        type=amount(0.01),
        default=INTERVAL,
        metavar="S",
        help=f"seconds between two checks of the queue (default {INTERVAL:g})",
    )
    parser.add_argument("--workers", type=whole(1), metavar="N", help="judge processes (default: one for each core)")
    parser.add_argument("--import", dest="imported", type=Path, nargs="+", metavar="PATH", help="queue JSON hand-offs")
    parser.add_argument("--export", type=Path, metavar="DIR", help="write the waiting hand-offs as JSON, with bundles")
    provider = parser.add_argument_group("a provider, asked when no edit helps")
    output.add_provider(provider)
    provider.add_argument(
        "--max-calls", type=whole(1), default=4, metavar="N", help="questions for each candidate (default 4)"
    )
    provider.add_argument("--max-tokens", type=whole(1), metavar="N", help="limit of all answers together")
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    from harness.ledger.handoffs import Handoffs

    if (args.spec is None) != (args.candidate is None):
        raise UsageError("--spec and --candidate belong together", fix="give both")
    if args.out is not None and args.spec is None:
        raise UsageError("--out needs --spec and --candidate")
    if args.stats:
        with output.read_ledger(args.ledger) as ledger:
            return _print_stats(Handoffs(ledger), as_json=args.json)
    create = args.spec is not None or args.imported is not None
    with output.open_ledger(args.ledger, create=create) as ledger:
        queue = Handoffs(ledger)
        if args.spec is not None:
            return _repair_one(args, queue)
        if args.imported is not None:
            return _import(queue, args.imported)
        if (args.once or args.export is not None) and not queue.waiting():
            _say("no hand-off waits for repair")
        if args.export is not None:
            return _export(queue, args.export)
        return _watch(args, queue)


def _watch(args: argparse.Namespace, queue: Handoffs) -> int:
    from harness.repair.watcher import Watcher

    logs = args.ledger.absolute().parent / LOGS
    before = signal.signal(signal.SIGTERM, _interrupt)  # as systemd ends a service: what is in work is given back
    try:
        with Watcher(
            queue, seconds=args.budget_s, logs=logs, workers=args.workers, proposer=_proposer(args), say=_say
        ) as watcher:
            is_waiting = False
            while True:
                while watcher.work():
                    is_waiting = False
                if args.once:
                    return 1 if watcher.failures else 0
                if not is_waiting:
                    _say(f"waiting for hand-offs in {args.ledger} (a look every {args.interval:g} s; Ctrl-C ends it)")
                    is_waiting = True
                watcher.close()
                time.sleep(args.interval)
    finally:
        signal.signal(signal.SIGTERM, before)


def _repair_one(args: argparse.Namespace, queue: Handoffs) -> int:
    from harness.core.digest import digest_bytes
    from harness.ledger.handoffs import PASSING, REPAIRED
    from harness.repair.bundles import InvalidHandoffError, candidate_of, handoff_for
    from harness.repair.patterns import Patterns
    from harness.repair.repairer import repair
    from harness.repair.watcher import describe
    from harness.repair.workbench import Workbench

    output.refuse_unwritable(args.out)
    with Workbench(args.spec, epoch=args.epoch, workers=args.workers, search_seed=args.secret_seed) as bench:
        try:
            handoff = handoff_for(bench.tool.path, args.candidate, source="crucible repair", epoch=args.epoch)
            _, data = candidate_of(handoff)
        except InvalidHandoffError as error:
            raise UsageError(str(error)) from None
        patterns, proposer = Patterns.learn(queue.repairs()), _proposer(args)
        found = repair(bench, data, seconds=args.budget_s, patterns=patterns, proposer=proposer and proposer(bench))
    result, child = found.to_wire(), ""
    if found.source is not None:
        child = digest_bytes(found.source)
        result["challenger_sha256"] = child
        if args.out is not None:
            output.write_file(args.out, found.source)
            result["challenger"] = str(args.out)
    queue.keep(handoff, found.state, result, child=child)
    if args.json:
        output.print_json(result)
    else:
        _say(f"{args.candidate}: {found.state}: {found.why}")
        for line in describe(found)[1:]:
            _say(line)
    return 0 if found.state in (REPAIRED, PASSING) else 1


def _proposer(args: argparse.Namespace) -> Callable[[Workbench], Proposer] | None:
    """The proposer of the selected provider.

    Raises:
        UsageError: if its settings are incomplete.
    """
    if args.backend is None:
        return None
    from harness.evolve import budgeted, config
    from harness.repair.provider_proposals import proposer_for

    names = ("backend", "model", "base_url", "command", "answers", "cassette", "max_calls", "max_tokens")
    timeout = min(args.timeout, args.budget_s)
    settings = config.Proposer(kind="model", timeout_s=timeout, **{name: getattr(args, name) for name in names})
    return proposer_for(budgeted.open_providers([settings], [])[0])


def _import(queue: Handoffs, paths: list[Path]) -> int:
    from harness.repair.bundles import read_handoffs

    for path in paths:
        if not path.exists():
            raise UsageError("the file does not exist", where=str(path), fix="name a JSON file, or a folder")
    found, problems = read_handoffs(paths)
    if not found and not problems:
        where = ", ".join(map(str, paths))
        raise UsageError("no hand-offs are there", where=where, fix="name what `crucible repair --export` wrote")
    print(f"{queue.add(found)} of {len(found)} hand-offs are new")
    for problem in problems:
        _say(f"not imported: {problem}")
    return 1 if problems else 0


def _export(queue: Handoffs, folder: Path) -> int:
    from harness.repair.bundles import InvalidHandoffError, write_handoffs

    status = 0
    for one in queue.waiting():
        try:
            for path in write_handoffs([one], folder):
                print(path)
        except InvalidHandoffError as error:
            _say(f"not exported: {error}")
            status = 1
    return status


def _print_stats(queue: Handoffs, *, as_json: bool) -> int:
    from harness.repair.watcher import summarise
    from harness.report.table import Column

    found = summarise(queue.results())
    if as_json:
        output.print_json(found)
        return 0
    if not found["tools"]:
        print("no candidate was handed off yet")
        return 0
    tools = (
        Column("tool", flexible=True),
        Column("hand-offs", right=True),
        Column("success", right=True),
        Column("states"),
    )
    output.print_table(
        tools,
        [[one["tool"], str(one["handoffs"]), _share(one["success"]), _states(one["states"])] for one in found["tools"]],
    )
    strategies = (Column("tool", flexible=True), Column("strategy"), Column("tried", right=True),
                  Column("repaired", right=True), Column("success", right=True))  # fmt: skip
    if found["strategies"]:
        print()
        rows = [
            [one["tool"], one["strategy"], str(one["tried"]), str(one["repaired"]), _share(one["success"])]
            for one in found["strategies"]
        ]
        output.print_table(strategies, rows)
    return 0


def _states(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _say(line: str) -> None:
    print(line, flush=True)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
