"""Page: the content of the HTML report of one run, read from the ledger before rendering."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from harness.core.digest import digest_bytes
from harness.core.ranking import Place, ranked
from harness.core.slug import slug
from harness.core.status import Status
from harness.core.tier import Tier
from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report import rerun
from harness.report.leaderboard import failed, reason

Row = dict[str, Any]

MAX_ROWS = 500  # of one table
MAX_CARDS = 200  # cases shown in full detail
FACTS = 40
RECENT = 20

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
        row: Its columns in the ledger.
        rank: Its place in the suite; None without a score.
        anchor: The HTML id of its card.
        delta: The change since the last comparable run; None if that run did not judge it.
        new: Whether there is such a run that did not judge this case.
        gates: Its gates.
        components: Its components.
        attempts: Its attempts.
        evidence: The evidence as recorded; empty if it has no card.
        reason: Why it failed; empty if it did not.
        rerun: The command that repeats it.
    """

    row: Row
    rank: Place | None
    anchor: str
    delta: Row | None
    new: bool
    gates: list[Row]
    components: list[Row]
    attempts: list[Row]
    evidence: Row = field(default_factory=dict)
    reason: str = ""
    rerun: str = ""

    @property
    def verdict(self) -> str:
        """`good`, `quiet` (neither passed nor failed) or `bad`."""
        if self.row["expected"] is not None:
            return "good" if self.row["as_expected"] else "quiet" if self.row["neutral"] else "bad"
        return "good" if self.row["passed"] else "quiet" if self.row["neutral"] else "bad"


@dataclass(slots=True)
class Board:
    """The leaderboard of one suite.

    Attributes:
        lane: Its lane.
        suite: Its suite.
        shown: The first candidates.
        hidden: The rest, by status.
        controls: The negative and positive controls.
        leader: The ledger's best subject, if this run did not judge it.
        apart: Rows of subjects whose results are not comparable with these, each with `why`.
    """

    lane: str
    suite: str
    shown: list[Candidate]
    hidden: Counter[str]
    controls: list[Candidate]
    leader: Row | None
    apart: list[Row]

    @property
    def size(self) -> int:
        """Number of candidates, shown and hidden."""
        return len(self.shown) + self.hidden.total()


@dataclass(slots=True)
class Page:
    """Everything the report shows.

    Attributes:
        run: The run.
        seconds: Duration; None while it runs.
        tier: Description of its isolation tier.
        boards: Its suites.
        cards: Candidates with all their evidence, failing ones first.
        uncarded: Number of candidates without a card.
        verdicts: Number of cases that are `good` (as expected), `bad` or `quiet` (neither).
        statuses: Number of cases by status, in order of precedence, without controls that are as expected.
        controls: Number of controls that are as expected.
        recent: The last runs of the ledger.
        versions: Versions of the software that judged.
        ledger: The ledger's path.
    """

    run: Row
    seconds: float | None
    tier: str
    boards: list[Board]
    cards: list[Candidate]
    uncarded: int
    verdicts: dict[str, int]
    statuses: list[tuple[str, int]]
    controls: int
    recent: list[Row]
    versions: dict[str, str]
    ledger: str


def gather(ledger: Ledger, run_id: str | None = None) -> Page:
    """Read the content of the report of a run.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
    """
    run = queries.run(ledger, run_id or "latest")
    rows = queries.evaluations(ledger, run["run_id"])
    candidates = _candidates(ledger, run, rows)
    leaders, apart = queries.leaders(ledger), queries.left_out(ledger)
    boards = [
        _board(leaders, apart, list(group))
        for _, group in groupby(candidates, key=lambda c: (c.row["lane"], c.row["suite"]))
    ]
    cards = _cards(candidates)
    for card in cards:
        record = queries.load(ledger, run["run_id"], card.row["nodeid"]).to_wire()
        card.evidence = _evidence(record["evidence"])
        card.rerun = rerun.command(run, card.row["nodeid"])
    found_out = [row for row in rows if row["expected"] is not None and row["as_expected"]]
    seen = Counter(row["status"] for row in rows if row["expected"] is None or not row["as_expected"])
    return Page(
        run=run,
        seconds=_seconds(run),
        tier=TIERS[Tier(run["tier"])] if run["tier"] else "",
        boards=boards,
        cards=cards,
        uncarded=len(candidates) - len(cards),
        verdicts={word: sum(c.verdict == word for c in candidates) for word in ("good", "bad", "quiet")},
        statuses=[(status.value, seen[status]) for status in reversed(Status) if seen[status]],
        controls=len(found_out),
        recent=queries.runs(ledger, limit=RECENT),
        versions=json.loads(run["versions"]),
        ledger=ledger.path.name,
    )


