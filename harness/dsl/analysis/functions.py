"""Functions: calls of built-in functions, aggregates, facts, and the functions whose argument is a name."""

from __future__ import annotations

from collections.abc import Callable

from harness.dsl.analysis import dimensions
from harness.dsl.analysis.scope import Scope, error_node
from harness.dsl.expressions import nodes as n
from harness.dsl.expressions.operations import AGGREGATES, FUNCTIONS
from harness.dsl.expressions.pattern import Pattern, PatternError
from harness.dsl.language import syntax as s
from harness.dsl.types import ANY, BOOL, FLOAT, INT, STRING, Kind, Type, list_of

Elaborate = Callable[[s.Value, Scope], n.Expr]
_NUMBER, _STRING, _LIST, _VALUE = "a number", "a string", "a list", "a value"
_KINDS = {_NUMBER: (Kind.INT, Kind.FLOAT), _STRING: (Kind.STRING, Kind.ENUM), _LIST: (Kind.LIST,), _VALUE: tuple(Kind)}
# name -> (kinds of arguments, result; None: as the first argument, or the wider of two numbers)
_SIGNATURES: dict[str, tuple[tuple[str, ...], Type | None]] = {
    "abs": ((_NUMBER,), None), "min": ((_NUMBER, _NUMBER), None), "max": ((_NUMBER, _NUMBER), None),
    "mod": ((_NUMBER, _NUMBER), None), "round": ((_NUMBER,), INT), "floor": ((_NUMBER,), INT),
    "ceil": ((_NUMBER,), INT), "sqrt": ((_NUMBER,), FLOAT), "log2": ((_NUMBER,), FLOAT), "len": ((_VALUE,), INT),
    "append": ((_LIST, _VALUE), list_of(ANY)),
    "first": ((_LIST,), None), "last": ((_LIST,), None), "contains": ((_VALUE, _VALUE), BOOL),
    "matches": ((_STRING, _STRING), BOOL), "equals": ((_VALUE, _VALUE), BOOL),
    "starts_with": ((_STRING, _STRING), BOOL), "ends_with": ((_STRING, _STRING), BOOL),
    "lower": ((_STRING,), STRING), "upper": ((_STRING,), STRING),
    "trim": ((_STRING,), STRING), "lines": ((_STRING,), list_of(STRING)), "int": ((_VALUE,), INT),
    "float": ((_VALUE,), FLOAT), "text": ((_VALUE,), STRING), "defined": ((_VALUE,), BOOL),
    "default": ((_VALUE, _VALUE), None),
}  # fmt: skip
_BY_NAME = ("exists", "passed", "trace")
FILE_EXISTS = "file_exists"


def elaborate_call(node: s.Function, scope: Scope, elaborate: Elaborate) -> n.Expr:
    """The typed node of a function call."""
    arguments = node.arguments
    if node.name in _BY_NAME:
        return _by_name(node, scope)
    if node.name == FILE_EXISTS:
        return _file_exists(node, scope, elaborate)
    if node.name in scope.shared.facts:
        return _fact(node, scope, elaborate)
    if node.name in AGGREGATES and _aggregates(node):
        return _aggregate(node, scope, elaborate)
    if node.name not in _SIGNATURES:
        known = [*FUNCTIONS, *_SIGNATURES, *AGGREGATES, *_BY_NAME, FILE_EXISTS, *scope.shared.facts]
        scope.report.unknown("E201", "function or fact", node.name, known, node.span)
        return error_node(node.span)
    wanted, result = _SIGNATURES[node.name]
    plain = [argument for argument in arguments if not isinstance(argument, s.Each)]
    if len(plain) != len(wanted) or len(plain) != len(arguments):
        scope.report.add("E301", f"{node.name} takes {' and '.join(wanted)}", node.span)
        return error_node(node.span)
    values = [elaborate(argument, scope) for argument in plain]
    for kind, value in zip(wanted, values, strict=True):
        if value.type.kind not in (*_KINDS[kind], Kind.ANY):
            scope.report.add("E301", f"{node.name} takes {kind} here, not {value.type}", value.span)
            return error_node(node.span)
    if node.name == "matches":
        check_pattern(values[1], scope)
    if result is None:
        values, result = _result(node, values, scope)
    return n.Call(node.name, tuple(values), result, node.span)


