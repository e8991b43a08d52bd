"""An exported grammar reads the same values after import; constructs that Kaitai Struct cannot express are listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.grammar.engine.node import Record
from harness.grammar.engine.parser import parse
from harness.grammar.language.lint import lint_text, lint_value
from harness.kaitai.exporter import export_ksy
from harness.kaitai.importer import import_ksy

ROOT = Path(__file__).parents[2]
GRAMMARS = ROOT / "specs" / "grammars"
SAMPLES = ROOT / "specs" / "samples"
WHOLE = ("gif", "pcap", "png", "png_complete", "sqlite")


def plain(node: Any) -> Any:
    if isinstance(node, Record):
        return {name: plain(inner.value) for name, inner in node.nodes.items()}
    return [plain(each) for each in node] if isinstance(node, list | tuple) else node


def grammar(text):
    lint = lint_text(text)
    assert lint.grammar is not None, lint.errors
    return lint.grammar


def there_and_back(found, folder):
    exported = export_ksy(found)
    path = folder / "back.ksy"
    path.write_text(yaml.safe_dump(exported.document, sort_keys=False, allow_unicode=True), "utf-8")
    imported = import_ksy(path)
    assert not imported.errors, imported.errors
    lint = lint_value(imported.document)
    assert lint.grammar is not None, lint.errors
    return exported, lint.grammar


@pytest.mark.parametrize("name", WHOLE)
def test_a_real_grammar_reads_the_same_values_after_the_round_trip(name, tmp_path):
    ours = grammar((GRAMMARS / f"{name}.yaml").read_text("utf-8"))
    exported, back = there_and_back(ours, tmp_path)
    assert exported.complete, exported.lost
    kind = name.partition("_")[0]
    files = sorted([*(SAMPLES / kind).iterdir(), *(SAMPLES / f"{kind}_holdout").iterdir()])
    assert len(files) >= 3
    for path in files:
        data = path.read_bytes()
        assert [plain(r) for r in parse(back, data).records] == [plain(r) for r in parse(ours, data).records], path.name


def one(fields, **more):
    return yaml.safe_dump({"endian": "big", "framing": {"repeat": "once"}, "types": {"T": {"fields": fields}, **more}})


SAME = {
    "numbers": (
        [{"name": "a", "type": "u16le"}, {"name": "b", "type": "i32"}, {"name": "c", "type": "f32"}],
        "0102 80000000 3f000000",
    ),
    "bits": ([{"name": "a", "type": "b3"}, {"name": "f", "type": "flag"}, {"name": "b", "type": "b12"}], "a5c3"),
    "three bytes": ([{"name": "a", "type": "u24"}, {"name": "b", "type": "u24le"}], "010203 010203"),
    "lengths": (
        [
            {"name": "n", "type": "u8"},
            {"name": "s", "type": "string", "length": "n * 2"},
            {"name": "r", "type": "bytes", "length": "rest"},
        ],
        "01 6162 ff",
    ),
    "ends": (
        [{"name": "a", "type": "string", "terminator": 0}, {"name": "b", "type": "bytes", "length": 4, "pad": 46}],
        "6100 61622e2e",
    ),
    "conditions": (
        [
            {"name": "n", "type": "u8"},
            {"name": "x", "type": "u8", "if": "n & 1"},
            {"name": "y", "type": "u8", "if": "not (n & 1)"},
        ],
        "0305",
    ),
    "arrays": (
        [
            {"name": "n", "type": "u8"},
            {"name": "a", "type": "u16", "repeat": "n"},
            {"name": "b", "type": "u8", "until": "_ == 0"},
        ],
        "02 0001 0002 0500",
    ),
    "computed": (
        [
            {"name": "n", "type": "u8"},
            {"name": "m", "compute": "min(n, 3) + abs(0 - n)"},
            {"name": "p", "type": "u8", "at": 0},
        ],
        "05",
    ),
    "processed text": ([{"name": "s", "type": "string", "length": 2, "process": "xor(1)"}], "6063"),
}


@pytest.mark.parametrize("name", SAME)
def test_each_construct_survives(name, tmp_path):
    fields, data = SAME[name]
    ours = grammar(one(fields))
    exported, back = there_and_back(ours, tmp_path)
    assert exported.complete, exported.lost
    data = bytes.fromhex(data)
    names = [field["name"] for field in fields]
    mine, theirs = plain(parse(ours, data).records[0]), plain(parse(back, data).records[0])
    assert {n: theirs.get(n) for n in names} == {n: mine.get(n) for n in names}


def test_a_root_that_repeats_becomes_an_array(tmp_path):
    text = "endian: big\ntypes: {Rec: {fields: [{name: n, type: u8}, {name: b, type: bytes, length: n}]}}\n"
    ours = grammar(text)
    _, back = there_and_back(ours, tmp_path)
    data = bytes.fromhex("01aa 00 02bbcc")
    assert plain(parse(back, data).records[0]) == {"records": [plain(r) for r in parse(ours, data).records]}


def test_a_computed_byte_order_takes_the_types_below_it_along(tmp_path):
    text = (
        "endian: big\nframing: {repeat: once}\ntypes:\n"
        "  Top:\n    fields:\n      - {name: mark, type: u8}\n      - {name: body, type: Body}\n"
        "  Body:\n    endian: {by: _parent.mark, cases: {1: little}, default: big}\n"
        "    fields:\n      - {name: x, type: Pair}\n"
        "  Pair:\n    fields:\n      - {name: y, type: u16}\n"
    )
    ours = grammar(text)
    exported, back = there_and_back(ours, tmp_path)
    assert exported.complete
    for data in (b"\x01\x01\x02", b"\x02\x01\x02"):
        assert plain(parse(back, data).records[0]) == plain(parse(ours, data).records[0])


@pytest.mark.parametrize(
    ("field", "what", "serious"),
    [
        ({"name": "a", "type": "leb128"}, "leb128", True),
        ({"name": "a", "type": "bytes", "length": 3, "process": "deflate"}, "deflate", True),
        ({"name": "a", "type": "i24"}, "i24", True),
        ({"name": "a", "type": "u8", "offset": 1}, "relative", True),
        ({"name": "a", "type": "bytes", "length": "read_u8(0)"}, "read_u8", True),
        ({"name": "a", "type": "bytes", "length": 2, "validate": {"all_bytes": 0}}, "all_bytes", False),
        ({"name": "a", "type": "u32", "checksum": {"algorithm": "crc32", "over": ["z"]}}, "crc32", False),
    ],
)
def test_what_kaitai_cannot_say_is_named(field, what, serious):
    found = export_ksy(grammar(one([{"name": "z", "type": "u8"}, field])))
    assert [(each.path, each.serious) for each in found.lost] == [("T.a", serious)]
    assert what in found.lost[0].what
    assert found.complete is not serious


def test_names_become_what_kaitai_allows(tmp_path):
    text = one(
        [{"name": "HTTPStatus", "type": "u8"}, {"name": "str", "type": "str"}],
        str={"fields": [{"name": "U8", "type": "u8"}]},
    )
    exported, _ = there_and_back(grammar(text), tmp_path)
    assert [field["id"] for field in exported.document["seq"]] == ["http_status", "str_"]
    assert list(exported.document["types"]) == ["str_"]
