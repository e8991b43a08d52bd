"""What a kernel costs where there is no GPU: its compile gate, its check in the interpreter, and the whole suites.

    python benchmarks/kernel_gates.py [--suites suites/kernel]

One warm run over every kernel of the suites, one process at a time: seconds of each, the median and the worst.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from harness.lanes.kernel.compiling import compile_launches
from harness.lanes.kernel.compute import interpret
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.nursery import Nursery
from harness.lanes.kernel.question import plan_questions
from harness.lanes.kernel.results import candidates_of_suites


def main() -> int:
    """Measure and print JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", type=Path, default=Path("suites/kernel"))
    options = parser.parse_args()
    candidates = candidates_of_suites(options.suites)
    found: dict[str, dict[str, float]] = {"compile gate": {}, "interpreter check": {}}
    with Nursery() as nursery, tempfile.TemporaryDirectory() as scratch:
        for number, candidate in enumerate([candidates[0], *candidates]):  # the first warms the processes
            for what, times in found.items():
                folder = Path(scratch) / f"{number}-{what.split()[0]}"
                folder.mkdir()
                job = Job(
                    source=candidate.source, definition=candidate.definition, place=candidate.place.parent,
                    questions=plan_questions(candidate.definition, seed=1), attempts=1, timeout=300, folder=folder,
                    nursery=nursery,
                )  # fmt: skip
                started = time.perf_counter()
                if what == "compile gate":
                    compile_launches(job, candidate.definition.targets[:1])
                else:
                    interpret(job)
                times[f"{candidate.operation}/{candidate.name}"] = round(time.perf_counter() - started, 2)
    print(json.dumps({"what": "load of the machine", "average over a minute": os.getloadavg()[0]}))
    for what, times in found.items():
        worst = max(times, key=lambda name: times[name])
        middle = round(statistics.median(times.values()), 2)
        print(json.dumps({"what": f"{what}, s", "median": middle, "worst": times[worst], "of": worst, "all": times}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
