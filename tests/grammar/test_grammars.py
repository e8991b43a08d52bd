"""The shipped grammars cover real files completely, including files they were not written for."""

from __future__ import annotations

import datetime
import gettext
import gzip
import io
import marshal
import py_compile
import random
import struct
import subprocess
import sys
import tarfile
import wave
import zipfile
import zoneinfo
from pathlib import Path

import pytest

from harness.grammar.engine.parser import parse
from harness.grammar.language.lint import lint_text

ROOT = Path(__file__).parents[2]
GRAMMARS, SAMPLES = ROOT / "specs" / "grammars", ROOT / "specs" / "samples"
FORMATS = {"png_complete": "png", "gzip_members": "gzip"}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
NAMES = "ar bmp deb elf gif gzip gzip_members ico mo pcap png png_complete pyc sqlite tar ttf tzif wav zip".split()


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
        found = parse(made, path.read_bytes())
        assert not found.errors, (path.name, found.errors)
        assert found.gaps == (), path.name
        assert sum(end - start for start, end in found.covered) == found.size == path.stat().st_size


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_another_format_is_refused(name):
    made = grammar(name)
    other = files("gif" if name != "gif" else "bmp")[0]
    assert parse(made, other.read_bytes()).errors


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
    found = parse(grammar("zip"), path.read_bytes())
    assert not found.errors, found.errors
    assert found.gaps == ()
    names = [record["body"]["name"] for record in found.records[0]["sections"] if record["signature"] == 0x04034B50]
    assert names == ["pkg/__init__.py", "pkg/data.txt"]


def test_an_executable_of_this_machine_is_read():
    with Path(sys.executable).resolve().open("rb") as file:
        if file.read(4) != b"\x7fELF":
            pytest.skip("this interpreter is not an ELF file")
    found = parse(grammar("elf"), Path(sys.executable).resolve().read_bytes())
    assert not found.errors, found.errors[:3]
    assert found.records[0]["file"].get("section_count", 0) == len(found.records[0]["file"].get("sections", ()))


def test_the_script_writes_the_samples_that_are_there(tmp_path):
    subprocess.run([sys.executable, str(SAMPLES / "make_formats.py"), str(tmp_path)], check=True, timeout=60)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert len(made) == 55
    for path in made:
        ours = (SAMPLES / path).read_bytes()
        # Compressed bytes and layout may differ between versions of a library; the other bytes are fixed.
        if path.parts[0].partition("_")[0] not in ("deb", "gzip", "png", "pyc", "sqlite", "zip"):
            assert (tmp_path / path).read_bytes() == ours, path


def entries(data: bytes) -> list[tuple[str, str, bytes]]:
    """Names, link targets and contents of a tar file as its grammar reads them, with names in entries of their own."""
    found, longer = [], {}
    parsed = parse(grammar("tar"), data)
    assert not parsed.errors, parsed.errors[:3]
    assert parsed.gaps == ()
    for entry in parsed.records[0]["entries"]:
        header, body = entry["header"], entry["data"]
        match chr(header["kind"]):
            case "L":
                longer["path"] = body["name"]
            case "K":
                longer["linkpath"] = body["name"]
            case "x":
                longer |= {record["key"]: record["value"] for record in body["records"]}
            case "g":
                pass
            case _:
                prefix = header.get("prefix") or ""
                name = f"{prefix}/{header['name']}" if prefix else header["name"]
                name, linked = longer.get("path", name), longer.get("linkpath", header["linked"])
                found.append((name.rstrip("/"), linked, bytes(body) if header["bytes"] else b""))
                longer = {}
    return found


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("seed", range(4))
def test_tars_have_the_names_and_contents_that_tarfile_reads(form, seed):
    rng, file = random.Random(seed), io.BytesIO()
    # GNU tar cuts a copy of a long name after 100 bytes, perhaps within a character.
    wide, letter = form != tarfile.USTAR_FORMAT, "é" if form == tarfile.PAX_FORMAT else "e"
    with tarfile.open(fileobj=file, mode="w", format=form, encoding="utf-8") as made:
        for i in range(8):
            parts = [
                "".join(rng.choice("abcdef") for _ in range(rng.randrange(1, 40))) for _ in range(rng.randrange(1, 4))
            ]
            name = "/".join([*parts, letter * rng.randrange(120) if wide and i % 3 == 0 else f"file{i}"])
            info = tarfile.TarInfo(name)
            info.mtime = 1_700_000_000 + (0.5 if form == tarfile.PAX_FORMAT else 0)
            if i % 4 == 3:
                info.type, info.linkname = tarfile.SYMTYPE, "target/" * rng.randrange(1, 30 if wide else 10)
                made.addfile(info)
            elif i % 4 == 2:
                info.type = tarfile.DIRTYPE
                made.addfile(info)
            else:
                info.size = rng.randrange(2000)
                made.addfile(info, io.BytesIO(rng.randbytes(info.size)))
    with tarfile.open(fileobj=io.BytesIO(file.getvalue())) as read:
        members = [(m.name, m.linkname, read.extractfile(m).read() if m.isreg() else b"") for m in read.getmembers()]
    found = entries(file.getvalue())
    found, members = ([(n, link.rstrip("/"), data) for n, link, data in listed] for listed in (found, members))
    assert found == members


