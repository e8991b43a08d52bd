"""Constructs: every key of the grammar language with its schema and meaning, for lint, JSON Schema and reference."""

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
    """One key: its JSON Schema and its meaning."""

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
    "equals": Key(_CONSTANT, "The only valid value: a constant, or for numbers an expression."),
    "not_equals": Key(_CONSTANT, "The only invalid value."),
    "one_of": Key({"type": "array", "items": _CONSTANT, "maxItems": 4096}, "The valid values."),
    "min": Key(_EXPRESSION, "The smallest valid value."),
    "max": Key(_EXPRESSION, "The largest valid value."),
    "range": Key(
        {"type": "array", "items": _EXPRESSION, "minItems": 2, "maxItems": 2}, "Smallest and largest valid value."
    ),
    "expr": Key(_EXPRESSION, "A condition on `_`, the value."),
    "all_bytes": Key(_BYTE, "Every byte has this value."),
    "equals_field": Key(_NAME, "Equal to an earlier field."),
    "in_enum": Key(_FLAG, "The number has a label in the field's enum."),
    "crc32_of": Key(_NAMES, "Short for `checksum: {algorithm: crc32, over: [...]}`."),
}
CHECKSUM: dict[str, Key] = {
    "algorithm": Key(_TEXT, "crc32, crc32c, crc16, adler32, sum8, sum16, sum32, xor8, fletcher16."),
    "over": Key(_NAMES, "Consecutive fields of the record whose bytes are summed."),
    "of": Key(_EXPRESSION, "Instead of `over`: an expression that yields the bytes."),
    "blank": Key(_BYTE, "The checksum's own bytes count as this byte."),
}
SWITCH: dict[str, Key] = {
    "by": Key(_EXPRESSION, "The value that selects the case."),
    "cases": Key(_map(_TEXT), "Value to type; values compare by value."),
    "default": Key(_TEXT, "The type when no case fits."),
}
DECODE: dict[str, Key] = {
    "as": Key(_TEXT, "The decoder."),
    "encoding": Key(_TEXT, "Encoding, for the decoder `string`."),
    "endian": Key(_ORDER, "Byte order, for numbers and dates."),
    "field": Key(_TEXT, "In a registry: the field to decode; default `payload`."),
}
FIELD: dict[str, Key] = {
    "name": Key(_NAME, "Its name in expressions, paths and results."),
    "type": Key(_TEXT, "A primitive, a type's name, or `Type(arguments)`."),
    "endian": Key(_ORDER, "Byte order of this field and of the fields in its record."),
    "bit_order": Key(_ORDER, "Order in which a bit field takes bits from a byte."),
    "length": Key(
        {"anyOf": [_EXPRESSION, _object({"prefix": Key(_TEXT, "A number type.")}, "prefix")]},
        "Number of bytes: an expression, `rest`, or `{prefix: u16}`; a record cannot read beyond them.",
    ),
    "length_field": Key(_NAME, "Another way to write `length`: the field that holds it."),
    "length_expr": Key(_EXPRESSION, "Another way to write `length`: an expression."),
    "terminator": Key(_BYTES, "The value ends before this byte, or these bytes."),
    "include": Key(_FLAG, "The terminator is part of the value."),
    "consume": Key(_FLAG, "The terminator is consumed; default true."),
    "require_terminator": Key(_FLAG, "A missing terminator is an error; default true."),
    "pad": Key(_BYTE, "Trailing bytes of this value are removed."),
    "encoding": Key(_TEXT, "Text encoding of a string."),
    "repeat": Key(_EXPRESSION, "Number of items, or `rest` to repeat to the end of the bytes."),
    "until": Key(_EXPRESSION, "Repeat until this condition on the item just read, `_`, is true."),
    "if": Key(_EXPRESSION, "The field is present only if this condition is true."),
    "switch": Key(_object(SWITCH, "by", "cases"), "The type is selected by a value."),
    "enum": Key(_TEXT, "The enum that labels the number."),
    "validate": Key(_object(VALIDATE), "Conditions that a valid value meets."),
    "checksum": Key(_object(CHECKSUM, "algorithm"), "The number is a checksum."),
    "process": Key(
        {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        "Transformations of the bytes before they are parsed: zlib, xor(key) … Compressed bytes need no length.",
    ),
    "parent": Key(_EXPRESSION, "The `_parent` of the record; `none` for no parent."),
    "compute": Key(_EXPRESSION, "An expression; the value is computed and no bytes are read."),
    "at": Key(_EXPRESSION, "Position in the stream."),
    "offset": Key(_EXPRESSION, "Position from the start of the record."),
    "stream": Key(_EXPRESSION, "The stream in which `at` counts."),
    "skip": Key(_EXPRESSION, "Bytes to skip before the field."),
    "align": Key(_EXPRESSION, "Skip bytes up to a multiple of this."),
    "decode": Key(
        {"anyOf": [_TEXT, _object(DECODE, "as")]}, "The decoder that turns the value into a readable string."
    ),
    "color": Key(_TEXT, "A named colour, #RGB or #RRGGBB."),
    "doc": Key(_TEXT, "Documentation."),
}
TYPE: dict[str, Key] = {
    "fields": Key({"type": "array", "items": {"$ref": "#/$defs/field"}}, "The fields, in order."),
    "instances": Key(
        {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/field"}}, _map({"$ref": "#/$defs/field"})]},
        "Fields that are read on demand.",
    ),
    "params": Key(_NAMES, "Names of the parameters that `Type(arguments)` passes."),
    "endian": Key({"anyOf": [_ORDER, _object(SWITCH, "by", "cases")]}, "Byte order, or a switch that selects it."),
    "bit_order": Key(_ORDER, "Order in which bit fields take bits from a byte."),
    "encoding": Key(_TEXT, "Text encoding of strings that name none."),
    "module": Key(
        _NAME, "Types of one file; a record in a record of another module has no `_parent` and is a `_root` of its own."
    ),
    "doc": Key(_TEXT, "Documentation."),
}
RECORD_SWITCH: dict[str, Key] = {
    "expr": Key(_TEXT, "`Type.field`: a header type, read at the start of the record, and one of its fields."),
    "cases": Key(_map(_TEXT), "Value to record type."),
    "default": Key(_TEXT, "The record type when no case fits."),
}
REGISTRY_ENTRY: dict[str, Key] = {
    "name": Key(_TEXT, "Name of the record kind."),
    "decode": Key(_object(DECODE), "The decoder of the payload."),
}
MAGIC: dict[str, Key] = {
    "at": Key({"type": "integer", "minimum": 0}, "Offset in the file; default 0."),
    "equals": Key(_CONSTANT, "The bytes there."),
}
GRAMMAR: dict[str, Key] = {
    "title": Key(_TEXT, "A title."),
    "doc": Key(_TEXT, "Documentation."),
    "magic": Key(
        {"type": "array", "items": _object(MAGIC, "equals")},
        "Constants that recognise a file of this format; one of them is enough.",
    ),
    "format": Key({"const": "record_stream"}, "The only format."),
    "endian": Key(_ORDER, "Default byte order; big, with a warning, if absent."),
    "bit_order": Key(_ORDER, "Order in which bit fields take bits from a byte; default big."),
    "encoding": Key(_TEXT, "Default text encoding; utf-8 if absent."),
    "root": Key(_TEXT, "The type of the file, or of its records, or `Type(constants)`; default is the first type."),
    "framing": Key(
        _object(
            {"repeat": Key({"enum": ["until_eof", "once"]}, "`until_eof` repeats the root to the end of the file.")}
        ),
        "Whether the root repeats; default `until_eof`.",
    ),
    "record": Key(
        _object(
            {"switch": Key(_object(RECORD_SWITCH, "expr", "cases"), "The switch that selects the type of a record.")},
            "switch",
        ),
        "A stream of records of several types.",
    ),
    "types": Key(_map({"$ref": "#/$defs/type"}), "The types, by name."),
    "enums": Key(
        _map(
            _map(
                {"anyOf": [_TEXT, _object({"id": Key(_TEXT, "The label."), "doc": Key(_TEXT, "Documentation.")}, "id")]}
            )
        ),
        "Labels of numbers, by enum.",
    ),
    "registry": Key(
        _map(_object(REGISTRY_ENTRY, "name")), "Names and decoders of the discriminators of a record stream."
    ),
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a grammar file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Crucible grammar of a binary format",
        **_object(GRAMMAR, "types"),
        "$defs": {"field": _object(FIELD, "name"), "type": _object(TYPE)},
    }
