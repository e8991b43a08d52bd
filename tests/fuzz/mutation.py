"""Mutation of stored inputs: of values of JSON and YAML, lines, words, bytes, and of the entries of a zip file."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import yaml

MAX_BYTES = 1 << 16  # of a mutated input; longer ones only repeat
MAX_DEPTH = 3000  # of brackets that are put around a value
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 255, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**40, 10**400, 0.5, -0.0, 1e-320,
    1e308, float("inf"), float("nan"), "", " ", "\0", "\n", "\ud800", "\udcff", "é", "\u0131", "\u2028", "😀", "0",
    "1e5", "-1", "nan", "null", "a" * 300, "a" * 5000, "../x", "/", "/dev/null", "~", "%s", "{}", "{{x}}", "$bytes",
    "a b", "a.b", "__class__", "\x1b[31m", [], {}, [[]], {"": 0}, {"$tuple": []}, {"$int": "0x10"}, [None], [1, 2, 3],
)  # fmt: skip
TOKENS = (
    *"{}[]()<>:;,.=!&|*%@#'\"`\\/~^+-?_ \t\n\r\0",
    *("true", "null", "- ", ": ", "0x", "1e9", "1e999", "-1", "9" * 25, "9" * 5000, "if", "not", "{{", "}}", '"""'),
    *("&a ", "*a", "<<: *a", "!!binary ", "%YAML", "---\n", "\ufeff", "\ud7ff", "é", "\u2028", "\x1b[0m"),
    *("(" * 200, "[" * 3000),
)  # fmt: skip
_WORD = re.compile(rb"\w+|\s+|[^\w\s]")
_MAX_NODES = 2000