class Pipe(io.RawIOBase):
    """A file that cannot be rewound, so that sizes follow the data."""

    def __init__(self):
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("stream", [False, True])
def test_zips_have_the_names_and_contents_that_zipfile_reads(wide, stream):
    file = Pipe() if stream else io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for i in range(4):
            with made.open(f"file{i}.txt", "w", force_zip64=wide) as inner:
                inner.write(b"the contents of a file\n" * 20 * i)
    data = file.data if stream else file.getvalue()
    parsed = parse(grammar("zip"), data)
    assert not parsed.errors, parsed.errors[:3]
    assert parsed.gaps == ()
    found = {}
    for section in parsed.records[0]["sections"]:
        if section["signature"] == 0x04034B50:
            body = section["body"]
            found[body["name"]] = bytes(body["stream"] if stream else body["data"]["bytes"])
    with zipfile.ZipFile(io.BytesIO(data)) as read:
        assert found == {name: read.read(name) for name in read.namelist()}


@pytest.mark.parametrize(
    "path", [p for f in ("mo", "mo_holdout") for p in sorted((SAMPLES / f).iterdir())], ids=lambda p: p.name
)
def test_catalogues_have_the_messages_that_gettext_reads(path):
    (record,) = parse(grammar("mo"), path.read_bytes()).records
    found = {
        one["text"]["text"]: other["text"]["text"]
        for one, other in zip(record["originals"], record["translations"], strict=True)
    }
    with path.open("rb") as file:
        read = gettext.GNUTranslations(file)
    assert found
    for original, translation in found.items():
        if "\0" in original:
            assert read.ngettext(*original.split("\0"), 1) == translation.split("\0")[0]
        else:
            assert read.gettext(original) == translation


@pytest.mark.parametrize(
    "path", [p for f in ("ar", "ar_holdout") for p in sorted((SAMPLES / f).iterdir())], ids=lambda p: p.name
)
def test_archives_have_the_members_that_their_headers_state(path):
    data, at, expected = path.read_bytes(), 8, []
    while at < len(data):
        size = int(data[at + 48 : at + 58])
        expected.append((data[at : at + 16].decode().rstrip(), data[at + 60 : at + 60 + size]))
        at += 60 + size + size % 2
    (record,) = parse(grammar("ar"), path.read_bytes()).records
    assert [(member["name"], bytes(member["data"])) for member in record["members"]] == expected


def test_zones_change_when_zoneinfo_says_so():
    for path in files("tzif"):
        block = parse(grammar("tzif"), path.read_bytes()).records[0]["second_block"]
        with path.open("rb") as file:
            known = zoneinfo.ZoneInfo.from_file(file)
        names = b"".join(name["text"].encode() + b"\0" for name in block["names"])
        for time, kind in zip(block.get("wide_times", ()), block.get("types_of_times", b""), strict=True):
            if time < 0:
                continue  # before year 1 of datetime, or of no interest
            local, then = block["types"][kind], (EPOCH + datetime.timedelta(seconds=time)).astimezone(known)
            assert then.utcoffset() == datetime.timedelta(seconds=local["offset"])
            assert then.tzname() == names[local["name_at"] :].split(b"\0")[0].decode()


