"""Payload: the structure of bytes of which only the bounds are known."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from harness.grammar.induction.draft import Draft, FieldDef, Names, numbered
from harness.grammar.induction.segmentation import (
    DESCRIBED,
    MAX_TAG_VALUES,
    OPAQUE,
    Segmentation,
    columns_worth,
    integers,
    matrix,
    segment,
)
from harness.grammar.language.encodings import count_text
from harness.grammar.processing import PROCESSORS, Inflated, ProcessError

PREFIXES = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64)
MAX_KINDS = 64
TEXT_BITS = 8.0 - 6.57  # bits per byte that printable text saves
MIN_RECORDS = 2
MIN_CASE_RECORDS = 4  # minimum number of records from which a case of a switch is learned
STRIDES = range(2, 41)
MAX_STRIDES = 2
MAX_TAGS = 3
MAX_SAMPLED = 20_000  # maximum number of instances
PACKERS = ("gzip", "lzma", "bz2", "zlib")  # with a header or a checksum, so that no other bytes unpack
MIN_PACKED_BYTES = 12
MAX_UNPACKED, MAX_UNPACKED_BYTES = 24, 16 << 20  # maximum number of streams that are tried, and of bytes of each
PACKED_BITS = 7.2  # bits per byte that a stream saves: its share of the score


def packed_payload(bodies: Sequence[bytes], names: Names, *, wish: str = "Body") -> Draft | None:
    """A draft for bodies that one process unpacks from their first byte to their last one; None if none does."""
    if min(map(len, bodies), default=0) < MIN_PACKED_BYTES:
        return None
    for process in PACKERS:
        apply, whole = PROCESSORS[process].apply, 0
        for body in bodies[:MAX_UNPACKED]:
            try:
                made = apply(body, MAX_UNPACKED_BYTES)
            except ProcessError:
                break
            if not isinstance(made, Inflated) or made.used < len(body) or len(made.data) <= len(body):
                break
            whole += 1
        if whole == len(bodies[:MAX_UNPACKED]):
            root = names.fresh(wish)
            field: FieldDef = {"name": "content", "type": "bytes", "length": "rest", "process": process}
            saved = PACKED_BITS * sum(map(len, bodies))
            return Draft(root, {root: {"fields": [field]}}, saved, f"{len(bodies)} streams of {process}")
    return None


def induce_payload(bodies: Sequence[bytes], names: Names, *, wish: str = "Body") -> Draft | None:
    """A draft for bodies of one kind, read to their end; None if no structure is found."""
    packed = packed_payload(bodies, names, wish=wish)
    if packed is not None:
        return packed
    shortest = min(map(len, bodies), default=0)  # an empty body has no prefix in common with the others
    bodies = [body for body in bodies if body][:MAX_SAMPLED]
    if not bodies:
        return None
    longest = max(map(len, bodies))
    text = text_field(bodies) if len({len(body) for body in bodies}) > 1 else None
    if text is not None:  # the letters at one place are not a code
        root = names.fresh(wish)
        saved = TEXT_BITS * sum(map(len, bodies)) - OPAQUE
        return Draft(root, {root: {"fields": [text]}}, saved, f"{len(bodies)} texts")
    best: tuple[float, list[FieldDef], dict[str, Any]] = (0.0, [], {})
    # A few instances reveal no columns, only whether all bytes are text.
    longest_prefix = min(shortest, PREFIXES[-1]) if len(bodies) >= MIN_RECORDS else 0
    cut = Segmentation(matrix(bodies, longest_prefix))
    for prefix in dict.fromkeys((*(p for p in PREFIXES if p < longest_prefix), longest_prefix)):
        fields, saved = cut.fields(prefix), cut.saved(prefix)
        types: dict[str, Any] = {}
        if prefix < longest:
            rest, more, types = _rest([body[prefix:] for body in bodies], wish)
            fields, saved = [*fields, rest], saved + more
        if saved > best[0] + 1e-6:
            best = (saved, fields, types)
    saved, fields, types = best
    if not fields:
        return None
    root = names.fresh(wish)
    made: dict[str, Any] = {}
    for given, definition in types.items():
        fresh = names.fresh(given)
        made[fresh] = definition
        fields = [{**f, "type": fresh} if f["type"] == given else f for f in fields]
    made[root] = {"fields": numbered(fields)}
    return Draft(root, made, saved, f"{len(bodies)} bodies of one structure")


def _rest(tails: Sequence[bytes], wish: str) -> tuple[FieldDef, float, dict[str, Any]]:
    """The field after a common prefix: text, records of equal size, or opaque bytes."""
    data = b"".join(tails)
    opaque: FieldDef = {"name": "data", "type": "bytes", "length": "rest"}
    if len(data) >= 2:
        text = text_field(tails)
        if text is not None:
            return text, TEXT_BITS * len(data) - OPAQUE, {}
    best: tuple[float, int, list[FieldDef]] = (2 * OPAQUE, 0, [])
    fitting = [s for s in STRIDES if len(data) // s >= 8 and all(len(tail) % s == 0 for tail in tails)]
    whole = {stride: matrix([data], len(data)).reshape(-1, stride) for stride in fitting}
    ranked = sorted(fitting, key=lambda stride: (-columns_worth(whole[stride]), stride))
    for stride in ranked[:MAX_STRIDES]:
        fields, saved = segment(whole[stride])
        if saved > best[0] * 1.02:
            best = (saved, stride, fields)
    if best[1]:
        item = f"{wish}Item"
        return {"name": "items", "type": item, "repeat": "rest"}, best[0] - DESCRIBED, {item: {"fields": best[2]}}
    return opaque, -OPAQUE, {}


def text_field(bodies: Sequence[bytes]) -> FieldDef | None:
    """The field of bodies that are text in ASCII or UTF-8, perhaps before a zero byte; None if one is not."""
    ended = [body.rstrip(b"\0") for body in bodies]
    padded = any(len(end) < len(body) for body, end in zip(bodies, ended, strict=True))
    if padded and not all(body and len(body) - len(end) <= 1 for body, end in zip(bodies, ended, strict=True)):
        return None
    encoding = text_encoding(b"\n".join(ended))
    if encoding is None or any(encoding == "utf-8" and text_encoding(end) is None for end in ended):
        return None
    made: FieldDef = {"name": "text", "type": "string", "length": "rest", "encoding": encoding}
    return {**made, "pad": 0} if padded else made


def text_encoding(data: bytes) -> str | None:
    """The encoding, ASCII or UTF-8, in which all characters of some bytes are text; None if there is none."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if count_text(text) < len(text) else "ascii" if text.isascii() else "utf-8"


