"""Decoders: raw values as readable strings, numbers and dates."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.grammar.language.encodings import codec


class DecodeError(Exception):
    """The decoder cannot show a value; the message says why."""


def decode(value: Any, decoder: str, *, big: bool = True, encoding: str = "utf-8") -> str:
    """Return a value as a readable string.

    Args:
        value: Bytes, or for dates and numbers also the number itself.
        decoder: A key of `DECODERS`.
        big: Whether bytes are big-endian.
        encoding: Text encoding, used by the decoder `string`.

    Raises:
        DecodeError: if the value is too short, has the wrong type, or is not a valid date.
    """
    known = DECODERS.get(decoder)
    if known is None:
        raise DecodeError(f"Unsupported decoder type: {decoder}")
    return known(value, big, encoding)


def _string(value: Any, big: bool, encoding: str) -> str:
    return value if isinstance(value, str) else _bytes(value).decode(codec(encoding), "replace")


def _hex(value: Any, big: bool, encoding: str) -> str:
    return f"0x{value:x}" if isinstance(value, int) else _bytes(value).hex()


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    raise DecodeError("Field value is not bytes")


def _unsigned(value: Any, width: int, name: str, *, big: bool) -> int:
    if isinstance(value, int):
        return value
    data = _bytes(value)
    if len(data) < width:
        raise DecodeError(f"Insufficient bytes for {name} (need {width}, got {len(data)})")
    return int.from_bytes(data[:width], "big" if big else "little")


def _number(width: int) -> Callable[[Any, bool, str], str]:
    return lambda value, big, encoding: str(_unsigned(value, width, f"u{width * 8}", big=big))


def _ftm_packed_date(value: Any, big: bool, encoding: str) -> str:
    """Day in the top five bits of byte 0, month in the top seven of byte 1, year in bytes 2 and 3 (little-endian)."""
    data = value.to_bytes(4, "big" if big else "little") if isinstance(value, int) and 0 <= value < 1 << 32 else value
    if len(_bytes(data)) < 4:
        raise DecodeError("Insufficient bytes for FTM date (need 4)")
    day, month, year = data[0] >> 3, data[1] >> 1, data[2] | data[3] << 8
    if data[1] & 1 or not (1 <= month <= 12 and 1 <= day <= 31 and year > 0):
        raise DecodeError("Invalid FTM date values")
    return f"{year:04d}-{month:02d}-{day:02d}"


def _since(epoch: datetime, per_second: int, width: int, name: str) -> Callable[[Any, bool, str], str]:
    def show(value: Any, big: bool, encoding: str) -> str:
        if isinstance(value, float) and math.isfinite(value):
            ticks: float = value
        else:
            ticks = _unsigned(value, width, name, big=big)
        try:
            moment = epoch + timedelta(seconds=ticks / per_second)
        except OverflowError:
            raise DecodeError(f"Invalid {name} value: {ticks}") from None
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")

    return show


def _dos_date(value: Any, big: bool, encoding: str) -> str:
    number = _unsigned(value, 2, "DOS date", big=big)
    return _dos(number, None)


def _dos_time(value: Any, big: bool, encoding: str) -> str:
    number = _unsigned(value, 2, "DOS time", big=big)
    hour, minute, second = number >> 11, number >> 5 & 63, (number & 31) * 2
    if hour > 23 or minute > 59 or second > 59:
        raise DecodeError("Invalid DOS time values")
    return f"{hour:02d}:{minute:02d}:{second:02d}"


def _dos_datetime(value: Any, big: bool, encoding: str) -> str:
    number = _unsigned(value, 4, "DOS date and time", big=big)
    return _dos(number >> 16, number & 0xFFFF)


def _dos(date: int, time: int | None) -> str:
    year, month, day = 1980 + (date >> 9 & 127), date >> 5 & 15, date & 31
    try:
        text = datetime(year, month, day, tzinfo=UTC).date().isoformat()
    except ValueError:
        raise DecodeError("Invalid DOS date values") from None
    return text if time is None else f"{text}T{_dos_time(time, True, '')}"


def _ole_date(value: Any, big: bool, encoding: str) -> str:
    if not isinstance(value, float):
        data = _bytes(value)
        if len(data) < 8:
            raise DecodeError(f"Insufficient bytes for OLE date (need 8, got {len(data)})")
        (value,) = struct.unpack(">d" if big else "<d", data[:8])
    try:
        moment = datetime(1899, 12, 30, tzinfo=UTC) + timedelta(days=value)
    except (OverflowError, ValueError):
        raise DecodeError("Invalid OLE date value") from None
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


_UNIX, _FILETIME = datetime(1970, 1, 1, tzinfo=UTC), datetime(1601, 1, 1, tzinfo=UTC)
DECODERS: dict[str, Callable[[Any, bool, str], str]] = {
    "string": _string,
    "hex": _hex,
    "u16": _number(2),
    "u32": _number(4),
    "ftm_packed_date": _ftm_packed_date,
    "unix": _since(_UNIX, 1, 4, "unix time"),
    "unix_ms": _since(_UNIX, 1000, 8, "unix time"),
    "filetime": _since(_FILETIME, 10_000_000, 8, "filetime"),
    "dos_date": _dos_date,
    "dos_time": _dos_time,
    "dos_datetime": _dos_datetime,
    "ole_date": _ole_date,
}
"""Decoder name to function `(value, big, encoding) -> str`."""
