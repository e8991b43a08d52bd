"""Constructs: every key of the grammar language, its shape and meaning; lint, JSON Schema and reference read this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_EXPRESSION: dict[str, Any] = {"type": ["string", "integer", "number", "boolean"]}
_SCALAR: dict[str, Any] = {"type": ["string", "integer", "number", "boolean"]}
_CONSTANT: dict[str, Any] = {"anyOf": [_SCALAR, {"type": "array", "items": {"type": "integer"}}]}
_TEXT: dict[str, Any] = {"type": "string"}
_NAME: dict[str, Any] = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"}
_FLAG: dict[str, Any] = {"type": "boolean"}
_BYTE: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 255}
_BYTES: dict[str, Any] = {"anyOf": [_BYTE, {"type": "array", "items": _BYTE, "minItems": 1, "maxItems": 16}]}
_ORDER: dict[str, Any] = {"enum": ["big", "little"]}
_NAMES: dict[str, Any] = {"type": "array", "items": _TEXT}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its JSON Schema and what it means."""

    schema: dict[str, Any]
    doc: str


def _object(keys: dict[str, Key], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {**key.schema, "description": key.doc} for name, key in keys.items()},
        "required": list(required),
        "additionalProperties": False,
    }


def _map(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


VALIDATE: dict[str, Key] = {
    "equals": Key(_CONSTANT, "The only right value: a constant, or an expression in text for numbers."),
    "not_equals": Key(_CONSTANT, "The only wrong value."),
    "one_of": Key({"type": "array", "items": _CONSTANT, "maxItems": 4096}, "The right values."),
    "min": Key(_EXPRESSION, "The smallest right value."),
    "max": Key(_EXPRESSION, "The largest right value."),
    "range": Key(
        {"type": "array", "items": _EXPRESSION, "minItems": 2, "maxItems": 2}, "Smallest and largest right value."
    ),
    "expr": Key(_EXPRESSION, "A condition on `_`, the value."),
    "all_bytes": Key(_BYTE, "Every byte is this one."),
    "equals_field": Key(_NAME, "Equal to an earlier field."),
    "in_enum": Key(_FLAG, "The number has a label in the field's enum."),
    "crc32_of": Key(_NAMES, "Short for `checksum: {algorithm: crc32, over: [...]}`."),
}
CHECKSUM: dict[str, Key] = {
    "algorithm": Key(_TEXT, "crc32, crc32c, crc16, adler32, sum8, sum16, sum32, xor8, fletcher16."),
    "over": Key(_NAMES, "Consecutive fields of the record whose bytes are summed."),
    "of": Key(_EXPRESSION, "Or: an expression that gives the bytes."),
    "blank": Key(_BYTE, "The checksum's own bytes count as this byte."),
}
SWITCH: dict[str, Key] = {
    "by": Key(_EXPRESSION, "What decides."),
    "cases": Key(_map(_TEXT), "Value to type; values compare by value."),
    "default": Key(_TEXT, "The type when no case fits."),
}
DECODE: dict[str, Key] = {
    "as": Key(_TEXT, "The decoder."),
    "encoding": Key(_TEXT, "Of `string`."),
    "endian": Key(_ORDER, "Of numbers and dates."),
    "field": Key(_TEXT, "In a registry: which field is shown; `payload` unless given."),
}
FIELD: dict[str, Key] = {
    "name": Key(_NAME, "How expressions, paths and results call it."),
    "type": Key(_TEXT, "A primitive, a type's name, or `Type(arguments)`."),
    "endian": Key(_ORDER, "Byte order of this field and of what lies below it."),
    "bit_order": Key(_ORDER, "Order in which a bit field takes bits from a byte."),
    "length": Key(
        {"anyOf": [_EXPRESSION, _object({"prefix": Key(_TEXT, "A number type.")}, "prefix")]},
        "Bytes: an expression, `rest`, or `{prefix: u16}`; of a record, the bytes it is confined to.",
    ),
    "length_field": Key(_NAME, "Another way to write `length`: the field that holds it."),
    "length_expr": Key(_EXPRESSION, "Another way to write `length`: an expression."),
    "terminator": Key(_BYTES, "The value ends before this byte, or these bytes."),
    "include": Key(_FLAG, "The terminator is part of the value."),
    "consume": Key(_FLAG, "The terminator is read (true unless given)."),
    "require_terminator": Key(_FLAG, "Its absence is an error (true unless given)."),
    "pad": Key(_BYTE, "Trailing bytes like this are not part of the value."),
    "encoding": Key(_TEXT, "Of a string."),
    "repeat": Key(_EXPRESSION, "How often: a count, or `rest` for as often as there are bytes."),
    "until": Key(_EXPRESSION, "Repeat until this holds for the item just read, `_`."),
    "if": Key(_EXPRESSION, "Only there when this holds."),
    "switch": Key(_object(SWITCH, "by", "cases"), "The type depends on a value."),
    "enum": Key(_TEXT, "The enum that labels the number."),
    "validate": Key(_object(VALIDATE), "What a right value is."),
    "checksum": Key(_object(CHECKSUM, "algorithm"), "The number is a checksum."),
    "process": Key(
        {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}, "What is done to the bytes first: zlib, xor(key) …"
    ),
    "parent": Key(_EXPRESSION, "What the record takes for its `_parent`; `none` for nothing."),
    "compute": Key(_EXPRESSION, "The value is computed; no bytes are read."),
    "at": Key(_EXPRESSION, "Position in the stream."),
    "offset": Key(_EXPRESSION, "Position from the start of the record."),
    "stream": Key(_EXPRESSION, "The stream that `at` means."),
    "skip": Key(_EXPRESSION, "Bytes to pass over first."),
    "align": Key(_EXPRESSION, "Pass over bytes up to a multiple of this."),
    "decode": Key({"anyOf": [_TEXT, _object(DECODE, "as")]}, "How the value is shown."),
    "color": Key(_TEXT, "A named colour, #RGB or #RRGGBB."),
    "doc": Key(_TEXT, "For people."),
}
TYPE: dict[str, Key] = {
    "fields": Key({"type": "array", "items": {"$ref": "#/$defs/field"}}, "The fields, in order."),
    "instances": Key(
        {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/field"}}, _map({"$ref": "#/$defs/field"})]},
        "Fields that are read on demand.",
    ),
    "params": Key(_NAMES, "Names of what `Type(arguments)` passes."),
    "endian": Key({"anyOf": [_ORDER, _object(SWITCH, "by", "cases")]}, "Byte order, or what decides it."),
    "bit_order": Key(_ORDER, "Order in which bit fields take bits from a byte."),
    "encoding": Key(_TEXT, "Of strings that name none."),
    "own_root": Key(_FLAG, "Below it, `_root` is its record."),
    "doc": Key(_TEXT, "For people."),
}
RECORD_SWITCH: dict[str, Key] = {
    "expr": Key(_TEXT, "`Type.field`: the header type, looked at where the record starts, and its field."),
    "cases": Key(_map(_TEXT), "Value to record type."),
    "default": Key(_TEXT, "The record type when no case fits."),
}
REGISTRY_ENTRY: dict[str, Key] = {
    "name": Key(_TEXT, "What the discriminator means."),
    "decode": Key(_object(DECODE), "How the payload is shown."),
}
GRAMMAR: dict[str, Key] = {
    "title": Key(_TEXT, "For people."),
    "doc": Key(_TEXT, "For people."),
    "format": Key({"const": "record_stream"}, "The only one there is."),
    "endian": Key(_ORDER, "Byte order of everything that names none; big, with a warning, unless given."),
    "bit_order": Key(_ORDER, "Order in which bit fields take bits from a byte; big unless given."),
    "encoding": Key(_TEXT, "Of strings that name none; utf-8 unless given."),
    "root": Key(_TEXT, "The type of the file, or of its records; the first type unless given."),
    "framing": Key(
        _object({"repeat": Key({"enum": ["until_eof", "once"]}, "Whether the root repeats to the end of the file.")}),
        "How the root fills the file; until_eof unless given.",
    ),
    "record": Key(
        _object({"switch": Key(_object(RECORD_SWITCH, "expr", "cases"), "What picks a record's type.")}, "switch"),
        "A stream of records of several types.",
    ),
    "types": Key(_map({"$ref": "#/$defs/type"}), "The types, by name."),
    "enums": Key(
        _map(
            _map({"anyOf": [_TEXT, _object({"id": Key(_TEXT, "The label."), "doc": Key(_TEXT, "For people.")}, "id")]})
        ),
        "Labels of numbers, by enum.",
    ),
    "registry": Key(_map(_object(REGISTRY_ENTRY, "name")), "What discriminators of a record stream mean."),
}


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a grammar file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Crucible grammar of a binary format",
        **_object(GRAMMAR, "types"),
        "$defs": {"field": _object(FIELD, "name"), "type": _object(TYPE)},
    }
