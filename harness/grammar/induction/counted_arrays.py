"""Counted arrays: adjacent arrays of different items whose sizes are determined by several counts in a header."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.grammar.induction.draft import Draft, FieldDef, Names, numbered
from harness.grammar.induction.payload import TEXT_BITS, text_encoding, text_field
from harness.grammar.induction.segmentation import DESCRIBED, MAX_COMPARED_ROWS, integers, matrix, segment

MIN_FILES = 4
MAX_HEAD = 64  # maximum bytes before the arrays
MAX_COUNTS = {4: 6, 2: 4, 1: 3}  # maximum number of adjacent counts that vary independently, by their width
MAX_UNIT = 16  # maximum bytes per unit of a count, in all arrays that it determines
CANDIDATES = 256  # number of systems that are tried, for the correction of multiple tests
MAX_STATES = 1_000  # maximum number of partial orders of the arrays
MIN_EVIDENCE_BITS = 16.0  # minimum bits by which the sizes of the files confirm the counts
ARRAY = 24.0  # bits of the description of an array
Order = Literal["big", "little"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of blocks as a sum over counts.

    Attributes:
        width: Bytes of each count.
        counts: Per independent count, its positions in the header; numbers there are equal in each file.
        units: Per independent count, the bytes of all its arrays per unit.
        head: Bytes of the header; the arrays follow.
        ends: Per file, the end offset (exclusive) of its arrays.
    """

    width: int
    order: Order
    counts: tuple[tuple[int, ...], ...]
    units: tuple[int, ...]
    head: int
    ends: tuple[int, ...]

    def values(self, blobs: Sequence[bytes]) -> list[tuple[int, ...]]:
        """Per file, its independent counts."""
        return [
            tuple(int.from_bytes(blob[at[0] : at[0] + self.width], self.order) for at in self.counts) for blob in blobs
        ]


def counted_drafts(blobs: Sequence[bytes], names: Names) -> Iterator[Draft]:
    """Drafts for files that are a header with counts and the arrays that it determines.

    What follows the arrays is described too: the same again with its own header, or text.
    """
    layout = find_layout(blobs)
    if layout is None:
        return
    # Which one of two equal counts belongs to which array, only a file with others can tell.
    for last_first in (False, True) if any(len(at) > 1 for at in layout.counts) else (False,):
        root, types, saved, idea = _block(blobs, layout, Names(set(names.taken)), last_first=last_first)
        yield Draft(root, types, saved, idea)


def find_layout(blobs: Sequence[bytes]) -> Layout | None:
    """The counts that determine where the arrays of all files end; None if the files do not confirm any.

    Arrays end at the end of the file, before a text in its last line, or where the first bytes of the files recur.
    """
    if len(blobs) < MIN_FILES or min(map(len, blobs)) < 8:
        return None
    head = min(MAX_HEAD, *map(len, blobs))
    rows = matrix(blobs, head)
    for ends in _ends(blobs):
        if len(set(ends)) == 1:
            continue
        for width, order in itertools.product((4, 2, 1), ("big", "little")):
            if width == 1 and order == "little":
                continue
            found = _solve(rows, ends, width, order)  # type: ignore[arg-type]
            if found is not None:
                return found
    return None


def _ends(blobs: Sequence[bytes]) -> Iterator[tuple[int, ...]]:
    """Offsets per file at which arrays may end."""
    common = next((k for k in range(8) if len({blob[: k + 1] for blob in blobs}) > 1), 8)
    if common >= 4:
        again = tuple(blob.find(blob[:4], 4) for blob in blobs)
        if min(again) > 0:
            yield again
    yield tuple(len(blob) for blob in blobs)
    last = tuple(_last_line(blob) for blob in blobs)
    if any(end < len(blob) for blob, end in zip(blobs, last, strict=True)):
        yield last


def _last_line(blob: bytes) -> int:
    """Start of the text in the last line, with the line end before it; the end of the file without a text."""
    if not blob.endswith(b"\n"):
        return len(blob)
    start = blob.rfind(b"\n", 0, len(blob) - 1)
    return start if start >= 0 and text_encoding(blob[start:]) is not None else len(blob)


