"""The output of a run: events as they are written, and a summary, for the terminal and as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from harness.cli import output
from harness.core.clip import clip
from harness.core.named_path import write_file
from harness.dsl.eventlog.fault import LogError
from harness.dsl.machine.outcome import Outcome
from harness.dsl.machine.session import Session

BUNDLE, TRACE, METRICS = "suspended.zip", "trace.json", "metrics.json"


def print_event(seq: int, event: dict[str, Any]) -> None:
    """Print one event to stderr."""
    print(f"{seq:>6}  {format_event(event)}", file=sys.stderr)


def format_event(event: dict[str, Any]) -> str:
    """Format an event as one line of ASCII, at most 300 characters."""
    kind, fiber = event["k"], event.get("s", "")
    at = str(event.get("label") or event.get("at") or "")
    where = f"{at}{f' [{fiber}]' if fiber else ''}"
    match kind:
        case "began":
            text = "begins"
        case "ran":
            begun = [f"begins {label}" for label in event.get("enter", ()) if label not in event.get("left", ())]
            done = [f"done {label}" for label in event.get("left", ())]
            bound = [f"{n} = {_shorten(v)}" for n, v in {**event.get("set", {}), **event.get("state", {})}.items()]
            judged = [
                f"{name}: {'holds' if held else 'does not hold'} ({seen})"
                for _, name, held, seen in event.get("judged", ())
            ]
            text = "; ".join([*begun, *bound, *judged, *_format_findings(event), *done]) or "continues"
        case "intent" | "asked":
            text = f"{event['name']} {_shorten(event['args'])}"
            where += f" question {event['id']}" if kind == "asked" else ""
        case "result" | "answered":
            status = f"{event['status']}: " if "status" in event else ""
            judged = [f"{name}: {'holds' if held else 'does not hold'}" for _, name, held, _ in event.get("judged", ())]
            text = "; ".join([f"-> {status}{_shorten(event['value'])}", *judged, *_format_findings(event)])
        case "failed":
            text = f"{event['status']}: {event['why']}{' (again)' if event.get('again') else ''}"
        case "stopped":
            text = f"budget of {event['limit']:g} {event['which']} reached"
        case "took":
            text = f"event {event['event']}{' dropped: ' + event['dropped'] if 'dropped' in event else ''}"
        case "sent":
            text = f"sent {event['event']} {_shorten(event['fields'])}"
        case "armed":
            text = f"to be done in {event['seconds']:g} s"
        case "cancelled":
            text = f"cancelled: {event['why']}"
        case "ended":
            text = "ends" if event["status"] == "ok" else f"ends {event['status']}"
        case _:
            text = kind
    return ascii(clip(f"{where}  {text}", limit=300))[1:-1].replace("\\'", "'")


def _format_findings(event: dict[str, Any]) -> list[str]:
    words = {True: "true", False: "false", None: "undefined"}
    facts = [f"{r['fact']} is {words[r['is']]}" for r in event.get("facts", ())]
    fired = [f"{r['kind']} {r['name']}: {r['suggestion']}" for r in event.get("fired", ())]
    return [*facts, *fired, *[f"BROKEN {r['invariant']}" for r in event.get("broken", ())]]


def _shorten(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 100 else text[:99] + "~"


def write_exports(session: Session, outcome: Outcome) -> None:
    """Write `trace.json`, `metrics.json`, and a bundle while the run waits."""
    from harness.dsl.machine import export

    folder = session.place
    _write_json(folder / TRACE, export.trace(session.program, session.log))
    _write_json(folder / METRICS, export.metrics(outcome, session.log))
    bundle = folder / BUNDLE
    if outcome.status in ("suspended", "budget", "in_doubt", "running"):
        from harness.dsl.machine.bundle import pack_run

        pack_run(session, bundle)
    else:
        bundle.unlink(missing_ok=True)


def _write_json(path: Path, value: Any) -> None:
    try:
        write_file(path, f"{json.dumps(value, indent=2)}\n".encode())
    except OSError as error:
        fix = "the log is complete: free space, then resume"
        raise LogError(f"it cannot be written: {error.strerror}", where=str(path), fix=fix) from error


def print_summary(session: Session, outcome: Outcome, *, as_json: bool) -> int:
    """Print the outcome and return the exit status: 0 if the run passed or waits for an answer."""
    folder = session.folder
    if as_json:
        output.print_json(outcome_to_json(session, outcome))
    else:
        import shlex

        where = shlex.quote(str(folder)) + (f" --run {session.log.name}" if "/" in session.log.name else "")
        print(
            f"{session.program.name}: {outcome.status}{'' if outcome.passed or not outcome.why else ': ' + outcome.why}"
        )
        units = {step.unit for step in outcome.steps if step.status != "skipped"}
        for step in outcome.steps:
            if step.status != "ok" and (step.unit in units or not units):
                name = step.name.removeprefix(f"{step.kind} ")  # `expect fact` of kind expect
                print(f"  {step.kind} {name}: {step.status}{f' ({step.why})' if step.why else ''}")
        for text, verdict, why in outcome.criteria:
            print(f"  success {text}: {verdict}{f' ({why})' if why else ''}")
        for question in outcome.questions:
            print(f"\nquestion {question.id}{f' to {question.role}' if question.role else ''}:\n{question.prompt}")
            if question.schema.get("type") != "string":
                print(f"answer as JSON: {json.dumps(dict(question.schema))}")
            print(f"  crucible dsl answer {where} {question.id} TEXT && crucible dsl resume {where}")
        for asked, why in session.questions.refused.items():
            print(f"  question {asked} stays open: {why}")
        for key in outcome.in_doubt:
            print(f"  in doubt: {key}\n  crucible dsl resolve {where} {key} repeat|done|failed")
        print(f"run: {folder}  head: {outcome.head}  events: {outcome.events}")
        print(f"durability: {session.settings.durability.promise}")
        if outcome.status == "running":
            print(f"  crucible dsl step {where}")
    return 0 if outcome.passed or outcome.status in ("suspended", "running") else 1


def outcome_to_json(session: Session, outcome: Outcome) -> dict[str, Any]:
    """Return the outcome, with metrics, steps and open questions, as JSON data."""
    from harness.dsl.machine import export

    return {
        "program": session.program.name,
        "folder": str(session.folder),
        "durability": str(session.settings.durability),
        **export.metrics(outcome, session.log),
        "steps": [
            {"unit": s.unit, "name": s.name, "kind": s.kind, "status": s.status, "why": s.why, "times": s.times}
            for s in outcome.steps
        ],
        "questions": [
            {"id": q.id, "label": q.label, "to": q.to, "role": q.role, "prompt": q.prompt, "schema": dict(q.schema)}
            for q in outcome.questions
        ],
        "in_doubt": list(outcome.in_doubt),
        "repeated": outcome.repeated,
        "value": outcome.value,
    }
