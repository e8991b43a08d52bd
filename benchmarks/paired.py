"""Detection rate and false alarms of paired benchmarks: generated candidates, real runs under `-n auto`.

    python benchmarks/paired.py [--equal 60] [--slower 20] [--sessions 5] [--max-time 0.3] [--results FILE] [--idle]

Every candidate names `base` as its parent and is compared with it: copies of it (A/A), copies that do 5 % more work,
and copies that do 10 % more. Another process keeps a core busy meanwhile (`--idle` disables it). Goals: at most 1 % of
the copies are reported as different, at least 95 % of those with 5 % more and 99 % of those with 10 % more are found.
The verdict "underpowered" counts as neither.

A session is one run of pytest. `--results` keeps every trial, one JSON line each, and the summary covers all trials of
the file, so 300 copies can be measured in several runs. `--sessions 0` only prints.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from pathlib import Path
from typing import Any

from harness.core.stats import wilson_interval

FILES = {
    "tool/tool.yaml": """
        tool_id: spin
        description: Go round and round.
        signature: "def spin(rounds: int, salt: int) -> int"
        test_cases:
          - {input: {rounds: 3, salt: 5}, expected_output: 8}
        workload_size: 10000
    """,
    "tool/oracle.py": """
        from hypothesis import strategies as st


        def reference(rounds, salt):
            if not 0 <= rounds <= 100_000:
                raise ValueError("so many rounds would take too long")
            return rounds + salt


        def inputs():
            return st.fixed_dictionaries({"rounds": st.integers(0, 50), "salt": st.integers(0, 2**40)})


        def workload(size, rng):
            return {"rounds": size, "salt": rng.randrange(2**40)}
    """,
    "a.suite.yaml": """
        lane: toolgen
        tool: tool
        candidates: found/*.py
        timing: exact
        attempts: 1
        questions: 4
        jitter_ms: [0, 0]
    """,
    "pytest.ini": "[pytest]\n",
}
CANDIDATE = """# /// candidate
# parents = [{parents}]
# ///
# {name}
def spin(rounds: int, salt: int) -> int:
    if not 0 <= rounds <= 100_000:
        raise ValueError("too many")
    for _ in range(rounds * {percent} // 100):
        pass
    return rounds + salt
"""
SPIN = "while True: pass"
KINDS = {100: "equal", 105: "+5 %", 110: "+10 %"}
GOALS = {
    "equal": "reported as different, goal <= 1 %",
    "+5 %": "found slower, goal >= 95 %",
    "+10 %": "found slower, goal >= 99 %",
}


def main() -> None:
    """Plant, run, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--equal", type=int, default=60, help="copies of the parent in one session")
    parser.add_argument("--slower", type=int, default=20, help="candidates of each planted slow-down in one session")
    parser.add_argument("--sessions", type=int, default=5)
    parser.add_argument(
        "--max-time", type=float, default=0.3, help="seconds of one measurement (pytest's default is 1)"
    )
    parser.add_argument("--results", type=Path, help="keep all trials here, and count those that are there, too")
    parser.add_argument("--idle", action="store_true", help="leave the other core alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = options.results or Path(folder) / "results.jsonl"
        for number in range(options.sessions):
            root = Path(folder) / str(number)
            plant(root, options.equal, options.slower)
            busy = None if options.idle else subprocess.Popen([sys.executable, "-c", SPIN])
            started, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            try:
                run(root, options.max_time)
            finally:
                now = resource.getrusage(resource.RUSAGE_CHILDREN)
                if busy is not None:
                    busy.kill()
                    busy.wait()
            wall, cpu = time.perf_counter() - started, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
            keep(root, results)
            print(
                f"session {number + 1}: {wall:.0f} s wall, {cpu:.0f} s CPU, load {os.getloadavg()[0]:.1f}", flush=True
            )
        report([json.loads(line) for line in results.read_text("utf-8").splitlines()])


def plant(root: Path, equal: int, slower: int) -> None:
    """Write the project."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text).lstrip())
    found = root / "found"
    found.mkdir()
    (found / "base.py").write_text(CANDIDATE.format(parents="", name="base", percent=100))
    for percent, count in ((100, equal), (105, slower), (110, slower)):
        for number in range(count):
            name = f"by{percent}_{number:03}"
            (found / f"{name}.py").write_text(CANDIDATE.format(parents='"base"', name=name, percent=percent))


def run(root: Path, max_time: float) -> None:
    """One session of everything."""
    command = [sys.executable, "-m", "pytest", "a.suite.yaml", "-q", "-n", "auto", "--confirm", "0", "--top", "1"]
    command += [f"--benchmark-max-time={max_time}", "--benchmark-columns=median"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ended = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    if ended.returncode not in (0, 1):
        sys.exit(ended.stdout + ended.stderr)
    print(*[line for line in ended.stdout.splitlines() if line.startswith("timing control")], sep="\n")


def keep(root: Path, results: Path) -> None:
    """Append each trial to the results. A candidate that was not compared at all is a trial without a verdict."""
    with sqlite3.connect(root / "reports/ledger.db") as connection, results.open("a", encoding="utf-8") as file:
        rows = connection.execute(
            "SELECT e.subject, e.status, e.seconds, c.verdict, c.ratio, c.deviation, c.pairs, c.why"
            " FROM evaluations e LEFT JOIN comparisons c ON c.run_id = e.run_id AND c.nodeid = e.nodeid"
            " AND c.role = 'parent' WHERE e.subject <> 'base'"
        )
        names = [about[0] for about in rows.description]
        for row in rows:
            trial = dict(zip(names, row, strict=True))
            kind = KINDS[int(trial["subject"][2:5])]
            file.write(json.dumps({"kind": kind, **trial, "verdict": trial["verdict"] or "none"}) + "\n")


def report(trials: list[dict[str, Any]]) -> None:
    """Count the verdicts."""
    for kind, goal in GOALS.items():
        of_kind = [trial for trial in trials if trial["kind"] == kind]
        counts = Counter(trial["verdict"] for trial in of_kind)
        different = counts["slower"] + (counts["faster"] if kind == "equal" else 0)
        low, high = wilson_interval(different, len(of_kind))
        words = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
        share = f"{different / len(of_kind):.1%} (95 %: {low:.1%} to {high:.1%})" if of_kind else "-"
        print(f"{kind:>6}: {different} of {len(of_kind)}, {share} {goal}; {words}")


if __name__ == "__main__":
    main()
