"""Traces: records of the measurements in a run's `trace.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Record = dict[str, Any]


def flatten_trace(data: Any) -> Any:
    """The records of a run's `trace.json`; any other data as it is."""
    is_trace = isinstance(data, list) and any(isinstance(one, dict) and "step_id" in one for one in data)
    return trace_records(data) if is_trace else data


def trace_records(entries: Sequence[Mapping[str, Any]], task: str = "") -> list[Record]:
    """A record for each trace item of a run, and one for each point of its searches.

    Args:
        entries: Of `trace.json`.
    """
    found: list[Record] = []
    cases = {item["case"] for entry in entries for item in _details(entry).get("items") or ()}
    for entry in entries:
        details, step = _details(entry), str(entry.get("step_id") or "")
        ranking: Sequence[Any] = (details.get("source") or {}).get("ranking") or ()
        for item in () if ranking else details.get("items") or ():
            # Items of different cases hold different numbers: they are tables of their own.
            kind = item["case"].rpartition(".")[2] if len(cases) > 1 else ""
            above = {"task": f"{task} {kind}".strip()} if task or kind else {}
            undefined = {name: f"not measured: {why}" for name, why in (item.get("undefined") or {}).items()}
            found.append({**above, "step": step, "label": step, **item["values"], **undefined})
        if len(ranking) > 1 and isinstance(details.get("output"), dict):
            names = [name for name in details["output"] if name not in (*ranking[0][0], "points", "failed")]
            lower = ranking[0][1] <= ranking[-1][1]
            head = {"task": f"{task} {step}".strip(), "name": step, "metric": names[0], "lower_is_better": lower}
            found.append({**head, "ranked": [{"parameters": values, "value": value} for values, value, *_ in ranking]})
    return found


def _details(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    details = entry.get("details")
    return details if isinstance(details, dict) else {}
