"""Job: one kernel, its questions and its private folder; and how the end of its process becomes a status."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.clip import clip
from harness.core.status import Status
from harness.lanes.kernel.definition import Definition, Setting
from harness.lanes.kernel.question import Question
from harness.lanes.kernel.warm_processes import Outcome, WarmProcesses

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Job:
    """One kernel and all its questions.

    Attributes:
        source: The content of the kernel's file.
        place: The folder of the definition and of the files it names.
        timeout: Seconds for the whole process.
        folder: A private, empty folder.
        attempts: How often all questions are asked, with the same inputs: the outputs must have equal bits.
        configuration: Further keyword arguments of the kernel's entry.
        library: Whether it may call PyTorch's own operators.
        architectures: What its calls are recorded for: each may have another plan.
        kept: A folder for what later runs need not compute again (see `disassemble`); None for none.
    """

    source: bytes
    definition: Definition
    place: Path
    timeout: float
    folder: Path
    processes: WarmProcesses
    questions: tuple[Question, ...] = ()
    attempts: int = 1
    configuration: dict[str, Setting] = field(default_factory=dict)
    library: bool = False
    architectures: tuple[str, ...] = ("sm_90a",)
    kept: Path | None = None

    @property
    def limits(self) -> dict[str, int]:
        """Resource limits of its process; memory counts in addition to what PyTorch has mapped."""
        return {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": GIB, "RLIMIT_CPU": math.ceil(self.timeout) + 1, "RLIMIT_AS": 4 * GIB}


def read_note(folder: Path, name: str) -> dict[str, Any]:
    """A JSON object that a job's process wrote to `out`; empty if there is none."""
    path = folder / "out" / name
    found: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {}
    return found


def process_fault(outcome: Outcome, folder: Path, job: Job) -> tuple[Status, str] | None:
    """The status and reason if a kernel's process ended before it answered; None if it answered."""
    if outcome.excess:
        return Status.OUTPUT, f"its process {outcome.excess}"
    if outcome.code is None:
        return Status.TIMEOUT, f"still running after {job.timeout:g} s"
    note = read_note(folder, "error.json")
    if note:
        message = str(note.get("error", "something"))
        match note.get("kind"):
            case "unsupported":
                return Status.REVIEW, clip(f"it cannot be interpreted: {message}")
            case "forbidden":
                return Status.FORBIDDEN, clip(message)
            case "changed":
                return Status.WRONG, clip(message)
            case "protocol":
                return Status.PROTOCOL, clip(message)
            case "bounds":
                return Status.CRASH, clip(f"out of bounds: the kernel {message}")
            case "refused":
                return Status.WRONG, clip(f"{job.definition.entry} returned {message}")
            case "memory":
                return Status.MEMORY, clip(f"{job.definition.entry} asked for too much memory: {message}")
            case _:
                return Status.CRASH, clip(f"{job.definition.entry} raised {message}")
    return (Status.CRASH, clip(f"its process {outcome.how}")) if outcome.code else None
