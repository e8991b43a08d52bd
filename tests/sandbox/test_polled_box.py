"""One thread drives many boxes: no method waits for a subject, and each fault belongs to the box that caused it."""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import time
from collections.abc import Iterable

import pytest

from harness.core.errors import InfraError
from harness.core.status import Status
from harness.sandbox import polled_box
from harness.sandbox.box_process import BoxProcess
from harness.sandbox.codec import encode
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import MIB, Limits
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.pool import BoxPool

QUICK = Limits(call_seconds=2.0, load_seconds=2.0, memory_bytes=64 * MIB, output_bytes=1 * MIB)
ECHO = "def run(value):\n    return value\n"
SUBJECTS: dict[str, tuple[str, str]] = {
    "echo": (ECHO, '["value", 7]'),
    "raises": ("def run(value):\n    raise ValueError\n", '["raised", {"type": "ValueError", "message": ""}]'),
    "syntax": ("def run(:\n", "crash"),
    "slow to load": ("while True: pass\n", "timeout"),
    "sleeps": ("import time\ndef run(value):\n    time.sleep(60)\n", "timeout"),
    "ends": ("import os\ndef run(value):\n    os._exit(3)\n", "crash"),
    "segfault": ("import ctypes\ndef run(value):\n    ctypes.string_at(0)\n", "crash"),
    "junk": ("import os\ndef run(value):\n    os.write(4, b'Z' * 20)\n", "protocol"),
    "memory": ("def run(value):\n    return len(bytes(b'x' * (1 << 30)))\n", "memory"),
    "too long": ("def run(value):\n    return 'x' * (2 << 20)\n", "output"),
}


def step(box: PolledBox, ready: int) -> str | None:
    """Advance one box; its result when it has one."""
    if not ready and time.monotonic() < box.deadline:
        return None
    try:
        was_idle = box.is_idle
        answer = box.receive_ready()
        if answer is not None:
            box.finish()
            return f'["{answer.kind}", {answer.payload.decode()}]'
        if box.is_idle and not was_idle:
            box.send(encode({"value": 7}))
    except BoxFault as fault:
        return fault.status.value
    return None


def drive(boxes: Iterable[tuple[str, PolledBox]], seconds: float = 20.0) -> dict[str, str]:
    """The results of all boxes, by an event loop that knows only the public face."""
    waiting, results, end = dict(boxes), {}, time.monotonic() + seconds
    while waiting:
        assert time.monotonic() < end, f"nothing more came from {sorted(waiting)}"
        poll = select.poll()
        for box in waiting.values():
            poll.register(box, select.POLLIN)
            if box.unsent:
                poll.register(box.write_fileno(), select.POLLOUT)
        left = min(box.deadline for box in waiting.values()) - time.monotonic()
        ready = dict(poll.poll(max(0.0, left) * 1e3))
        for name, box in list(waiting.items()):
            result = step(box, ready.get(box.fileno(), 0) or ready.get(box.write_fileno(), 0))
            if result is not None:
                results[name] = result
                box.close()
                del waiting[name]
    return results


def test_boxes_in_flight_together_end_as_each_alone(pool: BoxPool) -> None:
    with_limits = {
        name: pool.begin(source.encode(), entry="run", limits=QUICK) for name, (source, _) in SUBJECTS.items()
    }
    assert drive(with_limits.items()) == {name: result for name, (_, result) in SUBJECTS.items()}
    assert drive([("echo", pool.begin(ECHO.encode(), entry="run", limits=QUICK))]) == {"echo": '["value", 7]'}


def test_no_method_waits_for_a_subject(pool: BoxPool) -> None:
    source = "import time\nspan = 0.3\ntime.sleep(span)\ndef run(value):\n    time.sleep(span)\n    return value\n"
    with pool.begin(source.encode(), entry="run") as box:
        deadline = time.monotonic() + 10
        calls = 0
        while not box.is_idle and time.monotonic() < deadline:
            assert box.receive_ready() is None
            calls += 1
        assert box.deadline == math.inf
        box.send(b'{"value":1}')
        while (answer := box.receive_ready()) is None:
            assert not box.is_idle
            calls += 1
    assert answer.payload == b"1"
    assert answer.seconds >= 0.3
    assert calls > 20, "a call that waited would have returned the answer itself"


def test_long_questions_and_answers_pass_piece_by_piece(pool: BoxPool) -> None:
    text = "x" * 3_000_000
    with pool.begin(ECHO.encode(), entry="run") as box:
        while not box.is_idle:
            box.receive_ready()
        box.allow(len(text))
        box.send(encode({"value": text}))
        assert box.unsent
        while (answer := box.receive_ready()) is None:
            pass
        assert not box.unsent
    assert answer.payload == encode(text)


