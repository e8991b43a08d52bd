"""Scope: the names that expressions of one record can use."""

from __future__ import annotations

from typing import Any

from harness.grammar.engine.node import Record
from harness.grammar.language.evaluation import Host


class Scope:
    """The names of a record, the current item and its index.

    Attributes:
        record: The record whose fields are visible.
        item: `_`.
        index: `_index` while an array is read; else None.
    """

    __slots__ = ("index", "item", "record", "run")

    def __init__(self, record: Record, run: Host) -> None:
        self.record, self.run = record, run
        self.item: Any = None
        self.index: int | None = None
