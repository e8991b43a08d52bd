"""Segmentation: rows of bytes cut into the fields with the shortest description."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.grammar.induction.draft import FieldDef, numbered

if TYPE_CHECKING:
    import numpy as np

    Bytes = np.ndarray[Any, np.dtype[np.uint8]]

MAX_SAMPLED = 1_000  # maximum number of instances
DESCRIBED = 7.0  # bits of the description of a field
OPAQUE = 12.0
_INTEGERS = (1, 2, 4, 8)
MAX_COMPARED_ROWS = 400  # maximum number of rows by which strides are compared
MIN_REPEATS = 8  # minimum average number of occurrences per value of a vocabulary
_TEXTS = (3, 4, 6, 8, 12, 16, 20, 32)
CODE = 4
WRITTEN = b"0123456789 \0"  # bytes of numbers in digits; equal ones in all samples are not a magic number
MAX_TAG_VALUES = 64  # maximum number of distinct values of a tag


class Segmentation:
    """The shortest division into fields of each prefix of rows of equal length.

    Args:
        rows: Bytes, shape (n, width): one row per instance.
        fixed: Known fields: offset -> (size, definition).
    """

    def __init__(self, rows: Bytes, *, fixed: dict[int, tuple[int, FieldDef]] | None = None) -> None:
        self.scale = max(1.0, len(rows) / MAX_SAMPLED)
        self.rows = rows[:: max(1, len(rows) // MAX_SAMPLED)][:MAX_SAMPLED]
        self.fixed = fixed or {}
        count, width = self.rows.shape
        self.best: list[tuple[float, int, FieldDef | None]] = [(0.0, 0, None), *((math.inf, 0, None),) * width]
        self.printable = (((self.rows >= 0x20) & (self.rows < 0x7F)).all(axis=0)).tolist() if count else []
        covered = {at + k for at, (size, _) in self.fixed.items() for k in range(1, size)}
        for start in range(width):
            if math.isfinite(self.best[start][0]) and start not in covered:
                self._from(start, width)

    def _from(self, start: int, width: int) -> None:
        cost = self.best[start][0]
        if start in self.fixed:
            size, known = self.fixed[start]
            self._offer(start, size, cost, known)
            return
        room = next((at for at in range(start + 1, width) if at in self.fixed), width) - start
        for size in _INTEGERS:
            if size <= room:
                for definition, bits in _numbers(self.rows[:, start : start + size]):
                    self._offer(start, size, cost + bits + DESCRIBED, definition)
        run = next((k for k in range(room) if not self.printable[start + k]), room)
        for size in sorted({*(s for s in _TEXTS if s <= run), run}):
            if size >= _TEXTS[0]:
                definition, bits = _text(self.rows[:, start : start + size])
                self._offer(start, size, cost + bits + OPAQUE, definition)
        for size in range(1, room + 1):
            plain = 8.0 * size * len(self.rows) + OPAQUE
            self._offer(start, size, cost + plain, {"name": "data", "type": "bytes", "length": size})

    def _offer(self, start: int, size: int, cost: float, definition: FieldDef) -> None:
        if cost < self.best[start + size][0]:
            self.best[start + size] = (cost, start, definition)

    def saved(self, width: int) -> float:
        """Bits saved compared with opaque bytes, for the first `width` bytes of each row."""
        cost = self.best[width][0]
        return (8.0 * width * len(self.rows) - cost) * self.scale if math.isfinite(cost) else -math.inf

    def fields(self, width: int) -> list[FieldDef]:
        """Fields in order for the first `width` bytes of each row, with `endian` where needed."""
        found: list[FieldDef] = []
        at = width
        while at:
            _, before, definition = self.best[at]
            if definition is not None:
                found.append(definition)
            at = before
        return numbered(reversed(found))


def segment(rows: Bytes, *, fixed: dict[int, tuple[int, FieldDef]] | None = None) -> tuple[list[FieldDef], float]:
    """Cut rows of equal length into fields; return the fields and the saved bits."""
    cut = Segmentation(rows, fixed=fixed)
    width = rows.shape[1]
    return cut.fields(width), cut.saved(width)


def _numbers(cells: Bytes) -> list[tuple[FieldDef, float]]:
    """The readings of cells as numbers, with the bits of each."""
    size = cells.shape[1]
    found = []
    for endian in ("big", "little") if size > 1 else ("big",):
        values = integers(cells, big=endian == "big")
        bits, distinct = code_bits(values, 8 * size)
        definition: FieldDef = {"name": "value", "type": f"u{8 * size}"}
        if size > 1:
            definition["endian"] = endian
            bits += 1.0
        if distinct == 1 and size > 1 and values[0] > 0xFF and cells[0].tobytes().strip(WRITTEN):
            definition |= {"name": "magic", "validate": {"equals": int(values[0])}}
        found.append((definition, bits))
        if size in (4, 8) and (floating := _floats(cells, big=endian == "big")) is not None:
            found.append(({"name": "real", "type": f"f{8 * size}", "endian": endian}, floating + 1.0))
    return found


def integers(cells: Bytes, *, big: bool) -> Any:
    """Cells of up to eight bytes as integers."""
    import numpy as np

    order = cells if big else cells[:, ::-1]
    values: Any = np.zeros(len(cells), dtype=np.uint64)
    for k in range(order.shape[1]):
        values = (values << np.uint64(8)) | order[:, k].astype(np.uint64)
    return values


def code_bits(values: Any, plain: int) -> tuple[float, int]:
    """Bits of integers in the better of two codes, with the code book, and the number of distinct values."""
    import numpy as np

    count = len(values)
    distinct = len(np.unique(values))
    spread = int(values.max()) - int(values.min()) + 1
    bits = min(count * plain, count * math.log2(spread) + 2 * plain)
    if plain <= 8 or distinct * MIN_REPEATS <= count:
        bits = min(bits, count * math.log2(distinct) + distinct * plain)
    return bits, distinct


def _floats(cells: Bytes, *, big: bool) -> float | None:
    """Bits of cells as floats of similar magnitude; None if they are not plausible as floats."""
    import numpy as np

    size = cells.shape[1]
    if len(cells) < 4:
        return None
    raw = np.ascontiguousarray(cells if big else cells[:, ::-1]).tobytes()
    with np.errstate(all="ignore"):
        values = np.frombuffer(raw, dtype=f">f{size}").astype(np.float64)
        if not np.isfinite(values).all():
            return None
        sizes = np.abs(values[values != 0])
        if not len(sizes) or sizes.min() < 1e-12 or sizes.max() > 1e15:
            return None
        exponents = np.frexp(sizes)[1]
    spread = int(exponents.max()) - int(exponents.min()) + 1
    sign = 0.0 if (values >= 0).all() or (values <= 0).all() else 1.0
    lead = 9 if size == 4 else 12
    if len(np.unique(values)) < 4 and not (values % 1 == 0).all():
        return None
    return float(len(values) * (8 * size - lead + sign + math.log2(spread)) + 2 * 8 * size)


def _text(cells: Bytes) -> tuple[FieldDef, float]:
    """Printable cells as strings of fixed length; few distinct strings are a vocabulary."""
    count, size = cells.shape
    data = cells.tobytes()
    kinds = {data[at : at + size] for at in range(0, len(data), size)}
    bits = count * size * math.log2(95)
    # Four recurring letters are a code; at other lengths, syllables recur in each text.
    if len(kinds) * (2 if size == CODE else MIN_REPEATS) <= count or len(kinds) == 1:
        bits = min(bits, count * math.log2(len(kinds)) + len(kinds) * 8.0 * size)
    definition: FieldDef = {"name": "text", "type": "string", "length": size, "encoding": "ascii"}
    if len(kinds) == 1 and count > 1:
        definition |= {"name": "magic", "validate": {"equals": kinds.pop().decode("ascii")}}
    return definition, bits - 1.0


def matrix(blobs: Sequence[bytes], width: int) -> Bytes:
    """The first `width` bytes of each blob as rows."""
    import numpy as np

    rows: Bytes = np.frombuffer(b"".join(blob[:width] for blob in blobs), dtype=np.uint8)
    return rows.reshape(len(blobs), width)


def columns_worth(rows: Bytes) -> float:
    """Bits saved by one vocabulary per column, compared with one for all columns."""
    import numpy as np

    rows = rows[:: max(1, len(rows) // MAX_COMPARED_ROWS)]
    count = len(rows)
    single_code = np.log2(max(1, len(np.unique(rows))))
    kinds = np.array([len(np.unique(rows[:, k])) for k in range(rows.shape[1])], dtype=float)
    saved = count * (single_code - np.log2(kinds)) - 8.0 * kinds
    return float(np.maximum(saved, 0.0).sum())
