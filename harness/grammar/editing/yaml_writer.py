"""YAML writer: JSON values as YAML text in the style of grammar files."""

from __future__ import annotations

import json
import re
from typing import Any

WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+ -]*(?<! )")
_UNPRINTABLE = re.compile(r"[^ -~\u00a1-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]")
# words that some YAML reader does not read as strings
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})


def scalar(value: Any) -> str:
    """Write a scalar or a key on one line; strings that could be read as another type are quoted."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return value
        quoted = json.dumps(value, ensure_ascii=False)
        return quoted if quoted.isprintable() else _UNPRINTABLE.sub(_escape, quoted)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = repr(value)
        return text if "." in text or "e" not in text else text.replace("e", ".0e")
    return str(value)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def flow(value: Any) -> str:
    """Write any value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(inner) for inner in value) + "]"
    return scalar(value)


def entry(key: str, value: Any, column: int, *, flat: bool = True) -> str:
    """Write `key: value` at a column, on several lines if it does not fit; the first line is not indented.

    Args:
        flat: Whether small mappings go on one line.
    """
    name = _key(key)
    if fits(value, column + len(name) + 2, flat=flat):
        return f"{name}: {flow(value)}"
    return f"{name}:" + "".join(f"\n{' ' * (column + 2)}{line}" for line in _parts(value, column + 2, flat=flat))


def item(value: Any, column: int, *, flat: bool = True) -> str:
    """Write `- value` at a column; the first line is not indented."""
    if fits(value, column + 2, flat=flat):
        return f"- {flow(value)}"
    return "- " + f"\n{' ' * (column + 2)}".join(_parts(value, column + 2, flat=flat))


def _parts(value: Any, column: int, *, flat: bool) -> list[str]:
    if isinstance(value, dict):
        return [entry(key, inner, column, flat=flat) for key, inner in value.items()]
    return [item(inner, column, flat=flat) for inner in value]


def document(value: Any) -> str:
    """Write a document with its final line break."""
    if not isinstance(value, dict) or not value:
        return f"{flow(value)}\n"
    return "".join(f"{entry(key, inner, 0)}\n" for key, inner in value.items())


def fits(value: Any, column: int, *, flat: bool) -> bool:
    """Whether a value fits on one line."""
    if not isinstance(value, dict | list) or not value:
        return True
    if isinstance(value, dict) and not flat:
        return False
    inner = value.values() if isinstance(value, dict) else value
    if any(isinstance(part, dict) and (isinstance(value, list) or _nested(part)) for part in inner) or any(
        isinstance(part, list) and any(isinstance(deep, dict) for deep in part) for part in inner
    ):
        return False
    return column + len(flow(value)) <= WIDTH


def _nested(value: dict[str, Any]) -> bool:
    return any(isinstance(part, list) and any(isinstance(deep, dict) for deep in part) for part in value.values())


def _key(key: str) -> str:
    return scalar(key) if not re.fullmatch(r"0x[0-9A-Fa-f]+|[0-9]+", key) else f'"{key}"'
