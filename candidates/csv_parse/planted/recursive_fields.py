# SPDX-License-Identifier: MIT
# /// candidate
# style = "recursion"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: one call for each field, so a long record ends in a RecursionError."""

import re

_FIELD = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*(?:\r(?!\n)[^",\r\n]*)*))(,|\r?\n|\Z)')


def parse_csv(text: str) -> list[list[str]]:
    """Parse CSV."""
    text = text.removeprefix("\ufeff")
    records: list[list[str]] = []
    at = 0
    while at < len(text):
        record: list[str] = []
        at = _read(text, at, record)
        records.append(record)
    return records


def _read(text: str, at: int, record: list[str]) -> int:
    found = _FIELD.match(text, at)
    if found is None:
        raise ValueError(f"a misplaced double quote in the field at {at}")
    quoted, plain, end = found.groups()
    record.append(plain if quoted is None else quoted.replace('""', '"'))
    return _read(text, found.end(), record) if end == "," else found.end()  # the fault
