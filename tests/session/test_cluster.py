"""Runs on a cluster: `pytest --cluster` and `crucible run`, with the rows of a run on one machine."""

from __future__ import annotations

import importlib.util
import os
import secrets
import sqlite3
import subprocess
import sys
import time

import pytest

from tests.judge.conftest import ENDLESS, processes_with
from tests.session.test_judging_ahead import COUNT, rows, write_project

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="a cluster needs the extra `cluster`"
)


def run(root, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *words, "--secret-seed", "7", "--confirm", "0", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)


SIGNALS = """
from pathlib import Path

from harness.session import progress

progress.PLAIN_SECONDS = 0.0


def pytest_runtest_logreport(report):
    lists = [path.read_text() for path in Path("/proc/self/task").glob("*/children")]
    for child in " ".join(lists).split():
        status = Path(f"/proc/{child}/status").read_text()
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
            Path(f"worker-{child}").write_text(str(ignored >> 1 & 1))  # SIGINT is signal 2
"""


def test_a_run_on_a_cluster_that_is_started_for_it(tmp_path):
    """That its rows are those of one machine is tested in tests/judge/test_cluster.py."""
    write_project(tmp_path, wrong=(3, 5))
    (tmp_path / "conftest.py").write_text(SIGNALS)
    found = run(tmp_path, "harness", "run", "--cluster", "local", ".", "-p", "no:benchmark")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "PytestAssertRewriteWarning" not in found.stdout
    statuses = rows(tmp_path)
    assert len(statuses) == COUNT
    assert {nodeid[-2:] for nodeid, status in statuses.items() if status == "wrong"} == {"03", "05"}
    assert set(statuses.values()) == {"ok", "wrong"}
    lines = [line for line in found.stdout.splitlines() if f" of {COUNT} · " in line]  # there is no terminal
    assert [int(line.split()[0]) for line in lines] == list(range(1, COUNT + 1))
    assert (
        f"{COUNT} of {COUNT} · 2 failing · 0 s left · toolgen double  {COUNT}/{COUNT}  2 failing  best c" in lines[-1]
    )
    assert "\r" not in found.stdout
    # Ctrl-C ends the run, and the workers with it: none prints a traceback of its own.
    assert {path.read_text() for path in tmp_path.glob("worker-*")} == {"1"}


INTERRUPT = """
import os
import signal
from pathlib import Path

reports = []


def pytest_runtest_logreport(report):
    reports.append(report)
    if len(reports) == 9 and not Path("interrupted").exists():  # of three cases
        Path("interrupted").touch()
        os.killpg(os.getpgrp(), signal.SIGINT)  # each process of a terminal gets it
"""


def test_after_ctrl_c_no_process_is_left_and_the_next_run_judges_the_rest(tmp_path):
    write_project(tmp_path)
    with (tmp_path / "double.suite.yaml").open("a") as suite:
        suite.write("budget: {time_ms: 500}\n")
    for number in range(6, COUNT):  # the workers are busy with them
        (tmp_path / "candidates" / f"c{number:02}.py").write_text(f"{ENDLESS}# {number}\n")
    (tmp_path / "conftest.py").write_text(INTERRUPT)
    mark = secrets.token_hex(8)
    words = ["--cluster", "local", ".", "-p", "no:benchmark", "-p", "no:cacheprovider", "--confirm", "0"]
    interrupted, finished = [
        subprocess.run(
            [sys.executable, "-m", "harness", "run", *words],
            cwd=tmp_path,
            env=os.environ | {"CRUCIBLE_TEST_MARK": mark},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            start_new_session=True,
        )
        for _ in range(2)
    ]
    assert interrupted.returncode == 2, interrupted.stdout + interrupted.stderr
    assert "KeyboardInterrupt" in interrupted.stdout
    assert "Traceback" not in interrupted.stderr
    assert finished.returncode == 1, finished.stdout + finished.stderr
    with sqlite3.connect(tmp_path / "reports" / "ledger.db") as ledger:
        runs = [run for (run,) in ledger.execute("SELECT run_id FROM runs ORDER BY run_id")]
        rows = ledger.execute("SELECT run_id, nodeid, status, reused_from FROM evaluations ORDER BY nodeid").fetchall()
    first = [row[1] for row in rows if row[0] == runs[0]]
    second = [row[1:] for row in rows if row[0] == runs[1]]
    assert len(runs) == 2
    assert 3 <= len(first) < COUNT
    assert [status for _, status, _ in second] == ["ok"] * 6 + ["timeout"] * (COUNT - 6)
    assert [nodeid for nodeid, _, reused in second if reused == runs[0]] == first
    until = time.monotonic() + 60
    while left := processes_with(mark):
        assert time.monotonic() < until, left
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("address", "said"),
    [("tcp://192.0.2.1:8786", "unencrypted"), ("nowhere", "is not the address of a cluster")],
)
def test_mistakes_are_wrong_usage(tmp_path, address, said):
    write_project(tmp_path)
    found = run(tmp_path, "pytest", "-p", "harness.plugin", ".", "--cluster", address)
    assert found.returncode == 4
    assert said in found.stdout + found.stderr
