"""Findings: errors and warnings of lint with their positions in the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.core.nearest import did_you_mean

Key = tuple[str | int, ...]
MAX_FINDINGS = 1_000
MAX_HINTS = 30


@dataclass(frozen=True, slots=True)
class Finding:
    """An error or a warning.

    Attributes:
        code: A stable word such as `unknown-type`.
        path: Keys from the top of the document.
        line, column: 1-based; 0 if positions are unknown.
        hint: How to fix it; may be empty.
    """

    code: str
    message: str
    path: Key = ()
    line: int = 0
    column: int = 0
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}: " if self.line else ""
        where = f"{path_to_string(self.path)}: " if self.path else ""
        return f"{place}{where}{self.message} [{self.code}]" + (f"; {self.hint}" if self.hint else "")


@dataclass(slots=True)
class Report:
    """Collects findings and adds their positions in the text."""

    positions: dict[Key, tuple[int, int]] = field(default_factory=dict)
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    hints: int = 0

    def nearest(self, name: object, known: Iterable[str]) -> str:
        """Return a hint with the nearest known name, or an empty string; only the first few findings get a hint."""
        if self.hints >= MAX_HINTS:
            return ""
        self.hints += 1
        return did_you_mean(name, known)

    def error(self, code: str, message: str, path: Key, *, hint: str = "") -> None:
        """Report an error; errors after the first thousand are dropped."""
        self._add(self.errors, code, message, path, hint)

    def warning(self, code: str, message: str, path: Key, *, hint: str = "") -> None:
        """Report a warning; warnings after the first thousand are dropped."""
        self._add(self.warnings, code, message, path, hint)

    def _add(self, into: list[Finding], code: str, message: str, path: Key, hint: str) -> None:
        if len(into) >= MAX_FINDINGS:
            return
        line, column = 0, 0
        for end in range(len(path), -1, -1):
            if path[:end] in self.positions:
                line, column = self.positions[path[:end]]
                break
        into.append(Finding(code, message, path, line, column, hint))


def path_to_string(path: Key) -> str:
    """Format a path as `types.Header.fields[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
