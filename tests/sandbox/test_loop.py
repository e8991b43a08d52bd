"""Loop: waits, deadlines, locks and results of coroutines, with real pipes."""

from __future__ import annotations

import math
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.loop import Lock, Loop, Shares, Wait, drive, pause


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def run(*tasks):
    """The results of coroutines in the order in which they end."""
    loop, found = Loop(), []
    for task in tasks:
        loop.spawn(task, found.append)
    while loop.live:
        loop.turn(math.inf)
    return found


async def read(descriptor: int, deadline: float = math.inf) -> bytes:
    return os.read(descriptor, 10) if await Wait(deadline, descriptor) else b"late"


async def write(descriptor: int, data: bytes, *, after: float = 0.0) -> str:
    await pause(after)
    os.write(descriptor, data)
    return "written"


def test_one_coroutine_waits_for_another(pipe):
    reading, writing = pipe
    assert run(read(reading), write(writing, b"x")) == ["written", b"x"]


def test_a_deadline_passes(pipe):
    reading, _ = pipe
    assert drive(read(reading, time.monotonic() + 0.01)) == b"late"
    assert run(read(reading, time.monotonic() + 0.01)) == [b"late"]


def test_what_arrived_while_another_coroutine_was_busy_is_not_late(pipe):
    reading, writing = pipe

    async def busy() -> str:
        await pause(0.0)
        os.write(writing, b"x")
        time.sleep(0.05)
        return "busy"

    assert run(read(reading, time.monotonic() + 0.01), busy()) == ["busy", b"x"]


def test_coroutines_run_while_others_pause():
    steps = []

    async def sleeper(number: int) -> int:
        for step in range(3):
            steps.append((step, number))
            await pause(0.01)
        return number

    assert sorted(run(*(sleeper(number) for number in range(50)))) == list(range(50))
    assert steps[:50] == [(0, number) for number in range(50)]  # nobody's second step before everybody's first
    assert {step for step, _ in steps[50:60]} == {1}


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_a_lock_is_held_by_one_at_a_time_in_the_order_of_requests(pauses):
    lock, inside, order = Lock(), [], []

    async def holder(number: int, turns: int) -> None:
        async with lock.held():
            assert not inside
            inside.append(number)
            for _ in range(turns):
                await pause(0.0)
            inside.remove(number)
            order.append(number)

    run(*(holder(number, turns) for number, turns in enumerate(pauses)))
    assert order == list(range(len(pauses)))


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=12))
def test_no_more_shares_are_held_than_there_are_and_nobody_is_overtaken(wishes):
    shares, held, order = Shares(3), [], []

    async def holder(number: int, wanted: int, turns: int) -> None:
        async with shares.taken(wanted):
            order.append(number)
            held.append(wanted)
            assert sum(held) <= 3
            for _ in range(turns):
                await pause(0.0)
            held.remove(wanted)

    run(*(holder(number, *wish) for number, wish in enumerate(wishes)))
    assert order == list(range(len(wishes)))


def test_a_lock_is_released_by_an_exception():
    lock = Lock()

    async def failing() -> str:
        try:
            async with lock.held():
                await pause(0.0)
                raise ValueError
        except ValueError:
            return "failed"

    async def waiting() -> str:
        async with lock.held():
            return "held"

    assert run(failing(), waiting()) == ["failed", "held"]


def test_an_interrupt_while_driven_ends_the_coroutine(monkeypatch):
    closed = []

    async def task() -> None:
        try:
            await pause(60)
        finally:
            closed.append(True)

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        drive(task())
    assert closed


def test_a_coroutine_that_waits_for_another_cannot_be_driven_alone():
    lock = Lock()

    async def twice() -> None:
        async with lock.held(), lock.held():
            pass

    with pytest.raises(RuntimeError, match="waits for another"):
        drive(twice())


def test_deadlines_that_are_over_are_forgotten(pipe):
    reading, writing = pipe

    async def asks() -> int:
        for _ in range(5000):
            os.write(writing, b"x")
            await Wait(time.monotonic() + 600, reading)
            os.read(reading, 1)
        return 1

    loop, found = Loop(), []
    loop.spawn(asks(), found.append)
    most = 0
    while loop.live:
        loop.turn(math.inf)
        most = max(most, len(loop._deadlines))
    assert found == [1]
    assert most < 1100
