"""Reply: the answer of the reference, or of a candidate, to one question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from harness.core.digest import digest_bytes
from harness.lanes.toolgen.comparison import Comparison
from harness.sandbox.codec import CodecError, decode, encode

MAX_KEPT_BYTES = 4096  # bytes kept of a long reply, since the judge keeps one reply per question


class Reply(NamedTuple):  # as `Answer`
    """The reply of the reference, or of a candidate, to one question.

    Attributes:
        kind: `value`, `raised`, `unsupported` (a value of a type that cannot cross the box), or `changed` (an argument
            is not as it was before the call).
        payload: Canonical JSON of the value, or of `{"type": ..., "message": ...}`.
    """

    kind: str
    payload: bytes

    @property
    def comparison_key(self) -> tuple[str, bytes]:
        """The key by which two replies are compared; exceptions are compared by type only."""
        if self.kind == "value":
            return "value", self.payload
        return self.kind, encode(self.exception)

    @property
    def exception(self) -> str:
        """The name of the exception type, unsupported type or changed argument; "?" if it cannot be read."""
        name = self._part("type")
        return "?" if name is None else name

    @property
    def message(self) -> str:
        """The message of a reply that is not a value; empty if there is none."""
        return self._part("message") or ""

    def _part(self, name: str) -> str | None:
        try:
            value = decode(self.payload)
        except CodecError:
            return None
        part = value.get(name) if isinstance(value, dict) else None
        return part if isinstance(part, str) else None

    def is_same(self, expected: Reply, comparison: Comparison) -> bool:
        """Whether this reply is the same as the expected one; exceptions are compared by type only."""
        if self.kind != expected.kind:
            return False
        if self.kind == "value":
            return comparison.same(expected.payload, self.payload)
        return self.exception == expected.exception

    def trimmed(self) -> Reply:
        """The reply with a long value replaced by its beginning and its digest.

        Two trimmed replies are equal exactly when the replies are equal.
        """
        if self.kind != "value" or len(self.payload) <= MAX_KEPT_BYTES:
            return self
        return Reply(
            self.kind, b"%s... sha256 %s" % (self.payload[:MAX_KEPT_BYTES], digest_bytes(self.payload).encode())
        )


@dataclass(frozen=True, slots=True)
class Timed:
    """A reply of the reference with its CPU and wall seconds, decoding and encoding included as for a candidate.

    The CPU seconds include the time that the reference waits (it gives up its core), as they do for a candidate.
    """

    reply: Reply
    cpu_seconds: float
    seconds: float
