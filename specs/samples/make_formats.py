"""Write the samples of the shipped grammars: small, real, the same bytes on every run.

Run: python specs/samples/make_formats.py [FOLDER]

Where the standard library writes a format it is used; ELF, BMP, GIF and PCAP are put together by their own rules.
"""

from __future__ import annotations

import gzip
import io
import marshal
import math
import sqlite3
import struct
import sys
import tarfile
import tempfile
import wave
import zipfile
import zlib
from importlib.util import MAGIC_NUMBER
from pathlib import Path

MOMENT = 1_795_305_600  # 2026-11-22, in seconds since 1970


def wav(frames: int, *, channels: int, width: int, rate: int, hertz: float, extra: bytes = b"") -> bytes:
    """A sine wave; `extra` chunks come after the data."""
    top = (1 << (8 * width - 1)) - 1
    values = (round(top * 0.8 * math.sin(2 * math.pi * hertz * i / rate)) for i in range(frames))
    offset = 128 if width == 1 else 0
    body = b"".join((value + offset).to_bytes(width, "little", signed=width > 1) * channels for value in values)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(body)
    data = bytearray(file.getvalue() + b"\0" * (len(body) % 2) + extra)
    struct.pack_into("<I", data, 4, len(data) - 8)
    return bytes(data)


def listing(**texts: str) -> bytes:
    """A RIFF LIST chunk of INFO texts."""
    inner = b"INFO"
    for name, text in texts.items():
        body = text.encode("ascii") + b"\0"
        inner += name.encode("ascii") + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"LIST" + struct.pack("<I", len(inner)) + inner


