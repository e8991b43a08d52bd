"""Enclosing text: what is around a program, as in a model's reply (`Certainly! …`, a Markdown fence)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from harness.dsl.language.diagnostic import Diagnostic, Lines
from harness.dsl.language.lexer import FRONT_MATTER, KEYWORDS

_HEADS = (
    "system_model|system|domain|task|agent_loop|service_loop|engineering_loop|knowledge|trace_schema|model|fact|rule|"
    "invariant|hint|variant|type|design_space|tuning_space|build"
)
_DECLARATION = re.compile(rf"^[ \t]*(?:{_HEADS})\b[^\n]*\{{", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*```([^\n`]*)\n(.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL)
MIN_WORDS = 3  # minimum number of words in a line of prose


class FoundProgram(NamedTuple):
    """A program and the text around it.

    Attributes:
        program: The text, with everything around the program replaced by spaces: offsets and lines do not change.
        note: A warning that names the ignored lines; None if there are none.
        problem: An error, if the text is prose without a program.
    """

    program: str
    note: Diagnostic | None = None
    problem: Diagnostic | None = None


def find_program(text: str) -> FoundProgram:
    """Separate a program from the text around it."""
    fences = list(_FENCE.finditer(text))
    bodies = [fence.span(2) for fence in fences if _DECLARATION.search(fence[2])]
    if bodies:
        return _keep(text, bodies)
    outside = _keep(text, [(m.end(), n.start()) for m, n in _between(fences, text)]).program if fences else text
    if fences and not _DECLARATION.search(outside):
        what = f"a fenced block of {fences[0][1].strip()}" if fences[0][1].strip() else "a fenced block"
        line = Lines(text).place(fences[0].start())[0]
        return FoundProgram(text, problem=_not_a_program(text, f"{what} in line {line} is not in this language"))
    first = _DECLARATION.search(text)
    if first is None:
        is_prose = "{" not in text and _is_prose(text)
        return FoundProgram(text, problem=_not_a_program(text, "") if is_prose else None)
    front = FRONT_MATTER.match(text)
    start = front.end() if front else 0
    end = text.rfind("}") + 1
    head = first.start() if _is_prose(text[start : first.start()]) else start
    tail = end if _is_prose(text[end:]) else len(text)
    if (head, tail) == (start, len(text)):
        return FoundProgram(text)
    return _keep(text, [(0, start), (head, tail)])


def _between(fences: list[re.Match[str]], text: str) -> list[tuple[re.Match[str], re.Match[str]]]:
    edge = [re.compile("").match(text, 0), *fences, re.compile(r"\Z").search(text)]
    found = [match for match in edge if match is not None]
    return list(pairwise(found))


def _is_prose(text: str) -> bool:
    lines = [line.split() for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    code = any(words[0] in KEYWORDS or words[0].startswith(("//", "---")) for words in lines)
    return not code and any(len(words) >= MIN_WORDS for words in lines)


def _not_a_program(text: str, why: str) -> Diagnostic:
    at = len(text) - len(text.lstrip())
    end = text.find("\n", at)
    note = "a program begins with `task Name {`, `system Name {` or another declaration"
    message = f"this is prose, not a program{f': {why}' if why else ''}"
    return Diagnostic("E108", message, (at, end if end > 0 else len(text)), note)


def _keep(text: str, parts: list[tuple[int, int]]) -> FoundProgram:
    """Replace all characters outside the parts by spaces, except line ends."""
    pieces, left, position = [], [], 0
    lines = Lines(text)
    for start, end in [*parts, (len(text), len(text))]:
        dropped = text[position:start]
        if dropped.strip():
            first = position + len(dropped) - len(dropped.lstrip())
            left.append((first, position + len(dropped.rstrip())))
        pieces += [re.sub(r"[^\n]", " ", dropped), text[start:end]]
        position = end
    if not left:
        return FoundProgram("".join(pieces))
    ranges = [(lines.place(start)[0], lines.place(end - 1)[0]) for start, end in left]
    shown = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
    message = f"the text around the program is ignored: line{'s' if shown != str(ranges[0][0]) else ''} {shown}"
    note = Diagnostic("W510", message, (left[0][0], min(left[0][1], left[0][0] + 80)))
    return FoundProgram("".join(pieces), note)
