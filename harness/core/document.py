"""Document: a YAML file as JSON values, each with its line and column; built from events, with a limited depth.

Plain scalars follow YAML 1.2's core schema: `yes`, `no`, `on` and `12:30` are strings. Keys are always strings, so that
`expect` can name a case `no` or `1`. PyYAML's composer is not used: nested brackets overflow the stack of its C code.
"""

from __future__ import annotations

import gc
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from harness.core.errors import SuiteError, position
from harness.core.os_fault import NAME_A_FILE, fix_of

Key = tuple[str | int, ...]
"""The path of a value in a document: the mapping keys and list indices that lead to it."""

MAX_BYTES = 4 << 20
MAX_DEPTH = 64
MAX_DIGITS = 1_000  # Python does not print integers with more than 4300
MAX_VALUES = 1_000_000  # after expanding aliases: ten lines of YAML can expand to a billion values

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    "-.inf": float("-inf"),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_STR = "tag:yaml.org,2002:str"
# Inside `{…}` YAML ends a value at a comma or a bracket, and `: ` begins the next key.
_QUOTING = 'put a value with , : ? { } [ ] in quotes: {name: a, if: "b ? 1 : 2"}'
_YAML_FIXES = {
    "',' or": _QUOTING,
    "mapping values are not allowed": _QUOTING,
    "cannot start any token": "indent with spaces, not tabs; put a value that begins with @, ` or % in quotes",
}
"""How to fix what PyYAML reports, by a part of its message."""
_DEFAULT_FIX = "check the indentation, the quotes and the brackets near this place"
_MERGE = "<<"


MAX_CACHED = 16  # documents: a suite is read twice in a row, for its untrusted folders and for collection
_latest: dict[Path, tuple[tuple[int, int, int], Document]] = {}


class Document(NamedTuple):
    """The value of a YAML file, with the positions of its parts."""

    value: Any
    positions: dict[Key, tuple[int, int]]
    """1-based line and column of each key and each list element, by key path."""