def size_of(field: FieldDef) -> int:
    """Bytes of a field of constant size."""
    return int(field["length"]) if field["type"] in ("bytes", "string") else int(field["type"][1:]) // 8


def header_tags(fields: list[FieldDef], rows: Any) -> dict[str, list[Any]]:
    """The values of fields that may be tags of the bodies."""
    found, at = {}, 0
    for field in numbered(fields):
        size = size_of(field)
        cells = rows[:, at : at + size]
        at += size
        if field["type"] == "string":
            values: list[Any] = [cell.tobytes().decode("ascii") for cell in cells]
        elif field["type"][0] == "u" and size in (1, 2, 4):
            values = [int(v) for v in integers(cells, big=field.get("endian") != "little")]
        else:
            continue
        if 1 < len(set(values)) <= MAX_TAG_VALUES:
            found[field["name"]] = values
    return found


def induce_choice(
    bodies: Sequence[bytes], tags: Mapping[str, Sequence[Any]], names: Names, *, wish: str = "Body"
) -> tuple[dict[str, Any], Draft] | None:
    """Types for bodies that a tag before them distinguishes, or one type for all.

    Args:
        bodies: The bytes, one body per record.
        tags: Values of fields of the same records, by field name.

    Returns:
        Properties for the field that holds the bodies (`type`, or `switch`), and the types.
    """
    options: list[tuple[float, dict[str, Any], Draft]] = []
    alike = induce_payload(bodies, Names(set(names.taken)), wish=wish)
    if alike is not None:
        options.append((alike.saved, {"type": alike.root}, alike))
    if text_field([body for body in bodies if body]) is not None and alike is not None:
        names.taken |= set(alike.types)
        return {"type": alike.root}, alike  # the letters of strings of one length are not a code
    telling = {name: len(set(values)) for name, values in tags.items() if 1 < len(set(values)) <= MAX_KINDS}
    # A tag has few values for many bodies; of equal candidates the nearest to the body is taken.
    order = list(tags)
    for name in sorted(telling, key=lambda name: (telling[name] * 4 > len(bodies), -order.index(name)))[:MAX_TAGS]:
        values = tags[name]
        groups: dict[Any, list[bytes]] = defaultdict(list)
        for value, body in zip(values, bodies, strict=True):
            groups[value].append(body)
        local, cases = Names(set(names.taken)), {}
        draft = Draft("", {}, 0.0, f"bodies differ by {name}")
        for value, group in sorted(groups.items(), key=lambda pair: str(pair[0])):
            learn = packed_payload if len(group) < MIN_CASE_RECORDS else induce_payload  # one stream is enough evidence
            made = learn(group, local, wish=f"{wish}{_label(value)}")
            if made is not None:
                cases[str(value)] = made.root
                draft.types |= made.types
                draft.saved += made.saved - 2 * OPAQUE
        if cases:
            options.append((draft.saved, {"switch": {"by": name, "cases": cases}}, draft))
    if not options:
        return None
    _, properties, draft = max(options, key=lambda option: option[0])
    names.taken |= set(draft.types)
    return properties, draft


def _label(value: Any) -> str:
    text = "".join(c for c in str(value) if c.isascii() and c.isalnum())
    return text[:1].upper() + text[1:16] if text else "Other"


def pairs(starts: Sequence[int]) -> list[tuple[int, int]]:
    """Start and end offsets of each record."""
    return list(itertools.pairwise(starts))
