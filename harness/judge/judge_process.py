"""Judge process: one thread that judges many cases at once, each a coroutine, for the process that started it.

It reads cases, one JSON line each, and writes evaluations as they are finished: the number of the case, a space and the
evaluation's JSON, in one line.
"""

from __future__ import annotations

import gc
import importlib
import json
import math
import os
from collections import deque
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from harness.core.case import Case
from harness.core.evaluation import SerialisedEvaluation
from harness.core.tier import Tier
from harness.judge.case import judge_case_in_loop
from harness.lane.context import Context
from harness.lane.json_worker import claim_descriptors
from harness.lane.protocol import ObservingLane
from harness.sandbox.loop import Loop, Wait
from harness.timing.lock import machine_lock, notices_to

GC_THRESHOLD = 20_000  # allocations between two collections of the youngest objects


def main(settings: str) -> None:
    """Judge cases until the channel is closed.

    Args:
        settings: JSON with `secret_seed`, `scratch`, `tier`, `protect`, `without` and `shared` (see `Context`), `width`
            (cases in flight) and `lanes` (the module and class of each lane, by name).
    """
    requests, answers = claim_descriptors()
    given = json.loads(settings)
    gc.set_threshold(GC_THRESHOLD, *gc.get_threshold()[1:])
    context = Context(
        secret_seed=given["secret_seed"],
        scratch=Path(given["scratch"]),
        tier=None if given["tier"] is None else Tier(given["tier"]),
        protect=tuple(map(Path, given["protect"])),
        without=frozenset(given["without"]),
        shared=Path(given["shared"]),
        warm=given["warm"],
    )
    try:
        _Judge(context, given["lanes"], given["width"], answers).run(requests)
    finally:
        context.close()


NOTICE = 0
"""Number of an answer that is a line for the user in place of an evaluation; the first case has number 1."""


class _Judge:
    def __init__(self, context: Context, lanes: dict[str, list[str]], width: int, answers: int) -> None:
        self.context, self.lanes, self.width = context, lanes, width
        self.loop = Loop()
        self.known: dict[str, ObservingLane] = {}
        self.waiting: deque[tuple[int, dict[str, Any]]] = deque()
        self.in_flight = 0
        self.finished = bytearray()
        self.answers = answers
        self.is_writing = self.is_frozen = False
        self.held = ExitStack()  # the machine's lock, while cases are in flight
        os.set_blocking(answers, False)
        notices_to(self.tell)

    def run(self, requests: int) -> None:
        self.loop.spawn(self.read(requests), self.stop)
        self.is_open = True
        while self.is_open or self.in_flight:
            self.loop.turn(math.inf)

    def stop(self, _nothing: None) -> None:
        self.is_open = False
        self.waiting.clear()

    async def read(self, requests: int) -> None:
        buffer = bytearray()
        while True:
            await Wait(math.inf, requests)
            data = os.read(requests, 1 << 20)
            if not data:
                return
            buffer += data
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                message = json.loads(line)
                self.waiting.append((message["number"], message["case"]))
            self.begin()

    def begin(self) -> None:
        """Start as many cases as may be in flight, unless another session waits for its turn to measure."""
        lock = machine_lock()
        while self.waiting and self.in_flight < self.width:
            if self.in_flight == 0:
                self.held.enter_context(lock.shared())
            elif lock.is_wanted:
                return
            number, wire = self.waiting.popleft()
            case = Case.from_wire(wire)
            self.in_flight += 1
            self.loop.spawn(judge_case_in_loop(case, self.lane(case.lane), self.context), partial(self.finish, number))

    def tell(self, text: str) -> None:
        """Send the owner a line for its user; the loop stands still meanwhile, so it is written at once."""
        self.finished += f"{NOTICE} {text}\n".encode()
        with suppress(BlockingIOError):
            del self.finished[: os.write(self.answers, self.finished)]

    def finish(self, number: int, found: SerialisedEvaluation) -> None:
        if not self.is_frozen:
            self.is_frozen = True
            gc.collect()
            gc.freeze()  # modules and prepared tools stay: no later collection walks through them
        self.finished += f"{number} {found.text}\n".encode("utf-8", "backslashreplace")
        self.in_flight -= 1
        if not self.in_flight:
            self.held.close()
        if not self.is_writing:
            self.is_writing = True
            self.loop.spawn(self.write(), self.written)
        self.begin()

    async def write(self) -> None:
        while self.finished:
            await Wait(math.inf, writing=self.answers)
            written = os.write(self.answers, self.finished)
            del self.finished[:written]

    def written(self, _nothing: None) -> None:
        self.is_writing = False

    def lane(self, name: str) -> ObservingLane:
        if name not in self.known:
            module, kind = self.lanes[name]
            self.known[name] = getattr(importlib.import_module(module), kind)()
        return self.known[name]
