"""Storage: what an open log file gives to each of its runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from harness.dsl.eventlog.blobs import Blobs
from harness.dsl.eventlog.durability import Durability
from harness.dsl.plain import plain

Probe = Callable[[str], None]
"""Called before and after every write; tests kill the process there."""


@plain
class Storage:
    """The open file that runs write to.

    Attributes:
        path: Of the file, for messages.
        probe: Called around each write; None outside of tests.
    """

    path: Path
    connection: sqlite3.Connection
    blobs: Blobs
    durability: Durability
    probe: Probe | None
