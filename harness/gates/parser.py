"""Gate parser: from the few nodes of Python's syntax tree that gates have to the tree of a gate."""

from __future__ import annotations

import ast
import math
from collections.abc import Collection
from itertools import pairwise

from harness.core.errors import UsageError
from harness.core.nearest import nearest_name
from harness.gates import syntax as s
from harness.gates.text import GateText

MAX_SAMPLE = 1_000_000
MAX_DEPTH = 40  # of `not` and `-`
COLUMNS = (*s.NUMBER_COLUMNS, *s.TEXT_COLUMNS)


def parse(text: str, *, lanes: Collection[str] | None = None) -> s.Truth:
    """The syntax tree of a gate.

    Raises:
        UsageError: with a caret below the place, and a hint.
    """
    source = GateText(text)
    found = _Parser(source, lanes).expression(source.parse())
    if not isinstance(found, s.Truth):
        fix = f"write for example `{found.text} >= 0.8`"
        raise source.error(len(source.text), "a gate must compare something", fix)
    return found


class _Parser:
    def __init__(self, source: GateText, lanes: Collection[str] | None) -> None:
        self.source, self.lanes, self.depth = source, lanes, 0

    def expression(self, node: ast.expr) -> s.Node | s.Truth:
        match node:
            case ast.BoolOp(values=values):
                left = self.expression(values[0])
                for before, value in pairwise(values):
                    place, word = self.source.operator(before, value)
                    right = self.expression(value)
                    if not isinstance(left, s.Truth) or not isinstance(right, s.Truth):
                        what = f"`{word}` joins comparisons, not numbers"
                        raise self.source.error(place, what, "compare both sides with something")
                    left = s.Logic(word, left, right)
                return left
            case ast.Compare():
                return s.Comparison(self.relation(node), *self.numbers(node.left, node.comparators[0]))
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
                _, operator = self.source.operator(node.left, node.right)
                return s.Arithmetic(operator, *self.numbers(node.left, node.right), self.text(node))
            case ast.UnaryOp(op=ast.Not()):
                operand = self.prefixed(node)
                if not isinstance(operand, s.Truth):
                    fix = f"write for example `not {operand.text} >= 0.8`"
                    raise self.source.error(node.col_offset, "`not` needs a comparison", fix)
                return s.Negation(operand)
            case ast.UnaryOp(op=ast.USub()):
                operand = self.prefixed(node)
                if isinstance(operand, s.Truth):
                    raise self.source.error(node.col_offset, "`-` needs a number", "write `not` to negate a comparison")
                return s.Arithmetic("-", s.Number(0.0, "0"), operand, self.text(node))
            case ast.Constant():
                return self.number(node)
            case ast.Call() | ast.Attribute() | ast.Name():
                return self.aggregate(node)
        raise self.source.unexpected(node)

    def text(self, node: ast.expr) -> str:
        return " ".join(self.source.source(node).split())

    def prefixed(self, node: ast.UnaryOp) -> s.Node | s.Truth:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.source.error(node.col_offset, "this is nested too deeply", "use several --gate")
        operand = self.expression(node.operand)
        self.depth -= 1
        return operand

    def numbers(self, left: ast.expr, right: ast.expr) -> tuple[s.Node, s.Node]:
        place, spelling = self.source.operator(left, right)
        first, second = self.expression(left), self.expression(right)
        if isinstance(first, s.Truth) or isinstance(second, s.Truth):
            what = f"`{spelling}` needs numbers on both sides"
            raise self.source.error(place, what, "join comparisons with `and` or `or`")
        return first, second

    def relation(self, node: ast.Compare) -> str:
        if len(node.comparators) > 1:
            place, _ = self.source.operator(*node.comparators[:2])
            raise self.source.error(place, "comparisons cannot be chained", "join two comparisons with `and`")
        place, spelling = self.source.operator(node.left, node.comparators[0])
        if spelling not in s.RELATIONS:
            raise self.source.error(place, f"`{spelling}` does not compare numbers", "use >= <= > < == !=")
        return spelling

    def number(self, node: ast.expr) -> s.Number:
        text = self.source.number(node)
        if text is None:
            raise self.source.unexpected(node)
        if not math.isfinite(float(text)):
            raise self.source.error(node.col_offset, "this number is too large", "use a smaller one")
        return s.Number(float(text), text)

    # Aggregates

    def aggregate(self, node: ast.Call | ast.Attribute | ast.Name) -> s.Aggregate:
        before, name, place = self.name(node)
        selected = self.selectors(before)
        if name not in s.AGGREGATES:
            raise self.unknown(place, name, "aggregate", s.AGGREGATES, (*s.SELECTORS, *(self.lanes or s.LANES)))
        given: list[ast.expr] = []
        if isinstance(node, ast.Call):
            given = self.arguments(node)
        elif name != "regressions":
            raise self.source.error(place, f"{name} needs arguments", f"write {name}(...)")
        rest = iter(given)
        column, quantile, size, baseline, condition = "", 0.5, 1, "", None
        if name in s.RATES:
            size = self.sample_size(next(rest, None), node, name)
        elif name not in ("count", "regressions"):
            column = self.column(next(rest, None), s.NUMBER_COLUMNS, node)
        if name == "quantile":
            quantile = self.fraction(next(rest, None), node)
        last = next(rest, None)
        if last is not None and name in s.PAIRED:
            baseline = self.source.string(last) or ""
            if not baseline:
                fix = 'write its id, a part of it, or "latest"'
                raise self.source.error(last.col_offset, "one quoted run is needed here", fix)
        elif last is not None:
            condition = self.condition(last)
        if (more := next(rest, None)) is not None:
            what = f"{name} takes no further argument"
            raise self.source.error(more.col_offset, what, "join conditions with `and`")
        text = self.text(node)
        return s.Aggregate(name, column, text, quantile, condition, **selected, sample_size=size, baseline=baseline)

    def name(self, node: ast.expr) -> tuple[ast.expr | None, str, int]:
        """What precedes the last dot, the name after it, and its place."""
        called = node.func if isinstance(node, ast.Call) else node
        if isinstance(called, ast.Attribute):
            return called.value, called.attr, (called.end_col_offset or 0) - len(called.attr)
        if isinstance(called, ast.Name):
            return None, called.id, called.col_offset
        raise self.source.unexpected(node)

    def selectors(self, node: ast.expr | None) -> dict[str, str]:
        if node is None:
            return {}
        before, name, place = self.name(node)
        if name in s.SELECTORS:
            selected = self.selectors(before)
            given = self.arguments(node) if isinstance(node, ast.Call) else []
            value = self.source.string(given[0]) if len(given) == 1 else None
            if value is None or name in selected:
                place = given[0].col_offset if given else place
                raise self.source.error(place, f"one quoted {name} is needed here", f'write {name}("name")')
            return selected | {name: value}
        known = tuple(self.lanes or s.LANES)
        if not isinstance(node, ast.Name):
            raise self.unknown(place, name, "selector", s.SELECTORS, known)
        if name not in known and (self.lanes is not None or nearest_name(name, known, cutoff=0.75)):
            raise self.unknown(place, name, "lane", known)
        return {"lane": name}

    def arguments(self, call: ast.Call) -> list[ast.expr]:
        if call.keywords:
            raise self.source.unexpected(call.keywords[0])
        return call.args

    def missing(self, found: ast.expr | None, call: ast.expr, what: str, fix: str) -> UsageError:
        """The error of an argument that is wrong, or missing in front of the call's last parenthesis."""
        return self.source.error(found.col_offset if found else (call.end_col_offset or 1) - 1, what, fix)

    def sample_size(self, node: ast.expr | None, call: ast.expr, name: str) -> int:
        digits = self.source.number(node) or ""
        if digits.isdecimal() and 1 <= int(digits) <= MAX_SAMPLE:
            return int(digits)
        what = f"an integer from 1 to {MAX_SAMPLE} is needed here"
        raise self.missing(node, call, what, f"write {name}(5), with the number of candidates")

    def fraction(self, node: ast.expr | None, call: ast.expr) -> float:
        value = float(self.source.number(node) or -1)
        if 0 <= value <= 1:
            return value
        raise self.missing(node, call, "a number between 0 and 1 is needed here", "write quantile(score, 0.9)")

    def column(self, node: ast.expr | None, known: tuple[str, ...], call: ast.expr) -> str:
        if value := self.source.string(node):
            return value
        if not isinstance(node, ast.Name):
            fix = f"use one of {', '.join(known)}, or a component in quotes"
            raise self.missing(node, call, "a column is missing here", fix)
        if node.id not in known:
            kind = "column of numbers" if known is s.NUMBER_COLUMNS else "column"
            raise self.unknown(node.col_offset, node.id, kind, known)
        return node.id

    def unknown(
        self, place: int, name: str, kind: str, known: tuple[str, ...], also: tuple[str, ...] = ()
    ) -> UsageError:
        near = nearest_name(name, (*known, *also))
        fix = f"did you mean {near!r}? " if near else ""
        return self.source.error(place, f"unknown {kind} {name!r}", f"{fix}There are {', '.join(known)}")

    # Conditions on single rows

    def condition(self, node: ast.expr) -> s.Condition:
        match node:
            case ast.BoolOp(op=operator, values=values):
                decide = any if isinstance(operator, ast.Or) else all
                parts = [self.condition(value) for value in values]
                return lambda row: decide(part(row) for part in parts)
            case ast.UnaryOp(op=ast.Not()):
                inner = self.condition(node.operand)
                return lambda row: not inner(row)
            case ast.Compare():
                return self.test(node)
        column = self.column(node, COLUMNS, node)
        if column != "passed":
            raise self.source.error(node.col_offset, f"{column} must be compared here", f'write {column} == "..."')
        return lambda row: bool(row.get("passed"))

    def test(self, node: ast.Compare) -> s.Condition:
        relation, value = self.relation(node), node.comparators[0]
        column, wanted = self.column(node.left, COLUMNS, node), self.source.string(value)
        if wanted is not None and column not in s.NUMBER_COLUMNS and relation in ("==", "!="):
            return lambda row: (str("" if row.get(column) is None else row[column]) == wanted) == (relation == "==")
        sign, literal = 1.0, value
        if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
            sign, literal = -1.0, value.operand
        if self.source.number(literal) is None or column in s.TEXT_COLUMNS:
            is_text = column in s.TEXT_COLUMNS
            fix = f"{column} is compared by == or != with a quoted string" if is_text else "write a number"
            raise self.source.error(value.col_offset, f"{column} cannot be compared with this", fix)
        bound = sign * self.number(literal).value

        def is_met(row: s.Row) -> bool:
            found = row.get(column)
            # undefined meets no condition
            return isinstance(found, int | float) and s.RELATIONS[relation](found, bound)

        return is_met
