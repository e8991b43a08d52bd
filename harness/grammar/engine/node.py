"""Node: the values of a parse: records of named fields, arrays, and leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from harness.grammar.language.grammar import Field, TypeDef
from harness.grammar.language.primitive import Primitive

NOTHING: dict[str, Any] = {}  # shared by records without instances, arguments or unpacked fields; never written to


class Buffer:
    """Bytes that offsets refer to: the file, or the processed bytes of a leaf.

    Attributes:
        origin: The leaf whose processed bytes these are; None for the file.
    """

    __slots__ = ("data", "origin")

    def __init__(self, data: Any, origin: Leaf | None = None) -> None:
        self.data = data
        self.origin = origin


class Window:
    """A range of a buffer, which expressions see as `_io`: positions count from its start."""

    __slots__ = ("big", "bit", "buffer", "end", "pos", "start")

    def __init__(self, buffer: Buffer, start: int, end: int) -> None:
        self.buffer, self.start, self.end, self.pos = buffer, start, end, start
        self.bit = 0
        """Number of bits already read of the byte at `pos`."""
        self.big = True
        """Whether the first bit read is the most significant one."""

    def align(self) -> None:
        """Move to the next whole byte, if bits of a byte were read."""
        if self.bit:
            self.pos, self.bit = self.pos + 1, 0


class Leaf:
    """A value that was read at an offset, or computed.

    Attributes:
        buffer: The bytes that the offsets refer to.
        start: Start offset; a computed leaf has `start == end`.
        end: End offset (exclusive), with terminator, padding and length prefix.
        value: int, float, bool, str, bytes (a memoryview for more than 64 MiB, or 512 MiB of all values), a tuple of
            numbers (a row), or None (unreadable).
        primitive: The type it was read with; None for computed values and framing.
        valid: Whether the value passed its checks and checksum; None without any.
        first_bit: For bit fields, the first bit within byte `start`; else 0.
        bits: For bit fields, their number of bits; else 0.
        unread: The range of the bytes of the leaf that its value does not come from: after a terminator, or after the
            end of a compressed stream; None without such bytes.
    """

    __slots__ = ("bits", "buffer", "end", "field", "first_bit", "primitive", "start", "unread", "valid", "value")

    def __init__(
        self, field: Field, buffer: Buffer, start: int, end: int, value: Any, *, primitive: Primitive | None = None
    ) -> None:
        self.field, self.buffer, self.start, self.end, self.value = field, buffer, start, end, value
        self.primitive = primitive
        self.valid: bool | None = None
        self.unread: tuple[int, int] | None = None
        self.first_bit = self.bits = 0


class Array:
    """Repeated leaves or records, in order."""

    __slots__ = ("_values", "buffer", "end", "field", "items", "start", "valid")

    def __init__(self, field: Field, buffer: Buffer, start: int) -> None:
        self.field, self.buffer, self.start, self.end = field, buffer, start, start
        self.items: list[Node] = []
        self.valid: bool | None = None
        self._values: list[Any] = []

    @property
    def value(self) -> list[Any]:
        """The values of the items; an expression that names the array in each item makes no copy."""
        known = self._values
        if len(known) > len(self.items):
            known.clear()
        known.extend(item.value for item in self.items[len(known) :])
        return known


class Record:
    """A value of a named type.

    Attributes:
        field: The field that holds the record; None for a top-level record.
        nodes: The nodes by field name, in reading order, instances last. Partial if an error stopped the record.
        raw: The packed form of `nodes`: a `FixedRun` stands for several fields, with its offset and values.
        packed: For fields in fixed-width runs: the run and the index in it; None if all fields are unpacked.
        head: The values of a record that is one fixed-width run; such a record has no `raw` until it is unpacked.
        parent: The record that expressions see as `_parent`: the holder, unless the field names another.
        index: Index in the array that holds the record, or among the top-level records.
        window: The range that expressions see as `_io`.
        frames: Bytes that belong to no field: length prefixes, terminators and padding of its records, alignment.
        pending: Instances that are not read yet.
        big: Whether the byte order is big-endian.
        complete: False if an error stopped the record.
        chosen: Whether a switch chose the type.
        exact: In a field with a length: whether the record fills it exactly; else None.
        valid: Whether the check of the field (`validate.expr`) passed; None without one.
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
        """The record itself, as the value of a field of a record type."""
        return self

    @property
    def nodes(self) -> dict[str, Node]:
        """All nodes by field name, with a leaf for each value."""
        if self.packed is not None:
            self.raw, self.packed, self.head = dict(self.parts()), None, None
        return self.raw

    def parts(self) -> Iterator[tuple[str, Node]]:
        """Iterate over the nodes without keeping the leaves that are created on the way."""
        if self.head is not None and self.packed:
            (fixed_run, _), *_ = self.packed.values()
            yield from fixed_run.leaves(self.buffer, self.start, self.head)
        for name, node in self.raw.items():
            if name.__class__ is str:
                yield name, node
            else:
                yield from name.leaves(self.buffer, *node)

    def holders(self) -> Iterator[tuple[str, Record | Array]]:
        """Iterate over the nodes that may hold records."""
        for name, node in self.raw.items():
            if node.__class__ is Record or node.__class__ is Array:
                yield name, node

    def __getitem__(self, name: str) -> Any:
        """The value of a field.

        Raises:
            KeyError: if the field was not read.
        """
        found = self.get(name, NOTHING)
        if found is NOTHING:
            raise KeyError(name)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field, or the default if the field was not read."""
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
        """The records directly within this one, in order."""
        for _, node in self.holders():
            for item in node.items if isinstance(node, Array) else (node,):
                if isinstance(item, Record):
                    yield item


Node: TypeAlias = Leaf | Array | Record
