"""Clip: makes strings of a candidate safe for a record, and numbers readable."""

from __future__ import annotations

DIGITS = (3, 6, 9)  # of a number, until it differs from its threshold
CLIP = 400  # characters of one string of a candidate that a record contains


def clip(text: str, *, limit: int = CLIP) -> str:
    """The string in one line, with at most `limit` characters before escaping; unprintable ones are escaped."""
    text = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return visible(text)


def visible(text: str, *, keep: str = "") -> str:
    """The string with unprintable characters escaped, such as those that steer a terminal.

    Args:
        text: Any string.
        keep: Unprintable characters that stay, such as line feeds.
    """
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape", "replace").decode() for c in text)


def readable(value: float, *, threshold: float | None = None) -> str:
    """A number as all outputs show it: three decimals below 1, four digits above, integers in full.

    It has more digits where fewer would show a value that differs from the threshold as equal to it.
    """
    if value % 1 == 0 and abs(value) < 1e15:
        return f"{value:,.0f}"
    if abs(value) < 0.0005:
        return f"{value:.3g}"
    shown = [f"{value:.{n}f}".rstrip("0") if abs(value) < 1 else f"{value:.{n + 1}g}" for n in DIGITS]
    return next((text for text in shown if value == threshold or float(text) != threshold), shown[-1])