def check_pattern(found: n.Expr, scope: Scope) -> None:
    """Report a constant pattern that is invalid."""
    if isinstance(found, n.Const) and isinstance(found.value, str):
        try:
            Pattern(found.value)
        except PatternError as error:
            note = r"supported: . [a-z] \d \w \s * + ? {m,n} | ( ) ^ $; no back-references"
            scope.report.add("E304", f"invalid pattern: {error}", found.span, note=note)


def _aggregates(node: s.Function) -> bool:
    first = node.arguments[0] if node.arguments else None
    return isinstance(first, s.Each) or len(node.arguments) == 1 or node.name not in ("min", "max")


def _result(node: s.Function, values: list[n.Expr], scope: Scope) -> tuple[list[n.Expr], Type]:
    first = values[0].type
    if node.name in ("first", "last"):
        return values, first.of or ANY
    if len(values) == 1:
        return values, first
    kinds = {value.type.kind for value in values}
    if node.name == "default" and not kinds <= {Kind.INT, Kind.FLOAT}:
        return values, first if kinds == {first.kind} else ANY
    if Kind.ANY in kinds:
        return values, ANY
    left, right, unit = dimensions.unify_units("+", values[0], values[1], scope, node.span)
    whole = left.type.kind is Kind.INT and right.type.kind is Kind.INT
    result = INT if whole else Type(Kind.FLOAT, unit=unit)
    return [dimensions.widen(side, result) for side in (left, right)], result


def _by_name(node: s.Function, scope: Scope) -> n.Expr:
    argument = node.arguments[0] if len(node.arguments) == 1 else None
    name = _spelled(argument)
    if name is None:
        what = {"exists": "a variable", "passed": "a check", "trace": "a case, as in `trace(TraceItem.Performance)`"}
        scope.report.add("E301", f"{node.name} takes the name of {what[node.name]}", node.span)
        return error_node(node.span)
    if node.name == "trace":
        case = scope.shared.types.schema.find(name)
        if case < 0:
            known = [c.name for c in scope.shared.types.schema.cases]
            scope.report.unknown("E203", "case", name, known, node.span)
            return error_node(node.span)
        return n.ItemsOf(case, list_of(scope.shared.types.schema.item(case)), node.span)
    found = scope.resolve(f"check {name}" if node.name == "passed" else name, node.span)
    if found is None:
        prefix = "check "
        checks = [known[len(prefix) :] for known in scope.visible if known.startswith(prefix)]
        known = checks if node.name == "passed" else scope.known_names()
        scope.report.unknown("E201", "check" if node.name == "passed" else "variable", name, known, node.span)
        return error_node(node.span)
    return found if node.name == "passed" else n.Call("defined", (found,), BOOL, node.span)


def _file_exists(node: s.Function, scope: Scope, elaborate: Elaborate) -> n.Expr:
    """`file_exists` is an effect: it is placed before the statement that needs its result."""
    argument = node.arguments[0] if len(node.arguments) == 1 else None
    if argument is None or isinstance(argument, s.Each):
        scope.report.add("E301", f"{FILE_EXISTS} takes a path", node.span)
        return error_node(node.span)
    if scope.look_up is None:
        scope.report.add("E406", f"{FILE_EXISTS} is only allowed in a task or loop", node.span)
        return error_node(node.span)
    return scope.look_up(elaborate(argument, scope), node.span)


def _spelled(node: s.Expression | s.Each | None) -> str | None:
    if isinstance(node, s.Literal) and isinstance(node.value, str):
        return node.value
    if isinstance(node, s.Name):
        return node.name
    if isinstance(node, s.FieldRef) and isinstance(node.base, s.Name):
        return f"{node.base.name}.{node.name}"
    return None


