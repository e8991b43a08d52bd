"""Report: the diagnostics of a check, each once."""

from __future__ import annotations

from collections.abc import Iterable

from harness.core.nearest import nearest
from harness.dsl.language.diagnostic import Diagnostic, Span

MAX_DIAGNOSTICS = 200
"""Maximum number of diagnostics of a program."""


class Report:
    """The diagnostics of one program."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._seen: set[tuple[str, Span]] = set()

    def add(self, code: str, message: str, span: Span, *, note: str = "") -> None:
        """Add a diagnostic, unless one with the same code and span exists."""
        if (code, span) not in self._seen and len(self.diagnostics) < MAX_DIAGNOSTICS:
            self._seen.add((code, span))
            self.diagnostics.append(Diagnostic(code, message, span, note))

    def unknown(self, code: str, what: str, name: str, known: Iterable[str], span: Span, *, note: str = "") -> None:
        """Add a diagnostic for an unknown name, with the nearest known one."""
        self.add(code, f"there is no {what} {name!r}{nearest(name, known, max_choices=0)}", span, note=note)
