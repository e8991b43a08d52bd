"""File reader: loads files and parses their bytes into a `ParseResult`."""

from __future__ import annotations

import mmap
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.core.named_path import read_file
from harness.grammar.engine.fault import FaultKind
from harness.grammar.engine.parser import parse
from harness.grammar.host.messages import ParseBinaryInput, ParseResult
from harness.grammar.host.record import Records
from harness.grammar.language.grammar import Grammar

MAX_READ = 16 << 20  # bytes; larger files are memory-mapped


def load(path: Path) -> bytes | mmap.mmap:
    """Return a file's bytes; a file larger than MAX_READ is memory-mapped.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if the path is invalid or a large file cannot be mapped.
    """
    if path.is_file() and path.stat().st_size > MAX_READ:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return read_file(path)


def parse_bytes(request: ParseBinaryInput, data: Any) -> ParseResult:
    """Parse bytes that are in memory, as `ToolHost.parse_binary` parses a file."""
    grammar = request.grammar
    if not isinstance(grammar, Grammar):
        return failed_result(request, "no grammar was given")
    size, start = len(data), request.offset
    if not isinstance(start, int) or start < 0:
        return failed_result(request, f"the offset {start!r} is negative: offsets count from the start of the file")
    end = size if request.limit is None else min(size, start + max(0, request.limit))
    limits = request.limits
    if request.max_records is not None:
        limits = replace(limits, max_records=max(0, request.max_records))
    found = parse(grammar, data, start=start, length=request.limit, limits=limits)
    records, faults, stopped = found.records, found.errors, found.stopped_at
    limited = limits.max_records is not None and len(records) >= limits.max_records and stopped < end
    return ParseResult(
        records=Records(records),
        errors=tuple(
            f"Parse error at 0x{f.offset:x}: {f.path}: expected {f.expected}, found {f.found}" for f in faults
        ),
        file_path=str(request.file_path),
        grammar_format=grammar.format,
        total_bytes_parsed=max(0, stopped - start),
        parse_stopped_at=stopped,
        record_count=len(records),
        faults=faults,
        truncated=end < size or limited or found.stopped or any(fault.kind is FaultKind.LIMIT for fault in faults),
        parse=found,
    )


def failed_result(request: ParseBinaryInput, why: str) -> ParseResult:
    """Return the result for a file that could not be read."""
    return ParseResult(
        errors=(f"Failed to parse binary: {why}",),
        file_path=str(request.file_path),
        grammar_format=request.grammar.format if isinstance(request.grammar, Grammar) else "",
    )
