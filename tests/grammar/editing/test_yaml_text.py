"""An edit of a YAML text sets the value and keeps every other byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.document import read_text
from harness.grammar.editing import yaml_writer
from harness.grammar.editing.edit import Insert, Put, Remove, Rename, apply_edit
from harness.grammar.editing.frozen import freeze
from harness.grammar.editing.yaml_text import rewrite
from harness.grammar.editing.yaml_tree import UnwritableError

TEXT = """\
# Ein Format für Prüfer
endian: big  # network order
types:
  # what every file begins with
  Header:   # top
    fields:
      - name: magic     # 'MZ'
        type: u16
        validate: {equals: 0x4D5A}
      - {name: version, type: u8}   # since 1987
      # the length comes last
      - {name: len, type: u16}
  Empty: {fields: []}
  Other:
    doc: |
      Two lines
      of text.
    fields:
    - name: x
      type: "u8"
registry:
  "0x4E54": {name: Note}
"""


def read(text: str) -> Any:
    return freeze(read_text(text, Path("g.yaml")).value)


@pytest.mark.parametrize(
    ("edit", "gone", "come"),
    [
        (
            Put(("types", "Header", "fields", 1, "type"), "u32"),
            ["      - {name: version, type: u8}   # since 1987"],
            ["      - {name: version, type: u32}   # since 1987"],
        ),
        (Put(("types", "Header", "fields", 0, "color"), "red"), [], ["        color: red"]),
        (Put(("endian",), "little"), ["endian: big  # network order"], ["endian: little  # network order"]),
        (
            Remove(("types", "Header", "fields", 2)),
            ["      - {name: len, type: u16}"],
            [],
        ),
        (
            Remove(("types", "Header", "fields", 0, "validate")),
            ["        validate: {equals: 0x4D5A}"],
            [],
        ),
        (Insert(("types", "Header", "fields", 3), freeze({"name": "num", "type": "u8"})), [],
         ["      - name: num", "        type: u8"]),
        (Rename(("types", "Header"), "Head"), ["  Header:   # top"], ["  Head:   # top"]),
        (Remove(("types", "Other", "doc")), ["    doc: |", "      Two lines", "      of text."], []),
    ],
)  # fmt: skip
def test_only_the_lines_that_must_change_do(edit: Any, gone: list[str], come: list[str]) -> None:
    made = rewrite(TEXT, [edit])
    before, after = TEXT.splitlines(), made.splitlines()
    assert [line for line in before if line not in after] == gone
    assert [line for line in after if line not in before] == come
    assert [line for line in after if line not in come] == [line for line in before if line not in gone]
    assert read(made) == apply_edit(read(TEXT), edit)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_endings_stay(ending: str) -> None:
    text = TEXT.replace("\n", ending)
    made = rewrite(text, [Insert(("types", "Header", "fields", 0), freeze({"name": "num", "type": "u8"}))])
    assert made.count("\n") == made.count(ending) == text.count(ending) + 2


def test_aliases_are_refused_rather_than_guessed() -> None:
    with pytest.raises(UnwritableError):
        rewrite("a: &x {b: 1}\nc: *x\n", [Put(("a", "b"), 2)])


WORDS = st.sampled_from(["u8", "a b", "no", "0x10", "12", "", "#x", "a: b", "- q", "é", "{", "it's", '"', "\n", "null"])
SCALARS = st.one_of(
    WORDS, st.integers(-5, 300), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False)
)
KEYS = st.sampled_from(["name", "type", "length", "validate", "doc", "0x01", "no", "a b"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, part in inner for p in [(*here, key), *paths(part, (*here, key))]]


def in_block_style(value: Any, column: int) -> str:
    """Write a document in block style with comments between entries."""
    pad = " " * column
    if isinstance(value, dict) and value:
        return "".join(
            f"\n{pad}# about it\n{pad}{yaml_writer._key(k)}:{in_block_style(v, column + 2)}" for k, v in value.items()
        )
    if isinstance(value, list) and value:
        return "".join(f"\n{pad}-{in_block_style(v, column + 4)}" for v in value)
    return f" {yaml_writer.flow(value)}  # why"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_text_and_value_take_the_same_edits(data: st.DataObject) -> None:
    value = freeze(data.draw(DOCUMENTS))
    text = yaml_writer.document(value) if data.draw(st.booleans()) else in_block_style(value, 0)[1:] + "\n"
    assert read(text) == value
    for _ in range(data.draw(st.integers(1, 3))):
        known = paths(value)
        if not known:
            return
        path = data.draw(st.sampled_from(known))
        parent = value
        for part in path[:-1]:
            parent = parent[part]
        new = freeze(data.draw(VALUES))
        choices: list[Any] = [Put(path, new), Remove(path)]
        if isinstance(parent, list):
            choices += [Insert(path, new), Insert((*path[:-1], len(parent)), new)]
        else:
            choices += [Put((*path[:-1], "fresh"), new)]
            if "renamed" not in parent:
                choices += [Rename(path, "renamed")]
        edit = data.draw(st.sampled_from(choices))
        value = apply_edit(value, edit)
        if not value:
            return
        try:
            text = rewrite(text, [edit])
        except UnwritableError:
            text = yaml_writer.document(value)
        assert read(text) == value, (edit, text)


@given(st.text(), st.sampled_from("\x7f\x80\x85\x9f\xa0\xad\u2028\u2029\ufeff\ufffe\uffff\U0001f600\U0010ffff"))
def test_every_string_is_read_back(text: str, character: str) -> None:
    value = {text + character: [{"b": character + text}]}
    assert read(yaml_writer.document(value)) == freeze(value)
