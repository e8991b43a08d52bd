"""Decoders: well-known dates, and error messages for invalid values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.grammar.language.decoders import DECODERS, DecodeError, decode


@pytest.mark.parametrize(
    ("decoder", "value", "big", "expected"),
    [
        ("string", b"abc", True, "abc"),
        ("hex", b"\xde\xad", True, "dead"),
        ("u16", b"\x00\x2a", True, "42"),
        ("u32", b"\x00\x01\x00\x00", False, "256"),
        ("unix", 0, True, "1970-01-01T00:00:00Z"),
        ("unix_ms", 1_000, True, "1970-01-01T00:00:01Z"),
        ("filetime", 116_444_736_000_000_000, True, "1970-01-01T00:00:00Z"),
        ("dos_date", 0x21, True, "1980-01-01"),
        ("dos_time", 0xBF7D, True, "23:59:58"),
        ("dos_datetime", 0x0021_0000, True, "1980-01-01T00:00:00"),
        ("ole_date", 25569.0, True, "1970-01-01T00:00:00Z"),
        ("ftm_packed_date", bytes([15 << 3, 3 << 1, 0xE8, 0x07]), True, "2024-03-15"),
    ],
)
def test_values(decoder: str, value: object, big: bool, expected: str) -> None:
    assert decode(value, decoder, big=big) == expected


@pytest.mark.parametrize(
    ("decoder", "value", "reason"),
    [
        ("z", b"", "Unsupported decoder type: z"),
        ("u16", b"a", "Insufficient bytes for u16 (need 2, got 1)"),
        ("u16", "text", "Field value is not bytes"),
        ("ftm_packed_date", b"abc", "Insufficient bytes for FTM date (need 4)"),
        ("ftm_packed_date", bytes(4), "Invalid FTM date values"),
        ("dos_date", 0, "Invalid DOS date values"),
    ],
)
def test_reasons(decoder: str, value: object, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(value, decoder)
    assert str(caught.value) == reason


anything = st.one_of(st.binary(max_size=9), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=3), st.none())


@given(st.sampled_from(sorted(DECODERS)), anything, st.booleans())
def test_any_value_is_shown_or_refused(decoder: str, value: object, big: bool) -> None:
    try:
        shown = decode(value, decoder, big=big)
    except DecodeError as error:
        shown = str(error)
    assert shown or value in (b"", "")
