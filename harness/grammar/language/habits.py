"""Habits: words of Kaitai Struct and ImHex where this language has another, as hints of lint."""

from __future__ import annotations

import re

KEYS = {
    "seq": "Kaitai's seq is fields",
    "id": "Kaitai's id is name",
    "size": "Kaitai's size is length",
    "size-eos": "write length: rest",
    "contents": "write validate: {equals: …}, with a type and a length",
    "valid": "Kaitai's valid is validate: {equals: …}, {min: …}, {one_of: […]}",
    "value": "Kaitai's value is compute",
    "pos": "Kaitai's pos is at",
    "io": "Kaitai's io is stream",
    "repeat-expr": "write repeat: COUNT",
    "repeat-until": "write until: CONDITION",
    "switch-on": "write switch: {by: …, cases: {…}}",
    "pad-right": "Kaitai's pad-right is pad",
    "eos-error": "write require_terminator: false",
    "meta": "title, endian and encoding are keys of the document itself; crucible spec import-ksy converts a file",
    "strict": "write require_terminator",
}
"""Keys by what to write instead."""

_TYPE = re.compile(r"(?P<kind>[usf])(?P<bytes>[1248])(?P<order>le|be)?")
_TYPES = {
    "str": "string",
    "strz": "string with terminator: 0",
    "padding": "bytes with a length",
    "char": "string with length: 1",
    "bool": "flag, or u8",
    "float": "f32",
    "double": "f64",
    "byte": "u8",
    "word": "u16",
    "dword": "u32",
    "qword": "u64",
    "int": "i32",
    "short": "i16",
    "long": "i64",
    "u128": "bytes with length: 16",
    "leb128_u": "leb128",
    "vlq_base128_le": "leb128",
}


def type_hint(name: object) -> str:
    """Return what to write for the name of a type of another language, or an empty string."""
    if not isinstance(name, str):
        return ""
    found = _TYPE.fullmatch(name)
    if found is not None:
        kind = {"u": "u", "s": "i", "f": "f"}[found["kind"]]
        return f"write {kind}{8 * int(found['bytes'])}{found['order'] or ''}: widths are in bits"
    return f"write {_TYPES[name.lower()]}" if name.lower() in _TYPES else ""


def key_hint(key: object) -> str:
    """Return what to write for a key of another language, or an empty string."""
    return KEYS.get(key, "") if isinstance(key, str) else ""


def repeat_hint(value: str) -> str:
    """Return what to write for a `repeat` of another language, or an empty string."""
    return {"eos": "write repeat: rest", "expr": "write repeat: COUNT"}.get(value, "")
