"""Limits: how much one parse may use before it stops with a named anomaly."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one parse; a limit that is hit is an error `limit` that names it, and what was read is kept."""

    max_records: int | None = None
    """Top-level records of a repeated framing; reaching it is no error, only the end."""
    records: int = 2_000_000
    """Records at all levels, as objects; columns make none and are bounded by the file's size."""
    items: int = 20_000_000
    """Array items and fields at all levels."""
    depth: int = 100
    """Records within records; a deeper one is not read, its neighbours are."""
    inflated: int = 64 << 20
    """Bytes that processing (zlib, xor …) may produce in all."""
    seconds: float = 60.0
    """Wall-clock time; the only limit whose effect depends on the machine."""
    errors: int = 1_000
    """Errors kept; later ones are counted only."""
    steps: int = 50_000_000
    """Steps of expressions."""


DEFAULT = Limits()
