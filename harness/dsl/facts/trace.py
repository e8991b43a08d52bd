"""Trace: the items of a run by case, as expressions read them."""

from __future__ import annotations

from collections.abc import Sequence

from harness.dsl.values import Value


class Trace:
    """Items by case, each with the sequence number of its event."""

    __slots__ = ("_items", "_seqs")

    def __init__(self, cases: int) -> None:
        self._items: list[list[tuple[Value, ...]]] = [[] for _ in range(cases)]
        self._seqs: list[list[int]] = [[] for _ in range(cases)]

    def append(self, case: int, item: tuple[Value, ...], seq: int) -> None:
        """Append an item to a case, with the sequence number of its event."""
        self._items[case].append(item)
        self._seqs[case].append(seq)

    def of_case(self, case: int) -> Sequence[tuple[Value, ...]]:
        """All items of a case, in order."""
        return self._items[case]

    def seqs(self, case: int) -> Sequence[int]:
        """Sequence numbers of the items of a case, in order."""
        return self._seqs[case]
