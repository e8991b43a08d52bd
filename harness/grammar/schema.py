"""Schema: the JSON Schemas of grammars and of patches, for editors, generators and language models."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from harness.grammar.editing.operation import KINDS
from harness.grammar.language.constructs import json_schema
from harness.grammar.patch import MAX_OPS

_PATH = {
    "description": "path: a list such as [types, Header, fields, 0], or a string such as types.Header.fields[0]",
    "oneOf": [
        {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1},
        {"type": "string", "minLength": 1},
    ],
}
_PARTS: dict[str, dict[str, Any]] = {
    "index": {"type": "integer", "description": "position among the fields; negative: the end"},
    "endian": {"enum": ["big", "little"]},
    "new_name": {"type": "string", "minLength": 1},
    "field_def": {"$ref": "#/$defs/field"},
    "type_def": {"type": "object", "required": ["fields"]},
    "value": {},
}


def _operation(name: str, kind: type[Any]) -> dict[str, Any]:
    parts = {part.name: part for part in fields(kind)}
    documentation = (kind.__doc__ or "").strip().splitlines()[0]
    needed = [
        key for key, part in parts.items() if part.default is MISSING or (part.default is None and key != "value")
    ]
    return {
        "type": "object",
        "description": documentation,
        "properties": {
            "op": {"const": name},
            **{key: _PATH if key == "path" else _PARTS.get(key, {"type": "object"}) for key in parts},
        },
        "required": ["op", *needed],
        "additionalProperties": False,
    }


GRAMMAR: dict[str, Any] = json_schema()

PATCH: dict[str, Any] = {
    "title": "Crucible patch of a grammar",
    "description": "operations that apply in order, all or none; as a list, or as a mapping with a description",
    "oneOf": [
        {"$ref": "#/$defs/operations"},
        {
            "type": "object",
            "properties": {"description": {"type": "string"}, "ops": {"$ref": "#/$defs/operations"}},
            "required": ["ops"],
            "additionalProperties": False,
        },
    ],
    "$defs": {
        "operations": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_OPS,
            "items": {
                "oneOf": [*(_operation(name, kind) for name, kind in KINDS.items()), {"$ref": "#/$defs/json_patch"}]
            },
        },
        "json_patch": {
            "type": "object",
            "description": "an operation of JSON Patch (RFC 6902); a patch may not mix these with other operations",
            "properties": {
                "op": {"enum": ["add", "remove", "replace", "move", "test"]},
                "path": {"type": "string", "pattern": "^/"},
                "from": {"type": "string", "pattern": "^/"},
                "value": {},
            },
            "required": ["op", "path"],
        },
        "field": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
    },
}
