"""Runs on a cluster: `pytest --cluster` and `crucible run`, with the rows of a run on one machine."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from tests.session.test_judging_ahead import COUNT, write_project

pytest.importorskip("distributed", reason="a cluster needs the extra `cluster`")


def rows(root, ledger: str) -> list[tuple]:
    with sqlite3.connect(root / ledger) as connection:
        return connection.execute(
            "SELECT nodeid, digest, status, score, passed, why, case_key FROM evaluations ORDER BY nodeid"
        ).fetchall()


def run(root, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *words, "--secret-seed", "7", "--confirm", "0", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)


def test_the_rows_are_those_of_one_machine(tmp_path):
    write_project(tmp_path, wrong=(3, 5))
    here = run(tmp_path, "pytest", "-p", "harness.plugin", ".", "--ledger", "here.db")
    there = run(tmp_path, "harness", "run", "--cluster", "local", ".", "--ledger", "there.db", "-p", "no:benchmark")
    assert (here.returncode, there.returncode) == (1, 1), there.stdout + there.stderr
    assert len(rows(tmp_path, "here.db")) == COUNT
    assert rows(tmp_path, "here.db") == rows(tmp_path, "there.db")


@pytest.mark.parametrize(
    ("address", "said"),
    [("tcp://192.0.2.1:8786", "unencrypted"), ("nowhere", "is not the address of a cluster")],
)
def test_mistakes_are_wrong_usage(tmp_path, address, said):
    write_project(tmp_path)
    found = run(tmp_path, "pytest", "-p", "harness.plugin", ".", "--cluster", address)
    assert found.returncode == 4
    assert said in found.stdout + found.stderr
