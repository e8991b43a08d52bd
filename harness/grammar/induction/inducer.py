"""The built-in proposer: deterministic patches from statistics of bytes, without knowledge of formats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from harness.grammar.editing.frozen import unfreeze
from harness.grammar.engine.node import Array, Leaf, Node, Record
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.parser import parse
from harness.grammar.improvement.proposer import Situation
from harness.grammar.induction.checksum_detection import WIDTHS, checksum_of
from harness.grammar.induction.draft import Draft, Names
from harness.grammar.induction.framing import frame
from harness.grammar.induction.payload import induce_choice, induce_payload
from harness.grammar.induction.segmentation import MAX_TAG_VALUES, WRITTEN
from harness.grammar.patch import (
    AddType,
    InsertField,
    Operation,
    Patch,
    SetEndian,
    SetFraming,
    SetProperty,
    UnsetProperty,
    UpdateField,
)

MAX_PATCHES = 60
MAX_BYTES = 256 << 10  # maximum bytes of all files in one round; whole files, the smallest first, at least one
MAX_VALUES = 20_000
_NUMBERS = {"u8": 1, "u16": 2, "u32": 4}


def propose(situation: Situation) -> list[Patch]:
    """Patches for a situation, the most promising first: structure for unexplained bytes, then small changes."""
    files = _few(situation.files)
    document = unfreeze(situation.version.spec_dict)
    parses = {name: parse(situation.measured.grammar, data) for name, data in files.items()}
    found: list[tuple[float, Patch]] = []
    found += _inside(document, parses)
    found += _whole(document, files)
    found += _behind(document, files, parses)
    found += _sums(parses, document)
    found += _constants(parses, document)
    found += _endians(document)
    found.sort(key=lambda pair: -pair[0])
    return [patch for _, patch in found if patch.digest not in situation.refused][:MAX_PATCHES]


def _few(files: dict[str, bytes]) -> dict[str, bytes]:
    chosen: dict[str, bytes] = {}
    room = MAX_BYTES
    for name, data in sorted(files.items(), key=lambda pair: (len(pair[1]), pair[0])):
        if data and (len(data) <= room or not chosen):
            chosen[name] = data
            room -= len(data)
    return {name: chosen[name] for name in files if name in chosen}


def _whole(document: Any, files: dict[str, bytes]) -> Iterator[tuple[float, Patch]]:
    """Patches that read whole files with new types."""
    for draft in frame(list(files.values()), Names.free_in(document)):
        operations = [
            *_added(draft),
            SetProperty(("root",), draft.root),
            SetFraming(framing={"repeat": "once"}),
            *([UnsetProperty(("record",))] if "record" in document else []),
        ]
        yield draft.saved, Patch(tuple(operations), f"whole files: {draft.idea}")


def _added(draft: Draft) -> list[Operation]:
    return [AddType(("types", name), body) for name, body in draft.types.items()]


def _behind(document: Any, files: dict[str, bytes], parses: dict[str, Parse]) -> Iterator[tuple[float, Patch]]:
    """Patches for the bytes after the first record, whose fields stay."""
    tops = {p.records[0].type.name for p in parses.values() if p.records}
    firsts = [p.records[0] for p in parses.values() if p.records and p.records[0].complete]
    if len(tops) != 1 or len(firsts) != len(files):
        return
    top = tops.pop()
    tails = [data[first.end :] for data, first in zip(files.values(), firsts, strict=True)]
    if "record" in document or any(len(tail) < 4 for tail in tails) or not any(first.end for first in firsts):
        return
    drafts = frame(tails, Names.free_in(document))
    alike = None if any(draft.sure for draft in drafts) else induce_payload(tails, Names.free_in(document), wish="Rest")
    for draft in [*drafts, *([alike] if alike else [])]:
        field = {"name": _free(document, top, "rest"), "type": draft.root}
        operations: list[Operation] = [
            *_added(draft),
            InsertField(("types", top), -1, field),
            SetFraming(framing={"repeat": "once"}),
            *([] if document.get("root") == top else [SetProperty(("root",), top)]),
        ]
        yield draft.saved, Patch(tuple(operations), f"after {top}: {draft.idea}")


def _free(document: Any, owner: str, wish: str) -> str:
    taken = {field.get("name") for field in document["types"][owner]["fields"]}
    return next(name for name in (wish, *(f"{wish}_{n}" for n in range(2, 1000))) if name not in taken)


def _leaves(parses: dict[str, Parse]) -> dict[tuple[str, str], list[tuple[Record, Node]]]:
    """Records and nodes of each field, by (type, field)."""
    found: dict[tuple[str, str], list[tuple[Record, Node]]] = defaultdict(list)
    for made in parses.values():
        for _, record in made.walk():
            for name, node in record.nodes.items():
                entries = found[record.type.name, name]
                if len(entries) < MAX_VALUES:
                    entries.append((record, node))
    return found


def _place(document: Any, owner: str, name: str) -> int | None:
    """The index of a field in the document, within its type."""
    fields = document.get("types", {}).get(owner, {}).get("fields", [])
    return next((i for i, field in enumerate(fields) if isinstance(field, dict) and field.get("name") == name), None)


def _inside(document: Any, parses: dict[str, Parse]) -> Iterator[tuple[float, Patch]]:
    """Patches for opaque bytes with known bounds: their content, perhaps chosen by a tag."""
    for (owner, name), entries in _leaves(parses).items():
        index = _place(document, owner, name)
        opaque = [
            (record, bytes(node.value))
            for record, node in entries
            if isinstance(node, Leaf) and isinstance(node.value, bytes | memoryview) and node.buffer.origin is None
        ]
        if (
            index is None
            or not opaque
            or name.startswith("padding")
            or len({len(body) for _, body in opaque}) == 1 == len(opaque[0][1])
        ):
            continue
        records, bodies = [record for record, _ in opaque], [body for _, body in opaque]
        wish = name[:1].upper() + name[1:20]
        path = ("types", owner, "fields", index)
        rest = document["types"][owner]["fields"][index].get("length") == "rest"
        drafts = frame(bodies, Names.free_in(document)) if min(map(len, bodies)) >= 4 else []
        for draft in drafts:
            patch = Patch((*_added(draft), UpdateField(path, {"type": draft.root})), f"in {owner}.{name}: {draft.idea}")
            yield draft.saved, patch
        # A constant at one offset of every file may come from one program; lengths belong to the format.
        if len(bodies) <= len(parses) and any(draft.sure for draft in drafts):
            continue
        tags = {} if rest and len(records) == 1 else _tags(records)
        choice = induce_choice(bodies, tags, Names.free_in(document), wish=wish)
        if choice is not None:
            properties, draft = choice
            operations = (*_added(draft), UpdateField(path, properties))
            yield draft.saved, Patch(operations, f"in {owner}.{name}: {draft.idea}")


def _tags(records: list[Record]) -> dict[str, list[Any]]:
    """The values of fields that may be tags of the bodies."""
    found: dict[str, list[Any]] = {}
    for name, node in records[0].nodes.items():
        if not isinstance(node, Leaf) or not isinstance(node.value, int | str) or isinstance(node.value, bool):
            continue
        values = [record.get(name) for record in records]
        if 1 < len(set(values)) <= MAX_TAG_VALUES and all(isinstance(value, int | str) for value in values):
            found[name] = values
    return found


def _sums(parses: dict[str, Parse], document: Any) -> Iterator[tuple[float, Patch]]:
    """Patches for numbers that are checksums of the fields before them."""
    for (owner, name), entries in _leaves(parses).items():
        index = _place(document, owner, name)
        leaves = [(record, node) for record, node in entries if isinstance(node, Leaf)]
        if index is None or not leaves or len(leaves) != len(entries) or name.startswith("padding"):
            continue
        field = document["types"][owner]["fields"][index]
        width = _NUMBERS.get(str(field.get("type"))[: 3 if str(field.get("type")) != "u8" else 2], 0)
        if not width or "checksum" in field or "validate" in field:
            continue
        before = [other for other in leaves[0][0].nodes if other != name]
        before = before[: list(leaves[0][0].nodes).index(name)]
        for first, start in enumerate(before):
            rows = [_bytes(record, start, node) for record, node in leaves]
            sums = [bytes(node.buffer.data[node.start : node.end]) for _, node in leaves]
            if width not in WIDTHS or any(row is None for row in rows) or any(len(s) != width for s in sums):
                break
            hit = checksum_of([row for row in rows if row is not None], sums, (0,))
            if hit is not None:
                updates: dict[str, Any] = {"checksum": {"algorithm": hit[0], "over": before[first:]}}
                if width > 1:
                    updates["endian"] = "big" if hit[2] else "little"
                patch = Patch(
                    (UpdateField(("types", owner, "fields", index), updates),), f"{owner}.{name} is a {hit[0]}"
                )
                yield 8.0 * width * len(leaves), patch
                break


def _bytes(record: Record, start: str, end: Leaf) -> bytes | None:
    """The bytes of a record from one field to another one (exclusive)."""
    node = record.nodes.get(start)
    if node is None or (isinstance(node, Array) and not node.items) or node.buffer is not end.buffer:
        return None
    return bytes(end.buffer.data[node.start : end.start]) if node.start <= end.start else None


def _constants(parses: dict[str, Parse], document: Any) -> Iterator[tuple[float, Patch]]:
    """Patches for numbers and strings that are always the same, like magic numbers."""
    for (owner, name), entries in _leaves(parses).items():
        index = _place(document, owner, name)
        values = {
            node.value for _, node in entries if isinstance(node, Leaf) and isinstance(node.value, int | str | bytes)
        }
        if index is None or len(entries) < 3 or len(values) != 1:
            continue
        field = document["types"][owner]["fields"][index]
        value = values.pop()
        if "validate" in field or "switch" in field or isinstance(value, bool) or not _is_magic(value):
            continue
        shown = list(value) if isinstance(value, bytes) else value
        updates = {"validate": {"equals": shown}}
        bits = 8.0 * (len(value) if isinstance(value, str | bytes) else 4)
        yield (
            bits,
            Patch((UpdateField(("types", owner, "fields", index), updates),), f"{owner}.{name} is always the same"),
        )


def _is_magic(value: int | str | bytes) -> bool:
    """Whether a constant may be a magic number: above 255 and not digits, or 2 to 16 bytes that are not all equal."""
    if isinstance(value, int):
        return value > 0xFF and bool(value.to_bytes((value.bit_length() + 7) // 8, "big").strip(WRITTEN))
    return 2 <= len(value) <= 16 and len(set(value)) > 1


def _endians(document: Any) -> Iterator[tuple[float, Patch]]:
    """Patches with the other byte order of the grammar, of a type or of a field."""
    other = "big" if document.get("endian") == "little" else "little"
    yield 1.0, Patch((SetEndian(("endian",), other),), f"{other}-endian")
    for name, body in document.get("types", {}).items():
        for index, field in enumerate(body.get("fields", []) if isinstance(body, dict) else []):
            kind = str(field.get("type")) if isinstance(field, dict) else ""
            if kind[:1] in ("u", "i", "f") and kind[1:].isdigit() and kind[1:] != "8":
                now = field.get("endian", document.get("endian", "big"))
                flipped = "little" if now == "big" else "big"
                path = ("types", name, "fields", index)
                yield 0.5, Patch((SetEndian(path, flipped),), f"{name}.{field['name']} {flipped}-endian")
