"""History: one subject over runs, and its lineage."""

from __future__ import annotations

from collections.abc import Iterable

from harness.ledger.comparison import comparable_runs
from harness.ledger.lookup import Row, find
from harness.ledger.store import Ledger

DIGEST = 64  # characters of a whole digest, which is the beginning of no other


def trend(ledger: Ledger, key: str) -> list[Row]:
    """All evaluations of a node id, digest or subject, oldest first; a verdict that was reused counts once.

    Raises:
        LedgerError: if nothing matches.
    """
    return judged_once(find(ledger, key)[::-1])


def judged_once(rows: Iterable[Row]) -> list[Row]:
    """Evaluations without repetitions of a verdict, in their order: of those of one judgement the first stays."""
    seen: set[tuple[str, str]] = set()
    found = []
    for row in rows:
        judgement = row["reused_from"] or row["run_id"], row["nodeid"]
        if judgement not in seen:
            seen.add(judgement)
            found.append(row)
    return found


def best_scores(ledger: Ledger, run_id: str, *, limit: int) -> dict[tuple[str, str], list[float | None]]:
    """The best passing score of each suite in the last comparable runs and in this one, oldest first.

    Runs that only repeat earlier verdicts on a suite are left out. Controls do not count.
    """
    runs = comparable_runs(ledger, run_id, limit=limit - 1)
    found: dict[tuple[str, str], list[float | None]] = {}
    for one in [*reversed(runs), run_id]:
        for row in ledger.rows(
            """SELECT lane, suite, max(iif(passed, score, NULL)) AS best, max(reused_from = '') AS fresh
               FROM evaluations WHERE run_id = ? AND expected IS NULL GROUP BY lane, suite""",
            one,
        ):
            if row["fresh"] or (row["lane"], row["suite"]) not in found:
                found.setdefault((row["lane"], row["suite"]), []).append(row["best"])
    return found


def lineage(ledger: Ledger, key: str) -> list[Row]:
    """The ancestors and descendants of a subject, oldest first: digest, name, score, generation (0 is the subject).

    A parent may be declared as a digest, a digest's prefix or a name; one the ledger never judged still appears, with
    what it was called.

    Raises:
        LedgerError: if nothing matches `key`.
    """
    start = find(ledger, key)[0]["digest"]
    links = ledger.rows("SELECT child, parent, relation FROM lineage")
    best, named = best_known(ledger), _named(ledger)
    parents: dict[str, set[str]] = {}
    children: dict[str, set[str]] = {}
    for link in links:
        parent = _resolve(link["parent"], best, named)
        parents.setdefault(link["child"], set()).add(parent)
        children.setdefault(parent, set()).add(link["child"])
    generation = _walk(start, parents, -1) | _walk(start, children, 1)
    rows = []
    for digest, distance in generation.items():
        known = best.get(digest, {})
        rows.append(
            {
                "generation": distance,
                "digest": digest,
                "subject": known.get("subject", digest),
                "lane": known.get("lane"),
                "score": known.get("score"),
                "passed": bool(known["passed"]) if known else None,
                "status": known.get("status"),
                "parents": sorted(parents.get(digest, ())),
            }
        )
    return sorted(rows, key=lambda row: (row["generation"], row["subject"], row["digest"]))


def parents(ledger: Ledger, digest: str) -> list[Row]:
    """The declared parents of a subject that the ledger judged: digest and name."""
    links = ledger.rows("SELECT parent FROM lineage WHERE child = ? AND relation = 'derived' ORDER BY parent", digest)
    known = best_known(ledger) if links else {}
    named = _named(ledger) if links else {}
    found = dict.fromkeys(_resolve(link["parent"], known, named) for link in links)
    return [{"digest": one, "subject": known[one]["subject"]} for one in found if one in known and one != digest]


def best_known(ledger: Ledger) -> dict[str, Row]:
    """The best evaluation of each subject, by digest."""
    query = """SELECT digest, subject, lane, score, passed, status FROM evaluations
               ORDER BY passed, score IS NOT NULL, score, created_at"""
    return ledger.remembered(("best",), lambda: {row["digest"]: row for row in ledger.rows(query, keep=False)})


def _named(ledger: Ledger) -> dict[str, str]:
    """The digest of each subject, by name: the last of `best_known` where several have one name."""
    return ledger.remembered(("named",), lambda: {row["subject"]: one for one, row in best_known(ledger).items()})


def _resolve(parent: str, known: dict[str, Row], named: dict[str, str]) -> str:
    if parent in known:
        return parent
    if parent in named:
        return named[parent]
    if not 8 <= len(parent) < DIGEST:
        return parent
    return next((digest for digest in reversed(known) if digest.startswith(parent)), parent)


def _walk(start: str, edges: dict[str, set[str]], step: int) -> dict[str, int]:
    """Breadth first, so that each subject has its nearest generation; a cycle in declared parents ends the walk."""
    seen, edge = {start: 0}, [start]
    while edge:
        following = []
        for digest in edge:
            for other in sorted(edges.get(digest, ())):
                if other not in seen:
                    seen[other] = seen[digest] + step
                    following.append(other)
        edge = following
    return seen
