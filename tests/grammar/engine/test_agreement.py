"""Two engines, one meaning: columns and the reference engine agree on every file, also on a damaged one."""

import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.grammar.engine import session as sessions
from harness.grammar.engine.byte_weights import Weights
from harness.grammar.engine.columns import Columns
from harness.grammar.engine.layout import NoLayoutError, layout_of
from harness.grammar.engine.limits import Limits
from harness.grammar.engine.node import Array, Record
from harness.grammar.engine.parser import parse
from harness.grammar.engine.session import Session
from harness.grammar.engine.tally import tally
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import lint_value

NUMBERS = ("u8", "i8", "u16", "u24", "i32le", "u32", "f32", "u64", "i24le")
CHECKS = (None, None, {"max": 200}, {"one_of": [0, 1, 2, 3]}, {"not_equals": 7}, {"equals": 1})


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    fields: list[dict[str, Any]] = []
    for i in range(draw(st.integers(1, 3))):
        fields.append({"name": f"n{i}", "type": draw(st.sampled_from(NUMBERS))})
    tail = draw(st.sampled_from([None, "row", "text", "blob"]))
    if tail == "row":
        fields.append({"name": "row", "type": draw(st.sampled_from(["u16", "u32le", "u8"])), "repeat": "rest"})
    elif tail == "text":
        fields.append(
            {
                "name": "text",
                "type": "string",
                "length": "rest",
                "encoding": draw(st.sampled_from(["ascii", "utf-8", "utf-16le"])),
            }
        )
    elif tail == "blob":
        fields.append({"name": "blob", "type": "bytes", "length": "rest"})
    return {"fields": fields}


@st.composite
def framed(draw: st.DrawFn) -> dict[str, Any]:
    """A grammar of the columnar shape."""
    fields: list[dict[str, Any]] = []
    if draw(st.booleans()):
        fields.append({"name": "magic", "type": "u16", "validate": {"equals": 0x4142}})
    fields += [{"name": "tag", "type": "u8"}, {"name": "size", "type": draw(st.sampled_from(["u8", "u16le", "u16"]))}]
    for i in range(draw(st.integers(0, 3))):
        field: dict[str, Any] = {"name": f"a{i}", "type": draw(st.sampled_from(NUMBERS))}
        if not field["type"].startswith("f") and (check := draw(st.sampled_from(CHECKS))) is not None:
            field["validate"] = check
        fields.append(field)
    if draw(st.booleans()):
        fields.append({"name": "inner", "type": "Inner"})
    if draw(st.booleans()):
        fields.append({"name": "label", "type": "string", "length": 2, "encoding": "ascii"})
    shape = draw(st.sampled_from(["fixed", "blob", "switch", "single", "row", "two"]))
    length = draw(st.sampled_from(["size", "size + 1", "size * 2", "size - 1"]))
    types: dict[str, Any] = {"Inner": {"fields": [{"name": "p", "type": "u8"}, {"name": "q", "type": "i16"}]}}
    if shape == "blob":
        fields.append(
            {"name": "body", "type": "string", "length": length}
            if draw(st.booleans())
            else {"name": "body", "type": "bytes", "length": length}
        )
    elif shape in ("switch", "single"):
        types["One"], types["Two"] = draw(bodies()), draw(bodies())
        body: dict[str, Any] = {
            "name": "body",
            "type": "bytes",
            "length": length,
            "switch": {"by": "tag", "cases": {1: "One", 2: "Two", 3: "One"}},
        }
        fields.append(body if shape == "switch" else {"name": "body", "type": "One", "length": length})
    elif shape == "row":
        fields.append({"name": "row", "type": "u16", "repeat": "size"})
    elif shape == "two":
        fields += [
            {"name": "first", "type": "bytes", "length": "tag"},
            {"name": "second", "type": "bytes", "length": length},
        ]
    if draw(st.booleans()):
        fields.append(
            {"name": "sum", "type": "u8", "checksum": {"algorithm": "sum8", "over": ["tag", "size"]}}
            if len(fields) == 2
            else {"name": "end", "type": "u8"}
        )
    types["Rec"] = {"fields": fields}
    document: dict[str, Any] = {"endian": draw(st.sampled_from(["big", "little"])), "types": types, "root": "Rec"}
    if draw(st.booleans()):
        head = [{"name": "h", "type": "u16"}, {"name": "recs", "type": "Rec", "repeat": "rest"}]
        types["File"] = {"fields": head}
        document |= {"root": "File", "framing": {"repeat": "once"}}
    return document


