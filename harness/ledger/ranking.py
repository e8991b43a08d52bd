"""Ranking: the leaderboard in SQL: comparable results, with shared places where noise allows no order.

The places are those of `harness.core.ranking`, in SQL; a test compares the two.
"""

from __future__ import annotations

# Scores made at different epochs, on other classes of machines or in weaker boxes are not comparable. The latest run
# that scored anything in a suite says which are; a run that needed no box has no tier and is comparable with any.
# All this is computed for marked boards only (`standings`).
_NEWEST = """
WITH touched AS (
    SELECT e.lane, e.suite, e.run_id, max(e.score IS NOT NULL) AS scored
    FROM boards b CROSS JOIN evaluations e ON e.lane = b.lane AND e.suite = b.suite
    WHERE NOT b.is_ranked GROUP BY e.lane, e.suite, e.run_id
), class AS (
    SELECT lane, suite, epoch, machine, tier, ROW_NUMBER() OVER () AS contest FROM (
        SELECT t.lane, t.suite, r.epoch, r.machine, r.tier, ROW_NUMBER() OVER (
            PARTITION BY t.lane, t.suite ORDER BY t.scored DESC, r.started_at DESC, r.run_id DESC
        ) AS age
        FROM touched t JOIN runs r ON r.run_id = t.run_id
    ) WHERE age = 1
), comparable AS (
    SELECT t.lane, t.suite, t.run_id, r.started_at, c.contest,
        r.epoch = c.epoch AND r.machine = c.machine AND (r.tier IS c.tier OR r.tier IS NULL OR c.tier IS NULL) AS fits
    FROM touched t JOIN runs r ON r.run_id = t.run_id JOIN class c ON c.lane = t.lane AND c.suite = t.suite
), newest AS (
    SELECT e.rowid AS place, q.contest, q.fits, ROW_NUMBER() OVER (
        PARTITION BY e.lane, e.suite, e.digest
        ORDER BY q.fits DESC, q.started_at DESC, e.run_id DESC, e.passed, e.score IS NOT NULL, e.score, e.nodeid
    ) AS age
    FROM boards b CROSS JOIN evaluations e ON e.lane = b.lane AND e.suite = b.suite
    CROSS JOIN comparable q ON q.lane = e.lane AND q.suite = e.suite AND q.run_id = e.run_id
    WHERE NOT b.is_ranked
)"""
# One row for each digest of a suite: its latest evaluation. Where a run judged a digest in several cases (shapes of a
# kernel, steps of a program) the worst of them stands for it, so that one good case hides no bad one. `newest` reads
# only the index evaluations_subject; whole rows, which are large, are fetched for the few it finds. What is sorted on
# the way consists of numbers: `contest` is lane and suite, `place` the row.

_TIME = "9e999"
_STANDING = f"""e.passed,
        coalesce(e.score, -1.0) AS s,
        min(coalesce(e.score, -1.0), coalesce(e.score_low, e.score, -1.0)) AS low,
        max(coalesce(e.score, -1.0), coalesce(e.score_high, e.score, -1.0)) AS high,
        min(coalesce(e.median_ms, {_TIME}), coalesce(e.median_low_ms, e.median_ms, {_TIME})) AS best,
        max(coalesce(e.median_ms, {_TIME}), coalesce(e.median_high_ms, e.median_ms, {_TIME})) AS worst"""
_BOARD = """FROM (SELECT place, contest FROM newest WHERE age = 1 AND fits ORDER BY place LIMIT -1) newest
CROSS JOIN evaluations e ON e.rowid = newest.place"""  # in the order of the file, which a large ledger is read in
_LEADS = "(e.passed AND e.expected IS NULL) * (1 + (e.confirmed IS NOT 0)) AS leads"

STANDINGS = f"""{_NEWEST}
SELECT newest.contest, e.lane, e.suite, e.run_id, e.nodeid, {_LEADS}, {_STANDING} {_BOARD}
ORDER BY newest.contest, e.passed DESC, s DESC, coalesce(e.confirmed, 1) DESC, best, worst, e.median_ms, e.digest
"""
"""Who stands on the marked boards, in the order of those that share a rank; from `passed` on a `Standing`."""

