"""Suite overview: one row for each suite of a run: how many pass, the leader, its change and the trend."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report import words
from harness.report.urgency import Urgency, failed, urgencies

SUFFIX = ".suite.yaml"
TREND = 8  # runs


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite of a run.

    Attributes:
        lane, suite: Which one; `suite` is the file.
        name: Its short name; the file where two suites of a lane have the same short name.
        passing, judged: Its candidates that pass, and those that were judged.
        controls: Its controls that were judged.
        failing: Cases, controls included, that are not as the suite requires.
        unjudged: Cases that neither passed nor failed, as those that wait for an answer.
        leader: Its first passing candidate; None if there is none.
        best: The leader's name, with the places it shares or `?` where it is unconfirmed; of a suite of controls only,
            how many are as expected.
        change: The leader's change of score, for people; empty where no earlier run is comparable.
        trend: The best scores of the last comparable runs and of this one, oldest first.
        urgency: That of its most urgent case.
    """

    lane: str
    suite: str
    name: str
    passing: int
    judged: int
    controls: int
    failing: int
    unjudged: int
    leader: dict[str, Any] | None
    best: str
    change: str
    trend: tuple[float | None, ...]
    urgency: Urgency

    @property
    def passes(self) -> str:
        """`3/4`; a dash where no candidate was judged."""
        return f"{self.passing}/{self.judged}" if self.judged else words.NOTHING

    @property
    def is_judged(self) -> bool:
        """Whether anything of it was judged."""
        return bool(self.judged or self.controls)

    @property
    def score(self) -> float | None:
        """The leader's score."""
        return None if self.leader is None else self.leader["score"]

    @property
    def median_ms(self) -> float | None:
        """The leader's median time."""
        return None if self.leader is None else self.leader["median_ms"]


def suites(ledger: Ledger, run_id: str) -> list[Suite]:
    """The suites of a run, those that need attention first; of equal ones, the first of each lane before the second.

    Raises:
        LedgerError: if the ledger cannot be read.
    """
    order, deltas = urgencies(ledger, run_id), queries.deltas(ledger, run_id)
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in queries.evaluations(ledger, run_id):
        rows.setdefault((row["lane"], row["suite"]), []).append(row)
    contests, trends = queries.contests(ledger, run_id), queries.best_scores(ledger, run_id, limit=TREND)
    stems = Counter((lane, _stem(suite)) for lane, suite in rows)
    found = []
    for place, cases in rows.items():
        judged = [row for row in cases if row["expected"] is None and (row["as_expected"] or failed(row))]
        rank, leader = next(((rank, row) for rank, row in contests.get(place, ()) if row["passed"]), (None, None))
        controls = [row for row in cases if row["expected"] is not None and (row["as_expected"] or failed(row))]
        best, change = words.NOTHING, ""
        if controls and not judged:
            caught = sum(row["as_expected"] for row in controls)
            best = f"{caught} of {words.count(len(controls), 'control')} as expected"
        if leader is not None and rank is not None:
            shared = f" ({rank} tied)" if rank.worst > rank.rank else ""
            best = f"{words.candidate(leader)}{' ?' if words.unconfirmed(leader) else shared}"
            delta = deltas.get(leader["nodeid"])
            change = words.delta(delta["score"], edited=not delta["same_digest"]) if delta else "new" if deltas else ""
        stem = _stem(place[1])
        found.append(
            Suite(
                *place,
                name=stem if stems[place[0], stem] == 1 else place[1],
                passing=sum(row["passed"] for row in judged),
                judged=len(judged),
                controls=len(controls),
                failing=sum(map(failed, cases)),
                unjudged=sum(bool(row["neutral"]) and not row["as_expected"] for row in cases),
                leader=leader,
                best=best,
                change=change,
                trend=tuple(trends.get(place, ())),
                urgency=min(order[row["nodeid"]] for row in cases),
            )
        )
    seen: Counter[tuple[Urgency, str]] = Counter()
    turns = []
    for suite in found:
        turns.append((suite.urgency, seen[suite.urgency, suite.lane]))
        seen[suite.urgency, suite.lane] += 1
    return [suite for _, suite in sorted(zip(turns, found, strict=True), key=lambda pair: pair[0])]


def _stem(suite: str) -> str:
    return suite.rpartition("/")[2].removesuffix(SUFFIX)
