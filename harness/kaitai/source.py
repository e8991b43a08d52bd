"""Sources: a `.ksy` file with its findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.document import Document, Key
from harness.core.errors import position
from harness.grammar.language.expression import Expr, Name
from harness.kaitai.expression import case_label
from harness.kaitai.findings import Finding, Severity, path_text
from harness.kaitai.parser import parse
from harness.kaitai.scanner import NAME, ExpressionError

MAX_FINDINGS = 1_000  # maximum number of errors, and of warnings, per file; later ones are dropped


@dataclass(frozen=True, slots=True)
class Import:
    """An entry of `meta/imports`, with its position."""

    name: str
    key: Key


class Source:
    """A file that was read, and its findings."""

    def __init__(self, path: Path, document: Document) -> None:
        self.path = path
        self.document = document
        self.findings: list[Finding] = []
        self._known: set[Finding] = set()
        self._counts: Counter[Severity] = Counter()
        self.imports: list[Import] = []

    def where(self, key: Key) -> str:
        """Return `file:line:column` of a key, or of the nearest enclosing key with a position."""
        for end in range(len(key), 0, -1):
            if key[:end] in self.document.positions:
                return position(self.path, *self.document.positions[key[:end]])
        return position(self.path, 1, 1)

    def report(self, key: Key, message: str, *, severity: Severity = "error", last: str | None = None) -> None:
        """Add a finding at a key; `last` replaces the last part of its path."""
        finding = Finding(severity, self.where(key), path_text(key, last=last), message)
        if finding not in self._known and self._counts[severity] < MAX_FINDINGS:
            self._known.add(finding)
            self._counts[severity] += 1
            self.findings.append(finding)

    def expression(self, value: Any, key: Key) -> Expr | None:
        """Parse an expression from a YAML string, number or boolean; None, with a finding, if it is invalid."""
        if isinstance(value, bool):
            value = "true" if value else "false"
        if isinstance(value, int | float):
            value = str(value)
        if not isinstance(value, str):
            self.report(key, f"expected an expression, got {kind_of(value)}")
            return None
        try:
            return parse(value)
        except ExpressionError as error:
            # As in the compiler, the key of a case that is a word is a name, if not a valid one.
            case = value == key[-1] and NAME.fullmatch(value)
            self.report(key, str(error), last=case_label(Name(value), value) if case else None)
            return None


def kind_of(value: Any) -> str:
    """Describe a YAML value for a message."""
    return {dict: "a mapping", list: "a list", str: f"text {str(value)[:40]!r}", type(None): "nothing"}.get(
        type(value), repr(value)[:40]
    )
