"""A file with changed values reads back with these values and no new error, also by readers that know no grammar."""

from __future__ import annotations

import gettext
import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.grammar import Grammar, WriteError, build, lint_text
from harness.grammar.engine.node import Leaf
from harness.grammar.engine.parser import parse
from harness.grammar.host.tree_view import PathError, resolve
from harness.grammar.writing import builder, settling
from harness.grammar.writing.encoding import encode

SPECS = Path(__file__).parents[3] / "specs"
GRAMMARS = {path.stem: lint_text(path.read_text()).grammar for path in sorted((SPECS / "grammars").glob("*.yaml"))}
SAMPLES = [(path.parent.name, path) for path in sorted((SPECS / "samples").glob("*/*")) if path.parent.name in GRAMMARS]


def grammar_of(name: str) -> Grammar:
    found = GRAMMARS[name]
    assert found is not None
    return found


def linted(text: str) -> Grammar:
    found = lint_text(text)
    assert found.grammar is not None, found.errors
    return found.grammar


def sample(name: str, file: str) -> bytes:
    return (SPECS / "samples" / name / file).read_bytes()


@pytest.mark.parametrize(("name", "path"), SAMPLES, ids=lambda value: getattr(value, "name", value))
def test_every_value_of_every_sample_is_encoded_as_it_was(name: str, path: Path) -> None:
    """The encoder is the inverse of the parser, but for compressed bytes, whose compression is not the only one."""
    data = path.read_bytes()
    found = parse(grammar_of(name), data)
    assert build(grammar_of(name), found) == data
    for span in found.leaves():
        leaf = span.leaf
        if leaf.value is None or isinstance(leaf.value, tuple) or leaf.field.process or leaf.primitive is None:
            continue
        old = data[leaf.start : leaf.end]
        value = bytes(leaf.value) if isinstance(leaf.value, memoryview) else leaf.value
        made = encode(leaf, value, span.record, old)
        assert made == old or (leaf.unread is not None and len(made) == len(old)), span.path


TEXT = """
endian: {order}
root: File
framing: {{repeat: once}}
enums: {{Kind: {{1: small, 2: large}}}}
types:
  File:
    fields:
      - {{name: magic, type: bytes, length: 2, validate: {{equals: "XY"}}}}
      - {{name: kind, type: u8, enum: Kind, validate: {{in_enum: true}}}}
      - {{name: first, type: b3}}
      - {{name: second, type: b5}}
      - {{name: total, type: u32}}
      - {{name: table_at, type: u32}}
      - {{name: name, type: string, length: {{prefix: u16}}}}
      - {{name: label, type: string, terminator: 0}}
      - {{name: code, type: string, length: 8, pad: 0x20, encoding: ascii}}
      - {{name: body, type: Body, length: total - 4}}
      - {{name: varied, type: leb128}}
      - {{name: signed, type: sleb128}}
      - {{name: ratio, type: f64}}
      - {{name: crc, type: u32, checksum: {{algorithm: crc32, over: [name, label, code, body]}}}}
      - {{name: packed, type: bytes, length: {{prefix: u16}}, process: zlib}}
      - {{name: table, type: u16, repeat: 3, at: table_at}}
  Body:
    fields:
      - {{name: size, type: u16}}
      - {{name: data, type: bytes, length: size * 2}}
      - {{name: twice, type: u16, validate: {{equals: data.size * 2}}}}
      - {{name: rest, type: bytes, length: rest}}
"""


def file_of(order: str) -> bytes:
    e = "<" if order == "little" else ">"
    body = struct.pack(e + "H", 3) + b"abcdef" + struct.pack(e + "H", 12) + b"rest"
    summed = struct.pack(e + "H", 4) + b"name" + b"label\0" + b"code    " + body
    packed = zlib.compress(b"inner bytes")
    tail = b"\x85\x01" + b"\x7f" + struct.pack(e + "d", 1.5) + struct.pack(e + "I", zlib.crc32(summed))
    tail += struct.pack(e + "H", len(packed)) + packed
    head = b"XY\x01" + bytes([0b101_00111])
    at = len(head) + 8 + len(summed) + len(tail)
    return head + struct.pack(e + "II", len(body) + 4, at) + summed + tail + struct.pack(e + "HHH", 1, 2, 3)


