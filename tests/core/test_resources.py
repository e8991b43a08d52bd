"""Resources of a process: what is mapped, and threads under a limit on memory."""

from __future__ import annotations

import subprocess
import sys
import threading

from harness.core.resources import mapped_bytes, start_thread

LIMITED = """
import resource
from harness.core.errors import InfraError
from harness.core.resources import mapped_bytes, start_thread
resource.setrlimit(resource.RLIMIT_AS, (mapped_bytes() + (1 << 20), resource.RLIM_INFINITY))
try:
    start_thread(print, "it runs", name="test").join()
except InfraError as error:
    print(error)
"""


def test_mapped_memory_grows_with_what_is_kept():
    before = mapped_bytes()
    kept = bytearray(64 << 20)
    assert mapped_bytes() - before >= len(kept) // 2 > 0


def test_a_thread_is_given_its_arguments_and_ends_with_the_process():
    seen: list[tuple[int, str]] = []
    thread = start_thread(lambda one, two: seen.append((one, threading.current_thread().name + two)), 1, "!", name="t")
    thread.join()
    assert seen == [(1, "t!")]
    assert thread.daemon


def test_a_thread_that_memory_has_no_room_for_is_an_error_that_says_what_to_do():
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0].startswith("no thread can be started: ")
    assert "ulimit -v" in done.stdout
