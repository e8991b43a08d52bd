"""A forked worker answers many requests, is bounded, and keeps nothing of its parent."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from harness.lane.forked_worker import ForkedWorker
from harness.lane.json_worker import WorkerFault


def answer(request: dict[str, Any]) -> dict[str, Any]:
    match request["do"]:
        case "descriptors":
            return {"found": sorted(map(int, os.listdir("/proc/self/fd")))[:-1]}
        case "burn":
            while True:
                pass
        case "hoard":
            return {"length": len(bytearray(400 << 20))}
        case "raise":
            raise ValueError
        case _:
            return {"pid": os.getpid()}


@pytest.fixture
def worker() -> Iterator[ForkedWorker]:
    made = ForkedWorker(answer, cpu_seconds=1, memory_bytes=200 << 20)
    yield made
    made.close()


def test_it_answers_again_and_again(worker):
    pids = {worker.ask({"do": "pid"}, timeout=60)["pid"] for _ in range(20)}
    assert pids == {worker.pid} != {os.getpid()}


def test_it_keeps_no_descriptor_of_its_parent(worker):
    assert worker.ask({"do": "descriptors"}, timeout=60)["found"] == [0, 1, 2]


@pytest.mark.parametrize("what", ["burn", "hoard", "raise"])
def test_its_end_is_a_fault_with_an_exit_status(worker, what):
    with pytest.raises(WorkerFault) as caught:
        worker.ask({"do": what}, timeout=60)
    assert caught.value.code == (-signal.SIGXCPU if what == "burn" else 1)


def test_it_ends_with_its_channel(worker):
    worker.ask({"do": "pid"}, timeout=60)
    worker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
