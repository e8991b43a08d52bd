"""Segment: the pure work between two things that matter; it becomes one event of the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from harness.lanes.dsl.eventlog.blobs import INLINE
from harness.lanes.dsl.eventlog.canonical import encode
from harness.lanes.dsl.machine.layout import Layout
from harness.lanes.dsl.machine.state import Judgement, Strand
from harness.lanes.dsl.machine.storage import BlobStore, stored
from harness.lanes.dsl.values import Value

LONGEST = 512
"""Instructions after which a segment ends even if nothing happens, so that a log never lags far behind."""


@dataclass(slots=True)
class Segment:
    """What pure instructions did since the last event of their strand.

    Attributes:
        slots: Indices of the slots that were bound.
        state: Indices of the state variables that were bound.
        entered, left: Labels of steps that began and that ended well.
        loops: Backward jumps.
        traced: Items and what the facts made of them, as the event has it.
        judged, posted, notes: Checks, events for service loops, and why a branch was not taken.
        length: Instructions.
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
    length: int = 0

    def clear(self) -> None:
        """Forget it all; the next segment begins."""
        self.slots.clear()
        self.state.clear()
        self.entered.clear()
        self.left.clear()
        self.traced = {}
        self.judged.clear()
        self.posted.clear()
        self.notes.clear()
        self.loops = self.length = 0

    @property
    def plain(self) -> bool:
        """Whether it did nothing but bind variables, begin and end steps and loop."""
        return not (self.traced or self.judged or self.posted or self.notes)


class SegmentWriter:
    """Writes segments as canonical events.

    Most segments bind a few small values; those are spelled without building a dictionary first. Both ways give the
    same bytes, which a property test holds them to.
    """

    def __init__(self, layout: Layout, blobs: BlobStore) -> None:
        self._layout, self._blobs = layout, blobs
        # For each unit the slots in the order of their names, with their keys spelled out.
        self._keys = [
            [(name, index, quoted(name) + ":") for name, index in sorted(unit.slot_index.items())]
            for unit in layout.units
        ]
        self._rank = [{index: (rank, key) for rank, (_name, index, key) in enumerate(keys)} for keys in self._keys]

    def body(self, segment: Segment, strand: Strand, at: str, values: list[Value]) -> bytes:
        """The event of a plain segment."""
        if segment.state or strand.name:
            return encode(self.event(segment, strand, at, values))
        unit, slots = strand.call.unit, strand.call.slots
        parts: list[str] = []
        if len(segment.slots) == 1:
            (index,) = segment.slots
            key = self._rank[unit][index][1]
            parts.append(key + self._spelled(slots[index]))
        elif segment.slots:
            rank = self._rank[unit]
            order = sorted(segment.slots, key=rank.__getitem__)
            parts = [rank[index][1] + self._spelled(slots[index]) for index in order]
        text = '{"at":' + quoted(at)
        if segment.entered:
            text += ',"enter":[' + ",".join([quoted(label) for label in segment.entered]) + "]"
        text += ',"k":"ran"'
        if segment.left:
            text += ',"left":[' + ",".join([quoted(label) for label in segment.left]) + "]"
        if segment.loops:
            text += f',"loops":{segment.loops}'
        if parts:
            text += ',"set":{' + ",".join(parts) + "}"
        return (text + "}").encode("ascii")

    def event(self, segment: Segment, strand: Strand, at: str, values: list[Value]) -> dict[str, Any]:
        """The event of any segment."""
        names, slots = self._layout.units[strand.call.unit].slot_names, strand.call.slots
        event: dict[str, Any] = {"k": "ran", "at": at}
        if strand.name:
            event["s"] = strand.name
        if segment.entered:
            event["enter"] = list(segment.entered)
        if segment.left:
            event["left"] = list(segment.left)
        if segment.loops:
            event["loops"] = segment.loops
        if segment.slots:
            event["set"] = {names[index]: stored(slots[index], self._blobs) for index in segment.slots}
        if segment.state:
            by_index = {index: name for name, index in self._layout.state_index.items()}
            event["state"] = {by_index[index]: stored(values[index], self._blobs) for index in segment.state}
        if segment.judged:
            event["judged"] = [[j.label, j.name, j.held, j.seen] for j in segment.judged]
        if segment.posted:
            event["posted"] = [
                [name, {key: stored(value, self._blobs) for key, value in fields.items()}]
                for name, fields in segment.posted
            ]
        event.update(segment.traced)
        if segment.notes:
            event["notes"] = [list(note) for note in segment.notes]
        return event

    def _spelled(self, value: Value) -> str:
        kind = type(value)
        if kind is int:
            return str(value)
        if kind is str and len(value) <= INLINE:
            return quoted(value)
        if kind is bool:
            return "true" if value else "false"
        return encode(stored(value, self._blobs)).decode("ascii")
