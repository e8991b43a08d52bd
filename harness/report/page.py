"""Page: the content of the HTML report of one run, read from the ledger before rendering.

Nothing that failed is cut. Where room is limited, cases are taken in the order of `Urgency`, and the page says how many
are left out and which verb shows them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from harness.core.digest import digest_bytes
from harness.core.ranking import Place
from harness.core.slug import slug
from harness.core.tier import Tier
from harness.ledger import queries
from harness.ledger.partition import parts_of
from harness.ledger.store import Ledger
from harness.report import rerun, words
from harness.report.changes import Changes, find_changes
from harness.report.leaderboard import reason
from harness.report.next_steps import Step, next_steps
from harness.report.run_verdict import RunVerdict, run_verdict
from harness.report.suite_overview import Suite, suites
from harness.report.urgency import Urgency, causes_first, failed, urgency

Row = dict[str, Any]

MAX_ROWS = 50  # of one suite in the table that needs no JavaScript; failing cases are there in full
MAX_CARDS = 100  # failing cases shown in full detail without JavaScript

TIERS = {
    Tier.A: "namespaces, pivoted root, Landlock, seccomp, rlimits and a cgroup that accounts for memory",
    Tier.B: "namespaces, pivoted root, Landlock, seccomp and rlimits; no cgroup, so peak memory is a lower bound",
    Tier.C: "no namespaces: Landlock, seccomp and rlimits",
    Tier.D: "a process with rlimits; files and network of the user are within reach",
    Tier.E: "no isolation at all",
}


@dataclass(slots=True)
class Candidate:
    """One evaluation.

    Attributes:
        number: Its position among all evaluations of the page.
        row: Its columns in the ledger.
        rank: Its place in the suite; None without a score, and for a control.
        urgency: The order in which it gets room.
        delta: The change since the run compared with; None if that run did not judge it.
        new: Whether there is such a run that did not judge this case.
        counts: Its gates, counted.
        reason: Why it failed; empty if it did not.
    """

    number: int
    row: Row
    rank: Place | None
    urgency: Urgency
    delta: Row | None
    new: bool
    counts: queries.GateCount
    reason: str

    @property
    def verdict(self) -> str:
        """`good`, `quiet` (neither passed nor failed) or `bad`."""
        held = self.row["passed"] if self.row["expected"] is None else self.row["as_expected"]
        return "good" if held else "quiet" if self.row["neutral"] else "bad"

    @property
    def unconfirmed(self) -> str:
        """Why it is not ranked first yet, although it leads; else empty."""
        return words.unconfirmed(self.row) if self.rank is not None and self.rank.rank == 1 else ""

    @property
    def place(self) -> str:
        """Its rank as tables show it: `?` where it leads unconfirmed."""
        return words.UNRANKED if self.rank is None else "?" if self.unconfirmed else str(self.rank)

    @property
    def has_regressed(self) -> bool:
        """Whether it fails now and passed in the run compared with."""
        return self.urgency is Urgency.FAILING and self.delta is not None and self.delta["passed_before"]


@dataclass(slots=True)
class Board:
    """The leaderboard of one suite.

    Attributes:
        lane: Its lane.
        suite: Its suite.
        name: Its short name, by which addresses in the page call it.
        contest: All its candidates, best first.
        shown: The candidates of the table that needs no JavaScript, best first.
        controls: The negative and positive controls.
        leader: The ledger's best subject, if this run did not judge it.
        apart: Rows of subjects whose results are not comparable with these, each with `why`.
        columns: Names of the columns that are not empty, nor equal in all rows.
    """

    lane: str
    suite: str
    name: str
    contest: list[Candidate]
    shown: list[Candidate]
    controls: list[Candidate]
    leader: Row | None
    apart: list[Row]
    columns: list[str]

    @property
    def stem(self) -> str:
        """The beginning of the names of its files, unique also for suites whose names differ only in punctuation."""
        digest = digest_bytes(self.suite.encode("utf-8", "replace"))[:8]
        return f"{slug(self.lane)[:60]}-{slug(self.name)[:60]}-{digest}"

    @property
    def hidden(self) -> Counter[str]:
        """The candidates that are not shown, by status."""
        numbers = {c.number for c in self.shown}
        return Counter(c.row["status"] for c in self.contest if c.number not in numbers)


@dataclass(slots=True)
class Page:
    """Everything the report shows.

    Attributes:
        run: The run.
        seconds: Duration; None while it runs. Of a merged run that of its longest shard.
        progress: For a run that lasts: cases done, and all cases.
        tier: Description of its isolation tier.
        verdict: Whether the run held, and why not.
        sentence: The same in one sentence; of a run that failed, only what kept it from holding.
        rest: What else there is to say: what passed, and what was not judged.
        steps: What to do next, most important first.
        suites: One row for each suite.
        boards: Its suites.
        candidates: All evaluations in the order of the boards, controls after the candidates of their suite.
        urgent: The same in the order in which they get room.
        failing: Those that failed.
        changes: What changed since the run compared with.
        recent: The last runs of the ledger.
        versions: Versions of the software that judged.
        ledger: The ledger's path.
        rerun: The command that repeats all cases that failed.
    """

    run: Row
    seconds: float | None
    progress: tuple[int, int] | None
    tier: str
    verdict: RunVerdict
    sentence: str
    rest: str
    steps: list[Step]
    suites: list[Suite]
    boards: list[Board]
    candidates: list[Candidate]
    urgent: list[Candidate]
    failing: list[Candidate]
    changes: Changes
    recent: list[Row]
    versions: dict[str, str]
    ledger: str
    rerun: str

    def by_nodeid(self, nodeid: str) -> Candidate | None:
        """The evaluation of a node id."""
        return next((c for c in self.candidates if c.row["nodeid"] == nodeid), None)


RECENT = 20


def gather(
    ledger: Ledger, run_id: str | None = None, *, compare: str | None = None, progress: tuple[int, int] | None = None
) -> Page:
    """Read the content of the report of a run.

    Args:
        ledger: Where it is recorded.
        run_id: The run; None for the latest.
        compare: The run to compare with; None for the last comparable one of each case.
        progress: For a run that lasts: cases done, and all cases.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
    """
    run = queries.run(ledger, run_id or "latest")
    rows = queries.evaluations(ledger, run["run_id"])
    deltas = queries.deltas(ledger, run["run_id"], before=compare)
    candidates = list(_candidates(ledger, run["run_id"], rows, deltas))
    urgent = sorted(candidates, key=lambda c: c.urgency)
    failing = causes_first([c for c in urgent if c.urgency is Urgency.FAILING], lambda c: c.row)
    urgent[: len(failing)] = failing
    verdict, overview = run_verdict(ledger, run["run_id"], compare=compare), suites(ledger, run["run_id"])
    names = {(suite.lane, suite.suite): suite.name for suite in overview}
    changes = find_changes(ledger, run["run_id"], rows, deltas, compare=compare)
    place = {c.row["nodeid"]: number for number, c in enumerate(failing)}
    changes.broken.sort(key=lambda nodeid: place.get(nodeid, len(place)))
    known = {row["nodeid"]: row for row in rows}

    def repeat(nodeid: str) -> str:
        return rerun.of(ledger, run, known[nodeid]) if nodeid in known else rerun.command(run, nodeid)

    sentence, rest = _sentences(verdict)
    parts = parts_of(ledger, run["run_id"]) if run["parts"] else []
    return Page(
        run=run,
        seconds=_longest([part.row for part in parts] or [run]),
        progress=progress,
        tier=TIERS[Tier(run["tier"])] if run["tier"] else "",
        verdict=verdict,
        sentence=sentence,
        rest=rest,
        steps=next_steps(verdict, overview, urgent, run, repeat),
        suites=overview,
        boards=_boards(ledger, run["run_id"], candidates, names),
        candidates=candidates,
        urgent=urgent,
        failing=failing,
        changes=changes,
        recent=queries.runs(ledger, limit=RECENT),
        versions=json.loads(run["versions"]),
        ledger=ledger.path.name,
        rerun=rerun.last_failed(run, [c.row["suite"] for c in failing]),
    )


def _sentences(verdict: RunVerdict) -> tuple[str, str]:
    """The word with the first facts, and the others: of a run that failed, those that are not about that."""
    facts = verdict.facts()
    first = max(1, len(verdict.bad_facts()))
    return f"{verdict.word.capitalize()}: {'; '.join(facts[:first])}", "; ".join(facts[first:])


def _candidates(ledger: Ledger, run_id: str, rows: list[Row], deltas: dict[str, Row]) -> Iterable[Candidate]:
    contests, counts = queries.contests(ledger, run_id), queries.gate_counts(ledger, run_id)
    number = 0
    for place, group in groupby(rows, key=lambda row: (row["lane"], row["suite"])):
        contest = contests.get(place, [])
        controls = [(None, row) for row in group if row["expected"] is not None]
        for rank, row in [*contest, *controls]:
            count, delta = counts.get(row["nodeid"], queries.NO_GATES), deltas.get(row["nodeid"])
            new = bool(deltas) and delta is None
            explained = failed(row) or not (row["passed"] or row["as_expected"])
            yield Candidate(
                number,
                row,
                None if row["score"] is None else rank,
                urgency(row, delta, new=new, leads=bool(contest) and row is contest[0][1]),
                delta,
                new,
                count,
                reason(row, count.failed) if explained else "",
            )
            number += 1


def anchor(nodeid: str) -> str:
    """A readable name for files, unique also for node ids that differ only in punctuation."""
    return f"case-{slug(nodeid)[:60]}-{digest_bytes(nodeid.encode('utf-8', 'replace'))[:8]}"


def _boards(ledger: Ledger, run_id: str, candidates: list[Candidate], names: dict[tuple[str, str], str]) -> list[Board]:
    leaders, apart = queries.leaders_elsewhere(ledger, run_id), queries.left_out(ledger)
    found = []
    for place, group in groupby(candidates, key=lambda c: (c.row["lane"], c.row["suite"])):
        members = list(group)
        contest = [c for c in members if c.row["expected"] is None]
        first = sorted(contest, key=lambda c: c.urgency)[:MAX_ROWS]
        found.append(
            Board(
                lane=place[0],
                suite=place[1],
                name=names.get(place, place[1]),
                contest=contest,
                shown=sorted(first, key=lambda c: c.number),
                controls=[c for c in members if c.row["expected"] is not None],
                leader=leaders.get(place),
                apart=[row for row in apart if (row["lane"], row["suite"]) == place],
                columns=[name for name, column in FOLDED.items() if len({column(c) for c in contest}) > 1],
            )
        )
    return found


FOLDED: dict[str, Callable[[Candidate], Any]] = {
    "score": lambda c: c.row["score"],
    "delta": lambda c: (c.delta["score"] if c.delta else None, c.new),
    "held": lambda c: (c.counts.held, c.counts.total),
    "status": lambda c: c.row["status"],
    "stability": lambda c: words.stability(c.row),
    "median": lambda c: c.row["median_ms"],
    "peak": lambda c: c.row["peak_mb"],
    "style": lambda c: words.style(c.row),
    "group": lambda c: c.row["cohort"],
}
"""The columns of a suite's table that are left out where they say nothing, and what they show."""


def _longest(runs: Sequence[Row]) -> float | None:
    """The duration of the longest of some runs; None while one of them runs."""
    if not all(run["finished_at"] for run in runs):
        return None
    ends = [[datetime.fromisoformat(run[name]) for name in ("started_at", "finished_at")] for run in runs]
    return max(0.0, *((end - start).total_seconds() for start, end in ends))  # a clock may have been set back meanwhile
