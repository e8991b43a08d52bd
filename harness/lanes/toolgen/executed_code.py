"""Executed code: the part of a syntax tree that was executed, so that dead code and decoys have no style."""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping
from itertools import accumulate

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
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS = (ast.For, ast.While, ast.AsyncFor)


async def count_lines(pool: BoxPool, questions: Questions, plan: Plan) -> Counter[int]:
    """How often each line is executed for the largest ordinary questions; empty if the box does not say.

    Raises:
        InfraError: if no box can be opened.
    """
    asked = sorted((one.key for one in questions.shared if one.origin != "edge"), key=len)[-TRACED_QUESTIONS:]
    counts: Counter[int] = Counter()
    entry = plan.entry_for(plan.imports, COUNT_LINES)
    try:
        with await opened(pool, plan.source, entry=entry, limits=plan.limits, hash_seed=plan.hash_seeds[0]) as box:
            for key in asked:
                counts.update(line_counts(await ask(pool, box, key)))
    except BoxFault:
        return Counter()
    return counts


def line_counts(answer: Answer) -> dict[int, int]:
    """The executions by line that a box answered under the rule `lines`; empty if it answered anything else."""
    try:
        pairs = decode(answer.payload) if answer.kind == "value" else []
    except CodecError:
        return {}
    is_plain = isinstance(pairs, list) and all(isinstance(one, list) and len(one) == 2 for one in pairs)
    return {line: count for line, count in pairs if type(line) is type(count) is int and count > 0} if is_plain else {}


def keep_executed(tree: ast.Module, counts: Mapping[int, int]) -> ast.Module:
    """A syntax tree without the statements of functions that were not executed, and without loops that did little.

    The nodes of the given tree are changed.

    Args:
        counts: By 1-based line how often it was executed while the entry was called.
    """
    lines = sorted(counts)
    sums = [0, *accumulate(counts[line] for line in lines)]

    def executed(node: ast.stmt) -> int:
        end = node.end_lineno or node.lineno
        return sums[bisect_right(lines, end)] - sums[bisect_left(lines, node.lineno)]

    def is_kept(node: ast.stmt) -> bool:
        times = executed(node)
        if isinstance(node, _FUNCTIONS):
            return any(executed(one) for one in node.body)
        return times >= MIN_LOOP_SHARE * sums[-1] if isinstance(node, _LOOPS) else times > 0

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
