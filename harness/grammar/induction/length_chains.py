"""Length chains: records whose length is not one plain number: of varying size, two lengths, or digits."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.grammar.engine.fault import TAIL
from harness.grammar.induction.draft import Draft, FieldDef, Names, numbered
from harness.grammar.induction.header import RECORDS, head_fields
from harness.grammar.induction.payload import header_tags, induce_choice, induce_payload
from harness.grammar.induction.segmentation import matrix, segment

MIN_RECORDS = 6  # minimum number of records in all files together
MAX_KEPT = 2
MAX_HOPS = 60_000  # maximum number of records that are visited, for all candidates together
MAX_HEADER_SIZE = 600
# Maximum number of positions of digits that may be a length, and of those in the next record.
TOKENS, FOLLOWING = 12, 100
_BASES = {10: rb" *[0-9]+[ \0]*", 8: rb"0*[0-7]+[ \0]*", 16: rb"[0-9A-Fa-f]+"}
Order = Literal["big", "little"]
# From the start of a record to the bounds of its parts; the last bound is the end of the record.
Step = Callable[[bytes, int], "tuple[int, ...] | None"]


@dataclass(frozen=True, slots=True)
class _Layout:
    """A match: the files, the bounds of the parts of each record, and the bytes before the first record."""

    blobs: Sequence[bytes]
    cuts: list[list[tuple[int, ...]]]
    head: int

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """Per record, its file, its start and its parts."""
        return [(blob, *cut) for blob, cuts in zip(self.blobs, self.cuts, strict=True) for cut in cuts]

    def draft(self, fields: list[FieldDef], types: dict[str, Any], names: Names, idea: str) -> Draft:
        """A draft of records with the given fields."""
        root, record = names.fresh("File"), names.fresh("Record")
        counts = [len(cut) for cut in self.cuts]
        begin, more = head_fields(self.blobs, self.head, counts, {**RECORDS, "type": record})
        made = {root: {"fields": begin}, **types, record: {"fields": numbered(fields)}}
        said = f"{sum(counts)} records with {idea}, from byte {self.head} on"
        return Draft(root, made, more + 8.0 * sum(counts), said, head=self.head)


class _Walker:
    """Applies steps to files, the smallest first, up to `MAX_HOPS` records."""

    def __init__(self, blobs: Sequence[bytes]) -> None:
        self.blobs, self.left = blobs, MAX_HOPS
        self.order = sorted(range(len(blobs)), key=lambda i: len(blobs[i]))
        self.first = blobs[self.order[0]]

    def layout(self, step: Step, head: int, *, cut_off: bool = False) -> _Layout | None:
        """The records that a step finds; None if it does not lead to the end of every file.

        With `cut_off`, the last record of a file may be incomplete; it is left out.
        """
        found: dict[int, list[tuple[int, ...]]] = {}
        if head >= len(self.first):
            return None
        for i in self.order:
            blob, at = self.blobs[i], head
            cuts: list[tuple[int, ...]] = []
            while at < len(blob):
                cut = step(blob, at)
                self.left -= 1
                if cut_off and len(cuts) >= 2 and (cut is None or cut[-1] > len(blob)) and at >= TAIL * len(blob):
                    break
                if cut is None or cut[-1] <= at or cut[-1] > len(blob) or self.left <= 0:
                    return None
                cuts.append((at, *cut))
                at = cut[-1]
            found[i] = cuts
        if sum(map(len, found.values())) < MIN_RECORDS:
            return None
        return _Layout(self.blobs, [found[i] for i in range(len(self.blobs))], head)


def odd_chains(blobs: Sequence[bytes], names: Names) -> Iterator[Draft]:
    """Drafts for files of such records."""
    for search in (_varying, _double, _written):
        yield from itertools.islice(search(_Walker(blobs), names), MAX_KEPT)


def _body(bodies: Sequence[bytes], names: Names, *, wish: str = "Body") -> tuple[dict[str, Any], dict[str, Any]]:
    """Properties of a field that holds bodies, and the types that they use."""
    typed = induce_payload(bodies, names, wish=wish)
    return ({"type": typed.root}, typed.types) if typed is not None else ({"type": "bytes"}, {})


def _varying(walker: _Walker, names: Names) -> Iterator[Draft]:
    """Drafts with LEB128 lengths: seven bits per byte, the highest bit marks a continuation."""
    for head, front in itertools.product(range(17), range(5)):

        def step(blob: bytes, at: int, front: int = front) -> tuple[int, ...] | None:
            value, shift, place = 0, 0, at + front
            while place < len(blob) and shift < 35:
                value |= (blob[place] & 0x7F) << shift
                shift, place = shift + 7, place + 1
                if blob[place - 1] < 0x80:
                    return place, place + value
            return None

        found = walker.layout(step, head)
        if found is None or not any(row[2] - row[1] > front + 1 for row in found.rows):
            continue  # lengths of one byte are plain numbers
        local = Names(set(names.taken))
        rows = [blob[at : at + front] for blob, at, _, _ in found.rows]
        fields, _ = segment(matrix(rows, front)) if front else ([], 0.0)
        properties, types = _body([blob[begin:end] for blob, _, begin, end in found.rows], local)
        fields = [*fields, {"name": "length", "type": "leb128"}, {"name": "body", "length": "length", **properties}]
        yield found.draft(fields, types, local, "a length of varying size")


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two lengths in a header of constant size, followed by two bodies, each padded."""

    first: int
    second: int
    width: int
    order: Order
    size: int
    align: int

    def step(self, blob: bytes, at: int) -> tuple[int, ...] | None:
        """The bounds of the record at an offset; None if it does not fit."""
        body = at + self.size
        if body > len(blob):
            return None
        one, two = (self.read(blob, at + place) for place in (self.first, self.second))
        middle = body + one + (-one) % self.align
        return body, body + one, middle, middle + two, middle + two + (-two) % self.align

    def read(self, blob: bytes, at: int) -> int:
        """A length at an offset."""
        return int.from_bytes(blob[at : at + self.width], self.order)


