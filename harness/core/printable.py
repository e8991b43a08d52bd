"""Printable: what strings from outside become before a terminal or a CI log gets them."""

from __future__ import annotations


def printable(text: str) -> str:
    """One line that shows what a string contains and does nothing: the only way of candidate text to an output.

    Control characters, direction marks and lone surrogates become escapes, line breaks and tabs become spaces. What
    GitHub Actions would execute, `::command::` at the start of a line and `##[command]` anywhere, loses its first
    character to an escape.
    """
    if not text.isprintable():
        text = "".join(
            c if c.isprintable() else " " if c in "\n\t" else c.encode("unicode_escape", "replace").decode()
            for c in text
        )
    if "##[" in text:
        text = text.replace("##[", r"\x23#[")
    if "::" not in text:
        return text
    indent = len(text) - len(text.lstrip())
    return text if not text.startswith("::", indent) else rf"{text[:indent]}\x3a{text[indent + 1 :]}"


def printable_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(map(printable, text.split("\n")))