def _solve(rows: Any, ends: Sequence[int], width: int, order: Order) -> Layout | None:
    """The layout with the fewest counts of one width and byte order; None if no layout has enough evidence."""
    columns: dict[int, dict[tuple[int, ...], list[int]]] = {}
    for at in range(rows.shape[1] - width + 1):
        values = tuple(int(v) for v in integers(rows[:, at : at + width], big=order == "big"))
        if len(set(values)) > 1 and all(value <= end for value, end in zip(values, ends, strict=True)):
            columns.setdefault(at % width, {}).setdefault(values, []).append(at)
    found: list[Layout] = []
    for alike in columns.values():
        every = sorted(alike.items(), key=lambda entry: entry[1])
        most = MAX_COUNTS[width]
        for first in range(max(1, len(every) - most + 1)):
            found += _sums(every[first : first + most], rows.shape[1], ends, width, order)
    found = [made for made in found if math.prod(unit + 1 for unit in made.units) <= MAX_STATES]
    return min(found, key=lambda made: (len(made.counts), sum(made.units), made.head), default=None)


def _sums(
    columns: Sequence[tuple[tuple[int, ...], list[int]]], size: int, ends: Sequence[int], width: int, order: Order
) -> Iterator[Layout]:
    """Layouts whose ends are a header and a sum over columns of numbers, each times at most `MAX_UNIT`."""
    half = (len(columns) + 1) // 2
    first = [values[0] for values, _ in columns]
    # The header adds the same to all ends, so it follows from those differences that agree.
    apart = [tuple(value - values[0] for value in values[1:]) for values, _ in columns]
    left, right = _multiples(apart[:half], len(ends) - 1), _multiples(apart[half:], len(ends) - 1)
    target = [end - ends[0] for end in ends[1:]]
    for sums, factors in left.items():
        others = right.get(tuple(map(int.__sub__, target, sums)))
        if others is None:
            continue
        units = (*factors, *others)
        head = ends[0] - sum(map(int.__mul__, units, first))
        used = [(tuple(at), unit) for (_, at), unit in zip(columns, units, strict=True) if unit]
        # Each end agrees by chance once in their range, and so does the header; each count and its unit is a choice.
        last = max((at[-1] + width for at, _ in used), default=0)
        bits = (len(set(ends)) - 1) * math.log2(max(ends) - min(ends) + 1)
        bits += math.log2(max(ends) / (1 if head == last else size))
        bits -= sum(1 + 2 * math.log2(unit) for _, unit in used) + len(columns) + math.log2(CANDIDATES)
        if used and bits >= MIN_EVIDENCE_BITS and last <= head <= size:
            counts, sizes = zip(*used, strict=True)
            yield Layout(width, order, counts, sizes, head, tuple(ends))


def _multiples(columns: Sequence[tuple[int, ...]], size: int) -> dict[tuple[int, ...], tuple[int, ...]]:
    """Sums of small multiples of columns of numbers, each sum with its smallest factors."""
    import numpy as np

    factors = sorted(itertools.product(range(MAX_UNIT + 1), repeat=len(columns)), key=sum, reverse=True)
    table = np.array(columns, dtype=np.int64).reshape(len(columns), size)
    sums = np.array(factors, dtype=np.int64).reshape(len(factors), len(columns)) @ table
    return {tuple(row): given for row, given in zip(sums.tolist(), factors, strict=True)}


