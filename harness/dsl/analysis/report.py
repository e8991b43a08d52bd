"""Report: where a pass puts what it finds, each finding once."""

from __future__ import annotations

from collections.abc import Iterable

from harness.dsl.language.diagnostic import Diagnostic, Span, suggest_name

MAX_DIAGNOSTICS = 200
"""Findings that are kept; a program with more needs another look anyway."""


class Report:
    """Findings of one program."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._seen: set[tuple[str, Span]] = set()

    def add(self, code: str, message: str, span: Span, *, note: str = "") -> None:
        """One finding; a second one of the same code at the same place is an echo."""
        if (code, span) not in self._seen and len(self.diagnostics) < MAX_DIAGNOSTICS:
            self._seen.add((code, span))
            self.diagnostics.append(Diagnostic(code, message, span, note))

    def unknown(self, code: str, what: str, name: str, known: Iterable[str], span: Span, *, note: str = "") -> None:
        """A name that is not there, with the nearest one that is."""
        self.add(code, f"there is no {what} {name!r}{suggest_name(name, known)}", span, note=note)