def record_bytes(draw: st.DrawFn, document: dict[str, Any]) -> bytes:
    """Bytes that are often a valid record: small tags and sizes."""
    out = bytearray()
    for field in document["types"]["Rec"]["fields"]:
        if field["name"] == "magic":
            out += b"\x41\x42" if document["endian"] == "big" else b"\x42\x41"
        elif field["name"] == "tag":
            out.append(draw(st.sampled_from([1, 2, 3, 4])))
        elif field["name"] == "size":
            value = draw(st.sampled_from([1, 2, 4, 6, 9, 12]))
            wide = {"u8": b"%c", "u16le": b"%c\0", "u16": b"\0%c" if document["endian"] == "big" else b"%c\0"}[
                field["type"]
            ]
            out += wide % value
        else:
            out += draw(st.sampled_from([b"\0\1", b"ab", b"\1", b"\0\0\0\2", b"\xff"]))
    return bytes(out)


@st.composite
def files(draw: st.DrawFn, document: dict[str, Any]) -> bytes:
    parts = [record_bytes(draw, document) for _ in range(draw(st.integers(1, 3)))]
    data = bytearray(b"\0\1" if document["root"] == "File" else b"")
    for choice in draw(st.lists(st.integers(0, len(parts) - 1), min_size=1, max_size=30)):
        data += parts[choice]
    for _ in range(draw(st.integers(0, 3))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(max(0, len(data) - 5), len(data)))])


def linted(document: dict[str, Any]) -> Grammar:
    lint = lint_value(document)
    assert lint.grammar is not None, [str(e) for e in lint.errors]
    return lint.grammar


def wire(found: Any) -> dict[str, Any]:
    return found.to_wire()  # type: ignore[no-any-return]


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_columns_and_reference_make_the_same_tally(data: st.DataObject) -> None:
    document = data.draw(framed())
    grammar = linted(document)
    layout_of(grammar)  # the test is void if this grammar has none
    file = data.draw(files(document))
    threshold, many = sessions._MIN_COLUMNAR_RECORDS, 10**9
    sessions._MIN_COLUMNAR_RECORDS = -1
    try:
        from harness.grammar.engine import joined_tally

        kept, joined_tally._MIN_TALLIED_FAULTS = joined_tally._MIN_TALLIED_FAULTS, many
        try:
            limits = Limits(errors=data.draw(st.sampled_from([1, 3, 1000])))
            found = Session(file).tally(grammar, limits=limits, weigh=True, span=data.draw(st.sampled_from([0, 7, 64])))
        finally:
            joined_tally._MIN_TALLIED_FAULTS = kept
    finally:
        sessions._MIN_COLUMNAR_RECORDS = threshold
    assert wire(found) == wire(tally(parse(grammar, file, limits=limits), weights=Weights(file)))


def numbers(columns: Columns | None) -> list[tuple[int, tuple[Any, ...]]]:
    """The offset of each record, and its numbers in the order of the fields."""
    if columns is None:
        return []
    table = columns.records
    paths = [part.path for part in table.frame.parts if not part.row and part.primitive and part.primitive.numeric]
    return list(
        zip(table.base.tolist(), zip(*(table.number(path).tolist() for path in paths), strict=True), strict=True)
    )


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_columns_hold_the_values_that_the_reference_reads(data: st.DataObject) -> None:
    document = data.draw(framed())
    grammar = linted(document)
    file = data.draw(files(document))
    columns = Session(file).columns(grammar)
    found = parse(grammar, file)
    top = found.records[0].nodes.get("recs") if document["root"] == "File" else None
    records = list(found.records) if document["root"] != "File" else top.items if isinstance(top, Array) else []
    for (offset, row), record in zip(numbers(columns), records, strict=False):
        assert isinstance(record, Record)
        assert columns is not None
        if not record.complete or record.start != offset:
            break  # the reference resynchronises after a fault
        paths = [p.path for p in columns.records.frame.parts if not p.row and p.primitive and p.primitive.numeric]
        assert repr(row) == repr(tuple(leaf(record, path) for path in paths))


