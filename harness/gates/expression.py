"""Gating: the language of `--gate`, e.g. `toolgen.mean(score) >= 0.8 and regressions == 0`.

A gate compares arithmetic over aggregates: ``[lane.][suite("name").][subject("name").]aggregate(column)``.

* Aggregates: `mean`, `median`, `min`, `max`, `sum` of a column, `quantile(column, q)`, `count(condition)`; all take a
  condition as their last argument: `max(median_ms, status == "ok")`. `delta(column)` is the mean change against the
  last comparable run, `regressions` the number of cases that passed there and do not now, or that paired timing found
  slower than the parent they were derived from; `delta(column, "RUN")` and `regressions("RUN")` compare with a run by
  its id, a part of it, `latest` or `latest~N`.
* Columns are those of the ledger's `evaluations`; a component of a score is named in quotes: `min("correctness")`.
* Skipped cases have no values; they only count in `count`. Planted controls never count.
* What is undefined (nothing to aggregate, a missing value, an absent column, a division by zero) fails the gate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.gate import GateResult
from harness.gates.parsing import parse
from harness.gates.syntax import TEXTS, Aggregate, Arithmetic, Comparison, Condition, Negation, Node, Number, Row, Truth

NAMED = 3  # cases a sentence names
PAIRED = ("delta", "regressions")


@dataclass(frozen=True, slots=True)
class GateExpression:
    """A gate that parsed.

    Attributes:
        text: As it was written.
        root: Its syntax tree.
    """

    text: str
    root: Truth


def parse_gate(text: str, *, lanes: Collection[str] | None = None) -> GateExpression:
    """Parse a gate.

    Args:
        text: What the user wrote.
        lanes: The lanes there are; without them a lane is accepted unless it looks like a misspelt built-in one.

    Raises:
        UsageError: with the place marked and a hint.
    """
    return GateExpression(text=" ".join(text.split()), root=parse(text, lanes=lanes))


def hold_gate(
    expression: GateExpression,
    rows: Sequence[Row],
    *,
    baseline: Sequence[Row] | None = None,
    named: Mapping[str, Sequence[Row]] | None = None,
) -> GateResult:
    """Hold a gate against the evaluations of a run.

    Args:
        expression: The gate.
        rows: Evaluations with the columns of the ledger.
        baseline: For `delta` and `regressions`: earlier rows, as `queries.baseline` gives them.
        named: The same of the runs that gates name, by these names.
    """
    scope = _Scope([row for row in rows if not _planted(row)], {"": baseline or (), **(named or {})})
    leaves: list[_Leaf] = []
    verdict = _truth(expression.root, scope, leaves)
    # The comparison that decides comes first: one that fails if the gate does, else the first.
    decisive = [leaf for leaf in leaves if leaf.holds is not True] if verdict is not True else leaves
    chosen = (decisive or leaves)[0]
    return GateResult(
        name=expression.text,
        observed=chosen.observed,
        threshold=chosen.threshold,
        passed=verdict is True,
        why="; ".join(leaf.why for leaf in (decisive or leaves)[:NAMED]),
        nodeid="" if verdict is True else chosen.nodeid,
    )


@dataclass(frozen=True, slots=True)
class _Scope:
    rows: list[Row]
    baselines: Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One comparison as it turned out; `holds` is None where a side is undefined."""

    holds: bool | None
    observed: float | None
    threshold: float
    why: str
    nodeid: str = ""


@dataclass(frozen=True, slots=True)
class _Value:
    """A number, or None and the reason; `notes` are the cases behind it, `low` and `high` who pull it there."""

    number: float | None
    why: str = ""
    notes: str = ""
    low: str = ""
    high: str = ""


def _planted(row: Row) -> bool:
    # `expected` is the status a control must have; a plugin's own rows may say `planted` instead.
    return bool(row.get("planted")) or isinstance(row.get("expected"), str)


