"""Tally: what a grammar explains of a file, in numbers; the same whichever engine counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.lanes.spec.engine.fault import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldTally:
    """All values of one field of one type.

    Attributes:
        type: The name of the field's type as the values have it (a switch makes one tally per type).
        count: Values (a row of numbers counts each number).
        bytes: Bytes of the file they cover, whole file coverage apart; bit fields count bits / 8.
        passed: Values that passed `validate` or a checksum.
        failed: Values that did not.
        distinct: How many different values there are, up to 257; None where they were not compared.
        low: The smallest number, None for other values.
        high: The largest number.
        exact: Of confined records: how many fill their bytes exactly.
        chosen: Of records: how many a switch chose.
        invisible: Values that lie in processed bytes, not in the file (they have no bytes of it).
    """

    type: str
    count: int = 0
    bytes: float = 0.0
    passed: int = 0
    failed: int = 0
    distinct: int | None = None
    low: float | int | None = None
    high: float | int | None = None
    exact: int = 0
    chosen: int = 0
    invisible: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one reading of a file found.

    Attributes:
        size: Bytes of the file.
        covered: Bytes that leaves explain.
        gaps: Stretches that nothing explains (the first 10,000); `size - covered` is their sum.
        records: How many records of each type, at all levels.
        top_records: How many at the top.
        fields: By (`Type.field`, type of the value): what its values are.
        errors: As in `Parse`.
        error_count: How many there were.
        stopped_at: As in `Parse`.
        engine: Which engine counted: `columns` or `records`.
    """

    size: int
    covered: int
    gaps: tuple[tuple[int, int], ...]
    records: dict[str, int]
    top_records: int
    fields: dict[tuple[str, str], FieldTally]
    errors: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    error_count: int
    stopped_at: int
    engine: str

    def to_wire(self) -> dict[str, Any]:
        """Plain values in a fixed order: the same for the same file and grammar, whichever engine counted."""
        return {
            "size": self.size,
            "covered": self.covered,
            "gaps": [list(gap) for gap in self.gaps],
            "records": dict(sorted(self.records.items())),
            "top_records": self.top_records,
            "fields": {
                f"{path}:{kind}": [t.count, t.bytes, t.passed, t.failed, t.distinct, t.low, t.high, t.exact, t.chosen]
                for (path, kind), t in sorted(self.fields.items())
            },
            "errors": [str(error) for error in self.errors],
            "error_count": self.error_count,
            "stopped_at": self.stopped_at,
        }
