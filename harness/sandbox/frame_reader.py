"""Incoming: what a box sends, cut into frames; lengths are judged before their bytes come."""

from __future__ import annotations

from harness.core.status import Status
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.wire import BODY, HEADER, NONCE

ANSWERS = {b"R": "value", b"E": "raised", b"U": "unsupported"}
_KNOWN = frozenset((*ANSWERS, b"L", b"M", b"X", b"Y"))

FREE_BYTES, GROWTH = 64 << 10, 8
"""Each question accounts for so many bytes of answer, and so many times its own length and that of the right answer;
what is beyond comes off the box's `total_output_bytes`."""

Frame = tuple[bytes, bytes, bytes]
"""Tag, nonce and body."""


class Incoming:
    """The bytes of one box that were not yet taken out as frames, and how many more it may send.

    Attributes:
        buffer: What was read and is no whole frame yet.
    """

    def __init__(self, limits: Limits) -> None:
        self.buffer = bytearray()
        self._longest = limits.output_bytes
        self._total = self._left = max(limits.total_output_bytes, limits.output_bytes)
        self._bytes = self._frames = 0

    def allow(self, count: int) -> None:
        """An answer to a question of so many bytes may come, or so many bytes are known to be right."""
        self._left += GROWTH * count

    def at_once(self, data: bytes) -> Frame | None:
        """The frame that this is, if it is just one of the usual kind, in as few steps as there can be; else None."""
        if len(data) < BODY:
            return None
        tag, length = HEADER.unpack_from(data)
        if len(data) != HEADER.size + length or length > self._longest + NONCE or tag not in ANSWERS:
            return None
        if length > self._left:
            return None  # `take` says so
        self._spend(length)
        return tag, data[HEADER.size : BODY], data[BODY:]

    def take(self, when: str) -> Frame | None:
        """The first frame of the buffer, None while it is incomplete.

        Raises:
            BoxFault: output or protocol, as soon as its header is there.
        """
        buffer = self.buffer
        if len(buffer) < HEADER.size:
            return None
        tag, length = HEADER.unpack_from(buffer)
        if tag not in _KNOWN:
            raise BoxFault(Status.PROTOCOL, f"a frame with unknown tag {tag!r} {when}")
        if length > self._longest + NONCE:
            raise BoxFault(Status.OUTPUT, f"an answer of {length} bytes {when} (limit {self._longest})")
        if length < NONCE:
            raise BoxFault(Status.PROTOCOL, f"a frame too short to be an answer {when}")
        if length > self._left:
            raise BoxFault(
                Status.OUTPUT,
                f"{self._bytes + length} bytes over {self._frames + 1} answers {when}: "
                f"together over {self._total} more than what was asked accounts for",
            )
        end = HEADER.size + length
        if len(buffer) < end:
            return None
        with memoryview(buffer) as view:
            frame = tag, bytes(view[HEADER.size : BODY]), bytes(view[BODY:end])
        del buffer[:end]
        self._spend(length)
        return frame

    def _spend(self, length: int) -> None:
        self._left -= length
        self._bytes += length
        self._frames += 1
