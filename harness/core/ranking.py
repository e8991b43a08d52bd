"""Ranking: ranks with bounds. Feasibility first, then score, then time; subjects within noise share a rank.

A subject's rank is one more than the number of subjects that are certainly better. Its worst rank is the number of
those that are not certainly worse: the rank bounds of the Chatbot Arena (Chiang et al., 2024).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """The values that decide a rank.

    Attributes:
        passed: Whether all gates pass: a subject that fails one never ranks above a subject that does not.
        score: The total; -1 for a subject without a total, which is last.
        low, high: 95 % interval of the total.
        best_ms, worst_ms: 95 % interval of the median time; it decides between equal scores. Infinite if unknown.
    """

    passed: bool
    score: float
    low: float
    high: float
    best_ms: float
    worst_ms: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Standing:
        """The standing from a row of the ledger's `evaluations`."""
        score, time = _known(row, "score", -1.0), _known(row, "median_ms", math.inf)
        return cls(
            passed=bool(row["passed"]),
            score=score,
            low=min(score, _known(row, "score_low", score)),
            high=max(score, _known(row, "score_high", score)),
            best_ms=min(time, _known(row, "median_low_ms", time)),
            worst_ms=max(time, _known(row, "median_high_ms", time)),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A rank and its worst possible value; subjects that differ less than the noise share the rank."""

    rank: int
    worst: int

    def __str__(self) -> str:
        return str(self.rank) if self.rank == self.worst else f"{self.rank}–{self.worst}"  # noqa: RUF001 - a range


def places(standings: Sequence[Standing]) -> list[Place]:
    """The place of each standing, in the order given; the time is n log n."""
    ahead = _Count((one.passed, one.low) for one in standings)
    behind = _Count((one.passed, one.high) for one in standings)
    quicker: dict[tuple[Any, ...], _Count] = {}
    slower: dict[tuple[Any, ...], _Count] = {}
    equals: dict[tuple[Any, ...], list[Standing]] = defaultdict(list)
    for one in standings:
        equals[_score(one)].append(one)
    for key, group in equals.items():
        quicker[key] = _Count((one.worst_ms,) for one in group)
        slower[key] = _Count((one.best_ms,) for one in group)
    found = []
    for one in standings:
        key = _score(one)
        better = ahead.above((one.passed, one.high)) + quicker[key].below((one.best_ms,))
        worse = behind.below((one.passed, one.low)) + slower[key].above((one.worst_ms,))
        found.append(Place(better + 1, len(standings) - worse))
    return found


def ranked(rows: Iterable[Row]) -> list[tuple[Place, Row]]:
    """Evaluations' rows with their places, best first; equals keep their order."""
    known = list(rows)
    found = places([Standing.of(row) for row in known])
    return sorted(zip(found, known, strict=True), key=lambda pair: pair[0].rank)


def _score(one: Standing) -> tuple[Any, ...]:
    return one.passed, one.score, one.low, one.high


def _known(row: Mapping[str, Any], name: str, otherwise: float) -> float:
    value = row.get(name)
    return otherwise if value is None else float(value)


class _Count:
    def __init__(self, values: Iterable[tuple[Any, ...]]) -> None:
        self._ordered = sorted(values)

    def below(self, value: tuple[Any, ...]) -> int:
        return bisect_left(self._ordered, value)

    def above(self, value: tuple[Any, ...]) -> int:
        return len(self._ordered) - bisect_right(self._ordered, value)
