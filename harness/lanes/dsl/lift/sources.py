"""Sources: measurements out of a ledger, a JSON report, or the tables of a Markdown report."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import LedgerError, UsageError
from harness.lanes.dsl.lift.measurement import Measurement

MAX_BYTES = 64 << 20
_TIMES = {"median_ms": "ms", "time_ms": "ms", "latency_ms": "ms", "ms": "ms", "latency": "", "time": "", "seconds": "s"}
_RATES = ("tflops", "gflops", "speedup", "throughput", "gb_s")
_NAMES = ("subject", "step_name", "name", "kernel", "step", "variant", "title", "level")
_STEP = re.compile(r"(?:\b|_)(?:step|level|stage|l)[ _-]?(\d+)", re.IGNORECASE)
_RIGHT = ("passed", "correct", "correctness", "status", "verified")


def read(path: Path) -> list[Measurement]:
    """All measurements of a file, in its order.

    Raises:
        UsageError: if it is none of the known kinds, or holds no measurement.
        LedgerError: if a ledger cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
        if head.startswith(b"SQLite format 3"):
            found = _ledger(path)
        else:
            if path.stat().st_size > MAX_BYTES:
                raise UsageError(f"more than {MAX_BYTES} bytes", where=str(path))
            text = path.read_text(encoding="utf-8", errors="replace")
            found = _markdown(text, path.stem) if path.suffix.lower() == ".md" else _json(text, path)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if not found:
        fix = "a ledger, a JSON list of records with a name and a number, or a Markdown table"
        raise UsageError("there is no measurement in it", where=str(path), fix=fix)
    return found


def _ledger(path: Path) -> list[Measurement]:
    try:
        with sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True) as connection:
            connection.row_factory = sqlite3.Row
            has = {row[1] for row in connection.execute("PRAGMA table_info(evaluations)")}
            wanted = ("run_id", "suite", "subject", "digest", "status", "score", "passed", "why", "median_ms", "style",
                      "style_detected", "lane", "epoch", "nodeid")  # fmt: skip
            columns = [name for name in wanted if name in has]
            if "subject" not in has or "run_id" not in has:
                raise LedgerError("this is no ledger: it has no evaluations", where=str(path))
            rows = [dict(row) for row in connection.execute(f"SELECT {', '.join(columns)} FROM evaluations")]  # noqa: S608
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
            lineage = (
                [tuple(row) for row in connection.execute("SELECT child, parent FROM lineage")]
                if "lineage" in tables
                else []
            )
    except sqlite3.Error as error:
        raise LedgerError(f"cannot be read: {error}", where=str(path)) from error
    finally:
        if "connection" in locals():
            connection.close()
    return _evaluations(rows, lineage)


def _evaluations(rows: Iterable[Mapping[str, Any]], lineage: list[tuple[Any, ...]]) -> list[Measurement]:
    parents: dict[str, list[str]] = {}
    for child, parent in lineage:
        parents.setdefault(str(child), []).append(str(parent))
    found: dict[tuple[str, str], Measurement] = {}
    by_time = {str(row.get("suite", "")) for row in rows if row.get("median_ms")}
    for row in rows:
        suite, subject, digest = str(row.get("suite") or ""), str(row["subject"]), str(row.get("digest") or "")
        timed = suite in by_time
        task = f"{suite} {_stage(row)}".strip()
        labels = tuple(dict.fromkeys(str(row[k]) for k in ("style", "style_detected") if row.get(k)))
        known = found.setdefault(
            (task, digest or subject),
            Measurement(
                task,
                subject,
                labels,
                metric="median_ms" if timed else "score",
                lower_is_better=timed,
                digest=digest,
                parents=tuple(parents.get(digest, ())),
                order=_order(subject, len(found)),
            ),
        )
        if row.get("status") not in (None, "ok"):
            if row.get("status") not in ("skipped", "infra", "noisy", "review"):
                known.right = False
                known.notes.append(f"{row.get('status')}: {row.get('why') or ''}"[:200])
            continue
        _add(known, row.get("median_ms") if timed else row.get("score"), str(row["run_id"]))
    return list(found.values())


def _stage(row: Mapping[str, Any]) -> str:
    """What a case's name says beside its subject: a stage, a size; numbers of different ones are never mixed."""
    name = str(row.get("nodeid") or "").partition("::")[2]
    return re.sub(r"[^A-Za-z0-9]+", " ", name.replace(str(row["subject"]), "", 1)).strip() if name else ""


