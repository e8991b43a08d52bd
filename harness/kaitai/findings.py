"""Findings: errors and warnings about a `.ksy` file, and constructs that cannot be imported, with their positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.core.document import Key

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """An error or warning about a file."""

    severity: Severity
    where: str
    """`file:line:column`"""
    path: str
    """The key path as in Kaitai Struct's own messages: `/seq/0/type`."""
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.severity}: {self.path}: {self.message}"


def path_text(key: Key, *, last: str | None = None) -> str:
    """Format a key path as `/seq/0/type`; `last` replaces its last part."""
    return "/" + "/".join(map(str, key if last is None else (*key[:-1], last)))
