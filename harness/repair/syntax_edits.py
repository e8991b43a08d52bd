"""Syntax edits: insertions and deletions that make a source parse again.

A source without a syntax tree has no operators (`harness.lanes.toolgen.proposals.operators`), so these edits are of
characters, close to the place where the parser gave up.
"""

from __future__ import annotations

import builtins
import difflib
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.bounded_parse import parse
from harness.lanes.toolgen.source import FENCE

OPERATOR = "syntax"
MAX_LINES_BACK = 3  # lines before the parser's one that are edited too: it notices a missing bracket late
MAX_ROUNDS = 3  # syntax errors in one source that are corrected one after another
MAX_VARIANTS = 24  # variants that parse and are returned
MAX_PARSED = 1500
MAX_CHARACTERS = 5_000_000  # edits that are parsed, and their characters together
MAX_INDENTS = 12
MAX_BOUNDARIES = 120  # places in one line where something is inserted, from its end
_INSERTED = (":", ")", "]", "}", '"', "'", ",", "(", "[", '"""', "=")
_QUOTES = ('"', "'", '"""', "'''")
_DELETED = frozenset(":)]}([{\"',")
_BOUNDARY = re.compile(r"\b|(?<=\W)|(?=\W)")
_WORD = re.compile(r"[^\W\d]\w*")
_KNOWN = {*keyword.kwlist, *dir(builtins)}


@dataclass(frozen=True, slots=True)
class Variant:
    """A source that parses.

    Attributes:
        line: The edited line, 1-based.
        change: What was inserted or deleted, as a fingerprint.
    """

    source: str
    line: int
    change: str


def syntax_error(source: str) -> SyntaxError | None:
    """The first syntax error; None if the source parses, or cannot be parsed for another reason."""
    try:
        parse(source)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError):
        return None
    return None


def parsing_variants(source: str) -> list[Variant]:
    """Variants of a source that parse, the most likely first; at most `MAX_VARIANTS`."""
    if FENCE in source and (inner := _fenced(source)) is not None:
        return [Variant(inner, 1, "-fence")]
    starts = [Variant(source, 0, "")]
    left_over = min(MAX_PARSED, MAX_CHARACTERS // max(1, len(source)))
    for _ in range(MAX_ROUNDS):
        found: dict[str, Variant] = {}
        further: list[tuple[int, int, Variant]] = []
        for start in starts:
            error = syntax_error(start.source)
            if error is None:
                return []
            for variant in _edited(start.source, error):
                left_over -= 1
                if left_over < 0:
                    break
                left = syntax_error(variant.source)
                if left is None:
                    found.setdefault(variant.source, variant)
                    if len(found) >= MAX_VARIANTS:
                        break
                elif (left.lineno or 0) > (error.lineno or 0):
                    further.append((-(left.lineno or 0), len(further), variant))
        if found:
            return list(found.values())
        # No single edit is enough: go on from those after which the parser comes furthest.
        starts = [variant for _, _, variant in sorted(further, key=lambda one: one[:2])[:3]]
    return []


def _edited(source: str, error: SyntaxError) -> Iterator[Variant]:
    lines = source.split("\n")
    last = min(max(error.lineno or 1, 1), len(lines))
    end = min(error.end_lineno or last, len(lines))
    places = [number for number in range(last, max(0, last - 1 - MAX_LINES_BACK), -1) if lines[number - 1].strip()]
    if end != last:
        places.append(end)
    if "triple-quoted" in error.msg:
        # The string that was not closed swallowed the next one's quotes, so the parser names the last one.
        for number, line in enumerate(lines, 1):
            for quote in _QUOTES:
                if quote in line:
                    yield _variant(lines, number, line.rstrip() + quote, f"+{quote}")
    indents = sorted({line[: len(line) - len(line.lstrip())] for line in lines if line.strip()}, key=len)[:MAX_INDENTS]
    for number in places:
        text = lines[number - 1]
        if isinstance(error, IndentationError):
            for indent in indents:
                yield _variant(lines, number, indent + text.lstrip(), "indent")
        for changed, change in _edited_line(text):
            yield _variant(lines, number, changed, change)


def _variant(lines: list[str], number: int, text: str, change: str) -> Variant:
    return Variant("\n".join([*lines[: number - 1], text, *lines[number:]]), number, change)


def _edited_line(line: str) -> Iterator[tuple[str, str]]:
    code = line.rstrip()
    for text in _INSERTED:
        yield code + text, f"+{text}"
    if code.endswith(":"):
        for text in _INSERTED[1:]:
            yield f"{code[:-1]}{text}:", f"+{text}"
    begin = len(line) - len(line.lstrip())
    boundaries = [found.start() for found in _BOUNDARY.finditer(code) if found.start() >= begin][-MAX_BOUNDARIES:]
    for text in _INSERTED:
        for place in reversed(boundaries):
            yield code[:place] + text + code[place:], f"+{text}"
    for place, character in enumerate(code):
        if character in _DELETED:
            yield code[:place] + code[place + 1 :], f"-{character}"
    for found in _WORD.finditer(code):
        if found[0] not in _KNOWN:
            for near in difflib.get_close_matches(found[0], keyword.kwlist, n=3, cutoff=0.6):
                yield code[: found.start()] + near + code[found.end() :], f"keyword {near}"


def _fenced(source: str) -> str | None:
    """The code inside the first Markdown fence, if it parses."""
    _, _, rest = source.partition(FENCE)
    inner = rest.partition("\n")[2].partition(f"\n{FENCE}")[0] + "\n"
    return inner if inner.strip() and syntax_error(inner) is None else None