def read_document(path: Path) -> Document:
    """Read a YAML file. The value is cached and may be shared with other callers: do not change it.

    Raises:
        SuiteError: if it cannot be read, is not YAML, repeats a key, or exceeds a limit on size or depth.
    """
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):  # opening a named pipe would wait for a writer
            what = "a directory, not a file" if stat.S_ISDIR(kind) else "not a plain file"
            raise SuiteError(f"it is {what}", where=str(path), fix=NAME_A_FILE)
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            size, signature = found.st_size, (found.st_ino, found.st_size, found.st_mtime_ns)
            if _latest.get(path, (None,))[0] == signature:
                return _latest[path][1]
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SuiteError(f"it cannot be read: {error.strerror}", where=str(path), fix=fix_of(error)) from None
    if len(data) > MAX_BYTES:
        raise SuiteError(f"it has {max(size, len(data))} bytes, more than {MAX_BYTES}", where=str(path), fix="split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        where = position(path, line, column)
        raise SuiteError(f"byte 0x{data[error.start]:02x} is not UTF-8", where=where, fix="save it as UTF-8") from None
    document = read_text(text, path)
    if len(_latest) >= MAX_CACHED:
        _latest.clear()
    _latest[path] = (signature, document)
    return document


def read_text(text: str, path: Path) -> Document:
    """Read a YAML string; errors name the path.

    Raises:
        SuiteError: as `read_document`.
    """
    if len(text) > MAX_BYTES:
        raise SuiteError(f"it has {len(text)} characters, more than {MAX_BYTES}", where=str(path), fix="split it")
    collecting = gc.isenabled()
    gc.disable()  # a tree of values has no garbage, and collecting it takes longer than reading
    try:
        return _Reader(path, text).read()
    finally:
        if collecting:
            gc.enable()


class _Reader:
    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self.positions: dict[Key, tuple[int, int]] = {}
        self.anchors: dict[str, tuple[Any, int] | None] = {}
        self.count = 0

    def read(self) -> Document:
        try:
            value = self._documents()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = position(self.path, mark.line + 1, mark.column + 1) if mark else str(self.path)
            problem = error.problem or error.context or ""
            fix = next((fix for part, fix in _YAML_FIXES.items() if part in problem), _DEFAULT_FIX)
            raise SuiteError(f"not YAML: {problem}", where=where, fix=fix) from None
        except yaml.reader.ReaderError as error:
            what = f"not YAML: {error.reason} at character {error.position}"
            raise SuiteError(what, where=str(self.path), fix="name a text file without control characters") from None
        except yaml.YAMLError as error:
            raise SuiteError(f"not YAML: {error}", where=str(self.path), fix=_DEFAULT_FIX) from None
        return Document(value, self.positions)

    def _documents(self) -> Any:
        value, documents = None, 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error(event, "a second YAML document starts here", "one file holds one document")
                value = self._value(next(self.events), (), 0)
        return value

    def _value(self, event: Any, key: Key, depth: int) -> Any:
        self.count += 1
        if self.count > MAX_VALUES:
            raise self._error(event, f"more than {MAX_VALUES} values", "split the file")
        if depth > MAX_DEPTH:
            raise self._error(event, f"nested deeper than {MAX_DEPTH} levels", "flatten it")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self.count
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(event, key, depth)
        else:
            value = self._sequence(event, key, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, self.count - before + 1)
        return value

    def _alias(self, event: Any) -> Any:
        known = self.anchors.get(event.anchor)
        if known is None:
            what = "contains itself" if event.anchor in self.anchors else "is not defined above"
            raise self._error(event, f"the anchor {event.anchor!r} {what}", f"define it first, as &{event.anchor}")
        value, size = known
        self.count += size
        if self.count > MAX_VALUES:
            raise self._error(event, f"its aliases expand to more than {MAX_VALUES} values", "use fewer aliases")
        return value

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.tag is not None and event.tag not in (_STR, "!"):
            raise self._error(event, f"the tag {event.tag!r} is not understood", "write plain values")
        if not event.implicit[0]:  # quoted, or a block: a string
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text[0] in "+-.0123456789":
            if _INT.fullmatch(text):
                if len(text) > MAX_DIGITS:
                    raise self._error(event, f"a number of {len(text)} digits", "quote it if it is a string")
                return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
            if _FLOAT.fullmatch(text):
                return float(text)
        return text

    def _sequence(self, event: Any, key: Key, depth: int) -> list[Any]:
        self._plain(event)
        values: list[Any] = []
        while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
            here = (*key, len(values))
            self.positions[here] = (inner.start_mark.line + 1, inner.start_mark.column + 1)
            values.append(self._value(inner, here, depth + 1))
        return values

    def _mapping(self, event: Any, key: Key, depth: int) -> dict[str, Any]:
        self._plain(event)
        values: dict[str, Any] = {}
        merged: list[Any] = []
        while not isinstance(inner := next(self.events), yaml.MappingEndEvent):
            if not isinstance(inner, yaml.ScalarEvent):
                raise self._error(inner, "a key must be a string", "put it in quotes")
            self.count += 1
            name: str = inner.value
            mark = inner.start_mark
            where = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
            if name in values:
                first = position(self.path, *self.positions[(*key, name)])
                raise self._error(inner, f"the key {name!r} appears twice, first at {first}", "remove one of them")
            here = (*key, name)
            self.positions.setdefault(here, where)
            value = self._value(next(self.events), here, depth + 1)
            if name == _MERGE and inner.implicit[0]:
                merged.extend(value if isinstance(value, list) else [value])
                del self.positions[here]
                if not all(isinstance(part, dict) for part in merged):
                    raise self._error(inner, "only mappings can be merged", "write the keys out")
            else:
                values[name] = value
        for part in merged:
            values = {**part, **values}
        return values

    def _plain(self, event: Any) -> None:
        if event.tag is not None and event.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "!"):
            raise self._error(event, f"the tag {event.tag!r} is not understood", "write plain values")

    def _error(self, event: Any, what: str, fix: str) -> SuiteError:
        mark = event.start_mark
        return SuiteError(what, where=position(self.path, mark.line + 1, mark.column + 1), fix=fix)
