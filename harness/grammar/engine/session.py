"""Session: one file read with many grammars; what they share is read once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.grammar.engine.boundary_scan import Framing, framing_of, starts_of
from harness.grammar.engine.byte_weights import Weights
from harness.grammar.engine.layout import Layout, NoLayoutError, layout_of
from harness.grammar.engine.limits import DEFAULT, Limits
from harness.grammar.engine.parse import Parse
from harness.grammar.engine.parser import Data, parse
from harness.grammar.engine.plan import magic, order_of
from harness.grammar.engine.rows import Rows, read_batches, read_rows
from harness.grammar.engine.tally import Tally, tally
from harness.grammar.language.grammar import Grammar

if TYPE_CHECKING:
    from harness.grammar.engine.columns import Columns
    from harness.grammar.engine.gather import Bytes, Vector

_KEPT_FRAMINGS = 8
_FEW = 256
"""Records below which the reference is as fast as setting columns up."""


class Session:
    """A file and what grammars made of it so far.

    Where records begin is kept for each *framing*: the part of a grammar that decides it. Columns are kept by the place
    and the type of the numbers in them. So a patch costs what it touched.

    Args:
        data: The file.
    """

    def __init__(self, data: Data) -> None:
        self.data = data if isinstance(data, bytes) or not isinstance(data, bytearray | memoryview) else bytes(data)
        self._file: Bytes | None = None
        self._starts: dict[tuple[Framing, int], tuple[Vector, int]] = {}

    def parse(self, grammar: Grammar, *, limits: Limits = DEFAULT) -> Parse:
        """Read the file with the reference engine."""
        return parse(grammar, self.data, limits=limits)

    def columns(self, grammar: Grammar) -> Columns | None:
        """The records as numpy arrays, complete ones only; None where the grammar has no such shape."""
        return self._framed(grammar)

    def rows(self, grammar: Grammar) -> Rows | None:
        """The records as tuples, complete ones only; None where the grammar has no such shape."""
        try:
            layout = layout_of(grammar)
            begin = self._begin(layout)
            return None if begin is None else read_rows(layout, self.data, begin)
        except NoLayoutError:
            return None

    @cached_property
    def weights(self) -> Weights:
        """What each byte of the file weighs."""
        return Weights(self.data)

    def batches(self, grammar: Grammar) -> Iterator[Rows] | None:
        """The same rows some at a time, so that a file of any size needs the memory of one batch."""
        try:
            layout = layout_of(grammar)
            begin = self._begin(layout)
            return None if begin is None else read_batches(layout, self.data, begin)
        except NoLayoutError:
            return None

    def tally(self, grammar: Grammar, *, limits: Limits = DEFAULT, weigh: bool = False) -> Tally:
        """What the grammar explains of the file, by the fastest engine that can tell.

        Args:
            grammar: The grammar.
            limits: What reading may use.
            weigh: Whether to count what bytes weigh too.
        """
        weights = self.weights if weigh else None
        framed = self._framed(grammar) if limits.max_records is None else None
        if framed is not None and len(framed) > _FEW:
            from harness.grammar.engine.joined_tally import tally_columns

            found = tally_columns(framed, self.data, limits, weights)
            if found is not None:
                return found
        return tally(parse(grammar, self.data, limits=limits), weights=weights)

    def _begin(self, layout: Layout) -> int | None:
        if layout.header is None:
            return 0
        header = parse(layout.header, self.data)
        return header.stopped_at if header.records and header.records[0].complete else None

    def _framed(self, grammar: Grammar) -> Columns | None:
        try:
            layout = layout_of(grammar)
        except NoLayoutError:
            return None
        begin = self._begin(layout)
        return None if begin is None else self._columns(layout, begin)

    def _columns(self, layout: Layout, begin: int) -> Columns:
        from harness.grammar.engine.columns import Columns, Table
        from harness.grammar.engine.gather import Bytes

        if self._file is None:
            self._file = Bytes(self.data)
        file = self._file
        framing = framing_of(layout.record)
        starts, end = self._begins(framing, begin, file)
        stride = 0 if framing.sizes else framing.constant
        constant = magic(layout.record.type, big=order_of(layout.grammar))
        if constant and len(starts):
            at = _first_wrong(file, starts, constant)
            if at is not None:
                starts, end = starts[:at], int(starts[at])
        token = (framing, begin, len(starts))
        return Columns(layout, Table(layout.record, file, starts, token=token, stride=stride), end)

    def _begins(self, framing: Framing, begin: int, file: Bytes) -> tuple[Vector, int]:
        key = (framing, begin)
        found = self._starts.get(key)
        if found is None:
            numpy = file.numpy
            if framing.sizes:
                places, end = starts_of(framing, self.data, begin, len(self.data))
                starts: Any = numpy.frombuffer(places, numpy.int64) if places else numpy.zeros(0, numpy.int64)
            else:
                count = max(0, len(self.data) - begin) // framing.constant
                end = begin + count * framing.constant
                starts = numpy.arange(begin, end, framing.constant, dtype=numpy.int64)
            if len(self._starts) >= _KEPT_FRAMINGS:
                self._starts.pop(next(iter(self._starts)))
            found = self._starts[key] = (starts, end)
        return found


def _first_wrong(file: Bytes, starts: Vector, constant: bytes) -> int | None:
    """The first record that does not begin with a constant."""
    numpy = file.numpy
    right = numpy.ones(len(starts), bool)
    for i, byte in enumerate(constant):
        right &= file.bytes[starts + i] == byte
    wrong = numpy.flatnonzero(~right)
    return int(wrong[0]) if len(wrong) else None
