"""Node: what a parse found: records of named fields, arrays, and leaves that hold values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from harness.grammar.language.grammar import Field, TypeDef
from harness.grammar.language.primitive import Primitive

NOTHING: dict[str, Any] = {}
"""What most records have of pending instances, of arguments, and of fields outside of a stretch; never written to."""


class Buffer:
    """Bytes that offsets count in: the file, or what processing made of a part of it.

    Attributes:
        data: The bytes.
        origin: None for the file; else the leaf whose processed bytes these are.
    """

    __slots__ = ("data", "origin")

    def __init__(self, data: Any, origin: Leaf | None = None) -> None:
        self.data = data
        self.origin = origin


class Window:
    """A stretch of a buffer, as `_io` of expressions: positions count from its start."""

    __slots__ = ("big", "bit", "buffer", "end", "pos", "start")

    def __init__(self, buffer: Buffer, start: int, end: int) -> None:
        self.buffer, self.start, self.end, self.pos = buffer, start, end, start
        self.bit = 0
        """Bits already taken of the byte at `pos`."""
        self.big = True
        """The order in which they were taken."""

    def align(self) -> None:
        """Go on at a whole byte."""
        if self.bit:
            self.pos, self.bit = self.pos + 1, 0


class Leaf:
    """A value read (or computed) at a place.

    Attributes:
        field: Its definition.
        buffer: What its offsets count in.
        start: First byte; a computed leaf has `start == end`.
        end: Behind its last byte, with terminator, padding and length prefix.
        value: int, float, bool, str, bytes (a memoryview beyond 64 MiB, or 512 MiB of all values),
            a tuple of numbers (a row of equal ones, packed), or None (unreadable).
        primitive: What it was read as; None for computed values and framing.
        valid: None where nothing was validated, else whether the value passed its checks and checksum.
        first_bit: For bit fields, the first bit within byte `start`, else 0.
        bits: For bit fields, how many; else 0.
    """

    __slots__ = ("bits", "buffer", "end", "field", "first_bit", "primitive", "start", "valid", "value")

    def __init__(
        self,
        field: Field,
        buffer: Buffer,
        start: int,
        end: int,
        value: Any,
        *,
        primitive: Primitive | None = None,
    ) -> None:
        self.field, self.buffer, self.start, self.end, self.value = field, buffer, start, end, value
        self.primitive = primitive
        self.valid: bool | None = None
        self.first_bit = self.bits = 0


class Array:
    """Repeated leaves or records, in order."""

    __slots__ = ("buffer", "end", "field", "items", "start", "valid")

    def __init__(self, field: Field, buffer: Buffer, start: int) -> None:
        self.field, self.buffer, self.start, self.end = field, buffer, start, start
        self.items: list[Node] = []
        self.valid: bool | None = None

    @property
    def value(self) -> list[Any]:
        """The values of its items."""
        return [item.value for item in self.items]


class Record:
    """A value of a named type.

    Attributes:
        type: Its definition.
        field: The field that holds it; None for a top-level record.
        nodes: What was read of it, by field name, in order; instances last. Partial where an error stopped it.
        raw: The same as it was read: by a `Stretch`, where it stands for several fields, its place and values.
        packed: Of fields in stretches: the stretch and the index in it; None where everything is unpacked.
        head: The values of a record that is one stretch: such a record has no `raw` of its own until it is unpacked.
        holder: The record that holds it.
        parent: What it calls its parent: the holder, unless the field says otherwise.
        index: Its place in the array that holds it, or among the top-level records.
        window: Its `_io`.
        frames: Bytes that belong to no field: length prefixes, terminators and padding of its records, alignment.
        depth: How many records enclose it.
        pending: Instances that were not asked for yet.
        arguments: What was passed to its type's parameters.
        big: Its byte order.
        complete: False where an error stopped it.
        chosen: Whether a switch chose its type.
        exact: In a sized field: whether it fills it to the byte; else None.
        valid: Whether its own check (`validate.expr` on the field) holds; None without one.
    """

    __slots__ = (
        "arguments", "big", "buffer", "chosen", "complete", "depth", "end", "exact", "field", "frames", "head",
        "holder", "index", "packed", "parent", "pending", "raw", "start", "type", "valid", "window",
    )  # fmt: skip

    def __init__(self, type: TypeDef, field: Field | None, parent: Record | None, window: Window, start: int) -> None:
        self.type, self.field, self.window = type, field, window
        self.holder = self.parent = parent
        self.buffer, self.start, self.end = window.buffer, start, start
        self.head: tuple[Any, ...] | None = None
        self.raw: dict[Any, Any] = {}
        self.packed: Mapping[str, tuple[Any, int]] | None = None
        self.pending = NOTHING
        self.arguments = NOTHING
        self.index = 0
        self.frames: tuple[Leaf, ...] = ()
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.big: bool | None = True
        self.complete = True
        self.chosen = False
        self.exact: bool | None = None
        self.valid: bool | None = None

    @property
    def value(self) -> Record:
        """Itself: what an expression sees."""
        return self

    @property
    def nodes(self) -> dict[str, Node]:
        """What was read of it, with a leaf for every value."""
        if self.packed is not None:
            self.raw, self.packed, self.head = dict(self.parts()), None, None
        return self.raw

    def parts(self) -> Iterator[tuple[str, Node]]:
        """The same one by one, without keeping the leaves that are made for it."""
        if self.head is not None and self.packed:
            (fixed_run, _), *_ = self.packed.values()
            yield from fixed_run.leaves(self.buffer, self.start, self.head)
        for name, node in self.raw.items():
            if name.__class__ is str:
                yield name, node
            else:
                yield from name.leaves(self.buffer, *node)

    def holders(self) -> Iterator[tuple[str, Record | Array]]:
        """Those parts that may hold records."""
        for name, node in self.raw.items():
            if node.__class__ is Record or node.__class__ is Array:
                yield name, node

    def __getitem__(self, name: str) -> Any:
        """The value of a field.

        Raises:
            KeyError: if it was not read.
        """
        found = self.get(name, NOTHING)
        if found is NOTHING:
            raise KeyError(name)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field, or the default where it was not read."""
        if self.packed is not None:
            place = self.packed.get(name)
            if place is not None:
                if self.head is not None:
                    return self.head[place[1]]
                read = self.raw.get(place[0])
                if read is not None:
                    return read[1][place[1]]
        node = self.raw.get(name)
        return default if node is None else node.value

    def records(self) -> Iterator[Record]:
        """The records directly within it, in order."""
        for _, node in self.holders():
            for item in node.items if isinstance(node, Array) else (node,):
                if isinstance(item, Record):
                    yield item


Node: TypeAlias = Leaf | Array | Record