class Mutator:
    """Makes new inputs from those of a corpus.

    Args:
        corpus: The inputs; more may be appended later.
        chance: The source of all choices.
    """

    def __init__(self, corpus: list[bytes], chance: random.Random) -> None:
        self.corpus, self.chance = corpus, chance

    def make(self) -> bytes:
        """A new input: one of the corpus, changed one to four times."""
        data = self.chance.choice(self.corpus)
        for _ in range(self.chance.choice((1, 1, 1, 2, 2, 3, 4))):
            data = self.change(data)
        return data[:MAX_BYTES]

    def change(self, data: bytes) -> bytes:
        """The input with one change."""
        if data[:2] == b"PK" and self.chance.random() < 0.8 and (packed := self._zip(data)) is not None:
            return packed
        head, mark, tail = data.partition(b"\0")
        if mark and self.chance.random() < 0.9:  # two inputs in one
            if self.chance.random() < 0.6:
                return self._change_one(head) + mark + tail
            return head + mark + self._change_one(tail)
        return self._change_one(data)

    def _change_one(self, data: bytes) -> bytes:
        dice = self.chance.random()
        if dice < 0.45 and (changed := self._tree(data)) is not None:
            return changed
        if dice < 0.6 and data.count(b"\n") > 1:
            return self._lines(data)
        return self._words(data) if dice < 0.85 else self._bytes(data)

    # Values

    def _tree(self, data: bytes) -> bytes | None:
        value = _json(data)
        if value is not _NOTHING:
            return _dump(self._changed(value))
        lines = data.splitlines()
        at = self.chance.randrange(len(lines)) if lines else 0
        if lines and (value := _json(lines[at])) is not _NOTHING and isinstance(value, dict | list):
            lines[at] = _dump(self._changed(value))
            return b"\n".join(lines) + b"\n"
        value = _yaml(data)
        if value is _NOTHING or not isinstance(value, dict | list):
            return None
        try:
            text = yaml.safe_dump(self._changed(value), allow_unicode=True, sort_keys=False)
        except (yaml.YAMLError, RecursionError, ValueError):
            return None
        return text.encode("utf-8", "surrogatepass")

    def _changed(self, value: Any) -> Any:
        places = list(_places(value))
        if not places:
            return self._value(value)
        holder, key = self.chance.choice(places)
        old = holder[key]
        match self.chance.randrange(7):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                other, name = self.chance.choice(places)
                holder[name if isinstance(other, dict) else str(self.chance.choice(VALUES))] = holder.pop(key)
            case 1:
                holder.insert(key, old)
            case 2:
                other, name = self.chance.choice(places)
                holder[key] = json.loads(_dump(other[name]))
            case 3:
                twin = _json(self.chance.choice(self.corpus))
                found = list(_places(twin)) if twin is not _NOTHING else []
                other, name = self.chance.choice(found) if found else (holder, key)
                holder[key] = other[name]
            case _:
                holder[key] = self._value(old)
        return value

    def _value(self, old: Any) -> Any:
        match self.chance.randrange(6):
            case 0:
                for _ in range(self.chance.choice((1, 2, 70, MAX_DEPTH))):
                    old = [old] if self.chance.random() < 0.5 else {"a": old}
                return old
            case 1 if isinstance(old, str) and old:
                return self._words(old.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
            case 2 if isinstance(old, int | float):
                return self.chance.choice((old + 1, old - 1, -old, old * 2**20, str(old)))
            case 3 if isinstance(old, list):
                return old * self.chance.choice((0, 2, 30))
        return self.chance.choice(VALUES)

    # Strings and bytes

    def _lines(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        at, other = self.chance.randrange(len(lines)), self.chance.randrange(len(lines))
        match self.chance.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines[at], lines[other] = lines[other], lines[at]
            case 2:
                lines.insert(at, lines[other])
            case 3:
                lines[at] = b"  " + lines[at]
            case _:
                twin = self.chance.choice(self.corpus).split(b"\n")
                begin = self.chance.randrange(len(twin))
                lines[at:at] = twin[begin : begin + self.chance.randint(1, 6)]
        return b"\n".join(lines)

    def _words(self, data: bytes) -> bytes:
        words = _WORD.findall(data)
        if not words:
            return self._token()
        at = self.chance.randrange(len(words))
        match self.chance.randrange(6):
            case 0:
                del words[at]
            case 1:
                words[at] = self._token()
            case 2:
                words.insert(at, self._token())
            case 3:
                words[at] = self.chance.choice(words)
            case 4:
                end = at + self.chance.randint(1, 12)
                words[at:at] = words[at:end] * self.chance.choice((1, 1, 2, 100))
            case _:
                twin = _WORD.findall(self.chance.choice(self.corpus)) or [b" "]
                begin = self.chance.randrange(len(twin))
                words[at : at + self.chance.randint(0, 4)] = twin[begin : begin + self.chance.randint(1, 12)]
        return b"".join(words)

    def _token(self) -> bytes:
        return self.chance.choice(TOKENS).encode("utf-8", "surrogatepass")

    def _bytes(self, data: bytes) -> bytes:
        if not data:
            return self.chance.randbytes(self.chance.randint(1, 16))
        made = bytearray(data)
        at = self.chance.randrange(len(made))
        end = min(len(made), at + self.chance.choice((1, 1, 2, 4, 8, 40)))
        match self.chance.randrange(6):
            case 0:
                del made[at:end]
            case 1:
                made[at] ^= 1 << self.chance.randrange(8)
            case 2:
                made[at] = self.chance.randrange(256)
            case 3:
                made[at:at] = made[at:end]
            case 4:
                made[at:end] = self.chance.choice((b"\xff", b"\0", b"\x7f", b"\x80", b"\x01")) * (end - at)
            case _:
                del made[at:]
        return bytes(made)

    def _zip(self, data: bytes) -> bytes | None:
        """The zip file with another content of one entry; its sums are right again, so that its readers go on."""
        made = io.BytesIO()
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
                names = old.namelist()
                chosen = self.chance.choice(names)
                for name in dict.fromkeys(names):
                    content, written = old.read(name), name
                    if name == chosen:
                        match self.chance.randrange(8):
                            case 0:
                                continue
                            case 1:
                                written = self._words(name.encode()).decode("utf-8", "replace") or "x"
                            case _:
                                content = self._change_one(content)
                    new.writestr(zipfile.ZipInfo(written), content)
        except Exception:
            return None
        return made.getvalue()


_NOTHING = object()


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return _NOTHING


def _yaml(data: bytes) -> Any:
    if len(data) > MAX_BYTES or data.count(b"[") + data.count(b"{") > 500:  # nesting overflows the stack of PyYAML
        return _NOTHING
    try:
        return yaml.load(data.decode(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError):
        return _NOTHING


def _dump(value: Any) -> bytes:
    """JSON of a value of any depth."""
    try:
        return json.dumps(value, default=str).encode()
    except (RecursionError, ValueError, TypeError):
        return b"[" * MAX_DEPTH + b"]" * MAX_DEPTH


def _places(value: Any) -> Sequence[tuple[Any, Any]]:
    """Every place of a value as its holder and the key in it."""
    found: list[tuple[Any, Any]] = []
    todo = [value]
    while todo and len(found) < _MAX_NODES:
        holder = todo.pop()
        if isinstance(holder, dict | list):
            keys = list(holder) if isinstance(holder, dict) else range(len(holder))
            found.extend((holder, key) for key in keys)
            todo.extend(holder[key] for key in keys)
    return found