def _cards(candidates: list[Candidate]) -> list[Candidate]:
    """The candidates with a card: failing ones first, but at most three quarters of the cards."""
    groups = {word: [c for c in candidates if c.verdict == word] for word in ("bad", "quiet", "good")}
    first = groups["bad"][: MAX_CARDS * 3 // 4] + groups["quiet"][: MAX_CARDS // 8]
    return first + groups["good"][: MAX_CARDS - len(first)]


def _candidates(ledger: Ledger, run: Row, rows: list[Row]) -> list[Candidate]:
    gates, components, attempts = (
        queries.details(ledger, run["run_id"], table, [row["nodeid"] for row in rows])
        for table in ("gates", "components", "attempts")
    )
    deltas = queries.deltas(ledger, run["run_id"])
    found, ranks = [], _ranks(rows)
    for row in rows:
        nodeid = row["nodeid"]
        wrong = failed(row) or not (row["passed"] or row["as_expected"])
        found.append(
            Candidate(
                row=row,
                rank=ranks.get(nodeid) if row["score"] is not None else None,
                anchor=anchor(nodeid),
                delta=deltas.get(nodeid),
                new=bool(deltas) and nodeid not in deltas,
                gates=gates.get(nodeid, []),
                components=components.get(nodeid, []),
                attempts=attempts.get(nodeid, []),
                reason=reason(row, [gate["name"] for gate in gates.get(nodeid, []) if not gate["passed"]])
                if wrong
                else "",
            )
        )
    return found


def _ranks(rows: list[Row]) -> dict[str, Place]:
    contests: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["expected"] is None:
            contests.setdefault((row["lane"], row["suite"]), []).append(row)
    return {row["nodeid"]: place for contest in contests.values() for place, row in ranked(contest)}


def anchor(nodeid: str) -> str:
    """A readable HTML id, unique also for node ids that differ only in punctuation."""
    return f"case-{slug(nodeid)[:60]}-{digest_bytes(nodeid.encode('utf-8', 'replace'))[:8]}"


def _board(leaders: dict[tuple[str, str], Row], apart: list[Row], candidates: list[Candidate]) -> Board:
    first = candidates[0].row
    contestants = [c for c in candidates if c.row["expected"] is None]
    contestants.sort(key=lambda c: c.rank.rank if c.rank else len(candidates))
    leader = leaders.get((first["lane"], first["suite"]))
    judged = {c.row["digest"] for c in candidates}
    return Board(
        lane=first["lane"],
        suite=first["suite"],
        shown=contestants[:MAX_ROWS],
        hidden=Counter(c.row["status"] for c in contestants[MAX_ROWS:]),
        controls=[c for c in candidates if c.row["expected"] is not None],
        leader=leader if leader and leader["digest"] not in judged else None,
        apart=[row for row in apart if (row["lane"], row["suite"]) == (first["lane"], first["suite"])],
    )


def _evidence(evidence: Row) -> Row:
    named = ("quality", "notices", "fault", "reused", "unconfirmed")
    facts = evidence["facts"] | {name: evidence[name] for name in named if evidence[name]}
    shown = {
        str(key): value if isinstance(value, str) else json.dumps(value) for key, value in list(facts.items())[:FACTS]
    }
    return evidence | {"facts": shown, "more_facts": max(0, len(facts) - FACTS)}


def _seconds(run: Row) -> float | None:
    if not run["finished_at"]:
        return None
    return (datetime.fromisoformat(run["finished_at"]) - datetime.fromisoformat(run["started_at"])).total_seconds()
