"""Terminated records: adjacent records of a few bytes and a terminated string, up to the end of the file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from harness.grammar.induction.draft import Draft, FieldDef, Names, numbered
from harness.grammar.induction.header import RECORDS, head_fields
from harness.grammar.induction.payload import text_encoding
from harness.grammar.induction.segmentation import matrix, segment

MAX_HEAD = 32
MAX_FRONT = 24
MAX_SAMPLED = 20_000
MIN_RECORDS = 6  # minimum number of records in all files together
MAX_KEPT = 3
MIN_WHOLE_SHARE = 0.9  # minimum share of a file before its last terminator; the rest is a cut-off record
_TEXT = bytes(range(0x20, 0x7F)) + b"\t\r\n"


def terminated_drafts(blobs: Sequence[bytes], names: Names) -> Iterator[Draft]:
    """Drafts for such files: those with the shortest head first, then with the fewest bytes before each string."""
    kept = 0
    for end in (0, 0x0A):
        whole = [blob[: blob.rfind(end) + 1] for blob in blobs]
        if any(len(kept) < MIN_WHOLE_SHARE * len(blob) for kept, blob in zip(whole, blobs, strict=True)):
            continue
        for head, front in itertools.product(range(MAX_HEAD + 1), range(MAX_FRONT + 1)):
            if kept == MAX_KEPT or (not head and not front):  # strings without a prefix are lines
                continue
            cuts = [_cut(blob, head, front, end) for blob in whole]
            if all(cuts) and sum(len(cut or ()) for cut in cuts) >= MIN_RECORDS:
                kept += 1
                found = [cut or [] for cut in cuts]
                yield _draft(blobs, found, (head, front, end), Names(set(names.taken)))


def _cut(blob: bytes, head: int, front: int, end: int) -> list[tuple[int, int]] | None:
    """Start of each record and end of its string; None if the bytes before a terminator are not text."""
    at, found = head, []
    while at < len(blob):
        stop = blob.find(end, at + front)
        text = blob[at + front : stop]
        if stop < 0 or not text or (text.translate(None, _TEXT) and text_encoding(text) is None):
            return None
        found.append((at, stop))
        at = stop + 1
    return found


def _draft(
    blobs: Sequence[bytes], cuts: Sequence[list[tuple[int, int]]], shape: tuple[int, int, int], names: Names
) -> Draft:
    head, front, end = shape
    root, record = names.fresh("File"), names.fresh("Record")
    rows = [blob[at : at + front] for blob, cut in zip(blobs, cuts, strict=True) for at, _ in cut][:MAX_SAMPLED]
    fields, saved = segment(matrix(rows, front)) if front else ([], 0.0)
    ascii_only = all(
        blob[at + front : stop].isascii() for blob, cut in zip(blobs, cuts, strict=True) for at, stop in cut
    )
    text: FieldDef = {"name": "text", "type": "string", "terminator": end}
    text["encoding"] = "ascii" if ascii_only else "utf-8"
    records: FieldDef = {**RECORDS, "type": record}
    counts = [len(cut) for cut in cuts]
    begin, more = head_fields(blobs, head, counts, records)
    types: dict[str, Any] = {root: {"fields": begin}, record: {"fields": numbered([*fields, text])}}
    size = sum(stop - at - front for cut in cuts for at, stop in cut)
    idea = f"{sum(counts)} records of {front} bytes and a string up to {bytes([end])!r}, from byte {head} on"
    return Draft(root, types, saved + more + 1.4 * size - 8.0 * head, idea, head=head)
