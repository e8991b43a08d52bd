"""Text: the leaderboard at the end of every run, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.ranking import Place
from harness.ledger import queries
from harness.ledger.run_gates import columns
from harness.ledger.store import Ledger
from harness.report import rerun, table, words
from harness.report.suite_overview import SUFFIX, suites
from harness.report.table import Column, Paint
from harness.report.urgency import failed

Row = dict[str, Any]

WIDTH = 100
MAX_SHOWN_FAILURES = 5

COLUMNS = (
    Column(" #", right=True),
    Column("candidate", flexible=True, min_width=24),
    Column("score", right=True),
    Column("Δ last", optional=2),
    Column("gates", right=True, optional=3),
    Column("status", optional=1),
    Column("stability", right=True, optional=4),
    Column("median", right=True, optional=5),
    Column("style", flexible=True, min_width=14, optional=6),
)


def render_leaderboard(
    ledger: Ledger, run_id: str, *, top: int = 5, width: int = WIDTH, colour: bool = False
) -> list[str]:
    """The leaderboard of each suite, and the controls.

    Args:
        ledger: Where the run is recorded.
        run_id: The run.
        top: Candidates shown for each suite; failing ones beyond them are also named.
        width: Columns no line exceeds.
        colour: Whether to use terminal colours.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
    """
    run = queries.run(ledger, run_id)
    paint = table.ansi if colour else table.plain
    rows = queries.evaluations(ledger, run["run_id"])
    gates = queries.gate_counts(ledger, run["run_id"])
    extra = columns(ledger, run["run_id"])
    board = _Board(run, gates, queries.deltas(ledger, run["run_id"]), top, width, paint, extra)
    lines: list[str] = []
    leaders, apart = queries.leaders_elsewhere(ledger, run["run_id"]), queries.left_out(ledger)
    for place, contest in queries.contests(ledger, run["run_id"]).items():
        lines += [board.head([row for _, row in contest]), *board.lines(contest), *board.leader(leaders.get(place))]
        lines += [*board.apart([row for row in apart if (row["lane"], row["suite"]) == place]), ""]
    lines += controls([row for row in rows if row["expected"] is not None], width=width, paint=paint)
    return lines if not lines or lines[-1] else lines[:-1]


SUITE_COLUMNS = (
    Column("suite", flexible=True, min_width=16),
    Column("pass", right=True),
    Column("best", flexible=True, min_width=10, optional=3),
    Column("score", right=True),
    Column("Δ last", optional=2),
    Column("trend", optional=5),
    Column("median", right=True, optional=4),
)


def render_overview(ledger: Ledger, run_id: str, *, rows: int, width: int = WIDTH, colour: bool = False) -> list[str]:
    """One line for each suite of a run, those that need attention first, under a head.

    Args:
        ledger: Where the run is recorded.
        run_id: The run.
        rows: Suites shown; what is not shown is counted, with the verb that shows it.
        width: Columns no line exceeds.
        colour: Whether to use terminal colours.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
    """
    found = suites(ledger, queries.run(ledger, run_id)["run_id"])
    paint = table.ansi if colour else table.plain
    shown = found if len(found) <= rows else found[: max(0, rows - 1)]
    lanes = max((len(suite.lane) for suite in shown), default=0)
    cells = [
        [
            f"{suite.lane:<{lanes}} {suite.name}",
            suite.passes,
            suite.best,
            words.score(suite.score),
            suite.change,
            words.spark(list(suite.trend)) if len(suite.trend) > 1 else "",
            "" if suite.median_ms is None else words.milliseconds(suite.median_ms),
        ]
        for suite in shown
    ]
    colours = [["", "bad" if suite.failing else "good" if suite.is_judged else "dim", *[""] * 5] for suite in shown]
    lines = table.layout(SUITE_COLUMNS, cells, limit=width, colours=colours, paint=paint) if shown else []
    if rest := found[len(shown) :]:
        bad = sum(suite.failing > 0 for suite in rest)
        state = f"{bad} of them with failures" if bad else "all as expected"
        number = words.count(len(rest), "more suite" if shown else "suite")
        lines.append(paint(words.fit(f"… {number}, {state}: crucible top", width), "dim"))
    return lines


def reason(row: Row, failing_gates: Sequence[str]) -> str:
    """Why a row fails: its status and reason; of an `ok` row, the names of its failing gates."""
    if row["status"] == "ok" and failing_gates:
        first = row["why"].removeprefix(f"{failing_gates[0]} ")  # the sentence of a gate begins with its name
        names = ", ".join(failing_gates)
        return f"gate {names}: {first}" if len(failing_gates) > 1 else f"gate {names} {first}"
    return f"{row['status']}: {row['why']}"


def controls(rows: list[Row], *, width: int = WIDTH, paint: Paint = table.plain) -> list[str]:
    """How many controls are as expected, and those that are not."""
    if not rows:
        return []
    unjudged = [row for row in rows if row["neutral"] and not row["as_expected"]]
    judged = len(rows) - len(unjudged)
    wrong = [row for row in rows if failed(row)]
    said = [f"{judged - len(wrong)} of {judged} as expected"] if judged else []
    head = f"controls: {', '.join([*said, *([f'{len(unjudged)} not judged here'] if unjudged else [])])}"
    lines = [paint(words.fit(head, width), "bad" if wrong else "good")]
    for row in wrong[:MAX_SHOWN_FAILURES]:
        text = f"  {row['subject']}: expected {row['expected']}, was {row['status']}" + (
            f" ({row['why']})" if row["why"] else ""
        )
        lines.append(words.fit(text, width))
    if unseen := len(wrong[MAX_SHOWN_FAILURES:]):
        lines.append(f"  … {unseen} more that failed: crucible show --run {wrong[0]['run_id']}")
    return lines


@dataclass(frozen=True, slots=True)
class _Board:
    """The settings that all lines of one leaderboard share."""

    run: Row
    gates: dict[str, queries.GateCount]
    deltas: dict[str, Row]
    top: int
    width: int
    paint: Paint
    extra: Mapping[str, Mapping[str, float | str | None]]
    """The columns that plugins add, by node id."""

    def head(self, rows: list[Row]) -> str:
        facts = [f"epoch {self.run['epoch']}", *([f"tier {self.run['tier']}"] if self.run["tier"] else [])]
        compared = {self.deltas[row["nodeid"]]["run_id"] for row in rows if row["nodeid"] in self.deltas}
        if compared:
            facts.append(f"Δ to {max(compared)}")
        right = " · ".join(facts)
        lane, suite, room = rows[0]["lane"], rows[0]["suite"], max(8, self.width - words.width(right) - 4)
        # Where there is no room for the path, there is for the name.
        names = [f"{lane} · {name}" for name in (suite, suite.rpartition("/")[2].removesuffix(SUFFIX))]
        left = words.fit(names[0] if words.width(names[0]) <= room else names[1], room, middle=True)
        rule = "─" * max(0, self.width - words.width(left) - words.width(right) - 2)
        return self.paint(words.fit(f"{left} {rule} {right}", self.width), "bold")

    def lines(self, contest: list[tuple[Place, Row]]) -> list[str]:
        rows = [row for _, row in contest]
        ranks = {row["nodeid"]: place for place, row in contest}
        order = {row["nodeid"]: number for number, row in enumerate(rows, 1)}
        also = [row for row in rows[self.top :] if failed(row)][:MAX_SHOWN_FAILURES]
        shown = rows[: self.top] + also
        names = sorted({name for row in rows for name in self.extra.get(row["nodeid"], ())})
        cells = [[*self.cells(row, ranks[row["nodeid"]]), *self.more(row, names)] for row in shown]
        leads = rows[0]["nodeid"]
        colours = [[*self.colours(row), *[""] * len(names)] for row in shown]
        head, *lines = table.layout(
            [*COLUMNS, *(Column(words.printable(name), right=True, optional=7) for name in names)],
            cells,
            limit=self.width,
            colours=colours,
            paint=self.paint,
        )
        board, said = [head], ""
        for row, line in zip(shown, lines, strict=True):
            if also and row is also[0] and order[row["nodeid"]] > self.top + 1:
                board.append(self.paint("  …", "dim"))
            board.append(line)
            if row["nodeid"] == leads and words.unconfirmed(row):
                board.append(self.paint(words.fit(f"    └ {words.unconfirmed(row)}", self.width), "warn"))
            if not row["passed"] and not failed(row):  # what failed has its reason below the board
                why = reason(row, self.gates.get(row["nodeid"], queries.NO_GATES).failed)
                if why != said:
                    board.append(self.paint(words.fit(f"    └ {why}", self.width), "dim"))
                said = why
        if left := len(rows) - len(shown):
            bad = sum(failed(row) for row in rows[self.top :]) - len(also)
            verb = f": crucible top --suite {rerun.quote(rows[0]['suite'])} --top {len(rows)}"
            text = f"  … {left} more" + (f", {bad} of them failing" if bad else "")
            board.append(self.paint(text + verb if words.width(text + verb) <= self.width else text, "dim"))
        return board

    def cells(self, row: Row, rank: Place) -> list[str]:
        change, gates = self.deltas.get(row["nodeid"]), self.gates.get(row["nodeid"], queries.NO_GATES)
        return [
            "-" if row["score"] is None else "?" if rank.rank == 1 and words.unconfirmed(row) else str(rank),
            words.candidate(row),
            words.score(row["score"]),
            words.delta(change["score"], edited=not change["same_digest"]) if change else "new" if self.deltas else "",
            f"{gates.held}/{gates.total}" if gates.total else "",
            words.status(row),
            words.stability(row),
            "" if row["median_ms"] is None else words.milliseconds(row["median_ms"]),
            words.style(row),
        ]

    def more(self, row: Row, names: Sequence[str]) -> list[str]:
        """The cells of the columns that plugins add."""
        values = self.extra.get(row["nodeid"], {})
        return ["" if (value := values.get(name)) is None else _shown(value) for name in names]

    def colours(self, row: Row) -> list[str]:
        verdict = "good" if row["passed"] else "dim" if row["neutral"] else "bad"
        change = self.deltas.get(row["nodeid"], {}).get("score") or 0.0
        moved = "good" if round(change, 3) > 0 else "bad" if round(change, 3) < 0 else ""
        unstable = "warn" if words.stability(row) == "flaky" else ""
        style = "warn" if "≠" in words.style(row) else ""
        return ["dim", "", verdict, moved, "" if row["passed"] else verdict, verdict, unstable, "", style]

    def leader(self, best: Row | None) -> list[str]:
        """The ledger's leader if this run did not judge it: a partial run must not look complete."""
        if best is None:
            return []
        text = f"  the ledger's best is {best['subject']} with {words.score(best['score'])} (run {best['run_id']})"
        return [self.paint(words.fit(text, self.width), "dim")]

    def apart(self, rows: list[Row]) -> list[str]:
        """Subjects of the ledger whose numbers are not comparable, and the command that makes them comparable."""
        if not rows:
            return []
        reasons = ", ".join(sorted({row["why"] for row in rows}))
        names = ", ".join(row["subject"] for row in rows[:3]) + (", …" if len(rows) > 3 else "")
        text = f"  left out: {words.count(len(rows), 'subject')} ({names}) judged at {reasons}; to compare them:"
        return [self.paint(words.fit(text, self.width), "dim"), f"    {rerun.again(self.run, [rows[0]['suite']])}"]


def _shown(value: float | str) -> str:
    return words.printable(value) if isinstance(value, str) else words.measured(value)
