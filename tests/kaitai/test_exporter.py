"""An exported grammar reads the same values after import; constructs that Kaitai Struct cannot express are listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.document import read_document
from harness.grammar.engine.node import Record
from harness.grammar.engine.parser import parse
from harness.grammar.language.lint import lint_text, lint_value
from harness.kaitai.export_names import ExportNames
from harness.kaitai.exporter import export_ksy
from harness.kaitai.importer import import_ksy
from harness.kaitai.names import field_name

ROOT = Path(__file__).parents[2]
GRAMMARS = ROOT / "specs" / "grammars"
SAMPLES = ROOT / "specs" / "samples"
WHOLE = ("gif", "pcap", "png", "sqlite")


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
    "numbers with labels": (
        [
            {"name": "k", "type": "u8"},
            {"name": "x", "compute": "abs(0 - k) - (k - 1)"},
            {"name": "y", "compute": "min(k, 3) * -k"},
            {"name": "z", "compute": "2 * (k == 1 ? k : 7)"},
        ],
        "05",
    ),
    "processed text": ([{"name": "s", "type": "string", "length": 2, "process": "xor(1)"}], "6063"),
}


@pytest.mark.parametrize("name", SAME)
def test_each_construct_survives(name, tmp_path):
    fields, data = SAME[name]
    if name == "numbers with labels":
        fields = [{**fields[0], "enum": "K"}, *fields[1:]]
    ours = grammar(yaml.safe_dump({**yaml.safe_load(one(fields)), "enums": {"K": {1: "one", 5: "five"}}}))
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


def renamed(value: Any, names: ExportNames) -> Any:
    """Return values as they read after the round trip, where names and added fields are Kaitai Struct's."""
    if isinstance(value, dict):
        return {field_name(names.field(name)): renamed(inner, names) for name, inner in value.items()}
    return [renamed(each, names) for each in value] if isinstance(value, list) else value


def without_additions(value: Any, names: ExportNames) -> Any:
    own = {field_name(found) for key, found in names.fields.items() if " " not in key}
    if isinstance(value, dict):
        return {name: without_additions(inner, names) for name, inner in value.items() if name in own}
    return [without_additions(each, names) for each in value] if isinstance(value, list) else value


def reads_equal(ours, data, folder):
    """Whether a grammar and its round trip read the same; None if the export says that it cannot."""
    exported, back = there_and_back(ours, folder)
    names = ExportNames(ours)
    found, other = parse(ours, data), parse(back, data)
    mine = renamed([plain(record) for record in found.records], names)
    theirs = [plain(record) for record in other.records]
    theirs = without_additions(theirs if ours.once else theirs[0].get("records", []), names)
    if not exported.complete:
        return None
    # Fields that are computed become instances, which are read also if an error stops the record.
    return (mine == theirs if not found.errors else is_part(mine, theirs)) or repr((mine, theirs, found.errors))


def is_part(some: Any, whole: Any) -> bool:
    if isinstance(some, dict) and isinstance(whole, dict):
        return all(name in whole and is_part(inner, whole[name]) for name, inner in some.items())
    if isinstance(some, list) and isinstance(whole, list):
        return len(some) == len(whole) and all(map(is_part, some, whole))
    return bool(some == whole)


EXAMPLES = {each["title"]: each for each in read_document(ROOT / "docs" / "grammar-examples.yaml").value}
HEAD = "endian: big\nframing: {repeat: once}\ntypes:\n  T:\n    fields:\n"


@pytest.mark.parametrize("title", EXAMPLES)
def test_each_documented_example_comes_back_or_what_is_lost_is_named(title, tmp_path):
    example = EXAMPLES[title]
    text = example.get("grammar") or HEAD + "".join(f"      {line}\n" for line in example["fields"].splitlines())
    assert reads_equal(grammar(text), bytes.fromhex(str(example["data"])), tmp_path) in (True, None)


