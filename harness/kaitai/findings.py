"""Findings: what is wrong with a `.ksy` file, or what our grammars cannot carry of it, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.core.document import Key

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say about a file."""

    severity: Severity
    where: str
    """`file:line:column`"""
    path: str
    """The way Kaitai's own messages name a place: `/seq/0/type`."""
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.severity}: {self.path}: {self.message}"


def path_text(key: Key) -> str:
    """`/seq/0/type` of a key path."""
    return "/" + "/".join(str(part) for part in key)
