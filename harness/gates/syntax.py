"""Gate syntax: the vocabulary of `--gate`, its tokens and the nodes of its syntax tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

Row = Mapping[str, Any]
Condition = Callable[[Row], bool]

LANES = ("toolgen", "spec", "dsl", "kernel")
COMPONENTS = ("correctness", "safety", "performance", "robustness", "documentation")
NUMBERS = (
    *("score", "passed", "stability", "stability_bound", "hash_seeds", "confirmed", "median_ms", "peak_mb", "seconds"),
    *("attempts", "epoch", *COMPONENTS),
)
TEXTS = (
    *("nodeid", "lane", "suite", "subject", "cohort", "digest", "status", "why", "tier", "style", "style_detected"),
    "machine",
)
RATES = ("pass_at", "pass_all")
AGGREGATES = ("mean", "median", "min", "max", "sum", "quantile", "count", *RATES, "delta", "regressions")
SELECTORS = ("suite", "subject")
RELATIONS = (">=", "<=", "==", "!=", ">", "<")

SPACE = re.compile(r"\s*", re.ASCII)
TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<string>"[^"]*"|'[^']*')
    |(?P<symbol>>=|<=|==|!=|[<>+\-*/().,])
    |(?P<end>$))""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Something computed from the rows that its selectors choose."""

    name: str
    column: str
    text: str
    quantile: float = 0.5
    condition: Condition | None = None
    lane: str | None = None
    suite: str | None = None
    subject: str | None = None
    drawn: int = 1
    """How many candidates `pass_at` and `pass_all` draw."""
    baseline: str = ""
    """The run that `delta` and `regressions` compare with; the last comparable one if none is named."""

    def matches(self, selector: str, row: Row) -> bool:
        """Whether one selector lets a row through."""
        wanted, value = getattr(self, selector), str(row.get(selector))
        if wanted is None or value == wanted:
            return True
        if selector == "lane":
            return False
        names = (value, value.rpartition("/")[2], value.rpartition("/")[2].removesuffix(".suite.yaml"))
        return any(fnmatchcase(name, wanted) for name in names)

    def selects(self, row: Row) -> bool:
        """Whether all selectors let a row through."""
        return all(self.matches(selector, row) for selector in ("lane", *SELECTORS))


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers joined."""

    operator: str
    left: Node
    right: Node
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two numbers compared."""

    relation: str
    left: Node
    right: Node
    text: str


@dataclass(frozen=True, slots=True)
class Logic:
    """Two truths joined by `and` or `or`."""

    word: str
    left: Truth
    right: Truth
    text: str


@dataclass(frozen=True, slots=True)
class Negation:
    """`not` a truth."""

    operand: Truth
    text: str


Node = Number | Aggregate | Arithmetic
Truth = Comparison | Logic | Negation


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text; `start` and `end` are offsets into it."""

    kind: str
    text: str
    start: int
    end: int


def baselines(node: Truth | Node) -> dict[str, Aggregate]:
    """The runs that a gate names, each with the aggregate that does."""
    if isinstance(node, Aggregate):
        return {node.baseline: node} if node.baseline else {}
    if isinstance(node, Negation):
        return baselines(node.operand)
    if isinstance(node, Arithmetic | Comparison | Logic):
        return baselines(node.left) | baselines(node.right)
    return {}
