"""Remembered: the verdicts that a pool keeps in memory, up to a number of bytes."""

from __future__ import annotations

import copy

from harness.judge.judging import Judging
from harness.judge.known import KnownVerdict
from harness.judge.verdict import StoredVerdict, Verdict

MAX_BYTES = 64 << 20
"""Bytes of the verdicts that a pool remembers, as JSON: about 7,500 of tools."""
ENTRY_BYTES = 1000
"""The memory of an entry without its JSON: two digests, two places in dictionaries."""
Address = tuple[str, str, int | None, str]
"""The name of a tool, how its candidate is judged, the epoch, and the digest of the candidate."""


class Remembered:
    """Verdicts, and candidates that are judged now, by the digest of all that a verdict depends on.

    The oldest verdicts are forgotten first. The caller holds a lock.
    """

    def __init__(self) -> None:
        self._keys: dict[Address, str] = {}
        self._known: dict[str, StoredVerdict | KnownVerdict | Judging] = {}
        self._addresses: dict[str, Address] = {}
        self._bytes = 0

    def at(self, address: Address) -> Verdict | Judging | None:
        """What is known of a candidate by its bytes."""
        return self.get(self._keys[address]) if address in self._keys else None

    def get(self, key: str) -> Verdict | Judging | None:
        """What is known of a candidate by the key of its case."""
        known = self._known.get(key)
        # Each caller gets one of its own: the evaluation that it reads is not remembered with it.
        return copy.copy(known) if isinstance(known, Verdict) else known

    def add(self, key: str, known: StoredVerdict | KnownVerdict | Judging, address: Address | None = None) -> None:
        """Remember a verdict, or a candidate that is judged now."""
        address = address or self._addresses.get(key)
        self.drop(key)
        self._known[key] = copy.copy(known) if isinstance(known, Verdict) else known
        self._bytes += _size(known)
        self.link(key, address)
        while self._bytes > MAX_BYTES and len(self._known) > 1:
            self.drop(next(iter(self._known)))

    def link(self, key: str, address: Address | None) -> None:
        """Find what is known by a key by the candidate's bytes, too."""
        if address is not None and key in self._known:
            self._keys.pop(self._addresses.get(key, address), None)
            self._keys[address], self._addresses[key] = key, address

    def drop(self, key: str) -> None:
        """Forget a candidate."""
        known = self._known.pop(key, None)
        if known is not None:
            self._bytes -= _size(known)
        address = self._addresses.pop(key, None)
        if address is not None:
            self._keys.pop(address, None)


def _size(known: StoredVerdict | KnownVerdict | Judging) -> int:
    if isinstance(known, Judging):
        return ENTRY_BYTES
    return ENTRY_BYTES + (known.size if isinstance(known, KnownVerdict) else len(known.text))
