"""Generated files are valid, new, repeatable, and accepted by readers that know no grammar."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from harness.cli import main
from harness.grammar import WriteError, build, generate, lint_text
from harness.grammar.engine.parser import parse
from harness.grammar.language.grammar import Grammar

SPECS = Path(__file__).parents[3] / "specs"
GRAMMARS = sorted(path.stem for path in (SPECS / "grammars").glob("*.yaml"))


def shipped(name: str) -> Grammar:
    grammar = lint_text((SPECS / f"grammars/{name}.yaml").read_text()).grammar
    assert grammar is not None
    return grammar


def made_from(text: str) -> list[bytes]:
    grammar = lint_text("endian: big\nframing: {repeat: once}\ntypes:\n" + text).grammar
    assert grammar is not None
    found = list(generate(grammar, count=5, seed=1))
    assert not [fault for data in found for fault in parse(grammar, data).errors]
    return found


@pytest.mark.parametrize("name", GRAMMARS)
def test_a_grammar_alone_is_enough(name: str) -> None:
    grammar = shipped(name)
    made = list(generate(grammar, count=2, seed=2))
    assert len(set(made)) == 2
    for data in made:
        found = parse(grammar, data)
        assert not found.errors
        assert build(grammar, found) == data
    assert made[:1] == list(generate(grammar, count=1, seed=2))


def pixels_of(data: bytes) -> tuple[int, int]:
    """Read a PNG file with struct and zlib; its width and height."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, chunks = 8, []
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", data, at + 8 + size)[0] == zlib.crc32(kind + body)
        chunks.append((kind, body))
        at += size + 12
    assert chunks[0][0] == b"IHDR"
    assert chunks[-1] == (b"IEND", b"")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunks[0][1])
    rows = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    stride = (width * depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] + 7) // 8 + 1
    if not interlace:
        assert len(rows) == height * stride
        assert max(rows[::stride]) <= 4
    return width, height


def test_independent_readers_open_what_is_generated() -> None:
    assert all(min(pixels_of(data)) >= 1 for data in generate(shipped("png_complete"), count=5, seed=3))
    for name in ("gzip", "gzip_members"):
        assert any(gzip.decompress(data) for data in generate(shipped(name), count=5, seed=3))
    read = 0
    for data in generate(shipped("zip"), count=12, seed=8):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not entry.flag_bits & 0x69:
                    assert archive.read(entry) is not None
                    read += 1
    assert read


@pytest.mark.parametrize(
    "text",
    [
        "  T: {fields: [{name: n, type: leb128}, {name: b, type: bytes, length: n}]}",
        "  T: {fields: [{name: n, type: vlq}, {name: b, type: R, length: n * 2 + 1}]}\n"
        "  R: {fields: [{name: a, type: u24}]}",
        "  T: {fields: [{name: r, type: R, length: {prefix: u16}}]}\n"
        "  R: {fields: [{name: a, type: u8, repeat: rest}]}",
        "  T: {fields: [{name: n, type: u8}, {name: b, type: R, length: n, process: 'zlib'}]}\n"
        "  R: {fields: [{name: s, type: string, terminator: 0, encoding: utf-16le},"
        " {name: t, type: b3}, {name: u, type: b5}]}",
        "  T: {fields: [{name: a, type: u16}, {name: r, type: R, at: a}, {name: b, type: u8, align: 4}]}\n"
        "  R: {fields: [{name: x, type: u32, validate: {expr: _ % 7 == 3}}]}",
        "  T: {fields: [{name: r, type: R, until: _.k == 9}]}\n"
        "  R: {fields: [{name: k, type: u8}, {name: v, type: u8, if: k != 9, repeat: k}]}",
        "  T: {fields: [{name: n, type: string, length: 4, encoding: ascii}, {name: s, type: u8, repeat: n.to_i(16)}]}",
        "  T: {fields: [{name: c, type: u32, checksum: {algorithm: adler32, over: [b]}},"
        " {name: b, type: bytes, length: rest}]}",
        "  T: {fields: [{name: n, type: u8}, {name: r, type: 'R(n)', repeat: 2}]}\n"
        "  R: {params: [k], fields: [{name: s, type: string, length: k, encoding: utf-8}]}",
    ],
)  # fmt: skip
def test_each_construct_is_solved(text: str) -> None:
    assert len({len(data) for data in made_from(text)}) >= 1


