"""Measurements read from the evaluations of a ledger."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from harness.core.errors import LedgerError
from harness.dsl.mining.headers import number
from harness.dsl.mining.measurement import Measurement
from harness.dsl.mining.technique import step_of
from harness.ledger.lookup import PARTS

_COLUMNS = (
    "run_id", "suite", "subject", "digest", "status", "score", "why", "median_ms", "style", "style_detected", "lane",
    "epoch", "nodeid", "tier", "machine", "expected", "reused_from",
)  # fmt: skip
_BY_SCORE = ("spec",)  # lanes compared by score: a grammar that is read fast because it explains nothing is not better
_NOT_COMPARED = ("dsl",)  # lanes whose items are parts of one program, not alternatives to each other
_STAGE = re.compile(r"^(.+)-(interpreter|gpu|compile-\w+)$")
_UNDECIDED = ("skipped", "infra", "noisy", "review")


def read_ledger(path: Path) -> list[Measurement]:
    """All measurements of a ledger, in the order in which subjects first appear.

    Raises:
        LedgerError: if it cannot be read, or is not a ledger.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            has = {row[1] for row in connection.execute("PRAGMA table_info(evaluations)")}
            if not {"subject", "run_id"} <= has:
                raise LedgerError("not a ledger: it has no evaluations", where=str(path))
            columns = ", ".join(name for name in _COLUMNS if name in has)
            runs = {row[1] for row in connection.execute("PRAGMA table_info(runs)")}
            once = f" WHERE run_id NOT IN ({PARTS})" if {"run_id", "record"} <= runs else ""
            query = f"SELECT {columns} FROM evaluations{once}"  # noqa: S608 - names are ours
            rows = [dict(row) for row in connection.execute(query)]
            parents: dict[str, list[str]] = {}
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'lineage'").fetchone():
                for child, parent in connection.execute("SELECT child, parent FROM lineage ORDER BY child, parent"):
                    parents.setdefault(str(child), []).append(str(parent))
    except sqlite3.Error as error:
        raise LedgerError(f"cannot be read: {error}", where=str(path)) from error
    return _measurements(rows, parents)


def _measurements(rows: Iterable[Mapping[str, Any]], parents: Mapping[str, list[str]]) -> list[Measurement]:
    # A negative control is not evidence, and a reused verdict is not a second measurement.
    rows = [
        row
        for row in rows
        if not row.get("expected") and not row.get("reused_from") and row.get("lane") not in _NOT_COMPARED
    ]
    places = [_place(row) for row in rows]
    timed = {
        place[:2]
        for place, row in zip(places, rows, strict=True)
        if row.get("lane") not in _BY_SCORE and number(row.get("median_ms"))
    }
    # A name may have had several digests over time; only the newest counts, so they are not mixed.
    newest = {place: str(row.get("digest") or "") for place, row in zip(places, rows, strict=True)}
    found: dict[tuple[Any, ...], Measurement] = {}
    for (task, stage, subject), row in zip(places, rows, strict=True):
        digest = str(row.get("digest") or "")
        if digest != newest[task, stage, subject]:
            continue
        setting = tuple(
            (name, str(value))
            for name, value in (("stage", stage), *((name, row.get(name)) for name in ("machine", "tier", "epoch")))
            if value not in (None, "")
        )
        by_time = (task, stage) in timed
        key = (task, setting, subject)
        known = found.get(key)
        if known is None:
            labels = dict.fromkeys(str(row[name]) for name in ("style", "style_detected") if row.get(name))
            known = found[key] = Measurement(
                task,
                subject,
                tuple(labels),
                setting,
                metric="median_ms" if by_time else "score",
                lower_is_better=by_time,
                digest=digest,
                parents=tuple(parents.get(digest, ())),
                order=step_of(subject) or float(len(found)),
            )
        _add(known, row, by_time=by_time)
    # Equal scores say that all subjects are right, not which one is better.
    differing: dict[tuple[Any, ...], set[float]] = {}
    for known in found.values():
        differing.setdefault((known.task, known.setting), set()).update(value for _, value in known.samples)
    return [m for m in found.values() if m.lower_is_better or len(differing[m.task, m.setting]) > 1]


def _add(known: Measurement, row: Mapping[str, Any], *, by_time: bool) -> None:
    status = row.get("status")
    if status not in (None, "ok"):
        if status not in _UNDECIDED:
            known.right = False
            known.notes.append(f"{status}: {row.get('why') or ''}"[:200])
        return
    value = number(row.get("median_ms") if by_time else row.get("score"))
    if value is not None and value > 0:
        known.samples.append((str(row["run_id"]), value))


def _place(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """(task, stage, subject): numbers of different stages or sizes are not mixed."""
    subject = str(row["subject"])
    name = str(row.get("nodeid") or "").partition("::")[2]
    stage = re.sub(r"[^A-Za-z0-9]+", " ", name.replace(subject, "", 1)).strip() if subject in name else ""
    match = _STAGE.match(subject)
    if match is not None:
        subject, stage = match[1], f"{match[2]} {stage}".strip()
    return str(row.get("suite") or ""), stage, subject
