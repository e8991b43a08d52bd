"""Exhibits of a program's run: its open questions, its effects and questions over time, and its facts."""

from __future__ import annotations

import json
from typing import Any

from harness.core.clip import clip
from harness.core.exhibit import Exhibit, pack
from harness.core.exhibit_kinds import Table, Text, Timeline
from harness.dsl.ir import Program

MAX_SPANS = 1000


def run_exhibits(program: Program, trial: dict[str, Any]) -> tuple[Exhibit, ...]:
    """What the report shows of one trial (the result of `run_trial`)."""
    shown = [pack(f"question {number}", _question(one)) for number, one in enumerate(trial["open"], 1)]
    shown.append(pack("timeline", timeline_of(program, trial["timeline"])))
    if trial["facts"]:
        shown.append(pack("facts", _facts(trial["facts"])))
    if trial["criteria"]:
        rows = tuple((text, verdict, reason) for text, verdict, reason in trial["criteria"])
        shown.append(pack("criteria", Table(title="Success criteria", columns=("criterion", "is", "why"), rows=rows)))
    return tuple(shown)


def _question(asked: dict[str, Any]) -> Text:
    """A question that the run waits for, as it is asked, with what an answer must be."""
    schema = asked["schema"]
    wanted = "text" if schema.get("type") == "string" and len(schema) == 1 else f"JSON: {clip(json.dumps(schema))}"
    return Text(
        title="Question that waits", sentence=f"{asked['step']}, {asked['id']}; answer: {wanted}", text=asked["prompt"]
    )


def timeline_of(program: Program, spans: list[dict[str, Any]]) -> Timeline:
    """The spans of `export.timeline` as a chart."""
    lines = {
        instruction.label: program.place(instruction.span[0])[0] for unit in program.units for instruction in unit.code
    }
    lanes = list(dict.fromkeys(span["step"] or span["label"] or "program" for span in spans))
    ends = [span["start"] if span["end"] is None else span["end"] for span in spans]
    waits = sum(span["kind"] == "question" for span in spans)
    effects = sum(span["kind"] == "effect" for span in spans)
    return Timeline(
        title="Effects and questions over time",
        sentence=f"effects: {effects}, questions: {waits}, steps: {len(lanes)}"
        + (f", seconds: {max(ends):.3g}" if ends else ""),
        absent="" if spans else "the program has no effect and asks nothing",
        cut=f"{MAX_SPANS} spans are shown" if len(spans) >= MAX_SPANS else "",
        unit="s",
        lanes=tuple(lanes),
        lane=tuple(lanes.index(span["step"] or span["label"] or "program") for span in spans),
        start=tuple(span["start"] for span in spans),
        end=tuple(ends),
        labels=tuple(f"{span['kind']} {span['name']} {span['text']}".strip() for span in spans),
        states=tuple(span["status"] for span in spans),
        lines=tuple(lines.get(span["label"]) for span in spans),
    )


def _facts(verdicts: dict[str, str]) -> Table:
    rows = []
    for name, verdict in verdicts.items():
        value, _, why = verdict.partition(": ")
        rows.append((name, value, why))
    fired = sum(value == "true" for _, value, _ in rows)
    undefined = sum(value == "undefined" for _, value, _ in rows)
    return Table(
        title="Facts",
        sentence=f"{fired} of {len(rows)} facts are true, {undefined} are undefined",
        columns=("fact", "is", "why it is undefined"),
        rows=tuple(sorted(rows, key=lambda row: ("true", "false").index(row[1]) if row[1] in ("true", "false") else 2)),
    )
