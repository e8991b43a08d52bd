"""Gate syntax: the vocabulary of `--gate` and the nodes of its syntax tree."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

Row = Mapping[str, Any]
Condition = Callable[[Row], bool]

LANES = ("toolgen", "spec", "dsl", "kernel")
COMPONENTS = ("correctness", "safety", "performance", "robustness", "documentation")
NUMBER_COLUMNS = (
    *("score", "passed", "stability", "stability_bound", "hash_seeds", "confirmed", "median_ms", "peak_mb", "seconds"),
    *("attempts", "epoch", *COMPONENTS),
)
TEXT_COLUMNS = (
    *("nodeid", "lane", "suite", "subject", "cohort", "digest", "status", "why", "tier", "style", "style_detected"),
    "machine",
)
RATES = ("pass_at", "pass_all")
PAIRED = ("delta", "regressions")  # with an earlier run
OF_VALUES = ("mean", "median", "min", "max", "quantile", "delta")  # between the smallest and the largest value
AGGREGATES = ("mean", "median", "min", "max", "sum", "quantile", "count", *RATES, *PAIRED)
SELECTORS = ("suite", "subject")
RELATIONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number literal."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A number computed from the rows that its selectors choose.

    Attributes:
        sample_size: k of `pass_at` and `pass_all`.
        baseline: The run that `delta` and `regressions` compare with; the last comparable one if empty.
    """

    name: str
    column: str
    text: str
    quantile: float = 0.5
    condition: Condition | None = None
    lane: str | None = None
    suite: str | None = None
    subject: str | None = None
    sample_size: int = 1
    baseline: str = ""

    def matches(self, selector: str, row: Row) -> bool:
        """Whether a row meets one selector."""
        wanted, value = getattr(self, selector), str(row.get(selector))
        if wanted is None or value == wanted:
            return True
        if selector == "lane":
            return False
        names = (value, value.rpartition("/")[2], value.rpartition("/")[2].removesuffix(".suite.yaml"))
        return any(fnmatchcase(name, wanted) for name in names)

    def selects(self, row: Row) -> bool:
        """Whether a row meets all selectors."""
        return all(self.matches(selector, row) for selector in ("lane", *SELECTORS))


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers and one of + - * /."""

    operator: str
    left: Node
    right: Node
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of two numeric expressions."""

    relation: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """Two comparisons joined by `and` or `or`."""

    word: str
    left: Truth
    right: Truth


@dataclass(frozen=True, slots=True)
class Negation:
    """The negation of a comparison."""

    operand: Truth


Node = Number | Aggregate | Arithmetic
Truth = Comparison | Logic | Negation


def aggregates(node: Truth | Node) -> list[Aggregate]:
    """The aggregates of a gate, from left to right."""
    if isinstance(node, Aggregate):
        return [node]
    if isinstance(node, Negation):
        return aggregates(node.operand)
    if isinstance(node, Arithmetic | Comparison | Logic):
        return aggregates(node.left) + aggregates(node.right)
    return []


def baselines(node: Truth | Node) -> dict[str, Aggregate]:
    """The runs that a gate names, each with the last aggregate that names it."""
    return {one.baseline: one for one in aggregates(node) if one.baseline}
