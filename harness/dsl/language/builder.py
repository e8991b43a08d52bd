"""Builder: creates a syntax node for each grammar rule. Lark calls these methods during parsing."""

# ruff: noqa: D102 - each method is named after a rule of grammar.lark, which documents it

from __future__ import annotations

import re
from typing import Any

from lark import Token, Transformer

from harness.dsl.language import syntax as s
from harness.dsl.language.description import split_description

Parts = list[Any]
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "/": "/", "0": "\0"}
_NUMBER = re.compile(r"[\d_.]*\d(?:[eE][+-]?\d+)?")


def unescape(raw: str) -> str:
    """The value between the quotes of a short string, with escapes replaced."""
    if "\\" not in raw:
        return raw
    return _ESCAPE.sub(lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "u" else _ESCAPES.get(m[1], m[0]), raw)


def _text(token: Token) -> str:
    if token.type == "STRING":
        return unescape(token[1:-1])
    if token.type == "LONG_STRING":
        return str(token[3:-3])
    return str(token)


def _start(part: Any) -> int:
    return (part.start_pos or 0) if isinstance(part, Token) else int(part.span[0])


def _end(part: Any) -> int:
    return (part.end_pos or 0) if isinstance(part, Token) else int(part.span[1])


def _span(parts: Parts) -> s.Span:
    return (_start(parts[0]), _end(parts[-1])) if parts else s.NOWHERE


def _only(parts: Parts, *kinds: type) -> Parts:
    return [part for part in parts if isinstance(part, kinds)]


def _nodes(parts: Parts) -> Parts:
    return [part for part in parts if not isinstance(part, Token)]


class _Block(list[Any]):
    """Statements between braces, with the span of the braces."""

    span: s.Span


