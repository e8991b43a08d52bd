"""Comparison: changes since comparable runs: same suite, machine, tier and epoch."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Sequence

from harness.core.errors import LedgerError
from harness.ledger.lookup import PARTS, Row, evaluations, run
from harness.ledger.store import Ledger

_JUDGED = "e.status NOT IN ('infra', 'skipped')"
SEARCHED_RUNS = 50  # a case that none of so many comparable runs has is new


def comparable_runs(ledger: Ledger, run_id: str, *, first: bool = False, limit: int = SEARCHED_RUNS) -> list[str]:
    """Earlier runs of the same machine, tier and epoch, newest first (oldest first with `first`)."""
    order = "ASC" if first else "DESC"
    # The tier of a run is known when its first box is probed and stored when the run ends; until then its evaluations
    # have it.
    rows = ledger.rows(
        f"""WITH r AS (
                SELECT run_id, started_at, machine, epoch,
                    coalesce(tier, (SELECT max(e.tier) FROM evaluations e WHERE e.run_id = runs.run_id)) AS tier
                FROM runs WHERE run_id = ?
            )
            SELECT b.run_id FROM r JOIN runs b
                ON b.machine = r.machine AND b.tier IS r.tier AND b.epoch = r.epoch AND b.status <> 'running'
                AND (b.started_at, b.run_id) < (r.started_at, r.run_id) AND b.run_id NOT IN ({PARTS})
            ORDER BY b.started_at {order}, b.run_id {order} LIMIT ?""",  # noqa: S608 - order and parts are ours
        run_id,
        limit,
    )
    return [row["run_id"] for row in rows]


def baseline(ledger: Ledger, run_id: str, *, first: bool = False) -> list[Row]:
    """For each evaluation of a run, the one to compare it with from the last (or first) comparable run that has it.

    Each case is looked up separately, so that a partial run in between has no effect: by node id, or by digest
    within its suite if the file was renamed; a copy of a case that is still there is new. Each row has `of`, the node
    id it is the baseline of, and `same_digest`.
    """
    wanted = {row["nodeid"]: row for row in evaluations(ledger, run_id)}
    found: dict[str, Row] = {}
    for earlier in _runs_with_cases(ledger, run_id, comparable_runs(ledger, run_id, first=first)):
        missing = [row for nodeid, row in wanted.items() if nodeid not in found]
        found |= {row["of"]: row for row in _matched(missing, evaluations(ledger, earlier), wanted)}
    return list(found.values())


def _matched(now: Iterable[Row], before: Iterable[Row], known: Container[str]) -> Iterator[Row]:
    """The judged earlier evaluation of each of some cases, if there is one; `known` are all cases of their run."""
    judged = [row for row in before if row["status"] not in ("infra", "skipped")]
    by_nodeid = {row["nodeid"]: row for row in judged}
    by_digest = {(row["suite"], row["digest"]): row for row in judged if row["nodeid"] not in known}
    for row in now:
        match = by_nodeid.get(row["nodeid"]) or by_digest.get((row["suite"], row["digest"]))
        if match is not None:
            yield match | {"of": row["nodeid"], "same_digest": match["digest"] == row["digest"]}


def _runs_with_cases(ledger: Ledger, run_id: str, earlier: Sequence[str]) -> list[str]:
    """Of the earlier runs, in their order, those that are the first with a case of this run: mostly one."""
    rows = ledger.rows(
        f"""WITH earlier AS (SELECT value AS run_id, key AS age FROM json_each(?2)), seen AS (
                SELECT n.nodeid, q.age FROM evaluations n CROSS JOIN earlier q
                CROSS JOIN evaluations e ON e.run_id = q.run_id AND e.nodeid = n.nodeid
                WHERE n.run_id = ?1 AND {_JUDGED}
                UNION ALL
                SELECT n.nodeid, q.age FROM evaluations n
                CROSS JOIN evaluations e ON e.lane = n.lane AND e.suite = n.suite AND e.digest = n.digest
                CROSS JOIN earlier q ON q.run_id = e.run_id
                WHERE n.run_id = ?1 AND {_JUDGED}
            )
            SELECT DISTINCT min(age) AS age FROM seen GROUP BY nodeid ORDER BY 1""",  # noqa: S608 - a constant
        run_id,
        json.dumps(earlier),
    )
    return [earlier[row["age"]] for row in rows]


def named_baseline(ledger: Ledger, run_id: str, before: str) -> list[Row]:
    """As `baseline`, from one named run; `differs` names what makes its numbers not comparable."""
    now, old = run(ledger, run_id), run(ledger, before)
    rows = evaluations(ledger, old["run_id"])
    tiers = [sorted({row["tier"] or "none" for row in evaluations(ledger, one["run_id"])}) for one in (old, now)]
    differs = [f"{name} {old[name]} -> {now[name]}" for name in ("machine", "epoch") if old[name] != now[name]]
    if tiers[0] != tiers[1]:
        differs.append(f"tier {', '.join(tiers[0])} -> {', '.join(tiers[1])}")
    cases = evaluations(ledger, now["run_id"])
    found = _matched(cases, rows, {row["nodeid"] for row in cases})
    return [row | {"differs": "; ".join(differs)} for row in found]


def deltas(ledger: Ledger, run_id: str, *, before: str | None = None) -> dict[str, Row]:
    """The change of each evaluation of a run, by node id.

    Args:
        before: The run to compare with; None for the last comparable one of each case.

    Returns:
        For each case `score` (difference, None where either is unscored), `before` (the score), `passed_before`,
        `status_before`, `interval_before`, `run_id`, `same_digest`, and `differs` where `before` was named.
    """
    now = {row["nodeid"]: row for row in evaluations(ledger, run_id)}
    found = baseline(ledger, run_id) if before is None else named_baseline(ledger, run_id, before)
    return {row["of"]: _delta(row, now[row["of"]]) for row in found}


def _delta(before: Row, after: Row) -> Row:
    scored = before["score"] is not None and after["score"] is not None
    return {
        "score": after["score"] - before["score"] if scored else None,
        "before": before["score"],
        "passed_before": bool(before["passed"]),
        "status_before": before["status"],
        "interval_before": (before["score_low"], before["score_high"]),
        "differs": before.get("differs", ""),
        "run_id": before["run_id"],
        "same_digest": before["same_digest"],
    }


def diff(ledger: Ledger, before: str, after: str) -> dict[str, object]:
    """The differences between two runs, and whether their numbers are comparable.

    Raises:
        LedgerError: if there is no such run.
    """
    old, new = run(ledger, before), run(ledger, after)
    if old["run_id"] == new["run_id"]:
        raise LedgerError("these are the same run", where=str(ledger.path), fix="name two different ones")
    differs = [name for name in ("machine", "tier", "epoch") if old[name] != new[name]]
    left = {row["nodeid"]: row for row in evaluations(ledger, old["run_id"])}
    right = {row["nodeid"]: row for row in evaluations(ledger, new["run_id"])}
    both = [(left[nodeid], row) for nodeid, row in right.items() if nodeid in left]
    return {
        "before": old["run_id"],
        "after": new["run_id"],
        "differs": [f"{name} {old[name]} -> {new[name]}" for name in differs],
        "changed": [change for pair in both if (change := _change(*pair))],
        "unchanged": sum(_change(*pair) is None for pair in both),
        "added": sorted(right.keys() - left.keys()),
        "removed": sorted(left.keys() - right.keys()),
    }


def _change(before: Row, after: Row) -> Row | None:
    same = all(before[name] == after[name] for name in ("score", "status", "passed", "digest"))
    if same:
        return None
    return {
        "nodeid": after["nodeid"],
        "status": [before["status"], after["status"]],
        "score": [before["score"], after["score"]],
        "passed": [bool(before["passed"]), bool(after["passed"])],
        "edited": before["digest"] != after["digest"],
        "why": after["why"],
    }


def regressions(now: Sequence[Row], before: Sequence[Row]) -> list[Row]:
    """Subjects that passed in the baseline and do not pass now; controls are not subjects and never count."""
    passed = {row.get("of", row["nodeid"]) for row in before if row["passed"]}
    return [row for row in now if row["nodeid"] in passed and not row["passed"] and row.get("expected") is None]
