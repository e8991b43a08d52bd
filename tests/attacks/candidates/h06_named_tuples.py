"""Has named tuples, enumerations and counters."""

import collections
import enum
import io
from typing import NamedTuple


class Kind(enum.Enum):
    NEW = 1
    OLD = 2


class Line(NamedTuple):
    text: str
    kind: Kind = Kind.NEW


def run(text):
    known, out = collections.Counter(), io.StringIO()
    for number, line in enumerate(text.split("\n")):
        item = Line(line, Kind.OLD if known[line] else Kind.NEW)
        known[line] += 1
        if item.kind is Kind.NEW:
            out.write(("\n" if number else "") + item.text)
    return out.getvalue()