def _double(walker: _Walker, names: Names) -> Iterator[Draft]:
    orders: tuple[tuple[int, Order], ...] = ((4, "little"), (4, "big"), (2, "little"), (2, "big"), (1, "big"))
    for (width, order), align in itertools.product(orders, (1, 4, 2)):
        places = range(0, 9 if width == 1 else 29, width)
        for first, second, head in itertools.product(places, places, (0, 4, 8, 12, 16)):
            if second < first + width or walker.left <= 0:
                continue
            sizes = range(second + width, second + width + 13, min(2, width))
            lengths = [int.from_bytes(walker.first[head + at : head + at + width], order) for at in (first, second)]
            fitting = [size for size in sizes if head + size + sum(lengths) <= len(walker.first)]
            walker.left -= len(sizes) - len(fitting)  # their first record is longer than the file
            for size in fitting:
                pair = _Pair(first, second, width, order, size, align)
                found = walker.layout(pair.step, head, cut_off=True)
                if found is not None and _both_vary(found.rows):
                    yield _pair_draft(found, pair, Names(set(names.taken)))


def _both_vary(rows: Sequence[tuple[Any, ...]]) -> bool:
    sizes = ({row[3] - row[2] for row in rows}, {row[5] - row[4] for row in rows})
    return all(len(found) > 1 and max(found) > 1 for found in sizes)


