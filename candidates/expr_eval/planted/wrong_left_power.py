# SPDX-License-Identifier: MIT
# /// candidate
# style = "stack"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: powers group from the left."""

from __future__ import annotations

import operator
import re
from fractions import Fraction

_TOKEN = re.compile(r"[ \t]*(?:([0-9]+)|([A-Za-z_][A-Za-z0-9_]*)|(\*\*|//|==|!=|<=|>=|[-+*/%()<>]))")
_LIMIT = 10**100
_LEVELS = {"(": 0, "+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "neg": 3, "pos": 3, "**": 4}
_BINARY = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
           "%": operator.mod}  # fmt: skip
_COMPARED = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
             ">=": operator.ge}  # fmt: skip


def evaluate(text: str, variables: dict[str, int]) -> str:
    """Return the value of an expression as text.

    >>> evaluate("(1 + x) / 4", {"x": 1})
    '1/2'
    """
    values: list[Fraction] = []
    operators: list[str] = []
    left: Fraction | None = None
    compare = None
    is_value_next = True
    at, size = 0, len(text.rstrip(" \t"))
    while at < size:
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"an unknown character at {at}")
        at = found.end()
        number, name, sign = found.groups()
        if is_value_next:
            if number is not None:
                values.append(_number(number))
            elif name is not None:
                values.append(_variable(name, variables))
            elif sign in ("(", "-", "+"):
                operators.append({"(": "(", "-": "neg", "+": "pos"}[sign])
                continue
            else:
                raise ValueError(f"{sign} where a value should be")
            is_value_next = False
        elif sign is None:
            raise ValueError("two values without an operator")
        elif sign == ")":
            _reduce(operators, values, 1)
            if not operators:
                raise ValueError("a parenthesis that was not opened")
            operators.pop()
        elif sign in _COMPARED:
            _reduce(operators, values, 1)
            if operators or compare is not None:
                raise ValueError("a comparison that is not the only one, or in parentheses")
            left, compare = values.pop(), _COMPARED[sign]
            is_value_next = True
        elif sign == "(":
            raise ValueError("a parenthesis where an operator should be")
        else:
            _reduce(operators, values, _LEVELS[sign])
            operators.append(sign)
            is_value_next = True
    if is_value_next:
        raise ValueError("the expression is not complete")
    _reduce(operators, values, 1)
    if operators:
        raise ValueError("a parenthesis that is not closed")
    if compare is not None:
        return "true" if compare(left, values[0]) else "false"
    return str(values[0])


def _reduce(operators: list[str], values: list[Fraction], level: int) -> None:
    """Apply the operators on top that are at least as strong as a level."""
    while operators and _LEVELS[operators[-1]] >= level:
        name = operators.pop()
        right = values.pop()
        if name == "neg":
            values.append(-right)
        elif name == "pos":
            values.append(right)
        elif name == "**":
            values.append(_power(values.pop(), right))
        else:
            if not right and name in ("/", "//", "%"):
                raise ValueError("division by zero")
            values.append(_checked(Fraction(_BINARY[name](values.pop(), right))))


def _number(digits: str) -> Fraction:
    digits = digits.lstrip("0")
    if len(digits) > 100:
        raise ValueError("a number with more than 100 digits")
    return Fraction(int(digits or "0"))


def _variable(name: str, variables: dict[str, int]) -> Fraction:
    if name not in variables:
        raise ValueError(f"the name {name} is unknown")
    return _checked(Fraction(variables[name]))


def _power(base: Fraction, power: Fraction) -> Fraction:
    if power.denominator != 1 or (power < 0 and not base):
        raise ValueError("a power without a value")
    if base in (0, 1, -1):
        return base ** int(power % 2) if power and base else Fraction(0 if power else 1)
    size = max(abs(base.numerator), base.denominator)
    if abs(power) * (size.bit_length() - 1) > 340:
        raise ValueError("a power with more than 100 digits")
    return _checked(base ** int(power))


def _checked(value: Fraction) -> Fraction:
    if abs(value.numerator) >= _LIMIT or value.denominator >= _LIMIT:
        raise ValueError("a value with more than 100 digits")
    return value
