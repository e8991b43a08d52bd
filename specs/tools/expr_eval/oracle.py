# SPDX-License-Identifier: MIT
"""What the right answer to expr_eval is: operator precedence with two stacks, on exact fractions.

Trusted: this file is loaded by the judge only and never enters a candidate's process.
"""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

Kwargs = dict[str, Any]
Call = Callable[..., Any]
RAISES = (ValueError,)
LIMIT = 10**100
"""Numerator and denominator are below it."""
TOKEN = re.compile(r"[ \t]*(?:([0-9]+)|([A-Za-z_][A-Za-z0-9_]*)|(\*\*|//|==|!=|<=|>=|[-+*/%()<>]))")
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
LEVEL = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "sign +": 3, "sign -": 3, "**": 4}


def reference(text: str, variables: dict[str, int]) -> str:
    """The value as text."""
    parts: list[list[str]] = [[]]
    compared = ""
    depth = 0
    for word in _tokens(text):
        depth += (word == "(") - (word == ")")
        if word in COMPARISONS:
            if compared or depth:
                raise ValueError(f"a second or inner comparison {word}")
            compared = word
            parts.append([])
        else:
            parts[-1].append(word)
    values = [_value(part, variables) for part in parts]
    if compared:
        return "true" if COMPARISONS[compared](*values) else "false"
    return str(values[0])


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    end = len(text.rstrip(" \t"))
    at = 0
    while at < end:
        match = TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"an unknown character at {at}")
        found.append(match[1] or match[2] or match[3])
        at = match.end()
    return found


def _value(tokens: list[str], variables: dict[str, int]) -> Fraction:
    values: list[Fraction] = []
    waiting: list[str] = []
    wants_value = True
    for word in tokens:
        if wants_value:
            if word in ("+", "-"):
                waiting.append(f"sign {word}")
            elif word == "(":
                waiting.append(word)
            elif word[0].isdigit() or word[0].isalpha() or word[0] == "_":
                values.append(_limited(Fraction(_operand(word, variables))))
                wants_value = False
            else:
                raise ValueError(f"{word} where a value should be")
        elif word == ")":
            while waiting and waiting[-1] != "(":
                _apply(waiting.pop(), values)
            if not waiting:
                raise ValueError("a parenthesis that was not opened")
            waiting.pop()
        elif word in LEVEL:
            while waiting and waiting[-1] != "(" and word != "**" and LEVEL[waiting[-1]] >= LEVEL[word]:
                _apply(waiting.pop(), values)
            waiting.append(word)
            wants_value = True
        else:
            raise ValueError(f"{word} where an operator should be")
    if wants_value:
        raise ValueError("the end where a value should be")
    while waiting:
        if waiting[-1] == "(":
            raise ValueError("a parenthesis that is not closed")
        _apply(waiting.pop(), values)
    return values[0]


def _operand(word: str, variables: dict[str, int]) -> int:
    if word[0].isdigit():
        digits = word.lstrip("0") or "0"
        if len(digits) > 100:
            raise ValueError("a number with more than 100 digits")
        return int(digits)
    if word not in variables:
        raise ValueError(f"the name {word} is unknown")
    return variables[word]


