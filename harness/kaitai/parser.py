"""Expr parser: Kaitai Struct expressions and type references, by precedence climbing over a scanner."""

from __future__ import annotations

import re

from harness.grammar.language import expression as ex
from harness.kaitai.expression import SPECIAL, TypeName, depth
from harness.kaitai.scanner import MAX_DEPTH, NAME, ExpressionError, Scanner

MAX_DIGITS = 300
MAX_LEVELS = 150  # maximum levels of a syntax tree, so that functions may recurse over it
_SPECIAL = SPECIAL | {"_sizeof", "_bitsizeof"}
ID = re.compile(r"[a-z][a-z0-9_]*")

_NUMBER = re.compile(
    r"(?P<real>(?:[0-9][0-9_]*)?\.[0-9][0-9_]*(?:[eE][+-]?[0-9]+)?|[0-9][0-9_]*(?:\.(?![0-9_A-Za-z\s]))?[eE][+-]?[0-9]+"
    r"|[0-9][0-9_]*\.(?!\s*[A-Za-z_.]))"
    r"|(?P<whole>0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*)"
)
_ESCAPES = {
    "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    '"': '"', "'": "'", "\\": "\\",
}  # fmt: skip
_ESCAPE = re.compile(r"\\(?:u(?P<unicode>[0-9a-fA-F]{4})|(?P<octal>[0-7]{1,3})|(?P<simple>.))", re.DOTALL)
_LEVELS: tuple[tuple[str, ...], ...] = (("|",), ("^",), ("&",), ("<<", ">>"), ("+", "-"), ("*", "/", "%"))
_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
_HINTS = {"&&": "and", "||": "or", "!": "not"}


def parse(text: str) -> ex.Expr:
    """Parse an expression.

    Raises:
        ExpressionError: if it is invalid, nested deeper than 100 levels, or longer than 20,000 characters.
    """
    found = _Parser(text).expression()
    if depth(found) > MAX_LEVELS:
        raise ExpressionError(text[:40], 0, f"more than {MAX_LEVELS} levels of operations")
    return found


def parse_type(text: str) -> tuple[TypeName, tuple[ex.Expr, ...]]:
    """Parse a type reference with its arguments: `outer::inner(5, x + 1)`.

    Raises:
        ExpressionError: if it is invalid.
    """
    return _Parser(text).reference()


