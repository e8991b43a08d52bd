"""Judge candidates without pytest and without a ledger: one line each.

The exit status is 0 if all pass, 1 if one does not, 3 if one could not be judged. With --reward-file the reward is
written as a number, as the verifier of a task needs it. A file that is there before is removed, and where there is no
reward none is written. The candidate is then judged as by a reward function, and one that is missing earns 0.

Example:
  crucible judge candidate.py --tool specs/tools/json_flatten
  crucible judge *.py --tool json_flatten.suite.yaml --screen
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import output
from harness.core.errors import UsageError
from harness.core.number import whole

if TYPE_CHECKING:
    from harness.judge.verdict import Verdict

NOT_JUDGED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("files", nargs="+", type=Path, metavar="FILE", help="a candidate's source file")
    add("--tool", required=True, type=Path, metavar="PATH", help="a tool, or a suite of tools")
    output.add_epoch(parser)
    add("--attempts", type=whole(1), metavar="N", help="repetitions, each with its own seed (default: the suite's)")
    add("--timing", choices=["cpu", "none"], help="whether workloads are timed (default: the suite's)")
    add("--secret-seed", type=whole(), metavar="S", help="seed of the inputs (default random)")
    output.add_min_tier(parser)
    add("--workers", type=whole(1), metavar="N", help="judge processes (default: one for each core)")
    add("--screen", action="store_true", help="stop at the first wrong answer, time nothing")
    add("--reward-file", type=Path, metavar="FILE", help="write the reward of the one candidate here")
    add("--graded", action="store_true", help="a wrong candidate earns half its share of right answers, not 0")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    from harness.judge.pool import JudgePool
    from harness.report import words
    from harness.rewards.reward import pool_options

    names = ("epoch", "attempts", "timing", "secret_seed", "min_tier")
    options: dict[str, Any] = {name: getattr(args, name) for name in names}
    options["workers"] = args.workers or (1 if len(args.files) == 1 else None)
    if args.reward_file is not None:
        if len(args.files) > 1:
            raise UsageError("--reward-file takes the reward of one candidate", fix="name one file")
        _remove(args.reward_file)
        options = pool_options(args.tool, options)
    for path in args.files if args.reward_file is None else ():
        if not path.is_file():
            raise UsageError("no such file", where=str(path), fix="name a candidate's file")
    with JudgePool(args.tool, **options) as pool:
        found = [pool.submit(path, screen=args.screen, graded=args.graded) for path in args.files]
        verdicts = [one.result() for one in found]
    if args.json:
        output.print_json([_to_wire(path, verdict) for path, verdict in zip(args.files, verdicts, strict=True)])
    else:
        for path, verdict in zip(args.files, verdicts, strict=True):
            score = "  -  " if verdict.score is None else f"{verdict.score:.3f}"
            print(words.printable(f"{path}: {verdict.status} {score} {verdict.why}".rstrip()))
    rewards = [verdict.reward for verdict in verdicts]
    earned = verdicts[0].graded if args.graded else rewards[0]
    if args.reward_file is not None and earned is not None:
        try:
            with args.reward_file.open(
                "x", encoding="utf-8"
            ) as file:  # not through a link that was put there meanwhile
                file.write(f"{earned}\n")
        except OSError as error:
            raise UsageError(f"it cannot be written: {error.strerror}", where=str(args.reward_file)) from None
    return NOT_JUDGED if None in rewards else 0 if all(rewards) else 1


def _remove(path: Path) -> None:
    """Remove what the judged side may have put in the place of the reward; never a device, such as /dev/stdout."""
    is_device = (path.exists() and not path.is_file()) or (
        path.is_symlink() and path.readlink().is_relative_to("/proc")
    )
    if is_device:
        raise UsageError("it is not a regular file", where=str(path), fix="name a new file: what is there is removed")
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror}", where=str(path)) from None


def _to_wire(path: Path, verdict: Verdict) -> dict[str, Any]:
    return {
        "file": str(path),
        "status": verdict.status.value,
        "passed": verdict.passed,
        "score": verdict.score,
        "reward": verdict.reward,
        "graded": verdict.graded,
        "why": verdict.why,
        "digest": verdict.evaluation.case.subject.digest,
    }
