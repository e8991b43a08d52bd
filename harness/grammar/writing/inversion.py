"""Inversion: the stored number that gives an expression another value."""

from __future__ import annotations

from typing import Any

from harness.grammar.engine.interpreter import Interpreter
from harness.grammar.engine.node import Leaf, Record
from harness.grammar.engine.scope import Scope
from harness.grammar.language.evaluation import Evaluate
from harness.grammar.language.expression import Attribute, Binary, Expr, Item, Literal, Method, Name, Ternary, Unary
from harness.grammar.language.operations import NoValueError, as_boolean
from harness.grammar.writing.encoding import WriteError

_MAX_DEPTH = 32
Solution = tuple[Leaf, Record, Any]


class Inverter:
    """Finds stored values by the expressions that use them."""

    def __init__(self, run: Interpreter) -> None:
        self.run = run
        self._compiled: dict[tuple[int, str], Evaluate] = {}  # by the expression, which the grammar keeps alive

    def value(self, expr: Expr, record: Record) -> Any:
        """The value of an expression in a record.

        Raises:
            NoValueError: if it has none.
        """
        key = (id(expr), record.type.name)
        made = self._compiled.get(key)
        if made is None:
            made = self._compiled[key] = self.run.program.compiler.compile(expr, record.type)
        return made(Scope(record, self.run))

    def solve(self, expr: Expr, record: Record, target: Any, depth: int = 0) -> Solution:
        """Return the leaf, its record, and the value with which the expression has the target's value.

        Raises:
            WriteError: if the expression has no such leaf.
        """
        if depth > _MAX_DEPTH:
            raise WriteError("an expression is nested too deep")
        match expr:
            case Method(of, "as", _):
                return self.solve(of, record, target, depth + 1)
            case Method(of, "to_i", (base,)) if isinstance(target, int):
                return self._digits(of, record, target, self.value(base, record), depth)
            case Attribute(of, "to_i") | Method(of, "to_i", ()) if isinstance(target, int):
                return self._digits(of, record, target, 10, depth)
            case Name() | Attribute() | Item():
                return self._place(expr, record, target, depth)
            case Unary("-", of):
                return self.solve(of, record, -target, depth + 1)
            case Ternary(condition, then, otherwise):
                chosen = then if as_boolean(self.value(condition, record)) else otherwise
                return self.solve(chosen, record, target, depth + 1)
            case Binary(operator, left, right):
                return self._binary(operator, left, right, record, target, depth)
        raise WriteError("no field states it")

    def conclude(self, condition: Expr, record: Record) -> list[Solution]:
        """Return the values with which a condition is true: of its equations, the left side follows the right one.

        Of alternatives (`or`), the first that can be made true is; a guard such as `flags & 8 != 0` cannot.

        Raises:
            WriteError: if no field decides the condition.
            NoValueError: if a part of it has no value.
        """
        if as_boolean(self.value(condition, record)):
            return []
        match condition:
            case Binary("and", left, right):
                return [*self.conclude(left, record), *self.conclude(right, record)]
            case Binary("or", left, right):
                try:
                    return self.conclude(left, record)
                except WriteError:
                    return self.conclude(right, record)
            case Binary("==", left, right):
                return [self.solve(left, record, self.value(right, record))]
            case Ternary(choice, then, otherwise):
                return self.conclude(then if as_boolean(self.value(choice, record)) else otherwise, record)
        raise WriteError("no field decides it")

    def _binary(self, operator: str, left: Expr, right: Expr, record: Record, target: Any, depth: int) -> Solution:  # noqa: PLR0917
        if isinstance(left, Literal) or (not isinstance(right, Literal) and operator in ("+", "*")):
            fixed, is_left = self.value(left, record), True
        else:
            fixed, is_left = self.value(right, record), False
        wanted = _undo(operator, fixed, target, is_left=is_left)
        try:
            return self.solve(right if is_left else left, record, wanted, depth + 1)
        except WriteError:
            if isinstance(left, Literal) or isinstance(right, Literal):
                raise
            fixed = self.value(left if not is_left else right, record)
            wanted = _undo(operator, fixed, target, is_left=not is_left)
            return self.solve(left if is_left else right, record, wanted, depth + 1)

    def _place(self, expr: Expr, record: Record, target: Any, depth: int) -> Solution:
        if isinstance(expr, Name) and expr.name in record.type.params:
            return self._argument(expr.name, record, target, depth)
        holder, node = self.find(expr, record)
        if not isinstance(node, Leaf):
            raise WriteError("no number states it")
        if node.field.compute is not None:
            return self.solve(node.field.compute, holder, target, depth + 1)
        return node, holder, target

    def _digits(self, of: Expr, record: Record, target: int, base: Any, depth: int) -> Solution:
        leaf, holder, _ = self.solve(of, record, "", depth + 1)
        return leaf, holder, _digits(target, base, leaf)

    def _argument(self, name: str, record: Record, target: Any, depth: int) -> Solution:
        field, holder = record.field, record.holder
        ref = None
        if field is not None and field.switch is not None:
            refs = [*field.switch.cases.values(), field.switch.default]
            ref = next((one for one in refs if one is not None and one.name == record.type.name), None)
        elif field is not None:
            ref = field.type
        place = record.type.params.index(name)
        if ref is None or holder is None or place >= len(ref.arguments):
            raise WriteError("no field states it")
        return self.solve(ref.arguments[place], holder, target, depth + 1)

    def find(self, expr: Expr, record: Record) -> tuple[Record, Any]:
        """Return the node that a name refers to, and its record.

        Raises:
            WriteError: if it is not a field.
        """
        try:
            if isinstance(expr, Name):
                node = (
                    self.run.node_of(record, expr.name)
                    if any(field.name == expr.name for field in (*record.type.fields, *record.type.instances))
                    else None
                )
                if node is not None:
                    return record, node
                for inner in record.records():  # the bare name of a field of a nested record
                    if inner.field is not None and inner.field.repeat is None and expr.name in inner.nodes:
                        return inner, inner.nodes[expr.name]
            elif isinstance(expr, Attribute):
                outer = self.value(expr.of, record)
                if isinstance(outer, Record):
                    return outer, self.run.node_of(outer, expr.name)
        except NoValueError as error:
            raise WriteError(str(error)) from None
        raise WriteError("no field states it")


def _undo(operator: str, fixed: Any, target: Any, *, is_left: bool) -> int:
    """The operand with which `fixed OP x` (or `x OP fixed`) is the target."""
    if not isinstance(fixed, int) or not isinstance(target, int):
        raise WriteError("it does not come from integers")
    match operator:
        case "+":
            return target - fixed
        case "-":
            return fixed - target if is_left else target + fixed
        case "*" if fixed and target % fixed == 0:
            return target // fixed
        case "/" if not is_left:
            return target * fixed
        case "<<" if not is_left and target % (1 << fixed) == 0:
            return target >> fixed
        case ">>" if not is_left:
            return target << fixed
        case "^":
            return target ^ fixed
    raise WriteError(f"{operator} has no inverse for {target}")


def _digits(value: int, base: Any, leaf: Leaf) -> str:
    """A number as the digits of a string, as many as the old value has."""
    if value < 0 or base not in (8, 10, 16):
        raise WriteError(f"{value} has no digits in base {base}")
    width = len(leaf.value) if isinstance(leaf.value, str) else 0
    return f"{value:0{width}{'o' if base == 8 else 'd' if base == 10 else 'x'}}"