def test_a_construct_without_a_solution_is_named() -> None:
    with pytest.raises(WriteError, match=r"T\[0\]\.b: 4369000 bytes are asked for by values that are fixed"):
        made_from(
            "  T: {fields: [{name: n, type: u8, validate: {equals: 1}}, {name: b, type: bytes, length: n * 4369000}]}"
        )
    with pytest.raises(WriteError, match=r"T\[0\]\.n: expected _ \* 2 == 3"):
        made_from("  T: {fields: [{name: n, type: u8, validate: {expr: _ * 2 == 3}}]}")


@pytest.mark.parametrize("name", ["png", "gzip", "gif", "wav", "bmp", "mo", "ar", "pcap"])
def test_generated_files_are_valid_and_new(name: str) -> None:
    grammar = lint_text((SPECS / f"grammars/{name}.yaml").read_text()).grammar
    assert grammar is not None
    samples = [path.read_bytes() for path in sorted((SPECS / "samples" / name).iterdir())]
    made = list(generate(grammar, samples, count=4, seed=3))
    assert len(made) >= 3
    assert not [fault for data in made for fault in parse(grammar, data).errors]
    assert len({*made, *samples}) == len(made) + len(samples)
    assert made[:1] == list(generate(grammar, samples, count=1, seed=3))
    assert made[:1] != list(generate(grammar, samples, count=1, seed=4))
    if name == "gzip":
        assert all(gzip.decompress(data) is not None for data in made)


def test_without_a_valid_sample_nothing_is_generated() -> None:
    grammar = lint_text("endian: big\nframing: {repeat: once}\ntypes: {T: {fields: [{name: a, type: u32}]}}").grammar
    assert grammar is not None
    with pytest.raises(WriteError, match="no sample is valid"):
        list(generate(grammar, [b"a"], count=1, seed=0))
    assert len(list(generate(grammar, [b"abcd"], count=3, seed=0))) == 3


def test_the_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    png = sorted((SPECS / "samples/png").glob("*.png"))[0]
    out = tmp_path / "new.png"
    assert main(["spec", "set", str(png), "chunks[1].body.x=0x20", "--out", str(out)]) == 0
    assert "chunks[1].body.x: 2835 → 32" in capsys.readouterr().out
    assert main(["spec", "parse", str(out), "--path", "chunks[1].body.x"]) == 0
    assert "x = 32" in capsys.readouterr().out
    for words, why in (
        (["chunks[1].body.x=x"], "not a number"), (["chunks[0].body.widht=1"], "did you mean"),
        ([], "a change is missing"),
        (["chunks[0]"], "not a change"), (["chunks[0].body.width=0"], "would not be valid"),
    ):  # fmt: skip
        assert main(["spec", "set", str(png), *words, "--out", str(tmp_path / "not.png")]) == 4
        assert why in capsys.readouterr().err
    assert not (tmp_path / "not.png").exists()
    folder = tmp_path / "new"
    words = ["spec", "generate", str(SPECS / "grammars/gzip.yaml"), "--out", str(folder), "--count", "2"]
    assert main(words) == 0
    assert [gzip.decompress(path.read_bytes()) is not None for path in folder.iterdir()] == [True, True]
    folder = tmp_path / "more"
    assert main(["spec", "generate", str(png), "--out", str(folder), "--count", "3"]) == 0
    assert len(list(folder.iterdir())) == 3


def test_json_stays_json_where_the_grammar_has_fewer_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grammar = tmp_path / "one.yaml"
    grammar.write_text(
        "endian: big\ntypes:\n  A:\n    fields: [{name: x, type: u8, validate: {equals: 7}}]\nframing: {repeat: once}\n"
    )
    assert main(["spec", "generate", str(grammar), "--out", str(tmp_path / "new"), "--count", "3", "--json"]) == 0
    printed = capsys.readouterr()
    assert [Path(name).read_bytes() for name in json.loads(printed.out)["files"]] == [b"\x07"]
    assert printed.err == "note: 2 of 3 had nothing new\n"
