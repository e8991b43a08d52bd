"""Code generation: Python functions from expression nodes, as fast as the same expression written by hand.

Code is built from syntax nodes, never from strings, and runs without builtins. It is the fast path only: it assumes
that all values are defined and every result is in range. Otherwise an operator of `Undefined` or a guard raises.
"""

from __future__ import annotations

import _ast as ast  # the node classes only: importing `ast` adds to the start-up time
from collections.abc import Callable
from typing import Any

from harness.core.python_source import call, compile_function, load
from harness.dsl.expressions import nodes as n
from harness.dsl.expressions import operations
from harness.dsl.expressions.walker import evaluate
from harness.dsl.types import Kind
from harness.dsl.values import INT_MAX, INT_MIN, Undefined, Value

_NUMBERS = (Kind.INT, Kind.FLOAT)
_COMPARE: dict[str, type[ast.cmpop]] = {
    "<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE, "==": ast.Eq, "!=": ast.NotEq,
}  # fmt: skip
_ARITHMETIC: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div}


def generate(node: n.Expr, arguments: tuple[int, ...] = ()) -> Callable[..., Value]:
    """A function of a frame and of the values of some slots; it raises where the fast path does not apply."""
    return Compiler(locals_=set(arguments)).function(node, list(arguments))


def _overflow() -> None:
    raise OverflowError


def _visit(frame: n.Frame, source: Any) -> Any:
    if not isinstance(source, list | tuple):
        raise TypeError
    frame.visits += len(source)
    if frame.visits > operations.MAX_VISITS:
        raise OverflowError
    return source


def _truth(value: Value) -> bool:
    if value is True or value is False:
        return value
    raise TypeError


