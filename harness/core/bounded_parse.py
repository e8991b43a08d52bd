"""Bounded parse: Python of a candidate, parsed in a process that must not hang.

The time of Python's own parser grows with the product of the length of an f-string and the number of its fields: 300 KB
of `{a}` take a minute. Its memory is about a thousand times the length of a string with many short lines.
"""

from __future__ import annotations

import ast
import warnings

MAX_CHARACTERS = 256 << 10  # longer text is parsed in disposable processes only (`harness.lanes.toolgen.reader`)
MAX_WORK = 1 << 31
"""Maximum of the length times the number of opening braces; the parser takes about half a second for it."""


def parse(text: str) -> ast.Module:
    """The syntax tree of a source, without warnings.

    Raises:
        SyntaxError: if it is not Python, or may take the parser more than about a second.
        ValueError: if it contains a NUL character, or half a surrogate pair.
        RecursionError: if it is nested too deeply.
        MemoryError: if the parser's stack is too small for it.
    """
    if len(text) > MAX_CHARACTERS:
        raise SyntaxError(f"it has {len(text)} characters, at most {MAX_CHARACTERS} are parsed here")
    if len(text) * text.count("{") > MAX_WORK:
        raise SyntaxError(f"it has too many braces for its length of {len(text)} characters")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)
