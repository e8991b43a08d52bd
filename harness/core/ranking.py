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
from typing import Any, NamedTuple

Row = dict[str, Any]


class Standing(NamedTuple):
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
    lows = [sorted(one.low for one in standings if one.passed == passed) for passed in (False, True)]
    highs = [sorted(one.high for one in standings if one.passed == passed) for passed in (False, True)]
    equals: dict[tuple[Any, ...], list[int]] = defaultdict(list)  # times decide only between those of one key
    for number, one in enumerate(standings):
        equals[one[:4]].append(number)
    found = [Place(0, 0)] * len(standings)
    for (passed, _, low, high), numbers in equals.items():
        ahead = len(lows[passed]) - bisect_right(lows[passed], high) + (0 if passed else len(lows[True]))
        behind = bisect_left(highs[passed], low) + (len(lows[False]) if passed else 0)
        slowest = sorted(standings[number].worst_ms for number in numbers)
        quickest = sorted(standings[number].best_ms for number in numbers)
        for number in numbers:
            one = standings[number]
            quicker = bisect_left(slowest, one.best_ms)
            slower = len(quickest) - bisect_right(quickest, one.worst_ms)
            found[number] = Place(1 + ahead + quicker, len(standings) - behind - slower)
    return found


def ranked(rows: Iterable[Row]) -> list[tuple[Place, Row]]:
    """Evaluations' rows with their places, best first; equals keep their order."""
    known = list(rows)
    found = places([Standing.of(row) for row in known])
    return sorted(zip(found, known, strict=True), key=lambda pair: pair[0].rank)


def _known(row: Mapping[str, Any], name: str, otherwise: float) -> float:
    value = row.get(name)
    return otherwise if value is None else float(value)
