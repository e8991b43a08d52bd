"""Framing: whole files as a head and records: chained by lengths, of equal size, or terminated by a byte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.grammar.induction.checksum_detection import WIDTHS, checksum_of
from harness.grammar.induction.counted_arrays import counted_drafts
from harness.grammar.induction.directory import directory_drafts
from harness.grammar.induction.draft import Draft, FieldDef, Names, numbered
from harness.grammar.induction.header import RECORDS, head_fields
from harness.grammar.induction.length_chains import odd_chains
from harness.grammar.induction.payload import header_tags, induce_choice, pairs, size_of, text_encoding
from harness.grammar.induction.record_chain import MIN_EVIDENCE_BITS, Chain, evidence, find_chains
from harness.grammar.induction.segmentation import columns_worth, matrix, segment
from harness.grammar.induction.terminated_records import MIN_WHOLE_SHARE, terminated_drafts

STRIDES = range(2, 129)
MAX_SAMPLED = 20_000
MAX_HEAD = 64
MAX_STRIDES = 3
MIN_DIVISOR_SHARE = 0.9  # share of the saved bits of a stride that a divisor of it must save to be preferred
MAX_CHAINS = 3


def frame(blobs: Sequence[bytes], names: Names) -> list[Draft]:
    """Drafts for blobs read from start to end, the most promising first.

    If lengths lead through all files for sure, drafts with a longer head are left out: a match after the first parts of
    files from one program is not evidence for files from another.
    """
    if not blobs:
        return []
    chained = [_chained(blobs, chain, names) for chain in find_chains(blobs)[:MAX_CHAINS]]
    drafts: list[Draft] = []
    drafts += _equal(blobs, names)
    drafts += _lines(blobs, names)
    drafts += directory_drafts(blobs, names)
    drafts += counted_drafts(blobs, names)
    drafts += terminated_drafts(blobs, names)
    drafts += odd_chains(blobs, names)
    first = min((draft.head for draft in chained if draft.sure), default=None)
    drafts = [draft for draft in drafts if first is None or draft.head <= first]
    return sorted([*chained, *drafts], key=lambda draft: -draft.saved)


def _chained(blobs: Sequence[bytes], chain: Chain, names: Names) -> Draft:
    local = Names(set(names.taken))
    root, record = local.fresh("File"), local.fresh("Record")
    cuts = [(blob, a, b) for blob, starts in zip(blobs, chain.starts, strict=True) for a, b in pairs(starts)][
        :MAX_SAMPLED
    ]
    rows = [blob[a:b] for blob, a, b in cuts]
    lead, order = chain.lead, "big" if chain.big else "little"
    values = [int.from_bytes(row[chain.place : lead], order) for row in rows]  # type: ignore[arg-type]
    wholes = [row[: value * chain.unit + chain.extra] for row, value in zip(rows, values, strict=True)]
    spare = max(0, chain.extra - lead)
    shortest = min(map(len, wholes))
    tail, guard = _detect_checksum(wholes, spare, chain)
    front = lead + spare - tail if chain.extra >= lead else lead
    front = min(front, shortest - tail)
    length: FieldDef = {"name": "length", "type": f"u{8 * chain.width}"}
    if chain.width > 1:
        length["endian"] = order
    fields, saved = segment(matrix(wholes, front), fixed={chain.place: (chain.width, length)})
    rest = front + tail - chain.extra
    sized = "length" if chain.unit == 1 else f"length * {chain.unit}"
    body: FieldDef = {"name": "body", "type": "bytes", "length": sized}
    if rest:
        body["length"] = f"{sized} - {rest}" if rest > 0 else f"{sized} + {-rest}"
    bodies = [whole[front : len(whole) - tail] for whole in wholes]
    typed = None
    if len(bodies) > len(blobs):  # a single body per file is a file again; its structure is searched next
        typed = induce_choice(bodies, header_tags(fields, matrix(wholes, front)), local, wish="Body")
    types: dict[str, Any] = {}
    if typed is not None:
        body |= typed[0]
        types |= typed[1].types
        saved += typed[1].saved
    fields = [*fields, body]
    if tail:
        fields.append(_tail(tail, guard, fields, front))
        saved += 8.0 * tail * len(wholes) if guard else 0.0
    if chain.align > 1:
        whole = f"{sized} + {chain.extra}" if chain.extra else sized
        padding: FieldDef = {"name": "padding", "type": "bytes", "length": f"(-({whole})) % {chain.align}"}
        if not any(byte for row, inner in zip(rows, wholes, strict=True) for byte in row[len(inner) :]):
            padding["validate"] = {"all_bytes": 0}
        fields.append({**padding, "if": "not _io.eof"})
    types[record] = {"fields": numbered(fields)}
    counts = [len(starts) - 1 for starts in chain.starts]
    head, more = head_fields(blobs, chain.head, counts, {**RECORDS, "type": record})
    types = {root: {"fields": head}, **types}
    idea = f"{chain.records} records with a {length['type']} length at {chain.place}, from byte {chain.head} on"
    # The chain is evidence: each matching length is unlikely by chance.
    # Lengths of one or two bytes lead to an end in many tables by chance; of three or four bytes rarely.
    sure = chain.width > 2 and chain.unit == 1 and evidence(chain) >= MIN_EVIDENCE_BITS
    return Draft(root, types, saved + more + 4.0 * chain.records, idea, head=chain.head, sure=sure)


def _detect_checksum(wholes: Sequence[bytes], spare: int, chain: Chain) -> tuple[int, tuple[str, int, bool] | None]:
    """Number of bytes at the end that are a checksum of the bytes before them, and the checksum."""
    for width in sorted(WIDTHS, reverse=True):
        if width <= spare:
            before, sums = [w[:-width] for w in wholes], [w[-width:] for w in wholes]
            found = checksum_of(before, sums, sorted({0, chain.place, chain.lead, chain.lead + spare - width}))
            if found is not None:
                return width, found
    return 0, None


def _tail(tail: int, guard: tuple[str, int, bool] | None, fields: list[FieldDef], front: int) -> FieldDef:
    made: FieldDef = {"name": "check", "type": f"u{8 * tail}"}
    if guard is None:
        return made
    name, start, big = guard
    if tail > 1:
        made["endian"] = "big" if big else "little"
    at, over = 0, []
    for field in numbered(fields):
        size = front if field["name"] == "body" else size_of(field)
        if at >= start or field["name"] == "body":
            over.append(field["name"])
        at += size
    return {**made, "checksum": {"algorithm": name, "over": over}}


def _equal(blobs: Sequence[bytes], names: Names) -> list[Draft]:
    """Records of one size after a head of the remaining bytes."""
    ranked: list[tuple[float, int, int]] = []
    for stride in STRIDES:
        rest = {len(blob) % stride for blob in blobs}
        if len(rest) > 1:
            continue
        for head in range(rest.pop(), MAX_HEAD + 1, stride):
            rows = _rows(blobs, head, stride)
            if len(rows) >= 8:
                ranked.append((columns_worth(rows), head, stride))
    ranked.sort(key=lambda entry: (-entry[0], entry[2], entry[1]))
    best = [entry for entry in ranked if entry[0] > 0]
    # Multiples of the size match too: the smallest divisor that saves nearly as much is tried.
    best = [a for a in best if not any(_divides(b, a) and b[0] >= MIN_DIVISOR_SHARE * a[0] for b in best)]
    return [_equal_draft(blobs, head, stride, names) for _, head, stride in best[:MAX_STRIDES]]


def _divides(small: tuple[float, int, int], large: tuple[float, int, int]) -> bool:
    return small[2] < large[2] and large[2] % small[2] == 0 and (large[1] - small[1]) % small[2] == 0


def _rows(blobs: Sequence[bytes], head: int, stride: int) -> Any:
    body = b"".join(blob[head:] for blob in blobs if len(blob) > head)
    return matrix([body], len(body)).reshape(-1, stride)[:MAX_SAMPLED]


def _equal_draft(blobs: Sequence[bytes], head: int, stride: int, names: Names) -> Draft:
    local = Names(set(names.taken))
    root, record = local.fresh("File"), local.fresh("Record")
    rows = _rows(blobs, head, stride)
    raw = [row.tobytes() for row in rows[:MAX_SAMPLED]]
    fixed: dict[int, tuple[int, FieldDef]] = {}
    for width in sorted(WIDTHS, reverse=True):
        if width < stride and not fixed:
            before, sums = [r[:-width] for r in raw], [r[-width:] for r in raw]
            if (found := checksum_of(before, sums, (0,))) is not None:
                name, _, big = found
                endian = {"endian": "big" if big else "little"} if width > 1 else {}
                guard = {
                    "name": "check",
                    "type": f"u{8 * width}",
                    **endian,
                    "checksum": {"algorithm": name, "over": []},
                }
                fixed[stride - width] = (width, guard)
    fields, saved = segment(rows, fixed=fixed)
    for field in fields:
        if "checksum" in field:
            over = [other["name"] for other in fields if other is not field]
            field["checksum"] = {**field["checksum"], "over": over}
    counts = [(len(blob) - head) // stride for blob in blobs]
    start, more = head_fields(blobs, head, counts, {**RECORDS, "type": record})
    types = {root: {"fields": start}, record: {"fields": fields}}
    return Draft(root, types, saved + more, f"{len(rows)} records of {stride} bytes, from byte {head} on", head=head)


def _lines(blobs: Sequence[bytes], names: Names) -> list[Draft]:
    """Text in lines, or strings that end with a zero byte."""
    drafts = []
    for end in (b"\n", b"\0"):
        whole = [blob[: blob.rfind(end) + 1] for blob in blobs]
        if any(
            blob.count(end) <= 2 or len(kept) < MIN_WHOLE_SHARE * len(blob)
            for kept, blob in zip(whole, blobs, strict=True)
        ):
            continue
        data = b"".join(whole)
        encoding = text_encoding(data.replace(end, b""))
        if encoding is None:
            continue
        local = Names(set(names.taken))
        root, record = local.fresh("File"), local.fresh("Line")
        line = {"name": "text", "type": "string", "terminator": end[0], "encoding": encoding}
        types: dict[str, Any] = {
            root: {"fields": [{"name": "lines", "type": record, "repeat": "rest"}]},
            record: {"fields": [line]},
        }
        drafts.append(Draft(root, types, 1.4 * len(data), f"{data.count(end)} strings that end with {end!r}"))
    return drafts
