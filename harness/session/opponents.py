"""Opponents: the subjects that each timed case of a run is compared with, found before any case runs."""

from __future__ import annotations

from collections.abc import Mapping

from harness.core.case import Case, Subject
from harness.core.errors import LedgerError
from harness.core.opponent import Opponent
from harness.ledger import queries
from harness.ledger.store import Ledger


def opponents_of(cases: Mapping[str, Case], ledger: Ledger) -> dict[str, tuple[Opponent, ...]]:
    """For each timed case its declared parents and the champion of its suite, by node id; controls have none.

    The file of an opponent is not opened here; its digest is checked when it is used.

    Args:
        ledger: Has the champions of earlier runs, and parents that are not in this run.
    """
    timed = {nodeid: case for nodeid, case in cases.items() if case.timed and case.policy.expect is None}
    if not timed:
        return {}
    # A leader is an opponent whether it is confirmed or not.
    leaders = queries.leaders(ledger, unconfirmed=True)
    champions = {place: _subject(ledger, row) for place, row in leaders.items()}
    here = {
        (case.lane, case.suite, key): case.subject
        for case in cases.values()
        for key in (case.subject.name, case.subject.digest)
    }
    found: dict[str, tuple[Opponent, ...]] = {}
    for nodeid, case in timed.items():
        place = (case.lane, case.suite)
        opponents = [
            Opponent(role="parent", subject=parent)
            for name in case.subject.parents
            if (parent := here.get((*place, name)) or _known(ledger, *place, name)) is not None
        ]
        champion = champions.get(place)
        if champion is not None:
            opponents.append(Opponent(role="champion", subject=champion))
        # A champion that is also a parent is measured once, as the parent.
        distinct = {one.subject.digest: one for one in reversed(opponents) if one.subject.digest != case.subject.digest}
        if distinct:
            found[nodeid] = tuple(reversed(distinct.values()))
    return found


def _known(ledger: Ledger, lane: str, suite: str, name: str) -> Subject | None:
    try:
        rows = queries.find(ledger, name)
    except LedgerError:
        return None
    row = next((row for row in rows if (row["lane"], row["suite"]) == (lane, suite)), None)
    return None if row is None else _subject(ledger, row)


def _subject(ledger: Ledger, row: queries.Row) -> Subject:
    return queries.load(ledger, row["run_id"], row["nodeid"]).case.subject
