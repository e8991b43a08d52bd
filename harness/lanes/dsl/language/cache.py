"""Cache: trees of texts that were read before, as JSON in the user's cache folder; a fast start needs no parser.

The key is a digest of the text and of this package's source, so a stale entry cannot be found. Entries are plain JSON:
loading one makes nothing but nodes of the tree.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from harness.lanes.dsl.language import syntax
from harness.lanes.dsl.language.diagnostic import Diagnostic

MOST_ENTRIES = 256


def parse_cached(text: str, *, folder: Path | None = None) -> tuple[syntax.Module, list[Diagnostic]]:
    """As `parser.parse`; texts without errors come from the cache the second time.

    Args:
        text: The program.
        folder: Where entries are; by default the user's cache folder.
    """
    folder = default_folder() if folder is None else folder
    entry = folder / f"{_key(text)}.json"
    try:
        known = decode(json.loads(entry.read_bytes()))
        if isinstance(known, syntax.Module):
            return known, []
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        pass  # absent, cut short or foreign: read the text
    from harness.lanes.dsl.language.parser import parse

    module, problems = parse(text)
    if not problems:
        with contextlib.suppress(OSError):
            _store(entry, json.dumps(encode(module), ensure_ascii=True, separators=(",", ":")))
    return module, problems


def default_folder() -> Path:
    """`$XDG_CACHE_HOME/crucible/dsl`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "crucible" / "dsl"


def _key(text: str) -> str:
    return hashlib.sha256(_version() + text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


@cache
def _version() -> bytes:
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*here.glob("*.py"), *here.glob("*.lark"), *(here / "syntax").glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.digest()


def _store(entry: Path, text: str) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=entry.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
        Path(name).replace(entry)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    entries = list(entry.parent.glob("*.json"))
    if len(entries) > MOST_ENTRIES:
        for old in sorted(entries, key=lambda path: path.stat().st_mtime)[: len(entries) - MOST_ENTRIES]:
            old.unlink(missing_ok=True)


_NODES: tuple[type, ...] = tuple(
    node for name in sorted(syntax.__all__) if isinstance(node := getattr(syntax, name), type) and node is not tuple
)
_NUMBERS = {node: number for number, node in enumerate(_NODES)}
_FIELDS = {node: tuple(field.name for field in fields(node)) for node in _NODES}
_LIST, _TUPLE = "l", "t"


def encode(value: Any) -> Any:
    """A tree as JSON: a node is [number, field ...], a list ["l", ...], a tuple ["t", ...]."""
    kind = type(value)
    if kind in _NUMBERS:
        return [_NUMBERS[kind], *(encode(getattr(value, name)) for name in _FIELDS[kind])]
    if kind is list:
        return [_LIST, *map(encode, value)]
    if kind is tuple:
        return [_TUPLE, *map(encode, value)]
    return value


def decode(value: Any) -> Any:
    """The inverse of `encode`."""
    if type(value) is not list:
        return value
    head = value[0]
    if head == _LIST:
        return [decode(part) if type(part) is list else part for part in value[1:]]
    if head == _TUPLE:
        return tuple(decode(part) if type(part) is list else part for part in value[1:])
    return _NODES[head](*(decode(part) if type(part) is list else part for part in value[1:]))
