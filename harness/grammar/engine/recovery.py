"""Recovery: the position where reading continues after a record that could not be read."""

from __future__ import annotations

from harness.grammar.engine.node import Window


def starts_right(window: Window, magic: bytes) -> bool:
    """Whether the bytes at the position match the constant that every record begins with; a cut-off one matches too."""
    at = window.pos
    have = bytes(window.buffer.data[at : min(window.end, at + len(magic))])
    return magic.startswith(have)


def next_start(window: Window, magic: bytes, at: int) -> int | None:
    """The next position at or after `at` where a record may begin, or None."""
    if not magic:
        return None
    found: int = window.buffer.data.find(magic, at, window.end)
    return None if found < 0 else found
