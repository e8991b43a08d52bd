"""Gather: numbers and strings at many offsets of a file at once, as numpy arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.grammar.engine.tally import MAX_VALUES, printable_bytes
from harness.grammar.language.encodings import accepts_random_bytes, codec
from harness.grammar.language.primitive import Kind, Primitive

if TYPE_CHECKING:
    from numpy.typing import NDArray

Vector: TypeAlias = "NDArray[Any]"

_TYPES = {"B": "u1", "b": "i1", "H": "u2", "h": "i2", "I": "u4", "i": "i4", "Q": "u8", "q": "i8"}
_FLOATS = {"e": "f2", "f": "f4", "d": "f8"}
_SAMPLE_SIZE = 4_096
_MAX_COMPARED = 64


class Memo:
    """Memoised arrays of a file by key; all are dropped when they exceed a size."""

    def __init__(self, max_bytes: int = 256 << 20) -> None:
        self.max_bytes, self.used = max_bytes, 0
        self._made: dict[Any, Any] = {}

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """The memoised value of a key, or the result of `make`, which is then memoised."""
        try:
            return self._made[key]
        except KeyError:
            made = make()
        parts = made if isinstance(made, tuple) else (made,)
        size = 200 + sum(p.nbytes for p in parts if hasattr(p, "nbytes") and p.base is None)
        if self.used + size > self.max_bytes:
            self._made.clear()
            self.used = 0
        self.used += size
        self._made[key] = made
        return made


class Bytes:
    """The bytes of a file as overlapping arrays: one item starts at each byte, whatever its width."""

    def __init__(self, data: Any) -> None:
        import numpy

        self.numpy = numpy
        self.data = data
        self.size = len(data)
        self.bytes: Vector = numpy.frombuffer(data, numpy.uint8)
        self.memo = Memo()
        self._views: dict[str, Vector] = {}

    def view(self, code: str) -> Vector:
        """All numbers of a numpy type, one starting at each byte."""
        found = self._views.get(code)
        if found is None:
            dtype = self.numpy.dtype(code)
            count = max(0, self.size - dtype.itemsize + 1)
            found = self.numpy.ndarray((count,), dtype, self.data, 0, (1,)) if count else self.numpy.zeros(0, dtype)
            self._views[code] = found
        return found

    def regular(self, primitive: Primitive, *, first: int, stride: int, count: int, big: bool) -> Vector:
        """Numbers at equal distances; a view of the file if numpy has a type of that width."""
        code = dtype_of(primitive, big=big)
        if code is None:
            places: Vector = first + stride * self.numpy.arange(count, dtype=self.numpy.int64)
            return self.at(places, primitive, big=big)
        if not count:
            return self.numpy.zeros(0, code)
        return self.numpy.ndarray((count,), self.numpy.dtype(code), self.data, first, (stride,))

    def at(self, places: Vector, primitive: Primitive, *, big: bool) -> Vector:
        """Numbers at offsets, all of which are within the file."""
        code = dtype_of(primitive, big=big)
        if code is not None:
            return self.view(code)[places]
        width = primitive.width
        found: Vector = self.numpy.zeros(len(places), self.numpy.int64)
        for i in range(width):
            found |= self.bytes[places + i].astype(self.numpy.int64) << 8 * (width - 1 - i if big else i)
        if primitive.signed:
            top = 1 << (8 * width - 1)
            found = (found ^ top) - top
        return found


def dtype_of(primitive: Primitive, *, big: bool) -> str | None:
    """The numpy code of a number type; None if numpy has no type of that width."""
    known = _TYPES.get(primitive.code) or _FLOATS.get(primitive.code)
    return None if known is None else (">" if big else "<") + known


def values_of(column: Vector, primitive: Primitive) -> frozenset[Any] | None:
    """The distinct values of a column, or None if there are more than 256."""
    import numpy

    if not len(column):
        return frozenset()
    if primitive.kind is Kind.FLOAT:
        column = column[~numpy.isnan(column)]
    if primitive.width == 1:
        base = 128 if primitive.signed else 0
        counts = numpy.bincount(column.astype(numpy.int64) + base, minlength=256)
        return frozenset(int(v) - base for v in numpy.flatnonzero(counts))
    step = max(1, len(column) // _SAMPLE_SIZE)
    if len(numpy.unique(column[::step])) > MAX_VALUES:
        return None
    found = numpy.unique(column)
    return frozenset(found.tolist()) if len(found) <= MAX_VALUES else None


def bounds_of(column: Vector, primitive: Primitive) -> tuple[Any, Any]:
    """The minimum and the maximum of a column; None for both if it has no number."""
    import numpy

    if primitive.kind is Kind.FLOAT:
        column = column[~numpy.isnan(column)]
    if not len(column):
        return None, None
    return column.min().item(), column.max().item()


def blob_values(data: Any, starts: Vector, stops: Vector, codec: str | None) -> frozenset[Any] | None:
    """The distinct blobs or strings between offsets, in the form of `FieldTally.values`."""
    if len(starts) and int((stops - starts).max()) > _MAX_COMPARED:
        return None
    found: set[Any] = set()
    for at in range(0, len(starts), _SAMPLE_SIZE):
        chunk = zip(starts[at : at + _SAMPLE_SIZE].tolist(), stops[at : at + _SAMPLE_SIZE].tolist(), strict=True)
        found.update(bytes(data[i:j]) for i, j in chunk)
        if len(found) > 4 * MAX_VALUES:
            return None
    if codec is not None:
        found = {value.decode(codec, "replace") for value in found}
    return frozenset(found) if len(found) <= MAX_VALUES else None


_PLAIN = bytes(range(0x20, 0x7F)) + b"\t\r\n"
_ASCII_LIKE = ("ascii", "utf-8", "latin-1")


def decode_strings(data: Any, starts: Vector, stops: Vector, encoding: str) -> tuple[list[int], int, Counter[str]]:
    """The indices of strings that do not decode, and the bytes and characters of the others as `FieldTally`."""
    characters: Counter[str] = Counter()
    keep, name = accepts_random_bytes(encoding), codec(encoding)
    total = int((stops - starts).sum()) if len(starts) else 0
    pairs = list(zip(starts.tolist(), stops.tolist(), strict=True))
    chunks = (b"".join([data[i:j] for i, j in pairs[at : at + 65_536]]) for at in range(0, len(pairs), 65_536))
    for chunk in chunks if encoding in _ASCII_LIKE else ():
        if chunk.translate(None, _PLAIN):
            characters.clear()
            break
        if keep:
            characters.update(chunk.decode("ascii"))
    else:
        if encoding in _ASCII_LIKE:
            return [], total, characters
    wrong, printable = [], 0
    for place, (i, j) in enumerate(pairs):
        try:
            text = bytes(data[i:j]).decode(name)
        except UnicodeDecodeError:
            wrong.append(place)
        else:
            printable += printable_bytes(text, j - i)
            if keep:
                characters.update(text)
    return wrong, printable, characters
