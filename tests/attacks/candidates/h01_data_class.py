"""Keeps its state in a data class."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Seen:
    known: dict[str, None] = field(default_factory=dict)


def run(text):
    seen = Seen()
    for line in text.split("\n"):
        seen.known.setdefault(line)
    return "\n".join(seen.known)
