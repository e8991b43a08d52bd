"""Builder: the bytes of a parsed file with changed values; sizes, counts, positions and checksums follow.

The unchanged bytes are those of the file, also where no field is. A size that changes moves what comes after it, and
the fields that state lengths, counts and positions get the values that the grammar's expressions then need. Checksums
and values that must equal an expression come last. The result is parsed again: it has the new values and no new error,
or `WriteError` says which field is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from harness.grammar.engine.interpreter import Interpreter
from harness.grammar.engine.limits import DEFAULT
from harness.grammar.engine.node import Array, Buffer, Leaf, Node, Record
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.parser import parse, paused_collection
from harness.grammar.engine.plan import program_of
from harness.grammar.engine.state import State
from harness.grammar.explanation.expression_walk import reads_only, reads_stream_position
from harness.grammar.host.tree_view import resolve
from harness.grammar.language.evaluation import is_place
from harness.grammar.language.expression import Expr, Literal
from harness.grammar.language.grammar import Field, Grammar, TypeDef, Word
from harness.grammar.language.operations import NoValueError
from harness.grammar.writing.changed_bytes import Change, ChangedBytes
from harness.grammar.writing.encoding import WriteError, encode, is_big, is_fixed, number, unprocess
from harness.grammar.writing.inversion import Inverter
from harness.grammar.writing.settling import settle, stated

MAX_ROUNDS = 16
MAX_PADDING = 1 << 20  # bytes
_UNKNOWN = object()


def build(grammar: Grammar, data: bytes | Parse, changes: Mapping[str, Any] | None = None) -> bytes:
    """Return the bytes of a file with changed values.

    Args:
        data: The file, or its parse.
        changes: New values by path (`chunks[0].width`): int, float, bool, str (also the label of an enum) or bytes.

    Raises:
        WriteError: if a value does not fit its field, or the grammar does not state how the rest follows.
        PathError: if a path leads nowhere.
    """
    raw = bytes(data.records[0].buffer.data) if isinstance(data, Parse) and data.records else data
    if not isinstance(raw, bytes):
        raise WriteError("the file has no records")
    if not changes:
        return raw
    with paused_collection():
        found = data if isinstance(data, Parse) and data.grammar is grammar else None
        is_whole = found is not None and found.start == 0 and found.stopped_at == found.size
        writing = _Writing(found if found is not None and is_whole else parse(grammar, raw))
        for path, value in changes.items():
            writing.change(path, value)
        return writing.finish(changes)


def rebuild(found: Parse, values: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file with changed values; checksums and values that must equal others stay as they were."""
    again = _Writing(found)
    for path, value in values.items():
        again.change(path, value)
    return again.resized()


