"""Compiled expressions: functions of nodes, interpreted at first and compiled when they are evaluated repeatedly.

Compiled code is the fast path only. Where it does not apply, it raises, and the interpreter (`walker.evaluate`)
evaluates the expression. A property test verifies that both agree.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.dsl.expressions import nodes as n
from harness.dsl.expressions.walker import evaluate
from harness.dsl.values import UndefinedUseError, Value

Code = Callable[[n.Frame], Value]
ItemCode = Callable[[n.Frame, Value], Value]

WALKS = 2  # interpreted evaluations before an expression is compiled; compilation is as slow as twenty of them
SLOW = (UndefinedUseError, TypeError, ZeroDivisionError, OverflowError, LookupError, ValueError, MemoryError)
"""Raised by generated code where it does not apply."""
_cache: dict[int, tuple[n.Expr, Code]] = {}
_MAX_CACHED = 10_000


def compiled(node: n.Expr) -> Code:
    """A function of a frame that returns a value or `Undefined` and never raises. Cached per node."""
    known = _cache.get(id(node))
    if known is not None and known[0] is node:
        return known[1]
    if len(_cache) >= _MAX_CACHED:
        _cache.clear()
    # Interpretation of an aggregate over many elements is slower than compilation.
    code = compile_lazily(node, walks=0 if n.slots_of(node) else WALKS)
    _cache[id(node)] = (node, code)
    return code


def compile_lazily(node: n.Expr, *, walks: int) -> Code:
    """As `compiled`, without the cache.

    Args:
        walks: Interpreted evaluations before the expression is compiled.
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
        except SLOW:
            frame.visits = 0
            return evaluate(node, frame)

    return code


def compiled_for_item(node: n.Expr, slot: int) -> ItemCode:
    """As `compiled`, with the value of one slot as a second argument: facts are evaluated per item."""
    from harness.dsl.expressions.codegen import generate

    fast = generate(node, (slot,))

    def code(frame: n.Frame, item: Value) -> Value:
        frame.visits = 0
        try:
            return fast(frame, item)
        except SLOW:
            frame.visits = 0
            frame.slots[slot] = item
            return evaluate(node, frame)

    return code
