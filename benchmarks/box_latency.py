"""Latency of a box: from the request to the first answer, and the overhead of a call.

    python benchmarks/box_latency.py [--boxes 300] [--calls 2000]

The call overhead is the parent-measured time of a null call, pinned to one core and unpinned; a lane subtracts it.
`seen` is the difference between what the parent measured for a 1 ms function and for a null call.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time

from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool

NULL = b"def run(value):\n    return value\n"


def main() -> int:
    """Measure and print JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--boxes", type=int, default=300)
    parser.add_argument("--calls", type=int, default=2000)
    options = parser.parse_args()
    limits = Limits(total_seconds=600)
    with BoxPool() as pool:
        tier = pool.tier.value
        with pool.open(NULL, entry="run") as box:
            box.call({"value": 1})
        first = []
        for _ in range(options.boxes):
            started = time.perf_counter()
            with pool.open(NULL, entry="run", limits=limits) as box:
                box.call({"value": 1})
                first.append((time.perf_counter() - started) * 1e3)
        print(json.dumps({"what": "request to first answer, ms", "tier": tier, **spread(first)}))
        for pinned in (False, True):
            before = os.sched_getaffinity(0)
            if pinned:
                os.sched_setaffinity(0, {min(before)})
            with BoxPool() as own, own.open(NULL, entry="run", limits=limits) as box:
                for n in range(200):
                    box.call({"value": n})
                calls = [box.call({"value": n}).seconds * 1e6 for n in range(options.calls)]
            os.sched_setaffinity(0, before)
            print(json.dumps({"what": f"null call, us, {'one core' if pinned else 'unpinned'}", **spread(calls)}))
    return 0


def spread(samples: list[float]) -> dict[str, float]:
    """Minimum, median and 90th percentile."""
    ordered = sorted(samples)
    return {
        "min": round(ordered[0], 3),
        "median": round(statistics.median(ordered), 3),
        "p90": round(ordered[int(len(ordered) * 0.9)], 3),
    }


if __name__ == "__main__":
    raise SystemExit(main())
