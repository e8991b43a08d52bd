"""Measurement: a grammar applied to a set of files, as the numbers that scores are computed from."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.core.clip import clip
from harness.core.digest import digest_json
from harness.grammar.engine.limits import Limits
from harness.grammar.engine.session import Session
from harness.grammar.engine.tally import Tally
from harness.grammar.explanation.byte_histogram import ByteHistogram, byte_histogram_of
from harness.grammar.explanation.explained_share import Explanation, Fit, explain_files
from harness.grammar.language.grammar import Grammar

_MAX_SHOWN = 5  # errors and gaps listed in the facts; their numbers are complete
_MAX_FIELDS = 40  # fields listed, the largest first
LAST_SECONDS = 0.1  # for a file whose predecessors used the time of all files up
SLOW = frozenset({"seconds", "steps"})  # limits on time
LARGE = frozenset({"records", "items", "inflated", "depth"})  # limits on memory


@dataclass(frozen=True, slots=True)
class Samples:
    """Files by name, to be parsed with many grammars.

    Attributes:
        files: Bytes by name.
        sessions: One session per file, so that a patched grammar re-reads only what the patch touched.
    """

    files: dict[str, bytes]
    alphabet: ByteHistogram
    sessions: dict[str, Session]

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Samples:
        """Open a session for each file and count their bytes."""
        sessions = {name: Session(data) for name, data in files.items()}
        return cls(dict(files), byte_histogram_of(session.weights for session in sessions.values()), sessions)

    def without_cache(self) -> Samples:
        """Return the same files with new, empty sessions."""
        return Samples(self.files, self.alphabet, {name: Session(data) for name, data in self.files.items()})


@dataclass(frozen=True, slots=True)
class Measured:
    """The measurement of a grammar on some files."""

    grammar: Grammar
    tallies: dict[str, Tally]
    explanation: Explanation
    fit: Fit

    @property
    def digest(self) -> str:
        """Hex SHA-256 of all tallies: two measurements agree if it is equal."""
        return digest_json({name: found.to_wire() for name, found in self.tallies.items()})

    def limit(self, names: frozenset[str]) -> str:
        """Return the first of the given limits that was hit; empty if none was."""
        return next((e.limit for found in self.tallies.values() for e in found.errors if e.limit in names), "")

    def facts(self) -> dict[str, Any]:
        """Return the measurement as JSON values, as evidence keeps it."""
        tallies, found = self.tallies, self.explanation
        total = sum(t.size for t in tallies.values())
        errors = [f"{name}: {clip(str(error))}" for name, t in tallies.items() for error in t.errors]
        gaps = [[name, start, end] for name, t in tallies.items() for start, end in t.gaps]
        largest = sorted(found.credits, key=lambda credit: -credit.bytes)[:_MAX_FIELDS]
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
    """Whether a file was read without errors, other than that it ends in the middle of its last part.

    A truncated last part lowers the explained share; it does not make the grammar wrong.
    """
    if found.error_count != len(found.errors):
        return False
    return all(error.is_cut_off(found.size) for error in found.errors)


def measure(
    grammar: Grammar, samples: Samples, *, limits: Limits, fit: Fit | None = None, seconds: float | None = None
) -> Measured:
    """Read files with a grammar and compute the share that it explains.

    Args:
        limits: Bounds of each file.
        fit: Parameters learned from other files; None to learn them from these.
        seconds: Bound on the wall time of all files; the last ones are then read in `LAST_SECONDS` at most.
    """
    tallies = read_files(grammar, samples, limits=limits, seconds=seconds)
    explanation, learned = explain_files(grammar, list(tallies.values()), samples.alphabet, fit=fit)
    return Measured(grammar, tallies, explanation, learned)


def read_files(
    grammar: Grammar, samples: Samples, *, limits: Limits, seconds: float | None = None, weigh: bool = True
) -> dict[str, Tally]:
    """The tally of each file by its name; arguments as for `measure`."""
    end = None if seconds is None else time.monotonic() + seconds
    tallies: dict[str, Tally] = {}
    for name, session in samples.sessions.items():
        left = limits.seconds if end is None else min(limits.seconds, max(LAST_SECONDS, end - time.monotonic()))
        tallies[name] = session.tally(grammar, limits=replace(limits, seconds=left), weigh=weigh)
    return tallies
