"""Run view: a stored run as data for a page: program, log, steps, branches, budgets, forks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.dsl.eventlog.logfile import LogFile, RunRow
from harness.dsl.eventlog.runlog import RunLog
from harness.dsl.ir import Fork, Program
from harness.dsl.machine.export import step_name, timeline
from harness.dsl.machine.outcome import Outcome, StepOutcome
from harness.dsl.machine.value_storage import restore_value
from harness.dsl.plain import contents
from harness.dsl.values import Undefined

MAX_CARDS = 2_000  # maximum number of cards; the newest are kept
Card = dict[str, Any]
_CONTROL = {"forked": "branches begin", "joined": "branches end", "called": "unit begins", "returned": "unit ends"}


def view_of(file: LogFile, log: RunLog, program: Program, outcome: Outcome) -> dict[str, Any]:
    """A run as JSON data.

    `cards` are what happened, in the order of the log. Each has `seq`, `until` (of its result), `kind`, `title`,
    `step`, `line`, `branch` and `parts`: (name, string, tone), with tone `good`, `bad`, `dim` or empty.
    """
    cards = list(_cards(program, log))
    branches = list(dict.fromkeys(card["branch"] for card in cards))
    names = _branch_names(program, log)
    return {
        "program": program.name,
        "path": program.path,
        "source": program.source.split("\n"),
        "run": log.name,
        "status": outcome.status,
        "passed": outcome.passed,
        "why": outcome.why,
        "head": outcome.head,
        "events": outcome.events,
        "inputs": log.program_genesis().inputs,
        "branches": [{"name": name, "label": names.get(name, name or "main")} for name in branches],
        "cards": cards[-MAX_CARDS:],
        "left_out": max(0, len(cards) - MAX_CARDS),
        "budget": list(_budget(program, outcome)),
        "criteria": [list(criterion) for criterion in outcome.criteria],
        "broken": list(outcome.broken),
        "questions": [
            {"id": q.id, "label": q.label, "to": q.to, "role": q.role, "prompt": q.prompt, "answer": str(q.answer)}
            for q in outcome.questions
        ],
        "steps": [_step_row(program, step) for step in outcome.steps],
        "runs": [_run_row(row) for row in file.runs()],
        "timeline": timeline(program, log),
    }


def _step_row(program: Program, step: StepOutcome) -> dict[str, Any]:
    spans = (known.span for unit in program.units for known in unit.steps if known.label == step.label)
    line = program.place(next(spans, (0, 0))[0])[0]
    return {**contents(step), "line": line}


def _run_row(row: RunRow) -> dict[str, Any]:
    forked_at = None if row.parent is None else row.parent.seq
    return {"name": row.name, "status": row.status, "events": row.events, "head": row.head, "forked_at": forked_at}


def _budget(program: Program, outcome: Outcome) -> Iterator[dict[str, Any]]:
    limits = program.units[program.main].budget
    for name in ("steps", "iterations", "queries", "events", "tokens"):
        limit = getattr(limits, name)
        if limit is not None:
            yield {"name": name, "used": outcome.used.get(name, 0), "limit": limit}


def _branch_names(program: Program, log: RunLog) -> dict[str, str]:
    """The label of each branch by the name of its fiber."""
    forks = {i.label: i.names for unit in program.units for i in unit.code if isinstance(i, Fork)}
    found: dict[str, str] = {}
    at: dict[str, str] = {}
    for event in log.events():
        value = event.value
        fiber = value.get("s", "")
        if value["k"] == "forked":
            for number, name in enumerate(forks.get(at.get(fiber, ""), ())):
                found[f"{fiber}/{number}"] = name
        if "at" in value:
            at[fiber] = value["at"]
    return found


def _cards(program: Program, log: RunLog) -> Iterator[Card]:
    parts = [part for unit in program.units for part in (*unit.steps, *unit.code)]
    places = {part.label: program.place(part.span[0])[0] for part in parts}
    files = dict(log.files())
    cards: dict[str, Card] = {}
    order: list[Card] = []
    zero: float | None = None
    for event in log.events():
        value = event.value
        zero = event.wall if zero is None else zero
        key = value.get("key", "")
        steps = value.get("left") or value.get("enter")  # `at` of pure work is the instruction after it
        label = f"{steps[-1]}/" if steps else str(value.get("at") or value.get("label") or "")
        if value["k"] in ("result", "answered", "failed") and key in cards:
            card = cards[key]
            card["until"] = event.seq
        else:
            card = {
                "seq": event.seq,
                "until": event.seq,
                "kind": value["k"],
                "title": _title(value),
                "parts": [],
                "step": step_name(program, label) if label and value["k"] not in _CONTROL else "",
                "label": label,
                "line": places.get(label.rstrip("/"), 0),
                "branch": value.get("s", ""),
                "at": None if event.wall is None or zero is None else event.wall - zero,
            }
            order.append(card)
            if value["k"] in ("intent", "asked"):
                cards[key] = card
        card["parts"] += _parts(value, log)
        changed = files.get(event.seq)
        if changed:
            card["parts"] += [["file", f"{path}{'' if kept else ' (removed)'}", ""] for path, kept in changed.items()]
    yield from (card for card in order if card["parts"] or card["kind"] not in ("ran", "began"))


def _title(value: Mapping[str, Any]) -> str:
    match value["k"]:
        case "intent":
            return str(value["name"])
        case "asked":
            return f"{value['name']}: question {value['id']}"
        case "stopped":
            return f"budget of {value['limit']:g} {value['which']} reached"
        case "granted":
            return f"budget of {value['which']} raised to {value['limit']:g}"
        case "ended":
            return "ends" if value["status"] == "ok" else f"ends {value['status']}"
        case "forked" | "joined" | "called" | "returned":
            return _CONTROL[value["k"]]
        case "took" | "sent":
            return f"{value['k']} {value['event']}"
        case kind:
            return str(kind)


def _parts(value: Mapping[str, Any], log: RunLog) -> Iterator[list[str]]:
    """What one event adds to its card."""
    for name, data in value.get("args", {}).items():
        yield [name, _text(restore_value(data, log.blobs)), ""]
    if value["k"] in ("result", "answered"):
        result = restore_value(value["value"], log.blobs)
        name = "answer" if value["k"] == "answered" else "result"
        is_unknown = isinstance(result, Undefined)
        if is_unknown or result != "":  # what writes has no result
            yield [name, _text(result), "dim" if is_unknown else ""]
        if value.get("status", "ok") != "ok":
            yield ["status", str(value["status"]), "bad"]
        provider = (value.get("source") or {}).get("provider")
        if provider:
            yield ["by", str(provider), "dim"]
    if value["k"] == "failed":
        again = f", again after {value['wait']:g} s" if value.get("again") and "wait" in value else ""
        yield [str(value["status"]), f"{value['why']}{again}", "bad"]
    for name, data in {**value.get("set", {}), **value.get("state", {})}.items():
        if name.startswith("$"):  # a variable of the machine: the subject of a `match`, the index of a loop
            continue
        bound = restore_value(data, log.blobs)
        yield [f"{name} =", _text(bound), "dim" if isinstance(bound, Undefined) else ""]
    for item in value.get("items", ()):
        numbers = ", ".join(f"{name}={_text(one)}" for name, one in item["values"].items())
        yield ["item", f"{item['case']} {numbers}", ""]
        for name, why in item.get("undefined", {}).items():
            yield ["undefined", f"{name}: {why}", "dim"]
    yield from _knowledge(value)
    for _, name, held, seen in value.get("judged", ()):
        yield ["check", f"{name}: {'holds' if held else 'does not hold'} ({_text(seen)})", "good" if held else "bad"]
    for note in value.get("notes", ()):
        yield ["not taken", _text(note), "dim"]
    if value["k"] == "took" and "dropped" in value:
        yield ["dropped", str(value["dropped"]), "bad"]
    for name, data in value.get("fields", {}).items():
        yield [name, _text(data), ""]
    if value["k"] == "cancelled":
        yield ["why", str(value["why"]), "bad"]


def _knowledge(value: Mapping[str, Any]) -> Iterator[list[str]]:
    tones = {True: "good", False: "", None: "dim"}
    words = {True: "true", False: "false", None: "undefined"}
    for fact in value.get("facts", ()):
        why = f": {fact['why']}" if fact.get("why") else ""
        yield ["fact", f"{fact['fact']} is {words[fact['is']]}{why}", tones[fact["is"]]]
    for rule in value.get("fired", ()):
        yield [rule["kind"], f"{rule['name']}: {rule['suggestion']}", "good"]
    for broken in value.get("broken", ()):
        yield ["broken", f"invariant {broken['invariant']}", "bad"]


def _text(value: Any) -> str:
    import json

    if isinstance(value, Undefined):
        return f"undefined: {value.reason}"
    if isinstance(value, Mapping) and set(value) == {"$undefined"}:
        return f"undefined: {value['$undefined']}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