def _truth(node: Truth, scope: _Scope, leaves: list[_Leaf]) -> bool | None:
    """Kleene's three values: what is undefined never helps a gate to hold, not even under `not`."""
    if isinstance(node, Comparison):
        leaf = _compare(node, scope)
        leaves.append(leaf)
        return leaf.holds
    if isinstance(node, Negation):
        inner: list[_Leaf] = []
        value = _truth(node.operand, scope, inner)
        verdict = None if value is None else not value
        leaves += [_Leaf(verdict, leaf.observed, leaf.threshold, f"not ({leaf.why})", leaf.nodeid) for leaf in inner]
        return verdict
    left, right = _truth(node.left, scope, leaves), _truth(node.right, scope, leaves)
    decisive = node.word == "or"
    if decisive in (left, right):
        return decisive
    return None if None in (left, right) else not decisive


RELATIONS: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
MIRRORED = {">=": "<=", "<=": ">=", ">": "<", "<": ">", "==": "==", "!=": "!="}


def _compare(node: Comparison, scope: _Scope) -> _Leaf:
    left, right, relation = node.left, node.right, node.relation
    if _constant(left) and not _constant(right):  # `0.8 <= mean(score)`: observed is what the run decides
        left, right, relation = right, left, MIRRORED[relation]
    observed, threshold = _number(left, scope), _number(right, scope)
    bound = 0.0 if threshold.number is None else threshold.number
    if observed.number is None or threshold.number is None:
        missing = observed.number is None
        side, why = (left, observed.why) if missing else (right, threshold.why)
        needed = "" if threshold.number is None else f", needed {relation} {bound:g}"
        culprit = observed.low if missing else threshold.low
        return _Leaf(None, observed.number, bound, f"{side.text} is undefined{needed}: {why}", culprit)
    holds = RELATIONS[relation](observed.number, bound)
    shown = f"{bound:.6g}" if _constant(right) else f"{right.text} ({bound:.6g})"
    why = f"{left.text} is {observed.number:.6g}, {'as' if holds else 'but'} needed {relation} {shown}"
    too_large = relation in ("<", "<=") or (relation == "==" and observed.number > bound)
    culprit = observed.high if too_large else observed.low
    return _Leaf(
        holds, observed.number, bound, why if holds or not observed.notes else f"{why} ({observed.notes})", culprit
    )


def _constant(node: Node) -> bool:
    if isinstance(node, Arithmetic):
        return all(_constant(part) for part in (node.left, node.right))
    return isinstance(node, Number)


def _number(node: Node, scope: _Scope) -> _Value:
    if isinstance(node, Number):
        return _Value(node.value)
    if isinstance(node, Aggregate):
        return _aggregate(node, scope)
    left, right = _number(node.left, scope), _number(node.right, scope)
    for side in (left, right):
        if side.number is None:
            return side
    a, b = left.number or 0.0, right.number or 0.0
    if node.operator == "/" and b == 0:
        return _Value(None, f"{node.right.text} is 0 and nothing can be divided by it")
    result = {"+": a + b, "-": a - b, "*": a * b}[node.operator] if node.operator != "/" else a / b
    if not math.isfinite(result):
        return _Value(None, f"{node.text} is too large")
    first = left if left.notes else right
    return _Value(result, notes=first.notes, low=first.low, high=first.high)


# Aggregates


class _UndefinedError(Exception):
    """A condition asks for a column that a row lacks."""

    def __init__(self, column: str, row: Row) -> None:
        self.column = column
        super().__init__(f"{row.get('nodeid')} ({row.get('status')}) has no {column}")


@dataclass(frozen=True, slots=True)
class _Strict(Mapping[str, Any]):
    """A row whose missing columns are undefined, even to `get`: neither equal nor unequal to anything."""

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
        if row.get("status") == "skipped" and error.column not in TEXTS:
            return False  # it has no values, as everybody knows
        raise


