"""Processing: inverse pairs, bounded output, and clear reasons."""

import bz2
import contextlib
import gzip
import lzma
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.grammar.processing import PROCESSORS, Inflated, ProcessError


@given(st.binary(max_size=50), st.binary(min_size=1, max_size=5), st.integers(0, 20))
def test_what_is_done_twice_or_turned_back_is_undone(data: bytes, key: bytes, by: int) -> None:
    xor, left, right = (PROCESSORS[name].apply for name in ("xor", "rol", "ror"))
    assert xor(xor(data, 100, key), 100, key) == data
    assert xor(data, 100, key[0]) == xor(data, 100, key[:1])
    assert right(left(data, 100, by), 100, by) == data


def _deflate(data: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(data) + machine.flush()


COMPRESSORS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("zlib", zlib.compress),
    ("deflate", _deflate),
    ("gzip", gzip.compress),
    ("bz2", bz2.compress),
    ("lzma", lzma.compress),
    ("lzma", lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
]
PACKED = pytest.mark.parametrize(("name", "compress"), COMPRESSORS)


def test_every_process_that_ends_has_its_compressor_here() -> None:
    assert {name for name, found in PROCESSORS.items() if found.ends} == {name for name, _ in COMPRESSORS}


@PACKED
def test_inflation_is_bounded_and_says_so(name: str, compress: Callable[[bytes], bytes]) -> None:
    packed = compress(bytes(10_000))
    with pytest.raises(ProcessError, match="more than 9999") as caught:
        PROCESSORS[name].apply(packed, 9_999)
    assert (caught.value.limit, len(caught.value.partial)) == (True, 9_999)


@PACKED
@pytest.mark.parametrize("size", [0, 1, 10_000, 200_000])
@pytest.mark.parametrize("after", [b"", b"\0", b"after" * 20_000])
def test_a_stream_ends_where_it_ends_not_where_the_bytes_do(
    name: str, compress: Callable[[bytes], bytes], size: int, after: bytes
) -> None:
    data = bytes(i * i % 251 for i in range(size))
    packed = compress(data)
    assert PROCESSORS[name].apply(memoryview(packed + after), size) == Inflated(data, len(packed))


@PACKED
def test_what_ends_early_keeps_what_came_out(name: str, compress: Callable[[bytes], bytes]) -> None:
    packed = compress(bytes(range(256)))
    with pytest.raises(ProcessError, match="truncated") as caught:
        PROCESSORS[name].apply(packed[:-1] if name in ("deflate", "lzma") else packed[:-6], 10_000)
    assert bytes(range(256)).startswith(caught.value.partial)


@pytest.mark.parametrize("name", [name for name, found in PROCESSORS.items() if found.ends])
@given(data=st.binary(max_size=60))
def test_bytes_that_are_no_stream_are_refused(name: str, data: bytes) -> None:
    used = len(data)
    with contextlib.suppress(ProcessError):
        used = PROCESSORS[name].apply(data, 1 << 16).used  # type: ignore[union-attr]
    assert 0 < used <= len(data) or not data


@pytest.mark.parametrize("key", [b"", "text", 1.5, -1, [300]])
def test_a_key_that_is_none_is_refused(key: object) -> None:
    with pytest.raises(ProcessError):
        PROCESSORS["xor"].apply(b"ab", 10, key)
