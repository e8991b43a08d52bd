# SPDX-License-Identifier: MIT
# /// candidate
# style = "recursion"
# generator = "hand"
# license = "MIT"
# ///
"""Precedence climbing by recursion, on pairs of integers (numerator, denominator) in lowest terms."""

from __future__ import annotations

import re
import sys
from math import gcd

_TOKEN = re.compile(r"[ \t]*(?:([0-9]+|[A-Za-z_][A-Za-z0-9_]*|\*\*|//|==|!=|<=|>=|[-+*/%()<>])|\Z)")
_LIMIT = 10**100
_LEVELS = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2}
_COMPARED = ("==", "!=", "<", "<=", ">", ">=")
Pair = tuple[int, int]


def evaluate(text: str, variables: dict[str, int]) -> str:
    """Return the value of an expression as text.

    >>> evaluate("2 ** 3 ** 2", {})
    '512'
    """
    reader = _Reader(_split(text), variables)
    # A level of parentheses takes two calls.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 1000 + 4 * len(reader.tokens)))
    left = reader.sum_of(1)
    word = reader.peek()
    if word in _COMPARED:
        reader.at += 1
        right = reader.sum_of(1)
        if reader.peek():
            raise ValueError(f"{reader.peek()} after a comparison")
        less, equal = left[0] * right[1] < right[0] * left[1], left == right
        truth = {"==": equal, "!=": not equal, "<": less, "<=": less or equal, ">": not (less or equal), ">=": not less}
        return "true" if truth[word] else "false"
    if word:
        raise ValueError(f"{word} after the expression")
    return str(left[0]) if left[1] == 1 else f"{left[0]}/{left[1]}"


def _split(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"an unknown character at {at}")
        if found[1]:
            tokens.append(found[1])
        at = found.end()
    return tokens


class _Reader:
    """The tokens of an expression, and the place of the next one."""

    def __init__(self, tokens: list[str], variables: dict[str, int]) -> None:
        self.tokens, self.variables, self.at = [*tokens, ""], variables, 0

    def peek(self) -> str:
        return self.tokens[self.at]

    def sum_of(self, level: int) -> Pair:
        """Values joined by operators of a level or stronger ones."""
        value = self.signed()
        while (strength := _LEVELS.get(self.peek(), 0)) >= level:
            sign = self.peek()
            self.at += 1
            right = self.sum_of(2) if strength == 1 else self.signed()
            value = _apply(sign, value, right)
        return value

    def signed(self) -> Pair:
        """A power with signs before it."""
        is_negative = False
        while (word := self.peek()) in ("+", "-"):
            is_negative ^= word == "-"
            self.at += 1
        number, divisor = self.power()
        return (-number, divisor) if is_negative else (number, divisor)

    def power(self) -> Pair:
        word = self.peek()
        self.at += 1
        if word == "(":
            value = self.sum_of(1)
            if self.peek() != ")":
                raise ValueError(f"{self.peek() or 'the end'} where a parenthesis should close")
            self.at += 1
        else:
            value = self.operand(word)
        if self.peek() == "**":
            self.at += 1
            return _power(value, self.signed())
        return value

    def operand(self, word: str) -> Pair:
        if word[:1].isdigit():
            digits = word.lstrip("0")
            if len(digits) > 100:
                raise ValueError("a number with more than 100 digits")
            return int(digits or "0"), 1
        if not word[:1].isalpha() and word[:1] != "_":
            raise ValueError(f"{word or 'the end'} where a value should be")
        if word not in self.variables:
            raise ValueError(f"the name {word} is unknown")
        return _lowest(self.variables[word], 1)


def _apply(sign: str, left: Pair, right: Pair) -> Pair:
    (a, b), (c, d) = left, right
    if sign == "+":
        return _lowest(a * d + c * b, b * d)
    if sign == "-":
        return _lowest(a * d - c * b, b * d)
    if sign == "*":
        return _lowest(a * c, b * d)
    if not c:
        raise ValueError("division by zero")
    if sign == "/":
        return _lowest(a * d, b * c)
    whole = (a * d) // (b * c)
    return _lowest(whole, 1) if sign == "//" else _lowest(a * d - whole * c * b, b * d)


def _power(base: Pair, power: Pair) -> Pair:
    (number, divisor), (count, part) = base, power
    if part != 1 or (count < 0 and not number):
        raise ValueError("a power without a value")
    if divisor == 1 and -1 <= number <= 1:
        return (number if count % 2 else number * number) if count else 1, 1
    if abs(count) * (max(abs(number), divisor).bit_length() - 1) > 340:
        raise ValueError("a power with more than 100 digits")
    if count < 0:
        number, divisor, count = divisor, number, -count
    return _lowest(number**count, divisor**count)


def _lowest(number: int, divisor: int) -> Pair:
    shared = gcd(number, divisor)
    if divisor < 0:
        shared = -shared
    number, divisor = number // shared, divisor // shared
    if not -_LIMIT < number < _LIMIT or divisor >= _LIMIT:
        raise ValueError("a value with more than 100 digits")
    return number, divisor
