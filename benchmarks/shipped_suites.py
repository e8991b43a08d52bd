"""The shipped suites, judged for the first time as `make run` does: wall time, CPU time, time until boards are shown.

    python benchmarks/shipped_suites.py [--rounds 1] [--lanes toolgen spec dsl kernel]

Each round copies what git tracks of suites, candidates, specs and kernels to a new folder, so nothing is known there,
and runs `pytest suites/... --epoch 20 -n auto --min-tier C`. Without PyTorch the kernel lane is left out: the name of a
row says which lanes it has. CPU time is that of all processes of the run. Output: rows of `rows.py`.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rows import Sample, cpu_seconds, measured

REPOSITORY = Path(__file__).resolve().parents[1]
PARTS = ("suites", "candidates", "specs", "kernels", "pyproject.toml", "conftest.py")
BOARD = "suite "  # how the head of the leaderboard begins
SUITE = re.compile(r"(?:toolgen|spec|dsl|kernel) \S+  (\d+)/\1(?: |$)")  # the line of a suite that is over
GOAL_WALL = 60.0


def main() -> int:
    """Run the rounds and print the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--lanes", nargs="+", default=["toolgen", "spec", "dsl", "kernel"])
    options = parser.parse_args()
    has_torch = importlib.util.find_spec("torch") is not None
    lanes = [lane for lane in options.lanes if lane != "kernel" or has_torch]
    runs, firsts, boards = [], [], []
    for _ in range(options.rounds):
        run, first, board = judged(lanes)
        runs.append(run)
        firsts.append(Sample(first, math.nan))
        boards.append(Sample(board, math.nan))
    what = f"shipped suites of {', '.join(lanes)}"
    is_whole = len(lanes) == len({path.name for path in (REPOSITORY / "suites").iterdir()})
    measured(what, "run", runs, goal_wall=GOAL_WALL if is_whole else None)
    if not any(math.isnan(first.wall) for first in firsts):  # a run of seconds names none before its leaderboard
        measured(f"{what}: the first suite", "run", firsts)
    measured(f"{what}: the leaderboard", "run", boards)
    return 0


def judged(lanes: list[str]) -> tuple[Sample, float, float]:
    """What one run took, and the seconds until it printed the first suite that was over, and the leaderboard.

    Raises:
        SystemExit: if the run failed, or printed none.
    """
    with tempfile.TemporaryDirectory(prefix="crucible-bench-") as name:
        root = Path(name)
        listed = subprocess.run(
            ["git", "ls-files", "-z", *PARTS], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        for path in filter(None, listed.stdout.split("\0")):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / path, root / path)
        command = [sys.executable, "-m", "pytest", *(f"suites/{lane}" for lane in lanes)]
        command += ["--epoch", "20", "-n", "auto", "--min-tier", "C", "--rootdir", str(root)]
        before, started, said = cpu_seconds(), time.perf_counter(), []
        first = board = math.nan
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        with subprocess.Popen(
            command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            for line in process.stdout or ():
                said.append(line)
                if math.isnan(first) and SUITE.match(line):
                    first = time.perf_counter() - started
                if math.isnan(board) and line.startswith(BOARD):
                    board = time.perf_counter() - started
        wall = time.perf_counter() - started
        if process.returncode or math.isnan(board):
            raise SystemExit("".join(said)[-3000:])
        return Sample(wall, cpu_seconds() - before), first, board


if __name__ == "__main__":
    raise SystemExit(main())
