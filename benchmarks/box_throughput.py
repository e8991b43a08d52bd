"""Isolated evaluations per second, compared with EvalPlus' `untrusted_check` in alternating rounds of one run.

    python benchmarks/box_throughput.py [--lanes 2] [--rounds 9]

Each evaluation is a trivial de-duplicator whose source differs every time, with 10 checked questions. Both harnesses
run in their own worker processes, `--lanes` each, and take turns: a round of one, then a round of the other. The ratio
is taken within a round, so that a machine that slows down does so for both. CPU time includes all children.

EvalPlus is the peer: `pip install 'pytest-crucible[bench]'`. Output: rows of `rows.py`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from rows import Sample, absent, compared, cpu_seconds, version_of

SOURCE = """
def dedup(lines):
    seen = set()
    out = []
    for line in lines:
        if line not in seen:
            seen.add(line)
            out.append(line)
    return out
# candidate {n}
"""
QUESTIONS: list[tuple[list[str], list[str]]] = [
    ([], []),
    (["a"], ["a"]),
    (["a", "a"], ["a"]),
    (["a", "b", "a"], ["a", "b"]),
    (["b", "a", "b", "a"], ["b", "a"]),
    (["", ""], [""]),
    (["A", "a"], ["A", "a"]),
    ([" a", "a"], [" a", "a"]),
    (["é", "e\u0301"], ["é", "e\u0301"]),
    (["x"] * 50, ["x"]),
]


def crucible() -> Callable[[int], None]:
    """Our box, all layers the machine offers."""
    from harness.sandbox.codec import encode
    from harness.sandbox.limits import Limits
    from harness.sandbox.pool import BoxPool

    pool = BoxPool()
    limits = Limits(call_seconds=1.0)
    asked = [(encode({"lines": lines}), encode(expected)) for lines, expected in QUESTIONS]

    def evaluate(n: int) -> None:
        with pool.open(SOURCE.format(n=n).encode(), entry="dedup", limits=limits) as box:
            for question, expected in asked:
                if box.ask(question).payload != expected:
                    raise SystemExit("the honest candidate was judged wrong")

    return evaluate


def evalplus() -> Callable[[int], None]:
    """EvalPlus 0.3.1: a process with `reliability_guard`, no other isolation."""
    from evalplus.eval import untrusted_check

    # As EvalPlus itself runs on Linux: our spawned worker would otherwise hand its slower start method down.
    multiprocessing.set_start_method("fork", force=True)
    inputs = [[lines] for lines, _ in QUESTIONS]
    expected = [answer for _, answer in QUESTIONS]

    def evaluate(n: int) -> None:
        status, _details = untrusted_check(
            "humaneval",
            SOURCE.format(n=n),
            inputs,
            "dedup",
            expected=expected,
            atol=0,
            ref_time=[0.001] * len(inputs),
            fast_check=True,
            min_time_limit=1.0,
        )
        if status != "pass":
            raise SystemExit("EvalPlus judged the honest candidate wrong")

    return evaluate


def _worker(make: Callable[[], Callable[[int], None]], pipe: Connection) -> None:
    evaluate = make()
    evaluate(-1)
    pipe.send("ready")
    while True:
        first, count = pipe.recv()
        if not count:
            return
        before = cpu_seconds()
        for n in range(first, first + count):
            evaluate(n)
        pipe.send(cpu_seconds() - before)


def main() -> int:
    """Run the rounds and print the row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--count", type=int, default=150, help="evaluations in a round of ours; EvalPlus gets a third")
    options = parser.parse_args()
    what, peer = f"box, 10 questions, {options.lanes} at a time", version_of("evalplus")
    contenders = {"ours": (crucible, options.count)}
    if peer:
        contenders["theirs"] = (evalplus, max(1, options.count // 3))
    context = multiprocessing.get_context("spawn")
    lanes: dict[str, list[Connection]] = {}
    for name, (make, _count) in contenders.items():
        for _ in range(options.lanes):
            ours, theirs = context.Pipe()
            context.Process(target=_worker, args=(make, theirs)).start()
            lanes.setdefault(name, []).append(ours)
    for pipes in lanes.values():
        for pipe in pipes:
            pipe.recv()
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for round_number in range(options.rounds):
        for name, (_make, count) in contenders.items():
            started, total = time.perf_counter(), count * options.lanes
            for lane, pipe in enumerate(lanes[name]):
                pipe.send(((round_number * options.lanes + lane) * count, count))
            used = sum(pipe.recv() for pipe in lanes[name])
            samples[name].append(Sample((time.perf_counter() - started) / total, used / total))
    for pipes in lanes.values():
        for pipe in pipes:
            pipe.send((0, 0))
    if peer:
        compared(what, peer, "evaluation", samples["ours"], samples["theirs"], goal=2.4, goal_wall=3.0)
    else:
        absent(what, "evalplus")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
