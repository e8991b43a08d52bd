"""Gate parsing: text to syntax tree, by a Pratt parser; every complaint points at its place."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection

from harness.core.errors import UsageError
from harness.gates.syntax import (
    AGGREGATES,
    LANES,
    NUMBERS,
    RATES,
    RELATIONS,
    SELECTORS,
    SPACE,
    TEXTS,
    TOKEN,
    Aggregate,
    Arithmetic,
    Comparison,
    Condition,
    Logic,
    Negation,
    Node,
    Number,
    Row,
    Token,
    Truth,
)

LONGEST, MOST, DEEPEST = 2000, 250, 40
MAX_DRAWN = 1_000_000
EXAMPLE = "toolgen.mean(score) >= 0.8"


def parse(text: str, *, lanes: Collection[str] | None = None) -> Truth:
    """The syntax tree of a gate.

    Raises:
        UsageError: with the place marked and a hint.
    """
    parser = _Parser(text, lanes)
    found = parser.expression(0)
    rest = parser.token
    if rest.kind != "end":
        raise parser.wrong(rest, f"{rest.text!r} is not expected here", "join comparisons with `and` or `or`")
    if isinstance(found, Number | Aggregate | Arithmetic):
        raise parser.wrong(rest, "a gate must compare something", f"write for example `{found.text} >= 0.8`")
    return found


BINDING = {"or": 1, "and": 2, **dict.fromkeys(RELATIONS, 4), "+": 5, "-": 5, "*": 6, "/": 6}
NOT_BINDING, MINUS_BINDING = 3, 7


class _Parser:
    def __init__(self, text: str, lanes: Collection[str] | None) -> None:
        self.text, self.lanes, self.depth = text, lanes, 0
        if len(text) > LONGEST:
            raise self.long()
        self.tokens = self._tokens()
        if len(self.tokens) > MOST:
            # A long chain of operators is a deep tree, and whoever walks it would run out of stack.
            raise self.long()
        self.place = 0

    def long(self) -> UsageError:
        return UsageError("wrong gate: this is too long", fix="use several --gate")

    def wrong(self, token: Token, what: str, fix: str) -> UsageError:
        line = "".join(c if c.isprintable() else " " for c in self.text)
        return UsageError(f"wrong gate: {what}\n    {line}\n    {' ' * token.start}^", fix=fix)

    def _tokens(self) -> list[Token]:
        tokens, place = list[Token](), 0
        while not tokens or tokens[-1].kind != "end":
            match = TOKEN.match(self.text, place)
            if match is None or match.lastgroup is None:
                start = place if (blank := SPACE.match(self.text, place)) is None else blank.end()
                if self.text[start] in "\"'":
                    raise self.wrong(
                        Token("string", "", start, start), "this text is not closed", "close it with the same quote"
                    )
                if self.text[start] == "=":
                    raise self.wrong(Token("symbol", "=", start, start), "`=` compares nothing", "write `==`")
                raise self.wrong(
                    Token("", "", start, start),
                    f"{self.text[start]!r} means nothing in a gate",
                    "a gate is made of names, numbers, quoted texts and + - * / ( ) . , < > =",
                )
            kind = match.lastgroup
            tokens.append(Token(kind, match[kind], match.start(kind), match.end(kind)))
            place = match.end()
        return tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.token
        self.place += token.kind != "end"
        return token

    def accept(self, text: str) -> bool:
        found = self.token.text == text and self.token.kind in ("symbol", "name")
        self.place += found
        return found

    def expect(self, text: str, why: str) -> None:
        if not self.accept(text):
            raise self.wrong(self.token, f"{text!r} is missing here", why)

    def since(self, start: int) -> str:
        return " ".join(self.text[start : self.tokens[self.place - 1].end].split())

    # Expressions

    def expression(self, binding: int) -> Node | Truth:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(self.token, "this is nested too deeply", "use several --gate")
        start = self.token.start
        left = self.prefix()
        while BINDING.get(self.token.text, 0) > binding and self.token.kind in ("symbol", "name"):
            operator = self.take()
            right = self.expression(BINDING[operator.text])
            left = self.join(operator, left, right, start)
        self.depth -= 1
        return left

    def join(self, operator: Token, left: Node | Truth, right: Node | Truth, start: int) -> Node | Truth:
        text = self.since(start)
        if operator.text in ("and", "or"):
            if isinstance(left, Comparison | Logic | Negation) and isinstance(right, Comparison | Logic | Negation):
                return Logic(operator.text, left, right, text)
            raise self.wrong(
                operator, f"`{operator.text}` joins comparisons, not numbers", "compare both sides with something"
            )
        if isinstance(left, Comparison | Logic | Negation) or isinstance(right, Comparison | Logic | Negation):
            raise self.wrong(
                operator, f"`{operator.text}` needs numbers on both sides", "join comparisons with `and` or `or`"
            )
        if operator.text in RELATIONS:
            return Comparison(operator.text, left, right, text)
        return Arithmetic(operator.text, left, right, text)

    def prefix(self) -> Node | Truth:
        token = self.token
        if self.accept("("):
            inner = self.expression(0)
            self.expect(")", "close the parenthesis")
            return inner
        if self.accept("-"):
            operand = self.expression(MINUS_BINDING)
            if isinstance(operand, Comparison | Logic | Negation):
                raise self.wrong(token, "`-` needs a number", "write `not` to turn a comparison round")
            return Arithmetic("-", Number(0.0, "0"), operand, self.since(token.start))
        if self.accept("not"):
            found = self.expression(NOT_BINDING)
            if isinstance(found, Number | Aggregate | Arithmetic):
                raise self.wrong(token, "`not` needs a comparison", f"write for example `not {found.text} >= 0.8`")
            return Negation(found, self.since(token.start))
        if token.kind == "number":
            return Number(self.number(), token.text)
        if token.kind == "name":
            return self.aggregate()
        what = "the gate ends here" if token.kind == "end" else f"{token.text} is not expected here"
        raise self.wrong(token, what, "write an aggregate such as `mean(score)`, or a number")

    def number(self) -> float:
        token = self.take()
        value = float(token.text)
        if not math.isfinite(value):
            raise self.wrong(token, "this number is too large", "use a smaller one")
        return value

    # Aggregates

    def aggregate(self) -> Aggregate:
        start, selected = self.token.start, dict[str, str]()
        while True:
            token = self.take()
            if token.kind != "name":
                raise self.wrong(token, "a name is missing here", f"after a dot comes one of {', '.join(AGGREGATES)}")
            if token.text in SELECTORS:
                self.expect("(", f'write {token.text}("name")')
                if self.token.kind != "string" or token.text in selected:
                    raise self.wrong(
                        self.token, f"one quoted {token.text} is needed here", f'write {token.text}("name")'
                    )
                selected[token.text] = self.take().text[1:-1]
                self.expect(")", "close the parenthesis")
            elif token.text in AGGREGATES and not (self.token.text == "." and not selected):
                return self.call(token, start, selected)
            elif self.token.text == "." and not selected:
                selected["lane"] = self.lane(token)
            else:
                raise self.unknown(token, "aggregate", AGGREGATES, (*SELECTORS, *(self.lanes or LANES)))
            self.expect(".", "a selector is followed by a dot and an aggregate")

    def lane(self, token: Token) -> str:
        known = self.lanes or LANES
        misspelt = difflib.get_close_matches(token.text, known, n=1, cutoff=0.75)
        if token.text not in known and (self.lanes is not None or misspelt):
            raise self.unknown(token, "lane", tuple(known))
        return token.text

    def call(self, name: Token, start: int, selected: dict[str, str]) -> Aggregate:
        column, quantile, drawn, baseline = "", 0.5, 1, ""
        condition: Condition | None = None
        if name.text == "regressions":
            if self.accept("("):
                baseline = "" if self.token.text == ")" else self.baseline()
                self.expect(")", 'write `regressions`, or `regressions("RUN")`')
        else:
            self.expect("(", f"write {name.text}(...)")
            if name.text in RATES:
                drawn = self.candidates(name)
            elif name.text != "count":
                column = self.column(NUMBERS)
            if name.text == "quantile":
                self.expect(",", "write quantile(score, 0.9)")
                place = self.token
                if place.kind != "number" or not 0 <= (quantile := self.number()) <= 1:
                    raise self.wrong(place, "a number between 0 and 1 is needed here", "write quantile(score, 0.9)")
            if name.text == "delta" and self.accept(","):
                baseline = self.baseline()
            follows = self.token.text != ")" if name.text == "count" else name.text != "delta" and self.accept(",")
            condition = self.condition() if follows else None
            self.expect(")", "close the parenthesis after the aggregate's arguments")
        text = self.since(start)
        return Aggregate(name.text, column, text, quantile, condition, **selected, drawn=drawn, baseline=baseline)

    def candidates(self, name: Token) -> int:
        place = self.token
        if place.kind != "number" or not place.text.isdecimal() or not 1 <= int(place.text) <= MAX_DRAWN:
            problem = f"a whole number from 1 to {MAX_DRAWN} is needed here"
            raise self.wrong(place, problem, f"write {name.text}(5): of how many candidates")
        return int(self.take().text)

    def baseline(self) -> str:
        if self.token.kind != "string" or len(self.token.text) < 3:
            raise self.wrong(self.token, "one quoted run is needed here", 'write its id, a part of it, or "latest"')
        return self.take().text[1:-1]

    def column(self, known: tuple[str, ...]) -> str:
        token = self.take()
        if token.kind == "string" and len(token.text) > 2:
            return token.text[1:-1]
        if token.kind != "name":
            raise self.wrong(
                token, "a column is missing here", f"use one of {', '.join(known)}, or a component in quotes"
            )
        if token.text not in known:
            raise self.unknown(token, "column of numbers" if known is NUMBERS else "column", known)
        return token.text

    def unknown(self, token: Token, kind: str, known: tuple[str, ...], also: tuple[str, ...] = ()) -> UsageError:
        near = difflib.get_close_matches(token.text, (*known, *also), n=1)
        fix = f"did you mean {near[0]!r}? " if near else ""
        return self.wrong(token, f"there is no {kind} {token.text!r}", f"{fix}There are {', '.join(known)}")

    # Conditions on single rows

    def condition(self) -> Condition:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(self.token, "this is nested too deeply", "use several --gate")
        left = self.all_of()
        while self.accept("or"):
            left = _either(left, self.all_of())
        self.depth -= 1
        return left

    def all_of(self) -> Condition:
        left = self.atom()
        while self.accept("and"):
            left = _both(left, self.atom())
        return left

    def atom(self) -> Condition:
        negative = False
        while self.accept("not"):
            negative = not negative
        if self.accept("("):
            inner = self.condition()
            self.expect(")", "close the parenthesis")
        else:
            inner = self.test()
        return _not(inner) if negative else inner

    def test(self) -> Condition:
        column = self.column((*NUMBERS, *TEXTS))
        relation = self.token
        if relation.text not in RELATIONS:
            if column != "passed":
                raise self.wrong(relation, f"{column} must be compared here", f'write for example {column} == "..."')
            return lambda row: bool(row.get("passed"))
        self.take()
        value = self.token
        if value.kind == "string" and column not in NUMBERS and relation.text in ("==", "!="):
            self.take()
            return _texts(column, relation.text, value.text[1:-1])
        minus = self.accept("-")
        if self.token.kind == "number" and column not in TEXTS:
            number = self.number()
            return _numbers(column, relation.text, -number if minus else number)
        raise self.wrong(
            value,
            f"{column} cannot be compared with this",
            f"{column} is compared by == or != with a quoted text" if column in TEXTS else "write a number",
        )


def _either(left: Condition, right: Condition) -> Condition:
    return lambda row: left(row) or right(row)


def _both(left: Condition, right: Condition) -> Condition:
    return lambda row: left(row) and right(row)


def _not(inner: Condition) -> Condition:
    return lambda row: not inner(row)


def _texts(column: str, relation: str, wanted: str) -> Condition:
    return lambda row: (str(row.get(column) if row.get(column) is not None else "") == wanted) == (relation == "==")


def _numbers(column: str, relation: str, wanted: float) -> Condition:
    def holds(row: Row) -> bool:
        value = row.get(column)
        if not isinstance(value, int | float):
            return False  # what is undefined meets no condition
        return {
            ">=": value >= wanted,
            "<=": value <= wanted,
            ">": value > wanted,
            "<": value < wanted,
            "==": value == wanted,
            "!=": value != wanted,
        }[relation]

    return holds
