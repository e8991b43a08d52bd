"""Annealing, end to end: the same candidate passes at epoch 0 and fails at epoch 40, for its score alone.

The candidate does seven times the reference's work. What that may cost is annealed from 20 to 1.5 times, and
`docs/scoring-toolgen.md` says where the score leaves 0.95: it has no example (0.975 at best), so its growth must fall
below two thirds. At epoch 0 that takes 30 times the reference's work, at epoch 40 only 2.25 times.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import harness

FILES = {
    "pytest.ini": "[pytest]\n",
    "total/tool.yaml": """
        tool_id: total
        description: Add up all numbers below n.
        signature: "def total(n: int) -> int"
        test_cases:
          - {input: {n: 4}, expected_output: 6}
        workload_size: 20000
    """,
    "total/oracle.py": """
        from hypothesis import strategies as st


        def reference(n):
            result = 0
            for i in range(n):
                result += i
            return result


        def inputs():
            return st.integers(0, 50).map(lambda n: {"n": n})


        def edges():
            return [{"n": 0}, {"n": 1}, {"n": -1}]


        def workload(size, rng):
            return {"n": size + rng.randrange(16)}
    """,
    "candidates/slow.py": '''
        """Add up numbers, slowly."""


        def total(n: int) -> int:
            """The sum of all numbers below n, made sure of seven times."""
            for _ in range(7):
                result = 0
                for i in range(n):
                    result += i
            return result
    ''',
    "total.suite.yaml": """
        lane: toolgen
        tool: total
        candidates: candidates/*.py
        attempts: 1
        questions: 8
        jitter_ms: [0, 0]
        gates: {score: 0.95}
    """,
}


@pytest.fixture
def project(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip(), "utf-8")
    return tmp_path


def judged(project: Path, epoch: int) -> tuple[int, str, sqlite3.Row, dict[str, bool]]:
    """Run pytest: its exit status, what it printed, the row of the evaluation, and which gates held."""
    command = [sys.executable, "-m", "pytest", "-p", "harness.plugin", "-p", "no:cacheprovider", "-p", "no:xdist"]
    run = subprocess.run(
        [*command, "--min-tier", "E", "--confirm", "0", "--epoch", str(epoch)],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(Path(harness.__file__).parents[1]), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = run.stdout + run.stderr
    with sqlite3.connect(project / "reports/ledger.db") as ledger:
        ledger.row_factory = sqlite3.Row
        last = "WHERE run_id = (SELECT max(run_id) FROM runs)"
        [row] = ledger.execute(f"SELECT * FROM evaluations {last}")
        gates = {gate["name"]: bool(gate["passed"]) for gate in ledger.execute(f"SELECT * FROM gates {last}")}
    return run.returncode, said, row, gates


def test_what_passes_at_epoch_0_fails_at_epoch_40(project):
    code, said, early, gates = judged(project, 0)
    assert code == 0, said
    assert (early["epoch"], early["status"], early["passed"]) == (0, "ok", 1)
    assert all(gates.values())

    code, said, late, gates = judged(project, 40)
    assert code == 1, said
    assert (late["epoch"], late["status"], late["passed"]) == (40, "ok", 0)
    assert [name for name, held in gates.items() if not held] == ["score"]
    assert "gate score: " in said
    assert late["score"] < 0.95 <= early["score"]
    assert late["digest"] == early["digest"]
