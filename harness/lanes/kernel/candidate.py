"""Candidate: one kernel's file and the operation it is judged as."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.digest import digest_bytes, digest_json
from harness.lanes.kernel.definition import Definition, trusted_files
from harness.lanes.kernel.kernel_metadata import KernelFile, read_kernel_file
from harness.lanes.kernel.tuned_table import without_tuned


@dataclass(frozen=True, slots=True)
class Candidate:
    """One kernel as one operation.

    Attributes:
        path: The kernel's file; its text is read once.
        source: That text.
        definition: The operation.
        place: The definition's file.
    """

    path: Path
    source: bytes
    definition: Definition
    place: Path

    @property
    def file(self) -> KernelFile:
        """What the kernel says of itself."""
        return read_kernel_file(self.source.decode("utf-8", "replace"))

    @property
    def name(self) -> str:
        """What people call it."""
        return self.path.stem

    @property
    def operation(self) -> str:
        """The definition's name: one operation may have several definitions."""
        return self.place.stem

    @property
    def content(self) -> dict[str, str]:
        """What is judged, and by what."""
        return {"kernel": digest_bytes(self.source), "definition": self._judge}

    @property
    def tunable(self) -> dict[str, Any]:
        """The same without the kernel's table of tuned configurations: a sweep's points do not depend on it."""
        return {"kernel": digest_bytes(without_tuned(self.source)), "definition": self._judge}

    @property
    def _judge(self) -> str:
        return digest_json(sorted(trusted_files(self.place, self.definition).values()))
