"""Raw values: read values of an untrusted document and report each invalid one with its path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from harness.grammar.language.encodings import canonical
from harness.grammar.language.expression import ArrayOf, Expr, Literal
from harness.grammar.language.finding import Key, Report
from harness.grammar.language.habits import key_hint
from harness.grammar.language.operations import MAX_NUMBER_BITS
from harness.grammar.language.syntax import parse_expression
from harness.grammar.language.tokens import ExpressionError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_MISSING = object()


def kind_of(value: Any) -> str:
    """Name the type of a value, for a message."""
    return "nothing" if value is None else f"a {type(value).__name__}"


def short(value: Any) -> str:
    """Format a value for a message: short and on one line."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


class Raw:
    """Reads values and adds errors to a report."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def keys(self, value: dict[Any, Any], known: Iterable[str], path: Key) -> None:
        """Report every key that is not in `known`, with the nearest known name."""
        for key in value:
            if key not in known:
                hint = key_hint(key) or self.report.nearest(key, known) or f"known are {', '.join(sorted(known))}"
                self.report.error("unknown-key", f"unknown key {short(key)}", (*path, str(key)), hint=hint)

    def mapping(self, value: Any, path: Key, what: str) -> dict[Any, Any]:
        """Read a mapping; an empty one, with an error, for any other value."""
        if isinstance(value, dict):
            return value
        self.report.error("wrong-kind", f"{what} is a mapping, not {kind_of(value)}", path)
        return {}

    def name(self, value: Any, path: Key, what: str) -> str | None:
        """Read an identifier of at most 64 characters; None, with an error, for any other value."""
        if isinstance(value, str) and _NAME.fullmatch(value):
            return str(value)
        self.report.error(
            "bad-name", f"{short(value)} is not a valid name for {what}", path, hint="use letters, digits and _"
        )
        return None

    def text(self, value: Any, path: Key, what: str) -> str:
        """Read a string; an empty one, with an error, for any other value."""
        if isinstance(value, str):
            return str(value)
        self.report.error("wrong-kind", f"{what} is a string, not {kind_of(value)}", path)
        return ""

    def flag(self, raw: dict[Any, Any], key: str, default: bool, path: Key) -> bool:
        """Read a boolean under a key."""
        value = raw.get(key, default)
        if isinstance(value, bool):
            return value
        self.report.error("wrong-kind", f"{key} is true or false, not {short(value)}", (*path, key))
        return default

    def byte(self, value: Any, path: Key) -> int | None:
        """Read an integer of 0 to 255; None, with an error, for any other value."""
        found = number(value)
        if found is not None and 0 <= found <= 255:
            return found
        self.report.error("wrong-value", f"{short(value)} is not a byte", path, hint="a byte is 0 to 255")
        return None

    def order(self, raw: dict[Any, Any], key: str, path: Key) -> bool | None:
        """Read `big` or `little` under a key as True or False; None if the key is absent."""
        value = raw.get(key)
        if value is None:
            return None
        if value in ("big", "little"):
            return bool(value == "big")
        near = {"le": "little", "be": "big"}.get(str(value))
        hint = f"write {key}: {near}" if near else ""
        self.report.error("wrong-value", f"{key} must be big or little, not {short(value)}", (*path, key), hint=hint)
        return None

    def encoding(self, value: Any, path: Key, default: str) -> str:
        """Read an encoding as its canonical name."""
        if value is None:
            return default
        found = canonical(value) if isinstance(value, str) else None
        if found is None:
            self.report.error("unknown-encoding", f"unknown encoding {short(value)}", path)
            return default
        return found

    def expression(self, value: Any, path: Key) -> Expr | None:
        """Read an expression: a string, or a bare number or boolean."""
        if isinstance(value, bool):
            return Literal(value)
        if isinstance(value, int):
            if value.bit_length() > MAX_NUMBER_BITS:
                self.report.error("wrong-value", f"a number of more than {MAX_NUMBER_BITS} bits", path)
                return None
            return Literal(int(value))
        if isinstance(value, float):
            return Literal(float(value))
        if isinstance(value, list):
            items = [self.expression(v, (*path, i)) for i, v in enumerate(value[:4096])]
            return ArrayOf(tuple(i for i in items if i is not None))
        if not isinstance(value, str):
            self.report.error("wrong-kind", f"an expression is a string or a number, not {kind_of(value)}", path)
            return None
        try:
            return parse_expression(str(value))
        except ExpressionError as error:
            self.report.error("bad-expression", f"{short(value)}: {error}", path)
            return None

    def optional(self, raw: dict[Any, Any], key: str, path: Key) -> Expr | None:
        """Read the expression under a key; None if the key is absent."""
        value = raw.get(key, _MISSING)
        return None if value is _MISSING or value is None else self.expression(value, (*path, key))


def number(value: Any) -> int | None:
    """Convert an integer, or a string such as `"0x0a"`, to int; None for any other value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value) if value.bit_length() <= MAX_NUMBER_BITS else None
    if isinstance(value, str) and len(value) <= 80:
        try:
            return int(value, 0)
        except ValueError:
            return int(value) if value.isdecimal() and value.isascii() else None
    return None