def test_data_that_nobody_asked_for_is_found_while_the_box_is_idle(pool: BoxPool) -> None:
    source = b"""
import os, threading, time
def later():
    time.sleep(0.05)
    os.write(4, b"R" + bytes([8, 0, 0, 0]) + bytes(8))
def run(value):
    threading.Thread(target=later, daemon=True).start()
"""
    with pool.begin(source, entry="run") as box:
        while not box.is_idle:
            box.receive_ready()
        box.send(b'{"value":1}')
        while box.receive_ready() is None:
            pass
        poll = select.poll()
        poll.register(box, select.POLLIN)
        assert poll.poll(5_000)
        with pytest.raises(BoxFault, match="before a question") as caught:
            box.receive_ready()
    assert caught.value.status is Status.PROTOCOL


def test_a_zygote_killed_in_between_is_nobodys_fault() -> None:
    """Killed before or after it has forked the box (nobody can say which), the subject is not blamed."""
    with BoxPool() as own:
        box = own.begin(ECHO.encode(), entry="run")
        os.kill(box._process.zygote.pid, signal.SIGKILL)
        with contextlib.suppress(InfraError), box:
            while not box.is_idle:
                box.receive_ready()
            box.send(b'{"value":1}')
            while (answer := box.receive_ready()) is None:
                pass
            assert (answer.kind, answer.payload) == ("value", b"1")
        assert drive([("echo", own.begin(ECHO.encode(), entry="run"))]) == {"echo": '["value", 7]'}


LATE = "import time\ndef run(value):\n    time.sleep(0.3)\n    return value\n"
ENDLESS = "def run(value):\n    while True: pass\n"
SHORT = Limits(call_seconds=0.05, load_seconds=5.0, memory_bytes=64 * MIB)


def test_time_without_a_core_is_not_held_against_a_subject(pool: BoxPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's count is injected: to the judge, a call that sleeps looks like one that the machine delays."""
    monkeypatch.setattr(BoxProcess, "delay", lambda _self: 1000.0)
    monkeypatch.setattr(polled_box, "MAX_EXCUSED", 1000.0)
    assert drive([("late", pool.begin(LATE.encode(), entry="run", limits=SHORT))]) == {"late": '["value", 7]'}
    with pool.begin(LATE.encode(), entry="run", limits=SHORT) as box:
        while not box.is_idle:
            box.receive_ready()
        box.send(b'{"value":1}')
        while (answer := box.receive_ready()) is None:
            pass
    assert answer.seconds <= SHORT.call_seconds + answer.cpu_seconds, "its time is not what it was excused for"


def test_an_answer_that_is_there_before_the_clock_is_looked_at_is_excused_too(
    pool: BoxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for delay, is_excused in ((1000.0, True), (0.0, False)):
        monkeypatch.setattr(BoxProcess, "delay", lambda _self, delay=delay: delay)
        with pool.begin(LATE.replace("0.3", "0.06").encode(), entry="run", limits=SHORT) as box:
            while not box.is_idle:
                box.receive_ready()
            box.send(b'{"value":1}')
            select.select([box], [], [], 5.0)
            answer = box.receive_ready()
        assert answer is not None
        assert (answer.seconds <= SHORT.call_seconds + answer.cpu_seconds) is is_excused


def test_a_subject_that_computes_has_its_limit_however_long_it_was_delayed(
    pool: BoxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoxProcess, "delay", lambda _self: 1000.0)
    assert drive([("endless", pool.begin(ENDLESS.encode(), entry="run", limits=SHORT))]) == {"endless": "timeout"}


def test_a_subject_that_was_not_delayed_has_no_more_time(pool: BoxPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoxProcess, "delay", lambda _self: 0.0)
    source = LATE.replace("0.3", "60")
    assert drive([("late", pool.begin(source.encode(), entry="run", limits=SHORT))]) == {"late": "timeout"}


@pytest.mark.parametrize(("source", "said"), [(ECHO, "value"), (SUBJECTS["sleeps"][0], "timeout")])
def test_a_pause_of_the_whole_machine_is_not_the_subjects_fault(
    pool: BoxPool, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    clock, passed = time.monotonic, [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock() + passed[0])
    with pool.begin(source.encode(), entry="run", limits=QUICK) as box:
        while not box.is_idle:
            box.receive_ready()
        passed[0] += 3600  # between two questions
        box.send(b'{"value":1}', seconds=60.0)
        passed[0] += 3600  # while it is asked
        if said == "timeout":
            assert box.receive_ready() is None
            passed[0] += 7200  # a second time in one question: it is not endless
            with pytest.raises(BoxFault, match="60 s"):
                box.receive_ready()
            return
        while (answer := box.receive_ready()) is None:
            pass
        assert answer.payload == b"1"
