"""Number: argparse types for numbers within bounds, for the options of pytest and of the verbs; numbers as text."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T", int, float)
MAX_INTEGER = 2**63 - 1
"""The largest integer of SQLite; without this limit a larger one would fail later, without the option's name."""

DECIMAL = re.compile(r"\s*[+-]?[0-9]{1,40}\s*", re.ASCII)  # `int` also reads 1_000 and the digits of other scripts
HEXADECIMAL = re.compile(r"\s*0x[0-9a-f]{1,16}\s*", re.IGNORECASE | re.ASCII)
DIGITS = (3, 6, 9)  # of a number below 1; more where fewer would show a value as equal to its threshold


def whole(least: int = 0, most: int = MAX_INTEGER) -> Callable[[str], int]:
    """The type of an argument: a decimal integer within bounds.

    The returned function raises argparse.ArgumentTypeError, which argparse reports with the option's name.
    """
    return _number(_integer, "an integer: write decimal digits", least, most)


def _integer(text: str) -> int:
    if not DECIMAL.fullmatch(text):
        raise ValueError(text)
    return int(text)


def part(text: str) -> tuple[int, int]:
    """The type of an argument that is a part of several, counted from 1, such as 2/4.

    Raises:
        argparse.ArgumentTypeError: if it is not.
    """
    index, _, parts = text.partition("/")
    if not (index.isdecimal() and parts.isdecimal() and 1 <= int(index) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is not i/n with 1 <= i <= n, such as 2/4")
    return int(index), int(parts)


def offset(text: str) -> int:
    """The type of an argument that is a place in a file, or a number of its bytes: decimal, or hexadecimal with 0x.

    Raises:
        argparse.ArgumentTypeError: if it is neither, or negative.
    """
    return whole()(str(int(text, 16)) if HEXADECIMAL.fullmatch(text) else text)


def amount(least: float = 0.0, most: float = float("inf")) -> Callable[[str], float]:
    """The type of an argument: a finite number within bounds; raises as that of `whole`."""
    return _number(float, "a number", least, most)


def _number(convert: Callable[[str], T], what: str, least: float, most: float) -> Callable[[str], T]:
    def parse(text: str) -> T:
        try:
            number = convert(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {what}") from None
        if not abs(number) < float("inf"):
            raise argparse.ArgumentTypeError(f"{text[:40]} is not a finite number")
        if number < least:
            raise argparse.ArgumentTypeError(f"{number} is less than {least}, the smallest valid value")
        if number > most:
            raise argparse.ArgumentTypeError(f"{number} is more than {most}, the largest valid value")
        return number

    return parse


def readable(value: float, *, threshold: float | None = None) -> str:
    """A number as all outputs show it: three decimals below 1, four digits above, integers in full.

    It has more digits where fewer would show a value that differs from the threshold as equal to it.
    """
    if value % 1 == 0 and abs(value) < 1e15:
        return f"{value:,.0f}"
    if abs(value) < 0.0005:
        return f"{value:.3g}"
    shown = ""
    for n in DIGITS:
        shown = f"{value:.{n}f}".rstrip("0") if abs(value) < 1 else f"{value:.{n + 1}g}"
        if value == threshold or float(shown) != threshold:
            break
    return shown
