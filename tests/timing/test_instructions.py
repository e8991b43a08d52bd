"""Counting events of another process; where the processor counts none, that is said and nothing breaks."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.timing import instructions
from harness.timing.instructions import INSTRUCTIONS, PAGE_FAULTS, Counter, available

TOUCH = "import sys\nfor size in map(int, sys.stdin):\n    b'x' * (size << 20)\n    print(size, flush=True)\n"


@pytest.fixture
def toucher():
    """A process that touches as many MiB of memory as requested."""
    with subprocess.Popen([sys.executable, "-c", TOUCH], stdin=-1, stdout=-1, text=True) as process:
        yield process
        process.stdin.close()


def touch(process, size):
    process.stdin.write(f"{size}\n")
    process.stdin.flush()
    process.stdout.readline()


def test_events_of_another_process_are_counted_and_only_while_it_works(toucher):
    touch(toucher, 1)
    with Counter(toucher.pid, PAGE_FAULTS) as counter:
        before = counter.read()
        touch(toucher, 8)
        small = counter.read() - before
        touch(toucher, 64)
        large = counter.read() - before - small
    assert before == 0
    assert large > 4 * small > 0


def test_a_counter_gives_its_file_back():
    before = len(os.listdir("/proc/self/fd"))
    with Counter(0, PAGE_FAULTS):
        assert len(os.listdir("/proc/self/fd")) == before + 1
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_cannot_be_counted_is_none():
    assert Counter.of(2**22 - 1, PAGE_FAULTS) is None  # no such process
    assert Counter.of(0, (77, 77)) is None  # no such event


def test_an_unknown_processor_has_no_counters(monkeypatch):
    monkeypatch.setattr(instructions.platform, "machine", lambda: "pdp11")
    assert Counter.of(0) is None
    assert "pdp11" in available()


def test_instructions_are_counted_or_the_reason_is_given(toucher):
    if available():
        assert Counter.of(toucher.pid) is None
        pytest.skip(available())
    touch(toucher, 1)
    with Counter(toucher.pid, INSTRUCTIONS) as counter:
        touch(toucher, 1)
        assert counter.read() > 1000
