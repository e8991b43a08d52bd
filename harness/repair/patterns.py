"""Patterns: which edits repaired something before, by operator and by fingerprint."""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

PRIORS: Mapping[str, float] = {
    "comparison": 1.0, "constant": 1.0, "loop": 0.9, "arithmetic": 0.9, "slice": 0.9, "variable": 0.8, "delete": 0.8,
    "argument": 0.7, "boolean": 0.7, "negation": 0.6, "call": 0.6, "move": 0.6, "branch": 0.5, "return": 0.5,
    "exchange": 0.5, "duplicate": 0.2, "term": 0.5, "operand": 0.5, "bound": 0.4, "guard": 0.3, "part": 0.3,
    "insert": 0.2,
}  # fmt: skip
"""Weight of each operator before anything was learned: how common its fault is (arbitrary unit)."""
OTHER = 0.5  # weight of an operator that is not named above
MAX_FACTOR = 3.0  # what was learned moves an edit forward or back by at most this factor, whatever the table holds
MAX_TOKENS = 20  # of either side of a fingerprint
_TOKEN = re.compile(r"\w+|[^\w\s]+")
_NAME = re.compile(r"[^\W\d]\w*\Z")
_KNOWN = frozenset((*keyword.kwlist, *dir(builtins)))


@dataclass(frozen=True, slots=True)
class Step:
    """One edit of a repair.

    Attributes:
        fingerprint: `operator: old -> new`; names of variables are `x`, so it applies to other sources.
        line: The edited line, 1-based.
    """

    operator: str
    fingerprint: str
    line: int

    def to_wire(self) -> dict[str, Any]:
        """The step as JSON."""
        return {"operator": self.operator, "fingerprint": self.fingerprint, "line": self.line}


@dataclass(frozen=True, slots=True)
class Patterns:
    """How often each operator and each fingerprint was part of a confirmed repair.

    They order the edits and nothing else: no stored text becomes code, and every repair is judged.
    """

    operators: Counter[str] = field(default_factory=Counter)
    fingerprints: Counter[str] = field(default_factory=Counter)

    @classmethod
    def learn(cls, repairs: Iterable[Mapping[str, Any]]) -> Patterns:
        """The patterns of stored results; each counts once, and what is not of their form is left out."""
        found = cls()
        for repair in repairs:
            edits = repair.get("edits")
            for edit in edits if isinstance(edits, list) else ():
                operator, fingerprint = (
                    (edit.get("operator"), edit.get("fingerprint")) if isinstance(edit, dict) else (None, None)
                )
                if isinstance(operator, str) and isinstance(fingerprint, str):
                    found.operators[operator] += 1
                    found.fingerprints[fingerprint] += 1
        return found

    def weight(self, operator: str, fingerprint: str) -> float:
        """How likely an edit repairs something, in an arbitrary unit; above 0 and finite."""
        learned = 1 + 0.25 * math.log1p(self.operators[operator]) + math.log1p(self.fingerprints[fingerprint])
        return PRIORS.get(operator, OTHER) * min(MAX_FACTOR, learned)


def fingerprint(operator: str, old: str, new: str) -> str:
    """What an edit changes, without the names of variables: `comparison: < -> <=`."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    while before and after and before[-1] == after[-1]:
        before.pop()
        after.pop()
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    shown = (" ".join(map(_abstract, part[start:][:MAX_TOKENS])) for part in (before, after))
    return f"{operator}: {' -> '.join(shown)}"


def _abstract(token: str) -> str:
    return "x" if _NAME.match(token) and token not in _KNOWN else token
