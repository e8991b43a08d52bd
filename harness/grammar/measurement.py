"""Measuring: what a grammar makes of a set of files, in numbers that a score can be made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.clip import clip
from harness.core.digest import digest_json
from harness.grammar.engine.fault import FaultKind
from harness.grammar.engine.limits import Limits
from harness.grammar.engine.session import Session
from harness.grammar.engine.tally import Tally
from harness.grammar.explanation.byte_histogram import ByteHistogram, byte_histogram_of
from harness.grammar.explanation.explained_share import Explanation, Fit, explain, learn
from harness.grammar.language.grammar import Grammar

_MAX_SHOWN = 5  # errors and gaps listed in the facts; their numbers are complete
_FIELDS = 40  # fields listed, the largest first
SLOW = frozenset({"seconds", "steps"})
"""Limits that mean: too slow."""
CUT_OFF = frozenset({FaultKind.TRUNCATED, FaultKind.TERMINATOR})
TAIL = 0.9
"""Where in a file its last part is expected to begin."""
LARGE = frozenset({"records", "items", "inflated", "depth"})
"""Limits that mean: too much."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Files by name, read again and again.

    Attributes:
        files: Their bytes.
        alphabet: What their bytes look like without any structure.
        sessions: What grammars of one framing share, so that a patch costs what it touches.
    """

    files: dict[str, bytes]
    alphabet: ByteHistogram
    sessions: dict[str, Session]

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Samples:
        """Files, measured."""
        sessions = {name: Session(data) for name, data in files.items()}
        return cls(dict(files), byte_histogram_of((files[name], s.weights) for name, s in sessions.items()), sessions)

    def afresh(self) -> Samples:
        """The same files, with nothing remembered of them."""
        return Samples(self.files, self.alphabet, {name: Session(data) for name, data in self.files.items()})


@dataclass(frozen=True, slots=True)
class Measured:
    """What a grammar makes of some files."""

    grammar: Grammar
    tallies: dict[str, Tally]
    explanation: Explanation
    fit: Fit

    @property
    def digest(self) -> str:
        """Hex SHA-256 of all that was found: two readings agree when it is the same."""
        return digest_json({name: found.to_wire() for name, found in self.tallies.items()})

    def limit(self, names: frozenset[str]) -> str:
        """The first of some limits that was hit, or nothing."""
        return next((e.limit for found in self.tallies.values() for e in found.errors if e.limit in names), "")

    def facts(self) -> dict[str, Any]:
        """For a record."""
        tallies, found = self.tallies, self.explanation
        total = sum(t.size for t in tallies.values())
        errors = [f"{name}: {clip(str(error))}" for name, t in tallies.items() for error in t.errors]
        gaps = [[name, start, end] for name, t in tallies.items() for start, end in t.gaps]
        largest = sorted(found.credits, key=lambda credit: -credit.bytes)[:_FIELDS]
        return {
            "files": len(tallies),
            "bytes": total,
            "records": sum(sum(t.records.values()) for t in tallies.values()),
            "coverage": sum(t.covered for t in tallies.values()) / total if total else 0.0,
            "explained": found.explained,
            "economy": found.economy,
            "score": found.score,
            "validity": sum(is_sound(t) for t in tallies.values()) / len(tallies),
            "errors": sum(t.error_count for t in tallies.values()),
            "first_errors": errors[:_MAX_SHOWN],
            "gaps": len(gaps),
            "first_gaps": gaps[:_MAX_SHOWN],
            "confidence": {name: round(value, 6) for name, value in sorted(found.confidence.items())},
            "fields": [
                [f"{credit.type}.{credit.name}", round(credit.bytes, 3), round(credit.credit, 6), credit.why]
                for credit in largest
                if credit.bytes
            ],
        }


def is_sound(found: Tally) -> bool:
    """Whether a file was read without an error, one apart: that it ends in the middle of its last part.

    What is missing there costs the bytes of that part; it does not make the grammar wrong.
    """
    if found.error_count != len(found.errors):
        return False
    return all(e.kind in CUT_OFF and e.offset >= TAIL * found.size for e in found.errors)


def measure(grammar: Grammar, samples: Samples, *, limits: Limits, fit: Fit | None = None) -> Measured:
    """Read files with a grammar and see what it explains of them.

    Args:
        grammar: From lint.
        samples: The files.
        limits: What each reading may use.
        fit: What was learned from other files, to judge these by.
    """
    tallies = {name: session.tally(grammar, limits=limits, weigh=True) for name, session in samples.sessions.items()}
    found = list(tallies.values())
    learned = fit or learn(grammar, found, samples.alphabet)
    explanation = explain(grammar, found, histogram=samples.alphabet, fit=learned, held=fit is not None)
    return Measured(grammar, tallies, explanation, learned)
