"""Candidates per second as pytest items, including ledger and report: 1,000 distinct ones under `-n auto`.

    python benchmarks/item_throughput.py [--candidates 1000] [--workers auto] [--rounds 1]

A throw-away project is written, judged by a real `pytest` process with `attempts: 1`, no jitter and 10 questions, and
a candidate takes its share of that whole process, start-up included. CPU time is that of the process with all its
children; the end of a run is `pytest_sessionfinish`, without confirmation. Output: rows of `rows.py`.
"""

from __future__ import annotations

import argparse
import math
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from rows import Sample, measured, took

TOOL = """\
tool_id: clamp
description: Clamp a number into a closed interval.
signature: "def clamp(x: int, lo: int, hi: int) -> int"
docstring: Clamp x into [lo, hi].
test_cases:
  - {input: {x: 5, lo: 0, hi: 3}, expected_output: 3}
  - {input: {x: -5, lo: 0, hi: 3}, expected_output: 0}
"""
ORACLE = """\
from hypothesis import strategies as st

def reference(x, lo, hi):
    return max(lo, min(x, hi))

def inputs():
    return st.integers(0, 99).map(lambda n: {"x": n, "lo": 10, "hi": 50})

def edges():
    return [{"x": 10**30, "lo": 0, "hi": 1}]
"""
CANDIDATE = '''"""Clamp, variant {n}."""


def clamp(x: int, lo: int, hi: int) -> int:
    """Clamp x into [lo, hi]."""
    return lo if x < lo else hi if x > hi else x  # {n}
'''
CONFTEST = """\
import time
from pathlib import Path

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    begun = time.process_time()
    result = yield
    if not hasattr(session.config, "workerinput"):
        Path("end.txt").write_text(str(time.process_time() - begun))
    return result
"""
SUITE = """\
lane: toolgen
tool: tool
candidates: candidates/*.py
attempts: 1
questions: 7
jitter_ms: [0, 0]
timing: none
gates: {correctness: 1.0}
"""


def main() -> int:
    """Run pytest on a new project in each round, and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=1000)
    parser.add_argument("--workers", default="auto")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    runs, ends = [], []
    for _ in range(options.rounds):
        sample, end = judged(options.candidates, options.workers)
        runs.append(sample)
        ends.append(end)
    measured("pytest items, no timing, with ledger and page", "candidate", runs, goal_wall=1 / 150)
    measured(f"end of a run of {options.candidates} evaluations", "candidate", ends, goal=1e-4)
    return 0


def judged(count: int, workers: str) -> tuple[Sample, Sample]:
    """What a candidate took of a run of pytest on a new project, and of the end of that run."""
    with tempfile.TemporaryDirectory(prefix="crucible-bench-") as name:
        root = Path(name)
        (root / "tool").mkdir()
        (root / "candidates").mkdir()
        (root / "tool" / "tool.yaml").write_text(TOOL, encoding="utf-8")
        (root / "tool" / "oracle.py").write_text(ORACLE, encoding="utf-8")
        (root / "conftest.py").write_text(CONFTEST, encoding="utf-8")
        (root / "clamp.suite.yaml").write_text(SUITE, encoding="utf-8")
        for n in range(count):
            (root / "candidates" / f"c{n:05d}.py").write_text(CANDIDATE.format(n=n), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "clamp.suite.yaml", "-q", "--rootdir", str(root)]
        command += ["-n", workers, "--confirm", "0", "-p", "no:cacheprovider"]

        def run() -> None:
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stdout[-3000:] + done.stderr[-2000:])

        sample = took(run, count)
        with sqlite3.connect(root / "reports" / "ledger.db") as ledger:
            stored = ledger.execute("select count(*) from evaluations where status = 'ok'").fetchone()[0]
        if stored != count:
            raise SystemExit(f"{stored} of {count} candidates were stored as ok")
        return sample, Sample(math.nan, float((root / "end.txt").read_text()) / count)


if __name__ == "__main__":
    raise SystemExit(main())
