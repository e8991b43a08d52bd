# SPDX-License-Identifier: MIT
# /// candidate
# style = "plain"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, slow: the pattern of a quoted field can match a run of characters in exponentially many ways."""

import re

_FIELD = re.compile(r'(?:"((?:[^"]+|"")*)"|([^",\r\n]*(?:\r(?!\n)[^",\r\n]*)*))(,|\r?\n|\Z)')  # the fault: a repeated repetition


def parse_csv(text: str) -> list[list[str]]:
    """Parse CSV."""
    at = 1 if text.startswith("\ufeff") else 0
    records: list[list[str]] = []
    record: list[str] = []
    while at < len(text) or record:
        found = _FIELD.match(text, at)
        if found is None:
            raise ValueError(f"a misplaced double quote in the field at {at}")
        quoted, plain, end = found.groups()
        record.append(plain if quoted is None else quoted.replace('""', '"'))
        at = found.end()
        if end != ",":
            records.append(record)
            record = []
    return records
