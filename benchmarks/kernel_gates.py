"""CPU and wall time of a kernel's stages without a GPU: the compile gate and the check in the interpreter.

    python benchmarks/kernel_gates.py [--suites suites/kernel]

One warm run over every kernel of the suites, one process at a time: CPU and wall seconds of each, the median, the worst
and the kernels that miss the goal. CPU seconds include this process, the tools that it starts and the kernel's process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.lanes.kernel.compilation import compile_launches
from harness.lanes.kernel.correctness import interpret
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.question import plan_questions
from harness.lanes.kernel.results import candidates_of_suites
from harness.lanes.kernel.warm_processes import Outcome, WarmProcesses

GOALS = {"compile gate": 2.0, "interpreter check": 3.0}
"""Seconds a kernel."""


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


class _Watched(WarmProcesses):
    """Counts the CPU time of the kernels' processes, which are not children of this process."""

    cpu = 0.0

    def run(self, *arguments: Any, **named: Any) -> Outcome:
        outcome = super().run(*arguments, **named)
        self.cpu += outcome.cpu_ms / 1000
        return outcome


def main() -> int:
    """Measure and print JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", type=Path, default=Path("suites/kernel"))
    options = parser.parse_args()
    candidates = candidates_of_suites(options.suites)
    found: dict[str, dict[str, dict[str, float]]] = {what: {"cpu": {}, "wall": {}} for what in GOALS}
    with _Watched() as processes, tempfile.TemporaryDirectory() as scratch:
        for number, candidate in enumerate([candidates[0], *candidates]):  # the first warms the processes
            for what, times in found.items():
                folder = Path(scratch) / f"{number}-{what.split()[0]}"
                folder.mkdir()
                job = Job(
                    source=candidate.source, definition=candidate.definition, place=candidate.place.parent,
                    questions=plan_questions(candidate.definition, seed=1), attempts=1, timeout=300, folder=folder,
                    processes=processes,
                )  # fmt: skip
                started, spent = time.perf_counter(), _cpu() + processes.cpu
                if what == "compile gate":
                    compile_launches(job, candidate.definition.targets[:1])
                else:
                    interpret(job)
                name = f"{candidate.operation}/{candidate.name}"
                times["wall"][name] = round(time.perf_counter() - started, 2)
                times["cpu"][name] = round(_cpu() + processes.cpu - spent, 2)
    print(json.dumps({"what": "load of the machine", "average over a minute": os.getloadavg()[0]}))
    for what, times in found.items():
        for clock, each in times.items():
            worst = max(each, key=lambda name: each[name])
            line = {
                "what": f"{what}, {clock} s",
                "median": round(statistics.median(each.values()), 2),
                "worst": each[worst],
                "of": worst,
                "goal": GOALS[what],
                "missed by": {name: seconds for name, seconds in each.items() if seconds > GOALS[what]},
                "all": each,
            }
            print(json.dumps(line))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
