"""Job: one kernel and everything that is asked of it, in a private folder; and what may end it before it answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.clip import clip
from harness.core.status import Status
from harness.lanes.kernel.definition import Definition, Setting
from harness.lanes.kernel.question import Question
from harness.lanes.kernel.untrusted_output import read_table
from harness.lanes.kernel.warm_processes import Outcome, WarmProcesses

GIB = 1 << 30
_META_BYTES = 1 << 16
_SIGNALS = {
    4: "SIGILL",
    6: "SIGABRT",
    7: "SIGBUS",
    8: "SIGFPE",
    9: "SIGKILL",
    11: "SIGSEGV",
    24: "SIGXCPU",
    25: "SIGXFSZ",
}


@dataclass(frozen=True, slots=True)
class Job:
    """One kernel and everything it is asked.

    Attributes:
        source: The kernel's file.
        definition: What it must compute.
        place: Where the definition lies; the files it names are beside it.
        questions: What it is asked, in order.
        attempts: How often everything is asked; the same inputs, so the bytes must be the same.
        timeout: Seconds for the whole process.
        folder: A private, empty folder.
        nursery: The warm processes.
        configuration: Further keywords of the kernel's entry.
        library: Whether it may call PyTorch's own operators.
    """

    source: bytes
    definition: Definition
    place: Path
    questions: tuple[Question, ...]
    attempts: int
    timeout: float
    folder: Path
    nursery: WarmProcesses
    configuration: dict[str, Setting] = field(default_factory=dict)
    library: bool = False

    @property
    def limits(self) -> dict[str, int]:
        """What its process may use, beyond what PyTorch has mapped already."""
        return {
            "RLIMIT_CORE": 0,
            "RLIMIT_FSIZE": GIB,
            "RLIMIT_CPU": math.ceil(self.timeout) + 1,
            "RLIMIT_AS": 4 * GIB,
        }


def read_note(folder: Path, name: str) -> dict[str, Any]:
    """A JSON table that a kernel's process left; empty if it is none. A kernel could have written it."""
    return read_table(folder / "out" / name, most=_META_BYTES)


def failed(outcome: Outcome, folder: Path, job: Job) -> tuple[Status, str] | None:
    """What ended a kernel's process before it answered, if anything did."""
    if outcome.code is None:
        return Status.TIMEOUT, f"still running after {job.timeout:g} s"
    note = read_note(folder, "error.json")
    if note:
        said = str(note.get("error", "something"))
        match note.get("kind"):
            case "unsupported":
                # Its own process says so, so it excuses nothing; a person looks.
                return Status.REVIEW, clip(f"it cannot be interpreted: {said}")
            case "bounds":
                return Status.CRASH, clip(f"out of bounds: the kernel {said}")
            case "refused":
                return Status.WRONG, clip(f"{job.definition.entry} returned {said}")
            case "memory":
                return Status.MEMORY, clip(f"{job.definition.entry} asked for too much memory: {said}")
            case _:
                return Status.CRASH, clip(f"{job.definition.entry} raised {said}")
    if outcome.code:
        how = f"exited with status {outcome.code}"
        if outcome.code < 0:
            how = f"was ended by {_SIGNALS.get(-outcome.code, f'signal {-outcome.code}')}"
        status = Status.TIMEOUT if outcome.code == -24 else Status.CRASH
        return status, clip(f"its process {how}" + (f": {outcome.said}" if outcome.said else ""))
    return None
