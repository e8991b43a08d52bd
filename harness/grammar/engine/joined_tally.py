"""Joined tally: columns count intact records, the reference engine reads broken ones and faults; both add up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from harness.grammar.engine.arrays import continue_array
from harness.grammar.engine.byte_weights import Weights
from harness.grammar.engine.column_tally import Counter
from harness.grammar.engine.column_validation import find_faults
from harness.grammar.engine.columns import Columns
from harness.grammar.engine.gather import Vector
from harness.grammar.engine.items import read_item
from harness.grammar.engine.layout import Layout
from harness.grammar.engine.limits import Limits
from harness.grammar.engine.node import Array, Buffer, Window
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.parser import Reading
from harness.grammar.engine.plan import program_of
from harness.grammar.engine.scope import Scope
from harness.grammar.engine.state import StopRecordError
from harness.grammar.engine.tally import MAX_GAPS, Tally, tally

_MAX_BROKEN = 0.2
_MIN_TALLIED_FAULTS = 1_000


def tally_columns(
    batches: Iterable[Columns], data: Any, limits: Limits, weights: Weights | None = None
) -> Tally | None:
    """The tally of a file whose records are in columns; None if the reference engine alone is faster.

    Args:
        batches: The records, in order; one batch is held at a time. None at all give None.
        weights: Weights of the bytes of the file, to count weight too.
    """
    import numpy

    read, counter = _Read(), None
    lost = faults = 0
    for columns in batches:
        counter = counter or Counter(columns.layout, weights)
        judgement = find_faults(columns)
        broken, base = judgement.broken, columns.records.base
        # Values that fail are counted in columns; only the first `Limits.errors` become fault objects.
        shown = numpy.flatnonzero(broken | (judgement.faults > 0))[: max(0, limits.errors - read.shown)]
        rows = numpy.union1d(shown, numpy.flatnonzero(broken))
        read.rows += zip((read.count + rows).tolist(), base[rows].tolist(), broken[rows].tolist(), strict=True)
        judgement.faults[broken] = 0
        judgement.faults[shown] = 0
        faults += int(judgement.faults.sum())
        lost += (few := int(broken.sum()))
        counter.add(columns.take(~broken) if few else columns)
        edges = numpy.flatnonzero(numpy.diff(numpy.concatenate(([True], broken, [True])).astype("i1")))
        read.runs.append(numpy.append(base, columns.end)[edges])
        read.count, read.end, read.shown = read.count + len(columns), columns.end, read.shown + len(shown)
    if counter is None or lost > max(_MIN_TALLIED_FAULTS, read.count * _MAX_BROKEN):
        return None
    found = _replay(counter.layout, read, data, limits)
    replayed = tally(found, weights=weights)
    counter.join(replayed)
    gaps = _gaps(found, numpy.concatenate(read.runs), counter.holes)
    return Tally(
        size=found.size,
        covered=found.size - sum(end - start for start, end in gaps),
        gaps=tuple(gaps[:MAX_GAPS]),
        records=counter.records,
        top_records=1 if counter.layout.array is not None else read.count - lost + len(found.records),
        fields=counter.fields,
        errors=found.errors,
        warnings=found.warnings,
        error_count=found.error_count + faults,
        stopped_at=found.stopped_at,
        engine="columns",
        framed=replayed.framed,
        weight=weights.of(0, found.size) if weights is not None else 0,
        covered_weight=weights.of(0, found.size) - sum(weights.of(*gap) for gap in gaps) if weights is not None else 0,
    )


@dataclass(slots=True)
class _Read:
    """What was read in columns.

    Attributes:
        end: End offset (exclusive) of the last one.
        rows: Records that the reference engine reads again: index, offset, and whether it is broken.
        shown: Number of records with fault objects.
        runs: Start and end offsets of runs of intact records, alternating.
    """

    count: int = 0
    end: int = 0
    rows: list[tuple[int, int, bool]] = field(default_factory=list)
    shown: int = 0
    runs: list[Vector] = field(default_factory=list)


def _replay(layout: Layout, read: _Read, data: Any, limits: Limits) -> Parse:
    """The header, some records and the data after the last complete one, read by the reference engine.

    Only the faults are kept of records that are not broken.
    """
    reading = Reading(program_of(layout.grammar), Buffer(data), limits)
    size = len(data)
    window = Window(reading.buffer, 0, size)
    run = reading.run
    if layout.array is None:

        def stream() -> None:
            for row, window.pos, is_broken in read.rows:
                reading.one(window, row)
                if not is_broken:
                    reading.records.pop()
            window.pos = read.end
            reading.stream(window, size, before=read.count - len(reading.records))

        return reading.guarded(window, stream)
    name, array_field = layout.grammar.root, layout.array
    plan = run.program.plan(name)
    last = plan.fields[-1]

    def once() -> None:
        record = run.begin(plan, None, None, window)
        reading.records.append(record)
        try:
            scope = Scope(record, run)
            run.fill(record, plan, layout.grammar.big, last=len(plan.fields) - 1)
            array = Array(array_field, window.buffer, window.pos)
            record.nodes[last.name] = array
            for scope.index, window.pos, is_broken in read.rows:
                read_item(run, scope, last, window)
                if not is_broken:
                    array.items.pop()
            window.pos = read.end
            scope.index = None
            continue_array(run, scope, last, window, array, index=read.count)
        except StopRecordError:
            record.complete = False
        finally:
            record.end = window.pos

    return reading.guarded(window, once)


def _gaps(found: Parse, runs: Vector, holes: list[tuple[Vector, Vector]]) -> list[tuple[int, int]]:
    """The ranges that neither the records in columns nor those of the reference engine explain."""
    import numpy

    covered = numpy.array(found.covered, numpy.int64).reshape(-1, 2)
    # A hole ends one range and begins another; holes are within runs, so both sides sort into pairs.
    begins = numpy.sort(numpy.concatenate([runs[::2], *(end for _, end in holes)]))
    ends = numpy.sort(numpy.concatenate([runs[1::2], *(start for start, _ in holes)]))
    begins, ends = numpy.concatenate([begins, covered[:, 0]]), numpy.concatenate([ends, covered[:, 1]])
    real = ends > begins
    begins, ends = begins[real], ends[real]
    order = numpy.argsort(begins, kind="stable")
    reached = numpy.concatenate([[0], numpy.maximum.accumulate(ends[order])])
    following: Vector = numpy.append(begins[order], found.size)
    open_at = numpy.flatnonzero(following > reached)
    return list(zip(reached[open_at].tolist(), following[open_at].tolist(), strict=True))
