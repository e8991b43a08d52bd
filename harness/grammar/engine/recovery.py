"""Recovery: where reading may go on after a record that could not be read."""

from __future__ import annotations

from harness.grammar.engine.node import Window


def starts_right(window: Window, magic: bytes) -> bool:
    """Whether the window's position holds the constant that every record begins with, as far as there are bytes."""
    at = window.pos
    have = bytes(window.buffer.data[at : min(window.end, at + len(magic))])
    return magic.startswith(have)


def next_start(window: Window, magic: bytes, at: int) -> int | None:
    """The next place at or behind `at` where a record may begin, or None."""
    if not magic:
        return None
    found: int = window.buffer.data.find(magic, at, window.end)
    return None if found < 0 else found