def test_byte_code_has_the_constants_that_marshal_reads(tmp_path):
    source = tmp_path / "some.py"
    source.write_text("X = (1, 2.5, 'text', b'bytes', None, -5, True)\n\ndef f(a, *, b):\n    return a + b + 7\n")
    made = Path(py_compile.compile(str(source), cfile=str(tmp_path / "some.pyc")))
    code = marshal.loads(made.read_bytes()[16:])
    found = parse(grammar("pyc"), made.read_bytes())
    assert not found.errors, found.errors
    module = found.records[0]["module"]["value"]
    constants = module["constants"]["value"]["items"]
    assert len(constants) == len(code.co_consts)
    assert (module["first_line"], module["stack_size"]) == (code.co_firstlineno, code.co_stacksize)
    inner = next(one["value"] for one in constants if one["tag"] == ord("c"))
    function = next(one for one in code.co_consts if hasattr(one, "co_code"))
    assert (inner["arguments"], inner["keyword_only"]) == (function.co_argcount, function.co_kwonlyargcount)
    values = next(one["value"] for one in constants if one["tag"] == ord(")"))["items"]
    assert [one["value"]["number"] for one in values[:2]] == [1, 2.5]
    assert values[2]["value"]["text"] == "text"


@pytest.mark.parametrize("members", [1, 2, 5])
def test_every_member_of_a_gzip_file_is_read(members):
    texts = [f"member {i}".encode() * i for i in range(members)]
    found = parse(grammar("gzip_members"), b"".join(gzip.compress(text) for text in texts))
    assert not found.errors, found.errors
    assert [record["data"] for record in found.records] == texts


def test_variants_that_writers_make():
    """GIF without its trailer, WAV without the last padding byte, RIFX."""
    assert not parse(grammar("gif"), files("gif")[0].read_bytes()[:-1]).errors
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"abc")
    assert not parse(grammar("wav"), body.getvalue()).errors
    form = (
        b"WAVEfmt " + struct.pack(">IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data" + struct.pack(">Ihh", 4, -2, 300)
    )
    found = parse(grammar("wav"), b"RIFX" + struct.pack(">I", len(form)) + form)
    assert not found.errors, found.errors
    assert found.records[0]["body"]["chunks"][1]["body"]["sixteen"] == (-2, 300)


def test_notes_of_an_executable_are_read():
    path = Path(sys.executable).resolve()
    with path.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            pytest.skip("this interpreter is not an ELF file")
    sections = parse(grammar("elf"), path.read_bytes()).records[0]["file"].get("sections", ())
    notes = [note for one in sections if one["kind"] == 7 for note in one["contents"]["notes"]]
    assert not notes or "GNU" in {note["name"] for note in notes}


@pytest.mark.parametrize("form", ["", "gz", "xz"])
def test_packages_hold_the_files_that_tarfile_reads(form):
    archives = []
    for names in (["./control"], ["./usr/", "./usr/a", "./usr/b"]):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=f"w:{form}") as made:
            for name in names:
                entry = tarfile.TarInfo(name)
                entry.type, entry.size = (tarfile.DIRTYPE, 0) if name.endswith("/") else (tarfile.REGTYPE, 900)
                made.addfile(entry, io.BytesIO(name.encode() * 200))
        archives.append(out.getvalue())
    data = b"!<arch>\n"
    suffix = f".{form}" if form else ""
    for name, body in (
        ("debian-binary", b"2.0\n"),
        *zip((f"control.tar{suffix}", f"data.tar{suffix}"), archives, strict=True),
    ):
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(body):<10}`\n"
        data += head.encode() + body + b"\n" * (len(body) % 2)
    found = parse(grammar("deb"), data)
    assert not found.errors, found.errors
    package = found.records[0]
    assert package["version"]["text"] == "2.0\n"
    for part, archive in zip(("control", "files"), archives, strict=True):
        tree = package[part][{"": "plain", "gz": "gzip", "xz": "xz"}[form]]
        with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
            assert [entry["header"]["name"].rstrip("/") for entry in tree["entries"]] == opened.getnames()
            contents = [opened.extractfile(one).read() for one in opened if one.isfile()]
            assert [
                bytes(entry["data"]) for entry in tree["entries"] if entry["header"]["size"].strip("0 ")
            ] == contents