class _Writing:
    def __init__(self, found: Parse) -> None:
        self.found, self.grammar = found, found.grammar
        self.run = Interpreter(program_of(found.grammar), State(DEFAULT))
        self.inverter = Inverter(self.run)
        self.nodes: list[tuple[Node, Record, Field]] = []
        self.bytes = ChangedBytes()
        self.local: dict[int, bool] = {}  # by expression
        self.values: dict[int, Any] = {}
        self.rounds: dict[int, int] = {}  # the round in which a value was planned; 0 for those of the caller
        self.round = 0
        self.placed: set[int] = set()  # nodes of which the position was stated
        self.buffers: dict[int, Buffer] = {}
        self.leaves: dict[int, tuple[Leaf, Record]] = {}
        self.computed: list[tuple[Leaf, Record, Expr]] = []
        for record in self.found.records:
            self._note(record, (id(record),))
        self.is_local = all(self._is_local(expr, record.type) for _, record, expr in self.computed)

    def _note(self, record: Record, above: tuple[int, ...]) -> None:
        self.bytes.above[id(record)] = above
        self.buffers[id(record.buffer)] = record.buffer
        for node in list(record.nodes.values()):
            self._note_node(node, record, above)

    def _note_node(self, node: Node, holder: Record, above: tuple[int, ...]) -> None:
        self.bytes.above[id(node)] = (*above, id(node))
        if node.field is not None:
            self.nodes.append((node, holder, node.field))
        if isinstance(node, Leaf):
            self.leaves[id(node)] = (node, holder)
            if node.field.compute is not None:
                self.computed.append((node, holder, node.field.compute))
        elif isinstance(node, Array):
            for item in node.items:
                self._note_node(item, holder, self.bytes.above[id(node)])
        else:
            origin = node.buffer.origin
            if origin is not None and node.buffer is not holder.buffer:
                self.leaves[id(origin)] = (origin, holder)
                self.bytes.above[id(origin)] = self.bytes.above[id(node)]
            self._note(node, self.bytes.above[id(node)])

    def change(self, path: str, value: Any) -> None:
        """Give the leaf at a path a value."""
        _, node = resolve(self.found, path)
        if not isinstance(node, Leaf):
            raise WriteError(f"{path}: it is not a single value; name one of its fields")
        if id(node) not in self.leaves:
            raise WriteError(f"{path}: items of a row of numbers cannot be changed one by one")
        try:
            self._set(node, self.leaves[id(node)][1], self._labelled(node, value))
        except WriteError as error:
            raise WriteError(f"{path}: {error}") from None

    def _labelled(self, node: Leaf, value: Any) -> Any:
        enum = self.grammar.enums.get(node.field.enum or "")
        if isinstance(value, str) and enum is not None and isinstance(node.value, int):
            if value not in enum.numbers:
                raise WriteError(f"{value!r} is not a label of {enum.name}")
            return enum.numbers[value]
        return value

    def _set(self, leaf: Leaf, record: Record, value: Any) -> bool:
        """Plan a value; whether that is new."""
        if self.values.get(id(leaf), _UNKNOWN) == value:
            return False
        if self.rounds.get(id(leaf)) in (0, self.round):  # what follows from sizes may change with them
            raise WriteError(f"{leaf.field.name} would have to be {self.values[id(leaf)]!r} and {value!r}")
        self.rounds[id(leaf)] = self.round
        old = bytes(leaf.buffer.data[leaf.start : leaf.end])
        waiting = self.bytes.of(leaf.buffer)
        for other in waiting.values():  # bit fields that share a byte
            if other.start == leaf.start and other.end == leaf.end and leaf.bits:
                old = other.data
        made = encode(leaf, value, record, old)
        self.values[id(leaf)] = value
        self.bytes.replace(leaf, made, leaf)
        for other in waiting.values():
            if leaf.bits and other.start == leaf.start and other.end == leaf.end:
                other.data = made
        return True

    def _may_change(self, expr: Expr, record: Record) -> bool:
        """Whether an expression may have another value now: what it reads is in a record with a change, or unknown."""
        return id(record) in self.bytes.touched or not (self.is_local and self._is_local(expr, record.type))

    def _is_local(self, expr: Expr, definition: TypeDef) -> bool:
        known = self.local.get(id(expr))
        if known is None:
            names = {field.name for field in (*definition.fields, *definition.instances)}
            known = self.local[id(expr)] = reads_only(expr, names)
        return known

    def finish(self, changes: Mapping[str, Any]) -> bytes:
        """The new bytes."""
        wrong = {fault.path for fault in self.found.errors}
        self._resize()
        self._sum()
        return settle(self.grammar, self.bytes.splice(self.found.records[0].buffer), wrong, changes, rebuild)

    def resized(self) -> bytes:
        """The new bytes, with checksums and equal values as they were."""
        self._resize()
        return self.bytes.splice(self.found.records[0].buffer)

    def _resize(self) -> None:
        for self.round in range(1, MAX_ROUNDS + 1):
            if not (self._stated() | self._paddings() | self._collapse()):
                break
        else:
            raise WriteError("the sizes do not settle: a field states its own size")

    def _sum(self) -> None:
        """Set the checksums of ranges of bytes that changed; `settle` would need one more parse for them."""
        for node, record, field in reversed(self.nodes):  # a checksum may cover a later one
            checksum = field.checksum
            if checksum is None or not isinstance(node, Leaf) or checksum.of is not None or node.valid is False:
                continue
            if id(record) not in self.bytes.touched or id(node) in self.values or record.buffer.origin is not None:
                continue
            parts = [record.nodes[name] for name in checksum.over if name in record.nodes]
            if not parts:
                continue
            start, end = parts[0].start, parts[-1].end
            blank = None
            if checksum.blank is not None and start <= node.start and node.end <= end:
                blank = Change(node.start, node.end, bytes([checksum.blank]) * (node.end - node.start), frozenset())
            value = stated(checksum.algorithm, node, self.bytes.splice(record.buffer, start, end, blank))
            made = encode(node, value, record, bytes(node.buffer.data[node.start : node.end]))
            if len(made) == node.end - node.start:
                self.values[id(node)] = value
                self.bytes.replace(node, made, node)

    def _stated(self) -> bool:
        with self._new_values():
            # A position that is a sum follows once the numbers in it are known.
            return (self._lengths() | self._positions(sums=False)) or self._positions(sums=True)

    def _lengths(self) -> bool:
        """Set the numbers that state the lengths of what grew."""
        is_new = False
        for node, record, field in self.nodes:
            growth = self.bytes.growth(node)
            if not growth or isinstance(node, Array) or field.length is Word.REST:
                continue
            if isinstance(field.length, Word | None):
                is_new |= self._prefix(node, record, field, growth)
                continue
            size = node.end - node.start
            if isinstance(node, Record) and node.buffer is record.buffer:
                size = node.window.end - node.window.start
            if is_fixed(field.length):
                raise WriteError(f"{field.name} has a fixed length of {size} bytes")
            is_new |= self._state(field.length, record, size + growth, f"the length of {field.name}")
        return is_new

    def _paddings(self) -> bool:
        """Resize zeros, and bytes that must all be equal, whose length follows from a number that changed."""
        is_new = False
        with self._new_values():
            for node, record, field in self.nodes:
                expr = field.length
                if (
                    not isinstance(node, Leaf)
                    or expr is None
                    or isinstance(expr, Word | Literal)
                    or id(node) in self.values
                    or not self._may_change(expr, record)
                ):
                    continue
                old = bytes(node.buffer.data[node.start : node.end])
                try:
                    size = self.inverter.value(expr, record)
                except NoValueError:
                    continue
                if size == len(old) or not isinstance(size, int) or not 0 <= size <= MAX_PADDING:
                    continue
                fill = node.field.checks.all_bytes if node.field.checks is not None else None
                if old.strip(bytes([fill or 0])):
                    continue  # content, not padding
                data = bytes([fill or 0]) * size
                self.values[id(node)] = data
                self.bytes.replace(node, data, node)
                is_new = True
        return is_new

    @contextmanager
    def _new_values(self) -> Iterator[None]:
        """While it lasts, expressions see the planned values."""
        planned = [(self.leaves[key][0], value) for key, value in self.values.items() if key in self.leaves]
        computed = [one for one in self.computed if self._may_change(one[2], one[1])]
        before = [(leaf, leaf.value) for leaf in (*(leaf for leaf, _ in planned), *(one[0] for one in computed))]
        for leaf, value in planned:
            leaf.value = value
        for _ in range(2):  # a computed value may use another
            for leaf, record, expr in computed:
                with suppress(NoValueError):
                    leaf.value = self.inverter.value(expr, record)
        try:
            yield
        finally:
            for leaf, value in before:
                leaf.value = value

    def _prefix(self, node: Leaf | Record, record: Record, field: Field, growth: int) -> bool:
        """Set the stored length before a record; before bytes it is a part of their encoding."""
        if isinstance(node, Leaf) or field.prefix is None:
            return False
        frame = next((one for one in record.frames if one.end == node.window.start and one.field is field), None)
        if frame is None:
            raise WriteError(f"the length before {field.name} was not found")
        waiting, size = self.bytes.of(frame.buffer), node.window.end - node.window.start + growth
        data = number(size, field.prefix, big=is_big(field.prefix, field, record))
        if id(frame) in waiting and waiting[id(frame)].data == data:
            return False
        self.bytes.replace(frame, data, record)
        return True

    def _positions(self, *, sums: bool) -> bool:
        """Set the numbers that state where something is that moved, alone or as a part of an expression."""
        is_new = False
        for node, record, field in self.nodes:
            if field.at is None and field.offset is None:
                continue
            if isinstance(record.nodes.get(field.name), Array) and not isinstance(node, Array):
                continue  # the array has the position
            moved = self.bytes.shift(node.buffer, node.start, self.bytes.above[id(node)])
            base = 0 if field.stream is not None else record.window.start if field.at is not None else record.start
            based = self.bytes.shift(node.buffer, base) if base else 0
            expr = field.at if field.at is not None else field.offset
            if expr is None or isinstance(expr, Literal) or is_place(expr) is sums:
                continue
            if moved - based or id(node) in self.placed:  # a later round may take a move back
                self.placed.add(id(node))
                target = node.start - base + moved - based
                is_new |= self._state(expr, record, target, f"the position of {field.name}")
        return is_new

    def _state(self, expr: Expr, record: Record, target: int, what: str) -> bool:
        if reads_stream_position(expr):
            return False  # it follows by itself
        try:
            if self.inverter.value(expr, record) == target:
                return False
            leaf, holder, value = self.inverter.solve(expr, record, target)
        except (WriteError, NoValueError) as error:
            raise WriteError(f"{what} cannot be set to {target}: {error}") from None
        if leaf.value == value and id(leaf) not in self.values:
            return False
        try:
            return self._set(leaf, holder, value)
        except WriteError as error:
            raise WriteError(f"{what} cannot be {target}: {error}") from None

    def _collapse(self) -> bool:
        """Turn the changes within processed bytes into a change of their leaf."""
        is_new = False
        for buffer in self.buffers.values():
            origin = buffer.origin
            if origin is None or not self.bytes.of(buffer):
                continue
            content = self.bytes.splice(buffer)
            if self.values.get(id(origin)) == content:
                continue
            made = unprocess(origin.field, content)
            self.values[id(origin)] = content
            self.bytes.replace(origin, made, origin)
            is_new = True
        return is_new
