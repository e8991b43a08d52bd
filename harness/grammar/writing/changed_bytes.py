"""Changed bytes: the planned changes of a file's bytes, and what they move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.grammar.engine.node import Buffer, Leaf, Node, Record
from harness.grammar.writing.encoding import WriteError


@dataclass(slots=True)
class Change:
    """New bytes for the bytes [start, end) of a buffer, and the nodes that contain them."""

    start: int
    end: int
    data: bytes
    inside: frozenset[int]

    @property
    def growth(self) -> int:
        """Bytes that the change adds."""
        return len(self.data) - (self.end - self.start)


class ChangedBytes:
    """The changes of the bytes of a parsed file.

    Attributes:
        above: Ids of the nodes from the top-level record to each node, by its id.
        touched: Ids of the nodes that contain a change.
    """

    def __init__(self) -> None:
        self.above: dict[int, tuple[int, ...]] = {}
        self.touched: set[int] = set()
        self._changes: dict[int, dict[int, Change]] = {}

    def of(self, buffer: Buffer) -> dict[int, Change]:
        """The changes of a buffer, by the id of the leaf."""
        return self._changes.setdefault(id(buffer), {})

    def replace(self, place: Leaf, data: bytes, inside: Node) -> None:
        """Plan new bytes for a leaf or the stored length of a record."""
        above = self.above[id(inside)]
        self.touched.update(above)
        self.of(place.buffer)[id(place)] = Change(place.start, place.end, data, frozenset(above))

    def growth(self, node: Node) -> int:
        """Bytes by which a node grows; fields in it that have a position elsewhere do not count."""
        if id(node) not in self.touched:
            return 0
        waiting = self.of(node.buffer)
        end = max(node.end, node.window.end) if isinstance(node, Record) else node.end
        return sum(
            change.growth
            for change in waiting.values()
            if id(node) in change.inside and node.start <= change.start and change.end <= end
        )

    def shift(self, buffer: Buffer, at: int, inside: Sequence[int] = ()) -> int:
        """Bytes by which a position in a buffer moves, seen from within some nodes."""
        known = set(inside)
        return sum(
            change.growth
            for change in self.of(buffer).values()
            if change.end <= at and not (known & change.inside and change.start >= at)
        )

    def splice(self, buffer: Buffer, start: int = 0, stop: int | None = None, other: Change | None = None) -> bytes:
        """The new bytes of a range of a buffer, with one other change."""
        parts: list[bytes] = []
        at, data = start, buffer.data
        stop = len(data) if stop is None else stop
        changes = [*self.of(buffer).values(), *([other] if other is not None else [])]
        for change in sorted(changes, key=lambda one: (one.start, one.end)):
            if change.start < start or change.end > stop:
                continue
            if change.start < at:
                if bytes(change.data) == b"".join(parts)[-len(change.data) :]:
                    continue  # bit fields of one byte
                raise WriteError(f"two changes overlap at 0x{change.start:x}")
            parts += [bytes(data[at : change.start]), change.data]
            at = change.end
        return b"".join([*parts, bytes(data[at:stop])])
