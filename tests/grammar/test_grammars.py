"""The shipped grammars cover real files completely, including files they were not written for."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.grammar.engine.parser import parse, parse_file
from harness.grammar.language.lint import lint_text

ROOT = Path(__file__).parents[2]
GRAMMARS, SAMPLES = ROOT / "specs" / "grammars", ROOT / "specs" / "samples"
FORMATS = {"png_complete": "png"}
NAMES = ("bmp", "elf", "gif", "gzip", "pcap", "png", "png_complete", "sqlite", "tar", "wav", "zip")


def grammar(name):
    lint = lint_text((GRAMMARS / f"{name}.yaml").read_text("utf-8"))
    assert lint.grammar is not None, lint.errors
    assert not [w for w in lint.warnings if w.code != "zero-size"], lint.warnings
    return lint.grammar


def files(name):
    kind = FORMATS.get(name, name)
    found = sorted([*(SAMPLES / kind).iterdir(), *(SAMPLES / f"{kind}_holdout").iterdir()])
    assert len(found) >= 3
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_byte_is_explained_and_nothing_is_wrong(name):
    made = grammar(name)
    for path in files(name):
        found = parse_file(made, path)
        assert not found.errors, (path.name, found.errors)
        assert found.gaps == (), path.name
        assert sum(end - start for start, end in found.covered) == found.size == path.stat().st_size


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_another_format_is_refused(name):
    made = grammar(name)
    other = files("gif" if name != "gif" else "bmp")[0]
    assert parse_file(made, other).errors


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_file_is_noticed_and_nothing_is_counted_twice(name):
    made = grammar(name)
    for path in files(name)[:2]:
        data = path.read_bytes()
        found = parse(made, data[: len(data) * 2 // 3])
        assert found.errors, path.name
        covered = sum(end - start for start, end in found.covered)
        assert covered + sum(end - start for start, end in found.gaps) == found.size


@pytest.mark.parametrize("name", NAMES)
def test_flipped_bits_never_raise(name):
    made, dice = grammar(name), random.Random(name)
    data = bytearray(files(name)[0].read_bytes())
    for _ in range(30):
        broken = bytearray(data)
        for _ in range(4):
            broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
        found = parse(made, bytes(broken))
        assert sum(b - a for a, b in found.covered) + sum(b - a for a, b in found.gaps) == found.size


def test_checks_of_the_formats_bite():
    for name, at, kind in (
        ("png", 20, "checksum"),
        ("gzip", -2, "mismatch"),
        ("bmp", 3, "mismatch"),
        ("elf", 0, "mismatch"),
    ):
        data = bytearray(files(name)[0].read_bytes())
        data[at] ^= 0xFF
        assert kind in [fault.kind for fault in parse(grammar(name), bytes(data)).errors], name


def test_a_wheel_that_zipfile_writes_now_is_read(tmp_path):
    path = tmp_path / "now.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("pkg/__init__.py", "x = 1\n" * 100)
        made.writestr("pkg/data.txt", "")
    found = parse_file(grammar("zip"), path)
    assert not found.errors, found.errors
    assert found.gaps == ()
    names = [record["body"]["name"] for record in found.records if record["signature"] == 0x04034B50]
    assert names == ["pkg/__init__.py", "pkg/data.txt"]


class Pipe(io.RawIOBase):
    """A file that cannot be rewound, so that zipfile writes the sizes after the data."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.data += data
        return len(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("streamed", [True, False])
def test_the_files_of_an_archive_are_those_of_zipfile(method, streamed):
    texts = {"a.txt": b"hello " * 50, "b.txt": b"", "c.bin": bytes(range(256)) * 3}
    pipe = Pipe() if streamed else io.BytesIO()
    with zipfile.ZipFile(pipe, "w", method) as made:
        for name, text in texts.items():
            made.writestr(name, text)
    data = bytes(pipe.data if streamed else pipe.getvalue())
    found = parse(grammar("zip"), data)
    files = [record["body"] for record in found.records if record["signature"] == 0x04034B50]
    if streamed and method == zipfile.ZIP_BZIP2:
        assert found.errors  # only deflated data is read without its size
        return
    assert not found.errors, found.errors[:3]
    held = [body.get("stream") or body.get("data") for body in files]
    assert {body["name"]: each["bytes"] for body, each in zip(files, held, strict=True)} == texts
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sizes = [(info.compress_size, info.file_size, info.CRC) for info in archive.infolist()]
    where = [body["stream"] if streamed else body for body in files]
    assert [(each["packed_size"], each["size"], each["crc"]) for each in where] == sizes
    broken = data.replace(sizes[0][2].to_bytes(4, "little"), b"\0\0\0\0", 1)
    assert bool(parse(grammar("zip"), broken).errors) is streamed  # the checksum of a streamed file is checked


def test_an_executable_of_this_machine_is_read():
    with Path(sys.executable).resolve().open("rb") as file:
        if file.read(4) != b"\x7fELF":
            pytest.skip("this interpreter is not an ELF file")
    found = parse_file(grammar("elf"), Path(sys.executable).resolve())
    assert not found.errors, found.errors[:3]
    assert found.records[0]["file"].get("section_count", 0) == len(found.records[0]["file"].get("sections", ()))


def test_the_script_writes_the_samples_that_are_there(tmp_path):
    subprocess.run([sys.executable, str(SAMPLES / "make_formats.py"), str(tmp_path)], check=True, timeout=60)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert len(made) == 27
    for path in made:
        ours = (SAMPLES / path).read_bytes()
        # Compressed bytes and layout may differ between versions of a library; the other bytes are fixed.
        if path.parts[0].partition("_")[0] in ("wav", "bmp", "gif", "elf", "pcap", "tar"):
            assert (tmp_path / path).read_bytes() == ours, path
