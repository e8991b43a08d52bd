"""Traces: records of the measurements in a run's `trace.json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Record = dict[str, Any]


def flatten_trace(data: Any) -> Any:
    """The records of a run's `trace.json`; any other data as it is."""
    is_trace = isinstance(data, list) and any(isinstance(one, dict) and "step_id" in one for one in data)
    return trace_records(data) if is_trace else data


def trace_records(entries: Iterable[Mapping[str, Any]], task: str = "") -> list[Record]:
    """A record for each trace item of a run, and one for each point of its searches.

    Args:
        entries: Of `trace.json`.
        task: Name of the program.
    """
    found: list[Record] = []
    above = {"task": task} if task else {}
    for entry in entries:
        details = entry.get("details")
        if not isinstance(details, dict):
            continue
        step = str(entry.get("step_id") or "")
        for item in details.get("items") or ():
            undefined = {name: f"not measured: {why}" for name, why in (item.get("undefined") or {}).items()}
            found.append({**above, "step": step, "label": step, **item["values"], **undefined})
        ranking = (details.get("source") or {}).get("ranking") or ()
        if len(ranking) > 1 and isinstance(details.get("output"), dict):
            names = [name for name in details["output"] if name not in (*ranking[0][0], "points", "failed")]
            head = {**above, "name": step, "metric": names[0], "lower_is_better": ranking[0][1] <= ranking[-1][1]}
            found.append({**head, "ranked": [{"parameters": values, "value": value} for values, value, *_ in ranking]})
    return found
