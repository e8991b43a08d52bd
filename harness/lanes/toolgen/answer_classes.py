"""AnswerClasses: replies of several attempts to one input, grouped into those that are the same for the tool."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from harness.lanes.toolgen.comparison import Comparison
from harness.lanes.toolgen.reply import MAX_KEPT_BYTES, Reply
from harness.sandbox.fault import BoxFault


class AnswerClasses:
    """The replies of one candidate so far, by which its attempts are compared.

    With tolerances sameness is not transitive, so a reply belongs to the class of the first known reply that it is the
    same as. The expected reply is known from the start. Without tolerances nothing is kept.

    Attributes:
        unanswered: Questions without a known answer on which a box ended, or that were not asked after that.
    """

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._known: dict[bytes, list[Reply]] = {}
        self.unanswered: set[bytes] = set()

    def fingerprint(self, key: bytes, reply: Reply, expected: Reply | None = None) -> bytes:
        """Digest of the class of a reply to the question `key`: equal for replies that are the same."""
        if reply == expected:
            return _known_fingerprint(expected)
        if self._comparison.is_tolerant and reply.kind == "value":
            reply = self._representative(key, reply, expected)
        return fingerprint(reply)

    def agree(self, key: bytes, one: Reply, other: Reply | BoxFault) -> bool:
        """Whether two replies to the question `key` are the same; a fault never agrees."""
        return not isinstance(other, BoxFault) and self.fingerprint(key, one) == self.fingerprint(key, other)

    def _representative(self, key: bytes, reply: Reply, expected: Reply | None) -> Reply:
        if expected is not None and reply.is_same(expected, self._comparison):
            return expected
        known = self._known.setdefault(key, [])
        for one in known:
            if reply.is_same(one, self._comparison) or one.is_same(reply, self._comparison):
                return one
        known.append(reply)
        return reply


def _known_fingerprint(expected: Reply) -> bytes:
    """`fingerprint` of a right answer, which many candidates give."""
    return _short_fingerprint(expected) if len(expected.payload) <= MAX_KEPT_BYTES else fingerprint(expected)


def fingerprint(reply: Reply) -> bytes:
    """Digest of a reply that represents its class: the first one known, or the expected one."""
    kind, content = reply.comparison_key
    return hashlib.sha256(b"\0".join((kind.encode(), content))).digest()


_short_fingerprint = lru_cache(maxsize=1024)(fingerprint)
