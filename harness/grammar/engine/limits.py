"""Limits: bounds of the work of one parse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one parse. A limit that is exceeded is a fault `limit` with its name; records read before are kept."""

    max_records: int | None = None
    """Top-level records of a repeated framing; reaching it ends the parse without a fault."""
    stop_at: int | None = None
    """Offset in the file at which repetition ends: a repeated record or item that begins before it is read, the next is
    not, and the parse ends without a fault (`Parse.stopped`). What is placed beyond it (`at`) is read as ever."""
    records: int = 2_000_000
    """Record objects at all levels; columns create none and are bounded by the size of the file."""
    items: int = 20_000_000
    """Array items and fields at all levels."""
    depth: int = 100
    """Levels of nested records; a deeper record is not read, its siblings are."""
    inflated: int = 64 << 20
    """Total bytes that processing (zlib, xor …) may produce."""
    seconds: float = 60.0
    """Wall-clock time; the only limit whose effect depends on the machine."""
    errors: int = 1_000
    """Faults kept; later ones are only counted."""
    steps: int = 50_000_000
    """Evaluation steps of all expressions together."""
    progress: Callable[[int], None] | None = field(default=None, compare=False)
    """Called now and then with the offset in the file that was reached."""


DEFAULT = Limits()
