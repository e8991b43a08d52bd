"""Segment: a run of pure instructions that becomes one event of the log."""

from __future__ import annotations

from collections.abc import Callable
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from harness.dsl.eventlog.blobs import MAX_INLINE_BYTES
from harness.dsl.eventlog.canonical import encode
from harness.dsl.expressions.nodes import Expr, Frame
from harness.dsl.machine.program_layout import Layout
from harness.dsl.machine.state import Fiber, Judgement
from harness.dsl.machine.value_storage import BlobStore, store_value
from harness.dsl.plain import field, mutable, plain
from harness.dsl.values import Value

Code = Callable[[Frame], Any]
StepCode = Callable[[Frame], "tuple[Node, bytes] | None"]
"""Executes a step; the node at its end and its event, or None if the code does not apply."""
MAX_SHAPES = 10_000
MAX_SEGMENT_LENGTH = 512  # maximum instructions of a segment, so that the log stays close to the state of the machine
WALKS = 2  # executions of a step before it is compiled, as for an expression; doubled for each new path


@mutable
class Segment:
    """The results of pure instructions since the last event of their fiber.

    Attributes:
        slots: Indices of the slots that were bound.
        state: Indices of the state variables that were bound.
        entered, left: Labels of steps that began, and of steps that ended.
        loops: Backward jumps.
        traced: Items and verdicts, as fields of the event.
        judged, posted, notes: Checks, events for service loops, and reasons why a branch was not taken.
    """

    slots: set[int] = field(default_factory=set)
    state: set[int] = field(default_factory=set)
    entered: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    loops: int = 0
    traced: dict[str, list[Any]] = field(default_factory=dict)
    judged: list[Judgement] = field(default_factory=list)
    posted: list[tuple[str, dict[str, Value]]] = field(default_factory=list)
    notes: list[list[str]] = field(default_factory=list)

    def clear(self) -> None:
        """Reset all fields for the next segment."""
        self.slots.clear()
        self.entered.clear()
        self.left.clear()
        self.loops = 0
        if self.state:
            self.state.clear()
        if self.traced or self.judged or self.posted or self.notes:
            self.traced = {}
            self.judged.clear()
            self.posted.clear()
            self.notes.clear()

    @property
    def is_plain(self) -> bool:
        """Whether it only binds variables, begins and ends steps, and loops."""
        return not (self.traced or self.judged or self.posted or self.notes)


@plain
class Shape:
    """The common part of equal segments: the event as a template, and the slots that fill it."""

    slots: frozenset[int]
    entered: list[str]
    left: list[str]
    order: tuple[int, ...]
    template: str


@mutable
class Node:
    """A part of a path without a branch.

    Attributes:
        pc: Index of the instruction after it: a branch, or one that needs the whole machine.
        sources: Slots that it binds, with the expression of each value.
        lets: The same, with the code of each expression.
        bound, entered, loops, length: All slots and steps, backward jumps and instructions of the path so far.
        condition: Of the branch at `pc`, or None.
        yes, no: The nodes after the branch, once they were taken.
        shape: The event, if the path ends here with the end of a step.
        code: The compiled code of all paths that begin here, or None.
        walks: Executions left until they are compiled; negative if they were.
        limit: The value that `walks` gets when a new path was found.
    """

    pc: int
    sources: tuple[tuple[int, Expr], ...]
    lets: tuple[tuple[int, Code], ...]
    bound: tuple[int, ...]
    entered: tuple[str, ...]
    loops: int
    length: int
    condition: Expr | None = None
    test: Code | None = None
    yes: Node | None = None
    no: Node | None = None
    shape: Shape | None = None
    code: StepCode | None = None
    walks: int = WALKS
    limit: int = WALKS


