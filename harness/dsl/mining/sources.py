"""Sources: measurements from reports in JSON, CSV or Markdown, and from a ledger if the caller provides a reader."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.core.errors import UsageError
from harness.core.named_path import read_file
from harness.dsl.mining.measurement import Measurement
from harness.dsl.mining.reports import Record, Wanted, read_csv, read_json, read_markdown, read_records

MAX_BYTES = 256 << 20


def read(
    path: Path,
    wanted: Wanted | None = None,
    *,
    ledger: Callable[[Path], list[Measurement]] | None = None,
    run: Callable[[Path], list[Record]] | None = None,
) -> list[Measurement]:
    """All measurements of a file, in file order.

    Args:
        wanted: Which numbers of a report are used.
        ledger: Reads an SQLite file; without it such a file is rejected.
        run: Reads the folder of a program's run; without it a folder is rejected.

    Raises:
        UsageError: if the format is unknown, or the file holds no measurement.
        LedgerError: if a ledger cannot be read.
    """
    wanted = wanted or Wanted()
    try:
        if run is not None and path.is_dir():
            return read_records(run(path), path, wanted)
        head = read_file(path, 16) if path.is_file() else b""  # what is read of a pipe is gone
        if ledger is not None and head.startswith(b"SQLite format 3"):
            found = ledger(path)
        else:
            data = read_file(path, MAX_BYTES)
            if len(data) > MAX_BYTES:
                raise UsageError(f"more than {MAX_BYTES >> 20} MiB", where=str(path))
            text = io.StringIO(data.decode("utf-8-sig", "replace"), newline=None).read()
            kind = {".md": read_markdown, ".csv": read_csv, ".tsv": read_csv}.get(path.suffix.lower(), read_json)
            found = kind(text, path, wanted)
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise UsageError(what, where=str(path), fix="name a ledger, or a JSON, CSV or Markdown report") from error
    if not any(one.samples or one.notes for one in found):
        fix = "a ledger, JSON records with a name and a number, a CSV or Markdown table; or --metric NAME --minimize"
        raise UsageError("the file holds no measurement", where=str(path), fix=fix)
    return found


def merged(found: Iterable[Measurement]) -> list[Measurement]:
    """Measurements of the same subject from several files are combined into one."""
    known: dict[tuple[object, ...], Measurement] = {}
    for one in found:
        key = (one.task, one.subject, one.labels, one.setting, one.digest, one.metric, tuple(one.parameters.items()))
        first = known.setdefault(key, one)
        if first is not one:
            first.samples += one.samples
            first.right = first.right and one.right
            first.notes += one.notes
    return list(known.values())
