"""Compiled expressions: functions of nodes, walked at first, made into code when they are asked again and again.

Code is the fast path only. Where it meets something that it was not made for, it raises, and the reference
(`walker.evaluate`) finds out what the expression means. So the two agree by construction wherever the fast path ends,
and a property test says that they always do.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.dsl.expressions import nodes as n
from harness.dsl.expressions.walker import evaluate
from harness.dsl.values import UndefinedUseError, Value

Code = Callable[[n.Frame], Value]
ItemCode = Callable[[n.Frame, Value], Value]

WALKS = 2
"""Evaluations before code is made: most expressions are asked once, and making code costs as much as twenty walks."""
_SLOW = (UndefinedUseError, TypeError, ZeroDivisionError, OverflowError, LookupError, ValueError, MemoryError)
_cache: dict[int, tuple[n.Expr, Code]] = {}
_MAX_CACHED = 10_000


def compiled(node: n.Expr) -> Code:
    """A function of a frame for an expression: a value or `Undefined`, and never an exception. Made once per node."""
    known = _cache.get(id(node))
    if known is not None and known[0] is node:
        return known[1]
    if len(_cache) >= _MAX_CACHED:
        _cache.clear()
    # A walk over a million elements costs more than code for them.
    code = compile_lazily(node, walks=0 if n.slots_of(node) else WALKS)
    _cache[id(node)] = (node, code)
    return code


def compile_lazily(node: n.Expr, *, walks: int) -> Code:
    """As `compiled`, never kept.

    Args:
        node: The expression.
        walks: Evaluations before code is made.
    """
    if isinstance(node, n.Const):
        value = node.value
        return lambda _: value
    if isinstance(node, n.Slot):
        index = node.index
        return lambda frame: frame.slots[index]
    fast: Code | None = None

    def code(frame: n.Frame) -> Value:
        nonlocal fast, walks
        frame.visits = 0
        if fast is None:
            if walks > 0:
                walks -= 1
                return evaluate(node, frame)
            from harness.dsl.expressions.codegen import generate

            fast = generate(node)
        try:
            return fast(frame)
        except _SLOW:
            frame.visits = 0
            return evaluate(node, frame)

    return code


def compiled_for_item(node: n.Expr, slot: int) -> ItemCode:
    """As `compiled`, with one slot as a second argument: how facts are asked of items."""
    from harness.dsl.expressions.codegen import generate

    fast = generate(node, (slot,))

    def code(frame: n.Frame, item: Value) -> Value:
        frame.visits = 0
        try:
            return fast(frame, item)
        except _SLOW:
            frame.visits = 0
            frame.slots[slot] = item
            return evaluate(node, frame)

    return code
