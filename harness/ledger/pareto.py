"""Pareto: the subjects of each suite that no other one equals or beats in everything."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import itemgetter

from harness.core.pareto import dominates, hypervolume
from harness.ledger.lookup import Row
from harness.ledger.store import Ledger

OBJECTIVES = ("score", "median_ms", "peak_mb", "size", "stability_bound")
"""What is compared; the score is better if it is larger, the others if they are smaller."""
_VOLUME = ("median_ms", "peak_mb")  # with the score, the axes of the hypervolume
_BOARD = """SELECT lane, suite, rank, subject, digest, score, median_ms, peak_mb, stability_bound, epoch, run_id,
    nodeid, (SELECT size FROM sources s WHERE s.digest = e.digest) AS size"""
_LATEST = f"""{_BOARD} FROM leaderboard e
WHERE passed AND score IS NOT NULL AND (?1 IS NULL OR lane = ?1) AND (?2 IS NULL OR instr(suite, ?2)) AND ?3 IS NULL
ORDER BY lane, suite, position"""
_AT_EPOCH = f"""{_BOARD.replace("rank", "NULL AS rank")} FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY lane, suite, digest ORDER BY created_at DESC, run_id DESC) AS age
    FROM evaluations WHERE epoch = ?3 AND expected IS NULL) e
WHERE age = 1 AND passed AND score IS NOT NULL AND (?1 IS NULL OR lane = ?1) AND (?2 IS NULL OR instr(suite, ?2))
ORDER BY lane, suite, score DESC, digest"""  # noqa: S608 - nothing but constants
_SLIM = """SELECT e.lane, e.suite, e.digest, e.score, e.median_ms, e.peak_mb, e.stability_bound,
    (SELECT size FROM sources s WHERE s.digest = e.digest) AS size"""
_UNRANKED = f"{_SLIM} FROM leaderboard e WHERE lane = ? AND suite = ? AND passed AND score IS NOT NULL"
_KEPT = "FROM standings k CROSS JOIN evaluations e ON e.run_id = k.run_id AND e.nodeid = k.nodeid"
_RANKED = f"""SELECT * FROM ({_SLIM} {_KEPT}
    WHERE k.lane = ? AND k.suite = ? AND k.position > ? AND k.position <= ? AND e.passed LIMIT -1)
WHERE score IS NOT NULL"""  # noqa: S608
_PASSES = f"SELECT e.passed {_KEPT} WHERE k.lane = ? AND k.suite = ? AND k.position = ?"
_COSTS = ("-score", *(f"coalesce({name}, 9e999)" for name in OBJECTIVES[1:]))  # `costs` in SQL
_NOT_DOMINATED = f"""NOT ({" AND ".join(f"{cost} >= ?" for cost in _COSTS)}
    AND ({" OR ".join(f"{cost} > ?" for cost in _COSTS)}))"""
_CHUNK = 1000  # rows read at first; then twice as many each time
MAX_FILTERS = 6  # rows that SQLite compares with, so that few that are dominated have to be read


def fronts(ledger: Ledger, boards: Iterable[tuple[str, str]]) -> set[tuple[str, str, str]]:
    """Lane, suite and digest of the subjects on the fronts of some boards, as `pareto` marks them, without ranks."""
    ranked = {(row["lane"], row["suite"]) for row in ledger.rows("SELECT * FROM boards WHERE is_ranked", keep=False)}
    rows: list[Row] = []
    for board in boards:
        if board in ranked:
            rows += _passing(ledger, board)
        else:
            rows += ledger.rows(_UNRANKED, *board, keep=False)
    rows = [row for row in rows if row["score"] is not None]
    return {(row["lane"], row["suite"], row["digest"]) for row in _marked(rows) if row["front"]}


def _passing(ledger: Ledger, board: tuple[str, str]) -> list[Row]:
    """The passing rows of a ranked board, which precede all others, without many of those that others dominate."""
    found: list[Row] = []
    at, size, more = 0, _CHUNK, True
    while more:
        points = _balanced(found)
        query = " AND ".join([_RANKED, *[_NOT_DOMINATED] * len(points)])
        compared = [cost for point in points for cost in (*point, *point)]
        found += ledger.rows(query, *board, at, at + size, *compared, keep=False)
        found = [row for row in found if row["score"] is not None]
        at, size = at + size, 2 * size
        more = any(row["passed"] for row in ledger.rows(_PASSES, *board, at, keep=False))
    return found


def _balanced(rows: list[Row]) -> list[tuple[float, ...]]:
    """The costs of some rows that are good in all objectives: each dominates many others."""
    columns = [sorted(column) for column in zip(*map(costs, rows), strict=True)]

    def places(point: tuple[float, ...]) -> int:
        return sum(bisect_left(column, cost) for column, cost in zip(columns, point, strict=True))

    return sorted({costs(row) for row in rows}, key=lambda point: (places(point), point))[:MAX_FILTERS]


def pareto(ledger: Ledger, *, lane: str | None = None, suite: str | None = None, epoch: int | None = None) -> list[Row]:
    """Passing subjects of each suite by score, time, memory, size and stability bound.

    `front` says that no other subject is at least as good in all of them. What was not measured counts as the worst: a
    subject cannot lead unmeasured. `hypervolume` is that of the suite: the share of the space between nothing and the
    worst passing subject (score, time, memory) that the front dominates.

    Args:
        ledger: Open for reading.
        lane: Only this lane.
        suite: Only suites whose name contains this.
        epoch: Verdicts of this epoch; by default the latest of each subject.
    """
    found = ledger.rows(_LATEST if epoch is None else _AT_EPOCH, lane, suite, epoch)
    return mark_fronts([row for row in found if row["score"] is not None])  # infinity is read as undefined


def mark_fronts(rows: list[Row]) -> list[Row]:
    """Add `front` and `hypervolume` to rows of `pareto`."""
    for members in _by_suite(_marked(rows)):
        volume = _hypervolume(members)
        for row in members:
            row["hypervolume"] = volume
    return rows


def _by_suite(rows: list[Row]) -> Iterable[list[Row]]:
    suites: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        suites.setdefault((row["lane"], row["suite"]), []).append(row)
    return suites.values()


def _marked(rows: list[Row]) -> list[Row]:
    """Add `front` to rows that have the objectives."""
    for members in _by_suite(rows):
        front: list[tuple[float, ...]] = []
        # A row that dominates another one precedes it in this order, and so does a member of the front that dominates
        # it: comparing with the front alone is enough.
        for mine, row in sorted(((costs(row), row) for row in members), key=itemgetter(0)):
            row["front"] = not any(dominates(other, mine) for other in front)
            if row["front"] and mine not in front:
                front.append(mine)
    return rows


def costs(row: Row) -> tuple[float, ...]:
    """The objectives of a row, each smaller is better."""
    return -row["score"], *(math.inf if row[name] is None else row[name] for name in OBJECTIVES[1:])


def _hypervolume(rows: Sequence[Row]) -> float | None:
    """None where fewer than two subjects have all measurements."""
    complete = [row for row in rows if all(row[name] is not None for name in _VOLUME)]
    worst = [max((row[name] for row in complete), default=0.0) for name in _VOLUME]
    if len(complete) < 2 or min(worst) <= 0:
        return None
    points = [
        (1 - row["score"], *(row[name] / most for name, most in zip(_VOLUME, worst, strict=True)))
        for row in complete
        if row["front"]
    ]
    return hypervolume(points, (1.0,) * 3)
