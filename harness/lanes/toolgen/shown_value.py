"""Shown values: encoded arguments, answers and replies as text for people, clipped."""

from __future__ import annotations

import base64
import errno
import json
from typing import Any

from harness.core.clip import CLIP, clip
from harness.lanes.toolgen.reply import Reply
from harness.sandbox.quota import WORK

_FULL = tuple(f"[Errno {number}]" for number in (errno.EFBIG, errno.ENOSPC))
_DISK = f" (no space left on its disk of {WORK.bytes >> 20} MiB and {WORK.files} files)"
MAX_LITERAL = 1 << 14
"""Bytes of JSON with tags that are shown as Python writes the value; a longer one is shown as it is."""


def show_reply(reply: Reply, *, other: bytes = b"") -> str:
    """A reply without the word `returned`: its value, or what happened instead; as for `show_json`."""
    if reply.kind == "value":
        return show_json(reply.payload, other=other)
    said = describe_reply(reply)
    return clip(f"{said}: {reply.message}") if reply.kind == "raised" and reply.message else said


def describe_reply(reply: Reply, *, other: bytes = b"", limit: int = 120) -> str:
    """Describe a reply: `returned ...`, `raised ValueError` or `returned a value of type set`, clipped.

    Args:
        other: As for `show_json`.
        limit: Characters of a returned value.
    """
    if reply.kind == "value":
        return f"returned {show_json(reply.payload, other=other, limit=limit)}"
    name = clip(reply.exception, limit=60)
    if reply.kind == "raised":
        is_full = name == "OSError" and reply.message.startswith(_FULL)
        return f"raised {name}" + (_DISK if is_full else "")
    if reply.kind == "changed":
        return f"changed its argument {name} to {show_json(reply.message.encode(), limit=80)}"
    return f"returned a value of type {name}, which cannot cross the box{_reason(reply)}"


def _reason(reply: Reply) -> str:
    """What the codec says beyond the type of the whole value: the type of a part, or the remedy."""
    reason = reply.message.removeprefix(f"a value of type {reply.exception} cannot cross the box")
    return f": {clip(reason.removeprefix(': '), limit=120)}" if reason else ""


def show_json(payload: bytes, *, other: bytes = b"", limit: int = CLIP) -> str:
    """Canonical JSON as text, clipped to `limit` characters; where it has tags, as Python writes the value.

    Args:
        other: The JSON that it is compared with: what is shown then includes the first place where the two differ.
        limit: Characters.
    """
    payload, other = _without_tags(payload), _without_tags(other)
    at = _first_difference(payload, other) if other and max(len(payload), len(other)) > limit else 0
    start = max(0, at - limit // 3)
    # Only the shown part is decoded: an answer may have millions of characters.
    text = payload[start : start + limit + 1].decode("ascii", "replace")
    return clip(f"…{text[1:]}" if start else text, limit=limit)


def _without_tags(payload: bytes) -> bytes:
    if len(payload) > MAX_LITERAL or b'"$' not in payload:
        return payload
    try:
        return _literal(json.loads(payload)).encode("ascii")
    except (ValueError, TypeError, RecursionError):  # cut, or forged
        return payload


def _literal(value: Any) -> str:
    """Tagged JSON as Python writes the value. The order is that of the JSON, so it does not depend on hashes."""
    if type(value) is list:
        return f"[{', '.join(map(_literal, value))}]"
    if type(value) is str:
        return json.dumps(value)
    if type(value) is not dict:
        return repr(value)
    single: tuple[str, Any] = next(iter(value.items())) if len(value) == 1 else ("", None)
    tag, content = single
    if tag == "$bytes":
        return repr(base64.b64decode(content, validate=True))
    if tag == "$int":
        return str(content)
    if tag == "$dict":
        return f"{{{', '.join(f'{_literal(key)}: {_literal(item)}' for key, item in content)}}}"
    if tag in ("$tuple", "$set", "$frozenset"):
        items = ", ".join(map(_literal, content))
        if tag == "$tuple":
            return f"({items},)" if len(content) == 1 else f"({items})"
        text = f"{{{items}}}" if items else "set()"
        return text if tag == "$set" else f"frozenset({items and text})"
    pairs = [f"{json.dumps(key.removeprefix('$'))}: {_literal(item)}" for key, item in value.items()]
    return f"{{{', '.join(pairs)}}}"


def _first_difference(one: bytes, two: bytes) -> int:
    """The index of the first byte that differs; the length of the shorter string if the other begins with it."""
    low, high = 0, min(len(one), len(two))
    while low < high:  # by halves, because slices are compared at the speed of C
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == two[low:middle] else (low, middle - 1)
    return low