class SegmentWriter:
    """Writes segments as canonical events.

    Most segments bind a few small values and repeat, so their JSON is kept as a template. A property test checks that
    both ways give the same bytes.
    """

    def __init__(self, layout: Layout, blobs: BlobStore) -> None:
        self._layout, self._blobs = layout, blobs
        self._shapes: dict[tuple[int, int, str, int], Shape] = {}

    def body(self, segment: Segment, fiber: Fiber, at: str, values: list[Value]) -> bytes:
        """The event of a plain segment."""
        if segment.state or fiber.name:
            return encode(self.event(segment, fiber, at, values))
        call = fiber.call
        key = (call.unit, call.pc, at, segment.loops)
        shape = self._shapes.get(key)
        if (
            shape is None
            or shape.slots != segment.slots
            or shape.left != segment.left
            or shape.entered != segment.entered
        ):
            if len(self._shapes) > MAX_SHAPES:
                self._shapes.clear()
            shape = self._shapes[key] = self.shape(segment, call.unit, at)
        return self.fill(shape, call.slots)

    def fill(self, shape: Shape, slots: list[Value]) -> bytes:
        """The event of a segment of a known shape."""
        encoded = []
        for index in shape.order:
            value = slots[index]
            encoded.append(value if type(value) is int else self.encode_value(value))
        return (shape.template % tuple(encoded)).encode("ascii")

    def shape(self, segment: Segment, unit: int, at: str) -> Shape:
        """The common part of segments that bind the same slots and begin and end the same steps."""
        names = self._layout.units[unit].slot_names
        order = tuple(sorted(segment.slots, key=names.__getitem__))
        text = '{"at":' + _literal(at)
        if segment.entered:
            text += ',"enter":[' + ",".join([_literal(label) for label in segment.entered]) + "]"
        text += ',"k":"ran"'
        if segment.left:
            text += ',"left":[' + ",".join([_literal(label) for label in segment.left]) + "]"
        if segment.loops:
            text += f',"loops":{segment.loops}'
        if order:
            text += ',"set":{' + ",".join([_literal(names[index]) + ":%s" for index in order]) + "}"
        return Shape(frozenset(segment.slots), list(segment.entered), list(segment.left), order, text + "}")

    def event(self, segment: Segment, fiber: Fiber, at: str, values: list[Value]) -> dict[str, Any]:
        """The event of any segment."""
        names, slots = self._layout.units[fiber.call.unit].slot_names, fiber.call.slots
        event: dict[str, Any] = {"k": "ran", "at": at}
        if fiber.name:
            event["s"] = fiber.name
        if segment.entered:
            event["enter"] = list(segment.entered)
        if segment.left:
            event["left"] = list(segment.left)
        if segment.loops:
            event["loops"] = segment.loops
        if segment.slots:
            event["set"] = {names[index]: store_value(slots[index], self._blobs) for index in segment.slots}
        if segment.state:
            by_index = {index: name for name, index in self._layout.state_index.items()}
            event["state"] = {by_index[index]: store_value(values[index], self._blobs) for index in segment.state}
        if segment.judged:
            event["judged"] = [[j.label, j.name, j.held, j.seen] for j in segment.judged]
        if segment.posted:
            event["posted"] = [
                [name, {key: store_value(value, self._blobs) for key, value in fields.items()}]
                for name, fields in segment.posted
            ]
        event.update(segment.traced)
        if segment.notes:
            event["notes"] = [list(note) for note in segment.notes]
        return event

    def encode_value(self, value: Value) -> str:
        """A bound value as JSON of an event."""
        kind = type(value)
        if kind is int:
            return str(value)
        if kind is str and len(value) <= MAX_INLINE_BYTES:
            return quoted(value)
        if kind is float:
            return repr(value)  # JSON's form: the shortest that round-trips
        if kind is bool:
            return "true" if value else "false"
        return encode(store_value(value, self._blobs)).decode("ascii")


def _literal(text: str) -> str:
    """A string as JSON inside a template."""
    return quoted(text).replace("%", "%%")
