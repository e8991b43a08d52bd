"""Expressions: from syntax nodes to typed nodes."""

from __future__ import annotations

from harness.dsl.analysis import dimensions, functions
from harness.dsl.analysis.scope import MAX_DEPTH, MAX_FACT_NODES, Scope, error_node
from harness.dsl.analysis.template import elaborate_template
from harness.dsl.expressions import nodes as n
from harness.dsl.language import syntax as s
from harness.dsl.types import ANY, BOOL, FLOAT, INT, STRING, UNITS, Field, Kind, Type, list_of
from harness.dsl.values import INT_MAX, Undefined

_NUMBERS = (Kind.INT, Kind.FLOAT)
_STRINGS = (Kind.STRING, Kind.ENUM)


def elaborate(node: s.Value, scope: Scope) -> n.Expr:
    """The typed node of an expression; for an error, a diagnostic and a node that causes no further diagnostics."""
    scope.shared.fact_nodes += len(scope.open_facts) > 1
    if scope.shared.fact_nodes > MAX_FACT_NODES or len(scope.open_facts) > MAX_DEPTH:
        message = (
            f"facts refer to facts more than {MAX_DEPTH} deep, or expand to more than {MAX_FACT_NODES} expressions"
        )
        scope.report.add("E107", message, node.span)
        return error_node(node.span)
    match node:
        case s.Literal():
            return elaborate_literal(node, scope)
        case s.Name():
            return _name(node, scope)
        case s.FieldRef():
            return _field(node, scope)
        case s.Subscript():
            return _subscript(node, scope)
        case s.Function():
            return functions.elaborate_call(node, scope, elaborate)
        case s.Prefix():
            return _prefix(node, scope)
        case s.Infix():
            return _infix(node, scope)
        case s.Sequence():
            found = [elaborate(item, scope) for item in node.items]
            kind = _common([item.type for item in found])
            return n.ListOf(tuple(dimensions.widen(item, kind) for item in found), list_of(kind), node.span)
        case s.Record():
            fields = tuple((name, elaborate(value, scope)) for name, value in node.pairs)
            shape = Type(Kind.RECORD, fields=tuple(Field(name, value.type) for name, value in fields))
            return n.RecordOf(fields, shape, node.span)
        case _:
            scope.report.add("E406", "`|` and `..` are only allowed in an answer or a parameter", node.span)
            return error_node(node.span)


def elaborate_condition(node: s.Value, scope: Scope, *, what: str = "a condition") -> n.Expr:
    """Elaborate a condition; reports E303 and returns an error node if its type is not boolean."""
    found = elaborate(node, scope)
    if found.type.kind not in (Kind.BOOL, Kind.ANY):
        scope.report.add("E303", f"{what} is a boolean, not {found.type}", node.span)
        return error_node(node.span)
    return found


def elaborate_test(node: s.Value, scope: Scope) -> n.Expr:
    """The condition of an `if`. A quoted fact is the fact; other words are undefined, so the branch is not taken."""
    if not isinstance(node, s.Literal) or not isinstance(node.value, str):
        return elaborate_condition(node, scope)
    name = node.value.strip().removesuffix("(trace.latest)")
    if name in scope.shared.facts:
        return _name(s.Name(name, node.span), scope)
    scope.report.add("W503", "a condition in words is undefined: name a fact, or write an expression", node.span)
    return n.Const(Undefined(f"a condition in words: {node.value}"), BOOL, node.span)


def accepts(wanted: Type, given: Type) -> bool:
    """Whether a value of one type is allowed where another is expected; `any` is checked at run time."""
    if Kind.ANY in (wanted.kind, given.kind):
        return True
    if wanted.kind is Kind.LIST and given.kind is Kind.LIST:
        return accepts(wanted.of or ANY, given.of or ANY)
    if wanted.kind is Kind.RECORD and given.kind is Kind.RECORD:
        names = {field.name for field in given.fields}
        required = {field.name for field in wanted.fields if not field.optional}
        parts = [(field, wanted.field(field.name)) for field in given.fields]
        return required <= names and all(w is not None and accepts(w.type, f.type) for f, w in parts)
    if wanted.kind is Kind.ENUM:
        return given.kind is Kind.ENUM and set(given.options) <= set(wanted.options)
    pairs = {(Kind.FLOAT, Kind.INT), (Kind.STRING, Kind.ENUM)}
    return wanted.kind is given.kind or (wanted.kind, given.kind) in pairs


