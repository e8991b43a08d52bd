"""The notation of the first programs: artifacts, defaults, shapes, bare emits and conditions in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.dsl import RunSettings, Session
from harness.dsl.analysis.load import check_source, load_source
from harness.dsl.language.diagnostic import render
from harness.dsl.machine.outcome import Outcome


def run(text: str, folder: Path, *, live: bool = True) -> Outcome:
    with Session.start(load_source(text, cache=False), folder, settings=RunSettings(live=live)) as session:
        return session.run()


def found(text: str) -> list[str]:
    return list(render(check_source(text, path="p", cache=False)[1], text, "p", source=False))


ARTIFACTS = """task Make { step a: tool.write { path: "a.txt" content: "A" } }
build {
    artifact "a.txt"
    artifact "b.txt" { source: "a.txt" kind: "copy" }
    artifact "c.txt" { content: "C" }
    %s
}
"""


def test_artifacts_are_made_and_must_exist(tmp_path: Path) -> None:
    made = run(ARTIFACTS % "", tmp_path / "made")
    assert made.passed
    assert [(tmp_path / "made/work" / name).read_text() for name in ("b.txt", "c.txt")] == ["A", "C"]
    missing = run(ARTIFACTS % 'artifact "d.txt"', tmp_path / "missing")
    assert missing.status == "failed"
    assert "the artifact d.txt was not made" in missing.why
    assert run(ARTIFACTS % 'artifact "d.txt"', tmp_path / "simulated", live=False).status != "failed"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('build { artifact "x" }', "E406"),
        ('task T { step s { let x = 1 } } build { artifact "x" { content: "a" source: "b" } }', "E206"),
        ('task T { step s { let x = 1 } } build { artifact "x" { generatr: "a" } }', "E206"),
        ("variant V { case P { x: 1 } } task T { step s { let x = 1 } }", "E301"),
        ('state d: "a" | "b" task T { step s { let x = d } }', "E207"),
    ],
)
def test_what_cannot_be_done_is_refused(text: str, code: str) -> None:
    assert [line.split()[1] for line in found(text) if " E" in line] == [code]


def test_first_notations_run(tmp_path: Path) -> None:
    text = """
    type Config { layers: 12, rate: 0.5, name: "base", shape: [M, N, 4], bounds: [K], deep: {on: true} }
    type Tensor { rank: int }
    state current: "online"
    state size: 4
    trace_schema { variant Item { case Speed { tflops: float } } }
    fact fast(t: Item.Speed) { return t.tflops > 1 }
    agent_loop Main {
        step "Keep a file" { tool.write { path: "report.py" } }
        step "1: Measure" {
            tool.write {
                path: "report.py"
                content: "print('__SPAK_TRACE__{\\"type\\": \\"Item.Speed\\", \\"tflops\\": 2.5}')"
            }
            tool.run { cmd: "python report.py" }
            emit Item.Speed
        }
        step Decide {
            let config: Config = {layers: 24, shape: [1, 2, 3], bounds: [1], deep: {}}
            let seen = 0
            if "fast(trace.latest)" { seen = seen + 1 }
            if "fast" { seen = seen + 1 }
            if fast(trace.latest) { seen = seen + 1 }
            if "it feels right" { seen = 100 }
            emit "{{current}} is fast"
        }
        evaluation {
            check decided: seen == 3
            check defaults: config.layers == 24 && config.rate == 0.5 && config.name == "base" && config.deep.on
            check state_is: current == "online" && size == 4
        }
        success: passed("decided") passed("defaults") passed("state_is")
            file_exists("report.py") file_exists("trace.json") !file_exists("absent.txt")
    }
    service_loop Serve { on request(tensor, size) { emit "response" } }
    """
    assert [line.split()[1] for line in found(text)] == ["W511", "W503", "W512"]
    outcome = run(text, tmp_path / "run")
    assert outcome.passed, outcome


def test_artifacts_of_loops_and_steps_are_made_at_the_end_of_their_block(tmp_path: Path) -> None:
    text = """task Make {
        artifact "b.txt" { content: "b" }
        step "first": tool.write { path: "x.txt" content: "x" }
        step a { let x = 1  artifact "a.txt" { content: "a{{x}}" } }
        for i in [1, 2] { artifact "n.txt"  step w: tool.write { path: "n.txt" content: "{{i}}" } }
        return x
    }
    build { artifact "c.txt" { source: "b.txt" } }"""
    assert run(text, tmp_path / "made").passed
    assert {file.name: file.read_text() for file in (tmp_path / "made/work").iterdir()} == {
        "a.txt": "a1", "b.txt": "b", "c.txt": "b", "n.txt": "2", "x.txt": "x"
    }  # fmt: skip
    missing = run('agent_loop A { artifact "no.py" step s { let x = 1 } }', tmp_path / "missing")
    assert "the artifact no.py was not made" in missing.why


SERVICE = """variant V { case P { tflops: float, name: string } }
service_loop S { budget { events: 1 } on measured(%s) { emit V.P } }
agent_loop A { step s { emit measured { %s } } run S }"""


def test_a_bare_emit_in_a_handler_takes_the_fields_of_its_event(tmp_path: Path) -> None:
    program = load_source(SERVICE % ("tflops: float, n: int", "tflops: 2.5 n: 1"), entry="A", cache=False)
    with Session.start(program, tmp_path / "run") as session:
        assert session.run().passed
        items = [item for event in session.log.events() for item in event.value.get("items", ())]
    assert [(item["values"], list(item["undefined"])) for item in items] == [({"tflops": 2.5}, ["name"])]


def test_a_bare_emit_without_values_is_a_warning_in_a_handler_and_else_an_error() -> None:
    assert [line.split()[1] for line in found(SERVICE % ("n: int", "n: 1"))] == ["W513"]
    assert [line.split()[1] for line in found("variant V { case P { x: int } } task T { emit V.P }")] == ["E207"]


@pytest.mark.parametrize(
    ("model", "described"),
    [
        ('model X { n_layer: 12 shape: [M, N], kind: "a" | "b", p: float > 0, q: int? }', 0),
        ("model X { type Y { n: int } state tile: int = 1 }", 0),
        ("knowledge K { const C = 1 } trace_schema T { variant V { case P { c: int } } }", 0),
        ("model X { an agent; a GPU (RTX 5070) }", 1),
        ("model X { layers: f(12), heads: 3 }", 1),
        ("model X { }", 0),
    ],
)
def test_a_named_model_is_a_type_a_group_or_a_description(model: str, described: int) -> None:
    program, problems = check_source(f"{model} task T {{ step s {{ let x = 1 }} }}", cache=False)
    assert [problem for problem in problems if problem.code.startswith("E")] == []
    assert len(program.described) == described
