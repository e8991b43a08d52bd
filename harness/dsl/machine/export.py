"""Export: a log as a trace, metrics or a timeline for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.core.clip import clip
from harness.dsl.eventlog.runlog import RunLog, StoredEvent
from harness.dsl.ir import Program
from harness.dsl.machine.effects import PROMPTS
from harness.dsl.machine.outcome import Outcome
from harness.dsl.machine.value_storage import restore_value
from harness.dsl.values import Undefined


def trace(program: Program, log: RunLog) -> list[dict[str, Any]]:
    """`trace.json`: one entry per finished effect: timestamp, step_id, type (`tool` or `llm`), details.

    The format is that of the older system, with `seq`, `hash`, `key` and `status` added.
    """
    begun: dict[str, dict[str, Any]] = {}
    entries = []
    for event in log.events():
        value = event.value
        kind = value["k"]
        if kind in ("intent", "asked"):
            begun[value["key"]] = value
        elif kind in ("result", "answered", "failed") and value.get("key") in begun:
            entries.append(_entry(program, log, begun[value["key"]], event, value))
    return entries


def _entry(
    program: Program, log: RunLog, begun: dict[str, Any], event: StoredEvent, value: dict[str, Any]
) -> dict[str, Any]:
    arguments = {name: _shown(restore_value(data, log.blobs)) for name, data in begun["args"].items()}
    failed = value["k"] == "failed"
    result = None if failed else _shown(restore_value(value["value"], log.blobs))
    details: dict[str, Any]
    match begun["name"]:
        case "tool.run":
            details = {"cmd": arguments.get("cmd"), "output": result}
        case "tool.write":
            details = {"path": arguments.get("path"), "status": "ERROR" if failed else "SUCCESS"}
        case "tool.read" | "tool.exists":
            details = {"path": arguments.get("path"), "output": result}
        case name if name.startswith("tool.") or name == "sweep":
            details = {"tool": name, "arguments": arguments, "output": result}
        case _:
            prompt = next((arguments[name] for name in PROMPTS if name in arguments), "")
            details = {"prompt": prompt, "response": result, "question": begun.get("id", "")}
    for name in ("source", "items", "facts", "fired", "broken", "judged", "notes"):
        if name in value:
            details[name] = value[name]
    if failed:
        details["error"] = value["why"]
    return {
        "timestamp": event.wall,
        "step_id": step_name(program, begun["at"]),
        "type": "tool" if begun["name"].startswith(("tool.", "sweep")) else "llm",
        "details": details,
        "seq": event.seq,
        "hash": event.hash.hex(),
        "key": value["key"],
        "status": value.get("status", "ok"),
    }


def _shown(value: Any) -> Any:
    return {"undefined": value.reason} if isinstance(value, Undefined) else value


def step_name(program: Program, label: str) -> str:
    """Name of the innermost step around an instruction."""
    best = ""
    name = label
    for unit in program.units:
        for step in unit.steps:
            if label.startswith(step.label + "/") and len(step.label) > len(best):
                best, name = step.label, step.name
    return name


def metrics(outcome: Outcome, log: RunLog) -> dict[str, Any]:
    """`metrics.json`: for each check its value and whether it held, and the outcome of the run.

    The value is what the check's call returned, such as a judge's score, else what its condition saw. A check without
    a known value has the value null and the reason, never a number that was not measured.
    """
    checks: dict[str, Any] = {}
    values = dict(_judged_values(log))
    for step in outcome.steps:
        if step.kind == "step":
            continue
        seen = next((value for label, value in values.items() if f"{label}/".startswith(f"{step.label}/")), None)
        known = step.status not in ("skipped", "review", "simulated")
        checks[step.name] = {"value": seen if known else None, "held": step.status == "ok", "why": step.why}
    return {
        "status": outcome.status,
        "passed": outcome.passed,
        "why": outcome.why,
        "head": outcome.head,
        "events": outcome.events,
        "used": outcome.used,
        "checks": checks,
        "success": [{"text": text, "is": verdict, "why": why} for text, verdict, why in outcome.criteria],
        "broken": list(outcome.broken),
    }


def _judged_values(log: RunLog) -> Iterator[tuple[str, Any]]:
    begun: dict[str, str] = {}
    for event in log.events():
        value = event.value
        if value["k"] in ("intent", "asked"):
            begun[value["key"]] = value["at"]
        elif value["k"] in ("result", "answered") and value.get("key") in begun:
            result = restore_value(value["value"], log.blobs)
            yield begun[value["key"]], {"undefined": result.reason} if isinstance(result, Undefined) else result
        else:
            for label, _name, _held, seen in value.get("judged", ()):
                yield label, seen


def timeline(program: Program, log: RunLog) -> list[dict[str, Any]]:
    """Spans for a chart, in seconds since the first event that has a time.

    Each: `step`, `label`, `kind` (step, effect, question, item, stop), `start`, `end` (None while open), `status`,
    `text`, `seq`.
    """
    spans: list[dict[str, Any]] = []
    open_effects: dict[str, dict[str, Any]] = {}
    zero: float | None = None
    now = 0.0
    for event in log.events():
        value = event.value
        if event.wall is not None:
            zero = event.wall if zero is None else zero
            now = max(now, event.wall - zero)
        kind = value["k"]
        if kind in ("intent", "asked"):
            text = clip(str(value.get("args", {})), limit=200)
            span = _span(
                program, value["at"], "question" if kind == "asked" else "effect", now, seq=event.seq, text=text
            )
            span["name"] = value["name"]
            open_effects[value["key"]] = span
            spans.append(span)
        elif kind in ("result", "answered", "failed") and value.get("key") in open_effects:
            span = open_effects.pop(value["key"])
            span["end"], span["status"] = now, value.get("status", "ok")
        elif kind in ("stopped", "cancelled", "ended") or (
            kind == "failed" and not {"again", "handler", "at"} & {*value}
        ):
            label = str(value.get("at") or value.get("label") or "")
            stop = _span(
                program, label, "stop", now, seq=event.seq, text=clip(str(value.get("why", value.get("status", ""))))
            )
            spans.append(stop | {"end": now, "status": value.get("status", "budget")})
        for item in value.get("items", ()):
            label = str(value.get("at", ""))
            text = clip(str(item["values"]), limit=200)
            spans.append(
                _span(program, label, "item", now, seq=event.seq, text=text) | {"end": now, "name": item["case"]}
            )
    return spans


def _span(program: Program, label: str, kind: str, start: float, *, seq: int, text: str) -> dict[str, Any]:
    return {
        "step": step_name(program, label),
        "label": label,
        "kind": kind,
        "name": "",
        "start": start,
        "end": None,
        "status": "open" if kind in ("effect", "question") else "ok",
        "text": text,
        "seq": seq,
    }