@pytest.mark.parametrize("path", sorted(GRAMMARS.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_shipped_grammar_can_be_imported_again(path, tmp_path):
    ours = grammar(path.read_text("utf-8"))
    _, back = there_and_back(ours, tmp_path)
    assert len(back.types) >= len(ours.types)  # the export adds types: records in line, cases of switches


NAMES = st.sampled_from(
    ["a", "b", "c", "Size", "size", "len_a", "raw_a", "true_", "lenA", "sizeof", "X1", "u4", "str", "and_", "B_", "b__"]
)
SMALL = st.integers(0, 3)
SIMPLE = st.sampled_from(["u8", "i8", "u16", "i16le", "u24", "u32", "f32", "b3", "flag", "b12", "b5le", "u64le"])


@st.composite
def fields(draw, earlier: list[str], types: list[str], depth: int) -> dict[str, Any]:
    """A field with constructs at random; `earlier` are the numbers that its expressions may use."""
    number = draw(st.sampled_from([*earlier, "1", "2"]) if earlier else SMALL.map(str))
    kind = draw(st.sampled_from(["number", "number", "bytes", "string", "record", "switch", "compute", "enum"]))
    made: dict[str, Any] = {}
    if kind == "number":
        made["type"] = draw(SIMPLE)
        if made["type"] in ("u8", "i8", "u16") and draw(st.booleans()):
            made["validate"] = draw(
                st.sampled_from(
                    [{"min": 1}, {"max": 200}, {"one_of": [1, 2, 3]}, {"expr": f"_ != {number}"}, {"equals": 1}]
                )
            )
    elif kind in ("bytes", "string"):
        made["type"] = kind
        made.update(
            draw(
                st.sampled_from(
                    [
                        {"length": f"{number} % 5"},
                        {"length": 3, "pad": 0},
                        {"length": 4, "terminator": 0},
                        {"terminator": 0, "require_terminator": False},
                        {"terminator": 1, "include": True, "require_terminator": False},
                        {"length": {"prefix": "u8"}},
                        {"length": 2, "process": "xor(7)"},
                        {"length": 2, "process": f"rol({number})", "validate": {"equals": "ab"}},
                        {"length": 2, "validate": {"one_of": ["ab", "\x00\x00"]}},
                        {"length": 1, "validate": {"expr": f"_.size == {number}"}},
                    ]
                )
            )
        )
        if kind == "string":
            made["encoding"] = "latin-1"
    elif kind == "record" and types:
        made["type"] = draw(st.sampled_from(types))
        made.update(draw(st.sampled_from([{}, {"length": 6}, {"repeat": 2}, {"if": f"{number} > 1"}])))
        return made
    elif kind == "switch" and earlier and types:
        cases = {"1": draw(st.sampled_from(types)), "2": draw(st.sampled_from(["u8", "u16"]))}
        return {"switch": {"by": number, "cases": cases, "default": draw(st.sampled_from(types))}}
    elif kind == "enum":
        made.update({"type": "u8", "enum": "Kind"})
    else:
        text = draw(
            st.sampled_from(
                [
                    "{} + 1",
                    "{} * 2 - 3",
                    "{} > 1",
                    "({} & 3) << 2",
                    "{} == 1 ? 5 : 6",
                    "[{}, 1].to_array",
                    "min({}, 2)",
                    "-{0} / 2 % 3",
                    "~{0} ^ {0} | 1",
                    "not ({0} > 1) and {0} != 7 or {0} == 0",
                    "Kind::zero + {0}",
                    "{0} == Kind::zero",
                    "'x' + {0}.to_s",
                    "'0x1f'.substring(2, 4).to_i(16) + {0}",
                    "[1, 2, 3][{0} % 3]",
                    "abs(0 - {0})",
                    "_io.pos * 256 + _io.size",
                    "_io.eof ? 1 : 2",
                    "_root._io.size",
                    "{}.to_s",
                ]
            )
        )
        return {"compute": text.format(number)}
    more = draw(
        st.sampled_from(
            [
                {},
                {},
                {"if": f"{number} > 1"},
                {"repeat": f"{number} % 4"},
                {"at": f"{number} % 3"},
                {"skip": 1},
                {"align": 4},
                {"until": "_index == 2"},
            ]
        )
    )
    if more.keys() & {"repeat", "until"} and isinstance(made.get("length"), dict):
        more = {}
    return {**made, **more}


@st.composite
def documents(draw) -> dict[str, Any]:
    """A grammar of up to three types with constructs, names and labels at random."""
    types: dict[str, Any] = {}
    for name in ("Inner", "Middle", "Top")[draw(SMALL.map(lambda n: min(n, 2))) :]:
        earlier: list[str] = []
        listed = []
        for label in draw(st.lists(NAMES, min_size=1, max_size=5, unique=True)):
            made = draw(fields(earlier, list(types), len(types)))
            listed.append({"name": label, **made})
            plain_number = (
                made.get("type") in ("u8", "u16", "u24", "u32", "b12")
                and not {"if", "repeat", "at", "until"} & made.keys()
            )
            earlier += [label] if plain_number else []
        types[name] = {"fields": listed}
        if draw(st.booleans()):
            types[name]["endian"] = draw(st.sampled_from(["big", "little"]))
    labels = {0: "Zero", 1: "zero", 2: draw(st.sampled_from(["true", "_x", "two", "Zero"])), 7: "x9"}
    root = list(types)[-1]
    return {"endian": "big", "root": root, "framing": {"repeat": "once"}, "enums": {"Kind": labels}, "types": types}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(document=documents(), data=st.binary(min_size=0, max_size=60))
def test_a_grammar_that_can_be_exported_reads_the_same_after_import(tmp_path, document, data):
    lint = lint_value(document)
    if lint.grammar is not None:
        assert reads_equal(lint.grammar, data, tmp_path) in (True, None)
