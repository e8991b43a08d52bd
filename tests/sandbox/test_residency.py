"""Residency: what boxes can read is a copy in memory, made once and removed."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.sandbox import residency, root, zygote_process
from harness.sandbox.codec import decode
from harness.sandbox.pool import BoxPool
from harness.sandbox.shared_objects import closure

pytestmark = pytest.mark.skipif(not residency.PLACE.is_mount(), reason="/dev/shm is not mounted")
SEE = b"""
import os, ssl
def run(path):
    found = os.stat(path)
    try:
        with open(path, "rb") as file:
            return [found.st_dev, found.st_mtime_ns, file.read(100)]
    except OSError as error:
        return [found.st_dev, found.st_mtime_ns, type(error).__name__]
"""
MAKE = "import os, sys; from harness.sandbox.residency import library_copy; print(library_copy()); sys.stdout.flush(); "


def make(program: str) -> list[str]:
    """What a process prints that has no copy from its parent."""
    environment = {name: value for name, value in os.environ.items() if name != residency.KEEPER}
    command = [sys.executable, "-c", MAKE + program]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout.split()


def test_boxes_see_a_copy() -> None:
    with BoxPool() as pool:
        if pool.layers["pivot_root"]:
            pytest.skip("boxes have no root of their own here")
        with pool.open(SEE, entry="run") as box:
            device, time, data = decode(box.call({"path": os.__file__}).payload)
    real = os.stat(os.__file__)
    assert device != real.st_dev
    assert (time, data) == (real.st_mtime_ns, Path(os.__file__).read_bytes()[:100]), "byte code is valid for that time"


def test_a_child_process_uses_the_copy_of_its_parent_and_the_end_removes_it() -> None:
    first, second = make(f"import subprocess; subprocess.run([sys.executable, '-c', {MAKE!r}])")
    assert first == second
    assert Path(first).parent == residency.PLACE
    assert not Path(first).exists()


def test_what_a_killed_process_left_is_removed() -> None:
    (left,) = make("os.kill(os.getpid(), 9)")
    mine = residency.library_copy()
    residency._remove_stale()
    assert not Path(left).exists()
    assert mine is not None
    assert Path(mine).is_dir(), "the copy of a live process stays"


def test_without_a_copy_boxes_see_what_they_may_read_and_its_pages_are_locked(monkeypatch) -> None:
    monkeypatch.setattr(zygote_process, "library_copy", lambda: None)
    locked = []
    monkeypatch.setattr(zygote_process, "lock_libraries", lambda: locked.append(True))
    with BoxPool() as pool, pool.open(SEE, entry="run") as box:
        assert decode(box.call({"path": os.__file__}).payload)[0] == os.stat(os.__file__).st_dev
    assert locked


def test_pages_are_locked_as_far_as_they_may_be(monkeypatch) -> None:
    monkeypatch.setattr(residency, "_files", lambda: iter([os.__file__, "/nonexistent"]))
    residency.lock_libraries.cache_clear()
    refused = "not all pages may be locked: Resource temporarily unavailable (ulimit -l)"
    assert residency.lock_libraries() in ("", refused)
    monkeypatch.setattr(residency, "MAX_SHARE", 1 << 60)
    residency.lock_libraries.cache_clear()
    assert residency.lock_libraries().startswith("the pages are more than 1/")
    residency.lock_libraries.cache_clear()


def test_the_libraries_that_a_module_needs() -> None:
    import _ssl

    found = closure([_ssl.__file__], root.library_directories())
    assert any(name.startswith("libc.so") for name in found)
    assert all(os.path.isfile(path) and not os.path.islink(path) for path in found.values())
    assert closure([__file__], ["/nonexistent"]) == {}


def test_ids_of_boxes_do_not_count_zygotes() -> None:
    drawn = [zygote_process._private_uid() for _ in range(64)]
    if set(drawn) == {65534}:
        pytest.skip("a user namespace has few ids here")
    assert len({two - one for one, two in itertools.pairwise(drawn)}) > 32
