"""Gate expression: the language of `--gate`, e.g. `toolgen.mean(score) >= 0.8 and regressions == 0`.

A gate compares arithmetic over aggregates: ``[lane.][suite("name").][subject("name").]aggregate(column)``.

* Aggregates: `mean`, `median`, `min`, `max`, `sum` of a column, `quantile(column, q)`, `count(condition)`; all take a
  condition as their last argument: `max(median_ms, status == "ok")`. `pass_at(k)` and `pass_all(k)` are the
  probabilities that at least one, or each, of k candidates passes, as means over suites. A condition restricts them to
  one group of candidates: `pass_at(5, cohort == "mine")`. `delta(column)` is the mean change since the last comparable
  run, `regressions` the number of cases that passed there and do not now, or that paired timing found slower than the
  parent they derive from. `delta(column, "RUN")` and `regressions("RUN")` compare with a run by its id, a part of it,
  `latest` or `latest~N`.
* Columns are those of the ledger's `evaluations`; a component of a score is named in quotes: `min("correctness")`.
* Skipped cases have no values; they only count in `count`. Controls never count.
* What is undefined (nothing to aggregate, a missing value, an absent column, a division by zero) fails the gate.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from harness.core.gate import GateResult
from harness.core.number import readable
from harness.gates.aggregation import MAX_NAMED, Value, aggregate, contributions
from harness.gates.parser import parse
from harness.gates.syntax import (
    OF_VALUES,
    RELATIONS,
    Aggregate,
    Arithmetic,
    Comparison,
    Negation,
    Node,
    Number,
    Row,
    Truth,
    aggregates,
)


@dataclass(frozen=True, slots=True)
class GateExpression:
    """A gate that parsed.

    Attributes:
        text: The gate as it was written, with single spaces.
    """

    text: str
    root: Truth


def parse_gate(text: str, *, lanes: Collection[str] | None = None) -> GateExpression:
    """Parse a gate.

    Args:
        lanes: The known lanes; without them any lane is accepted unless it looks like a misspelt built-in one.

    Raises:
        UsageError: with a caret below the place, and a hint.
    """
    return GateExpression(text=" ".join(text.split()), root=parse(text, lanes=lanes))


def evaluate_gate(
    expression: GateExpression,
    rows: Sequence[Row],
    *,
    baseline: Sequence[Row] | None = None,
    named: Mapping[str, Sequence[Row]] | None = None,
) -> GateResult:
    """Evaluate a gate on the evaluations of a run.

    Args:
        rows: Evaluations with the columns of the ledger.
        baseline: For `delta` and `regressions`: earlier rows, as `queries.baseline` returns them.
    """
    scope = _Scope([row for row in rows if not _is_control(row)], {"": baseline or (), **(named or {})})
    leaves: list[_Leaf] = []
    verdict = _truth(expression.root, scope, leaves)
    # The decisive comparison comes first: one that fails if the gate fails, else the first.
    decisive = [leaf for leaf in leaves if leaf.holds is not True] if verdict is not True else leaves
    chosen = (decisive or leaves)[0]
    return GateResult(
        name=expression.text,
        observed=chosen.observed,
        threshold=chosen.threshold,
        passed=verdict is True,
        why="; ".join(leaf.why for leaf in (decisive or leaves)[:MAX_NAMED]),
        nodeid="" if verdict is True else chosen.nodeid,
    )


def measured_cases(
    expression: GateExpression, rows: Sequence[Row], *, baselines: Mapping[str, Sequence[Row]]
) -> list[tuple[Row, float | None]]:
    """The evaluations that decide a gate, each once, with the values that it reads, undefined and low ones first.

    Args:
        rows: As for `evaluate_gate`.
        baselines: Earlier rows by the name of their run; the empty name is the last comparable run.
    """
    judged = [row for row in rows if not _is_control(row)]
    found: dict[str, tuple[Row, float | None]] = {}
    for node in aggregates(expression.root):
        for row, value in contributions(node, judged, baselines.get(node.baseline, ())):
            found.setdefault(str(row.get("nodeid")), (row, value))
    return list(found.values())


def bound_of_a_case(expression: GateExpression) -> tuple[str, float] | None:
    """Relation and bound that a gate on one aggregate of values sets for each of them; None for other gates."""
    if not isinstance(expression.root, Comparison):
        return None
    left, right, relation = _observed_first(expression.root)
    if not (isinstance(left, Aggregate) and left.name in OF_VALUES and _constant(right)):
        return None
    bound = _number(right, _Scope([], {})).number
    return None if bound is None else (relation, bound)


@dataclass(frozen=True, slots=True)
class _Scope:
    rows: list[Row]
    baselines: Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """The result of one comparison; `holds` is None where a side is undefined."""

    holds: bool | None
    observed: float | None
    threshold: float
    why: str
    nodeid: str = ""


def _is_control(row: Row) -> bool:
    # `expected` is the status a control must have; a plugin's own rows may say `planted` instead.
    return bool(row.get("planted")) or isinstance(row.get("expected"), str)


def _truth(node: Truth, scope: _Scope, leaves: list[_Leaf]) -> bool | None:
    """Kleene's three-valued logic: an undefined value never makes a gate pass, not even under `not`."""
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


MIRRORED = {">=": "<=", "<=": ">=", ">": "<", "<": ">", "==": "==", "!=": "!="}


def _observed_first(node: Comparison) -> tuple[Node, Node, str]:
    """The sides of a comparison, turned for `0.8 <= mean(score)`: observed is what the run decides."""
    if _constant(node.left) and not _constant(node.right):
        return node.right, node.left, MIRRORED[node.relation]
    return node.left, node.right, node.relation


def _compare(node: Comparison, scope: _Scope) -> _Leaf:
    left, right, relation = _observed_first(node)
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
    number = readable(observed.number, threshold=bound)
    why = f"{left.text} is {number}, {'as' if holds else 'but'} needed {relation} {shown}"
    too_large = relation in ("<", "<=") or (relation == "==" and observed.number > bound)
    culprit = observed.high if too_large else observed.low
    return _Leaf(
        holds, observed.number, bound, why if holds or not observed.notes else f"{why} ({observed.notes})", culprit
    )


def _constant(node: Node) -> bool:
    if isinstance(node, Arithmetic):
        return all(_constant(part) for part in (node.left, node.right))
    return isinstance(node, Number)


def _number(node: Node, scope: _Scope) -> Value:
    if isinstance(node, Number):
        return Value(node.value)
    if isinstance(node, Aggregate):
        return aggregate(node, scope.rows, scope.baselines)
    left, right = _number(node.left, scope), _number(node.right, scope)
    for side in (left, right):
        if side.number is None:
            return side
    a, b = left.number or 0.0, right.number or 0.0
    if node.operator == "/" and b == 0:
        return Value(None, f"{node.right.text} is 0 and cannot be a divisor")
    result = {"+": a + b, "-": a - b, "*": a * b}[node.operator] if node.operator != "/" else a / b
    if not math.isfinite(result):
        return Value(None, f"{node.text} is too large")
    first = left if left.notes else right
    return Value(result, notes=first.notes, low=first.low, high=first.high)
