"""One run for all cases, whichever processes they land in; one that dies half-way leaves its work to the next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
CODE = """
import os, sys, time
from pathlib import Path
from harness.lanes.dsl.shared_run import share_run

def make(folder):
    folder.mkdir(exist_ok=True)
    begun = (folder / "begun").exists()
    (folder / "begun").write_text("x")
    with open(sys.argv[2], "a") as noted:
        noted.write("resumed " if begun else "made ")
    if sys.argv[3] == "die":
        os._exit(9)
    time.sleep(0.3)
    return {"said": 42}

print(share_run(Path(sys.argv[1]), "key", make)["said"])
if sys.argv[3] == "stay":
    sys.stdin.read()
"""


def start(folder: Path, how: str, *, run: str = "one") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CODE, str(folder), str(folder / "noted"), how],
        env=os.environ | {"PYTEST_XDIST_TESTRUNUID": run, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_four_processes_make_it_once_and_the_last_one_removes_the_folder(tmp_path: Path) -> None:
    processes = [start(tmp_path, "stay") for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "42\n"
    assert (tmp_path / "noted").read_text() == "made "
    assert json.loads(next((tmp_path / "dsl-runs").rglob("key.json")).read_text()) == {"said": 42}
    for process in processes:
        process.communicate("")
        assert process.returncode == 0
    assert not (tmp_path / "dsl-runs").exists()


def test_a_process_that_dies_leaves_the_work_to_the_next(tmp_path: Path) -> None:
    assert start(tmp_path, "die").wait(60) == 9
    process = start(tmp_path, "go")
    assert process.communicate("", timeout=60)[0] == "42\n"
    assert (tmp_path / "noted").read_text() == "made resumed "


def test_another_test_run_makes_a_new_result(tmp_path: Path) -> None:
    for run in ("one", "two"):
        process = start(tmp_path, "go", run=run)
        assert process.communicate("", timeout=60)[0] == "42\n"
    assert (tmp_path / "noted").read_text() == "made made "


def test_the_folder_of_a_killed_run_is_removed_by_the_next_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    living = start(tmp_path, "stay", run="living")
    assert living.stdout is not None
    assert living.stdout.readline() == "42\n"
    assert start(tmp_path, "die", run="killed").wait(60) == 9
    runs = tmp_path / "dsl-runs"
    old = time.time() - 2 * 24 * 3600  # as after a jump of the clock
    os.utime(runs / "living.users", (old, old))
    assert (runs / "killed.users").exists()
    start(tmp_path, "go", run="other").communicate("", timeout=60)
    assert sorted(path.name for path in runs.iterdir()) == ["living", "living.users"]
    living.communicate("")
    assert not runs.exists()
