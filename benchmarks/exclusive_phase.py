"""The cost of the exclusive phase: a mixed suite of 1,000 items under it and under plain load scheduling, in turns.

    python benchmarks/exclusive_phase.py [--items 1000] [--timed 10] [--workers 2] [--rounds 3]

Ordinary items use 5 ms of CPU each, timed ones 20 ms. It is compared with `--dist load`, where only the lock separates
timed items, and with `--dist load` without timed items. The goal is a ratio below 1.15.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

LANE = """
import time

import harness
from harness import hookimpl, hooks
from harness.core.score import Component, judge
from harness.suites.suite import SuiteOptions

hooks.BUILT_IN = {}


class Options(SuiteOptions):
    count: int
    ms: float


class Burning:
    name, options, untrusted, boxed, min_tier, components = "burning", Options, (), False, None, ("burnt",)

    def collect(self, suite):
        for number in range(suite.options.count):
            yield harness.Case(
                lane=self.name, suite=suite.name, name=f"case{number:04}",
                subject=harness.Subject.from_bytes("x", str(number).encode()),
                inputs={"ms": suite.options.ms}, policy=suite.policy,
            )

    def evaluate(self, case, context):
        end = time.thread_time() + case.inputs["ms"] / 1e3
        while time.thread_time() < end:
            pass
        return harness.Evidence(status="ok")

    def score(self, evidence, policy):
        return judge(evidence, policy, [Component(name="burnt", value=1.0, weight=1.0)])


@hookimpl
def crucible_lanes():
    return [Burning()]
"""


def seconds(folder: Path, *options: str) -> float:
    """Wall seconds of one run."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:benchmark", "-p", "no:cacheprovider", "--top", "0"]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder)}
    begun = time.perf_counter()
    run = subprocess.run([*command, *options], check=False, cwd=folder, env=environment, capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (("items", 1000), ("timed", 10), ("workers", 2), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o700)
        (folder / "conftest.py").write_text(textwrap.dedent(LANE))
        (folder / "pytest.ini").write_text("[pytest]\n")
        for part, count, ms, timing in (("a", asked.items - asked.timed, 5, "cpu"), ("b", asked.timed, 20, "exact")):
            text = f"lane: burning\ncount: {count}\nms: {ms}\ntiming: {timing}\n"
            (folder / f"{part}.suite.yaml").write_text(text)
        untimed = folder / "untimed"
        untimed.mkdir()
        for part in ("a", "b"):
            (untimed / f"{part}.suite.yaml").write_text(
                (folder / f"{part}.suite.yaml").read_text().replace("exact", "cpu")
            )
        workers = f"-n{asked.workers}"
        ways = {
            "exclusive phase": (workers, "a.suite.yaml", "b.suite.yaml"),
            "load, lock only": (workers, "--dist", "load", "a.suite.yaml", "b.suite.yaml"),
            "load, nothing timed": (workers, "--dist", "load", "untimed"),
        }
        found: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(asked.rounds):
            for way, options in ways.items():
                found[way].append(seconds(folder, *options))
        best = {way: min(times) for way, times in found.items()}
        ratios = {way: best["exclusive phase"] / best[way] for way in list(ways)[1:]}
        print(json.dumps({"seconds": found, "best": best, "exclusive phase / other": ratios}, indent=2))


if __name__ == "__main__":
    main()
