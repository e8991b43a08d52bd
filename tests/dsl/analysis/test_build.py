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
