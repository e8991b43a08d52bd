"""What a killed controller leaves is taken away by the next run, and nothing else is."""

from __future__ import annotations

import os
import time

import pytest

from harness.session import run_folder
from harness.session.run_folder import LOCK, PREFIX, RunFolder, reap


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def age(path, seconds=3600.0):
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_living_runs_folder_stays_and_goes_with_it(place):
    folder = RunFolder()
    age(folder.path, 1e6)
    assert reap() == []
    folder.remove()
    assert list(place.iterdir()) == []


def test_a_dead_runs_folder_goes(place):
    folder = RunFolder()
    (folder.path / "suite-x.json").write_text("{}")
    os.close(folder._descriptor)  # what the kernel does when a process is killed
    assert reap() == []  # too young: its owner might be between two lines
    age(folder.path)
    assert reap() == [folder.path]


def test_what_is_no_ones_run_folder_stays(place):
    (place / f"{PREFIX}young").mkdir()
    (place / f"{PREFIX}file").write_text("")
    (place / "elsewhere").mkdir()
    (place / "elsewhere" / LOCK).write_text("")
    (place / f"{PREFIX}link").symlink_to(place / "elsewhere")
    (place / f"{PREFIX}old").mkdir()
    for path in place.iterdir():
        if not path.is_symlink():
            age(path, 7200)
    assert reap() == []
    age(place / f"{PREFIX}old", 1e6)
    assert [path.name for path in reap()] == [f"{PREFIX}old"]


def test_somebody_elses_stays(place, monkeypatch):
    folder = RunFolder()
    os.close(folder._descriptor)
    age(folder.path)
    monkeypatch.setattr(run_folder.os, "geteuid", lambda: os.getuid() + 1)
    assert reap() == []
