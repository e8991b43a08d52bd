"""Report: the diagnostics of a check, each once."""

from __future__ import annotations

from collections.abc import Iterable

from harness.core.nearest import nearest, nearest_names
from harness.dsl.language.diagnostic import Diagnostic, Span

MAX_DIAGNOSTICS = 200  # maximum number of diagnostics of a program


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

    def misspelt(self, code: str, what: str, name: str, known: Iterable[str], span: Span) -> bool:
        """Add a diagnostic for a name that resembles a known one; whether it does."""
        near = nearest_names(name, known, cutoff=0.75)
        if near and abs(len(near[0]) - len(name)) <= 2:
            self.add(code, f"unknown {what} {name!r}; did you mean {near[0]!r}?", span)
            return True
        return False

    def unknown(self, code: str, what: str, name: str, known: Iterable[str], span: Span, *, note: str = "") -> None:
        """Add a diagnostic for an unknown name, with the nearest known one."""
        self.add(code, f"unknown {what} {name!r}{nearest(name, known, max_choices=0)}", span, note=note)
