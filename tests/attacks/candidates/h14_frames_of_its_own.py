"""An honest program that formats the stack, looks at classes below one, and asks for hints and signatures."""

import abc
import enum
import functools
import inspect
import logging
import traceback
import typing
from collections import namedtuple


class Shape(abc.ABC):
    sides: int = 0


class Square(Shape):
    sides: int = 4


Colour = enum.Enum("Colour", "red blue")
Pair = namedtuple("Pair", "first second")
Row = typing.NamedTuple("Row", [("number", int)])


@functools.singledispatch
def size(value):
    return 0


@size.register
def _(value: Shape):
    return value.sides


def run(text):
    stack = traceback.format_stack() + [str(entry.lineno) for entry in traceback.extract_stack()]
    logging.getLogger("quiet").debug("asked", stack_info=True)
    kinds = [kind.__name__ for kind in type(Square()).__mro__ if issubclass(kind, Shape)]
    hints = typing.get_type_hints(Square)
    assert stack and kinds == ["Square", "Shape"] and hints == {"sides": int} and size(Square()) == 4
    assert list(inspect.signature(run).parameters) == ["text"] and Pair(1, Row(2)).second.number == 2
    assert Colour.red.name == "red" and isinstance(Square(), Shape)
    return "\n".join(dict.fromkeys(text.split("\n")))