def _aggregate(node: Aggregate, scope: _Scope) -> _Value:
    chosen = [row for row in scope.rows if node.selects(row)]
    if not chosen:
        return _Value(None, _nothing(node, scope.rows))
    if node.name in PAIRED:
        return _paired(node, chosen, scope.baselines[node.baseline])
    if node.condition is not None:
        try:
            chosen = [row for row in chosen if _meets(node.condition, row)]
        except _UndefinedError as error:
            return _Value(None, str(error))
    if node.name == "count":
        counted = {id(row) for row in chosen}
        others = [row for row in scope.rows if node.selects(row) and id(row) not in counted]
        return _Value(float(len(chosen)), notes=_names(chosen), low=_nodeid(others), high=_nodeid(chosen))
    judged = [row for row in chosen if row.get("status") != "skipped"]
    if not judged:
        return _Value(None, "every case was skipped" if chosen else "no case meets its condition")
    values = []
    for row in judged:
        value = _cell(row, node.column)
        if value is None:
            return _Value(None, f"{row.get('nodeid')} ({row.get('status')}) has no {node.column}", low=_nodeid([row]))
        values.append((value, row))
    values.sort(key=lambda pair: pair[0])
    number = _summary(node, [value for value, _ in values])
    if number is None or not math.isfinite(number):
        return _Value(None, "the numbers are too large")
    low, high = values[0], values[-1]
    notes = f"lowest: {low[1].get('nodeid')} {low[0]:.6g}"
    if node.name == "max":
        notes = f"highest: {high[1].get('nodeid')} {high[0]:.6g}"
    notes = f"{len(values)} case{'s' * (len(values) != 1)}; {notes}"
    return _Value(number, notes=notes, low=_nodeid([low[1]]), high=_nodeid([high[1]]))


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


def _paired(node: Aggregate, rows: list[Row], baseline: Sequence[Row]) -> _Value:
    before = {row.get("of", row.get("nodeid")): row for row in baseline}
    pairs = [(row, before[row.get("nodeid")]) for row in rows if row.get("nodeid") in before]
    measured = [row for row in rows if row.get("beside_parent") is not None and row.get("expected") is None]
    if not pairs and not (node.name == "regressions" and measured):
        if node.baseline:
            return _Value(None, f"run {node.baseline} has none of these cases")
        return _Value(None, "the ledger has no earlier run of these cases on this machine, tier and epoch")
    unlike = next((f"; not comparable as numbers: {old['differs']}" for _, old in pairs if old.get("differs")), "")
    if node.name == "regressions":
        worse = [row for row, old in pairs if old.get("passed") and not row.get("passed")]
        worse += [row for row in measured if row["beside_parent"] == "slower" and row not in worse]
        return _Value(float(len(worse)), notes=_names(worse) + unlike, high=_nodeid(worse))
    changes = []
    for row, old in pairs:
        new_value, old_value = _cell(row, node.column), _cell(old, node.column)
        if new_value is not None and old_value is not None:
            changes.append((new_value - old_value, row))
    if not changes:
        return _Value(None, f"no case has a {node.column} in both runs")
    total = sum(change for change, _ in changes) / len(changes)
    if not math.isfinite(total):
        return _Value(None, "the numbers are too large")
    worst = min(changes, key=lambda pair: pair[0])
    best = max(changes, key=lambda pair: pair[0])
    notes = f"{len(changes)} cases; most lost: {worst[1].get('nodeid')} {worst[0]:+.6g}{unlike}"
    return _Value(total, notes=notes, low=_nodeid([worst[1]]), high=_nodeid([best[1]]))


def _cell(row: Row, column: str) -> float | None:
    try:
        value = float(row[column])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _nodeid(rows: list[Row]) -> str:
    return str(rows[0].get("nodeid", "")) if rows else ""


def _names(rows: list[Row]) -> str:
    names = [str(row.get("nodeid")) for row in rows[:NAMED]]
    return ", ".join([*names, *(["..."] if len(rows) > NAMED else [])])


def _nothing(node: Aggregate, rows: list[Row]) -> str:
    if not rows:
        return "no case was judged"
    for name, wanted in (("lane", node.lane), ("suite", node.suite), ("subject", node.subject)):
        known = sorted({str(row.get(name)) for row in rows})
        if wanted is not None and not any(node.matches(name, row) for row in rows):
            return f"no case has {name} {wanted!r}; there are {', '.join(known[:NAMED])}" + (
                ", ..." if len(known) > NAMED else ""
            )
    return "no case matches all of its selectors"