def fit(found: n.Expr, wanted: Type, scope: Scope, *, what: str) -> n.Expr:
    """An expression converted to the expected type and unit; a diagnostic if it does not fit."""
    if isinstance(found, n.Const) and isinstance(found.value, str) and wanted.kind is Kind.ENUM:
        if found.value in wanted.options:
            return found
        scope.report.unknown("E301", f"option of {what}", found.value, wanted.options, found.span)
        return found
    if isinstance(found, n.ListOf) and wanted.kind is Kind.LIST and wanted.of is not None:
        items = tuple(fit(item, wanted.of, scope, what=f"an element of {what}") for item in found.items)
        return n.ListOf(items, wanted, found.span)
    if isinstance(found, n.RecordOf) and wanted.kind is Kind.RECORD:
        return _fit_record(found, wanted, scope, what=what)
    if not accepts(wanted, found.type):
        scope.report.add("E301", f"{what} is {wanted}, not {found.type}", found.span)
        return found
    return dimensions.convert_unit(found, wanted, scope, what=what)


def _fit_record(found: n.RecordOf, wanted: Type, scope: Scope, *, what: str) -> n.Expr:
    given = dict(found.fields)
    for name in given:
        if wanted.field(name) is None:
            scope.report.unknown("E203", f"field of {wanted}", name, [f.name for f in wanted.fields], found.span)
    for field in wanted.fields:
        if field.name not in given and field.default is not None:
            given[field.name] = n.Const(field.default, field.type, found.span)
        elif field.name not in given and not field.optional:
            scope.report.add("E207", f"{what} needs {field.name}", found.span)
    kinds = {field.name: field.type for field in wanted.fields}
    fields = tuple(
        (name, fit(value, kinds[name], scope, what=f"{what}.{name}") if name in kinds else value)
        for name, value in given.items()
    )
    return n.RecordOf(fields, wanted, found.span)


def elaborate_literal(node: s.Literal, scope: Scope) -> n.Expr:
    """The constant node of a literal, typed by its Python value."""
    value = node.value
    if isinstance(value, bool):
        return n.Const(value, BOOL, node.span)
    if isinstance(value, str):
        return elaborate_template(node, scope) if scope.templates else n.Const(value, STRING, node.span)
    if abs(value) > (INT_MAX if isinstance(value, int) else 1.7e308):
        scope.report.add("E301", "the number does not fit 64 bits", node.span)
        return error_node(node.span)
    if node.unit:
        return n.Const(float(value), Type(Kind.FLOAT, unit=UNITS[node.unit]), node.span)
    return n.Const(value, INT if isinstance(value, int) else FLOAT, node.span)


def _name(node: s.Name, scope: Scope) -> n.Expr:
    found = scope.resolve(node.name, node.span)
    if found is not None:
        return found
    if node.name == "hints":
        return n.Hints(STRING, node.span)
    if node.name.isupper():
        fix = f"declare it: `const {node.name}: float = ...`"
        scope.report.unknown("E204", "constant", node.name, scope.known_names(), node.span, note=fix)
    else:
        scope.report.unknown("E201", "variable, constant or fact", node.name, scope.known_names(), node.span)
    return error_node(node.span)


def _field(node: s.FieldRef, scope: Scope) -> n.Expr:
    base = elaborate(node.base, scope)
    kind = base.type
    if kind.kind is Kind.ANY:
        return n.FieldOf(base, node.name, -1, ANY, node.span)
    if kind.kind not in (Kind.RECORD, Kind.ITEM):
        scope.report.add("E301", f"{kind} has no fields", node.span)
        return error_node(node.span)
    found = kind.field(node.name)
    if found is None:
        names = [field.name for field in kind.fields]
        scope.report.unknown("E203", f"field of {kind}", node.name, names, node.span)
        return error_node(node.span)
    index = kind.fields.index(found) if kind.kind is Kind.ITEM else -1
    return n.FieldOf(base, node.name, index, found.type, node.span)


