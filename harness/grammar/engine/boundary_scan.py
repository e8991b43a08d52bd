"""Record-boundary scan: the offsets of records of varying length, found by code generated for the framing of a grammar.

The code is made of `ast` nodes with numbers only: no string of a grammar is ever part of it.
"""

from __future__ import annotations

import ast
import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.core.python_source import call, compile_function, load
from harness.grammar.engine.layout import Frame, Linear
from harness.grammar.language.primitive import Primitive

Scanner = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Framing:
    """The numbers that decide where records begin.

    Attributes:
        fixed: Bytes of a record's fixed first part.
        constant: Bytes of a record without the fields of variable size.
        sizes: Sizes of the variable fields: a constant, and (offset, width, signed, big, factor) of each number.
    """

    fixed: int
    constant: int
    sizes: tuple[tuple[int, tuple[tuple[int, int, bool, bool, int], ...]], ...]


def framing_of(frame: Frame) -> Framing:
    """The framing of a record type."""
    constant, sizes = 0, []
    for part in frame.parts:
        size = part.size or Linear(0)
        if size.terms:
            numbers = [(*_number(frame.numbers[path]), factor) for path, factor in size.terms]
            sizes.append((size.constant, tuple(numbers)))
        else:
            constant += size.constant
    return Framing(frame.fixed, constant, tuple(sizes))


def _number(known: tuple[int, Primitive, bool]) -> tuple[int, int, bool, bool]:
    offset, primitive, big = known
    return offset, primitive.width, primitive.signed, big


def starts_of(framing: Framing, data: Any, start: int, end: int) -> tuple[array[int], int]:
    """The offsets of records of variable size between two offsets, and the offset of the first that does not fit."""
    found: array[int] = array("q")
    stop = _scanner(framing)(data, start, end, found.append)
    # Only the last record can reach beyond the end: a next one would not begin.
    return found, found.pop() if stop > end else stop


@lru_cache(maxsize=256)
def _scanner(framing: Framing) -> Scanner:
    """A function `(data, position, end, append) -> position of the first record that does not fit`."""
    body: list[ast.stmt] = []
    total: ast.expr = ast.Constant(framing.constant)
    unpackers: dict[str, Any] = {}
    for i, (constant, numbers) in enumerate(framing.sizes):
        size: ast.expr = ast.Constant(constant)
        for offset, width, signed, big, factor in numbers:
            size = _sum(size, _scaled(_read(offset, width, signed=signed, big=big, unpackers=unpackers), factor))
        if constant < 0 or any(factor < 0 or signed for _, _, signed, _, factor in numbers):
            name = f"s{i}"
            body.append(ast.Assign([ast.Name(name, ast.Store())], size))
            below = ast.Compare(load(name), [ast.Lt()], [ast.Constant(0)])
            body.append(ast.If(below, [ast.Return(load("p"))], []))
            size = load(name)
        total = _sum(total, size)
    body.append(ast.Expr(call(load("a"), load("p"))))
    body.append(ast.AugAssign(ast.Name("p", ast.Store()), ast.Add(), total))
    last = ast.Assign([ast.Name("z", ast.Store())], _plus(load("e"), -framing.fixed))
    loop = ast.While(ast.Compare(load("p"), [ast.LtE()], [load("z")]), body, [])
    made: Scanner = compile_function("scan", ("b", "p", "e", "a"), [last, loop, ast.Return(load("p"))], unpackers)
    return made


def _plus(left: ast.expr, constant: int) -> ast.expr:
    return left if constant == 0 else ast.BinOp(left, ast.Add(), ast.Constant(constant))


def _sum(left: ast.expr, right: ast.expr) -> ast.expr:
    if isinstance(left, ast.Constant) and left.value == 0:
        return right
    return ast.BinOp(left, ast.Add(), right)


def _scaled(value: ast.expr, factor: int) -> ast.expr:
    return value if factor == 1 else ast.BinOp(value, ast.Mult(), ast.Constant(factor))


def _read(offset: int, width: int, *, signed: bool, big: bool, unpackers: dict[str, Any]) -> ast.expr:
    """A number of the record at `p`: combined from bytes where that is faster than a call."""
    if width <= 2 and not signed:
        found: ast.expr | None = None
        for i in range(width):
            byte: ast.expr = ast.Subscript(load("b"), _plus(load("p"), offset + i), ast.Load())
            shift = 8 * (width - 1 - i if big else i)
            byte = ast.BinOp(byte, ast.LShift(), ast.Constant(shift)) if shift else byte
            found = byte if found is None else ast.BinOp(found, ast.BitOr(), byte)
        return found or ast.Constant(0)
    if width == 3:
        order = "big" if big else "little"
        name = f"n{width}{order}{int(signed)}"
        unpackers[name] = lambda data, at: (int.from_bytes(data[at : at + width], order, signed=signed),)  # type: ignore[arg-type]
    else:
        code = {1: "b", 2: "h", 4: "i"}[width]
        name = f"u{width}{int(signed)}{int(big)}"
        unpackers[name] = struct.Struct((">" if big else "<") + (code if signed else code.upper())).unpack_from
    unpacked = call(load(name), load("b"), _plus(load("p"), offset))
    return ast.Subscript(unpacked, ast.Constant(0), ast.Load())
