"""Loop: runs many coroutines in one thread; each waits until a descriptor is ready or a moment has come.

The coroutines are `async def` functions that await nothing but the objects of this module. `drive` runs one of them and
blocks meanwhile; a `Loop` runs as many as are spawned, so that the pauses of one are the working time of the others.
A wait costs a few microseconds here, because nothing is registered with the kernel; asyncio needs three times as many
for each question to a box.
"""

from __future__ import annotations

import heapq
import math
import select
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, TypeVar

AT_ONCE = 20e-6
"""Seconds below which a poll did not wait."""
Result = TypeVar("Result")
Task = Coroutine["Wait", bool | None, Result]


class Wait:
    """Waits until a descriptor is ready, or until a moment; `await` returns whether the descriptor is ready.

    Afterwards `since` is the earliest moment at which that may have happened: the thread may have been busy meanwhile.

    Args:
        deadline: The moment, by `time.monotonic`.
        reading: Descriptor that becomes readable; -1 for none.
        writing: Descriptor that becomes writable; -1 for none.
    """

    __slots__ = ("deadline", "reading", "since", "wake", "writing")

    def __init__(self, deadline: float, reading: int = -1, writing: int = -1) -> None:
        self.deadline, self.reading, self.writing = deadline, reading, writing
        self.wake: Callable[[], None] | None = None  # set by a loop; ends the wait
        self.since = -math.inf

    def __await__(self) -> Generator[Wait, bool, bool]:
        return (yield self)

    def block(self) -> bool:
        """Wait in this thread."""
        left = self.deadline - time.monotonic()
        if self.reading < 0 and self.writing < 0:
            if left == math.inf:
                msg = "a coroutine that is driven alone waits for another one"
                raise RuntimeError(msg)
            if left > 0:
                time.sleep(left)
            return False
        poll = select.poll()
        _register(poll, self)
        ready = bool(poll.poll(None if left == math.inf else max(0.0, left) * 1e3))
        self.since = time.monotonic()
        return ready


def _register(poll: select.poll, wait: Wait) -> None:
    if wait.reading >= 0:
        poll.register(wait.reading, select.POLLIN)
    if wait.writing >= 0:
        poll.register(wait.writing, select.POLLOUT)


def pause(seconds: float) -> Wait:
    """An awaitable that lasts `seconds`."""
    return Wait(time.monotonic() + seconds)


class OutOfTimeError(Exception):
    """The moment up to which the work may last has passed."""


def drive(task: Task[Result], *, until: float = math.inf) -> Result:
    """Run one coroutine to its end; blocks.

    Args:
        until: The moment, by `time.monotonic`, after which its next wait raises `OutOfTimeError` inside of it.

    Raises:
        Exception: whatever the coroutine raises; an exception while it waits (Ctrl-C) is raised inside of it.
    """
    value: bool | None = None  # what starts a coroutine
    error: BaseException | None = None
    while True:
        try:
            wait = task.send(value) if error is None else task.throw(error)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        try:
            wait.deadline = min(wait.deadline, until)
            value, error = wait.block(), None
            if time.monotonic() >= until:
                raise OutOfTimeError
        except BaseException as raised:
            error = raised


class Shares:
    """A resource of some shares between the coroutines of one loop, first come, first served.

    Args:
        count: Number of shares.

    Attributes:
        free: How many are free now.
        queue: Who waits for how many.
    """

    def __init__(self, count: int) -> None:
        self.count = self.free = count
        self.queue: deque[tuple[int, Wait]] = deque()

    def taken(self, shares: int) -> _Taken:
        """Hold some shares during an `async with`; waits until they are free."""
        return _Taken(self, shares)


