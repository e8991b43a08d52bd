"""A whole run with exact timing: rivals are found, a slower child is told and fails a gate, the control is printed."""

from __future__ import annotations

import sqlite3
import textwrap

import pytest

from harness.ledger import queries
from harness.ledger.store import Ledger

TOOL = """
tool_id: total
description: Add numbers.
signature: "def total(numbers: list[int]) -> int"
test_cases:
  - {input: {numbers: [1, 2]}, expected_output: 3}
workload_size: 1000
"""
ORACLE = """
from hypothesis import strategies as st


def reference(numbers):
    return sum(numbers)


def inputs():
    return st.lists(st.integers(-9, 9)).map(lambda numbers: {"numbers": numbers})


def workload(size, rng):
    return {"numbers": [rng.randrange(1000) for _ in range(size)]}
"""
PARENT = "def total(numbers: list[int]) -> int:\n    return sum(numbers)\n"
CHILD = """
# /// candidate
# parents = ["parent"]
# ///
def total(numbers: list[int]) -> int:
    [sum(numbers) for _ in range(400)]
    return sum(numbers)
"""


@pytest.fixture
def project(pytester):
    def put(path, text):
        file = pytester.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), "utf-8")

    put("pytest.ini", "[pytest]\n")
    put("specs/total/tool.yaml", TOOL)
    put("specs/total/oracle.py", ORACLE)
    put("found/parent.py", PARENT)
    put("found/child.py", CHILD)
    put("a.suite.yaml", "lane: toolgen\ntool: specs/total\ncandidates: found/*.py\ntiming: exact\nattempts: 2\n")
    return pytester


def compared(project):
    with sqlite3.connect(project.path / "reports/ledger.db") as connection:
        run = "run_id = (SELECT max(run_id) FROM runs)"
        return connection.execute(
            f"SELECT nodeid, role, rival, verdict FROM comparisons WHERE {run} AND role <> 'reference'"
        ).fetchall()


def test_a_child_that_is_slower_than_its_parent_is_a_regression(project):
    options = ("--benchmark-max-time=0.05", "--confirm", "0", "--min-tier", "E", "-n", "1")
    result = project.runpytest_subprocess("a.suite.yaml", *options, "--gate", "regressions == 0", timeout=170)
    text = result.stdout.str()
    found = compared(project)
    known = {(nodeid.rpartition("::")[2], role, rival) for nodeid, role, rival, _ in found}
    assert ("child", "parent", "parent") in known
    [verdict] = [verdict for _, role, _, verdict in found if role == "parent"]
    if verdict == "underpowered":  # a machine as busy as that says so, and the gate does not count what it cannot know
        assert "cannot be distinguished from its parent" in text
        return
    assert verdict == "slower"
    assert "child is slower than its parent parent" in text
    assert "timing control (A/A):" in text
    assert result.ret == 1
    assert "gate regressions == 0: FAILS: observed 1" in text
    page = (project.path / "reports/index.html").read_text("utf-8")
    assert "regressions == 0" in page


def test_the_next_run_meets_the_champion(project):
    options = ("--benchmark-max-time=0.02", "--min-tier", "E", "--confirm", "0")
    assert project.runpytest_inprocess("-p", "harness.plugin", "a.suite.yaml", "-k", "parent", *options).ret == 0
    project.runpytest_inprocess("-p", "harness.plugin", "a.suite.yaml", "-k", "child", *options)
    assert ("parent", "parent") in {(role, rival) for _, role, rival, _ in compared(project)}
    (project.path / "found/other.py").write_text(PARENT + "\n# other\n")
    project.runpytest_inprocess("-p", "harness.plugin", "a.suite.yaml", "-k", "other", *options)
    # On a machine so busy that the parent's own time is not known it has no score, and the child leads.
    assert {(role, rival) for _, role, rival, _ in compared(project)} <= {("champion", "parent"), ("champion", "child")}
    assert compared(project)
    with Ledger.read(project.path / "reports/ledger.db") as ledger:
        [found] = queries.find(ledger, "other")
        evidence = queries.load(ledger, found["run_id"], found["nodeid"]).evidence
    [one] = [comparison for comparison in evidence.comparisons if comparison.role == "champion"]
    assert one.digest
    assert one.why
