# SPDX-License-Identifier: MIT
# /// candidate
# style = "plain"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: a doubled quote stays doubled."""

from __future__ import annotations

import re

_FIELD = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*(?:\r(?!\n)[^",\r\n]*)*))(,|\r?\n|\Z)')


def parse_csv(text: str) -> list[list[str]]:
    r"""Return the records of a text, each a list of its fields.

    >>> parse_csv('a,"b, c"\r\nd')
    [['a', 'b, c'], ['d']]
    """
    at = 1 if text.startswith("\ufeff") else 0
    records: list[list[str]] = []
    record: list[str] = []
    match, size = _FIELD.match, len(text)
    while at < size or record:
        found = match(text, at)
        if found is None:
            raise ValueError(f"a misplaced double quote in the field at {at}")
        quoted, plain, end = found.groups()
        record.append(plain if quoted is None else quoted)  # the fault
        at = found.end()
        if end != ",":
            records.append(record)
            record = []
    return records