def _apply(name: str, values: list[Fraction]) -> None:
    right = values.pop()
    if name.startswith("sign"):
        values.append(-right if name == "sign -" else right)
        return
    left = values.pop()
    if name in ("/", "//", "%") and not right:
        raise ValueError("division by zero")
    if name == "**":
        values.append(_power(left, right))
    elif name == "//":
        values.append(_limited(Fraction(left // right)))
    else:
        found = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod}
        values.append(_limited(found[name](left, right)))


def _power(base: Fraction, power: Fraction) -> Fraction:
    if power.denominator != 1:
        raise ValueError("a power that is not an integer")
    if power < 0 and not base:
        raise ValueError("zero to a negative power")
    if base in (0, 1, -1):
        return base ** int(power % 2 or 2 if power else 0)
    largest = max(abs(base.numerator), base.denominator)
    if abs(power) * (largest.bit_length() - 1) > LIMIT.bit_length():
        raise ValueError("a power with more than 100 digits")
    return _limited(base ** int(power))


def _limited(value: Fraction) -> Fraction:
    if abs(value.numerator) >= LIMIT or value.denominator >= LIMIT:
        raise ValueError("a value with more than 100 digits")
    return value


_NAMES = {"x": 3, "y": -2, "zero": 0, "_big1": 10**12}
_ATOMS = st.one_of(st.integers(0, 12).map(str), st.sampled_from(sorted(_NAMES)), st.integers(0, 10**9).map(str))
_JOINS = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", " + ", " - ", " * ", "\t/ ", " ** ", "**-", "- -"])


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, _JOINS, inner).map("".join)
    return st.one_of(pair, pair, inner.map(lambda text: f"({text})"), inner.map(lambda text: f"-{text}"))


def inputs() -> st.SearchStrategy[Kwargs]:
    """Expressions of up to a dozen numbers, comparisons, and strings of the characters that mean something."""
    numbers = st.recursive(_ATOMS, _joined, max_leaves=8)
    compared = st.tuples(numbers, st.sampled_from([*COMPARISONS]), numbers).map(" ".join)
    wild = st.text(st.sampled_from("12x+-*/%()<= "), max_size=9)
    return st.one_of(numbers, numbers, numbers, compared, wild).map(lambda text: {"text": text, "variables": _NAMES})


def edges() -> list[Kwargs]:
    """Extremes of size and depth, and everything that is not an expression."""
    texts = [
        "", " ", "()", "(1", "1)", ")(", "1 2", "x y", "1 +", "* 1", "2 ** ", "1 = 1", "1 < 2 < 3", "(1 < 2) + 1",
        "1 <> 2",
        "9 ** 9 ** 9", "9 ** 99999999999", "2 ** -99999999999", "(1/3) ** 5000", "0 ** 99999999999",
        "(-1) ** 99999999999",
        "1 ** -99999999999", "0 ** 0", "0 ** -1", "1 / 0", "1 // 0", "1 % 0", "4 ** (1 / 2)", "(1/2) // (1/3)",
        "(7/2) % (2/3)",
        "-7 // 2", "-7 % 2", "7 % -2", "-2 ** 2", "(-2) ** 2", "2 ** 3 ** 2", "2 ** -2", "- - 3", "-+-3", "2 - -3",
        "1/3 + 1/6", "1/3 == 2/6", "2 * 3 != 7", "--x", "x ** y", "__class__", "unknown", "_big1 * _big1", "1.5",
        "1e3", "0x10",
        "007", "\u0663 + 1", "1 \u2212 1", "1\n+ 1", "1_000", "2 @ 3", "not 1", "1 and 2", "x()", "x.real", "lambda: 1",
        "9" * 100, "9" * 101, "0" * 500 + "7", "9" * 100 + " + 1", "10 ** 99 * 9", "10 ** 100", "1 / 10 ** 99",
        "1 / 10 ** 100",
        "(" * 10_000 + "1" + ")" * 10_000, "(" * 10_000 + "1", "-" * 10_001 + "1", "1" + " + 1" * 10_000,
        "1" + " ** 1" * 5_000,
        "__import__('os').system('true')", "1 if 1 else 2", "2 *\t\t3", "\x00", "1 ==", "== 1", "1 //- 2", "2**+3",
        "1 ! 2",
    ]  # fmt: skip
    return [{"text": text, "variables": _NAMES} for text in texts]


def workload(size: int, rng: random.Random) -> Kwargs:
    """An expression of `size` numbers and names in nested parentheses, with a small value."""
    text = str(rng.randint(1, 9))
    parts = [text]
    for _ in range(size):
        atom = rng.choice([str(rng.randint(1, 99)), "x", f"({rng.randint(1, 9)} - {rng.randint(1, 9)} ** 2)"])
        parts.append(f" {rng.choice('+-')} {atom} {rng.choice(['* 2', '% 7', '// 3', ''])}".rstrip())
    return {"text": "".join(parts), "variables": _NAMES}


def _try(call: Call, text: str) -> Any:
    return call(text=text, variables=_NAMES)


def _has_value(kwargs: Kwargs) -> bool:
    try:
        return "<" not in kwargs["text"] and reference(**kwargs) not in ("true", "false")
    except ValueError:
        return False


def more_parentheses_change_nothing(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """An expression in parentheses has the same value."""
    if not _has_value(kwargs):
        return None
    expected, found = call(**kwargs), call(text=f" (( {kwargs['text']} ))", variables=kwargs["variables"])
    return None if expected == found else f"in parentheses: expected {expected}, got {found}"


def a_value_may_stand_for_its_expression(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """The value plus one is the expression plus one."""
    if not _has_value(kwargs):
        return None
    value = call(**kwargs)
    if not isinstance(value, str) or len(value) > 90:
        return None
    expected, found = _try(call, f"{value} + 1"), _try(call, f"({kwargs['text']}) + 1")
    return None if expected == found else f"{kwargs['text']!r} plus one: expected {expected}, got {found}"


PROPERTIES = (more_parentheses_change_nothing, a_value_may_stand_for_its_expression)
"""Each is called with (call, kwargs, rng) and returns None or a sentence saying what is violated."""
