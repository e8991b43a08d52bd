"""Isolated evaluations per second, compared with EvalPlus' `untrusted_check` in alternating rounds of one run.

    python benchmarks/box_throughput.py [--lanes 2] [--rounds 9]

Each evaluation is a trivial de-duplicator whose source differs every time, with 10 checked questions. Both harnesses
run in their own worker processes, `--lanes` each, and take turns: a round of one, then a round of the other. The ratio
is taken within a round, so that a machine that slows down does so for both. CPU time includes all children.

EvalPlus is the peer: `pip install 'pytest-crucible[bench]'`. Without it only our own rate is printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

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


def crucible_at_once() -> Callable[[int], None]:
    """Our box, asked all questions at once, as where nothing is timed."""
    from harness.sandbox.batch import ask_batch

    from harness.sandbox.codec import encode
    from harness.sandbox.limits import Limits
    from harness.sandbox.pool import BoxPool

    pool = BoxPool()
    limits = Limits(call_seconds=1.0)
    questions = [encode({"lines": lines}) for lines, _ in QUESTIONS]
    right = [encode(expected) for _, expected in QUESTIONS]

    def evaluate(n: int) -> None:
        batch = ask_batch(pool, SOURCE.format(n=n).encode(), questions, entry="dedup", limits=limits)
        if [answer.payload for answer in batch.answers] != right:
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


def _cpu() -> float:
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    # Our zygotes still live, and their boxes count in their own stat lines: every living descendant is read.
    ticks = os.sysconf("SC_CLK_TCK")
    waiting = [os.getpid()]
    while waiting:
        pid = waiting.pop()
        lists = [_read(path) for path in Path(f"/proc/{pid}/task").glob("*/children")]
        children = " ".join(lists).split()
        waiting += map(int, children)
        for child in children:
            cells = _read(Path(f"/proc/{child}/stat")).rpartition(")")[2].split()
            total += sum(int(cell) for cell in cells[11:15]) / ticks
    return total


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # the process has just ended
        return ""


def _worker(make: Callable[[], Callable[[int], None]], pipe: Connection) -> None:
    evaluate = make()
    evaluate(-1)
    pipe.send("ready")
    while True:
        first, count = pipe.recv()
        if not count:
            return
        before = _cpu()
        for n in range(first, first + count):
            evaluate(n)
        pipe.send(_cpu() - before)


def main() -> int:
    """Run the rounds and print one line of JSON per contender and one for the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--count", type=int, default=150, help="evaluations in a round of ours; EvalPlus gets a third")
    options = parser.parse_args()
    contenders: dict[str, tuple[Callable[[], Callable[[int], None]], int]] = {
        "crucible": (crucible, options.count),
        "crucible, asked at once": (crucible_at_once, options.count),
    }
    if importlib.util.find_spec("evalplus"):
        contenders["evalplus"] = (evalplus, max(1, options.count // 3))
    else:
        print("evalplus is not installed: pip install 'pytest-crucible[bench]'", file=sys.stderr)
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
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    costs: dict[str, list[float]] = {name: [] for name in contenders}
    for round_number in range(options.rounds):
        for name, (_make, count) in contenders.items():
            started = time.perf_counter()
            for lane, pipe in enumerate(lanes[name]):
                pipe.send(((round_number * options.lanes + lane) * count, count))
            used = sum(pipe.recv() for pipe in lanes[name])
            total = count * options.lanes
            rates[name].append(total / (time.perf_counter() - started))
            costs[name].append(used / total * 1e3)
    for pipes in lanes.values():
        for pipe in pipes:
            pipe.send((0, 0))
    for name in contenders:
        print(
            json.dumps(
                {
                    "contender": name,
                    "lanes": options.lanes,
                    "evaluations_per_s": round(statistics.median(rates[name]), 1),
                    "best": round(max(rates[name]), 1),
                    "cpu_ms_each": round(statistics.median(costs[name]), 2),
                }
            )
        )
    ours = [name for name in contenders if name != "evalplus"] if "evalplus" in rates else []
    for name in ours:
        speed = [a / b for a, b in zip(rates[name], rates["evalplus"], strict=True)]
        cpu = [b / a for a, b in zip(costs[name], costs["evalplus"], strict=True)]
        print(
            json.dumps(
                {
                    "contender": name,
                    "ratio_to_evalplus": round(statistics.median(speed), 2),
                    "lowest": round(min(speed), 2),
                    "highest": round(max(speed), 2),
                    "cpu_ratio": round(statistics.median(cpu), 2),
                    "cpu_lowest": round(min(cpu), 2),
                    "cpu_highest": round(max(cpu), 2),
                    "load": round(os.getloadavg()[0], 1),
                }
            )
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
