"""Clip: makes strings of a candidate safe for a record."""

from __future__ import annotations

CLIP = 400  # characters of one string of a candidate that a record contains


def clip(text: str, *, limit: int = CLIP) -> str:
    """The string in one line, with at most `limit` characters before escaping; unprintable ones are escaped."""
    text = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)
