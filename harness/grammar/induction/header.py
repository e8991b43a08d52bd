"""Header: the bytes before the records of a file, and the number of records in them."""

from __future__ import annotations

from collections.abc import Sequence

from harness.grammar.induction.draft import FieldDef, numbered
from harness.grammar.induction.segmentation import integers, matrix, segment

RECORDS: FieldDef = {"name": "records", "repeat": "rest"}


def head_fields(
    blobs: Sequence[bytes], size: int, counts: Sequence[int], records: FieldDef
) -> tuple[list[FieldDef], float]:
    """Fields of a head, and the records after it.

    Args:
        size: Bytes of the head.
        counts: Number of records of each file; an equal number in the head becomes the count.
        records: The field of the records; its `repeat` becomes the count, if there is one.

    Returns:
        The fields, and the approximate number of bits that they save.
    """
    if not size:
        return [records], 0.0
    rows = matrix(blobs, size)
    fixed: dict[int, tuple[int, FieldDef]] = {}
    if len(set(counts)) > 1 or counts[0] > 3:
        for width, endian in ((4, "little"), (4, "big"), (2, "little"), (2, "big"), (1, "")):
            for at in range(size - width + 1):
                held = integers(rows[:, at : at + width], big=endian == "big")
                if [int(v) for v in held] == list(counts) and not fixed:
                    order = {"endian": endian} if endian else {}
                    fixed[at] = (width, {"name": "count", "type": f"u{8 * width}", **order})
                    records = {**records, "repeat": "count"}
    fields, saved = segment(rows, fixed=fixed)
    if len(blobs) == 1:  # a single head reveals only its magic number
        fields = _single_head(rows[0].tobytes(), fixed)
    return numbered([*fields, records]), saved


def _single_head(head: bytes, fixed: dict[int, tuple[int, FieldDef]]) -> list[FieldDef]:
    fields: list[FieldDef] = []
    at = 0
    for place in [*sorted(fixed), len(head)]:
        size = place - at
        if size > 0:
            text = all(0x20 <= byte < 0x7F for byte in head[at:place])
            fields.append(
                {"name": "text", "type": "string", "length": size, "encoding": "ascii"}
                if text and size > 2
                else {"name": "data", "type": "bytes", "length": size}
            )
        if place in fixed:
            fields.append(fixed[place][1])
            at = place + fixed[place][0]
    return fields
