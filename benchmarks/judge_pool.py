"""Verdicts per second of `JudgePool`, compared with EvalPlus' `untrusted_check` in alternating rounds of one run.

    python benchmarks/judge_pool.py [--workers 2] [--rounds 5] [--candidates 100]

Rows, the default settings first: right and wrong candidates with 24 sampled inputs, pauses and CPU times; then
without timing and pauses; then screening; one worker instead of several. EvalPlus answers as many questions per
candidate in as many processes. Each row is a ratio within a round, so that a machine that slows down does so for both.
CPU time is that of all processes of a contender.

The bare box loop is what the pool is built on, without the judge: as many processes with as many boxes in flight, which
ask the same number of questions in the same batches and compare the answers with known ones.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
import multiprocessing
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from box_throughput import SOURCE
from rows import Sample, absent, compared, took, version_of

from harness import JudgePool
from harness.judge.judges import WIDTH
from harness.lanes.toolgen.batch_size import LARGEST

TOOL = """\
tool_id: dedup
description: The distinct lines in the order of their first occurrence.
signature: "def dedup(lines: list[str]) -> list[str]"
test_cases:
  - {input: {lines: [a, a]}, expected_output: [a]}
  - {input: {lines: [b, a, b]}, expected_output: [b, a]}
  - {input: {lines: []}, expected_output: []}
"""
ORACLE = """\
from hypothesis import strategies as st

def reference(lines):
    return list(dict.fromkeys(lines))

def inputs():
    return st.lists(st.sampled_from("abcdefgh"), max_size=20).map(lambda lines: {"lines": lines})

def edges():
    return [{"lines": ["x"] * 50}]

def workload(size, rng):
    return {"lines": [str(rng.randrange(size)) for _ in range(size)]}