@pytest.mark.parametrize("order", ["little", "big"])
class TestAFormatWithEverything:
    """Every construct that states something about another field."""

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("kind", "large"), ("kind", 2), ("first", 7), ("second", 0), ("name", "a much longer name é"), ("name", ""),
            ("label", "x"), ("label", ""), ("code", "ab"), ("body.data", b"12345678"), ("body.data", b""),
            ("body.rest", b"more and more"), ("varied", 1 << 20), ("varied", 0), ("signed", -1_000_000), ("signed", 63),
            ("ratio", -0.25), ("packed", b"other"), ("packed", b""),
        ],
    )  # fmt: skip
    def test_a_value_is_changed_and_the_rest_follows(self, order: str, path: str, value: object) -> None:
        grammar = lint_text(TEXT.format(order=order)).grammar
        assert grammar is not None
        data = file_of(order)
        assert not parse(grammar, data).errors
        made = build(grammar, data, {path: value})
        after = parse(grammar, made)
        assert not after.errors
        expected = 2 if value == "large" else value
        assert resolve(after, path)[1].value == expected
        assert resolve(after, "table")[1].value == (1, 2, 3)
        assert not after.gaps
        unchanged = {"magic", "name", "label", "code", "ratio"} - {path}
        before = parse(grammar, data)
        assert all(resolve(after, name)[1].value == resolve(before, name)[1].value for name in unchanged)

    def test_several_changes_at_once(self, order: str) -> None:
        grammar = lint_text(TEXT.format(order=order)).grammar
        assert grammar is not None
        changes = {"first": 1, "second": 31, "name": "longer than before", "body.data": b"1234", "packed": b"x" * 500}
        after = parse(grammar, build(grammar, file_of(order), changes))
        assert not after.errors
        assert {path: resolve(after, path)[1].value for path in changes} == changes

    @pytest.mark.parametrize(
        ("path", "value", "why"),
        [
            ("kind", 3, "would not be valid"), ("kind", "huge", "not a label"), ("kind", 256, "does not fit u8"),
            ("first", 8, "does not fit b3"), ("magic", b"ZZ", "would not be valid"),
            ("magic", b"XYZ", "3 bytes, the field 2"),
            ("label", "a\0b", "the terminator"), ("code", "too long here", "13 bytes, the field 8"),
            ("code", "é", "not in ascii"),
            ("body.data", b"odd", "no inverse"), ("body", b"", "not a single value"),
            ("total", 3, "would not be valid"),
            ("kind", b"x", "not u8"),
            ("name", 5, "not a string"), ("varied", -1, "does not fit leb128"), ("table[0]", 5, "one by one"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_written_is_an_error(self, order: str, path: str, value: object, why: str) -> None:
        grammar = lint_text(TEXT.format(order=order)).grammar
        assert grammar is not None
        with pytest.raises(WriteError, match=why):
            build(grammar, file_of(order), {path: value})

    def test_a_path_that_leads_nowhere(self, order: str) -> None:
        grammar = lint_text(TEXT.format(order=order)).grammar
        assert grammar is not None
        with pytest.raises(PathError):
            build(grammar, file_of(order), {"nothing": 1})


@given(name=st.text(max_size=300), data=st.binary(max_size=200), number=st.integers(0, 1 << 40))
@settings(max_examples=40)
def test_any_values_read_back(name: str, data: bytes, number: int) -> None:
    grammar = lint_text(TEXT.format(order="big")).grammar
    assert grammar is not None
    data = data[: len(data) // 2 * 2]
    made = build(grammar, file_of("big"), {"name": name, "body.data": data, "varied": number})
    after = parse(grammar, made)
    assert (resolve(after, "name")[1].value, resolve(after, "body.data")[1].value) == (name, data)
    assert resolve(after, "varied")[1].value == number
    assert not after.errors


def test_tarfile_reads_a_changed_tar() -> None:
    changes = {"entries[0].header.name": "renamed.txt", "entries[0].data": b"x" * 700}
    made = build(grammar_of("tar"), sample("tar", "two.tar"), changes)
    with tarfile.open(fileobj=io.BytesIO(made)) as archive:
        first = archive.getmembers()[0]
        content = archive.extractfile(first)
        assert content is not None
        assert (first.name, content.read()) == ("renamed.txt", b"x" * 700)
        assert [member.name for member in archive.getmembers()[1:]] == ["src", "src/main.c"]


def test_gzip_reads_a_changed_gzip() -> None:
    made = build(grammar_of("gzip"), sample("gzip", "fox.gz"), {"data": b"another fox"})
    assert gzip.decompress(made) == b"another fox"


def test_zlib_accepts_the_checksums_of_a_changed_png() -> None:
    path = sorted((SPECS / "samples/png").glob("*.png"))[0]
    made = build(grammar_of("png"), path.read_bytes(), {"chunks[2].body": b"Author\0Somebody else entirely"})
    at, kinds = 8, []
    while at < len(made):
        (size,) = struct.unpack_from(">I", made, at)
        (crc,) = struct.unpack_from(">I", made, at + 8 + size)
        assert crc == zlib.crc32(made[at + 4 : at + 8 + size])
        kinds.append(made[at + 4 : at + 8])
        at += 12 + size
    assert (kinds[0], kinds[-1], at) == (b"IHDR", b"IEND", len(made))


def test_gettext_reads_a_changed_catalogue() -> None:
    before = gettext.GNUTranslations(io.BytesIO(sample("mo", "menu.mo")))
    grammar = grammar_of("mo")
    found = parse(grammar, sample("mo", "menu.mo"))
    count = resolve(found, "count")[1].value
    place = next(i for i in range(count) if resolve(found, f"originals[{i}].text.text")[1].value)
    original = resolve(found, f"originals[{place}].text.text")[1].value
    made = build(grammar, found, {f"translations[{place}].text.text": "a much longer translation than before"})
    after = gettext.GNUTranslations(io.BytesIO(made))
    assert after.gettext(original) == "a much longer translation than before"
    others = [key for key in before._catalog if key not in ("", original)]  # type: ignore[attr-defined]
    assert all(after.gettext(key) == before.gettext(key) for key in others if isinstance(key, str))


def archive_of(method: int, *, streamed: bool = False) -> bytes:
    made = io.BytesIO()
    target = Unseekable(made) if streamed else made
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.writestr("a.txt", b"hello " * 50)
        archive.writestr("folder/b.bin", bytes(range(40)))
        archive.comment = b"note"
    return made.getvalue()


class Unseekable(io.RawIOBase):
    """A pipe: zipfile writes descriptors after the files."""

    def __init__(self, target: io.BytesIO) -> None:
        self.target = target

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self.target.write(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_directory_of_a_changed_archive_follows_its_files(method: int) -> None:
    grammar, data = grammar_of("zip"), archive_of(method)
    for changes, files in (
        ({"sections[0].body.data.bytes": b"x" * 1000}, {"a.txt": b"x" * 1000}),
        ({"sections[1].body.data.bytes": b""}, {"folder/b.bin": b""}),
        ({"sections[0].body.name": "longer/name.txt"}, {"longer/name.txt": b"hello " * 50}),
        (
            {"sections[0].body.name": "n", "sections[1].body.data.bytes": b"yy"},
            {"n": b"hello " * 50, "folder/b.bin": b"yy"},
        ),
        ({"sections[2].body.comment": "of the file"}, {"a.txt": b"hello " * 50}),
    ):
        made = build(grammar, data, changes)
        assert not parse(grammar, made).errors
        with zipfile.ZipFile(io.BytesIO(made)) as archive:
            assert archive.testzip() is None
            assert archive.comment == b"note"
            assert {name: archive.read(name) for name in files} == files


@pytest.mark.parametrize("path", ["sections[2].body.name", "sections[2].body.crc", "sections[0].body.size"])
def test_a_value_that_repeats_another_one_cannot_be_changed_alone(path: str) -> None:
    value: Any = "other" if path.endswith("name") else 5
    with pytest.raises(WriteError, match="another field decides it"):
        build(grammar_of("zip"), archive_of(zipfile.ZIP_STORED), {path: value})


def test_a_directory_that_no_expression_states_is_refused() -> None:
    """Of a streamed file the directory has the only size before its descriptor, so nothing leads there."""
    grammar, data = grammar_of("zip"), archive_of(zipfile.ZIP_DEFLATED, streamed=True)
    assert not parse(grammar, data).errors
    with pytest.raises(WriteError, match="would not be valid"):
        build(grammar, data, {"sections[0].body.stream": b"x" * 1000})
    with zipfile.ZipFile(io.BytesIO(build(grammar, data, {"sections[0].body.name": "other"}))) as archive:
        assert archive.namelist() == ["other", "folder/b.bin"]


@pytest.mark.parametrize(
    ("name", "file", "path", "value"),
    [
        ("ico", "ico/two.ico", "entries[0].bitmap.mask", b"m" * 60),
        ("ico", "ico/two.ico", "entries[1].bitmap.mask", b""),
        ("ttf", "ttf/more.ttf", "tables[5].body", b"b" * 9),
        ("ttf", "ttf/more.ttf", "tables[4].body", b"123"),
        ("ttf", "ttf/plain.ttf", "tables[3].body.strings", b"s" * 500),
        ("elf", "elf/amd64.elf", "file.sections[1].contents", b"c" * 99),
        ("elf", "elf/mips.elf", "file.sections[1].contents", b"xy"),
        ("zip", "zip_holdout/piped.zip", "sections[0].body.name", "renamed.txt"),
    ],
)
def test_a_directory_follows_what_it_points_to(name: str, file: str, path: str, value: Any) -> None:
    """Positions move with the content, also back if the padding after it becomes shorter; nothing is left uncovered."""
    grammar, data = grammar_of(name), (SPECS / "samples" / file).read_bytes()
    before = parse(grammar, data)
    made = parse(grammar, build(grammar, data, {path: value}))
    assert not made.errors
    assert made.gaps == ()
    others = [
        span.path for span in before.leaves() if isinstance(span.leaf.value, bytes) and not span.path.endswith(path)
    ]
    kept = {span.path: span.leaf.value for span in made.leaves()}
    content = {span.path: span.leaf.value for span in before.leaves()}
    assert all(kept[one] == content[one] for one in others if one in kept and "padding" not in one)


def test_a_value_that_makes_its_field_absent_is_refused() -> None:
    with pytest.raises(WriteError, match="contents: it would be absent"):
        build(grammar_of("elf"), (SPECS / "samples/elf/mips.elf").read_bytes(), {"file.sections[1].contents": b""})


def test_the_tree_of_an_elf_file_has_the_names_of_its_sections() -> None:
    found = parse(grammar_of("elf"), (SPECS / "samples/elf/amd64.elf").read_bytes())
    names = [section.get("name") for section in found.records[0]["file"]["sections"]]
    assert names[0] is None
    assert all(isinstance(name, str) and name.startswith(".") for name in names[1:])


def test_a_condition_that_must_be_true_decides_the_left_side_of_its_equations() -> None:
    text = """
endian: big
framing: {repeat: once}
types:
  T:
    fields:
      - {name: flags, type: u8}
      - {name: twice, type: u8}
      - {name: more, type: u8}
      - {name: n, type: u8}
    instances:
      holds:
        compute: "(flags == 7 ? twice == 3 : twice == 2 * n) and (more == n + 1 or more == 9)"
        validate: {equals: true}
"""
    grammar = lint_text(text).grammar
    assert grammar is not None
    assert build(grammar, bytes([0, 4, 3, 2]), {"n": 5}) == bytes([0, 10, 6, 5])
    assert build(grammar, bytes([0, 4, 9, 2]), {"n": 5}) == bytes([0, 10, 9, 5])
    assert build(grammar, bytes([0, 4, 3, 2]), {"flags": 7}) == bytes([7, 3, 3, 2])
    with pytest.raises(WriteError, match="another field decides it"):
        build(grammar, bytes([0, 4, 3, 2]), {"twice": 5})


def test_a_number_that_two_fields_state_differently_is_an_error() -> None:
    text = """
endian: big
framing: {repeat: once}
types:
  T:
    fields:
      - {name: n, type: u8}
      - {name: a, type: bytes, length: n}
      - {name: b, type: bytes, length: n}
"""
    grammar = lint_text(text).grammar
    assert grammar is not None
    data = b"\x02aabb"
    with pytest.raises(WriteError):
        build(grammar, data, {"a": b"aaa"})
    assert build(grammar, data, {"a": b"aaa", "b": b"bbb"}) == b"\x03aaabbb"


def test_leaves_are_found_by_the_paths_of_a_parse() -> None:
    found = parse(grammar_of("tar"), sample("tar", "two.tar"))
    assert all(isinstance(resolve(found, span.path)[1], Leaf) or "[" in span.path for span in found.leaves())


def test_what_another_record_computes_from_a_changed_one_follows() -> None:
    grammar = linted("""
endian: big
root: File
framing: {repeat: once}
types:
  File:
    fields:
      - {name: head, type: Head}
      - {name: items, type: Item, repeat: 2}
  Head:
    fields:
      - {name: size, type: u8}
      - {name: data, type: bytes, length: size}
  Item:
    fields:
      - {name: kind, type: u8}
      - {name: pad, type: bytes, length: (4 - used % 4) % 4}
    instances:
      used: {compute: _root.head.size}
""")
    assert build(grammar, b"\x02ab\x07\0\0\x08\0\0", {"head.data": b"abc"}) == b"\x03abc\x07\0\x08\0"


def test_a_changed_size_and_checksum_take_two_parses(monkeypatch: pytest.MonkeyPatch) -> None:
    grammar = linted("""
endian: big
root: File
framing: {repeat: once}
types:
  File: {fields: [{name: items, type: Item, repeat: rest}]}
  Item:
    fields:
      - {name: size, type: u8}
      - {name: data, type: bytes, length: size}
      - {name: sum, type: u32, checksum: {algorithm: crc32, over: [size, data]}}
""")
    items = [bytes([len(data)]) + data for data in (b"one", b"two")]
    file = b"".join(item + zlib.crc32(item).to_bytes(4, "big") for item in items)
    parses = []
    for module in (builder, settling):
        monkeypatch.setattr(module, "parse", lambda *given: parses.append(given) or parse(*given))
    made = build(grammar, file, {"items[0].data": b"three"})
    assert made == b"\5three" + zlib.crc32(b"\5three").to_bytes(4, "big") + file[8:]
    assert len(parses) == 2
    build(grammar, parse(grammar, file), {"items[0].data": b"three"})
    assert len(parses) == 3
