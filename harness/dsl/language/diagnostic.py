"""Diagnostic: one error or warning of a program, with its code, span and note; ProgramError holds all of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from harness.dsl.plain import plain

Span = tuple[int, int]
MAX_SYNTAX_ERRORS = 20  # further syntax errors usually follow from the first ones


@plain
class Diagnostic:
    """One error or warning.

    Attributes:
        code: `E1xx` syntax, `E2xx` names, `E3xx` types, `E4xx` structure, `W…` warnings.
        message: What is wrong, with the nearest known name where there is one.
        span: Start and end offset in the source.
        note: What was expected, or how to fix it.
    """

    code: str
    message: str
    span: Span
    note: str = ""

    @property
    def is_error(self) -> bool:
        """Whether the program cannot run."""
        return self.code.startswith("E")


class Lines:
    """Maps offsets of a source to 1-based (line, column)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0]
        position = text.find("\n")
        while position >= 0:
            self._starts.append(position + 1)
            position = text.find("\n", position + 1)

    def place(self, offset: int) -> tuple[int, int]:
        """1-based line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The content of a 1-based line."""
        start = self._starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end]


class ProgramError(Exception):
    """The source has errors. The message holds every diagnostic, each with its position and a caret."""

    def __init__(self, diagnostics: Sequence[Diagnostic], text: str, path: str) -> None:
        self.diagnostics, self.text, self.path = tuple(diagnostics), text, path
        super().__init__("\n".join(render(self.diagnostics, text, path)))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.diagnostics, self.text, self.path)

    @property
    def line(self) -> int:
        """Line of the first error."""
        return Lines(self.text).place(self.diagnostics[0].span[0])[0]

    @property
    def summary(self) -> str:
        """The first error in one line."""
        return next(render(self.diagnostics[:1], self.text, self.path, source=False))


def render(diagnostics: Iterable[Diagnostic], text: str, path: str, *, source: bool = True) -> Iterator[str]:
    """Lines to print: position, code, message, the source line and a caret under it."""
    return _render(diagnostics, Lines(text), path, source=source)


def _render(diagnostics: Iterable[Diagnostic], lines: Lines, path: str, *, source: bool) -> Iterator[str]:
    for found in diagnostics:
        line, column = lines.place(found.span[0])
        note = f" ({found.note})" if found.note else ""
        yield f"{path}:{line}:{column}: {found.code} {found.message}{note}"
        if source:
            yield from _caret(found, lines, line, column)


def _caret(found: Diagnostic, lines: Lines, line: int, column: int) -> Iterator[str]:
    shown = lines.line(line).replace("\t", " ")
    start = max(0, column - 60)
    shown, column = shown[start : start + 110], column - start
    width = max(1, min(found.span[1] - found.span[0], len(shown) - column + 1))
    number = str(line)
    yield f"  {number} | {shown}"
    yield f"  {' ' * len(number)} | {' ' * (column - 1)}{'^' * width}"
