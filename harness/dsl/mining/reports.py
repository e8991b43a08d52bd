"""Reports: measurements from JSON, CSV and Markdown tables of any origin."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import UsageError
from harness.dsl.mining import headers
from harness.dsl.mining.columns import choose_metric, find_parameters, is_missing, may_be_parameter
from harness.dsl.mining.headers import Metric, normalize
from harness.dsl.mining.measurement import Measurement, Scalar
from harness.dsl.mining.technique import is_library, step_of
from harness.dsl.mining.traces import flatten_trace

_MAX_DEPTH = 12
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which numbers of a report are used.

    Attributes:
        metric: Name of the column; empty for the column whose name denotes a time, a rate or a score.
        lower_is_better: Whether lower is better; None to derive it from the name.
    """

    metric: str = ""
    lower_is_better: bool | None = None


@dataclass(slots=True)
class _Row:
    task: str
    record: Record
    plain: Record
    parameters: dict[str, Any]
    where: str
    metrics: dict[str, Metric] = field(default_factory=dict)


def read_json(text: str, path: Path, wanted: Wanted) -> list[Measurement]:
    """Measurements of JSON or JSON lines: every record at any depth that has a name or parameters, and a number.

    Raises:
        UsageError: if the text is neither.
    """
    try:
        data = flatten_trace(json.loads(text))
    except RecursionError as error:
        raise UsageError("nested too deeply", where=str(path)) from error
    except ValueError:
        try:
            data = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError) as error:
            raise UsageError(f"neither JSON nor JSON lines: {error}", where=str(path)) from error
    return read_records(data, path, wanted)


def read_records(data: Any, path: Path, wanted: Wanted) -> list[Measurement]:
    """Measurements of JSON data, as `read_json`."""
    return _measurements(_walk(data, {}, path.stem, wanted), path.name, wanted)


def read_csv(text: str, path: Path, wanted: Wanted) -> list[Measurement]:
    """Measurements of a table with a header, separated by tabs, semicolons or commas.

    Raises:
        UsageError: if the table cannot be read.
    """
    head = text.partition("\n")[0]
    delimiter = max("\t;,", key=head.count)
    try:
        rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise UsageError(f"not a table: {error}", where=str(path)) from error
    records = ({key: headers.scalar(value) for key, value in row.items() if isinstance(key, str)} for row in rows)
    return _measurements(
        (found for record in records for found in _record(record, {}, path.stem, wanted)), path.name, wanted
    )


def read_markdown(text: str, path: Path, wanted: Wanted) -> list[Measurement]:
    """Measurements of all tables, with their headings; tables with one column per subject are supported."""
    rows: list[_Row] = []
    title = heading = path.stem
    blocks = _blocks(text)
    for place, (kind, lines) in enumerate(blocks):
        if kind == "#":
            heading = lines[-1].strip("# ").strip() or heading
            title = heading if lines[-1].startswith("# ") else title
        elif kind == "|":
            cells = [[cell.strip(" *`") for cell in line.strip().strip("|").split("|")] for line in lines]
            near = [*blocks[max(0, place - 1) : place], *blocks[place + 1 : place + 2]]
            prose = [line for kind, lines in near if kind == "" for line in lines]
            found = list(_table(cells, title, heading, wanted))
            if headers.is_unmeasured("\n".join([heading, *prose])) and not wanted.metric:
                for row in found:
                    row.plain["projected"] = True
            rows += found
    return _measurements(rows, path.name, wanted)


def _blocks(text: str) -> list[tuple[str, list[str]]]:
    """Headings (`#`), tables (`|`) and paragraphs (empty) of a report, with their lines."""
    blocks: list[tuple[str, list[str]]] = []
    joined = False
    for line in text.splitlines():
        kind = "|" if "|" in line else "#" if line.startswith("#") else ""
        if joined and line.strip() and blocks[-1][0] == kind:
            blocks[-1][1].append(line)
        elif line.strip():
            blocks.append((kind, [line]))
        joined = bool(line.strip())
    return blocks


def _table(table: list[list[str]], title: str, heading: str, wanted: Wanted) -> Iterator[_Row]:
    header, *body = table
    body = [cells for cells in body if not all(re.fullmatch(r":?-*:?", cell) for cell in cells)]
    found = [
        row for cells in body for row in _record(dict(zip(header, cells, strict=False)), {}, title, wanted)
    ]  # fmt: skip
    if found or len(header) < 3:
        yield from found
        return
    # With one column per subject, the heading names the metric.
    metric = headers.metric(heading.partition(" by ")[0])
    for cells in body if metric is not None else ():
        for subject, cell in zip(header[1:], cells[1:], strict=False):
            if metric is not None and headers.number(cell) is not None:
                record = {"name": subject, header[0]: cells[0], metric.key: cell}
                yield _Row(title, record, headers.normalize_record(record), {}, "", {metric.key: metric})


