"""Evidence is reused where nothing changed: real candidates, real boxes (docs/reuse.md)."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness import hooks
from harness.core.evidence import Evidence
from harness.core.status import Status
from harness.judge.judges import Judges
from harness.judge.known import is_reusable
from harness.lane.json_worker import JsonWorker
from harness.lanes.dsl import evaluate as dsl_evaluate
from harness.lanes.kernel import evaluate as kernel_evaluate
from harness.lanes.kernel.root_connection import Root
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.lanes.spec import evaluate as spec_evaluate
from tests.conftest import BUILT_IN
from tests.lanes.kernel.conftest import missing
from tests.test_plugin_faults import start, wait_for  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[1]
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


@pytest.mark.parametrize(
    ("status", "expect", "is_reused"),
    [
        ("ok", None, True),
        ("wrong", "wrong", True),
        ("flaky", "flaky", True),
        ("review", "review", True),
        ("flaky", None, False),
        ("review", "ok", False),
        ("flaky", "review", False),
        ("noisy", "noisy", False),
        ("infra", "infra", False),
    ],
)
def test_an_open_status_is_reused_only_where_it_is_expected(status, expect, is_reused):
    evidence = Evidence(status=Status(status), why="so")
    assert is_reusable(evidence, None, expect=Status(expect) if expect else None) is is_reused


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
        assert reused(doubles) == ({"good"} if how is signal.SIGKILL else {"good", "wrong"})


def test_a_table_of_benchmarks_needs_samples(doubles):
    doubles.put("x.suite.yaml", "lane: toolgen\ntool: tool\ncandidates: c/*.py\nattempts: 1\ntiming: exact\n")
    always = ("-p", "harness.plugin", *ARGS, "--benchmark-max-time", "0.05")

    def run(*args):
        return doubles.pytester.runpytest_inprocess(*always, *args).stdout.str()

    run()
    assert "unchanged since" in run()
    assert "unchanged since" not in run("--benchmark-json", "b.json")


LANES = {
    "spec": ("specs/grammars", "specs/samples/gzip", "specs/samples/gzip_holdout", "candidates/gzip_patches",
             "suites/spec/gzip.suite.yaml"),
    "dsl": ("specs/programs/hello.spak", "specs/programs/hello.answers.json", "suites/dsl/hello.suite.yaml"),
    "kernel": ("specs/kernels/softmax.yaml", "specs/kernels/softmax.py"),
}  # fmt: skip
EMPTY_KERNEL = (
    "lane: kernel\ndefinition: ../specs/kernels/softmax.yaml\nkernels: empty.py\nstages: [interpreter, gpu]\n"
)


@pytest.fixture
def shipped(project, monkeypatch):
    """Shipped suites of the lanes besides toolgen; the kernel is judged without PyTorch, because its file is empty."""
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    monkeypatch.setattr(hooks, "BUILT_IN", BUILT_IN)
    project.put("conftest.py", "")
    for part in (part for parts in LANES.values() for part in parts):
        target = project.path / part
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, target)
    project.put("suites/empty.py", "")
    project.put("suites/softmax.suite.yaml", EMPTY_KERNEL)
    return project


def last_rows(project, columns):
    return project.rows(
        f"SELECT {columns} FROM evaluations WHERE run_id = (SELECT max(run_id) FROM runs) ORDER BY nodeid"
    )


def test_an_unchanged_run_of_every_lane_starts_nothing_and_shows_the_same(shipped, monkeypatch):
    first = shipped.run(*ARGS, "suites", "--junitxml", "first.xml")
    columns = "nodeid, status, score, passed, why, attempts, median_ms, peak_mb, as_expected, neutral, tier"
    judged, records = last_rows(shipped, columns), last_rows(shipped, "unpacked(record, digest, numbers)")
    assert {lane for (lane,) in last_rows(shipped, "lane")} == set(LANES)
    assert ("D",) in last_rows(shipped, "tier")
    assert len(judged) > 14
    for path in shipped.path.rglob("*"):
        if "reports" not in path.parts:
            os.utime(path, (1, 1))

    def refuse(*_, **__):
        raise AssertionError("nothing is judged")

    for module in (dsl_evaluate, spec_evaluate, kernel_evaluate):
        for name in ("evaluate_part", "evaluate_patch", "evaluate_case"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, refuse)
    for started in (WarmProcesses, Root, JsonWorker, Judges):
        monkeypatch.setattr(started, "__init__", refuse)
    monkeypatch.setattr(kernel_evaluate, "evaluate_case", lambda case, _: skipped(case))
    again = shipped.run(*ARGS, "suites", "--junitxml", "again.xml")
    assert again.ret == first.ret
    assert last_rows(shipped, columns) == judged
    count = sum(status != "skipped" for _, status, *_ in judged)
    again.stdout.fnmatch_lines([f"notice: {count} unchanged since*"])
    pairs = zip(records, last_rows(shipped, "unpacked(record, digest, numbers)"), strict=True)
    for before, after in ((json.loads(one), json.loads(other)) for (one,), (other,) in pairs):
        if before["evidence"]["status"] == "skipped":
            continue
        assert after["evidence"].pop("reused")
        assert {**before["evidence"], "reused": ""} == {**after["evidence"], "reused": ""}
        assert before["score"] == after["score"]
    assert cases_of(shipped.path / "first.xml") == cases_of(shipped.path / "again.xml")
    page = (shipped.path / "reports/index.html").read_text()
    assert "shell_says_hello" in page


def skipped(case):
    assert case.inputs["stage"] == "gpu"  # without a device it is never reused
    return Evidence(status="skipped", why="no CUDA device here (no /dev/nvidia*)", facts={"stage": "gpu"})


def cases_of(path):
    """Name, class and outcome of each test of a JUnit file."""
    cases = ElementTree.parse(path).iter("testcase")
    return sorted((case.get("classname"), case.get("name"), [child.tag for child in case]) for case in cases)


CHANGES = {
    "spec": ("specs/samples/gzip/fox.gz", b"\n"),
    "dsl": ("specs/programs/hello.answers.json", b"\n"),
    "kernel": ("specs/kernels/softmax.py", b"\n"),
}


def test_a_changed_file_has_the_cases_of_its_suite_judged_again(shipped):
    """Which files count is in tests/lanes/test_keyed_inputs.py."""
    shipped.run(*ARGS, "suites")
    for lane, (file, more) in CHANGES.items():
        with (shipped.path / file).open("ab") as stream:
            stream.write(more)
        shipped.run(*ARGS, "suites")
        found = last_rows(shipped, "lane, reused_from <> '', status = 'skipped'")
        assert {name for name, is_reused, is_skipped in found if not is_reused and not is_skipped} == {lane}
        assert {name for name, is_reused, _ in found if is_reused} == set(LANES) - {lane}
    for given in ("--fresh", "--secret-seed=5"):
        shipped.run(*ARGS, "suites", given)
        assert not any(run_id for (run_id,) in last_rows(shipped, "reused_from"))


def test_another_installation_judges_kernels_again(shipped, monkeypatch):
    shipped.run(*ARGS, "suites/softmax.suite.yaml")
    shipped.run(*ARGS, "suites/softmax.suite.yaml")
    assert sum(bool(run_id) for (run_id,) in last_rows(shipped, "reused_from")) == 1
    monkeypatch.setenv("CUDA_HOME", "/another/toolkit")
    shipped.run(*ARGS, "suites/softmax.suite.yaml")
    assert not any(run_id for (run_id,) in last_rows(shipped, "reused_from"))