def _subscript(node: s.Subscript, scope: Scope) -> n.Expr:
    base = elaborate(node.base, scope)
    if base.type.kind not in (Kind.LIST, Kind.ANY) or len(node.arguments) != 1:
        scope.report.add("E301", f"{base.type} cannot be indexed with one number", node.span)
        return error_node(node.span)
    index = fit(elaborate(node.arguments[0], scope), INT, scope, what="an index")
    return n.Index(base, index, base.type.of or ANY, node.span)


def _prefix(node: s.Prefix, scope: Scope) -> n.Expr:
    if node.op == "!":
        return n.Unary("!", elaborate_condition(node.operand, scope, what="the operand of `!`"), BOOL, node.span)
    if isinstance(node.operand, s.Literal) and type(node.operand.value) is int and node.operand.value == INT_MAX + 1:
        return n.Const(-node.operand.value, INT, node.span)  # the minimum has no positive counterpart
    operand = elaborate(node.operand, scope)
    if operand.type.kind not in (*_NUMBERS, Kind.ANY):
        scope.report.add("E301", f"`-` needs a number, not {operand.type}", node.span)
        return error_node(node.span)
    if isinstance(operand, n.Const) and isinstance(operand.value, int | float):
        return n.Const(-operand.value, operand.type, node.span)
    return n.Unary("-", operand, operand.type, node.span)


def _infix(node: s.Infix, scope: Scope) -> n.Expr:
    if node.op in ("&&", "||"):
        left, right = (
            elaborate_condition(side, scope, what=f"a side of `{node.op}`") for side in (node.left, node.right)
        )
        return n.Binary(node.op, left, right, BOOL, node.span)
    left, right = elaborate(node.left, scope), elaborate(node.right, scope)
    if node.op in ("+", "-", "*", "/"):
        return _arithmetic(node, left, right, scope)
    return _comparison(node, left, right, scope)


def _arithmetic(node: s.Infix, left: n.Expr, right: n.Expr, scope: Scope) -> n.Expr:
    for side in (left, right):
        if side.type.kind not in (*_NUMBERS, Kind.ANY):
            hint = 'strings are joined in a template: "{{a}}{{b}}"' if side.type.kind in _STRINGS else ""
            scope.report.add("E301", f"`{node.op}` needs numbers, not {side.type}", side.span, note=hint)
            return error_node(node.span)
    if Kind.ANY in (left.type.kind, right.type.kind):
        return n.Binary(node.op, left, right, ANY, node.span)
    left, right, unit = dimensions.unify_units(node.op, left, right, scope, node.span)
    whole = left.type.kind is Kind.INT and right.type.kind is Kind.INT and node.op != "/"
    return n.Binary(node.op, left, right, INT if whole else Type(Kind.FLOAT, unit=unit), node.span)


def _comparison(node: s.Infix, left: n.Expr, right: n.Expr, scope: Scope) -> n.Expr:
    a, b = left.type, right.type
    if a.kind in _NUMBERS and b.kind in _NUMBERS:
        left, right, _ = dimensions.unify_units(node.op, left, right, scope, node.span)
    elif node.op in ("==", "!="):
        _equality(node, left, right, scope)
    elif not (a.kind in _STRINGS and b.kind in _STRINGS) and Kind.ANY not in (a.kind, b.kind):
        scope.report.add("E301", f"{a} and {b} have no order", node.span)
    return n.Binary(node.op, left, right, BOOL, node.span)


def _equality(node: s.Infix, left: n.Expr, right: n.Expr, scope: Scope) -> None:
    for one, other in ((left, right), (right, left)):
        if one.type.kind is Kind.ENUM and isinstance(other, n.Const) and isinstance(other.value, str):
            if other.value not in one.type.options:
                scope.report.unknown("E301", f"option of {one.type}", other.value, one.type.options, other.span)
            return
    if not accepts(left.type, right.type) and not accepts(right.type, left.type):
        scope.report.add("E301", f"{left.type} and {right.type} are never equal", node.span)


def _common(kinds: list[Type]) -> Type:
    if not kinds:
        return ANY
    first = kinds[0]
    for kind in kinds[1:]:
        if accepts(kind, first):
            first = kind
        elif not accepts(first, kind):
            return ANY
    return first
