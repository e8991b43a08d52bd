"""The example lane works as a package and as a conftest.py, with both of its exhibits."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from harness.ledger.exhibits import exhibits
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples/lane_sql"
GATE = 'max("steps_taken") <= 90000'


def install(folder: Path, source: Path) -> None:
    """Build the package from a copy and install it into a folder of the path, with pip and without a network."""
    pytest.importorskip("hatchling", reason="building a package needs it: pip install hatchling")
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("reports", "__pycache__"))
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--quiet", "--target", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("form", ["package", "conftest"])
def test_the_example_lane(tmp_path, form):
    work, path = tmp_path / "work", [str(ROOT)]
    shutil.copytree(EXAMPLE, work, ignore=shutil.ignore_patterns("*.py", "pyproject.toml", "reports"))
    (work / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider -p harness.plugin\n")
    if form == "package":
        install(tmp_path / "site", tmp_path / "source")
        path.append(str(tmp_path / "site"))
    else:
        shutil.copy(EXAMPLE / "crucible_lane_sql.py", work / "conftest.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "suites", *(["--gate", GATE] if form == "conftest" else [])],
        cwd=work,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GOOD  3 of 3 candidates pass · 3 of 3 controls as expected" in done.stdout
    assert "gate sql steps: passes: observed " in done.stdout
    assert (f"gate {GATE}: passes: observed " in done.stdout) == (form == "conftest")
    assert re.search(r"candidate +score +gates +status +steps_taken\n 1  good .* 1/1  ok +[\d,]+\n", done.stdout)
    with sqlite3.connect(work / "reports/ledger.db") as ledger:
        rows = ledger.execute("SELECT subject, status, round(score, 1) FROM evaluations ORDER BY subject").fetchall()
    with Ledger.read(work / "reports/ledger.db") as opened:
        [row] = opened.rows("SELECT run_id, nodeid FROM evaluations WHERE nodeid LIKE '%::good'")
        shown = [(one.name, one.kind) for one in exhibits(opened, row["run_id"], [row["nodeid"]])[row["nodeid"]]]
    assert rows == [
        ("detour", "ok", 0.8), ("endless", "timeout", 0.0), ("good", "ok", 1.0), ("slow", "ok", 0.6),
        ("writes", "forbidden", 0.0), ("wrong", "wrong", 0.0),
    ]  # fmt: skip
    assert sorted(shown) == [("rows", "table"), ("steps", "bars")]


def test_a_search_among_the_queries_of_the_example_lane(tmp_path):
    """Operators, check, screening and descriptor are those of the installed package."""
    work = tmp_path / "work"
    shutil.copytree(EXAMPLE, work, ignore=shutil.ignore_patterns("*.py", "pyproject.toml", "reports"))
    install(tmp_path / "site", tmp_path / "source")
    done = subprocess.run(
        [sys.executable, "-m", "harness", "evolve", "search.yaml", "--json", "--lanes", "1"],
        cwd=work,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(tmp_path / "site")))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [found] = json.loads(done.stdout)
    [champion] = found["champions"]
    with Ledger.read(work / "reports/ledger.db") as opened:
        query = Trials(opened, found["experiment"]).source(champion["digest"])
        styles = {row["style"] for row in opened.rows("SELECT verdict->>'$.measures.style' AS style FROM trials")}
    assert query.count("JOIN") == 1
    assert (work / "queries/detour.sql").read_text().count("JOIN") == 3
    assert champion["operator"] == "delete"
    assert "flat" in styles
