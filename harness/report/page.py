"""Page: the content of the HTML report of one run, read from the ledger before rendering.

Nothing that failed is cut. Where room is limited, cases are taken in the order of `Urgency`, and the page says how many
are left out and which verb shows them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from harness.core.digest import digest_bytes
from harness.core.ranking import Place
from harness.core.slug import slug
from harness.core.status import Status
from harness.core.tier import Tier
from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report import rerun
from harness.report.leaderboard import reason
from harness.report.urgency import Urgency, failed, urgency

Row = dict[str, Any]

MAX_ROWS = 50  # of one suite in the table that needs no JavaScript; failing cases have a table of their own
MAX_CARDS = 100  # cases shown in full detail without JavaScript
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
        number: Its position among all evaluations of the page.
        row: Its columns in the ledger.
        rank: Its place in the suite; None without a score, and for a control.
        urgency: The order in which it gets room.
        delta: The change since the last comparable run; None if that run did not judge it.
        new: Whether there is such a run that did not judge this case.
        counts: Its gates, counted.
        reason: Why it failed; empty if it did not.
        anchor: The HTML id of its card; empty if it has none.
        gates, components, attempts, evidence: As recorded; empty if it has no card.
        rerun: The command that repeats it; empty if it has no card.
    """

    number: int
    row: Row
    rank: Place | None
    urgency: Urgency
    delta: Row | None
    new: bool
    counts: queries.GateCount
    reason: str
    anchor: str = ""
    gates: list[Row] = field(default_factory=list)
    components: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    evidence: Row = field(default_factory=dict)
    rerun: str = ""

    @property
    def verdict(self) -> str:
        """`good`, `quiet` (neither passed nor failed) or `bad`."""
        held = self.row["passed"] if self.row["expected"] is None else self.row["as_expected"]
        return "good" if held else "quiet" if self.row["neutral"] else "bad"


@dataclass(slots=True)
class Board:
    """The leaderboard of one suite.

    Attributes:
        lane: Its lane.
        suite: Its suite.
        contest: All its candidates, best first.
        shown: The candidates of the table that needs no JavaScript, best first.
        controls: The negative and positive controls.
        leader: The ledger's best subject, if this run did not judge it.
        apart: Rows of subjects whose results are not comparable with these, each with `why`.
    """

    lane: str
    suite: str
    contest: list[Candidate]
    shown: list[Candidate]
    controls: list[Candidate]
    leader: Row | None
    apart: list[Row]

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
        seconds: Duration; None while it runs.
        tier: Description of its isolation tier.
        boards: Its suites.
        candidates: All evaluations in the order of the boards, controls after the candidates of their suite.
        urgent: The same in the order in which they get room.
        failing: Those that failed.
        cards: The first of `urgent`, with all their evidence.
        verdicts: Number of cases that are `good` (as expected), `bad` or `quiet` (neither).
        statuses: Number of cases by status, in order of precedence, without controls that are as expected.
        controls: Number of controls that are as expected.
        recent: The last runs of the ledger.
        versions: Versions of the software that judged.
        ledger: The ledger's path.
        rerun: The command that repeats all cases that failed last.
    """

    run: Row
    seconds: float | None
    tier: str
    boards: list[Board]
    candidates: list[Candidate]
    urgent: list[Candidate]
    failing: list[Candidate]
    cards: list[Candidate]
    verdicts: dict[str, int]
    statuses: list[tuple[str, int]]
    controls: int
    recent: list[Row]
    versions: dict[str, str]
    ledger: str
    rerun: str


def gather(ledger: Ledger, run_id: str | None = None) -> Page:
    """Read the content of the report of a run.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
    """
    run = queries.run(ledger, run_id or "latest")
    rows = queries.evaluations(ledger, run["run_id"])
    candidates = list(_candidates(ledger, run["run_id"], rows))
    urgent = sorted(candidates, key=lambda c: c.urgency)
    cards = urgent[:MAX_CARDS]
    _fill(ledger, run, cards)
    seen = Counter(c.row["status"] for c in candidates if c.urgency is not Urgency.CONTROL)
    return Page(
        run=run,
        seconds=_seconds(run),
        tier=TIERS[Tier(run["tier"])] if run["tier"] else "",
        boards=_boards(ledger, run["run_id"], candidates),
        candidates=candidates,
        urgent=urgent,
        failing=[c for c in urgent if c.urgency is Urgency.FAILING],
        cards=cards,
        verdicts={"good": 0, "bad": 0, "quiet": 0} | Counter(c.verdict for c in candidates),
        statuses=[(status.value, seen[status]) for status in reversed(Status) if seen[status]],
        controls=sum(c.urgency is Urgency.CONTROL for c in candidates),
        recent=queries.runs(ledger, limit=RECENT),
        versions=json.loads(run["versions"]),
        ledger=ledger.path.name,
        rerun=rerun.command(run),
    )


def _candidates(ledger: Ledger, run_id: str, rows: list[Row]) -> Iterable[Candidate]:
    contests, counts = queries.contests(ledger, run_id), queries.gate_counts(ledger, run_id)
    deltas = queries.deltas(ledger, run_id)
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


def _fill(ledger: Ledger, run: Row, cards: list[Candidate]) -> None:
    """Add to each candidate what its card shows."""
    nodeids = [card.row["nodeid"] for card in cards]
    names = ("gates", "components", "attempts")
    tables = [queries.details(ledger, run["run_id"], name, nodeids) for name in names]
    records = queries.records(ledger, run["run_id"], nodeids)
    for card, nodeid in zip(cards, nodeids, strict=True):
        card.anchor = anchor(nodeid)
        card.gates, card.components, card.attempts = (found.get(nodeid, []) for found in tables)
        card.evidence = _evidence(json.loads(records[nodeid])["evidence"])
        card.rerun = rerun.of(ledger, run, card.row)


def anchor(nodeid: str) -> str:
    """A readable HTML id, unique also for node ids that differ only in punctuation."""
    return f"case-{slug(nodeid)[:60]}-{digest_bytes(nodeid.encode('utf-8', 'replace'))[:8]}"


def _boards(ledger: Ledger, run_id: str, candidates: list[Candidate]) -> list[Board]:
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
                contest=contest,
                shown=sorted(first, key=lambda c: c.number),
                controls=[c for c in members if c.row["expected"] is not None],
                leader=leaders.get(place),
                apart=[row for row in apart if (row["lane"], row["suite"]) == place],
            )
        )
    return found


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
