"""Verdicts per second of `JudgePool`, compared with EvalPlus' `untrusted_check` in alternating rounds of one run.

    python benchmarks/judge_pool.py [--workers 2] [--rounds 5] [--candidates 100]

Rows, the default settings first: right and wrong candidates with 24 sampled inputs, pauses and CPU times; then
without timing and pauses; then screening; one worker instead of several. EvalPlus answers as many questions per
candidate in as many processes. Each row is a ratio within a round, so that a machine that slows down does so for both.
CPU time is that of all processes of a contender.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from box_throughput import SOURCE
from rows import Sample, absent, compared, took, version_of

from harness import JudgePool

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


def _evalplus_worker(pipe: Connection) -> None:
    check_with_evalplus(-1)
    pipe.send(0.0)
    while numbers := pipe.recv():
        for number in numbers:
            check_with_evalplus(number)
        pipe.send(0.0)


def main() -> int:
    """Run the rounds and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--candidates", type=int, default=100)
    options = parser.parse_args()
    numbers = itertools.count()
    with tempfile.TemporaryDirectory(prefix="crucible-bench-") as name:
        tool = Path(name)
        (tool / "tool.yaml").write_text(TOOL, encoding="utf-8")
        (tool / "oracle.py").write_text(ORACLE, encoding="utf-8")
        quick = {"timing": "none", "jitter_ms": (0, 0)}
        pools = {
            "default": JudgePool(tool, workers=options.workers, attempts=1),
            "no timing, no pauses": JudgePool(tool, workers=options.workers, attempts=1, **quick),
            "one worker": JudgePool(tool, workers=1, attempts=1, **quick),
        }

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
        pipes: list[Connection] = []
        peer = version_of("evalplus")
        if peer:
            context = multiprocessing.get_context("spawn")
            for _ in range(options.workers):
                ours, theirs = context.Pipe()
                context.Process(target=_evalplus_worker, args=(theirs,), daemon=False).start()
                pipes.append(ours)
            for pipe in pipes:
                pipe.recv()

            def check_many(count: int) -> None:
                for pipe in pipes:
                    pipe.send([next(numbers) for _ in range(count // len(pipes))])
                for pipe in pipes:
                    pipe.recv()

            contenders["evalplus"] = check_many
        samples: dict[str, list[Sample]] = {name: [] for name in contenders}
        for run in rows.values():
            run(20 if options.candidates < 100 else 100)  # starts processes, draws inputs
        for _ in range(options.rounds):
            for row_name, run in contenders.items():
                samples[row_name].append(took(lambda run=run: run(options.candidates), options.candidates))
        for pool in pools.values():
            pool.close()
        for pipe in pipes:
            pipe.send([])
    for name, goal in zip(rows, (0.6, 1.0, 1.0, None, None, None), strict=True):
        if peer:
            compared(f"JudgePool, {name}", peer, "candidate", samples[name], samples["evalplus"], goal=goal)
        else:
            absent(f"JudgePool, {name}", "evalplus")
    several, one = samples["no timing, no pauses, right"], samples["one worker, no timing, no pauses"]
    compared(f"JudgePool, {options.workers} workers", "JudgePool, one worker", "candidate", several, one)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
