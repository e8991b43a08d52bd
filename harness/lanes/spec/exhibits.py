"""Exhibits of a patch: the bytes of a sample as both grammars read them, and the share explained by each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.exhibit import Exhibit, pack
from harness.core.exhibit_kinds import Axis, Bars, Bytes, Spans, Window
from harness.grammar.engine.limits import DEFAULT, Limits
from harness.grammar.hex_view import Comparison, HexView, compare
from harness.grammar.host.file_reader import parse_bytes
from harness.grammar.host.messages import ParseBinaryInput
from harness.grammar.language.grammar import Grammar

FIRST = 4096  # bytes from the start of a sample
AROUND = 64  # bytes before and after a change, a gap or an error further on
MAX_WINDOWS = 6
WITHOUT = "without the patch"  # "before" would also mean the earlier run
MAX_PARSED = 64 << 10  # of a larger sample only the first bytes are read again
MAX_FIELDS = 16


def patch_exhibits(
    before: Grammar, after: Grammar, samples: Mapping[str, bytes], facts: Mapping[str, Any], *, limits: Limits = DEFAULT
) -> tuple[Exhibit, ...]:
    """What the report shows of a patch that applies.

    Args:
        before: The grammar without the patch.
        samples: The bytes of the sample files by name.
        facts: Those of the evidence, with the measurements of the samples.
        limits: Bounds of a reading.
    """
    shown = next(iter(samples), None)
    fields = pack("explained", _explained(facts["samples"]))
    if shown is None:
        return (fields,)
    return (pack("bytes", _bytes(before, after, shown, samples[shown], limits)), fields)


def _bytes(before: Grammar, after: Grammar, name: str, data: bytes, limits: Limits) -> Bytes:
    whole = len(data) <= MAX_PARSED
    part = data if whole else data[:FIRST]
    results = [
        parse_bytes(ParseBinaryInput(grammar=grammar, file_path=name, limits=limits), part)
        for grammar in (before, after)
    ]  # a part ends in the middle of a field: what follows is not shown
    compared = compare(*results, length=len(part))
    windows = tuple(_window(compared, part, start, end) for start, end in _places(compared, len(part)))
    gaps = [[(s.start, s.end) for s in view.stretches if s.kind == "gap"] for view in (compared.before, compared.after)]
    still = _overlap(compared.changed, _overlap(*gaps))  # gaps that only begin or end elsewhere now
    changed = _length(compared.changed) - _length(still)
    return Bytes(
        title=f"Bytes of {name}",
        sentence=f"the patch changes how {changed:,} of {len(part):,} bytes are read; {_length(gaps[1]):,} are in no "
        f"field, {_length(gaps[0]):,} {WITHOUT}",
        names=(WITHOUT, "with the patch"),
        cut="" if whole else f"{len(part):,} of {len(data):,} bytes are shown",
        file=name,
        size=len(data),
        windows=windows,
    )


def _length(ranges: Sequence[tuple[int, int]]) -> int:
    return sum(end - start for start, end in ranges)


def _overlap(left: Sequence[tuple[int, int]], right: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts that are in both of two sorted lists of ranges."""
    found, at = [], 0
    for start, end in left:
        while at < len(right) and right[at][1] <= start:
            at += 1
        for a, b in right[at:]:
            if a >= end:
                break
            found.append((max(start, a), min(end, b)))
    return found


def _places(compared: Comparison, size: int) -> list[tuple[int, int]]:
    """The first bytes, and the bytes around later changes, gaps and errors; joined where they meet."""
    gaps = [(s.start, s.end) for s in compared.after.stretches if s.kind == "gap" or s.valid is False]
    points = [*compared.changed, *gaps, *((mark.offset, mark.offset + 1) for mark in compared.after.marks)]
    around = [(0, FIRST), *((start - AROUND, min(end, start + AROUND) + AROUND) for start, end in sorted(points))]
    joined: list[tuple[int, int]] = []
    for start, end in ((max(0, start) & ~15, min(size, end)) for start, end in around):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        elif len(joined) < MAX_WINDOWS:
            joined.append((start, end))
    return [(start, min(end, start + FIRST)) for start, end in joined if end > start]


def _window(compared: Comparison, part: bytes, start: int, end: int) -> Window:
    return Window(
        start=start,
        data=part[start:end].hex(),
        before=_spans(compared.before, start, end),
        after=_spans(compared.after, start, end),
    )


def _spans(view: HexView, start: int, end: int) -> Spans:
    if not view.stretches:  # the grammar reads nothing of the file
        return Spans(start=(start,), end=(end,), kinds=("gap",), paths=("",), values=("",))
    found = [s for s in view.stretches if s.start < end and s.end > start]
    return Spans(
        start=tuple(s.start for s in found),
        end=tuple(s.end for s in found),
        kinds=tuple(s.kind for s in found),
        paths=tuple(s.path for s in found),
        values=tuple(s.value for s in found),
        invalid=tuple(index for index, s in enumerate(found) if s.valid is False),
    )


def _explained(measured: Mapping[str, Any]) -> Bars:
    """The share of its bytes that each field explains, before and after; the largest fields first."""
    shares = {when: _shares(measured[when]["fields"]) for when in ("before", "after")}
    names = list(shares["after"])[:MAX_FIELDS]
    left = len(shares["after"]) - len(names)
    before, after = measured["before"]["explained"], measured["after"]["explained"]
    return Bars(
        title="Share explained by each field",
        sentence=f"{after:.1%} of the samples' bytes are explained, {before:.1%} {WITHOUT}",
        cut=f"{len(names)} of {len(names) + left} fields are shown" if left else "",
        value=Axis(label="share of its bytes explained", unit="%"),
        labels=tuple(names),
        values=tuple(shares["after"][name] for name in names),
        before=tuple(shares["before"].get(name) for name in names),
        before_name=WITHOUT,
    )


def _shares(fields: Sequence[Sequence[Any]]) -> dict[str, float]:
    return {name: 100 * min(1.0, max(0.0, credit)) for name, _, credit, *_ in fields}
