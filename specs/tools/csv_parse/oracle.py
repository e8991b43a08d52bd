# SPDX-License-Identifier: MIT
"""What the right answer to csv_parse is: an automaton that reads one character at a time, inputs, and invariants.

Trusted: this file is loaded by the judge only and never enters a candidate's process.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Kwargs = dict[str, Any]
Call = Callable[..., Any]
RAISES = (ValueError,)
START, PLAIN, QUOTED, CLOSED = "start of a field", "in a field", "in quotes", "after a quote"


def reference(text: str) -> list[list[str]]:
    """The records, by RFC 4180."""
    text = text.removeprefix("\ufeff")
    records: list[list[str]] = []
    record: list[str] = []
    field: list[str] = []
    state = START
    at = 0
    while at < len(text):
        character = text[at]
        at += 1
        if state == QUOTED:
            if character != '"':
                field.append(character)
            elif text[at : at + 1] == '"':
                field.append('"')
                at += 1
            else:
                state = CLOSED
            continue
        if character == "\r" and text[at : at + 1] == "\n":
            character, at = "\n", at + 1
        if character in ",\n":
            record.append("".join(field))
            field, state = [], START
            if character == "\n":
                records.append(record)
                record = []
        elif character == '"' and state == START:
            state = QUOTED
        elif character == '"' or state == CLOSED:
            raise ValueError(f"{character!r} {state}, at {at - 1}")
        else:
            field.append(character)
            state = PLAIN
    if state == QUOTED:
        raise ValueError("a quote is not closed")
    if record or field or state != START:
        records.append([*record, "".join(field)])
    return records


def written(records: list[list[str]], end: str = "\n", *, always: bool = False) -> str:
    """The text of records; fields are quoted where they must be, or always."""
    lines = []
    for record in records:
        fields = [
            '"' + field.replace('"', '""') + '"' if always or any(c in field for c in ',"\r\n\ufeff') else field
            for field in record
        ]
        lines.append(",".join(fields) + end)
    return "".join(lines)


_FIELDS = st.text(st.sampled_from('ab",\r\n \ufeff\u00e9'), max_size=5)
_RECORDS = st.lists(st.lists(_FIELDS, min_size=1, max_size=4), max_size=5)


def inputs() -> st.SearchStrategy[Kwargs]:
    """Well-formed texts of both line ends, and texts of the characters that mean something."""
    valid = st.tuples(_RECORDS, st.sampled_from(["\n", "\r\n"]), st.booleans())
    cut = st.tuples(valid, st.integers(0, 2))
    made = cut.map(lambda one: _cut(written(one[0][0], one[0][1], always=one[0][2]), one[1]))
    wild = st.text(st.sampled_from('a",\r\n'), max_size=12)
    return st.one_of(made, made, made, wild).map(lambda text: {"text": text})


def _cut(text: str, count: int) -> str:
    return text[: len(text) - count] if count else text


def edges() -> list[Kwargs]:
    """Extremes: long fields, many quotes, everything that is malformed."""
    texts = [
        "\ufeff", "\ufeffa,b", "a\ufeff", "\r", "\r\n", "\n\n", "\r\r\n", "a\rb,c\r\n", ",", ",,\n,", '""', '"",""\n',
        '"a"\r',
        '"a"b', 'a"b', '"a', '"', '"""', '""""', '"a""', '"a"" "', ' "a"', '"a" ,b', "a,b\n\nc", "\x00,\x00", "a;b\tc",
        "'a','b'", "x" * 1_000_000, '"' + "y" * 300_000 + '"', '"' + '""' * 100_000 + '"', '"' + '""' * 20_000,
        "," * 50_000, "\n" * 50_000, "a,b,c\n" * 10_000, '"' + "ab" * 40, 'q"' * 500, "\u00e9,\U0001f600\n",
        '"line\r\nend"\r\n"x\ny"',
    ]  # fmt: skip
    return [{"text": text} for text in texts]


def workload(size: int, rng: random.Random) -> Kwargs:
    """`size` records of eight fields, a third of them quoted."""
    return {"text": written([[_field(rng) for _ in range(8)] for _ in range(size)])}


def _field(rng: random.Random) -> str:
    text = "".join(rng.choice("abcdefghij ") for _ in range(rng.randint(0, 12)))
    return text + rng.choice(["", "", ', "x"'])


def _same(what: str, expected: object, found: object) -> str | None:
    return None if expected == found else f"{what}: expected {str(expected)[:150]}, got {str(found)[:150]}"


def what_was_written_is_read(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """Records that are written, quoted or not, are read as they were."""
    records = [[_field(rng) for _ in range(rng.randint(1, 4))] for _ in range(rng.randint(0, 4))]
    text = written(records, rng.choice(["\n", "\r\n"]), always=rng.random() < 0.5)
    return _same(f"reading {text!r}", records, call(text=text))


def records_are_read_one_after_the_other(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """A further record after the last line end is read on its own."""
    text = kwargs["text"]
    if not text.endswith("\n") or text.startswith("\ufeff"):
        return None
    try:
        reference(text)
    except ValueError:
        return None
    return _same("a further record", [*call(text=text), ["p", "q,"]], call(text=text + 'p,"q,"\n'))


PROPERTIES = (what_was_written_is_read, records_are_read_one_after_the_other)
"""Each is called with (call, kwargs, rng) and returns None or a sentence saying what is violated."""
