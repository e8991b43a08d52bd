"""Clip: text that a candidate made, made safe for a record."""

from __future__ import annotations

CLIP = 400  # characters of candidate-made text that may enter a record


def clip(text: str, *, limit: int = CLIP) -> str:
    """Candidate-made text made safe for a record: bounded, printable, one line."""
    text = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)
