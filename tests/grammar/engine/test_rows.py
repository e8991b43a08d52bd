"""Rows: generated code that no name of a grammar can reach."""

import keyword

from harness.grammar.engine.layout import layout_of
from harness.grammar.engine.row_codegen import RowWriter, Shape
from harness.grammar.engine.session import Session
from harness.grammar.language.lint import lint_value

HOSTILE = [*"bpeodqLE", "g1", "len", "__class__", "__builtins__", *keyword.kwlist]


def grammar(names: list[str]) -> object:
    fields = [{"name": name, "type": "u8"} for name in names]
    fields += [
        {"name": "size", "type": "u8"},
        {"name": "exec", "type": "string", "length": "size", "encoding": "ascii"},
    ]
    return lint_value({"endian": "big", "types": {"__class__": {"fields": fields}}}).grammar


def test_names_are_names_and_nothing_else() -> None:
    made = grammar(HOSTILE)
    assert made is not None
    rows = Session(bytes(range(len(HOSTILE))) + b"\x02ok").rows(made)  # type: ignore[arg-type]
    assert rows is not None
    assert rows.records == [(*range(len(HOSTILE)), 2, "ok")]
    assert rows.names[: len(HOSTILE)] == tuple(HOSTILE)


def test_the_code_is_the_same_whatever_the_names() -> None:
    codes = []
    for names in (HOSTILE, [f"f{i}" for i in range(len(HOSTILE))]):
        layout = layout_of(grammar(names))  # type: ignore[arg-type]
        code = RowWriter(Shape(layout.record, ())).write().__code__
        codes.append((code.co_code, code.co_names, code.co_varnames, code.co_consts))
    assert codes[0] == codes[1]
    assert set(codes[0][1]) <= {"append", "L", "E", "I", "S", *(f"g{i}" for i in range(400))}


def test_records_that_are_doubtful_keep_their_bytes() -> None:
    made = grammar([])
    rows = Session(b"\x01a\x02\xff\xff\x01b\x09").rows(made)  # type: ignore[arg-type]
    assert rows is not None
    assert (rows.records, rows.doubtful, rows.end) == ([(1, "a"), (2, b"\xff\xff"), (1, "b")], [1], 7)


def test_a_record_that_does_not_fit_is_not_doubtful_either() -> None:
    fields = [{"name": "text", "type": "string", "length": 2}, {"name": "n", "type": "u8"}]
    fields.append({"name": "row", "type": "u16", "repeat": "n"})
    made = lint_value({"endian": "big", "types": {"A": {"fields": fields}}}).grammar
    assert made is not None
    rows = Session(b"ok\x00\x01\xff\x01\0").rows(made)
    assert rows is not None
    assert (rows.records, rows.doubtful, rows.end) == ([("ok", 0, ())], [], 3)
