"""Directory: a table of entries with the offsets, and often the sizes, of other bytes, before or after them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.grammar.induction.draft import Draft, FieldDef, Names, numbered
from harness.grammar.induction.payload import text_encoding
from harness.grammar.induction.segmentation import DESCRIBED, matrix, segment

MAX_HEAD = 64  # maximum bytes before a table, or of the head with its offset and count
MAX_ENTRY_SIZE = 128
MAX_PLACES = 48  # maximum position of the offset within an entry
MAX_ENTRIES = 5_000
MAX_GAP = 16  # maximum bytes between the targets of two entries: alignment, a terminator
ENTRY_SIZES = (4, 6, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64)
MAX_KEPT = 4


@dataclass(frozen=True, slots=True)
class Directory:
    """The position of a table and the format of its entries.

    Attributes:
        big: Whether all numbers are big-endian.
        count: Position in the head and width of the number of entries.
        table: Start of the table; or, if `pointer`, the position in the head and width of the number with the start.
        pointer: Whether the start of the table is read.
        size: Bytes of an entry.
        offset: Position in an entry and width of the offset.
        length: Position in an entry and width of the size; None without one.
    """

    big: bool
    count: tuple[int, int]
    table: tuple[int, int]
    pointer: bool
    size: int
    offset: tuple[int, int]
    length: tuple[int, int] | None

    @property
    def order(self) -> Literal["big", "little"]:
        """The byte order as `int.from_bytes` takes it."""
        return "big" if self.big else "little"

    def read(self, blob: bytes, at: int, width: int) -> int:
        """A number at an offset; -1 beyond the end."""
        return int.from_bytes(blob[at : at + width], self.order) if at >= 0 and at + width <= len(blob) else -1

    def start(self, blob: bytes) -> int:
        """Start offset of the table in a file."""
        return self.read(blob, *self.table) if self.pointer else self.table[0]

    def entries(self, blob: bytes) -> int:
        """Number of entries in a file."""
        return self.read(blob, *self.count)

    def targets(self, blob: bytes) -> list[tuple[int, int]]:
        """Offsets and sizes of the targets; without sizes, each target extends to the next one."""
        first, count = self.start(blob), self.entries(blob)
        rows = range(first, first + count * self.size, self.size)
        places = [self.read(blob, row + self.offset[0], self.offset[1]) for row in rows]
        if self.length is not None:
            return list(
                zip(places, (self.read(blob, row + self.length[0], self.length[1]) for row in rows), strict=True)
            )
        ends = sorted({*places, len(blob)})
        following = dict(itertools.pairwise(ends))
        return [(place, following.get(place, place) - place) for place in places]


def find_directories(blobs: Sequence[bytes]) -> list[Directory]:
    """Directories that match all files, those with the most entries first."""
    if not blobs or min(map(len, blobs)) < 12:
        return []
    first = min(blobs, key=len)
    found: dict[tuple[object, ...], Directory] = {}
    for big, width in itertools.product((False, True), (4, 2)):
        for idea in itertools.chain(_in_front(first, width, big=big), _pointed_to(first, width, big=big)):
            key = (idea.big, idea.table, idea.pointer, idea.size, idea.offset)
            if key in found or not all(_fits(idea, blob) for blob in blobs):
                continue
            found[key] = _with_length(idea, blobs)
    # Entries with sizes, and tables with a constant start, explain more.
    ranked = sorted(
        found.values(), key=lambda d: (d.length is None, -d.offset[1], d.pointer, d.table[0], d.size, d.offset)
    )
    return ranked[:MAX_KEPT]


def _counts(blob: bytes, below: int, *, big: bool) -> Iterator[tuple[int, int, int]]:
    order: Literal["big", "little"] = "big" if big else "little"
    for width in (4, 2, 1):
        for at in range(min(below, MAX_HEAD) - width + 1):
            value = int.from_bytes(blob[at : at + width], order)
            if 2 <= value <= MAX_ENTRIES:
                yield at, width, value


def _in_front(blob: bytes, width: int, *, big: bool) -> Iterator[Directory]:
    """Directories with a constant start, whose first entry points to the end of the table."""
    order: Literal["big", "little"] = "big" if big else "little"
    counts = list(_counts(blob, MAX_HEAD, big=big))
    for table, place in itertools.product(range(2, MAX_HEAD + 1), range(MAX_PLACES)):
        target = int.from_bytes(blob[table + place : table + place + width], order)
        if not table < target <= len(blob):
            continue
        for at, wide, count in counts:
            if at + wide > table:
                continue
            size, odd = divmod(target - table, count)
            if not odd and place + width <= size <= MAX_ENTRY_SIZE:
                yield Directory(big, (at, wide), (table, 0), False, size, (place, width), None)


def _pointed_to(blob: bytes, width: int, *, big: bool) -> Iterator[Directory]:
    """Directories whose start is a number in the head, and that end at the end of the file or at another number."""
    order: Literal["big", "little"] = "big" if big else "little"
    head = min(MAX_HEAD, len(blob))
    numbers = [(at, int.from_bytes(blob[at : at + width], order)) for at in range(head - width + 1)]
    places = [(at, value) for at, value in numbers if 8 <= value < len(blob)]
    ends = sorted({len(blob), *(value for _, value in places)})
    for pointer, table in places:
        for at, wide, count in _counts(blob, head, big=big):
            if at < pointer + width and pointer < at + wide:
                continue
            for end in ends:
                size, odd = divmod(end - table, count) if end > table else (0, 1)
                if odd or size not in ENTRY_SIZES:
                    continue
                for place in range(size - width + 1):
                    yield Directory(big, (at, wide), (pointer, width), True, size, (place, width), None)


def _fits(idea: Directory, blob: bytes) -> bool:
    """Whether all entries point into the file at distinct offsets outside the table."""
    count, table = idea.entries(blob), idea.start(blob)
    end = table + count * idea.size
    if not 1 <= count <= MAX_ENTRIES or table < 0 or end > len(blob):
        return False
    last = -1
    for row in range(table, end, idea.size):
        place = idea.read(blob, row + idea.offset[0], idea.offset[1])
        if place <= last or place > len(blob) or (table <= place < end):
            return False
        last = place
    if idea.pointer:
        return True
    return idea.read(blob, table + idea.offset[0], idea.offset[1]) == end


def _with_length(idea: Directory, blobs: Sequence[bytes]) -> Directory:
    """The same directory with the size of its targets: each ends at most `MAX_GAP` bytes before the next one."""
    for width in dict.fromkeys((idea.offset[1], 4, 2)):
        for at in range(idea.size - width + 1):
            apart = at + width <= idea.offset[0] or at >= idea.offset[0] + idea.offset[1]
            made = Directory(idea.big, idea.count, idea.table, idea.pointer, idea.size, idea.offset, (at, width))
            if apart and all(_tiles(made.targets(blob), len(blob)) for blob in blobs):
                return made
    return idea


def _tiles(targets: Sequence[tuple[int, int]], size: int) -> bool:
    ends = [*(place for place, _ in targets[1:]), None]
    for (place, length), end in zip(targets, ends, strict=True):
        if length < 0 or place + length > (size if end is None else end):
            return False
        if end is not None and end - place - length >= MAX_GAP:
            return False
    return True


def directory_drafts(blobs: Sequence[bytes], names: Names) -> Iterator[Draft]:
    """Grammars for files with a directory, or with two that one number counts."""
    every = find_directories(blobs)
    for i, found in enumerate(every):
        others = [other for other in every[i + 1 :] if _parallel(found, other)]
        for together in ([found, other] for other in others):
            yield _draft(together, blobs, Names(set(names.taken)))
        yield _draft([found], blobs, Names(set(names.taken)))


def _parallel(one: Directory, other: Directory) -> bool:
    """Whether two directories have the same form and the same number of entries, at different places."""
    apart = one.pointer and other.pointer and abs(one.table[0] - other.table[0]) >= one.table[1]
    return apart and replace(one, table=other.table) == other


def _draft(every: Sequence[Directory], blobs: Sequence[bytes], names: Names) -> Draft:
    root, types, saved = names.fresh("File"), dict[str, Any](), 0.0
    first, order = every[0], {"endian": every[0].order}
    head_size, tables, total = first.table[0], list[FieldDef](), 0
    head_fixed: dict[int, tuple[int, FieldDef]] = {
        first.count[0]: (first.count[1], {"name": "count", "type": f"u{8 * first.count[1]}", **order})
    }
    for number, found in enumerate(every):
        rows = [
            blob[at : at + found.size]
            for blob in blobs
            for at in range(found.start(blob), found.start(blob) + found.entries(blob) * found.size, found.size)
        ]
        entry = names.fresh("Entry")
        fields, more = _entry_fields(found, rows, blobs)
        types[entry] = {"fields": numbered(fields)}
        saved, total = saved + more, total + len(rows)
        table: FieldDef = {"name": "entries", "type": entry, "repeat": "count"}
        if found.pointer:
            name = f"table_{number + 1}" if number else "table"
            head_fixed[found.table[0]] = (found.table[1], {"name": name, "type": f"u{8 * found.table[1]}", **order})
            table["at"] = name
            head_size = max(at + width for at, (width, _) in head_fixed.items())
        tables.append(table)
    head, more = segment(matrix(blobs, head_size), fixed=head_fixed)
    types = {root: {"fields": numbered([*head, *tables])}, **types}
    where = "at the offset in the head" if first.pointer else f"at {first.table[0]}"
    idea = f"{total} entries of {first.size} bytes {where} point to the rest"
    return Draft(root, types, saved + more + 16.0 * total - DESCRIBED, idea)


def _entry_fields(found: Directory, rows: Sequence[bytes], blobs: Sequence[bytes]) -> tuple[list[FieldDef], float]:
    order = {"endian": found.order}
    fixed: dict[int, tuple[int, FieldDef]] = {
        found.offset[0]: (found.offset[1], {"name": "offset", "type": f"u{8 * found.offset[1]}", **order})
    }
    if found.length is None:
        return segment(matrix(rows, found.size), fixed=fixed)
    fixed[found.length[0]] = (found.length[1], {"name": "size", "type": f"u{8 * found.length[1]}", **order})
    fields, saved = segment(matrix(rows, found.size), fixed=fixed)
    return [*fields, _content([blob[at : at + size] for blob in blobs for at, size in found.targets(blob)])], saved


def _content(targets: Sequence[bytes]) -> FieldDef:
    """The field of the targets: text, which zero bytes may divide, or bytes."""
    encoding = text_encoding(b"\n".join(targets).replace(b"\0", b"\n")) if any(targets) else None
    kind = {"type": "bytes"} if encoding is None else {"type": "string", "encoding": encoding}
    return {"name": "content", **kind, "length": "size", "at": "offset"}