def bmp(width: int, height: int, bits: int) -> bytes:
    """A gradient of 24 bits, or a chessboard of 1 or 8 bits with a palette."""
    palette = (
        b""
        if bits == 24
        else b"\x20\x20\x20\0\xf0\xf0\xf0\0" + b"\x80\x80\x80\0" * ((1 << bits) - 2 if bits == 8 else 0)
    )
    rows = b""
    for y in range(height):
        if bits == 24:
            row = b"".join(bytes((255 * x // width, 255 * y // height, 96)) for x in range(width))
        elif bits == 8:
            row = bytes((x + y) % 2 for x in range(width))
        else:
            row = int("".join(str((x + y) % 2) for x in range(width)).ljust(-(-width // 8) * 8, "0"), 2).to_bytes(
                -(-width // 8), "big"
            )
        rows += row + b"\0" * (-len(row) % 4)
    start = 54 + len(palette)
    header = struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, len(rows), 2835, 2835, len(palette) // 4, 0)
    return header + info + palette + rows


def gif(frames: list[list[int]], width: int, *, comment: str = "", delay: int = 0) -> bytes:
    """Frames of two-bit indices, not compressed: a clear code before every other pixel keeps codes at three bits."""
    height = len(frames[0]) // width
    out = b"GIF89a" + struct.pack("<HHBBB", width, height, 0b1_001_0_001, 0, 0)
    out += bytes((0, 0, 0, 255, 255, 255, 200, 0, 0, 0, 0, 200))
    if comment:
        out += b"\x21\xfe" + bytes([len(comment)]) + comment.encode("ascii") + b"\0"
    if delay:
        out += b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", 0) + b"\0"
    for pixels in frames:
        if delay:
            out += b"\x21\xf9\x04" + struct.pack("<BHB", 4, delay, 0) + b"\0"
        codes = [code for i, pixel in enumerate(pixels) for code in ([4] if i % 2 == 0 else []) + [pixel]] + [5]
        stream = sum(code << (3 * i) for i, code in enumerate(codes)).to_bytes(-(-3 * len(codes) // 8), "little")
        out += b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02"
        for i in range(0, len(stream), 255):
            out += bytes([len(stream[i : i + 255])]) + stream[i : i + 255]
        out += b"\0"
    return out + b"\x3b"


def archive(files: dict[str, str], *, method: int, comment: str = "") -> bytes:
    """A ZIP archive with fixed dates."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, (2026, 11, 22, 12, 0, 0))
            entry.compress_type, entry.external_attr = method, 0o644 << 16
            made.writestr(entry, text)
        made.comment = comment.encode()
    return out.getvalue()


def wheel(name: str, version: str) -> bytes:
    """A Python wheel: a ZIP archive with the metadata that installers read."""
    info = f"{name}-{version}.dist-info"
    return archive(
        {
            f"{name}.py": f'"""{name}"""\n\nVERSION = "{version}"\n',
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: samples\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
        },
        method=zipfile.ZIP_DEFLATED,
    )


def elf(*, bits: int, big: bool, code: bytes, machine: int) -> bytes:
    """A program of one loadable segment with its section table; `code` is never run."""
    order, wide = (">" if big else "<"), bits == 64
    word = "Q" if wide else "I"
    ehsize, phsize, shsize = (64, 56, 64) if wide else (52, 32, 40)
    names = b"\0.text\0.shstrtab\0"
    at_code = ehsize + phsize
    at_names = at_code + len(code)
    at_sections = -(-(at_names + len(names)) // 8) * 8
    base = 0x400000
    ident = b"\x7fELF" + bytes((2 if wide else 1, 2 if big else 1, 1, 0, 0)) + bytes(7)
    header = ident + struct.pack(
        f"{order}HHI{word}{word}{word}IHHHHHH", 2, machine, 1, base + at_code, ehsize, at_sections, 0,
        ehsize, phsize, 1, shsize, 3, 2,
    )  # fmt: skip
    total = at_names + len(names)
    segment = (
        struct.pack(f"{order}IIQQQQQQ", 1, 5, 0, base, base, total, total, 0x1000)
        if wide
        else struct.pack(f"{order}IIIIIIII", 1, 0, base, base, total, total, 5, 0x1000)
    )

    def section(name: int, kind: int, flags: int, address: int, offset: int, size: int) -> bytes:
        return struct.pack(
            f"{order}II{word}{word}{word}{word}II{word}{word}", name, kind, flags, address, offset, size, 0, 0, 1, 0
        )

    table = (
        section(0, 0, 0, 0, 0, 0)
        + section(1, 1, 6, base + at_code, at_code, len(code))
        + section(7, 3, 0, 0, at_names, len(names))
    )
    return header + segment + code + names + bytes(at_sections - total) + table


def pcap(packets: list[tuple[int, int, bytes]], *, big: bool = False) -> bytes:
    """Ethernet frames of IPv4 and UDP: (microseconds, port, payload) each."""
    order = ">" if big else "<"
    out = struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for number, (micros, port, payload) in enumerate(packets):
        udp = struct.pack(">HHHH", 40_000 + number, port, 8 + len(payload), 0) + payload
        ip = struct.pack(
            ">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number, 0x4000, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2"
        )
        sums = sum(struct.unpack(">10H", ip))
        while sums >> 16:
            sums = (sums & 0xFFFF) + (sums >> 16)
        frame = (
            b"\x02\0\0\0\0\2"
            + b"\x02\0\0\0\0\1"
            + b"\x08\0"
            + ip[:10]
            + struct.pack(">H", sums ^ 0xFFFF)
            + ip[12:]
            + udp
        )
        out += (
            struct.pack(f"{order}IIII", MOMENT + micros // 1_000_000, micros % 1_000_000, len(frame), len(frame))
            + frame
        )
    return out


def gzipped(text: str, name: str, *, comment: str = "") -> bytes:
    """One member, with the name it had and perhaps a comment."""
    plain = gzip.compress(text.encode(), 9, mtime=MOMENT)
    flags = 8 | (16 if comment else 0)
    extra = name.encode("latin-1") + b"\0" + (comment.encode("latin-1") + b"\0" if comment else b"")
    return plain[:3] + bytes([flags]) + plain[4:10] + extra + plain[10:]


class Pipe(io.RawIOBase):
    """A file that cannot be rewound, so that sizes are written after the data."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Keep the bytes."""
        self.data += bytes(data)
        return len(data)


def streamed(files: dict[str, str], *, wide: bool = False) -> bytes:
    """A ZIP archive as it is written to a pipe; with sizes of 64 bits if it is `wide`."""
    out = Pipe()
    with zipfile.ZipFile(out, "w") as made:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with made.open(entry, "w", force_zip64=wide) as inner:
                inner.write(text.encode())
    return out.data


def tape(files: dict[str, str], *, link: str = "", form: int = tarfile.USTAR_FORMAT) -> bytes:
    """A POSIX (ustar or pax) or GNU archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, encoding="utf-8") as made:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.uname, entry.gname = len(text.encode()), MOMENT, "root", "root"
            if name.endswith("/"):
                entry.type, entry.size = tarfile.DIRTYPE, 0
            made.addfile(entry, io.BytesIO(text.encode()))
        if link:
            entry = tarfile.TarInfo("link")
            entry.type, entry.linkname, entry.mtime = tarfile.SYMTYPE, link, MOMENT
            made.addfile(entry)
    return out.getvalue()[: 512 * (len(out.getvalue().rstrip(b"\0")) // 512 + 3)]


def catalogue(messages: dict[str, str], *, big: bool = False) -> bytes:
    """A catalogue of gettext without a hash table."""
    order, pairs = ">" if big else "<", sorted((a.encode(), b.encode()) for a, b in messages.items())
    at, tables, strings = 28 + 16 * len(pairs), [b"", b""], b""
    for table in (0, 1):
        for pair in pairs:
            tables[table] += struct.pack(f"{order}II", len(pair[table]), at + len(strings))
            strings += pair[table] + b"\0"
    head = struct.pack(f"{order}IHHIIIII", 0x950412DE, 0, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, at)
    return head + b"".join(tables) + strings


def library(members: dict[str, bytes]) -> bytes:
    """An archive of ar."""
    made = b"!<arch>\n"
    for name, data in members.items():
        numbers = (str(MOMENT), "0", "0", "100644", str(len(data)))
        made += name.encode().ljust(16) + b"".join(
            number.encode().ljust(width) for number, width in zip(numbers, (12, 6, 6, 8, 10), strict=True)
        )
        made += b"`\n" + data + b"\n" * (len(data) % 2)
    return made


def package(name: str, files: dict[str, str], *, form: str = "gz") -> bytes:
    """A Debian package; `form` is gz, or empty for archives that are not packed."""
    control = tape({"./control": f"Package: {name}\nVersion: 1.0\nArchitecture: all\n"})
    parts = {"control.tar": control, "data.tar": tape({f"./{path}": text for path, text in files.items()})}
    packed = {f"{part}.gz": gzip.compress(data, mtime=MOMENT) for part, data in parts.items()} if form else parts
    return library({"debian-binary": b"2.0\n", **packed})


def zone(changes: list[tuple[int, int]], kinds: list[tuple[int, int, str]], rule: str, *, leaps: int = 0) -> bytes:
    """A time zone: times of change with the number of their kind, and kinds of (offset, is_dst, name)."""
    names, places = b"", []
    for _, _, name in kinds:
        places.append(len(names))
        names += name.encode() + b"\0"

    def block(width: int) -> bytes:
        fits = [one for one in changes if width == 8 or abs(one[0]) < 1 << 31]
        code = "q" if width == 8 else "i"
        made = b"TZif2" + bytes(15) + struct.pack(">6I", 0, 0, leaps, len(fits), len(kinds), len(names))
        made += b"".join(struct.pack(">" + code, time) for time, _ in fits) + bytes(kind for _, kind in fits)
        for (offset, is_dst, _), place in zip(kinds, places, strict=True):
            made += struct.pack(">iBB", offset, is_dst, place)
        return (
            made + names + b"".join(struct.pack(">" + code + "i", 78796800 + i * 31536001, i + 1) for i in range(leaps))
        )

    return block(4) + block(8) + b"\n" + rule.encode() + b"\n"


def icon(*sizes: int, cursor: bool = False) -> bytes:
    """Squares of two colours, each of one bit with its mask; of sizes above 32 pixels, a PNG file."""
    images = []
    for size in sizes:
        row = (size + 31) // 32 * 4
        if size > 32:
            pixels = zlib.compress(b"".join(b"\0" + bytes((size + 7) // 8) for _ in range(size)), 0)
            parts = ((b"IHDR", struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b""))
            chunks = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in parts]
            images.append(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
            continue
        body = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, 1, 0, 0, 0, 0, 0, 0) + b"\0\0\0\0\xff\xff\xff\0"
        images.append(body + b"\xaa" * (row * size) + bytes(row * size))
    at, made = 6 + 16 * len(images), struct.pack("<HHH", 0, 2 if cursor else 1, len(images))
    for size, image in zip(sizes, images, strict=True):
        made += struct.pack("<BBBBHHII", size, size, 2, 0, 0 if cursor else 1, 0 if cursor else 1, len(image), at)
        at += len(image)
    return made + b"".join(images)


def font(family: str, glyphs: int, *, tables: int = 0) -> bytes:
    """A font without outlines: what describes it, and tables of other kinds."""
    texts = [(1, 0, 0, 1, family.encode("latin-1"))]
    texts += [
        (3, 1, 0x409, kind, text.encode("utf-16-be")) for kind, text in ((1, family), (2, "Regular"), (5, "Version 1"))
    ]
    strings, entries = b"", b""
    for platform, encoding, language, kind, text in texts:
        entries += struct.pack(">6H", platform, encoding, language, kind, len(text), len(strings))
        strings += text
    bodies = {
        "head": struct.pack(
            ">IIIIHHqqhhhhHHhhh", 65536, 65536, 0, 0x5F0F3CF5, 3, 1000, 0, MOMENT, 0, 0, 9, 9, 0, 8, 2, 0, 0
        ),
        "hhea": struct.pack(">IhhhH6h8xhH", 65536, 800, -200, 90, 600, 0, 0, 0, 1, 0, 0, 0, glyphs),
        "maxp": struct.pack(">IH", 0x5000, glyphs),
        "name": struct.pack(">HHH", 0, len(texts), 6 + len(entries)) + entries + strings,
        **{f"xt{i:02}": bytes(range(i + 1)) for i in range(tables)},
    }
    count = len(bodies)
    power = count.bit_length() - 1
    at = 12 + 16 * count
    head = struct.pack(">IHHHH", 0x00010000, count, 16 << power, power, 16 * count - (16 << power))
    records, data = b"", b""
    for tag, body in sorted(bodies.items()):
        padded = body + bytes(-len(body) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        records += struct.pack(">4sIII", tag.encode(), total, at + len(data), len(body))
        data += padded
    return head + records + data


def byte_code(source: str, *, hashed: bool = False) -> bytes:
    """The file that CPython would keep for a source."""
    code = compile(source, "made.py", "exec", dont_inherit=True)
    words = struct.pack("<IQ", 1, 0x1234) if hashed else struct.pack("<III", 0, MOMENT, len(source))
    return MAGIC_NUMBER + words + marshal.dumps(code)


def database(rows: int, *, table: str) -> bytes:
    """A SQLite database of small pages, vacuumed so that its bytes do not depend on what it lived through."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.sqlite"
        base = sqlite3.connect(path)
        base.execute("PRAGMA page_size = 512")
        base.execute("PRAGMA user_version = 7")
        base.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, name TEXT, size REAL)")
        values = [(f"row {i}", i * 1.5) for i in range(rows)]
        base.executemany(f"INSERT INTO {table} (name, size) VALUES (?, ?)", values)  # noqa: S608 - a name of ours
        base.commit()
        base.execute("VACUUM")
        base.close()
        data = bytearray(path.read_bytes())
    data[24:28] = data[92:96] = struct.pack(
        ">I", 1
    )  # change counters and the library's version differ from machine to machine
    data[96:100] = struct.pack(">I", 3_040_001)
    return bytes(data)


def samples() -> dict[str, bytes]:
    """All samples by path."""
    text = "The quick brown fox jumps over the lazy dog.\n"
    return {
        "wav/tone.wav": wav(120, channels=1, width=2, rate=8000, hertz=440),
        "wav/stereo.wav": wav(64, channels=2, width=1, rate=11025, hertz=900, extra=listing(INAM="Tone", ISFT="wave")),
        "bmp/gradient.bmp": bmp(9, 7, 24),
        "bmp/chess.bmp": bmp(13, 8, 1),
        "gif/cross.gif": gif(
            [[1 if x == y or x + y == 7 else 0 for y in range(8) for x in range(8)]], 8, comment="A cross"
        ),
        "gif/blink.gif": gif([[c] * 16 for c in (0, 1, 2)], 4, delay=50),
        "zip/stored.zip": archive(
            {"a.txt": text, "folder/b.txt": text * 2}, method=zipfile.ZIP_STORED, comment="two files"
        ),
        "zip/tiny-1.0-py3-none-any.whl": wheel("tiny", "1.0"),
        "zip/stream.zip": streamed({f"part{i}.txt": text * (i + 1) for i in range(3)}),
        "zip/wide.zip": streamed({"a.txt": text * 4, "b.txt": text * 9}, wide=True),
        "elf/amd64.elf": elf(bits=64, big=False, code=b"\x6a\x3c\x58\x31\xff\x0f\x05", machine=62),
        "elf/mips.elf": elf(bits=32, big=True, code=b"\x24\x02\x0f\xa1\x24\x04\0\0\0\0\0\x0c", machine=8),
        "pcap/dns.pcap": pcap([(i * 1500, 53, bytes([i]) * (8 + i)) for i in range(5)]),
        "pcap/big.pcap": pcap([(i * 700_000, 123, b"time" * 12) for i in range(3)], big=True),
        "gzip/fox.gz": gzipped(text * 8, "fox.txt"),
        "gzip/noted.gz": gzipped("short", "s.txt", comment="a comment"),
        "tar/two.tar": tape({"readme.txt": text, "src/": "", "src/main.c": "int main(void) { return 0; }\n"}),
        "tar/link.tar": tape({"data.bin": "0123456789" * 60}, link="data.bin"),
        "tar/long.tar": tape(
            {f"{'a long folder name/' * 8}{i}.txt": text * i for i in range(4)},
            link="to/" * 50,
            form=tarfile.GNU_FORMAT,
        ),
        "tar/letters.tar": tape({f"{name}/é.txt": text for name in ("été", "naïve")}, form=tarfile.PAX_FORMAT),
        "tar/tree.tar": tape({f"src/part{i}.c": f"int f{i}(void);\n" * i for i in range(8)}),
        "mo/menu.mo": catalogue(
            {"": "Content-Type: text/plain; charset=UTF-8\n", "Open": "Öffnen", "menu\x04Close": "Schließen"}
        ),
        "mo/plural.mo": catalogue(
            {"": "Content-Type: text/plain; charset=UTF-8\n", "%d file\0%d files": "%d ファイル", "Yes": "はい"},
            big=True,
        ),
        "ar/two.a": library({"debian-binary": b"2.0\n", "control": text.encode() * 3}),
        "deb/hello.deb": package("hello", {"usr/": "", "usr/share/doc/hello/readme": text * 3}),
        "deb/plain.deb": package("plain", {"etc/plain.conf": "speed = 3\n" * 5, "etc/odd": "1"}, form=""),
        "ar/odd.a": library({"a": b"1", "bcd": b"12345", "e": b"", "last": b"123"}),
        "tzif/plain": zone([], [(3600, 0, "XST")], "XST-1"),
        "tzif/summer": zone(
            [(-(1 << 33), 0), (100_000, 1), (200_000, 0), (1 << 32, 1)],
            [(3600, 0, "AST"), (7200, 1, "ADT")],
            "AST-1ADT,M3.5.0,M10.5.0/3",
        ),
        "ico/two.ico": icon(16, 32),
        "ico/point.cur": icon(8, cursor=True),
        "ttf/plain.ttf": font("Plain", 3),
        "ttf/more.ttf": font("More tables", 40, tables=6),
        "pyc/values.code": byte_code("a = 1, 2.5, 'text', b'bytes', None, ..., 1 << 70, 3j, {1, 2}\n"),
        "pyc/function.code": byte_code(
            "def f(x, *, y=2):\n    try:\n        return x + y\n    except TypeError:\n        return 0\n"
        ),
        "sqlite/rows.sqlite": database(12, table="rows"),
        "sqlite/names.sqlite": database(1, table="names"),
    }


def holdout() -> dict[str, bytes]:
    """Files that nothing was fitted to."""
    text = "Sphinx of black quartz, judge my vow.\n"
    return {
        "wav_holdout/chime.wav": wav(90, channels=2, width=3, rate=44100, hertz=2000, extra=listing(ICMT="held out")),
        "bmp_holdout/grey.bmp": bmp(6, 5, 8),
        "gif_holdout/stripes.gif": gif(
            [[x % 4 for _ in range(20) for x in range(30)], [3] * 600], 30, comment="stripes", delay=9
        ),
        "zip_holdout/mixed-2.1-py3-none-any.whl": wheel("mixed", "2.1"),
        "zip_holdout/piped.zip": streamed({"log.txt": text * 6, "more.txt": text * 2}),
        "elf_holdout/arm.elf": elf(bits=32, big=False, code=b"\x01\x70\xa0\xe3\0\0\xa0\xe3\0\0\0\xef", machine=40),
        "pcap_holdout/mixed.pcap": pcap([(i * i * 9999, 5000 + i, b"x" * (i * 11 % 37)) for i in range(9)]),
        "gzip_holdout/quartz.gz": gzipped(text * 3, "quartz.txt", comment="held out"),
        "tar_holdout/three.tar": tape({"a": text, "b/": "", "b/c": text * 20}, link="b/c"),
        "tar_holdout/deep.tar": tape({f"{'deep/' * 30}{i}": text * i for i in range(3)}, form=tarfile.GNU_FORMAT),
        "mo_holdout/words.mo": catalogue(
            {"": "Content-Type: text/plain; charset=UTF-8\n"} | {f"word {i}": f"mot nº {i}" for i in range(20)}
        ),
        "deb_holdout/three.deb": package("three", {f"opt/three/part{i}": text * i for i in range(3)}),
        "ar_holdout/many.a": library({f"part{i}.o": text.encode() * i for i in range(7)}),
        "tzif_holdout/leaps": zone(
            [(i * 9_000_000, i % 3) for i in range(9)], [(-i * 1800, i == 1, f"Z{i}T") for i in range(3)], "", leaps=3
        ),
        "ico_holdout/large.ico": icon(24, 64, 32),
        "ttf_holdout/other.ttf": font("Ótra familia", 7, tables=3),
        "pyc_holdout/class.code": byte_code(
            "class A:\n    x = 'é'\n    def m(self): return [i for i in self.x]\n", hashed=True
        ),
        "sqlite_holdout/more.sqlite": database(40, table="more"),
    }


def main() -> None:
    """Write them beside this script, or into another folder."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, data in {**samples(), **holdout()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main()
