"""Colours that a field may have."""

from __future__ import annotations

import re
from typing import Any

from harness.grammar.language.finding import Key, Report

NAMED = frozenset("black white gray grey red green blue yellow cyan magenta purple orange pink brown".split())
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")


def parse_color(value: Any, field: str, report: Report, path: Key) -> str | None:
    """Return a colour in lower case, `#rgb` expanded to `#rrggbb`; None, with an error, for an invalid colour."""
    text = value.lower() if isinstance(value, str) else ""
    if text in NAMED:
        return str(text)
    if _HEX.fullmatch(text):
        return str(text) if len(text) == 7 else "#" + "".join(c + c for c in text[1:])
    shown = str(value)[:40]
    report.error("bad-color", f"Field {field}: Invalid color '{shown}'. Use a named color or hex #RGB/#RRGGBB.", path)
    return None