def _block(
    blobs: Sequence[bytes], layout: Layout, names: Names, *, last_first: bool
) -> tuple[str, dict[str, Any], float, str]:
    """A type for the header, the arrays and what follows; its types, the saved bits and the idea."""
    root = names.fresh("File")
    values = layout.values(blobs)
    arrays = _arrange(blobs, layout, values)
    fixed: dict[int, tuple[int, FieldDef]] = {}
    count_names: list[list[str]] = []
    for places in layout.counts:
        count_names.append([])
        for at in places:
            name = f"count_{at}"
            order = {"endian": layout.order} if layout.width > 1 else {}
            if not any(other < at + layout.width and at < other + layout.width for other in fixed):
                fixed[at] = (layout.width, {"name": name, "type": f"u{8 * layout.width}", **order})
                count_names[-1].append(name)
    head, saved = segment(matrix(blobs, layout.head), fixed=fixed)
    fields, types = list(head), dict[str, Any]()
    starts = [layout.head] * len(blobs)
    used: dict[int, int] = {}
    for which, size in arrays:
        lengths = [size * row[which] for row in values]
        bodies = [blob[at : at + length] for blob, at, length in zip(blobs, starts, lengths, strict=True)]
        starts = [at + length for at, length in zip(starts, lengths, strict=True)]
        alike = count_names[which][::-1] if last_first else count_names[which]
        count = alike[min(used.get(which, 0), len(alike) - 1)]
        used[which] = used.get(which, 0) + 1
        field, more, extra = _array(bodies, size, count, names)
        fields.append(field)
        types |= extra
        saved += more
    tails = [blob[end:] for blob, end in zip(blobs, layout.ends, strict=True)]
    idea = f"{len(arrays)} arrays of {len(layout.counts)} counts"
    if any(tails):
        again = find_layout(tails) if all(tails) else None
        text = text_field([tail for tail in tails if tail])
        if again is not None:
            inner, more_types, more, said = _block(tails, again, names, last_first=last_first)
            fields.append({"name": "next", "type": inner})
            types |= more_types
            saved += more
            idea = f"{idea}, then {said}"
        else:
            fields.append(text or {"name": "rest", "type": "bytes", "length": "rest"})
    return root, {root: {"fields": numbered(fields)}, **types}, saved, idea


def _arrange(blobs: Sequence[bytes], layout: Layout, values: Sequence[tuple[int, ...]]) -> list[tuple[int, int]]:
    """The arrays in the order with the shortest description: which count, and bytes per item."""
    units = layout.units
    best: dict[tuple[int, ...], tuple[float, list[tuple[int, int]]]] = {(0,) * len(units): (0.0, [])}
    for state in sorted(itertools.product(*(range(unit + 1) for unit in units)), key=sum):
        if state not in best:
            continue
        saved, before = best[state]
        starts = [layout.head + sum(map(int.__mul__, state, row)) for row in values]
        for which, unit in enumerate(units):
            for size in range(1, unit - state[which] + 1):
                bodies = [
                    blob[at : at + size * row[which]] for blob, at, row in zip(blobs, starts, values, strict=True)
                ]
                after = (*state[:which], state[which] + size, *state[which + 1 :])
                worth = saved + _worth(bodies, size)
                if after not in best or worth > best[after][0]:
                    best[after] = worth, [*before, (which, size)]
    return best[units][1]


def _worth(bodies: Sequence[bytes], size: int) -> float:
    """Approximate number of bits that an array saves: by one vocabulary per column, and as strings."""
    import numpy as np

    data = b"".join(bodies)
    strings = TEXT_BITS * len(data) if size == 1 and _strings(bodies) is not None else 0.0
    rows = matrix([data], len(data)).reshape(-1, size)
    rows = rows[:: max(1, len(rows) // MAX_COMPARED_ROWS)]
    scale = len(data) / max(1, rows.size)
    ordered = np.sort(rows, axis=0)
    kinds = 1 + (ordered[1:] != ordered[:-1]).sum(axis=0)
    saved = len(rows) * (8.0 - np.log2(kinds)) - 8.0 * kinds
    return float(np.maximum(saved, 0.0).sum()) * scale + strings - ARRAY


def _strings(bodies: Sequence[bytes]) -> str | None:
    """The encoding of bodies that are strings with a zero byte after each; None if one is not."""
    if not all(body.endswith(b"\0") and body.strip(b"\0") for body in bodies):
        return None
    return text_encoding(b"\n".join(bodies).replace(b"\0", b"\n"))


def _array(bodies: Sequence[bytes], size: int, count: str, names: Names) -> tuple[FieldDef, float, dict[str, Any]]:
    """The field of an array, the saved bits, and its types."""
    encoding = _strings(bodies) if size == 1 else None
    if encoding is not None:
        outer, item = names.fresh("Strings"), names.fresh("Text")
        types = {
            outer: {"fields": [{"name": "strings", "type": item, "repeat": "rest"}]},
            item: {"fields": [{"name": "text", "type": "string", "terminator": 0, "encoding": encoding}]},
        }
        return {"name": "strings", "type": outer, "length": count}, TEXT_BITS * sum(map(len, bodies)), types
    data = b"".join(bodies)
    fields, saved = segment(matrix([data], len(data)).reshape(-1, size))
    item = names.fresh("Item")
    return {"name": "items", "type": item, "repeat": count}, saved - DESCRIBED, {item: {"fields": fields}}
