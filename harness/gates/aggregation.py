"""Aggregation: the value of an aggregate over the evaluations of a run."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from harness.core.number import readable
from harness.core.pass_rate import pass_all, pass_at
from harness.gates.syntax import PAIRED, RATES, TEXT_COLUMNS, Aggregate, Condition, Row

MAX_NAMED = 3  # cases that one message names
UNJUDGED = ("infra", "skipped", "review", "noisy")  # statuses that say neither passed nor failed


@dataclass(frozen=True, slots=True)
class Value:
    """A number, or None and the reason.

    Attributes:
        notes: The cases it comes from, for the message of a gate that fails.
        low: Node id of the case that makes the number small.
        high: Node id of the case that makes the number large.
    """

    number: float | None
    why: str = ""
    notes: str = ""
    low: str = ""
    high: str = ""


class _UndefinedError(Exception):
    """A condition reads a column that a row lacks."""

    def __init__(self, column: str, row: Row) -> None:
        self.column = column
        super().__init__(f"{row.get('nodeid')} ({row.get('status')}) has no {column}")


@dataclass(frozen=True, slots=True)
class _Strict(Mapping[str, Any]):
    """A row whose missing columns raise, even in `get`: undefined is neither equal nor unequal to a value."""

    row: Row

    def __getitem__(self, column: str) -> Any:
        if column not in self.row:
            raise _UndefinedError(column, self.row)
        return self.row[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.row)

    def __len__(self) -> int:
        return len(self.row)


def _meets(condition: Condition, row: Row) -> bool:
    try:
        return condition(_Strict(row))
    except _UndefinedError as error:
        if row.get("status") == "skipped" and error.column not in TEXT_COLUMNS:
            return False  # a skipped case has no values
        raise


def aggregate(node: Aggregate, rows: Sequence[Row], baselines: Mapping[str, Sequence[Row]]) -> Value:
    """The value of an aggregate.

    Args:
        rows: The evaluations, without controls.
        baselines: Earlier evaluations by the name of their run; the last comparable run has the empty name.
    """
    chosen = [row for row in rows if node.selects(row)]
    if not chosen:
        return Value(None, _nothing(node, rows))
    if node.name in PAIRED:
        return _paired(node, chosen, baselines[node.baseline])
    if node.condition is not None:
        try:
            chosen = [row for row in chosen if _meets(node.condition, row)]
        except _UndefinedError as error:
            return Value(None, str(error))
    if node.name == "count":
        counted = {id(row) for row in chosen}
        chosen.sort(key=lambda row: row.get("status") in UNJUDGED)  # a case that was judged is looked at first
        others = [row for row in rows if node.selects(row) and id(row) not in counted]
        return Value(float(len(chosen)), notes=_names(chosen), low=_nodeid(others), high=_nodeid(chosen))
    if node.name in RATES:
        return _rate(node, [row for row in chosen if row.get("status") not in UNJUDGED])
    judged = [row for row in chosen if row.get("status") != "skipped"]
    if not judged:
        return Value(None, "every case was skipped" if chosen else "no case meets its condition")
    values = []
    for row in judged:
        value = _cell(row, node.column)
        if value is None:
            return Value(None, f"{row.get('nodeid')} ({row.get('status')}) has no {node.column}", low=_nodeid([row]))
        values.append((value, row))
    values.sort(key=lambda pair: pair[0])
    number = _summary(node, [value for value, _ in values])
    if number is None or not math.isfinite(number):
        return Value(None, "the numbers are too large")
    low, high = values[0], values[-1]
    notes = f"lowest: {low[1].get('nodeid')} {readable(low[0])}"
    if node.name == "max":
        notes = f"highest: {high[1].get('nodeid')} {readable(high[0])}"
    notes = f"{len(values)} case{'s' * (len(values) != 1)}; {notes}"
    return Value(number, notes=notes, low=_nodeid([low[1]]), high=_nodeid([high[1]]))


def _summary(node: Aggregate, ordered: list[float]) -> float | None:
    if node.name in ("min", "max"):
        return ordered[0 if node.name == "min" else -1]
    try:
        total = math.fsum(ordered)
    except OverflowError:
        return None
    if node.name in ("sum", "mean"):
        return total if node.name == "sum" else total / len(ordered)
    place = (len(ordered) - 1) * (0.5 if node.name == "median" else node.quantile)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    # Weighted, not `low + (high - low) * k`: the difference of two extreme numbers overflows.
    return ordered[below] * (1 - (place - below)) + ordered[above] * (place - below)


def _rate(node: Aggregate, judged: list[Row]) -> Value:
    if not judged:
        return Value(None, "no candidate was judged")
    estimate = pass_at if node.name == "pass_at" else pass_all
    rates: list[tuple[float, str, list[Row]]] = []
    for suite, group in groupby(sorted(judged, key=_suite), key=_suite):
        found = list(group)
        failed = [row for row in found if not row.get("passed")]
        rate = estimate(node.sample_size, passed=len(found) - len(failed), total=len(found))
        if rate is None:
            few = f"{suite} has {len(found)} judged candidate{'s' * (len(found) != 1)}"
            return Value(None, f"{few}, fewer than {node.sample_size}", low=_nodeid(found))
        rates.append((rate, f"{suite}: {len(found) - len(failed)} of {len(found)} pass", failed))
    _, note, failed = min(rates, key=lambda one: one[0])
    note = note if len(rates) == 1 else f"{len(rates)} suites; lowest: {note}"
    return Value(math.fsum(rate for rate, _, _ in rates) / len(rates), notes=note, low=_nodeid(failed))


def _suite(row: Row) -> str:
    return str(row.get("suite"))


def _paired(node: Aggregate, rows: list[Row], baseline: Sequence[Row]) -> Value:
    before = {row.get("of", row.get("nodeid")): row for row in baseline}
    pairs = [(row, before[row.get("nodeid")]) for row in rows if row.get("nodeid") in before]
    measured = [row for row in rows if row.get("against_parent") is not None]
    if not pairs and not (node.name == "regressions" and measured):
        if node.baseline:
            return Value(None, f"run {node.baseline} judged none of these cases")
        return Value(None, "the ledger has no earlier run of these cases on this machine, tier and epoch")
    unlike = next((f"; not comparable as numbers: {old['differs']}" for _, old in pairs if old.get("differs")), "")
    if node.name == "regressions":
        worse = _regressed(rows, before)
        return Value(float(len(worse)), notes=_names(worse) + unlike, high=_nodeid(worse))
    changes = []
    for row, old in pairs:
        new_value, old_value = _cell(row, node.column), _cell(old, node.column)
        if new_value is not None and old_value is not None:
            changes.append((new_value - old_value, row))
    if not changes:
        return Value(None, f"no case has a {node.column} in both runs")
    total = sum(change for change, _ in changes) / len(changes)
    if not math.isfinite(total):
        return Value(None, "the numbers are too large")
    worst = min(changes, key=lambda pair: pair[0])
    best = max(changes, key=lambda pair: pair[0])
    notes = f"{len(changes)} cases; most lost: {worst[1].get('nodeid')} {worst[0]:+.6g}{unlike}"
    return Value(total, notes=notes, low=_nodeid([worst[1]]), high=_nodeid([best[1]]))


def _regressed(rows: Sequence[Row], before: Mapping[Any, Row]) -> list[Row]:
    worse = [row for row in rows if before.get(row.get("nodeid"), {}).get("passed") and not row.get("passed")]
    return worse + [row for row in rows if row.get("against_parent") == "slower" and row not in worse]


def contributions(node: Aggregate, rows: Sequence[Row], baseline: Sequence[Row]) -> list[tuple[Row, float | None]]:
    """The evaluations that an aggregate is computed from, with their values, undefined and low ones first.

    Args:
        rows: The evaluations, without controls.
        baseline: Earlier evaluations, for `delta` and `regressions`.
    """
    chosen = [row for row in rows if node.selects(row)]
    before = {row.get("of", row.get("nodeid")): row for row in baseline}
    if node.name == "regressions":
        return [(row, None) for row in _regressed(chosen, before)]
    if node.condition is not None and node.name not in PAIRED:
        with contextlib.suppress(_UndefinedError):
            chosen = [row for row in chosen if _meets(node.condition, row)]
    if node.name == "count":
        return [(row, None) for row in chosen]
    unread = UNJUDGED if node.name in RATES else ("skipped",)
    column = "passed" if node.name in RATES else node.column
    found = [(row, _cell(row, column)) for row in chosen if row.get("status") not in unread]
    if node.name == "delta":
        olds = {id(row): _cell(before.get(row.get("nodeid"), {}), column) for row, _ in found}
        found = [(row, v - old) for row, v in found if v is not None and (old := olds[id(row)]) is not None]
    return sorted(found, key=lambda pair: (pair[1] is not None, pair[1] or 0.0))


def _cell(row: Row, column: str) -> float | None:
    try:
        value = float(row[column])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _nodeid(rows: list[Row]) -> str:
    return str(rows[0].get("nodeid", "")) if rows else ""


def _names(rows: list[Row]) -> str:
    names = [str(row.get("nodeid")) for row in rows[:MAX_NAMED]]
    return ", ".join([*names, *(["..."] if len(rows) > MAX_NAMED else [])])


def _nothing(node: Aggregate, rows: Sequence[Row]) -> str:
    if not rows:
        return "no case was judged"
    for name, wanted in (("lane", node.lane), ("suite", node.suite), ("subject", node.subject)):
        known = sorted({str(row.get(name)) for row in rows})
        if wanted is not None and not any(node.matches(name, row) for row in rows):
            return f"no case has {name} {wanted!r}; there are {', '.join(known[:MAX_NAMED])}" + (
                ", ..." if len(known) > MAX_NAMED else ""
            )
    return "no case matches all of its selectors"
