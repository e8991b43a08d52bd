"""What a killed owner leaves is removed by the next one, and nothing else is."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from harness.core import owned_folder
from harness.core.owned_folder import PREFIX, SUFFIX, OwnedFolder, reap

OWNER = """
import os, signal, sys, tempfile
from harness.core.owned_folder import OwnedFolder
folder = OwnedFolder("pool")
(folder.path / "source.py").touch()
print(folder.path, flush=True)
if sys.stdin.readline():
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(owned_folder, "_reaped", set())
    return tmp_path


def kill(folder):
    os.close(folder._lock)  # what the kernel does
    folder._lock = -1


def test_a_folder_goes_with_its_owner(place):
    with OwnedFolder("run") as path:
        assert path.name.startswith(f"{PREFIX}run-")
        assert path.stat().st_mode & 0o077 == 0
        assert reap(place) == []
    assert list(place.iterdir()) == []


def test_a_fork_of_its_owner_leaves_a_folder(place):
    made = OwnedFolder("run")
    with made as path:
        if (child := os.fork()) == 0:
            try:
                made.remove()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert path.is_dir()


def test_a_killed_process_leaves_a_folder_that_the_next_one_removes(place):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        env={**os.environ, "TMPDIR": str(place)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    left = owner.stdout.readline().strip()
    assert reap(place) == []
    assert os.path.exists(left)
    owner.communicate("die\n")
    assert owner.returncode == -signal.SIGKILL
    assert os.path.exists(left)
    with OwnedFolder("run") as path:
        assert list(place.iterdir()) == [path]


def test_only_the_first_folder_of_a_process_looks_for_others(place):
    with OwnedFolder("run"):
        kill(OwnedFolder("pool"))
        with OwnedFolder("judges"):
            assert len(list(place.iterdir())) == 3


def test_other_folders_stay(place):
    (place / f"{PREFIX}pool-new").mkdir()  # between being made and being locked
    (place / f"{PREFIX}file{SUFFIX}").write_text("")
    (place / "elsewhere").mkdir()
    (place / f"{PREFIX}link{SUFFIX}").symlink_to(place / "elsewhere")
    (place / f"{PREFIX}rescue-1").mkdir()
    assert reap(place) == []


def test_those_of_another_user_stay(place, monkeypatch):
    kill(OwnedFolder("run"))
    monkeypatch.setattr(owned_folder.os, "geteuid", lambda: os.getuid() + 1)
    assert reap(place) == []


def test_without_locks_a_living_folder_is_not_taken_for_a_dead_one(place, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with OwnedFolder("run") as path:
        monkeypatch.undo()
        assert reap(place) == []
        assert path.is_dir()
