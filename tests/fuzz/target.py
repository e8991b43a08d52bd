"""Target: a reader of bytes from outside, which may only return or raise an error that it documents, within a limit."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).with_name("corpus")
CPU_SECONDS = 20.0  # of one input


class CpuLimit(BaseException):
    """An input took more CPU time than `CPU_SECONDS`."""


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        name: Its name, and that of its folder in `corpus/`.
        check: Reads one input; raises AssertionError if what it found contradicts itself.
        refusals: The errors that it documents.
        seeds: Patterns of files of the repository that belong to its corpus, besides those of its folder.
    """

    name: str
    check: Callable[[bytes], None]
    refusals: tuple[type[Exception], ...] = ()
    seeds: tuple[str, ...] = ()

    @property
    def corpus(self) -> list[Path]:
        """The stored inputs."""
        return sorted({*self.stored, *(path for pattern in self.seeds for path in ROOT.glob(pattern))})

    @property
    def stored(self) -> list[Path]:
        """The inputs of its own folder; each that ever broke it is there."""
        return sorted(path for path in (CORPUS / self.name).rglob("*") if path.is_file())

    def run(self, data: bytes) -> str:
        """Read one input.

        Returns:
            What came of it, without names and numbers: equal inputs for the purpose of finding new ones.

        Raises:
            AssertionError: if the reader contradicts itself, or refuses without a message.
            Exception: any error that it does not document.
            CpuLimit: if it takes too long.
        """
        with _limited(self.name):
            try:
                self.check(data)
            except self.refusals as error:
                kind, message = type(error).__name__, str(error)
            else:
                return "read"
        assert message.strip(), f"{kind} without a message"
        return f"{kind}: {_shape(message)}"


def _shape(message: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`|[0-9]+|/[^ :]*", "_", message)[:120]


@contextmanager
def _limited(name: str) -> Iterator[None]:
    """Raise after so much CPU time of this process; a thread that may not set signals is only measured."""
    began = time.process_time()
    main = threading.current_thread() is threading.main_thread()

    def stop(*_: Any) -> None:
        raise CpuLimit(f"{name}: more than {CPU_SECONDS:g} s of CPU")

    before = signal.signal(signal.SIGPROF, stop) if main else None
    if main:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        yield
    finally:
        if main:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)
    if time.process_time() - began > CPU_SECONDS:
        stop()
