"""A result that several processes need: computed once; who dies half-way leaves its work to the next."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.lane.context import Context
from harness.lane.shared_result import compute_once

ROOT = Path(__file__).parents[2]
CODE = """
import os, sys, time
from pathlib import Path
from harness.lane.shared_result import compute_once

def compute():
    with open(sys.argv[2], "a") as noted:
        noted.write("made ")
    if sys.argv[3] == "die":
        os._exit(9)
    time.sleep(0.3)
    return b"42\\n\\r \\xff"

print(compute_once(Path(sys.argv[1]), compute))
"""


def start(file: Path, noted: Path, how: str = "go") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CODE, str(file), str(noted), how],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_four_processes_compute_it_once(tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    processes = [start(tmp_path / "below" / "key.json", noted) for _ in range(4)]
    assert {process.communicate(timeout=60)[0] for process in processes} == {"b'42\\n\\r \\xff'\n"}
    assert noted.read_text() == "made "


def test_a_process_that_dies_leaves_the_work_to_the_next(tmp_path: Path) -> None:
    file, noted = tmp_path / "key.json", tmp_path / "noted"
    assert start(file, noted, "die").wait(60) == 9
    assert start(file, noted).communicate(timeout=60)[0] == "b'42\\n\\r \\xff'\n"
    assert noted.read_text() == "made made "


def test_what_is_damaged_is_computed_again_and_what_fails_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    with pytest.raises(ZeroDivisionError):
        compute_once(file, lambda: bytes(1 // 0))
    assert compute_once(file, lambda: b"one") == b"one"
    assert compute_once(file, lambda: b"two") == b"one"
    kept = file.read_bytes()
    for damaged in (b"", kept[:-1], kept + b"x", kept.replace(b"one", b"own")):
        file.write_bytes(damaged)
        assert compute_once(file, lambda: b"two") == b"two"


def test_without_room_each_process_computes_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for data in (b"one", b"two"):
        assert compute_once(tmp_path / "file" / "below" / "key.json", lambda data=data: data) == data
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_folder_of_a_process_of_its_own_ends_with_its_context(tmp_path: Path) -> None:
    alone = Context(secret_seed=1, scratch=tmp_path)
    folder = alone.run_folder
    assert folder.is_dir()
    assert alone.run_folder == folder
    alone.close()
    assert not folder.exists()
    shared = Context(secret_seed=1, scratch=tmp_path, shared=tmp_path / "shared")
    assert shared.run_folder == tmp_path / "shared"
    shared.close()
