"""Runs on a cluster: `pytest --cluster` and `crucible run`, with the rows of a run on one machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.session.test_judging_ahead import COUNT, rows, write_project

pytest.importorskip("distributed", reason="a cluster needs the extra `cluster`")


def run(root, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *words, "--secret-seed", "7", "--confirm", "0", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)


SIGNALS = """
from pathlib import Path


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
    # Ctrl-C ends the run, and the workers with it: none prints a traceback of its own.
    assert {path.read_text() for path in tmp_path.glob("worker-*")} == {"1"}


@pytest.mark.parametrize(
    ("address", "said"),
    [("tcp://192.0.2.1:8786", "unencrypted"), ("nowhere", "is not the address of a cluster")],
)
def test_mistakes_are_wrong_usage(tmp_path, address, said):
    write_project(tmp_path)
    found = run(tmp_path, "pytest", "-p", "harness.plugin", ".", "--cluster", address)
    assert found.returncode == 4
    assert said in found.stdout + found.stderr
