"""Whether paired timing finds a slow-down and leaves equals alone: planted candidates, one real run under `-n auto`.

    python benchmarks/paired.py [--equal 300] [--slower 100] [--max-time 0.5] [--idle]

Every candidate names `base` as its parent and is compared with it: copies of it (A/A), copies that do 5 % more work,
and copies that do 10 % more. Meanwhile another process keeps a core busy (`--idle` leaves it out). Goals: at most 1 %
of the copies are told apart, at least 95 % of those with 5 % more and 99 % of those with 10 % more are found. What is
answered with "underpowered" is neither; it is shown beside.
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

FILES = {
    "tool/tool.yaml": """
        tool_id: spin
        description: Go round and round.
        signature: "def spin(rounds: int, salt: int) -> int"
        test_cases:
          - {input: {rounds: 3, salt: 5}, expected_output: 8}
        workload_size: 20000
    """,
    "tool/oracle.py": """
        from hypothesis import strategies as st


        def reference(rounds, salt):
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
# parents = ["{parent}"]
# ///
# {name}
def spin(rounds: int, salt: int) -> int:
    for _ in range(rounds * {percent} // 100):
        pass
    return rounds + salt
"""
SPIN = "while True: pass"


def main() -> None:
    """Plant, run, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--equal", type=int, default=300, help="copies of the parent")
    parser.add_argument("--slower", type=int, default=100, help="candidates of each planted slow-down")
    parser.add_argument("--max-time", type=float, default=0.5, help="seconds of one measurement")
    parser.add_argument("--idle", action="store_true", help="leave the other core alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plant(root, options.equal, options.slower)
        busy = None if options.idle else subprocess.Popen([sys.executable, "-c", SPIN])
        started, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            run(root, options.max_time)
        finally:
            if busy is not None:
                busy.kill()
                busy.wait()
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall, cpu = time.perf_counter() - started, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
        report(root)
        print(f"{wall:.0f} s wall, {cpu:.0f} s CPU (the busy process included)")


def plant(root: Path, equal: int, slower: int) -> None:
    """Write the project."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text).lstrip())
    found = root / "found"
    found.mkdir()
    (found / "base.py").write_text(CANDIDATE.format(parent="", name="base", percent=100).replace('[""]', "[]"))
    for percent, count in ((100, equal), (105, slower), (110, slower)):
        for number in range(count):
            name = f"plus{percent - 100}_{number:03}"
            (found / f"{name}.py").write_text(CANDIDATE.format(parent="base", name=name, percent=percent))


def run(root: Path, max_time: float) -> None:
    """One session of everything."""
    command = [sys.executable, "-m", "pytest", "a.suite.yaml", "-q", "-n", "auto", "--confirm", "0", "--top", "1"]
    command += [f"--benchmark-max-time={max_time}", "--benchmark-columns=median"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ended = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    if ended.returncode not in (0, 1):
        sys.exit(ended.stdout + ended.stderr)
    print(*[line for line in ended.stdout.splitlines() if line.startswith("timing control")], sep="\n")


def report(root: Path) -> None:
    """Count the verdicts."""
    with sqlite3.connect(root / "reports/ledger.db") as connection:
        rows = connection.execute(
            "SELECT substr(e.subject, 1, instr(e.subject, '_') - 1), c.verdict, count(*)"
            " FROM comparisons c JOIN evaluations e USING (run_id, nodeid) WHERE c.role = 'parent' GROUP BY 1, 2"
        ).fetchall()
    for kind in sorted({row[0] for row in rows}, key=lambda name: int(name.removeprefix("plus"))):
        counts = {verdict: number for name, verdict, number in rows if name == kind}
        total, told = sum(counts.values()), counts.get("slower", 0)
        decided = total - counts.get("underpowered", 0)
        words = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
        wrong = told + counts.get("faster", 0) if kind == "plus0" else told
        label = "told apart" if kind == "plus0" else "found slower"
        share = f"{wrong / decided:.1%} of {decided} decided" if decided else "nothing decided"
        print(f"+{kind.removeprefix('plus'):>2} %: {wrong} of {total} {label} ({share}); {words}")


if __name__ == "__main__":
    main()
