# SPDX-License-Identifier: MIT
# /// candidate
# style = "scan"
# generator = "hand"
# license = "MIT"
# ///
"""Searches for what ends a field instead of reading characters: `str.find` for quotes, lines by `split`.

A text without a double quote is split line by line; only a line with one is read field by field.
"""

from __future__ import annotations


def parse_csv(text: str) -> list[list[str]]:
    r"""Return the records of a text, each a list of its fields.

    >>> parse_csv("a,b\n\n")
    [['a', 'b'], ['']]
    """
    text = text.removeprefix("\ufeff")
    records: list[list[str]] = []
    at, size = 0, len(text)
    while at < size:
        end = text.find("\n", at)
        if end < 0:
            end = size
        line = text[at:end]
        if '"' in line:
            record, at = _quoted_record(text, at)
            records.append(record)
            continue
        if end < size:
            line = line.removesuffix("\r")
        records.append(line.split(","))
        at = end + 1
    return records


def _quoted_record(text: str, at: int) -> tuple[list[str], int]:
    """A record in which a field is quoted, and where the next one begins."""
    record: list[str] = []
    size = len(text)
    while True:
        if text.startswith('"', at):
            field, at = _quoted_field(text, at + 1)
        else:
            field, at = _plain_field(text, at)
        record.append(field)
        if text.startswith(",", at):
            at += 1
        elif text.startswith("\n", at):
            return record, at + 1
        elif text.startswith("\r\n", at):
            return record, at + 2
        elif at >= size:
            return record, at
        else:
            raise ValueError(f"{text[at]!r} after a closing quote, at {at}")


def _quoted_field(text: str, at: int) -> tuple[str, int]:
    start = at
    while True:
        end = text.find('"', at)
        if end < 0:
            raise ValueError("a quote is not closed")
        if not text.startswith('"', end + 1):
            return text[start:end].replace('""', '"'), end + 1
        at = end + 2


def _plain_field(text: str, at: int) -> tuple[str, int]:
    size = len(text)
    line = text.find("\n", at)
    end = size if line < 0 else line - 1 if text[line - 1 : line] == "\r" and line > at else line
    comma = text.find(",", at, end)
    end = end if comma < 0 else comma
    if '"' in text[at:end]:
        raise ValueError(f"a double quote in the field at {at}")
    return text[at:end], end