class _Taken:  # a generator as context manager takes four times as long, for each question
    __slots__ = ("_count", "_shares")

    def __init__(self, shares: Shares, count: int) -> None:
        self._shares, self._count = shares, count

    async def __aenter__(self) -> None:
        shares = self._shares
        if shares.queue or self._count > shares.free:
            turn = Wait(math.inf)
            shares.queue.append((self._count, turn))
            await turn  # the shares are handed over
        else:
            shares.free -= self._count

    async def __aexit__(self, *_error: object) -> None:
        shares = self._shares
        shares.free += self._count
        while shares.queue and shares.queue[0][0] <= shares.free:
            wanted, turn = shares.queue.popleft()
            shares.free -= wanted
            if turn.wake is not None:
                turn.wake()


class Lock:
    """A lock between the coroutines of one loop, first come, first served; use it with `async with lock.held()`."""

    def __init__(self) -> None:
        self._share = Shares(1)

    def held(self) -> _Taken:
        """Hold the lock; waits until it is free."""
        return self._share.taken(1)


class Loop:
    """Runs coroutines until they end.

    A deadline counts as passed only if the descriptor is not ready at a poll after it: what arrived while the thread
    was busy with another coroutine is not late.
    """

    def __init__(self) -> None:
        self._poll = select.poll()
        self._waiting: dict[int, _Running] = {}
        self._deadlines: list[tuple[float, int, _Running]] = []
        self._woken: deque[_Running] = deque()
        self._count = 0
        self._polled = -math.inf
        self.live = 0
        """Number of coroutines that were spawned and have not ended."""

    def spawn(self, task: Task[Any], done: Callable[[Any], None]) -> None:
        """Start a coroutine; `done` gets its result. The coroutine must not raise."""
        self.live += 1
        self._step(_Running(task, done), value=None)

    def turn(self, deadline: float) -> None:
        """Wait until a coroutine can go on, or until `deadline`; let each that can take one step."""
        if self._deadlines:
            deadline = min(deadline, self._deadlines[0][0])
        before = time.monotonic()
        left = 0.0 if self._woken else deadline - before
        events = self._poll.poll(None if left == math.inf else max(0.0, left) * 1e3)
        now = time.monotonic()
        # A poll that had to wait ends with the first event; what it finds at once came at any time since the last one.
        since = now if now - before > AT_ONCE else self._polled
        self._polled = now
        for descriptor, _event in events:
            running = self._waiting.get(descriptor)
            if running is not None:
                running.wait.since = since
                self._resume(running, value=True)
        for _ in range(len(self._woken)):
            self._resume(self._woken.popleft(), value=True)
        while self._deadlines and self._deadlines[0][0] <= now:
            _, number, running = heapq.heappop(self._deadlines)
            if running.number == number:
                self._resume(running, value=False)

    def _resume(self, running: _Running, *, value: bool) -> None:
        wait = running.wait
        for descriptor in (wait.reading, wait.writing):
            if descriptor >= 0:
                self._poll.unregister(descriptor)
                del self._waiting[descriptor]
        self._step(running, value=value)

    def _step(self, running: _Running, *, value: bool | None) -> None:
        try:
            running.wait = wait = running.task.send(value)
        except StopIteration as stop:
            running.number = -1
            self.live -= 1
            running.done(stop.value)
            return
        self._count += 1
        running.number = self._count
        _register(self._poll, wait)
        for descriptor in (wait.reading, wait.writing):
            if descriptor >= 0:
                self._waiting[descriptor] = running
        if wait.deadline == math.inf:
            wait.wake = partial(self._woken.append, running)
        else:
            heapq.heappush(self._deadlines, (wait.deadline, running.number, running))
            if len(self._deadlines) > 1000 + 4 * self.live:  # deadlines of waits that ended early
                self._deadlines = [one for one in self._deadlines if one[2].number == one[1]]
                heapq.heapify(self._deadlines)


class _Running:
    __slots__ = ("done", "number", "task", "wait")

    def __init__(self, task: Task[Any], done: Callable[[Any], None]) -> None:
        self.task, self.done = task, done
        self.number = 0
        self.wait = Wait(0.0)
