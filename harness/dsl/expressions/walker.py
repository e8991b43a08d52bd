"""Interpreter: evaluates expressions by walking their nodes; the reference for compiled code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from harness.dsl.expressions import nodes as n
from harness.dsl.expressions import operations
from harness.dsl.values import Undefined, Value, shown


def evaluate(node: n.Expr, frame: n.Frame) -> Value:
    """The value of an expression, or `Undefined` with a reason. It never raises.

    Visited elements are counted in `frame.visits`; the caller sets it to 0 before an evaluation.
    """
    match node:
        case n.Const():
            return node.value
        case n.Slot():
            return frame.slots[node.index]
        case n.State():
            return frame.state[node.index]
        case n.FieldOf():
            return _field(node, evaluate(node.base, frame))
        case n.ItemsOf():
            return frame.trace.of_case(node.case)
        case n.Verdict():
            return frame.verdicts[node.fact]
        case n.Hints():
            return "\n".join(frame.hints)
        case n.Within():
            return _within(node, frame)
        case n.Unary():
            return _unary(node, evaluate(node.operand, frame))
        case n.Binary():
            return _binary(node, frame)
        case n.Scale():
            value = evaluate(node.operand, frame)
            return value if isinstance(value, Undefined) else operations.arithmetic("*", value, node.factor)
        case n.Call():
            return _call(node, [evaluate(argument, frame) for argument in node.arguments])
        case n.Aggregate():
            return _aggregate(node, frame)
        case n.Index():
            base, index = evaluate(node.base, frame), evaluate(node.index, frame)
            return _strictly(operations.element, base, index)
        case n.ListOf():
            items = [evaluate(item, frame) for item in node.items]
            return _strictly(lambda *_: items, *items)
        case n.RecordOf():
            record = {name: evaluate(value, frame) for name, value in node.fields}
            return _strictly(lambda *_: record, *record.values())
        case n.Template():
            return operations.join([evaluate(part, frame) for part in node.parts])


def _strictly(operation: Callable[..., Value], *values: Value) -> Value:
    """The operation on values that are all defined; otherwise the first undefined value."""
    for value in values:
        if isinstance(value, Undefined):
            return value
    return operation(*values)


def _field(node: n.FieldOf, base: Value) -> Value:
    if isinstance(base, Undefined):
        return base
    return base[node.index] if node.index >= 0 else operations.field(base, node.name)


def _within(node: n.Within, frame: n.Frame) -> Value:
    before = frame.slots[node.slot]
    frame.slots[node.slot] = evaluate(node.value, frame)
    try:
        return evaluate(node.body, frame)
    finally:
        frame.slots[node.slot] = before


def _unary(node: n.Unary, value: Value) -> Value:
    if isinstance(value, Undefined):
        return value
    if node.op == "!":
        return not value if isinstance(value, bool) else Undefined(f"{shown(value)} is neither true nor false")
    return operations.arithmetic("-", 0, value)


def _binary(node: n.Binary, frame: n.Frame) -> Value:
    left = evaluate(node.left, frame)
    if node.op in ("&&", "||"):
        decides = node.op == "||"
        if left is decides:
            return decides
        pair = (_truth(left), _truth(evaluate(node.right, frame)))
        return operations.some(pair) if decides else operations.every(pair)
    right = evaluate(node.right, frame)
    if node.op in ("==", "!="):
        equal = _strictly(operations.same, left, right)
        return equal if node.op == "==" or isinstance(equal, Undefined) else not equal
    operation = operations.arithmetic if node.op in ("+", "-", "*", "/") else operations.ordered
    return _strictly(operation, node.op, left, right)


def _truth(value: Value) -> Value:
    if isinstance(value, bool | Undefined):
        return value
    return Undefined(f"{shown(value)} is neither true nor false")


def _call(node: n.Call, values: list[Value]) -> Value:
    if node.function == "defined":
        return not isinstance(values[0], Undefined)
    if node.function == "default":
        return values[1] if isinstance(values[0], Undefined) else values[0]
    return _strictly(operations.FUNCTIONS[node.function], *values)


def _aggregate(node: n.Aggregate, frame: n.Frame) -> Value:
    source = evaluate(node.source, frame)
    if isinstance(source, Undefined):
        return source
    if not isinstance(source, list | tuple):
        return Undefined(f"{shown(source)} is no list")
    frame.visits += len(source)
    if frame.visits > operations.MAX_VISITS:
        return Undefined(f"more than {operations.MAX_VISITS} elements would be visited")
    before = frame.slots[node.slot]
    try:
        return operations.aggregate(node.function, list(_elements(node, source, frame)), node.fraction)
    finally:
        frame.slots[node.slot] = before


def _elements(node: n.Aggregate, source: Sequence[Value], frame: n.Frame) -> Iterator[Value]:
    for element in source:
        frame.slots[node.slot] = element
        if node.condition is not None:
            holds = _truth(evaluate(node.condition, frame))
            if holds is False:
                continue
            if isinstance(holds, Undefined):
                # It is unknown whether the element is included, so its contribution is unknown.
                yield holds
                continue
        yield evaluate(node.body, frame)
