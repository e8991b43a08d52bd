"""Candidate: one kernel's file and the operation that it claims to compute."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.digest import digest_bytes, digest_json
from harness.lanes.kernel.definition import Definition, trusted_files
from harness.lanes.kernel.job import Job
from harness.lanes.kernel.kernel_metadata import KernelFile, read_kernel_file
from harness.lanes.kernel.tuned_table import without_tuned
from harness.lanes.kernel.warm_processes import WarmProcesses


@dataclass(frozen=True, slots=True)
class Candidate:
    """One kernel and its operation.

    Attributes:
        source: Its content, read once.
    """

    path: Path
    source: bytes
    definition: Definition
    place: Path

    @property
    def file(self) -> KernelFile:
        """The metadata of the kernel's file."""
        return read_kernel_file(self.source.decode("utf-8", "replace"))

    @property
    def name(self) -> str:
        """The stem of its file."""
        return self.path.stem

    @property
    def operation(self) -> str:
        """The stem of the definition's file: one operation may have several definitions."""
        return self.place.stem

    @property
    def content(self) -> dict[str, str]:
        """Digests of the kernel and of its definition."""
        return {"kernel": digest_bytes(self.source), "definition": self._definition_digest}

    @property
    def tunable(self) -> dict[str, Any]:
        """The same without the kernel's table of tuned configurations, on which a sweep's points do not depend."""
        return {"kernel": digest_bytes(without_tuned(self.source)), "definition": self._definition_digest}

    def job(self, folder: Path, processes: WarmProcesses, *, timeout: float, **named: Any) -> Job:
        """A job for this kernel; without questions by default (see `Job`)."""
        place = self.place.parent
        return Job(self.source, self.definition, place, timeout, folder, processes, **named)

    @property
    def _definition_digest(self) -> str:
        return digest_json(sorted(trusted_files(self.place, self.definition).values()))
