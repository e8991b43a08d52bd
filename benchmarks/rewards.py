"""What HTTP adds to a verdict: `Remote` against the `JudgePool` that the service has, in alternating rounds of one run.

    python benchmarks/rewards.py [--rounds 7] [--candidates 640] [--workers 2]

Two rows: candidates that the pool knows, where the road is all that costs, and candidates that are judged. Per
candidate, wall and CPU milliseconds (server, client and judges are one process tree). Goal: HTTP adds at most 1 ms to
each in batches of 64.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn
from judge_pool import ORACLE, SOURCE, TOOL

from harness import JudgePool
from harness.rewards import Remote
from harness.rewards.checked_judge import CheckedJudge
from harness.rewards.service import Service

TOKEN = "benchmark"


def spent() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measure(judge: Callable[[list[str]], list], sources: list[str]) -> tuple[float, float]:
    """Wall and CPU milliseconds a candidate, the judges' CPU left out: it is the same on both roads."""
    wall, cpu = time.perf_counter(), spent()
    verdicts = judge(sources)
    wall, cpu = time.perf_counter() - wall, spent() - cpu
    if not all(verdict.passed for verdict in verdicts):
        raise SystemExit("a right candidate did not pass")
    return wall * 1e3 / len(sources), cpu * 1e3 / len(sources)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--candidates", type=int, default=640)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        tool = Path(name) / "dedup"
        tool.mkdir()
        (tool / "tool.yaml").write_text(TOOL)
        (tool / "oracle.py").write_text(ORACLE)
        with JudgePool(tool, workers=args.workers, attempts=1, jitter_ms=(0, 0), timing="none") as pool:
            service = Service(CheckedJudge(pool, every=0), token=TOKEN, queue=4096)
            config = uvicorn.Config(service.application(), port=0, log_level="error", lifespan="off", access_log=False)
            server, bound = uvicorn.Server(config), config.bind_socket()
            thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
            thread.start()
            with Remote(f"http://127.0.0.1:{bound.getsockname()[1]}", token=TOKEN) as remote:
                pool.judge_all([f"{SOURCE}# warm {number}\n" for number in range(40)])
                known = [f"{SOURCE}# known {number}\n" for number in range(args.candidates)]
                pool.judge_all(known)
                for row, count in (("known candidates", len(known)), ("judged candidates", args.candidates // 4)):
                    found: dict[str, list[tuple[float, float]]] = {"pool": [], "http": []}
                    for number in range(args.rounds):
                        roads = [("pool", pool.judge_all), ("http", remote.judge_all)]
                        for road, judge in roads if number % 2 else reversed(roads):
                            sources = (
                                known
                                if row.startswith("known")
                                else [f"{SOURCE}# {road} {number} {index}\n" for index in range(count)]
                            )
                            found[road].append(measure(judge, sources))
                    medians = {
                        road: [round(statistics.median(column), 3) for column in zip(*values, strict=True)]
                        for road, values in found.items()
                    }
                    added = [round(http - own, 3) for http, own in zip(medians["http"], medians["pool"], strict=True)]
                    print(json.dumps({"row": row, "wall, cpu ms": medians, "HTTP adds": added}))
            server.should_exit = True
            thread.join()


if __name__ == "__main__":
    main()
