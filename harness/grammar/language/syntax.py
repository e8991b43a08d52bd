"""Expression parser: text to syntax tree by precedence climbing; nesting is bounded, so the stack cannot overflow."""

from __future__ import annotations

from functools import lru_cache

from harness.grammar.language import expression as ex
from harness.grammar.language.tokens import ExpressionError, Token, tokens

MAX_DEPTH = 40
MAX_CASES = 100  # conditions of `a ? 1 : b ? 2 : … : 3`

PRECEDENCE = {
    "or": 1, "and": 2,
    "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "|": 5, "^": 6, "&": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
"""Binary operators, loosest first; `not` binds at 3, unary `-` and `~` at 11, attributes and items at 12."""
NOT, SIGN = 3, 11
_CONSTANTS = {"true": True, "false": False}
_RESERVED = frozenset({"or", "and", "not", *_CONSTANTS})


@lru_cache(maxsize=8192)
def parse_expression(text: str) -> ex.Expr:
    """Parse an expression.

    Raises:
        ExpressionError: with the position of the first unexpected character.
    """
    parser = _Parser(tokens(text))
    found = parser.ternary(0)
    parser.expect("end", "")
    return found


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self.tokens, self.at = found, 0

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def take(self, text: str) -> bool:
        if self.here.text == text and self.here.kind in ("mark", "name"):
            self.at += 1
            return True
        return False

    def expect(self, kind: str, text: str) -> Token:
        token = self.here
        if token.kind != kind or (text and token.text != text):
            seen = repr(token.text) if token.kind != "end" else "the end"
            wanted = repr(text) if text else "the end" if kind == "end" else f"a {kind}"
            raise ExpressionError(f"expected {wanted}, found {seen}", token.at)
        self.at += 1
        return token

    def deeper(self, depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", self.here.at)
        return depth + 1

    def ternary(self, depth: int) -> ex.Expr:
        depth = self.deeper(depth)
        cases: list[tuple[ex.Expr, ex.Expr]] = []
        found = self.binary(1, depth)
        while self.take("?"):
            cases.append((found, self.ternary(depth)))
            if len(cases) > MAX_CASES:
                raise ExpressionError(f"more than {MAX_CASES} conditions in a row", self.here.at)
            self.expect("mark", ":")
            found = self.binary(1, depth)
        for condition, then in reversed(cases):
            found = ex.Ternary(condition, then, found)
        return found

    def binary(self, least: int, depth: int) -> ex.Expr:
        left = self.unary(depth)
        count = 0
        while self.here.kind in ("mark", "name") and PRECEDENCE.get(self.here.text, 0) >= least:
            count += 1
            if count > 200:
                raise ExpressionError("more than 200 operators in a row", self.here.at)
            operator = self.here.text
            self.at += 1
            left = ex.Binary(operator, left, self.binary(PRECEDENCE[operator] + 1, self.deeper(depth)))
        return left

    def unary(self, depth: int) -> ex.Expr:
        depth = self.deeper(depth)
        if self.take("not"):
            return ex.Unary("not", self.binary(NOT + 1, depth))
        for sign in "-~":
            if self.take(sign):
                of = self.unary(depth)
                if sign == "-" and isinstance(of, ex.Literal) and type(of.value) in (int, float):
                    return ex.Literal(-of.value)  # type: ignore[operator]
                return ex.Unary(sign, of)
        return self.unary(depth) if self.take("+") else self.postfix(depth)

    def postfix(self, depth: int) -> ex.Expr:
        found = self.primary(depth)
        count = 0
        while True:
            count += 1
            if count > MAX_DEPTH:
                raise ExpressionError(f"more than {MAX_DEPTH} steps in a row", self.here.at)
            if self.take("."):
                name = self.name()
                found = ex.Method(found, name, self.arguments(depth)) if self.take("(") else ex.Attribute(found, name)
            elif self.take("["):
                found = ex.Item(found, self.ternary(depth))
                self.expect("mark", "]")
            else:
                return found

    def primary(self, depth: int) -> ex.Expr:
        token = self.here
        if token.kind in ("int", "float", "text") and token.value is not None:
            self.at += 1
            return ex.Literal(token.value)
        if self.take("("):
            found = self.ternary(depth)
            self.expect("mark", ")")
            return found
        if self.take("["):
            return self.array(depth)
        if token.kind == "name" and token.text in _CONSTANTS:
            self.at += 1
            return ex.Literal(_CONSTANTS[token.text])
        name = self.name()
        if self.take("("):
            return ex.Call(name, self.arguments(depth))
        if self.here.text == "::":
            parts = [name]
            while self.take("::"):
                parts.append(self.expect("name", "").text)
            return ex.EnumLiteral("::".join(parts[:-1]), parts[-1])
        return ex.Name(name)

    def array(self, depth: int) -> ex.Expr:
        items: list[ex.Expr] = []
        while not self.take("]"):
            if items:
                self.expect("mark", ",")
                if self.take("]"):
                    break
            items.append(self.ternary(depth))
        return ex.ArrayOf(tuple(items))

    def arguments(self, depth: int) -> tuple[ex.Expr, ...]:
        found: list[ex.Expr] = []
        while not self.take(")"):
            if found:
                self.expect("mark", ",")
            found.append(self.ternary(depth))
        return tuple(found)

    def name(self) -> str:
        token = self.expect("name", "")
        if token.text in _RESERVED:
            raise ExpressionError(f"{token.text!r} is not a name", token.at)
        return token.text
