"""Candidates per second as pytest items, including ledger and report: 1,000 distinct ones under `-n auto`.

    python benchmarks/item_throughput.py [--candidates 1000] [--workers auto]

A throw-away project is written, judged by a real `pytest` process with `attempts: 1`, no jitter and 10 questions, and
the rate is the number of candidates over the wall time of that whole process, start-up included. CPU time is that of
the process with all its children; `end_ms_each` is that of `pytest_sessionfinish`, without confirmation.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from rows import took

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
    """Write the project, run pytest on it, print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=1000)
    parser.add_argument("--workers", default="auto")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crucible-bench-") as name:
        root = Path(name)
        (root / "tool").mkdir()
        (root / "candidates").mkdir()
        (root / "tool" / "tool.yaml").write_text(TOOL, encoding="utf-8")
        (root / "tool" / "oracle.py").write_text(ORACLE, encoding="utf-8")
        (root / "conftest.py").write_text(CONFTEST, encoding="utf-8")
        (root / "clamp.suite.yaml").write_text(SUITE, encoding="utf-8")
        for n in range(options.candidates):
            (root / "candidates" / f"c{n:05d}.py").write_text(CANDIDATE.format(n=n), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "clamp.suite.yaml", "-q", "--rootdir", str(root)]
        command += ["-n", options.workers, "--confirm", "0", "-p", "no:cacheprovider"]
        done: list[subprocess.CompletedProcess[str]] = []
        spent = took(
            lambda: done.append(subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)), 1
        )
        if done[0].returncode:
            print(done[0].stdout[-3000:], done[0].stderr[-2000:], file=sys.stderr)
            return 1
        with sqlite3.connect(root / "reports" / "ledger.db") as ledger:
            stored = ledger.execute("select count(*) from evaluations where status = 'ok'").fetchone()[0]
        print(
            json.dumps(
                {
                    "candidates": options.candidates,
                    "stored_ok": stored,
                    "wall_s": round(spent.wall, 2),
                    "candidates_per_s": round(options.candidates / spent.wall, 1),
                    "cpu_ms_each": round(spent.cpu / options.candidates * 1e3, 2),
                    "end_ms_each": round(float((root / "end.txt").read_text()) / options.candidates * 1e3, 4),
                    "report_kb": round((root / "reports" / "index.html").stat().st_size / 1024),
                }
            )
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
