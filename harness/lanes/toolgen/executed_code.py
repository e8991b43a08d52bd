"""Executed code: the part of a candidate that was executed, so that dead code and decoys earn nothing."""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from harness.lanes.toolgen.performance import Workload
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.questions import Questions
from harness.lanes.toolgen.syntax_walk import descendants
from harness.sandbox.answer import Answer
from harness.sandbox.awaited_box import ask, opened
from harness.sandbox.codec import CodecError, decode
from harness.sandbox.fault import BoxFault
from harness.sandbox.pool import BoxPool
from harness.sandbox.wire import COUNT_LINES

MIN_LOOP_SHARE = 0.02  # of all executed lines; a loop below it does not do the work
TRACED_QUESTIONS = 6  # for which lines are counted
MIN_GROWTH = 1.1  # of the executions of a loop from the smallest workload to one of four times its size, as log n has
TRACED_SLOWER = 10.0  # times as long as a limit is a call whose lines are counted
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS = (ast.For, ast.While, ast.AsyncFor)
_INNER_LOOPS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)


@dataclass(frozen=True, slots=True)
class Executed:
    """How often each line was executed, by 1-based line; the negative of a line counts calls (see `shim`).

    Attributes:
        ordinary: For the largest ordinary questions.
        small: For the smallest workload; empty like `large` where there is none.
        large: For the largest workload but one: tracing the largest took two thirds of the time of a slow candidate.
        asked: Number of ordinary questions.
    """

    ordinary: Mapping[int, int]
    small: Mapping[int, int]
    large: Mapping[int, int]
    asked: int = 0

    def to_wire(self) -> list[Any]:
        """The counts as JSON."""
        return [[list(counts.items()) for counts in (self.ordinary, self.small, self.large)], self.asked]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> Executed:
        """The counts that `to_wire` made."""
        counts, asked = wire
        ordinary, small, large = map(dict, counts)
        return cls(ordinary, small, large, asked)

    def calls(self, line: int) -> bool:
        """Whether most ordinary questions call the function that begins in a line."""
        return 2 * self.ordinary.get(-line, 0) > self.asked

    def repeats(self, tree: ast.Module) -> frozenset[str]:
        """The names of the functions that are called more often for larger inputs, as a recursive one is."""
        return frozenset(
            one.name for one in descendants(tree) if isinstance(one, _FUNCTIONS) and self._grows(-first_line(one))
        )

    def _grows(self, line: int) -> bool:
        if self.large:
            return self.large.get(line, 0) > MIN_GROWTH * self.small.get(line, 0)
        return self.ordinary.get(line, 0) > self.asked


def first_line(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The line in which a function begins for the interpreter: that of its first decorator, if it has one."""
    return min([function.lineno, *(one.lineno for one in function.decorator_list)])


async def count_lines(pool: BoxPool, questions: Questions, plan: Plan, workloads: Sequence[Workload]) -> Executed:
    """How often each line is executed; all is empty if a box does not say.

    Raises:
        InfraError: if no box can be opened.
    """
    asked = sorted((one.key for one in questions.shared if one.origin != "edge"), key=len)[-TRACED_QUESTIONS:]
    sizes = [workloads[0].questions[0].key, workloads[-2:][0].questions[0].key] if workloads else []
    ordinary, small, large = counts = [Counter[int](), Counter[int](), Counter[int]()]
    limits = replace(plan.limits, call_seconds=plan.limits.call_seconds * TRACED_SLOWER)
    entry = plan.entry_for(plan.imports, COUNT_LINES)
    try:
        with await opened(pool, plan.source, entry=entry, limits=limits, hash_seed=plan.hash_seeds[0]) as box:
            for part, key in (*((0, key) for key in asked), *enumerate(sizes, start=1)):
                counts[part].update(line_counts(await ask(pool, box, key)))
    except BoxFault:
        return Executed({}, {}, {})
    return Executed(ordinary, small, large, asked=len(asked))


def line_counts(answer: Answer) -> dict[int, int]:
    """The executions by line that a box answered under the rule `lines`; empty if it answered anything else."""
    try:
        pairs = decode(answer.payload) if answer.kind == "value" else []
    except CodecError:
        return {}
    is_plain = isinstance(pairs, list) and all(isinstance(one, list) and len(one) == 2 for one in pairs)
    return {line: count for line, count in pairs if type(line) is type(count) is int and count > 0} if is_plain else {}


def keep_executed(tree: ast.Module, counts: Executed) -> ast.Module:
    """A syntax tree without the statements of functions that were not executed, and without loops that did little.

    A loop did little if it is a small share of what was executed, or if a larger input does not make it longer. The
    latter holds for a statement with an inner loop, too. The nodes of the given tree are changed.
    """
    ordinary, small, large = (_Sums(part) for part in (counts.ordinary, counts.small, counts.large))

    def is_kept(node: ast.stmt) -> bool:
        times = ordinary.within(node)
        if isinstance(node, _FUNCTIONS):
            return any(map(ordinary.within, node.body))
        is_loop = isinstance(node, _LOOPS)
        if times <= (MIN_LOOP_SHARE * ordinary.total if is_loop else 0):
            return False
        if not large.total or not (is_loop or (not hasattr(node, "body") and has_inner_loop(node))):
            return True
        return large.within(node) > MIN_GROWTH * small.within(node)

    def has_inner_loop(node: ast.stmt) -> bool:
        return any(isinstance(one, _INNER_LOOPS) for one in descendants(node))

    for node in descendants(tree):
        if isinstance(
            node, ast.Module | ast.ClassDef
        ):  # their other statements are executed before the entry is called
            node.body = [one for one in node.body if not isinstance(one, _FUNCTIONS) or is_kept(one)]
            continue
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                setattr(node, name, [one for one in block if is_kept(one)])
    return ast.Module(body=tree.body, type_ignores=[])


class _Sums:
    """The executions of all lines of a node."""

    def __init__(self, counts: Mapping[int, int]) -> None:
        self._lines = sorted(line for line in counts if line > 0)
        self._sums = [0, *accumulate(counts[line] for line in self._lines)]
        self.total = self._sums[-1]

    def within(self, node: ast.stmt) -> int:
        end = node.end_lineno or node.lineno
        return self._sums[bisect_right(self._lines, end)] - self._sums[bisect_left(self._lines, node.lineno)]
