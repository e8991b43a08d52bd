"""What a run of a program shows: its effects with the line of their step, its facts and criteria."""

from __future__ import annotations

from pathlib import Path

from harness.core.exhibit import inflate, unpack
from harness.dsl.analysis.load import load_program
from harness.lanes.dsl.exhibits import run_exhibits

PROGRAM = load_program(Path(__file__).parents[3] / "specs/programs/hello.spak")
SPAN = {"step": "s2", "label": "HelloSPAK/s2", "kind": "question", "name": "llm.query", "start": 0.5, "end": None,
        "status": "open", "text": "who?", "seq": 3}  # fmt: skip


def shown(**trial):
    packed = run_exhibits(PROGRAM, {"open": [], "timeline": [], "facts": {}, "criteria": []} | trial)
    return {one.name: unpack(one.kind, inflate(one.stored)) for one in packed}


def test_the_timeline_leads_to_the_lines_of_the_program():
    labels = {i.label: PROGRAM.place(i.span[0])[0] for unit in PROGRAM.units for i in unit.code}
    label, line = next((label, line) for label, line in labels.items() if "s2" in label)
    found = shown(timeline=[SPAN | {"label": label}, SPAN | {"label": "gone", "end": 0.75, "status": "ok"}])["timeline"]
    assert found.lines == (line, None)
    assert "llm.query" in PROGRAM.source.splitlines()[line - 1]
    assert (found.start, found.end) == ((0.5, 0.5), (0.5, 0.75))  # an open question ends nowhere
    assert found.states == ("open", "ok")
    assert found.labels[0] == "question llm.query who?"
    assert "questions: 2, steps: 1" in found.sentence


def test_facts_are_sorted_and_undefined_ones_have_a_reason():
    found = shown(
        facts={"a": "undefined: no trace item", "b": "false", "c": "true"}, criteria=[("x > 1", "false", "why")]
    )
    assert found["facts"].rows == (("c", "true", ""), ("b", "false", ""), ("a", "undefined", "no trace item"))
    assert found["criteria"].rows == (("x > 1", "false", "why"),)


def test_a_run_without_effects_says_so():
    assert "no effect" in shown()["timeline"].absent