class Builder(Transformer[Token, s.Module]):
    """Each method is named after a rule and receives its children, without commas and colons."""

    # Declarations

    def module(self, parts: Parts) -> s.Module:
        return s.Module(parts, _span(parts))

    def name(self, parts: Parts) -> s.Label:
        return s.Label(_text(parts[0]), parts[0].type == "STRING", _span(parts))

    def group(self, parts: Parts) -> s.Group:
        inner = _nodes(parts)
        label = inner.pop(0) if inner and isinstance(inner[0], s.Label) else None
        return s.Group(str(parts[0]), label, inner, _span(parts))

    def build(self, parts: Parts) -> s.Group:
        return s.Group("build", None, _nodes(parts), _span(parts))

    def tools(self, parts: Parts) -> s.Group:
        return s.Group("tools", None, _nodes(parts), _span(parts))

    def mock(self, parts: Parts) -> s.Mock:
        return s.Mock(str(parts[0]), _text(parts[1]), self.literal(parts[-1:]), _span(parts))

    def entries(self, parts: Parts) -> s.Entries:
        inner = _nodes(parts)
        label = inner.pop(0) if inner and isinstance(inner[0], s.Label) else None
        return s.Entries(str(parts[0]), label, inner, _span(parts))

    def description(self, parts: Parts) -> s.Description:
        return s.Description(*split_description(parts[0]), str(parts[0]), _span(parts))

    def rule_step(self, parts: Parts) -> s.Entry:
        return s.Entry(f"step {parts[1]}", parts[2], _span(parts))

    system_model = knowledge_entry = recorded_fact = space = artifact = measure = budget = entries

    def type_declaration(self, parts: Parts) -> s.Shape:
        return s.Shape("type", parts[1], _only(parts, s.FieldDeclaration), _span(parts))

    def shape(self, parts: Parts) -> s.Shape:
        return s.Shape("case", parts[1], _only(parts, s.FieldDeclaration), _span(parts))

    def variant(self, parts: Parts) -> s.Variant:
        return s.Variant(parts[1], _only(parts, s.Shape), _span(parts))

    def fact(self, parts: Parts) -> s.FactDeclaration:
        fields, lets = _only(parts, s.FieldDeclaration), _only(parts, s.Let)
        return s.FactDeclaration(parts[1], fields, lets, parts[-2], _span(parts))

    def unit(self, parts: Parts) -> s.Unit:
        return s.Unit(str(parts[0]), parts[1], _nodes(parts)[1:], _span(parts))

    def _variable(self, parts: Parts) -> s.Variable:
        rest = parts[2:]
        is_typed = bool(rest) and parts[1].type == "KEY"
        kind = rest.pop(0) if is_typed else None
        return s.Variable(str(parts[0]), str(parts[1]), kind, rest[0] if rest else None, _span(parts))

    state = constant = input = _variable

    # Types

    def field(self, parts: Parts) -> s.FieldDeclaration:
        bound = next((part for part in parts if isinstance(part, tuple)), None)
        optional = isinstance(parts[-1], Token) and parts[-1].type == "OPTIONAL"
        ends = [part for part in parts if not isinstance(part, tuple)]
        return s.FieldDeclaration(str(parts[0]), parts[1], bound, optional, _span(ends))

    def untyped(self, parts: Parts) -> s.FieldDeclaration:
        return s.FieldDeclaration(str(parts[0]), s.NamedType("any", "", _span(parts)), span=_span(parts))

    def default(self, parts: Parts) -> s.DefaultType:
        return s.DefaultType(self.signed(parts), _span(parts))

    def dimension(self, parts: Parts) -> s.Name:
        return s.Name(str(parts[0]), _span(parts))

    def bound(self, parts: Parts) -> tuple[str, s.Expression]:
        return str(parts[0]), parts[1]

    def signed(self, parts: Parts) -> s.Expression:
        number = self.literal(parts[-1:])
        return number if len(parts) == 1 else s.Prefix("-", number, _span(parts))

    def type(self, parts: Parts) -> s.TypeExpression:
        first, shape = parts[0], _only(parts, s.Name)
        if shape and first.type in ("NAME", "LSQB") and isinstance(parts[-1], Token):
            name = str(first) if first.type == "NAME" else ""
            return s.ShapedType(name, [part.name for part in shape], _span(parts))
        if first.type == "NAME":
            if len(parts) == 3:
                return s.NamedType(f"{first}.{parts[2]}", "", _span(parts))
            return s.NamedType(str(first), parts[1].name if len(parts) == 2 else "", _span(parts))
        if first.type == "LSQB":
            return s.ListType(parts[1], _span(parts))
        if first.type == "STRING":
            return s.EnumType([_text(part) for part in parts if part.type == "STRING"], _span(parts))
        return s.RecordType(_nodes(parts), _span(parts))

    def unit_name(self, parts: Parts) -> s.Name:
        return s.Name("".join(parts), _span(parts))

    # Statements

    def block(self, parts: Parts) -> _Block:
        block = _Block(parts[1:-1])
        block.span = _span(parts)
        return block

    def entry(self, parts: Parts) -> s.Entry:
        return s.Entry(str(parts[0]), parts[1], _span(parts))

    def setting(self, parts: Parts) -> s.Setting:
        return s.Setting(str(parts[0]), parts[1:], _span(parts))

    def parameter(self, parts: Parts) -> s.Parameter:
        return s.Parameter(str(parts[1]), parts[2], _span(parts))

    def step(self, parts: Parts) -> s.Step:
        body, key = parts[2], parts[1]
        if isinstance(body, _Block):
            return s.Step(key, list(body), False, _span(parts))
        return s.Step(s.Label(_text(key), key.type == "STRING", _span([key])), [body], True, _span(parts))

    def call(self, parts: Parts) -> s.Call:
        actor, _, operation = parts[0].partition(".")
        return s.Call(actor, operation, _only(parts, s.Entry), _only(parts, s.Arrow), _span(parts))

    def run(self, parts: Parts) -> s.RunUnit:
        return s.RunUnit(str(parts[1]), _only(parts, s.Entry), _only(parts, s.Arrow), _span(parts))

    def arrow(self, parts: Parts) -> s.Arrow:
        paths = [part.name for part in _nodes(parts)]
        return s.Arrow(paths or [str(parts[1])], bool(paths), _span(parts))

    def path(self, parts: Parts) -> s.Name:
        return s.Name("".join(parts), _span(parts))

    def emit(self, parts: Parts) -> s.Emit:
        if isinstance(parts[1], Token):
            return s.Emit(_text(parts[1]), None, _span(parts), is_text=True)
        return s.Emit(parts[1].name, _only(parts, s.Entry) if len(parts) > 2 else None, _span(parts))

    def let(self, parts: Parts) -> s.Let:
        return s.Let(str(parts[1]), parts[2] if len(parts) == 4 else None, parts[-1], _span(parts))

    def assign(self, parts: Parts) -> s.Assign:
        return s.Assign(str(parts[0]), parts[1], _span(parts))

    def if_(self, parts: Parts) -> s.If:
        inner = _nodes(parts)
        otherwise = list(inner.pop()) if len(inner) % 2 else None
        arms = [(inner[i], list(inner[i + 1])) for i in range(0, len(inner), 2)]
        return s.If(arms, otherwise, _span(parts))

    def for_(self, parts: Parts) -> s.For:
        return s.For(str(parts[1]), parts[3], list(parts[4]), _span(parts))

    def repeat(self, parts: Parts) -> s.Repeat:
        return s.Repeat(parts[1], parts[3] if len(parts) == 5 else None, list(parts[-1]), _span(parts))

    def parallel(self, parts: Parts) -> s.Parallel:
        return s.Parallel(_nodes(parts), _span(parts))

    def branch(self, parts: Parts) -> s.Branch:
        return s.Branch(parts[1], list(parts[2]), _span(parts))

    def match_(self, parts: Parts) -> s.Match:
        otherwise = list(parts[-2]) if isinstance(parts[-2], _Block) else None
        return s.Match(parts[1], _only(parts, s.Arm), otherwise, _span(parts))

    def arm(self, parts: Parts) -> s.Arm:
        return s.Arm(_only(parts, s.Literal), list(parts[-1]), _span(parts))

    def fail(self, parts: Parts) -> s.Fail:
        return s.Fail(parts[1], _span(parts))

    def wait(self, parts: Parts) -> s.Wait:
        return s.Wait(parts[1].type == "UNTIL", parts[2], _span(parts))

    def return_(self, parts: Parts) -> s.Return:
        return s.Return(parts[1], _span(parts))

    def evaluation(self, parts: Parts) -> s.Evaluation:
        nodes = _nodes(parts)
        described = [node for node in nodes if isinstance(node, s.Setting | s.Description)]
        return s.Evaluation([node for node in nodes if isinstance(node, s.Check | s.Expect)], described, _span(parts))

    def check(self, parts: Parts) -> s.Check:
        return s.Check(_text(parts[1]), parts[2], _span(parts))

    def expect(self, parts: Parts) -> s.Expect:
        return s.Expect(str(parts[1]), parts[2], _span(parts))

    def on(self, parts: Parts) -> s.On:
        return s.On(parts[1], _only(parts, s.FieldDeclaration), list(parts[-1]), _span(parts))

    # Expressions

    def alternatives(self, parts: Parts) -> s.Alternatives:
        return s.Alternatives(_nodes(parts), _span(parts))

    def range_(self, parts: Parts) -> s.Range:
        return s.Range(parts[0], parts[2], _span(parts))

    def _infix(self, parts: Parts) -> s.Infix:
        op = {"and": "&&", "or": "||"}.get(str(parts[1]), str(parts[1]))
        return s.Infix(op, parts[0], parts[2], _span(parts))

    disjunction = both = compare = add = multiply = _infix

    def opposite(self, parts: Parts) -> s.Prefix:
        return s.Prefix("!", parts[1], _span(parts))

    def negate(self, parts: Parts) -> s.Prefix:
        return s.Prefix("-", parts[1], _span(parts))

    def field_of(self, parts: Parts) -> s.FieldRef:
        return s.FieldRef(parts[0], str(parts[2]), _span(parts))

    def index(self, parts: Parts) -> s.Subscript:
        return s.Subscript(parts[0], _nodes(parts[1:]), _span(parts))

    def group_expression(self, parts: Parts) -> s.Expression:
        inner: s.Expression = parts[1]
        return inner

    def literal(self, parts: Parts) -> s.Literal:
        token = parts[0]
        match token.type:
            case "STRING":
                return s.Literal(_text(token), "", '"', _span(parts))
            case "LONG_STRING":
                return s.Literal(_text(token), "", '"""', _span(parts))
            case "TRUE" | "FALSE":
                return s.Literal(token.type == "TRUE", "", "", _span(parts))
            case _:
                found = _NUMBER.match(token)
                digits = found[0] if found else str(token)
                is_int = digits.replace("_", "").isdigit()
                # Conversion takes quadratic time, so numbers of many more than 64 bits become 2**64.
                value = float(digits) if not is_int else int(digits) if len(digits) < 60 else 1 << 64
                return s.Literal(value, str(token)[len(digits) :], "", _span(parts))

    def reference(self, parts: Parts) -> s.Name:
        return s.Name(str(parts[0]), _span(parts))

    def function(self, parts: Parts) -> s.Function:
        return s.Function(str(parts[0]), _nodes(parts), _span(parts))

    def each(self, parts: Parts) -> s.Each:
        return s.Each(parts[0], str(parts[2]), parts[4], parts[6] if len(parts) == 7 else None, _span(parts))

    def list_(self, parts: Parts) -> s.Sequence:
        return s.Sequence(_nodes(parts), _span(parts))

    def record(self, parts: Parts) -> s.Record:
        return s.Record([part for part in parts if isinstance(part, tuple)], _span(parts))

    def pair(self, parts: Parts) -> tuple[str, s.Value]:
        return _text(parts[0]), parts[1]
