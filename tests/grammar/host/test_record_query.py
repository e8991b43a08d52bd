"""A condition selects the records for which it is true, and a wrong one says what is wrong."""

from __future__ import annotations

import struct

import pytest

from harness.core.errors import SpecError
from harness.grammar.engine.parser import parse
from harness.grammar.host.record_query import RecordQuery
from harness.grammar.language.lint import lint_text

TEXT = """
endian: little
root: File
framing: {repeat: once}
enums: {Kind: {1: folder, 2: file}}
types:
  File: {fields: [{name: entries, type: Entry, repeat: rest}]}
  Entry:
    fields:
      - {name: kind, type: u8, enum: Kind}
      - {name: size, type: u16}
      - {name: extra, type: u8, if: kind == 1}
      - {name: name, type: string, length: 3}
    instances:
      twice: {compute: size * 2}
"""
DATA = b"".join(
    (struct.pack("<BHB", 1, 10, 7) + b"one", struct.pack("<BH", 2, 5000) + b"two", struct.pack("<BH", 2, 3) + b"end")
)


def select(text: str) -> list[str]:
    grammar = lint_text(TEXT).grammar
    assert grammar is not None
    query = RecordQuery(text, grammar)
    records = [record for _, record in parse(grammar, DATA).walk()]
    return [record.get("name", record.type.name) for record in records if query.selects(record)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('type == "Entry" and size > 4096', ["two"]), ("kind == Kind::folder", ["one"]), ("extra == 7", ["one"]),
        ("twice < 25", ["one", "end"]), ('name == "end"', ["end"]), ('type == "File"', ["File"]),
        ("_size == 7", ["one"]), ("_offset > 0 and _type == \"Entry\"", ["two", "end"]),
        ("not exists(extra)", ["File", "two", "end"]),
        ("size > 10 ? true : false", ["File", "two"]), ("1 / (size - 10) >= 0 and _type == \"Entry\"", ["two"]),
        ("len(name) == 3", ["one", "two", "end"]), ("complete", ["File", "one", "two", "end"]),
    ],
)  # fmt: skip
def test_a_condition_selects_records(text: str, names: list[str]) -> None:
    assert select(text) == names


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("size >", "not a condition"), ("sise > 3", "no type has a field 'sise'"),
        ("kind == Kind::foldr", "unknown value Kind::foldr"),
        ("kind == Knd::folder", "unknown value Knd::folder"), ("", "not a condition"),
    ],
)  # fmt: skip
def test_a_wrong_condition_is_an_error_with_a_hint(text: str, why: str) -> None:
    with pytest.raises(SpecError, match=why) as caught:
        select(text)
    assert caught.value.fix
