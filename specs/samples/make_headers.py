"""Make the header samples: six-byte headers, the last one cut off, as a writer that was killed leaves them.

Run: python specs/samples/make_headers.py
"""

from __future__ import annotations

import random
import struct
from pathlib import Path

HERE = Path(__file__).parent


def headers(seed: int, count: int) -> bytes:
    """Magic, version, flags, count; the last header has only its first three bytes."""
    rng = random.Random(seed)  # noqa: S311 - the same samples each time
    whole = b"".join(struct.pack(">HBHB", 0x4D5A, 2, rng.randrange(5), rng.randrange(40)) for _ in range(count))
    return whole + struct.pack(">HB", 0x4D5A, 2)


def main() -> None:
    """Write the files."""
    for folder, name, seed, count in (
        ("headers", "first", 1, 60),
        ("headers", "second", 2, 41),
        ("headers_holdout", "unseen", 3, 50),
    ):
        path = HERE / folder / f"{name}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(headers(seed, count))


if __name__ == "__main__":
    main()