def _walk(data: Any, above: Record, task: str, wanted: Wanted, depth: int = 0) -> Iterator[_Row]:
    """Every record; keys next to a list of records (device, run, size) hold for all of its records."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(data, list):
        for item in data:
            yield from _walk(item, above, task, wanted, depth + 1)
    elif isinstance(data, dict):
        found = list(_record(data, above, task, wanted))
        yield from found
        own = {key: value for key, value in data.items() if _is_context(key, value)}
        for key, value in data.items():
            if isinstance(value, list) or (isinstance(value, dict) and not found):
                named = (
                    isinstance(value, dict) and headers.first(headers.normalize_record(value), headers.NAMES) is None
                )
                inside = above | own | ({"name": key} if named and not own.get("name") else {})
                yield from _walk(value, inside, task, wanted, depth + 1)


def _is_context(key: str, value: Any) -> bool:
    name = normalize(key)
    if isinstance(value, dict):
        return name in headers.SETTINGS
    return isinstance(value, str | int | float) and (
        name in headers.SETTINGS
        or name in (*headers.TASKS, *headers.NAMES, *headers.RUNS, *headers.PROJECTED, "metric", "lower_is_better")
    )


def _record(data: Mapping[str, Any], above: Record, task: str, wanted: Wanted) -> Iterator[_Row]:
    """A record as a flat row, if it has a usable number and a name."""
    flat: Record = {}
    parameters: dict[str, Any] = {}
    for key, value in data.items():
        name = normalize(str(key))
        if isinstance(value, dict) and name in headers.PARAMETERS:
            parameters |= {str(k): v for k, v in value.items() if headers.scalar(v) is not None}
        elif isinstance(value, dict) and name in headers.SETTINGS:
            flat[str(key)] = json.dumps(value, sort_keys=True)
        elif isinstance(value, dict) and name == "stats" and "median" in value and "rounds" in value:
            flat["median_s"] = value["median"]  # pytest-benchmark: the other numbers describe the same rounds
        elif isinstance(value, dict):
            flat |= {k if k not in data else f"{key}_{k}": v for k, v in value.items()} if name in _INNER else {}
        else:
            flat[str(key)] = value
    metrics = _metrics(flat, wanted) or _searched(flat, above, wanted)
    if not metrics:
        return
    record = {**above, **flat}
    named = headers.normalize_record(record)
    if headers.first(named, headers.NAMES) is None and not parameters and not any(map(may_be_parameter, flat)):
        return
    task_name = headers.first(named, headers.TASKS)
    yield _Row(task_name if isinstance(task_name, str) else task, record, named, parameters, "", metrics)


_INNER = frozenset(
    ("values", "stats", "measured", "metrics", "result", "results", "timing", "performance", "extra_info")
)


def _metrics(record: Mapping[str, Any], wanted: Wanted) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for key, value in record.items():
        seen = headers.metric(key)
        if wanted.metric and normalize(key) == normalize(wanted.metric):
            lower = wanted.lower_is_better if wanted.lower_is_better is not None else record.get("lower_is_better")
            if not isinstance(lower, bool):
                if seen is None:
                    continue
                lower = seen.lower_is_better
            seen = Metric(key, lower, (-1, 0))
        elif wanted.metric:
            seen = None
        if seen is not None and (headers.number(value) is not None or _list(value)):
            found[key] = seen
    return found


def _searched(record: Mapping[str, Any], above: Record, wanted: Wanted) -> dict[str, Metric]:
    """The value of a point of `crucible dsl sweep`, whose report states the metric once, above all points."""
    name, lower = above.get("metric"), above.get("lower_is_better")
    if not isinstance(name, str) or not isinstance(lower, bool) or headers.number(record.get("value")) is None:
        return {}
    meant = normalize(name) == normalize(wanted.metric) if wanted.metric else not headers.is_auxiliary(name)
    return {"value": Metric("value", lower, (0, 0))} if meant else {}


def _list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(headers.number(one) is not None for one in value)


def _measurements(rows: Iterable[_Row], file: str, wanted: Wanted) -> list[Measurement]:
    rows = list(rows)
    for number, row in enumerate(rows, 1):
        row.where = f"{file}#{number}"
    by_task: dict[str, list[_Row]] = {}
    for row in rows:
        by_task.setdefault(row.task, []).append(row)
    return [found for task, members in by_task.items() for found in _of_task(task, members, wanted)]


def _of_task(task: str, rows: list[_Row], wanted: Wanted) -> list[Measurement]:
    counts = Counter(key for row in rows for key in row.metrics)
    often = [key for key, count in counts.items() if 2 * count >= max(counts.values())]
    kinds = {key: metric for row in rows for key, metric in row.metrics.items()}
    where = f"{rows[0].where.partition('#')[0]}: {task}"
    metric, reference = choose_metric([kinds[key] for key in often], where)
    absent = "" if wanted.metric else is_missing([row.record for row in rows], metric)
    lower = metric.lower_is_better if wanted.lower_is_better is None else wanted.lower_is_better
    name = str(rows[0].record.get("metric", metric.key)) if metric.key == "value" else metric.key
    choices = find_parameters([row.record for row in rows])
    found: dict[tuple[Any, ...], Measurement] = {}
    for row in rows:
        known = _measurement(task, row, choices, metric=name, lower=lower, place=len(found))
        known = found.setdefault((known.subject, known.labels, known.setting, tuple(known.parameters.items())), known)
        verdict = headers.first(row.plain, headers.RIGHT)
        if absent:
            known.notes.append(f"{absent} was not measured")
        elif headers.is_wrong(verdict):
            known.right = False
            known.notes.append("it was not right")
        elif any(row.plain.get(flag) not in (None, False, "false", "no", "", 0) for flag in headers.PROJECTED) or (
            isinstance(verdict, str) and headers.is_unmeasured(verdict)
        ):
            known.notes.append("projected, not measured")
        elif headers.is_undecided(verdict):
            known.notes.append(f"{verdict}, not measured")
        else:
            run = headers.first(row.plain, headers.RUNS)
            values = row.record.get(metric.key)
            for value in values if isinstance(values, list) else [values]:
                seen = headers.number(value)
                if seen is not None and seen > 0:  # a time or rate of zero is a placeholder
                    known.samples.append((str(run) if run is not None else row.where, seen))
                    _add_others(known, row, metric, reference)
    libraries = [one for one in found.values() if one.usable and is_library(one)]
    if reference is None and libraries:
        _refer(list(found.values()), max(libraries, key=lambda one: one.merit))
    return list(found.values())


def _refer(members: list[Measurement], library: Measurement) -> None:
    """The best library is the reference of all other subjects."""
    for one in members:
        if one.samples and not is_library(one):
            one.reference_name, one.reference = library.subject, [library.median]


def _add_others(known: Measurement, row: _Row, metric: Metric, reference: Metric | None) -> None:
    """The reference next to a measurement, and its other metrics."""
    if reference is not None and (seen := headers.number(row.record.get(reference.key))):
        known.reference_name = reference.key
        known.reference.append(seen)
    for key, other in row.metrics.items():
        if key != metric.key and other is not reference and other.kind != metric.kind:
            number = headers.number(row.record.get(key))
            if number is not None:
                known.others.setdefault(key, (other.lower_is_better, []))[1].append(number)


def _measurement(
    task: str, row: _Row, choices: tuple[set[str], set[str]], *, metric: str, lower: bool, place: int
) -> Measurement:
    record, named = row.record, row.plain
    flags, others = choices
    parameters = {name: headers.scalar(value) for name, value in row.parameters.items()}
    parameters |= {key: headers.scalar(record[key]) for key in record if key in others}
    chosen: dict[str, Scalar] = {key: value for key, value in sorted(parameters.items()) if value is not None}
    name = headers.first(named, headers.NAMES)
    subject = str(name) if isinstance(name, str) else _label(chosen) if name is None else f"step {name}"
    labels = [value for label in headers.LABELS if label in named for value in _strings(named[label])]
    labels += [key for key in record if key in flags and headers.scalar(record[key]) is True]
    setting = sorted(
        (key, str(value)) for key, value in named.items() if key in headers.SETTINGS and not isinstance(value, list)
    )
    return Measurement(
        task,
        subject,
        tuple(dict.fromkeys(labels)),
        tuple(setting),
        chosen,
        metric=metric,
        lower_is_better=lower,
        digest=str(record.get("digest") or ""),
        parents=tuple(_strings(headers.first(named, headers.PARENTS))),
        order=step_of(subject) or float(place),
    )


def _label(parameters: Mapping[str, Scalar]) -> str:
    return " ".join(f"{name}={value}" for name, value in parameters.items())


def _strings(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    return [] if value is None or value == "" else [str(value)]
