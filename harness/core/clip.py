"""Clip: makes strings of a candidate safe for a record."""

from __future__ import annotations

CLIP = 400  # characters of one string of a candidate that a record contains


def clip(text: str, *, limit: int = CLIP) -> str:
    """The string in one line, with at most `limit` characters before escaping; unprintable ones are escaped."""
    text = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return visible(text)


def visible(text: str, *, keep: str = "") -> str:
    """The string with unprintable characters escaped, such as those that steer a terminal.

    Args:
        keep: Unprintable characters that stay, such as line feeds.
    """
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape", "replace").decode() for c in text)