COMPUTED = f"""{_NEWEST}, board AS (
    SELECT newest.place, newest.contest, {_STANDING} {_BOARD}
), events AS (
    SELECT *, 0 AS point FROM board UNION ALL SELECT *, 1 FROM board
), sweep AS (
    SELECT *,
        sum(point) OVER (PARTITION BY contest
            ORDER BY passed DESC, iif(point, low, high) DESC, point ROWS UNBOUNDED PRECEDING) AS ahead,
        sum(point) OVER (PARTITION BY contest
            ORDER BY passed, iif(point, high, low), point ROWS UNBOUNDED PRECEDING) AS behind,
        sum(point) OVER (PARTITION BY contest, passed, s, low, high
            ORDER BY iif(point, worst, best), point ROWS UNBOUNDED PRECEDING) AS quicker,
        sum(point) OVER (PARTITION BY contest, passed, s, low, high
            ORDER BY iif(point, best, worst) DESC, point ROWS UNBOUNDED PRECEDING) AS slower,
        sum(point) OVER (PARTITION BY contest) AS size
    FROM events
), ranked AS (
    SELECT w.place, 1 + w.ahead + w.quicker AS rank, w.size - w.behind - w.slower AS worst_rank,
        ROW_NUMBER() OVER (PARTITION BY w.contest
            ORDER BY 1 + w.ahead + w.quicker, w.passed DESC, w.s DESC, coalesce(e.confirmed, 1) DESC,
                w.best, w.worst, e.median_ms, e.digest) AS position
    FROM sweep w CROSS JOIN evaluations e ON e.rowid = w.place
    WHERE w.point = 0
)
SELECT e.lane, e.suite, e.run_id, e.nodeid, k.rank, k.worst_rank, k.position
FROM ranked k CROSS JOIN evaluations e ON e.rowid = k.place
"""  # noqa: S608 - nothing but constants

_COLUMNS = """e.lane, e.suite, k.rank, e.subject, e.digest, e.score, e.passed, e.status,
    e.stability, e.median_ms, e.epoch, e.run_id, e.style, e.style_detected, e.peak_mb, e.tier, r.machine, e.nodeid,
    e.why, e.expected, e.as_expected, k.worst_rank,
    coalesce(e.score_low, e.score) AS score_low, coalesce(e.score_high, e.score) AS score_high,
    coalesce(e.median_low_ms, e.median_ms) AS median_low_ms,
    coalesce(e.median_high_ms, e.median_ms) AS median_high_ms, e.attempts, e.hash_seeds, e.stability_bound,
    e.rung, e.confirmed, e.seconds, e.reused_from, e.cohort, k.position"""

LEADERBOARD = f"""
CREATE VIEW leaderboard AS WITH places AS (
    SELECT s.lane, s.suite, s.run_id, s.nodeid, s.rank, s.worst_rank, s.position
    FROM boards b CROSS JOIN standings s ON s.lane = b.lane AND s.suite = b.suite WHERE b.is_ranked
    UNION ALL SELECT lane, suite, run_id, nodeid, rank, worst_rank, position FROM ({COMPUTED})
)
SELECT {_COLUMNS}
FROM places k CROSS JOIN evaluations e ON e.run_id = k.run_id AND e.nodeid = k.nodeid
CROSS JOIN runs r ON r.run_id = k.run_id
ORDER BY k.lane, k.suite, k.position
"""  # noqa: S608

LEADERS = f"""
SELECT {_COLUMNS}
FROM boards b CROSS JOIN standings k
    ON k.lane = b.lane AND k.suite = b.suite AND k.position = iif(?1, b.candidate, b.leader)
CROSS JOIN evaluations e ON e.run_id = k.run_id AND e.nodeid = k.nodeid
CROSS JOIN runs r ON r.run_id = k.run_id
WHERE b.is_ranked
"""  # noqa: S608
"""Of each ranked board the row of `leaderboard` that leads it; with ?1 whether it is confirmed or not."""

INCOMPARABLE = f"""{_NEWEST.removesuffix(")")} AND q.contest IN (SELECT contest FROM comparable WHERE NOT fits)
)
SELECT e.lane, e.suite, e.run_id, e.nodeid, trim(
        iif(r.epoch <> c.epoch, 'epoch ' || r.epoch || ', not ' || c.epoch || '; ', '')
        || iif(r.tier IS NOT c.tier AND r.tier IS NOT NULL AND c.tier IS NOT NULL,
            'tier ' || r.tier || ', not ' || c.tier || '; ', '')
        || iif(r.machine <> c.machine, 'machine ' || r.machine || '; ', ''), '; ') AS why
FROM newest
CROSS JOIN evaluations e ON e.rowid = newest.place
JOIN runs r ON r.run_id = e.run_id
JOIN class c ON c.lane = e.lane AND c.suite = e.suite
WHERE newest.age = 1 AND NOT newest.fits
"""  # noqa: S608

LEFT_OUT = f"""
CREATE VIEW left_out AS WITH places AS (
    SELECT i.lane, i.suite, i.run_id, i.nodeid, i.why
    FROM boards b CROSS JOIN incomparable i ON i.lane = b.lane AND i.suite = b.suite WHERE b.is_ranked
    UNION ALL SELECT * FROM ({INCOMPARABLE})
)
SELECT e.lane, e.suite, e.subject, e.digest, e.score, e.passed, e.status, e.epoch, e.run_id, e.tier, r.machine,
    e.nodeid, e.expected, k.why
FROM places k CROSS JOIN evaluations e ON e.run_id = k.run_id AND e.nodeid = k.nodeid
CROSS JOIN runs r ON r.run_id = k.run_id
ORDER BY e.lane, e.suite, e.subject, e.digest
"""  # noqa: S608
