"""Evidence is reused where nothing changed: real candidates, real boxes (docs/reuse.md)."""

from __future__ import annotations

import os
import signal

import pytest

from harness import hooks
from tests.conftest import BUILT_IN
from tests.test_plugin_faults import start, wait_for  # noqa: F401 - a fixture

TOOL = """
    tool_id: double
    description: Twice a number.
    signature: "def double(x: int) -> int"
    test_cases:
      - {input: {x: 2}, expected_output: 4}
"""
ORACLE = """
    from hypothesis import strategies as st


    def reference(x):
        return 2 * x


    def inputs():
        return st.fixed_dictionaries({"x": st.integers(-99, 99)})
"""


@pytest.fixture
def doubles(project, monkeypatch):
    monkeypatch.setattr(hooks, "BUILT_IN", BUILT_IN)
    project.put("conftest.py", "")
    project.put("tool/tool.yaml", TOOL)
    project.put("tool/oracle.py", ORACLE)
    project.put("tool/words.txt", "one")
    project.put("c/good.py", "def double(x: int) -> int:\n    return x + x\n")
    project.put("c/wrong.py", "def double(x: int) -> int:\n    return x * x\n")
    project.put("x.suite.yaml", "lane: toolgen\ntool: tool\ncandidates: c/*.py\nattempts: 1\ntiming: none\n")
    return project


ARGS = ("--confirm", "0", "--min-tier", "E")


def reused(project, *args):
    result = project.run(*ARGS, *args)
    found = dict(
        project.rows("SELECT subject, reused_from FROM evaluations WHERE run_id = (SELECT max(run_id) FROM runs)")
    )
    assert set(found) == {"good", "wrong"}, result.stdout.str()
    return {name for name, run_id in found.items() if run_id}


EDITS = {
    "nothing": None,
    "the oracle": ("tool/oracle.py", ORACLE + "\n\n    # edited\n"),
    "a file beside the oracle": ("tool/words.txt", "two"),
    "the suite's gates": (
        "x.suite.yaml",
        "lane: toolgen\ntool: tool\ncandidates: c/*.py\nattempts: 1\ntiming: none\ngates: {score: 0.1}\n",
    ),
    "one candidate": ("c/wrong.py", "def double(x: int) -> int:\n    return x ** 3\n"),
}


def test_only_what_is_unchanged_in_every_respect_is_reused(doubles):
    assert reused(doubles) == set()
    for what, edit in EDITS.items():
        if edit is not None:
            doubles.put(*edit)
        expected = {"good", "wrong"} if what == "nothing" else {"good"} if what == "one candidate" else set()
        assert reused(doubles) == expected, what
    assert doubles.verdicts() == {"good": "ok", "wrong": "wrong"}


def test_an_aborted_run_resumes(doubles, start):  # noqa: F811
    doubles.put(
        "conftest.py",
        """
        import harness, time
        from pathlib import Path

        @harness.hookimpl
        def crucible_evaluated(evaluation):
            if Path("stop").exists():
                Path("started").touch()
                time.sleep(60)
        """,
    )
    for how in (signal.SIGKILL, signal.SIGINT):
        doubles.put("stop", "")
        process = start(*ARGS, "--fresh")
        wait_for(doubles.path / "started")
        os.kill(process.pid, how)
        process.communicate(timeout=60)
        for name in ("stop", "started"):
            (doubles.path / name).unlink()
        if how is signal.SIGINT:
            assert doubles.rows("SELECT status FROM runs ORDER BY run_id DESC LIMIT 1") == [("aborted",)]
        assert reused(doubles) == {"good"} if how is signal.SIGKILL else {"good", "wrong"}


def test_a_table_of_benchmarks_needs_samples(doubles):
    doubles.put("x.suite.yaml", "lane: toolgen\ntool: tool\ncandidates: c/*.py\nattempts: 1\ntiming: exact\n")
    always = ("-p", "harness.plugin", *ARGS, "--benchmark-max-time", "0.05")

    def run(*args):
        return doubles.pytester.runpytest_inprocess(*always, *args).stdout.str()

    run()
    assert "unchanged since" in run()
    assert "unchanged since" not in run("--benchmark-json", "b.json")