def _aggregate(node: s.Function, scope: Scope, elaborate: Elaborate) -> n.Expr:
    each, fraction = node.arguments[0] if node.arguments else None, None
    extra = 2 if node.name == "quantile" else 1
    if each is None or len(node.arguments) != extra:
        takes = "a list or `value for name in list`" + (" and a fraction" if extra == 2 else "")
        scope.report.add("E301", f"{node.name} takes {takes}", node.span)
        return error_node(node.span)
    if extra == 2:
        last = node.arguments[1]
        number = last.value if isinstance(last, s.Literal) else None
        if isinstance(number, str | bool | None) or not 0 <= number <= 1:
            scope.report.add("E301", "a quantile's fraction is a number from 0 to 1", node.span)
            return error_node(node.span)
        fraction = float(number)
    source = elaborate(each.source if isinstance(each, s.Each) else each, scope)
    if source.type.kind not in (Kind.LIST, Kind.ANY):
        scope.report.add("E301", f"{node.name} takes a list, not {source.type}", source.span)
        return error_node(node.span)
    element = source.type.of or ANY
    if isinstance(each, s.Each):
        before = dict(scope.visible)
        slot = scope.bind(each.name, element)
        where = None if each.condition is None else elaborate(each.condition, scope)
        body = elaborate(each.body, scope)
        scope.visible = before
        if where is not None and where.type.kind not in (Kind.BOOL, Kind.ANY):
            scope.report.add("E303", f"a condition is a boolean, not {where.type}", where.span)
            where = None
    else:
        slot, where = scope.bind_hidden("element", element), None
        body = n.Slot(slot, "", element, node.span)
    if not _fits(node.name, body, scope):
        return error_node(node.span)
    return n.Aggregate(node.name, body, slot, source, where, fraction, _over(node.name, body.type), node.span)


def _fits(name: str, body: n.Expr, scope: Scope) -> bool:
    if name == "count":
        return True
    wanted = (Kind.BOOL,) if name in ("all", "any") else (Kind.INT, Kind.FLOAT)
    if body.type.kind in (*wanted, Kind.ANY):
        return True
    what = "booleans" if name in ("all", "any") else "numbers"
    scope.report.add("E301", f"{name} takes {what}, not {body.type}", body.span)
    return False


def _over(name: str, body: Type) -> Type:
    if name in ("all", "any"):
        return BOOL
    if name == "count":
        return INT
    if name in ("sum", "min", "max") and body.kind is not Kind.FLOAT:
        return body
    return Type(Kind.FLOAT, unit=body.unit)


def _fact(node: s.Function, scope: Scope, elaborate: Elaborate) -> n.Expr:
    """A fact applied to an argument: its body, with the argument bound."""
    declared = scope.shared.names.facts[node.name]
    if node.name in scope.open_facts:
        cycle = " -> ".join([*scope.open_facts[scope.open_facts.index(node.name) :], node.name])
        scope.report.add("E410", f"a fact refers to itself: {cycle}", node.span)
        return error_node(node.span)
    scope.shared.used.add(node.name)
    plain = [argument for argument in node.arguments if not isinstance(argument, s.Each)]
    if _spelled(plain[0] if plain else None) == "trace.latest" and len(node.arguments) == 1:
        return n.Verdict(scope.shared.facts[node.name], node.name, BOOL, node.span)
    if len(plain) != 1 or len(node.arguments) != 1 or len(declared.parameters) != 1:
        scope.report.add("E301", f"{node.name} takes one item or list of items", node.span)
        return error_node(node.span)
    argument = elaborate(plain[0], scope)
    wanted = scope.shared.types.of(declared.parameters[0].type)
    if argument.type != wanted and argument.type.kind is not Kind.ANY:
        scope.report.add("E301", f"{node.name} takes {wanted}, not {argument.type}", argument.span)
        return error_node(node.span)
    before, templates = dict(scope.visible), scope.templates
    scope.open_facts.append(node.name)
    scope.visible, scope.templates = {}, False
    slot = scope.bind(declared.parameters[0].name, wanted)
    lets = []
    for let in declared.lets:
        value = elaborate(let.value, scope)
        lets.append((scope.bind(let.name, value.type), value))
    body = elaborate(declared.result, scope)
    scope.open_facts.pop()
    scope.visible, scope.templates = before, templates
    for index, value in reversed(lets):
        body = n.Within(index, value, body, body.type, node.span)
    return n.Within(slot, argument, body, BOOL, node.span)
