"""Markup: elements of HTML and SVG, escaped: text of a run is never markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from harness.report import words

MAX_LABEL = 400  # characters of one piece of text


def text_of(value: Any) -> Markup:
    """A value as text in markup: escaped, in one line, without control characters."""
    return escape(words.printable(str(value)[:MAX_LABEL]))


def number(value: float) -> str:
    """A coordinate, as short as a picture needs it."""
    return f"{value:.1f}".removesuffix(".0")


def element(name: str, *children: Markup | str, **attributes: Any) -> Markup:
    """An element; `_` at the end or within a name becomes `-`, and None leaves an attribute out.

    Args:
        name: Of the element.
        children: Markup, or text that is escaped.
        attributes: Numbers are shortened, other values are escaped.
    """
    given = []
    for key, value in attributes.items():
        if value is None:
            continue
        shown = number(value) if isinstance(value, float) else text_of(value)
        given.append(f' {key.rstrip("_").replace("_", "-")}="{shown}"')
    inner = "".join(child if isinstance(child, Markup) else text_of(child) for child in children)
    return Markup(f"<{name}{''.join(given)}>{inner}</{name}>")  # noqa: S704 - its parts are escaped


def joined(parts: Sequence[Markup], between: str = "") -> Markup:
    """Several elements after each other, with text between them."""
    return escape(between).join(parts)
