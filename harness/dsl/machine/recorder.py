"""Recorder: writes events, folds them into the state, and decides when to commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from harness.dsl.eventlog.canonical import encode
from harness.dsl.eventlog.runlog import Files
from harness.dsl.machine.fold import Fold
from harness.dsl.machine.segment import Segment, SegmentWriter, Shape
from harness.dsl.machine.state import Fiber, State
from harness.dsl.machine.value_storage import BlobStore

Listener = Callable[[int, dict[str, Any]], None]
"""Called with each event as it is written: (sequence number, event); for display."""


class Log(Protocol):
    """The log of a machine: a run's log, or one that compares events with a recorded log."""

    seq: int
    head: bytes

    @property
    def blobs(self) -> BlobStore:
        """Storage of values that are too large for an event."""

    @property
    def is_snapshot_due(self) -> bool:
        """Whether the next commit should store a snapshot."""

    def append(self, body: bytes, *, wall: bool = False) -> bool:
        """Append an encoded event; with `wall`, also the time of the write; whether enough events wait for a commit."""

    def attach_files(self, files: Files) -> None:
        """Keep the work files that changed with the last event."""

    def wall_of(self, seq: int) -> float | None:
        """Time at which an event was written; None if it is not known."""

    def commit(self, *, boundary: bool = False, snapshot: bytes | None = None) -> None:
        """Commit the appended events, with a snapshot if given; a boundary is before or after an effect."""

    def set_status(self, status: str) -> None:
        """Set the status that lists of runs show."""


class Recorder:
    """Writes the events of one machine.

    Attributes:
        state: Of the run; every written event is folded into it.
    """

    def __init__(self, log: Log, fold: Fold, state: State, *, listener: Listener | None = None) -> None:
        self.state = state
        self._log, self._fold, self._listener = log, fold, listener
        self.writer = SegmentWriter(fold.layout, log.blobs)

    @property
    def next_seq(self) -> int:
        """Sequence number of the next event."""
        return self._log.seq + 1

    def write(self, event: dict[str, Any], *, wall: bool = True, live: bool = True) -> bool:
        """Write one event and apply it to the state.

        Args:
            wall: Whether to store the time.
            live: Whether its items are traced already.

        Returns:
            Whether enough events wait for a commit.
        """
        is_full = self._log.append(encode(event), wall=wall)
        self._fold.apply(self.state, event, self._log.seq, live=live)
        if self._listener is not None:
            self._listener(self._log.seq, event)
        return is_full

    def segment(self, segment: Segment, fiber: Fiber, at: str, pc: int) -> None:
        """Write a segment of pure work up to an instruction (label `at`, index `pc`); commit if enough events wait.

        The segment's variables are bound already.
        """
        state, log = self.state, self._log
        if segment.is_plain and self._listener is None:
            is_full = log.append(self.writer.body(segment, fiber, at, state.values))
            self._fold.apply_segment(state, fiber, segment, pc)
        else:
            event = self.writer.event(segment, fiber, at, state.values)
            is_full = self.write(event, wall=bool(segment.judged or segment.traced))
        if is_full:
            self.commit()

    @property
    def listens(self) -> bool:
        """Whether a listener receives each event: then events are not written from templates."""
        return self._listener is not None

    def path(self, shape: Shape, fiber: Fiber, pc: int, loops: int, body: bytes | None) -> None:
        """Like `segment`, for one of a known shape that ends a step; `body` is its event, if it was made already."""
        is_full = self._log.append(body or self.writer.fill(shape, fiber.calls[-1].slots))
        self._fold.apply_shape(self.state, fiber, shape, pc, loops)
        if is_full:
            self.commit()

    def commit(self, *, boundary: bool = False) -> None:
        """Commit the written events, with a snapshot if one is due."""
        body = None
        if self._log.is_snapshot_due:
            from harness.dsl.machine import snapshot

            body = snapshot.dump(self.state, self._log.blobs)
        self._log.commit(boundary=boundary, snapshot=body)

    def close(self, status: str) -> None:
        """Commit all events and the status that lists of runs show."""
        self._log.set_status(status)
        self.commit(boundary=True)