def _add(known: Measurement, value: Any, run: str) -> None:
    number = _number(value)
    if number is not None and number > 0:
        known.values.append(number)
        if run not in known.runs:
            known.runs.append(run)


def _json(text: str, path: Path) -> list[Measurement]:
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise UsageError("nested too deeply", where=str(path)) from error
    except ValueError:
        try:
            data = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError) as error:
            raise UsageError(f"neither JSON nor JSON lines: {error}", where=str(path)) from error
    return _records(list(_walk(data, path.stem)), path.name)


def _walk(data: Any, task: str, depth: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every record with a name and a number, with the task it stands under."""
    if depth > 12:
        return
    if isinstance(data, list):
        for item in data:
            yield from _walk(item, task, depth + 1)
    elif isinstance(data, dict):
        task = str(data.get("suite") or data.get("task") or data.get("operation") or data.get("definition") or task)
        values = data.get("values")
        flat = {**data, **values} if isinstance(values, dict) else data
        if any(name in flat for name in _NAMES) and _metric(flat) is not None:
            yield task, flat
            return
        for item in data.values():
            yield from _walk(item, task, depth + 1)


def _metric(record: Mapping[str, Any]) -> tuple[str, bool] | None:
    """(key, lower is better) of the number that counts."""
    lower = {str(key).lower(): key for key in record}
    for name in _TIMES:
        if name in lower and _number(record[lower[name]]) is not None:
            return lower[name], True
    for name in _RATES:
        if name in lower and _number(record[lower[name]]) is not None:
            return lower[name], False
    return None


def _records(records: list[tuple[str, dict[str, Any]]], file: str) -> list[Measurement]:
    found: dict[tuple[str, str], Measurement] = {}
    for number, (task, record) in enumerate(records, 1):
        metric = _metric(record)
        keys = {str(key).lower(): key for key in record}
        name = next((str(record[keys[k]]) for k in _NAMES if k in keys and isinstance(record[keys[k]], str)), None)
        if metric is None or name is None:
            continue
        labels = tuple(str(record[keys[k]]) for k in ("style", "technique", "optimization", "claims") if k in keys)
        known = found.setdefault(
            (task, name),
            Measurement(
                task,
                name,
                labels,
                metric=metric[0],
                lower_is_better=metric[1],
                parents=tuple(str(record[keys[k]]) for k in ("parent", "baseline") if k in keys),
                order=_order(name, len(found)),
            ),
        )
        if any(k in keys and _is_wrong(record[keys[k]]) for k in _RIGHT):
            known.right = False
            known.notes.append("it was not right")
        if any(record.get(flag) for flag in ("simulated", "projected", "placeholder")):
            known.notes.append("projected, not measured")
            continue
        run = next((str(record[keys[k]]) for k in ("run_id", "run", "id") if k in keys), f"{file}#{number}")
        if metric[0] == known.metric:
            _add(known, record[metric[0]], run)
    return list(found.values())


def _is_wrong(value: Any) -> bool:
    return value is False or (isinstance(value, str) and value.lower() in ("false", "fail", "failed", "wrong", "no"))


def _markdown(text: str, task: str) -> list[Measurement]:
    records: list[tuple[str, dict[str, Any]]] = []
    header: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip(" *`") for cell in line.strip().strip("|").split("|")]
        if line.startswith("#"):
            task = line.strip("# ").strip() or task
        if "|" not in line:
            header = []
        elif not header:
            header = [_column(cell) for cell in cells]
        elif not all(re.fullmatch(r":?-*:?", cell) for cell in cells):
            record: dict[str, Any] = dict(zip(header, cells, strict=False))
            numbers = {key: _number(value) for key, value in record.items() if key not in _NAMES}
            records.append((task, record | {k: v for k, v in numbers.items() if v is not None}))
    return _records(records, f"{task}.md")


def _column(text: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    for known in (*_TIMES, *_RATES, *_NAMES, *_RIGHT):
        if name == known or name.startswith(f"{known}_") or name.endswith(f"_{known}"):
            return known
    return name


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    match = re.match(r"\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(?:x|ms|us|s|TFLOPS|tflops|%)?\s*$", str(value))
    return float(match[1]) if match else None


def _order(name: str, place: int) -> float:
    """The number a step carries in its name, else its place."""
    match = _STEP.search(name)
    return float(match[1]) if match else float(place)


def has_step(name: str) -> bool:
    """Whether a name counts steps."""
    return _STEP.search(name) is not None