def _pair_draft(found: _Layout, pair: _Pair, names: Names) -> Draft:
    order = {} if pair.width == 1 else {"endian": pair.order}
    fixed: dict[int, tuple[int, FieldDef]] = {
        at: (pair.width, {"name": name, "type": f"u{8 * pair.width}", **order})
        for at, name in ((pair.first, "length"), (pair.second, "length_b"))
    }
    fields, _ = segment(matrix([row[0][row[1] : row[1] + pair.size] for row in found.rows], pair.size), fixed=fixed)
    types: dict[str, Any] = {}
    for name, begin, end in (("length", 2, 3), ("length_b", 4, 5)):
        bodies = [row[0][row[begin] : row[end]] for row in found.rows]
        properties, more = _body(bodies, names, wish=f"Body{name[7:].upper()}")
        types |= more
        fields = [*fields, {"name": f"body{name[6:]}", "length": name, **properties}]
        if pair.align > 1:
            fields.append({"name": f"padding{name[6:]}", "type": "bytes", "length": f"(-{name}) % {pair.align}"})
    return found.draft(fields, types, names, f"two lengths at {pair.first} and {pair.second}")


@dataclass(frozen=True, slots=True)
class _Digits:
    """A header of constant size with a length in digits, and a body, padded alone or with the header."""

    place: int
    width: int
    base: int
    size: int
    align: int

    def step(self, blob: bytes, at: int) -> tuple[int, ...] | None:
        """The bounds of the record at an offset; None if it does not fit."""
        value = _value(blob[at + self.place : at + self.place + self.width], self.base)
        if value is None:
            return None
        body = at + self.size
        end = body + value
        return body, end, end + (-(end - at if self.align == 512 else value)) % self.align


def _value(text: bytes, base: int) -> int | None:
    return None if re.fullmatch(_BASES[base], text) is None else int(text.strip(b" \0"), base)


def _written(walker: _Walker, names: Names) -> Iterator[Draft]:
    first = walker.first
    for width, base in itertools.product((10, 8, 12, 6, 11, 4), _BASES):
        places = [
            at for at in range(min(len(first), 4 * MAX_HEADER_SIZE)) if _value(first[at : at + width], base) is not None
        ]
        for head, at, align in itertools.product((0, 8, 4, 16), places[:TOKENS], (1, 2, 4, 512)):
            value = _value(first[at : at + width], base)
            if at < head or value is None or walker.left <= 0:
                continue
            # The next record has digits at the same distance from its start.
            for other in [place for place in places if place > at][:FOLLOWING]:
                whole = other - at
                padded = (-value) % align if align < 512 else whole - 512 - value
                size = whole - value - padded
                if not at - head + width <= size <= MAX_HEADER_SIZE or not 0 <= padded < align:
                    continue
                digits = _Digits(at - head, width, base, size, align)
                found = walker.layout(digits.step, head, cut_off=True)
                if found is not None and len({row[3] - row[2] for row in found.rows}) > 1:
                    yield _digits_draft(found, digits, Names(set(names.taken)))


def _digits_draft(found: _Layout, digits: _Digits, names: Names) -> Draft:
    place, width, size = digits.place, digits.width, digits.size
    field: FieldDef = {"name": "digits", "type": "string", "length": width, "encoding": "ascii"}
    ends = {row[0][row[1] + place : row[1] + place + width][-1:] for row in found.rows}
    if ends & {b" ", b"\0"}:
        field["pad"] = 0 if b"\0" in ends else 0x20
    fixed = {place: (width, field)}
    rows = matrix([row[0][row[1] : row[1] + size] for row in found.rows], size)
    fields, _ = segment(rows, fixed=fixed)
    choice = induce_choice([row[0][row[2] : row[3]] for row in found.rows], header_tags(fields, rows), names)
    properties, types = ({"type": "bytes"}, {}) if choice is None else (choice[0], choice[1].types)
    fields = [*fields, {"name": "length", "compute": f"digits.to_i({digits.base})"}]
    fields.append({"name": "body", "length": "length", **properties})
    if digits.align > 1:
        whole = f"length + {size}" if digits.align == 512 else "length"
        fields.append({"name": "padding", "type": "bytes", "length": f"(-({whole})) % {digits.align}"})
    return found.draft(fields, types, names, f"a length in digits at {place}")
