"""Bodies that are compressed streams are unpacked; other bytes are not."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import zlib
from collections.abc import Callable

import pytest

from harness.grammar.induction.draft import Names
from harness.grammar.induction.payload import induce_choice, induce_payload, packed_payload

TEXTS = [b"Package: tool\nVersion: 1.%d\n" % i * (30 + i) for i in range(3)]


@pytest.mark.parametrize(
    ("process", "pack"),
    [("gzip", gzip.compress), ("lzma", lzma.compress), ("bz2", bz2.compress), ("zlib", zlib.compress)],
)
def test_streams_are_unpacked(process: str, pack: Callable[[bytes], bytes]) -> None:
    made = induce_payload([pack(text) for text in TEXTS], Names(set()))
    assert made is not None
    assert made.types["Body"]["fields"][0]["process"] == process
    cut = [pack(text)[:-3] for text in TEXTS]
    longer = [pack(text) + b"1" for text in TEXTS]
    assert packed_payload(cut, Names(set())) is None
    assert packed_payload(longer, Names(set())) is None


def test_a_tag_tells_packed_bodies_from_others() -> None:
    bodies = [gzip.compress(TEXTS[0]), random.Random(1).randbytes(80), gzip.compress(TEXTS[1])]
    made = induce_choice(bodies, {"kind": [7, 1, 7]}, Names(set()))
    assert made is not None
    assert made[0]["switch"] == {"by": "kind", "cases": {"7": "Body7"}}


@pytest.mark.parametrize("seed", range(4))
def test_bytes_that_only_look_packed_are_opaque(seed: int) -> None:
    """Negative control: random bytes, also after the first bytes of a stream, and a stream that only stores bytes."""
    rng = random.Random(seed)
    noise = [rng.randbytes(100 + 9 * i) for i in range(4)]
    heads = (b"", b"\x1f\x8b\x08\0\0\0\0\0\0\xff", b"\x78\x9c", b"\xfd7zXZ\0", b"BZh9")
    for bodies in ([head + body for body in noise] for head in heads):
        assert packed_payload(bodies, Names(set())) is None
    assert packed_payload([zlib.compress(body) for body in noise], Names(set())) is None
