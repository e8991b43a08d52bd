"""Parse: the records and faults of one reading of a file, and the bytes that they cover."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from harness.grammar.engine.fault import Fault
from harness.grammar.engine.node import Array, Leaf, Node, Record
from harness.grammar.language.grammar import Grammar


class Span(NamedTuple):
    """The bytes [start, end) of a leaf, its path, the leaf, and the record that holds it."""

    start: int
    end: int
    path: str
    leaf: Leaf
    record: Record


@dataclass(frozen=True)
class Parse:
    """The result of reading bytes with a grammar.

    Attributes:
        records: Top-level records: one for `framing: {repeat: once}`, else as many as were read; partial ones included.
        errors: The faults in the order found; at most `Limits.errors`.
        start: Start offset of the part that was read.
        stopped_at: End offset (exclusive) of the last top-level record.
        size: Bytes of the file.
        skipped: Ranges that resynchronisation skipped.
        stopped: Whether `Limits.stop_at` ended the parse.
    """

    grammar: Grammar
    records: tuple[Record, ...]
    errors: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    error_count: int
    start: int
    stopped_at: int
    size: int
    skipped: tuple[tuple[int, int], ...] = ()
    stopped: bool = False

    def walk(self) -> Iterator[tuple[str, Record]]:
        """Every record at each level with its path, parents first."""
        stack: list[tuple[str, Record]] = [(root_path(record), record) for record in reversed(self.records)]
        while stack:
            path, record = stack.pop()
            yield path, record
            below = []
            for name, node in record.holders():
                if isinstance(node, Record):
                    below.append((f"{path}.{name}", node))
                else:
                    below.extend(
                        (f"{path}.{name}[{i}]", item) for i, item in enumerate(node.items) if isinstance(item, Record)
                    )
            stack.extend(reversed(below))

    def leaves(self) -> Iterator[Span]:
        """Every leaf that has bytes in the file, in the order of fields; leaves with a position may overlap.

        Processed bytes (zlib …) are one leaf of the file, even if fields were read inside them.
        """
        stack: list[tuple[str, Node, Record]] = [(root_path(r), r, r) for r in reversed(self.records)]
        while stack:
            path, node, holder = stack.pop()
            if isinstance(node, Leaf):
                if node.end > node.start and node.buffer.origin is None:
                    yield Span(node.start, node.end, path, node, holder)
            elif isinstance(node, Array):
                stack.extend((f"{path}[{i}]", node.items[i], holder) for i in range(len(node.items) - 1, -1, -1))
            else:
                origin = node.buffer.origin
                if origin is not None:
                    outer = node.buffer is not holder.buffer and origin.buffer.origin is None
                    if outer and origin.end > origin.start:
                        yield Span(origin.start, origin.end, path, origin, holder)
                    continue
                for frame in node.frames:
                    if frame.buffer.origin is None:
                        yield Span(frame.start, frame.end, f"{path}.{frame.field.name}", frame, node)
                stack.extend((f"{path}.{name}", inner, node) for name, inner in reversed(list(node.parts())))

    @cached_property
    def covered(self) -> tuple[tuple[int, int], ...]:
        """Ranges of the file that leaves cover: sorted, disjoint, merged."""
        merged: list[tuple[int, int]] = []
        for start, end in sorted((span.start, span.end) for span in self.leaves()):
            if merged and start <= merged[-1][1]:
                if end > merged[-1][1]:
                    merged[-1] = (merged[-1][0], end)
            else:
                merged.append((start, end))
        return tuple(merged)

    @cached_property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Ranges of the file that no leaf covers; with `covered` they add up to the whole file."""
        found, at = [], 0
        for start, end in self.covered:
            if start > at:
                found.append((at, start))
            at = end
        if at < self.size:
            found.append((at, self.size))
        return tuple(found)


def root_path(record: Record) -> str:
    """The first part of the path of a top-level record: `Chunk[3]`."""
    return f"{record.type.name}[{record.index}]"