class _Parser(Scanner):
    def expression(self) -> ex.Expr:
        found = self.test()
        self.space()
        if self.at < len(self.text):
            hint = next((f", did you mean {word!r}?" for sign, word in _HINTS.items() if self.peek(sign)), "")
            self.fail(f"expected the end, found {self.rest()}{hint}")
        return found

    def reference(self) -> tuple[TypeName, tuple[ex.Expr, ...]]:
        name = self.type_name()
        arguments: tuple[ex.Expr, ...] = ()
        if self.take("("):
            arguments = self.listed(")")
        self.space()
        if self.at < len(self.text):
            self.fail(f"expected the end of a type, found {self.rest()}")
        return name, arguments

    def type_name(self) -> TypeName:
        absolute = self.take("::") is not None
        path = [self.name()]
        while self.take("::"):
            path.append(self.name())
        array = False
        if self.take("["):
            self.require("]")
            array = True
        return TypeName(tuple(path), absolute, array)

    def test(self) -> ex.Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"nested deeper than {MAX_DEPTH} levels")
        found = self.either()
        if self.take("?"):
            yes = self.test()
            self.require(":")
            found = ex.Ternary(found, yes, self.test())
        self.depth -= 1
        return found

    def either(self) -> ex.Expr:
        found = self.both()
        while self.word("or"):
            found = ex.Binary("or", found, self.both())
        return found

    def both(self) -> ex.Expr:
        found = self.negated()
        while self.word("and"):
            found = ex.Binary("and", found, self.negated())
        return found

    def negated(self) -> ex.Expr:
        count = 0
        while self.word("not"):
            count += 1
        found = self.comparison()
        for _ in range(count):
            found = ex.Unary("not", found)
        return found

    def comparison(self) -> ex.Expr:
        left = self.binary(0)
        if self.peek("<<", ">>"):
            return left
        op = self.take(*_COMPARISONS)
        return ex.Binary(op, left, self.binary(0)) if op else left

    def binary(self, level: int) -> ex.Expr:
        if level == len(_LEVELS):
            return self.factor()
        left = self.binary(level + 1)
        while self.peek("||", "&&") is None and (op := self.take(*_LEVELS[level])):
            left = ex.Binary(op, left, self.binary(level + 1))
        return left

    def factor(self) -> ex.Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"nested deeper than {MAX_DEPTH} levels")
        op = self.take("+", "-", "~")
        found = ex.Unary(op, self.factor()) if op else self.trailers(self.atom())
        self.depth -= 1
        return found

    def trailers(self, value: ex.Expr) -> ex.Expr:
        while True:
            if self.take("["):
                value = ex.Item(value, self.test())
                self.require("]")
            elif self.peek(".") and not self.peek(".."):
                self.at += 1
                name = self.name()
                if name == "as" and self.take("<"):
                    value = ex.Method(value, name, (ex.Literal(str(self.type_name())),))
                    self.require(">")
                elif name == "as" and self.peek("("):
                    self.fail("expected `<` after `as`, found '('")
                elif self.take("("):
                    value = ex.Method(value, name, self.listed(")"))
                else:
                    self.check(name)
                    value = ex.Attribute(value, name)
            else:
                return value

    def listed(self, end: str) -> tuple[ex.Expr, ...]:
        found: list[ex.Expr] = []
        while not self.take(end):
            if found:
                self.require(",")
                if self.take(end):
                    break
            found.append(self.test())
        return tuple(found)

    def check(self, name: str) -> None:
        if not ID.fullmatch(name) and name not in _SPECIAL:
            self.at -= len(name)
            self.fail(f"invalid ID: {name!r}, expected /^[a-z][a-z0-9_]*$/")

    def atom(self) -> ex.Expr:
        if self.take("("):
            found = self.test()
            self.require(")")
            return found
        if self.take("["):
            return ex.ArrayOf(self.listed("]"))
        if self.peek('f"'):
            self.at += 2
            return self.formatted()
        if self.peek('"', "'"):
            text = self.string()
            while self.peek('"', "'"):
                text += self.string()
            return ex.Literal(text)
        number = _NUMBER.match(self.text, self.at)
        if number:
            return self.number(number)
        if not self.peek("::") and not NAME.match(self.text, self.at):
            self.fail(f"expected a value, found {self.rest()}")
        return self.named()

    def number(self, found: re.Match[str]) -> ex.Expr:
        self.at = found.end()
        following = NAME.match(self.text, self.at)
        if following:
            self.fail(f"unexpected {following.group()!r} after a number")
        text = found.group().replace("_", "")
        if len(text) > MAX_DIGITS:
            self.fail(f"a number of more than {MAX_DIGITS} digits")
        if found.lastgroup == "real":
            return ex.Literal(float(text))
        if text[:1] == "0" and text[1:].isdecimal():
            self.fail("a decimal number must not start with 0; octal numbers start with 0o")
        if text[1:2] in ("x", "X", "b", "B", "o", "O"):
            if len(text) < 3:
                self.fail("a number needs digits")
            return ex.Literal(int(text, 0))
        return ex.Literal(int(text))

    def named(self) -> ex.Expr:
        absolute = self.take("::") is not None
        path = [self.name()]
        if not absolute and path[0] in ("true", "false"):
            return ex.Literal(path[0] == "true")
        if not absolute and path[0] in ("sizeof", "bitsizeof") and self.take("<"):
            type_name = self.type_name()
            self.require(">")
            return ex.Call(path[0], (ex.Literal(str(type_name)),))
        while self.take("::"):
            path.append(self.name())
        if len(path) > 1:
            return ex.EnumLiteral(str(TypeName(tuple(path[:-1]), absolute)), path[-1])
        if absolute or path[0] in ("and", "or", "not"):
            self.at -= len(path[0])
            self.fail(f"expected a value, found {path[0]!r}")
        self.check(path[0])
        return ex.Name(path[0])

    def string(self) -> str:
        quote = self.text[self.at]
        self.at += 1
        if quote == "'":
            end = self.text.find("'", self.at)
            if end < 0:
                self.fail("unterminated string")
            found, self.at = self.text[self.at : end], end + 1
            return found
        made: list[str] = []
        while not self.text.startswith('"', self.at):
            made.append(self.character())
        self.at += 1
        return "".join(made)

    def character(self) -> str:
        if self.at >= len(self.text):
            self.fail("unterminated string")
        if self.text[self.at] != "\\":
            self.at += 1
            return self.text[self.at - 1]
        found = _ESCAPE.match(self.text, self.at)
        if not found or (found["simple"] is not None and found["simple"] not in _ESCAPES):
            self.fail("unknown escape in a string")
        self.at = found.end()
        if found["unicode"]:
            return chr(int(found["unicode"], 16))
        return chr(int(found["octal"], 8)) if found["octal"] else _ESCAPES[str(found["simple"])]

    def formatted(self) -> ex.Expr:
        parts: list[ex.Expr] = []
        text = ""
        while not self.text.startswith('"', self.at):
            if self.text.startswith("{", self.at):
                self.at += 1
                if text:
                    parts.append(ex.Literal(text))
                    text = ""
                parts.append(self.test())
                self.require("}")
            else:
                text += self.character()
        self.at += 1
        if text:
            parts.append(ex.Literal(text))
        return ex.Call("f", tuple(parts))
