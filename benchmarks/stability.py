"""Detection rate of flaky candidates, and validity of the reported bound: generated candidates, real runs.

    python benchmarks/stability.py [--runs 20] [--confirm 60]

A temporary project has two flaky candidates and an honest one that is slightly worse: one flaky candidate is wrong in
20 % of all milliseconds, the other under one hash seed in four. Each run is a complete `pytest` with default attempts
and its own secret seed. Goals: the first is detected (`flaky` or `wrong`) in at least 19 of 20 runs by the default
attempts alone (`--confirm 0`); the second is detected in at least 19 of 20 before it can rank first, and where three
attempts do not detect it, its line states the bound they prove. The last columns are the cost of confirmation.
"""

from __future__ import annotations

import argparse
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

FILES = {
    "tool/tool.yaml": """
        tool_id: total
        description: Add numbers up.
        signature: "def total(numbers: list[int]) -> int"
        test_cases:
          - {input: {numbers: [1, 2]}, expected_output: 3}
    """,
    "tool/oracle.py": """
        from hypothesis import strategies as st


        def reference(numbers):
            return sum(numbers)


        def inputs():
            return st.fixed_dictionaries({"numbers": st.lists(st.integers(-99, 99), max_size=20)})
    """,
    "candidates/honest.py": """
        def total(numbers):
            return sum(numbers)
    """,
    "candidates/clock.py": '''
        """Add numbers up; wrong in 20 % of all milliseconds."""
        import time


        def total(numbers: list[int]) -> int:
            """Add numbers up."""
            return sum(numbers) + (int(time.time() * 1000) % 5 == 0)
    ''',
    "candidates/order.py": '''
        """Add numbers up; wrong under one hash seed in four."""
        WRONG = hash("crucible") % 4 == 0


        def total(numbers: list[int]) -> int:
            """Add numbers up."""
            return sum(numbers) + WRONG
    ''',
    "clock.suite.yaml": "lane: toolgen\ntool: tool\ncandidates: [candidates/clock.py, candidates/honest.py]\n",
    "order.suite.yaml": "lane: toolgen\ntool: tool\ncandidates: [candidates/order.py, candidates/honest.py]\n",
}
CAUGHT = ("flaky", "wrong")


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--confirm", type=float, default=60.0, help="seconds for confirmations (default 60)")
    given = parser.parse_args()
    least = round(given.runs * 0.95)
    clock, early, before_first, called_first, bounds, seconds = 0, 0, 0, 0, 0, [0.0, 0.0]
    for number in range(given.runs):
        status, _, took = run("clock", number, confirm=0)
        clock += status in CAUGHT
        seconds[0] += took
        status, line, _ = run("order", number, confirm=0)
        early += status in CAUGHT
        bounds += status in CAUGHT or "p<64%" in line
        called_first += line.strip().startswith("1 ")  # without a confirmation no candidate may be
        status, line, took = run("order", number, confirm=given.confirm)
        before_first += status in CAUGHT and not line.strip().startswith("1 ")
        seconds[1] += took
        print(
            f"run {number + 1}: order without confirmation {'caught' if early else 'not'}, with: {status}", flush=True
        )
    print(f"wrong in 20 % of milliseconds, default attempts: caught in {clock} of {given.runs} (goal {least})")
    print(f"wrong for one hash seed in four, default attempts: caught in {early} of {given.runs}")
    print(f"  its line shows `flaky`, `wrong` or the bound that three attempts prove: {bounds} of {given.runs}")
    print(f"  called first without a confirmation: {called_first} of {given.runs} (goal 0)")
    print(f"  caught before it can rank first: {before_first} of {given.runs} (goal {least})")
    print(f"a run takes {seconds[0] / given.runs:.1f} s without, {seconds[1] / given.runs:.1f} s with confirmation")
    return int(clock < least or before_first < least or called_first > 0 or bounds < given.runs)


def run(suite: str, number: int, *, confirm: float) -> tuple[str, str, float]:
    """One run of one suite: the planted candidate's status, its line on the board, seconds."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in FILES.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(textwrap.dedent(text))
        options = ["--confirm", str(confirm), "--secret-seed", str(1000 + number), "-p", "no:cacheprovider"]
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", f"{suite}.suite.yaml", "-p", "harness.plugin", *options],
            cwd=root,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1])])},
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.monotonic() - started
        with sqlite3.connect(root / "reports/ledger.db") as ledger:
            [(status,)] = ledger.execute("SELECT status FROM evaluations WHERE subject = ?", (suite,)).fetchall()
    lines = [line for line in done.stdout.splitlines() if re.match(rf"\s*[\d?]+\s+{suite}\b", line)]
    return status, lines[0] if lines else "", took


if __name__ == "__main__":
    sys.exit(main())
