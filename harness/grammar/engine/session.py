"""Session: one file read with many grammars; intermediate results that grammars share are computed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.grammar.engine.boundary_scan import Framing, framing_of, starts_of
from harness.grammar.engine.byte_weights import Weights
from harness.grammar.engine.layout import Layout, NoLayoutError, layout_of
from harness.grammar.engine.limits import DEFAULT, Limits
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.parser import Data, parse
from harness.grammar.engine.plan import magic, order_of
from harness.grammar.engine.tally import Tally, tally
from harness.grammar.language.grammar import Grammar

if TYPE_CHECKING:
    from harness.grammar.engine.columns import Columns
    from harness.grammar.engine.gather import Bytes, Vector

BATCH_BYTES = 1 << 20  # bytes of the file in one batch of records
_MAX_KEPT_FRAMINGS = 8
_MIN_COLUMNAR_RECORDS = 256  # with fewer records the reference engine is as fast as setting up columns
_MAX_WHOLE_BYTES = 4 << 20  # a larger file is tallied in batches, whose columns no other grammar uses again


class Session:
    """A file, and the intermediate results of the grammars that read it.

    Record boundaries are kept for each *framing*: the part of a grammar that decides the boundaries. Columns are kept
    by the offset and the type of their numbers. A patch therefore recomputes only the columns that it changed.
    """

    def __init__(self, data: Data) -> None:
        self.data = data if isinstance(data, bytes) or not isinstance(data, bytearray | memoryview) else bytes(data)
        self._file: Bytes | None = None
        self._starts: dict[tuple[Framing, int], tuple[Vector, int]] = {}

    @cached_property
    def weights(self) -> Weights:
        """The weight of each byte of the file."""
        return Weights(self.data)

    def parse(self, grammar: Grammar, *, limits: Limits = DEFAULT) -> Parse:
        """Read the file with the reference engine."""
        return parse(grammar, self.data, limits=limits)

    def columns(self, grammar: Grammar) -> Columns | None:
        """The complete records as numpy arrays; None if the grammar is not columnar."""
        found = self._layout_and_begin(grammar)
        return None if found is None else self._columns(*found)

    def batches(self, grammar: Grammar, *, span: int = BATCH_BYTES) -> Iterator[Columns] | None:
        """The same records, one batch at a time; None if the grammar is not columnar.

        A caller that keeps no batch needs the memory of one, whatever the size of the file.

        Args:
            span: Bytes of the file that one batch covers; a longer record is a batch of its own.
        """
        found = self._layout_and_begin(grammar)
        return None if found is None else self._batches(*found, span)

    def tally(self, grammar: Grammar, *, limits: Limits = DEFAULT, weigh: bool = False, span: int = 0) -> Tally:
        """The bytes, fields and faults that the grammar finds in the file, by the fastest engine that supports it.

        Args:
            weigh: Whether to add up the weights of the bytes too.
            span: Bytes of the file in one batch; 0 is the whole file up to 4 MiB, and batches of 1 MiB of a larger one.
        """
        weights = self.weights if weigh else None
        found = self._layout_and_begin(grammar) if limits.max_records is None else None
        if found is not None:
            from harness.grammar.engine.joined_tally import tally_columns

            is_whole = not span and len(self.data) <= _MAX_WHOLE_BYTES
            batches: Iterable[Columns] = self._batches(*found, span or BATCH_BYTES)
            if is_whole:
                whole = self._columns(*found)
                batches = [whole] if len(whole) > _MIN_COLUMNAR_RECORDS else []
            made = tally_columns(batches, self.data, limits, weights)
            if made is not None:
                return made
        return tally(parse(grammar, self.data, limits=limits), weights=weights)

    def _layout_and_begin(self, grammar: Grammar) -> tuple[Layout, int] | None:
        """The layout of the grammar and the offset of the first record; None if the grammar or the header has none."""
        try:
            layout = layout_of(grammar)
        except NoLayoutError:
            return None
        if layout.header is None:
            return layout, 0
        header = parse(layout.header, self.data)
        return (layout, header.stopped_at) if header.records and header.records[0].complete else None

    def _columns(self, layout: Layout, begin: int) -> Columns:
        from harness.grammar.engine.gather import Bytes

        if self._file is None:
            self._file = Bytes(self.data)
        key = (framing_of(layout.record), begin)
        found = self._starts.get(key)
        if found is None:
            if len(self._starts) >= _MAX_KEPT_FRAMINGS:
                self._starts.pop(next(iter(self._starts)))
            found = self._starts[key] = _scan(key[0], self._file, begin, len(self.data))
        return _columns_at(layout, self._file, *found, begin)

    def _batches(self, layout: Layout, begin: int, span: int) -> Iterator[Columns]:
        from harness.grammar.engine.gather import Bytes

        framing = framing_of(layout.record)
        at, size, width = begin, len(self.data), span
        while at < size:
            file = Bytes(self.data)  # its memo holds the arrays of this batch only
            stop = min(size, at + width)
            starts, end = _scan(framing, file, at, stop)
            if len(starts):
                found = _columns_at(layout, file, starts, end, at)
                if len(found):
                    yield found
                if found.end < end:
                    return
                at, width = end, span
            elif stop == size:
                return
            else:
                width *= 2


def _scan(framing: Framing, file: Bytes, begin: int, end: int) -> tuple[Vector, int]:
    """The offsets of the records between two offsets, and the offset of the first record that does not fit."""
    numpy = file.numpy
    if framing.sizes:
        places, stop = starts_of(framing, file.data, begin, end)
        starts: Any = numpy.frombuffer(places, numpy.int64) if places else numpy.zeros(0, numpy.int64)
        return starts, stop
    count = max(0, end - begin) // framing.constant
    stop = begin + count * framing.constant
    return numpy.arange(begin, stop, framing.constant, dtype=numpy.int64), stop


def _columns_at(layout: Layout, file: Bytes, starts: Vector, end: int, begin: int) -> Columns:
    """The columns of records at known offsets, up to the first record without the constant that begins each record."""
    from harness.grammar.engine.columns import Columns, Table

    framing = framing_of(layout.record)
    constant = magic(layout.record.type, big=order_of(layout.grammar))
    if constant and len(starts):
        wrong = _first_wrong(file, starts, constant)
        if wrong is not None:
            starts, end = starts[:wrong], int(starts[wrong])
    stride = 0 if framing.sizes else framing.constant
    token = (framing, begin, len(starts))
    return Columns(layout, Table(layout.record, file, starts, token=token, stride=stride), end)


def _first_wrong(file: Bytes, starts: Vector, constant: bytes) -> int | None:
    """The index of the first record that does not begin with a constant; None if all do."""
    numpy = file.numpy
    right = numpy.ones(len(starts), bool)
    for i, byte in enumerate(constant):
        right &= file.bytes[starts + i] == byte
    wrong = numpy.flatnonzero(~right)
    return int(wrong[0]) if len(wrong) else None
