"""Urgency: the one order in which cases get room, on the terminal, in the step summary and on the page.

Nothing that failed is cut: it comes first, and controls that are as expected come last.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, TypeVar

from harness.ledger import queries
from harness.ledger.store import Ledger

Row = dict[str, Any]
T = TypeVar("T")

WORD = re.compile(r"[\w.-]+")
CHANGE = 0.0005  # of a score: what three digits can show


class Urgency(IntEnum):
    """The order in which cases get room."""

    FAILING = 0
    """Not as its suite expects."""
    UNCONFIRMED = 1
    """It leads its suite, but is not confirmed."""
    CHANGED = 2
    """Its verdict, score or content differs from the last comparable run, or it is new."""
    LEADER = 3
    """It leads its suite."""
    OTHER = 4
    CONTROL = 5
    """A control with the expected verdict."""


def failed(row: Row) -> bool:
    """Whether a row fails the run: it is not as its suite expects, and its status is not neutral."""
    return not row["as_expected"] and not row["neutral"]


def urgency(row: Row, delta: Row | None, *, new: bool, leads: bool) -> Urgency:
    """The urgency of one evaluation.

    Args:
        row: Its columns in the ledger.
        delta: Its change since the last comparable run (`queries.deltas`); None if that run did not judge it.
        new: Whether there is such a run that did not judge this case.
        leads: Whether it is the first of its suite.
    """
    if failed(row):
        return Urgency.FAILING
    if row["expected"] is not None and row["as_expected"]:
        return Urgency.CONTROL
    if leads and row["confirmed"] == 0:
        return Urgency.UNCONFIRMED
    if new or has_changed(row, delta):
        return Urgency.CHANGED
    return Urgency.LEADER if leads else Urgency.OTHER


def causes_raised(cases: Sequence[T], row: Callable[[T], Row]) -> list[T]:
    """Cases in their order, but a failing case whose reason names another one of its suite comes after that one."""
    known = {row(case)["nodeid"].partition("::")[::2]: case for case in cases if failed(row(case))}
    by_suite: dict[str, dict[str, T]] = defaultdict(dict)
    for (suite, name), case in known.items():
        by_suite[suite][name.rpartition("::")[2]] = case
    found: dict[str, T] = {}

    def add(case: T, waiting: frozenset[str]) -> None:
        nodeid = row(case)["nodeid"]
        if nodeid in found or nodeid in waiting:
            return
        others = by_suite.get(nodeid.partition("::")[0], {}) if failed(row(case)) else {}
        for word in WORD.findall(row(case)["why"]) if len(others) > 1 else ():
            if word in others:
                add(others[word], waiting | {nodeid})
        found[nodeid] = case

    for case in cases:
        add(case, frozenset())
    return list(found.values())


def causes_first(cases: Sequence[T], row: Callable[[T], Row]) -> list[T]:
    """Failing cases with each suite's in the order of cause and effect.

    A case whose reason names another failing case of its suite, as the success of a program names a step, comes after
    those that name none. The order of the suites stays.
    """
    failing: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        suite, _, name = row(case)["nodeid"].partition("::")
        failing[suite].add(name.rpartition("::")[2])
    order = {suite: number for number, suite in enumerate(failing)}

    def place(case: T) -> tuple[int, bool]:
        suite, _, name = row(case)["nodeid"].partition("::")
        others = failing[suite] - {name.rpartition("::")[2]}
        return order[suite], not others.isdisjoint(WORD.findall(row(case)["why"]))

    return sorted(cases, key=place)


def urgencies(ledger: Ledger, run_id: str) -> dict[str, Urgency]:
    """The urgency of each evaluation of a run, by node id, in the order in which they get room."""
    changes = queries.deltas(ledger, run_id)
    first = {contest[0][1]["nodeid"] for contest in queries.contests(ledger, run_id).values()}
    found = {
        row["nodeid"]: urgency(
            row,
            changes.get(row["nodeid"]),
            new=bool(changes) and row["nodeid"] not in changes,
            leads=row["nodeid"] in first,
        )
        for row in queries.evaluations(ledger, run_id)
    }
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def has_changed(row: Row, delta: Row | None) -> bool:
    """Whether verdict, score or content differs from the last comparable run; False if that run did not judge it."""
    if delta is None:
        return False
    same = delta["same_digest"] and delta["status_before"] == row["status"]
    moved = delta["score"] is not None and abs(delta["score"]) >= CHANGE
    return not same or moved or delta["passed_before"] != bool(row["passed"])
