"""Write the PNG samples: small, real, each byte from the format's own rules and zlib. Run it to make them again.

Run: python specs/samples/make_png.py [FOLDER]
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, INDEXED, RGBA = 0, 2, 3, 6
CHANNELS = {GREY: 1, RGB: 3, INDEXED: 1, RGBA: 4}

Pixel = Callable[[int, int], tuple[int, ...]]


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    """One chunk: length, type, body, CRC-32 of type and body."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, colour: int, pixel: Pixel, *extra: bytes) -> bytes:
    """A file of 8-bit samples; `extra` chunks come between IHDR and IDAT."""
    rows = b"".join(b"\0" + b"".join(bytes(pixel(x, y)) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return SIGNATURE + b"".join(
        (chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows, 9)), chunk(b"IEND"))
    )


def samples() -> dict[str, bytes]:
    """All samples by file name."""
    palette = bytes(v for i in range(8) for v in (i * 36, 255 - i * 36, 128))
    return {
        "gradient.png": png(
            16, 8, GREY, lambda x, y: (x * 16,), chunk(b"gAMA", struct.pack(">I", 45455)),
            chunk(b"tEXt", b"Title\0A grey gradient"),
        ),
        "checker.png": png(
            8, 8, RGB, lambda x, y: (255, 255, 255) if (x + y) % 2 else (200, 0, 0),
            chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
            chunk(b"tEXt", b"Author\0Crucible"), chunk(b"tEXt", b"Comment\0A checkerboard in red and white"),
        ),
        "palette.png": png(
            12, 6, INDEXED, lambda x, y: ((x + y) % 8,), chunk(b"PLTE", palette),
            chunk(b"tIME", struct.pack(">HBBBBB", 2026, 11, 22, 11, 37, 11)),
        ),
    }  # fmt: skip


def holdout() -> dict[str, bytes]:
    """Files the patches were not written against."""
    return {
        "disc.png": png(
            20, 20, RGBA, lambda x, y: (0, 90, 200, 255 if (x - 10) ** 2 + (y - 10) ** 2 < 81 else 0),
            chunk(b"pHYs", struct.pack(">IIB", 3780, 3780, 1)), chunk(b"tEXt", b"Software\0make_png.py"),
        ),
        "dot.png": png(1, 1, GREY, lambda x, y: (0,)),
    }  # fmt: skip


def main(folder: Path) -> None:
    """Write `png/` and `png_holdout/` below a folder."""
    for name, files in (("png", samples()), ("png_holdout", holdout())):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for file, data in files.items():
            (folder / name / file).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
