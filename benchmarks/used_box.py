"""A/A control of timing in a used box: is a subject timed there as in a fresh one?

    python benchmarks/used_box.py [--rounds 60] [--calls 9]

Each round times the same workload of the same subject three times, in random order: in the box that answered an
attempt's questions, and in two fresh ones. CPU time of a call by the kernel's clock, the minimum of the calls.

Goal: the used box differs from a fresh one by no more than two fresh ones differ from each other: by the median of the
ratios, and by the spread (the 90 % quantile of their absolute logarithms).
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics

from box_throughput import SOURCE
from judge_pool import CASES

from harness.sandbox.codec import encode
from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool

WORKLOAD = encode({"lines": [str(number * 7919 % 1500) for number in range(3000)]})
QUESTIONS = [encode({"lines": lines}) for lines in CASES]


def time_workload(pool: BoxPool, seed: int, calls: int, *, is_used: bool) -> float:
    """CPU milliseconds of the quickest call."""
    with pool.open(SOURCE.format(n=seed).encode(), entry="dedup", limits=Limits(), hash_seed=0) as box:
        for question in QUESTIONS if is_used else QUESTIONS[:1]:
            box.ask(question)
        return min(box.ask(WORKLOAD).cpu_seconds or math.inf for _ in range(calls)) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--calls", type=int, default=9)
    args = parser.parse_args()
    rng = random.Random(1)
    used: list[float] = []
    fresh: list[float] = []
    with BoxPool() as pool:
        for number in range(args.rounds):
            kinds = ["used", "fresh", "other"]
            rng.shuffle(kinds)
            found = {kind: time_workload(pool, number, args.calls, is_used=kind == "used") for kind in kinds}
            used.append(math.log(found["used"] / found["fresh"]))
            fresh.append(math.log(found["other"] / found["fresh"]))
    for row, logs in (("used box / fresh box", used), ("fresh box / fresh box", fresh)):
        spread = sorted(map(abs, logs))[int(0.9 * (len(logs) - 1))]
        print(
            json.dumps(
                {
                    "row": row,
                    "median ratio": round(math.exp(statistics.median(logs)), 4),
                    "standard error": round(1.25 * statistics.stdev(logs) / math.sqrt(len(logs)), 4),
                    "spread (90 %)": round(math.exp(spread), 3),
                }
            )
        )


if __name__ == "__main__":
    main()
