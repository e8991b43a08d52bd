"""Huge pages: memory keeps its content, also for a child that writes; where the kernel has none, nothing happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.lanes.kernel import huge_pages

PROGRAM = """
import mmap, os, re
from harness.lanes.kernel.huge_pages import use_huge_pages

memory = mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory[:] = os.urandom(1 << 20) * 16
before = bytes(memory)
made = use_huge_pages()
huge = int(re.search(r"AnonHugePages:\\s+(\\d+)", open("/proc/self/smaps_rollup").read())[1])
child = os.fork()
if child == 0:
    memory[:5] = b"child"
    os._exit(0 if memory[5:] == before[5:] else 1)
assert os.waitpid(child, 0)[1] == 0
assert memory[:] == before
print(made, huge)
"""


@pytest.mark.skipif(not huge_pages._SIZE.is_file(), reason="the kernel has no huge pages")
def test_memory_keeps_its_content():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    made, huge = map(int, done.stdout.split())
    if not made:
        pytest.skip("the kernel makes none on request, or has none left")
    assert huge >= 2048


def test_a_kernel_without_them_is_no_error(monkeypatch):
    monkeypatch.setattr(huge_pages, "_SIZE", Path("/nowhere"))
    assert huge_pages.use_huge_pages() == 0