class Compiler:
    """Builds the syntax nodes of one function.

    Attributes:
        locals: Slots that are Python variables, `e` and the index.
        constants: Objects that the function names.
    """

    def __init__(self, *, locals_: set[int]) -> None:
        self.locals = set(locals_)
        self.constants: dict[str, Any] = {}
        self._temporaries = 0

    def function(self, node: n.Expr, arguments: list[int]) -> Callable[..., Value]:
        """A function of a frame, and of the values of some slots, that returns the value of an expression."""
        body = ast.Return(self.expression(node))
        return compile_function("evaluate", ["frame", *(f"e{slot}" for slot in arguments)], [body], self.constants)

    def expression(self, node: n.Expr) -> ast.expr:
        """The syntax node of an expression."""
        match node:
            case n.Const():
                return self._constant(node.value)
            case n.Slot():
                return load(f"e{node.index}") if node.index in self.locals else _item(_attribute("slots"), node.index)
            case n.State():
                return _item(_attribute("state"), node.index)
            case n.Verdict():
                return _item(_attribute("verdicts"), node.fact)
            case n.ItemsOf():
                return call(ast.Attribute(_attribute("trace"), "of_case", ast.Load()), ast.Constant(node.case))
            case n.FieldOf() if node.index >= 0:
                return _item(self.expression(node.base), node.index)
            case n.FieldOf() if node.base.type.kind is Kind.RECORD:
                return ast.Subscript(self.expression(node.base), ast.Constant(node.name), ast.Load())
            case n.Within():
                return self._within(node)
            case n.Unary(op="!") if node.operand.type.kind is Kind.BOOL:
                return ast.UnaryOp(ast.Not(), self.expression(node.operand))
            case n.Unary(op="-") if node.operand.type.kind in _NUMBERS:
                return self._checked(ast.BinOp(ast.Constant(0), ast.Sub(), self.expression(node.operand)), node)
            case n.Scale() if node.operand.type.kind in _NUMBERS:
                return self._checked(
                    ast.BinOp(self.expression(node.operand), ast.Mult(), ast.Constant(node.factor)), node
                )
            case n.Binary():
                return self._binary(node)
            case n.Call() if node.function not in ("defined", "default"):
                return self._function(node)
            case n.Aggregate():
                return self._aggregate(node)
            case _:
                return self._walk(node)

    def _binary(self, node: n.Binary) -> ast.expr:
        left, right = node.left.type.kind, node.right.type.kind
        if node.op in ("&&", "||"):
            if left is not Kind.BOOL or right is not Kind.BOOL:
                return self._walk(node)
            op = ast.And() if node.op == "&&" else ast.Or()
            return ast.BoolOp(op, [self.expression(node.left), self.expression(node.right)])
        if node.op in _ARITHMETIC:
            if left not in _NUMBERS or right not in _NUMBERS:
                return self._walk(node)
            operation = ast.BinOp(self.expression(node.left), _ARITHMETIC[node.op](), self.expression(node.right))
            return self._checked(operation, node)
        strings = left in (Kind.STRING, Kind.ENUM) and right in (Kind.STRING, Kind.ENUM)
        numbers = left in _NUMBERS and right in _NUMBERS
        if strings or numbers or (left is right is Kind.BOOL and node.op in ("==", "!=")):
            return ast.Compare(self.expression(node.left), [_COMPARE[node.op]()], [self.expression(node.right)])
        return self._walk(node)

    def _checked(self, operation: ast.expr, node: n.Expr) -> ast.expr:
        """The result of an operation, checked against the range of its type."""
        low, high = (INT_MIN, INT_MAX) if node.type.kind is Kind.INT else (-operations.FLOAT_MAX, operations.FLOAT_MAX)
        self._temporaries += 1
        name = f"t{self._temporaries}"
        held = ast.NamedExpr(ast.Name(name, ast.Store()), operation)
        compare = ast.Compare(_constant(low), [ast.LtE(), ast.LtE()], [held, _constant(high)])
        value: ast.expr = load(name)
        if node.type.kind is not Kind.INT:
            value = ast.BinOp(value, ast.Add(), ast.Constant(0.0))  # no -0.0
        return ast.IfExp(compare, value, call(self._shared("overflow", _overflow)))

    def _function(self, node: n.Call) -> ast.expr:
        function = self._shared(f"f_{node.function}", _defined(node.function))
        return call(function, *(self.expression(argument) for argument in node.arguments))

    def _within(self, node: n.Within) -> ast.expr:
        value = self.expression(node.value)
        known = node.slot in self.locals
        self.locals.add(node.slot)
        body = self.expression(node.body)
        if not known:
            self.locals.discard(node.slot)
        # (name := value, body)[1] evaluates the binding first
        held = ast.NamedExpr(ast.Name(f"e{node.slot}", ast.Store()), value)
        return _item(ast.Tuple([held, body], ast.Load()), 1)

    def _aggregate(self, node: n.Aggregate) -> ast.expr:
        source = call(self._shared("visit", _visit), load("frame"), self.expression(node.source))
        known = node.slot in self.locals
        self.locals.add(node.slot)
        body = self.expression(node.body)
        conditions = [] if node.condition is None else [self.expression(node.condition)]
        if not known:
            self.locals.discard(node.slot)
        truth = self._shared("truth", _truth)
        generator = ast.comprehension(
            target=ast.Name(f"e{node.slot}", ast.Store()),
            iter=source,
            ifs=[call(truth, condition) for condition in conditions],
            is_async=0,
        )
        return call(
            self._shared("aggregate", operations.aggregate),
            ast.Constant(node.function),
            ast.ListComp(body, [generator]),
            ast.Constant(node.fraction),
        )

    def _walk(self, node: n.Expr) -> ast.expr:
        """Delegate a node to the interpreter; local slots are copied to the frame during the call."""
        name = self._named(f"w{len(self.constants)}", _walker(node, tuple(sorted(self.locals))))
        locals_ = [load(f"e{slot}") for slot in sorted(self.locals)]
        return call(load(name), load("frame"), *locals_)

    def _constant(self, value: Value) -> ast.expr:
        if isinstance(value, bool | int | float | str):
            return _constant(value)
        return load(self._named(f"c{len(self.constants)}", value))

    def _shared(self, name: str, value: Any) -> ast.expr:
        return load(self._named(name, value))

    def _named(self, name: str, value: Any) -> str:
        self.constants[name] = value
        return name


def _walker(node: n.Expr, slots: tuple[int, ...]) -> Callable[..., Value]:
    def walk(frame: n.Frame, *values: Value) -> Value:
        before = [frame.slots[slot] for slot in slots]
        for slot, value in zip(slots, values, strict=True):
            frame.slots[slot] = value
        try:
            return evaluate(node, frame)
        finally:
            for slot, value in zip(slots, before, strict=True):
                frame.slots[slot] = value

    return walk


def _defined(name: str) -> Callable[..., Value]:
    function = operations.FUNCTIONS[name]

    def call(*values: Value) -> Value:
        for value in values:
            if isinstance(value, Undefined):
                return value
        return function(*values)

    return call


def _constant(value: bool | int | float | str) -> ast.expr:
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def _attribute(name: str) -> ast.expr:
    return ast.Attribute(load("frame"), name, ast.Load())


def _item(base: ast.expr, index: int) -> ast.expr:
    return ast.Subscript(base, ast.Constant(index), ast.Load())
