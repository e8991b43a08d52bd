"""A group counts what really happened, and leaves nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.sandbox.cgroup import MOUNT, Cgroup, remove_stale_groups
from harness.sandbox.limits import MIB


@pytest.fixture
def group() -> Cgroup:
    try:
        return Cgroup.create()
    except OSError as error:
        pytest.skip(f"no cgroup of our own here: {error}")


def test_shared_memory_that_rlimits_never_see_is_counted(group: Cgroup) -> None:
    program = (
        "import mmap, sys; sys.stdin.read(1); m = mmap.mmap(-1, 40 << 20); [m.write(b'x' * 65536) for _ in range(640)]"
    )
    process = subprocess.Popen([sys.executable, "-S", "-c", program], stdin=subprocess.PIPE)
    group.adopt(process.pid)
    group.reset(200 * MIB)
    process.communicate(b"x")
    peak = group.peak()
    group.close()
    assert peak is None or 40 * MIB <= peak < 60 * MIB


def test_beyond_the_limit_the_kernel_kills_and_says_so(group: Cgroup) -> None:
    program = "import sys; sys.stdin.read(1); x = b'x' * (100 << 20)"
    process = subprocess.Popen([sys.executable, "-S", "-c", program], stdin=subprocess.PIPE)
    group.adopt(process.pid)
    group.reset(20 * MIB)
    process.communicate(b"x")
    assert process.returncode == -9
    assert group.kills() >= 1
    group.close()


def test_groups_of_dead_sessions_are_swept(group: Cgroup) -> None:
    group.close()
    program = "from harness.sandbox.cgroup import Cgroup; Cgroup.create(); import os; os._exit(1)"
    subprocess.run([sys.executable, "-c", program], check=False)
    remove_stale_groups.cache_clear()
    assert remove_stale_groups() >= 1
    left = [path for path in MOUNT.glob("**/crucible-*") if not Path(f"/proc/{path.name.split('-')[2]}").exists()]
    assert left == []
