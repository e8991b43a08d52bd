"""Reading: runs, leaderboards and evaluations as rows: plain dictionaries, ready for JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from harness.core.errors import LedgerError
from harness.core.nearest import nearest_names
from harness.core.ranking import Place, ranked
from harness.ledger.ranking import LEADERS
from harness.ledger.store import Ledger

Row = dict[str, Any]

# Everything but `record`, which is large.
COLUMNS = (
    "run_id, nodeid, lane, suite, subject, digest, epoch, status, score, passed, why, attempts, stability, median_ms, "
    "peak_mb, tier, seconds, style, style_detected, "
    "(SELECT machine FROM runs WHERE runs.run_id = evaluations.run_id) AS machine, "
    "lower(hex(case_key)) AS case_key, expected, as_expected, neutral, "
    "created_at, hash_seeds, stability_bound, rung, confirmed, reused_from, cohort, "
    "coalesce(score_low, score) AS score_low, coalesce(score_high, score) AS score_high, "
    "coalesce(median_low_ms, median_ms) AS median_low_ms, coalesce(median_high_ms, median_ms) AS median_high_ms"
)
RECORD = "unpacked(record, digest, numbers) AS record"
IS = "(lane, suite) IN (SELECT lane, suite FROM boards) AND digest"  # found by the index of boards
RANKING = (
    "passed DESC, score IS NULL, score DESC, coalesce(confirmed, 1) DESC, median_ms IS NULL, median_ms, digest, nodeid"
)
# A merged partition repeats the evaluations of its parts, which therefore do not count as runs of their own.
PARTS = (
    "SELECT part.value FROM runs whole, json_each(iif(json_valid(whole.record), whole.record, '{}'), '$.parts') part"
)
CHUNK = 500  # well under SQLite's lowest limit on parameters


def runs(ledger: Ledger, *, limit: int | None = None, run_id: str | None = None) -> list[Row]:
    """Runs (or just one), newest first, each with its counts; no parts of a merged partition, except by their id.

    `parts` is how many parts a merged partition has; one that was run again counts once.
    """
    return ledger.rows(
        f"""SELECT r.run_id, r.started_at, r.finished_at, r.status, r.epoch, r.secret_seed, r.tier, r.machine,
               r.git_commit, r.command, r.versions, coalesce(json_extract(r.record, '$.shard'), '') AS shard,
               json_extract(r.record, '$.selected') AS selected,
               (SELECT count(DISTINCT json_extract(p.record, '$.shard'))
                   FROM json_each(r.record, '$.parts') part JOIN runs p ON p.run_id = part.value) AS parts,
               count(e.nodeid) AS cases,
               coalesce(sum(e.passed), 0) AS passed, coalesce(sum(e.as_expected), 0) AS as_expected,
               coalesce(sum(NOT e.as_expected AND NOT e.neutral), 0) AS failed
           FROM (SELECT run_id, started_at, finished_at, status, epoch, secret_seed, tier, machine, git_commit, command,
                   versions, iif(json_valid(record), record, '{{}}') AS record
               FROM runs WHERE run_id = ?2 OR (?2 IS NULL AND run_id NOT IN ({PARTS}))
               ORDER BY started_at DESC, run_id DESC LIMIT ?1) r
           LEFT JOIN evaluations e ON e.run_id = r.run_id
           GROUP BY r.run_id ORDER BY r.started_at DESC, r.run_id DESC""",  # noqa: S608 - constants
        -1 if limit is None else limit,
        run_id,
    )


def run(ledger: Ledger, name: str = "latest") -> Row:
    """One run by id, by a unique part of its id, as `latest`, or as `latest~N` for the N-th before it.

    Raises:
        LedgerError: if there is no such run, or several.
    """
    head, _, back = name.partition("~")
    if head == "latest" and (back.isdigit() or not back):
        recent = runs(ledger, limit=int(back or 0) + 1)
        if len(recent) <= int(back or 0):
            raise LedgerError(
                f"{name} does not exist: runs in the ledger: {len(recent)}" if recent else "no run was recorded yet",
                where=str(ledger.path),
                fix="run `pytest` on a suite with this --ledger",
            )
        return recent[-1]
    known = [found["run_id"] for found in ledger.rows("SELECT run_id FROM runs")]
    matching = [name] if name in known else [run_id for run_id in known if name and name in run_id]
    if not known:
        what = f"no run matches {name!r}: no run was recorded yet"
        raise LedgerError(what, where=str(ledger.path), fix="run `pytest` on a suite with this --ledger")
    if len(matching) != 1:
        near = matching or nearest_names(name, known, count=3) or known[-3:]
        what = f"{len(matching)} runs match {name!r}" if matching else f"no run matches {name!r}"
        raise LedgerError(what, where=str(ledger.path), fix=f"use one of {', '.join(near[:5])} or `latest`")
    return runs(ledger, run_id=matching[0])[0]


def leaderboard(
    ledger: Ledger, *, lane: str | None = None, suite: str | None = None, top: int | None = None
) -> list[Row]:
    """The leaderboard view, best first within each suite; `suite` may be a part of the name."""
    return ledger.rows(
        """SELECT * FROM leaderboard
           WHERE (?1 IS NULL OR lane = ?1) AND (?2 IS NULL OR instr(suite, ?2)) AND (?3 IS NULL OR position <= ?3)
           ORDER BY lane, suite, position""",
        lane,
        suite,
        top,
    )


def left_out(ledger: Ledger, *, lane: str | None = None, suite: str | None = None) -> list[Row]:
    """Subjects that cannot be compared with the leaderboard of their suite, each with `why`."""
    return ledger.rows(
        """SELECT * FROM left_out WHERE (?1 IS NULL OR lane = ?1) AND (?2 IS NULL OR instr(suite, ?2))""", lane, suite
    )


def leaders(ledger: Ledger, *, unconfirmed: bool = False) -> dict[tuple[str, str], Row]:
    """The best passing subject of every (lane, suite) that has one; no control, and by default no unconfirmed one."""
    leads = "passed AND expected IS NULL" + ("" if unconfirmed else " AND confirmed IS NOT 0")
    found = ledger.rows(LEADERS, unconfirmed)
    first = f"SELECT * FROM leaderboard WHERE {leads} AND lane = ? AND suite = ? ORDER BY position LIMIT 1"  # noqa: S608
    for board in ledger.rows("SELECT lane, suite FROM boards WHERE NOT is_ranked"):
        found += ledger.rows(first, board["lane"], board["suite"])
    return dict(sorted({(row["lane"], row["suite"]): row for row in found}.items()))


def leaders_elsewhere(ledger: Ledger, run_id: str) -> dict[tuple[str, str], Row]:
    """The leaders of the suites of a run that are not among what it judged.

    The boards are read only where earlier runs judged something that this one did not.
    """
    others = ledger.rows(
        """SELECT 1 FROM evaluations o
           WHERE o.run_id <> ?1
               AND (o.lane, o.suite) IN (SELECT DISTINCT lane, suite FROM evaluations WHERE run_id = ?1)
               AND NOT EXISTS (SELECT 1 FROM evaluations e
                   WHERE e.lane = o.lane AND e.suite = o.suite AND e.digest = o.digest AND e.run_id = ?1)
           LIMIT 1""",
        run_id,
    )
    if not others:
        return {}
    judged_here = {(row["lane"], row["suite"], row["digest"]) for row in evaluations(ledger, run_id)}
    return {place: row for place, row in leaders(ledger).items() if (*place, row["digest"]) not in judged_here}


def contenders(ledger: Ledger, run_id: str, *, first: int) -> list[Row]:
    """The first passing subjects on the boards of a run's suites, from any run; no controls.

    Empty where the run judged nothing that can be confirmed. `asked` are the seconds that their attempts took, of all
    `seconds`.
    """
    if not ledger.rows("SELECT 1 FROM evaluations WHERE run_id = ? AND confirmed IS NOT NULL LIMIT 1", run_id):
        return []
    return ledger.rows(
        """SELECT *, (SELECT sum(a.seconds) FROM attempts a WHERE a.run_id = l.run_id AND a.nodeid = l.nodeid) AS asked
           FROM leaderboard l
           WHERE passed AND expected IS NULL AND position <= ?2
               AND (lane, suite) IN (SELECT DISTINCT lane, suite FROM evaluations WHERE run_id = ?1)
           ORDER BY lane, suite, position""",
        run_id,
        first,
    )


def cohorts(ledger: Ledger, *, lane: str | None = None, suite: str | None = None) -> list[Row]:
    """For each suite and group of candidates how many there are and how many pass, by their latest evaluations.

    Controls, and what could not be judged, do not count.
    """
    return ledger.rows(
        """SELECT lane, suite, cohort, count(*) AS total, sum(passed) AS passed FROM leaderboard
           WHERE expected IS NULL AND status NOT IN ('infra', 'skipped', 'review', 'noisy')
               AND (?1 IS NULL OR lane = ?1) AND (?2 IS NULL OR instr(suite, ?2))
           GROUP BY lane, suite, cohort ORDER BY cohort, lane, suite""",
        lane,
        suite,
    )


def evaluations(ledger: Ledger, run_id: str) -> list[Row]:
    """All evaluations of a run, best first within each suite."""
    return ledger.rows(
        f"SELECT {COLUMNS} FROM evaluations WHERE run_id = ? ORDER BY lane, suite, {RANKING}",  # noqa: S608
        run_id,
    )


def contests(ledger: Ledger, run_id: str) -> dict[tuple[str, str], list[tuple[Place, Row]]]:
    """The candidates of each suite of a run with their places among each other, best first; no controls."""

    def rank() -> dict[tuple[str, str], list[tuple[Place, Row]]]:
        found: dict[tuple[str, str], list[Row]] = {}
        for row in evaluations(ledger, run_id):
            if row["expected"] is None:
                found.setdefault((row["lane"], row["suite"]), []).append(row)
        return {place: ranked(rows) for place, rows in found.items()}

    return ledger.remembered(("contests", run_id), rank)


class GateCount(NamedTuple):
    """The gates of one evaluation: how many pass, how many there are, and the names of those that do not pass."""

    held: int
    total: int
    failed: tuple[str, ...]


NO_GATES = GateCount(0, 0, ())


def gate_counts(ledger: Ledger, run_id: str) -> dict[str, GateCount]:
    """The gates of each evaluation of a run that has some, counted, by node id."""
    rows = ledger.rows(
        "SELECT nodeid, sum(passed) AS held, count(*) AS total FROM gates WHERE run_id = ? GROUP BY nodeid", run_id
    )
    failed: dict[str, list[str]] = defaultdict(list)
    for row in ledger.rows(
        "SELECT nodeid, name FROM gates WHERE run_id = ? AND NOT passed ORDER BY nodeid, position", run_id
    ):
        failed[row["nodeid"]].append(row["name"])
    return {row["nodeid"]: GateCount(row["held"], row["total"], tuple(failed[row["nodeid"]])) for row in rows}


def details(ledger: Ledger, run_id: str, table: str, nodeids: Sequence[str]) -> dict[str, list[Row]]:
    """The `components`, `gates` or `attempts` of some evaluations of a run, by node id and in order."""
    if table not in ("components", "gates", "attempts"):
        msg = f"no details in table {table!r}"
        raise ValueError(msg)
    found: dict[str, list[Row]] = defaultdict(list)
    for some in chunks(nodeids):
        for row in ledger.rows(
            f"SELECT * FROM {table} WHERE run_id = ? AND nodeid IN ({marks(some)}) ORDER BY nodeid, position",  # noqa: S608
            run_id,
            *some,
        ):
            found[row["nodeid"]].append(row)
    return dict(found)


def records(ledger: Ledger, run_id: str, nodeids: Sequence[str]) -> dict[str, str]:
    """The JSON text of some evaluations of a run, by node id."""
    return {
        row["nodeid"]: row["record"]
        for some in chunks(nodeids)
        for row in ledger.rows(
            f"SELECT nodeid, {RECORD} FROM evaluations WHERE run_id = ? AND nodeid IN ({marks(some)})",  # noqa: S608
            run_id,
            *some,
        )
    }


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Values in groups that fit the parameters of a statement."""
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def marks(values: Sequence[str]) -> str:
    """A question mark for each value, for `IN (…)`."""
    return ", ".join("?" * len(values))


