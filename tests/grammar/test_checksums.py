"""Checksums against published check values of "123456789", and against slower definitions."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.grammar.checksums import ALGORITHMS


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("crc32", 0xCBF43926), ("crc32c", 0xE3069283), ("crc16", 0xBB3D), ("adler32", 0x091E01DE), ("sum8", 0xDD),
        ("sum16", 0x01DD), ("sum32", 0x01DD), ("xor8", 0x31), ("fletcher16", 0x1EDE),
    ],
)  # fmt: skip
def test_check_values(algorithm: str, expected: int) -> None:
    assert ALGORITHMS[algorithm](b"123456789") == expected


@given(st.binary(max_size=300))
def test_xor_is_the_xor_of_all_bytes(data: bytes) -> None:
    assert ALGORITHMS["xor8"](data) == reduce(lambda a, b: a ^ b, data, 0)
