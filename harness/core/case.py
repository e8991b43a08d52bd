"""Case: one thing to evaluate. Subject: the artefact it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.digest import digest_bytes, digest_json
from harness.core.frozen import Frozen
from harness.core.policy import Policy, Timing


class Subject(Frozen):
    """A machine-made artefact, identified by its content."""

    name: str
    """What people call it: usually the file's stem."""
    digest: str
    """Hex SHA-256 of its bytes."""
    path: str = ""
    """Where it was read from; empty when it never was a file."""
    parents: tuple[str, ...] = ()
    """Digests or names of the artefacts it was derived from, as it declares them."""
    style: str = ""
    """The style it claims; what was detected is evidence."""
    group: str = ""
    """What made it, as it says (`group`, else `generator`); pass rates are over groups."""

    @classmethod
    def from_bytes(cls, name: str, data: bytes, *, path: Path | None = None) -> Subject:
        """A subject for raw bytes; their digest is its identity."""
        return cls(name=name, digest=digest_bytes(data), path=str(path) if path else "")


class Case(Frozen):
    """One subject, the inputs it meets and the policy it is judged by."""

    lane: str
    suite: str
    """The suite file, relative to pytest's root when it lies below it."""
    name: str
    """Unique slug within the suite; the last part of the node id."""
    title: str = ""
    subject: Subject
    inputs: dict[str, Any] = {}
    """What the lane needs to evaluate it: paths and settings, JSON only."""
    policy: Policy = Policy()
    line: int | None = None
    """1-based line of the suite file (or program) that asks for it."""
    markers: tuple[str, ...] = ()

    @property
    def nodeid(self) -> str:
        """The pytest node id: what is typed to run just this case."""
        return f"{self.suite}::{self.name}"

    @property
    def timed(self) -> bool:
        """Whether it must run in the exclusive phase."""
        return "timed" in self.markers or self.policy.timing is Timing.EXACT

    @property
    def key(self) -> str:
        """Digest of all that the verdict may depend on: subject, inputs, policy."""
        return digest_json([self.lane, self.subject.digest, self.inputs, self.policy.to_wire()])
