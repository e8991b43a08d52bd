"""JSON-lines worker: answers, late answers, exit statuses and invalid lines, with real processes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.lane import json_worker
from harness.lane.json_worker import JsonWorker, WorkerFault, answer_requests, claim_channel


def main(kind: str) -> None:
    """The child's end."""
    requests, answers = claim_channel()
    if kind == "invalid":
        answers.write("[1]\n")
        answers.flush()

    def answer(request: dict) -> dict:
        print("printed, not answered")
        if kind == "sleep":
            time.sleep(60)
        if kind == "exit":
            os.write(2, b"first\nlast words\n")
            os._exit(7)
        if kind == "long":
            return {"long": "x" * 100}
        return {"kind": kind, "size": len(request.get("data", ""))}

    answer_requests(answer, requests, answers)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], JsonWorker]]:
    started: list[JsonWorker] = []

    def make(kind: str) -> JsonWorker:
        started.append(JsonWorker("tests.lane.test_json_worker", kind, folder=tmp_path, log=tmp_path / "stderr"))
        return started[-1]

    yield make
    for worker in started:
        worker.close()
        with pytest.raises(ProcessLookupError):
            os.killpg(worker.pid, 0)


def test_requests_of_any_size_are_answered_in_turn(start) -> None:
    worker = start("echo")
    for size in (0, 1_000_000, 3):
        assert worker.ask({"data": "x" * size}, timeout=60) == {"kind": "echo", "size": size}


def test_a_worker_imports_the_package_from_where_this_one_is(start) -> None:
    assert (json_worker._ROOT / "harness" / "lane" / "json_worker.py").samefile(json_worker.__file__)


def test_a_late_worker(start) -> None:
    with pytest.raises(WorkerFault) as caught:
        start("sleep").ask({}, timeout=0.2)
    assert caught.value.is_late
    assert (caught.value.note, caught.value.code) == ({}, None)


def test_a_worker_that_ends_has_a_status_and_a_last_line(start) -> None:
    worker = start("exit")
    with pytest.raises(WorkerFault, match="exit status 7") as caught:
        worker.ask({}, timeout=60)
    assert not caught.value.is_late
    assert (caught.value.code, worker.last_error) == (7, "last words")
    with pytest.raises(WorkerFault, match="exit status 7"):
        worker.ask({"data": "x" * 1_000_000}, timeout=60)


def test_an_answer_must_be_a_bounded_json_object(start, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorkerFault, match="not a JSON object"):
        start("invalid").ask({}, timeout=60)
    monkeypatch.setattr(json_worker, "MAX_LINE", 10)
    with pytest.raises(WorkerFault, match="an answer of more than"):
        start("long").ask({}, timeout=60)