def find(ledger: Ledger, key: str, *, run_id: str | None = None) -> list[Row]:
    """Evaluations of a node id, a digest or its prefix, or a subject's name: newest first.

    Raises:
        LedgerError: if nothing matches; the message names what comes near.
    """
    for condition in ("nodeid = ?1", f"{IS} = ?1", f"length(?1) >= 4 AND {IS} GLOB ?1 || '*'", "subject = ?1"):
        found = ledger.rows(
            f"""SELECT {COLUMNS} FROM evaluations JOIN (SELECT run_id, started_at FROM runs) USING (run_id)
                WHERE {condition} AND (run_id = ?2 OR (?2 IS NULL AND run_id NOT IN ({PARTS})))
                ORDER BY started_at DESC, run_id DESC, nodeid""",  # noqa: S608 - conditions are ours
            _literal(key) if "GLOB" in condition else key,
            run_id,
        )
        if found:
            return found
    known = [
        row["n"]
        for row in ledger.rows("SELECT DISTINCT nodeid AS n FROM evaluations UNION SELECT subject FROM evaluations")
    ]
    near = nearest_names(key, known, count=3, cutoff=0.5)
    fix = f"did you mean {' or '.join(near)}?" if near else "use a node id, a subject's name or a digest's prefix"
    raise LedgerError(f"nothing in the ledger is called {key!r}", where=str(ledger.path), fix=fix)


def _literal(prefix: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in prefix)