def leaf(record: Record, path: tuple[str, ...]) -> Any:
    """The value at a path of field names."""
    node: Any = record
    for name in path:
        node = node.nodes[name]
    return node.value


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_batches_hold_the_records_of_the_columns(data: st.DataObject) -> None:
    document = data.draw(framed())
    grammar = linted(document)
    file = data.draw(files(document))
    columns = Session(file).columns(grammar)
    found = Session(file).batches(grammar, span=data.draw(st.sampled_from([1, 7, 1 << 20])))
    assert (found is None) == (columns is None)
    batches = list(found or ())
    assert repr([row for batch in batches for row in numbers(batch)]) == repr(numbers(columns))
    if columns is not None and batches:
        assert batches[-1].end == columns.end


def test_a_grammar_without_the_shape_has_no_batches() -> None:
    grammar = linted({"endian": "big", "types": {"A": {"fields": [{"name": "x", "type": "string", "terminator": 0}]}}})
    assert Session(b"a\0b\0").batches(grammar) is None


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_a_warm_session_gives_the_same_tally_as_a_new_one(data: st.DataObject) -> None:
    """A patched grammar on the same session is read as on a new one."""
    document = data.draw(framed())
    file = data.draw(files(document))
    threshold = sessions._MIN_COLUMNAR_RECORDS
    sessions._MIN_COLUMNAR_RECORDS = -1
    try:
        session = Session(file)
        for _ in range(4):
            fields = [dict(f) for f in document["types"]["Rec"]["fields"]]
            place = data.draw(st.integers(0, len(fields) - 1))
            change = data.draw(st.sampled_from(["rename", "retype", "drop", "endian", "body"]))
            patched = {**document, "types": {**document["types"], "Rec": {"fields": fields}}}
            if change == "rename" and fields[place]["name"] not in ("tag", "size"):
                fields[place]["name"] = "renamed"
            elif change == "retype" and fields[place]["type"] == "u32":
                fields[place]["type"] = "f32"
            elif change == "drop" and len(fields) > 3 and fields[place]["name"] not in ("tag", "size"):
                del fields[place]
            elif change == "endian":
                patched["endian"] = "little" if document["endian"] == "big" else "big"
            elif "One" in patched["types"]:
                patched["types"]["One"] = data.draw(bodies())
            grammar = lint_value(patched).grammar
            if grammar is None:
                continue
            assert wire(session.tally(grammar, weigh=True)) == wire(Session(file).tally(grammar, weigh=True))
            assert wire(session.tally(grammar)) == wire(tally(parse(grammar, file)))
    finally:
        sessions._MIN_COLUMNAR_RECORDS = threshold


def test_the_shape_is_refused_with_a_reason() -> None:
    grammar = linted({"endian": "big", "types": {"A": {"fields": [{"name": "x", "type": "string", "terminator": 0}]}}})
    with pytest.raises(NoLayoutError, match="'x'"):
        layout_of(grammar)
    assert Session(b"a\0b\0").columns(grammar) is None
    assert Session(b"a\0b\0").tally(grammar).engine == "records"


def test_a_large_file_is_tallied_in_the_memory_of_a_batch() -> None:
    fields = [
        {"name": "a", "type": "u32"},
        {"name": "b", "type": "u16", "validate": {"max": 9}},
        {"name": "c", "type": "u16"},
    ]
    grammar, file = linted({"endian": "big", "types": {"R": {"fields": fields}}}), bytes(range(256)) * (8 << 12)
    tracemalloc.start()
    try:
        found = Session(file).tally(grammar, weigh=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found.engine, found.records) == ("columns", {"R": len(file) // 8})
    assert peak < 20e6, peak
