"""Box: one subject in a child process of its own; the parent asks questions and measures time and memory."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any

from harness.sandbox.answer import Answer
from harness.sandbox.codec import encode
from harness.sandbox.limits import Limits
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.zygote_process import ZygoteProcess


class Box(PolledBox):
    """A box that was loaded; `ask` waits for the answer.

    Raises:
        BoxFault: if the subject cannot be loaded.
        InfraError: if the box cannot be started.
    """

    def __init__(self, zygote: ZygoteProcess, source: bytes, *, entry: str, limits: Limits) -> None:
        super().__init__(zygote, source, entry=entry, limits=limits)
        try:
            while not self.is_idle:
                self._wait()
                self.receive_ready()
        except BaseException:
            self.close()
            raise

    def call(self, arguments: dict[str, Any], *, seconds: float | None = None) -> Answer:
        """Call the entry function with keyword arguments; see `ask` for limits and errors."""
        return self.ask(encode(arguments), seconds=seconds)

    def ask(self, question: bytes, *, seconds: float | None = None) -> Answer:
        """Ask one question in canonical JSON, within the call limit (or `seconds`).

        Raises:
            BoxFault: timeout, crash, memory, output or protocol; the box cannot be used afterwards.
        """
        self.send(question, seconds=seconds)
        while True:
            self._wait()
            answer = self.receive_ready()
            if answer is not None:
                return answer

    def ask_all(self, questions: Sequence[bytes]) -> list[Answer]:
        """Ask questions at once, and return their answers; see `send_all` for what is given up.

        Raises:
            BoxFault: see `ask`; which question caused it is found by asking one by one in another box.
        """
        self.send_all(questions)
        answers = []
        while not self.is_idle:
            answer = self.receive_ready()
            if answer is None:
                self._wait()
            else:
                answers.append(answer)
        return answers

    def _wait(self) -> None:
        left = max(0.0, self.deadline - time.monotonic()) * 1e3
        if not self._unsent:
            self._process.poll.poll(left)
            return
        self._process.poll.register(self._process.write, select.POLLOUT)
        self._process.poll.poll(left)
        self._process.poll.unregister(self._process.write)
