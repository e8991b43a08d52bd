"""Case: one thing to evaluate. Subject: the artefact it is about."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.core.digest import canonical_json, digest_bytes, digest_text
from harness.core.frozen import Frozen
from harness.core.policy import Policy, Timing

EXACT = Timing.EXACT  # Python 3.11 computes a member at each access through its class


class Subject(Frozen):
    """A machine-made artefact, identified by its content."""

    name: str
    """Display name: usually the file's stem."""
    digest: str
    """Hex SHA-256 of its bytes."""
    path: str = ""
    """The file it was read from; empty when it was not read from a file."""
    parents: tuple[str, ...] = ()
    """Digests or names of the artefacts it was derived from, as it declares them."""
    style: str = ""
    """The style that it declares; the detected style is evidence."""
    group: str = ""
    """Its declared origin (`group`, else `generator`); pass rates are over groups."""
    line: int | None = None
    """1-based line of `path` to look at first: the entry point, the first operation, the step; None if unknown."""

    @classmethod
    def from_bytes(cls, name: str, data: bytes, *, path: Path | None = None) -> Subject:
        """Make a subject from raw bytes; their digest is its identity."""
        return cls(name=name, digest=digest_bytes(data), path=str(path) if path else "")


class Case(Frozen):
    """One subject, with the inputs and the policy for judging it."""

    lane: str
    suite: str
    """The suite file, relative to pytest's root when it is below it."""
    name: str
    """Unique slug within the suite; the last part of the node id."""
    title: str = ""
    subject: Subject
    inputs: dict[str, Any] = {}
    """The lane's inputs for evaluating it: paths and settings, JSON only."""
    policy: Policy = Policy()
    line: int | None = None
    """1-based line of the suite file (or program) that defines it."""
    markers: tuple[str, ...] = ()

    @property
    def nodeid(self) -> str:
        """The pytest node id, `suite::name`, which selects only this case."""
        return f"{self.suite}::{self.name}"

    @property
    def timed(self) -> bool:
        """Whether it must run in the exclusive phase."""
        return "timed" in self.markers or self.policy.timing is EXACT

    @property
    def key(self) -> str:
        """Digest of all that the verdict may depend on: subject, inputs, policy; raises what `key_parts` does."""
        return key_of(self.subject.digest, *self.key_parts())

    @property
    def stored_key(self) -> str:
        """The `key`; empty where the inputs are not JSON: such a case still gets a row, and is never reused."""
        try:
            return self.key
        except (TypeError, ValueError):
            return ""

    def key_parts(self) -> tuple[str, str, str]:
        """What `key` depends on, other than the subject, as canonical JSON: lane, inputs, policy.

        Raises:
            TypeError: if the inputs are not JSON.
            ValueError: if they contain NaN or infinity.
        """
        return canonical_json(self.lane), canonical_json(self.inputs), _canonical_policy(self.policy)


def key_of(digest: str, lane: str, inputs: str, policy: str) -> str:
    """The `Case.key` of a subject.

    Args:
        digest: Hex SHA-256 of its bytes.
        lane, inputs, policy: As in `Case.key_parts`.
    """
    return digest_text(f"[{lane},{canonical_json(digest)},{inputs},{policy}]")


def line_of(pattern: str, text: str) -> int | None:
    """The 1-based line of a string where a pattern first matches the beginning of a line; None without a match."""
    found = re.search(pattern, text, re.MULTILINE)
    return None if found is None else text.count("\n", 0, found.end()) + 1


_latest: tuple[Policy, str] | None = None


def _canonical_policy(policy: Policy) -> str:
    """The canonical JSON of a policy; the cases of a suite share one, whose JSON is made once."""
    global _latest
    latest = _latest
    if latest is None or latest[0] is not policy:
        latest = _latest = policy, _canonical(policy.model_dump_json())
    return latest[1]


@lru_cache(maxsize=64)
def _canonical(text: str) -> str:
    return canonical_json(json.loads(text))
