"""Exhibit: data that a lane shows of an evaluation (`harness.core.exhibit_kinds`), packed as compressed JSON."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from pydantic import ValidationError, model_validator
from pydantic_core import PydanticSerializationError

from harness.core.digest import digest_text
from harness.core.frozen import Frozen

if TYPE_CHECKING:  # its models are made by what shows something, not by what judges
    from harness.core.exhibit_kinds import Shown, Value

MAX_STORED = 64 << 10  # compressed bytes of one exhibit
MAX_TEXT = 1 << 20  # characters of its JSON
MAX_CASE = 512 << 10  # compressed bytes of all exhibits of a case
LEVEL = 6  # of compression
WINDOW = 12, 5
"""Window in powers of two, and level of memory, of the compression of a string that fits in the window: clearing the
tables of the usual ones takes four times as long as compressing it."""

Kind = Literal["table", "series", "scatter", "bars", "heat", "timeline", "bytes", "roofline", "text"]


class Exhibit(Frozen):
    """What a lane shows of one evaluation. `harness.core.exhibit_kinds` makes and reads the data of each kind."""

    name: str
    """Unique within the evaluation."""
    kind: Kind
    digest: str
    """Hex SHA-256 of the JSON."""
    data: str = ""
    """Base64 of the deflated JSON."""

    @model_validator(mode="before")
    @classmethod
    def _deflate(cls, value: Any) -> Any:
        """Read a record of the ledger, which has the JSON itself as `text`."""
        if not isinstance(value, dict) or not isinstance(text := value.get("text"), str):
            return value
        data = deflate(text)
        rest = {name: one for name, one in value.items() if name != "text"}
        return rest | {"digest": digest_text(text), "data": base64.b64encode(data).decode("ascii")}

    @classmethod
    def of(cls, name: str, kind: Kind, text: str) -> Self | None:
        """Pack the JSON of an exhibit; None if it is larger than an exhibit may be."""
        if len(text) > MAX_TEXT:
            return None
        data = deflate(text)
        if len(data) > MAX_STORED:
            return None
        return cls(name=name, kind=kind, digest=digest_text(text), data=base64.b64encode(data).decode("ascii"))

    @property
    def stored(self) -> bytes:
        """The deflated JSON; empty where there is none."""
        try:
            return base64.b64decode(self.data, validate=True)
        except binascii.Error:
            return b""


def deflate(text: str) -> bytes:
    """The JSON of an exhibit, compressed."""
    data = text.encode("utf-8", "backslashreplace")
    bits, memory = WINDOW if len(data) <= 1 << WINDOW[0] else (zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL)
    deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, bits, memory)
    return deflater.compress(data) + deflater.flush()


def inflate(stored: bytes) -> str:
    """The JSON of an exhibit; empty if the bytes are damaged. No more than `MAX_TEXT` is inflated."""
    try:
        return zlib.decompressobj().decompress(stored, MAX_TEXT).decode("utf-8", "replace")
    except zlib.error:
        return ""


def within_limit(exhibits: tuple[Exhibit, ...]) -> tuple[Exhibit, ...]:
    """The first exhibits of a case, as many as it may have; a last one says how many were left out."""
    room = MAX_CASE
    for number, one in enumerate(exhibits):
        room -= len(one.data) * 3 // 4
        if room < 0:
            left, why = len(exhibits) - number, f"the exhibits of a case may have {MAX_CASE >> 10} KiB"
            note = Exhibit.of("left out", "text", f'{{"title":"{left} more exhibits","text":"","cut":"{why}"}}')
            return (*exhibits[:number], *([note] if note is not None else []))
    return exhibits


def pack(name: str, value: Value) -> Exhibit:
    """Pack an exhibit for `Evidence.exhibits`; one that is too large is shortened until it fits.

    Args:
        name: Unique within the evaluation.

    Raises:
        ValueError: if its title and names alone are too large.
    """
    shown: Value | None = value
    while shown is not None:
        packed = Exhibit.of(name, shown.kind, _text_of(shown))
        if packed is not None:
            return packed
        shown = shown.shortened()
    msg = f"exhibit {name!r} is too large and cannot be shortened"
    raise ValueError(msg)


def _text_of(value: Value) -> str:
    try:
        return value.model_dump_json(exclude_defaults=True)
    except PydanticSerializationError:  # lone surrogates: escapes take their place
        return json.dumps(_encodable(value.model_dump(exclude_defaults=True)), separators=(",", ":"))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _encodable(one) for name, one in value.items()}
    return [_encodable(one) for one in value] if isinstance(value, tuple) else value


def unpack(kind: str, text: str) -> Value | None:
    """The value of the JSON of an exhibit; None if it is damaged or of a later version."""
    try:
        return cast("Value", _models()[kind].model_validate_json(text)) if text else None
    except (ValidationError, KeyError):
        return None


@cache
def _models() -> dict[str, type[Shown]]:
    from harness.core.exhibit_kinds import KINDS

    return {model.model_fields["kind"].default: model for model in KINDS}
