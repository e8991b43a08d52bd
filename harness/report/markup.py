"""Markup: elements of HTML and SVG, escaped: text of a run is never markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import takewhile
from typing import Any

from markupsafe import Markup, escape

from harness.report import words

MAX_LABEL = 400  # characters of one piece of text
SPECIAL = re.compile(r"[&<>\"']")


def text_of(value: Any) -> str:
    """A value as text in markup: escaped, in one line, without control characters."""
    return _escaped(str(value)[:MAX_LABEL])


@lru_cache(maxsize=4096)  # classes, labels and roles are the same few
def _escaped(text: str) -> str:
    text = words.printable(text)
    return str(escape(text)) if SPECIAL.search(text) else text


def content(text: str) -> str:
    """Text between tags, escaped; quotes stay as they are, because none ends it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def made(text: str) -> Markup:
    """A string that is markup already; `Markup(text)` looks for methods of its argument each time."""
    return str.__new__(Markup, text)


BREAK = re.compile(r"(?<=[/_:=-])(?=[^/_:.=-])|(?<=\.)(?=[^\d/_:.=-])")  # where a name may go on in the next line


def breakable(text: Any) -> Markup:
    """A node id, path or command that a narrow screen breaks between its parts, not within words."""
    return made("<wbr>".join(text_of(part) for part in BREAK.split(words.printable(str(text)))))


CODE = re.compile(r"(?<![^ (])`([^`]+)`(?![\"'\w])")  # as in page.js; within quotes it is a candidate's


@lru_cache(maxsize=1024)  # many cases have the same reasons
def coded(text: Any) -> Markup:
    """A sentence whose parts in backquotes are code."""
    parts = CODE.split(words.printable(str(text)))
    return made("".join(f"<code>{escape(part)}</code>" if n % 2 else escape(part) for n, part in enumerate(parts)))


def differing(text: str, other: str) -> Markup:
    """A string with what differs from another one marked, between their common beginning and their common end.

    Nothing is marked where these are less than a quarter of the shorter string: then all of it differs.
    """
    text, other = words.printable(text), words.printable(other)
    start = _shared(text, other)
    end = _shared(text[start:][::-1], other[start:][::-1])
    middle = text[start : len(text) - end]
    if 4 * (start + end) < min(len(text), len(other)) or not middle or middle == text:
        return escape(text)
    return escape(text[:start]) + made("<mark>") + escape(middle) + made("</mark>") + escape(text[len(text) - end :])


def _shared(one: str, two: str) -> int:
    """The length of the common beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False)))


def number(value: float) -> str:
    """A coordinate, as short as a picture needs it."""
    return f"{value:.1f}".removesuffix(".0")


def element(name: str, *children: Markup | str, **attributes: Any) -> Markup:
    """An element; `_` at the end or within a name becomes `-`, and None leaves an attribute out.

    Args:
        name: Of the element.
        children: Markup, or text that is escaped.
        attributes: Numbers are shortened, markup stays as it is, other values are escaped.
    """
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is not None:
            shown = value if type(value) is Markup else number(value) if type(value) is float else text_of(value)
            parts.append(f' {_attribute(key)}="{shown}"')
    parts.append(">")
    parts += [child if type(child) is Markup else text_of(child) for child in children]
    parts.append(f"</{name}>")
    return made("".join(parts))


@cache
def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def joined(parts: Sequence[Markup], between: str = "") -> Markup:
    """Several elements after each other, with text between them."""
    return made(str(escape(between)).join(parts))