"""
WRONG = SOURCE.replace("seen.add(line)", "seen.add(line.upper())")
CASES = [["abcdefgh"[(number + step) % 8] for step in range(number % 20)] for number in range(28)]


def check_with_evalplus(number: int) -> None:
    """EvalPlus 0.3.1 on one candidate: a process with `reliability_guard`, no other isolation."""
    from evalplus.eval import untrusted_check

    multiprocessing.set_start_method("fork", force=True)  # as EvalPlus itself runs on Linux
    status, _details = untrusted_check(
        "humaneval",
        SOURCE.format(n=number),
        [[lines] for lines in CASES],
        "dedup",
        expected=[list(dict.fromkeys(lines)) for lines in CASES],
        atol=0,
        ref_time=[0.001] * len(CASES),
        fast_check=True,
        min_time_limit=1.0,
    )
    if status != "pass":
        raise SystemExit("EvalPlus judged the honest candidate wrong")


def check_all_with_evalplus(numbers: list[int]) -> None:
    """EvalPlus, one candidate after the other."""
    for number in numbers:
        check_with_evalplus(number)


def bare_box_loop() -> Callable[[list[int]], None]:
    """Boxes of one thread, `WIDTH` in flight: opened, asked, closed; the answers are compared with known ones."""
    from harness.sandbox.awaited_box import ask_all, opened
    from harness.sandbox.codec import encode
    from harness.sandbox.limits import Limits
    from harness.sandbox.loop import Loop
    from harness.sandbox.pool import BoxPool

    pool, limits, loop = BoxPool(), Limits(call_seconds=1.0), Loop()
    asked = [encode({"lines": lines}) for lines in CASES]
    expected = [encode(list(dict.fromkeys(lines))) for lines in CASES]

    async def check(numbers: list[int]) -> bool:
        while numbers:
            source, found = SOURCE.format(n=numbers.pop()).encode(), []
            with await opened(pool, source, entry="dedup", limits=limits, hash_seed=0, is_alone=False) as box:
                for first in range(0, len(asked), LARGEST):
                    found += await ask_all(pool, box, asked[first : first + LARGEST])
            if [answer.payload for answer in found] != expected:
                return False
        return True

    def check_all(numbers: list[int]) -> None:
        results: list[bool] = []
        for _ in range(min(WIDTH, len(numbers))):
            loop.spawn(check(numbers), results.append)
        while loop.live:
            loop.turn(math.inf)
        if not all(results):
            raise SystemExit("bare box loop: the honest candidate was judged wrong")

    return check_all


def _worker(make: Callable[[], Callable[[list[int]], None]], pipe: Connection) -> None:
    check_all = make()
    check_all([-1])
    pipe.send(0)
    while numbers := pipe.recv():
        check_all(numbers)
        pipe.send(0)


def _evalplus() -> Callable[[list[int]], None]:
    return check_all_with_evalplus


class Workers:
    """Processes that check candidates, each its share."""

    def __init__(self, make: Callable[[], Callable[[list[int]], None]], count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            context.Process(target=_worker, args=(make, theirs), daemon=False).start()
            theirs.close()
            self._pipes.append(ours)
        self._wait()

    def _wait(self) -> None:
        for pipe in self._pipes:
            pipe.recv()

    def check(self, numbers: list[int]) -> None:
        """Check candidates with these numbers."""
        for index, pipe in enumerate(self._pipes):
            pipe.send(numbers[index :: len(self._pipes)])
        self._wait()

    def close(self) -> None:
        """End the processes."""
        for pipe in self._pipes:
            pipe.send([])


def main() -> int:
    """Run the rounds and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--candidates", type=int, default=100)
    options = parser.parse_args()
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:  # also after an error: the workers would be waited for
        tool = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crucible-bench-")))
        (tool / "tool.yaml").write_text(TOOL, encoding="utf-8")
        (tool / "oracle.py").write_text(ORACLE, encoding="utf-8")
        quick = {"timing": "none", "jitter_ms": (0, 0)}
        pools = {
            "default": JudgePool(tool, workers=options.workers, attempts=1),
            "no timing, no pauses": JudgePool(tool, workers=options.workers, attempts=1, **quick),
            "one worker": JudgePool(tool, workers=1, attempts=1, **quick),
        }
        for pool in pools.values():
            stack.callback(pool.close)

        def judged(pool: str, source: str, status: str, method: str = "judge_all") -> Callable[[int], None]:
            def run(count: int) -> None:
                sources = [source.format(n=next(numbers)) for _ in range(count)]
                found = {str(verdict.status) for verdict in getattr(pools[pool], method)(sources)}
                if found != {status}:
                    raise SystemExit(f"{pool}: {found} instead of {status}")

            return run

        rows = {
            "default settings, right": judged("default", SOURCE, "ok"),
            "default settings, wrong": judged("default", WRONG, "wrong"),
            "no timing, no pauses, right": judged("no timing, no pauses", SOURCE, "ok"),
            "screening, right": judged("no timing, no pauses", SOURCE, "ok", "screen_all"),
            "screening, wrong": judged("no timing, no pauses", WRONG, "wrong", "screen_all"),
            "one worker, no timing, no pauses": judged("one worker", SOURCE, "ok"),
        }
        contenders: dict[str, Callable[[int], None]] = dict(rows)
        workers = {"bare box loop": Workers(bare_box_loop, options.workers)}
        peer = version_of("evalplus")
        if peer:
            workers["evalplus"] = Workers(_evalplus, options.workers)
        for peer_name, some in workers.items():
            stack.callback(some.close)
            contenders[peer_name] = lambda count, some=some: some.check([next(numbers) for _ in range(count)])
        samples: dict[str, list[Sample]] = {name: [] for name in contenders}
        for run in contenders.values():
            run(20 if options.candidates < 100 else 100)  # starts processes, draws inputs
        for _ in range(options.rounds):
            for row_name, run in contenders.items():
                samples[row_name].append(took(lambda run=run: run(options.candidates), options.candidates))
    for name, goal in zip(rows, (0.6, 1.0, 1.0, None, None, None), strict=True):
        if peer:
            compared(f"JudgePool, {name}", peer, "candidate", samples[name], samples["evalplus"], goal=goal)
        else:
            absent(f"JudgePool, {name}", "evalplus")
    several, one = samples["no timing, no pauses, right"], samples["one worker, no timing, no pauses"]
    compared(f"JudgePool, {options.workers} workers", "JudgePool, one worker", "candidate", several, one, goal_wall=1.8)
    bare = samples["bare box loop"]
    compared("JudgePool, no timing, no pauses", "bare box loop", "candidate", several, bare, goal=1 / 1.15)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
