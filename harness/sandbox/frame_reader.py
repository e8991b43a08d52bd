"""FrameReader: splits the output of a box into frames and checks each length before the body is read."""

from __future__ import annotations

from harness.core.status import Status
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.wire import BODY, HEADER, NONCE

ANSWERS = {b"R": "value", b"E": "raised", b"U": "unsupported", b"A": "changed"}
_KNOWN = frozenset((*ANSWERS, b"F", b"L", b"M", b"X", b"Y"))

FREE_BYTES, GROWTH = 64 << 10, 8
"""Each question allows FREE_BYTES of answer, plus GROWTH times the length of the question and of the right answer;
longer answers are charged to the box's `total_output_bytes`."""

Frame = tuple[bytes, bytes, bytes]
"""Tag, nonce and body."""


class FrameReader:
    """Buffers the output of one box and counts how many more bytes the box may send.

    Attributes:
        buffer: Bytes that were read and do not form a complete frame yet.
    """

    def __init__(self, limits: Limits) -> None:
        self.buffer = bytearray()
        self._longest = limits.output_bytes
        self._total = self._left = max(limits.total_output_bytes, limits.output_bytes)
        self._bytes = self._frames = 0

    def allow(self, count: int) -> None:
        """Extend the allowance by GROWTH times `count`, the length of a question or of its right answer."""
        self._left += GROWTH * count

    def take_single(self, data: bytes) -> Frame | None:
        """Fast path: parse data that is exactly one complete answer frame; None for anything else."""
        if len(data) < BODY:
            return None
        tag, length = HEADER.unpack_from(data)
        if len(data) != HEADER.size + length or length > self._longest + NONCE or tag not in ANSWERS:
            return None
        if length > self._left:
            return None  # `take` raises the fault
        self._spend(length)
        return tag, data[HEADER.size : BODY], data[BODY:]

    def take(self, when: str) -> Frame | None:
        """Remove and return the first frame of the buffer; None while it is incomplete.

        Raises:
            BoxFault: with status output or protocol, as soon as the header is complete.
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
                f"the allowance of the questions plus {self._total} bytes is exceeded",
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
