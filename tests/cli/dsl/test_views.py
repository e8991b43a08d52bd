"""The verbs that show a run: view, report, step, trace; mocks of tools, and the word for why a run did not pass."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

PROGRAM = """system Demo {
    trace_schema { variant Item { case Speed { step_name: string, tflops: float } } }
    fact is_slow(t: Item.Speed) { return t.tflops < 10 }
    rule "Fuse" { when: is_slow apply: "Fuse <b>the</b> loops." }
    invariant Positive { assert: all(s.tflops > 3 for s in trace(Item.Speed)) }
    agent_loop Main {
        budget { queries: 5 steps: 50 }
        step "Level 1: naive" { emit Item.Speed { step_name: "naive" tflops: 2.0 } }
        step "Level 2: tiled" { emit Item.Speed { step_name: "tiled" tflops: 8.0 } }
        parallel {
            branch ask { step choose: llm.query { prompt: "Tile? <script>alert(1)</script>{{hints}}" output_var: a } }
            branch work { step say: tool.run { cmd: ["echo", "\\u001b[31mred"] output_var: b } }
        }
        if 1 / 0 > 2 { step never { let x = 1 } }
        success: exists("a")
    }
}
"""
MOCKED = """task T {
    step one: tool.read { path: "notes.txt" output_var: notes }
    step two: tool.run { cmd: "python bench.py --n 4" output_var: seen }
    step ask: llm.query { prompt: "{{notes}} {{seen}}" output_var: said }
}
"""


@pytest.fixture
def suspended(dsl) -> str:
    """A run with branches, one of them waiting: the id of its question."""
    Path("demo.spak").write_text(PROGRAM)
    return str(dsl("run", "demo.spak", "--live", "--json").json["questions"][0]["id"])


def test_the_page_shows_program_branches_and_why(dsl, suspended) -> None:
    dsl("fork", "demo-1", "4")
    assert dsl("view", "demo-1").out == "reports/dsl/demo-1/view.html\n"
    page = Path("reports/dsl/demo-1/view.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page
    assert re.findall(r'id="l(\d+)"', page) == [str(number) for number in range(1, len(PROGRAM.split("\n")) + 1)]
    for said in ("is_slow is true", "Fuse: Fuse &lt;b&gt;the", "invariant Positive", "budget of queries", "1 of 5 used",
                 "main/fork-4", "event 4", "it waits for an answer",
                 f"crucible dsl answer RUN {suspended} TEXT", "branches begin"):  # fmt: skip
        assert said in page, said
    columns = re.findall(r'id="e\d+"[^>]*grid-row:(\d+);grid-column:(\d+)', page)
    assert len({row for row, _ in columns}) == 1, "the branches begin next to each other"
    assert {column for _, column in columns} == {"2", "3"}
    assert not re.search(r"(?:src|href)=\"(?!#)", page), "the page loads nothing"
    view = dsl("view", "demo-1", "--json").json
    assert [branch["label"] for branch in view["branches"]] == ["main", "ask", "work"]
    assert [card["line"] for card in view["cards"] if card["branch"]] == [11, 12]
    emitted = [(card["step"], card["line"]) for card in view["cards"] if card["kind"] == "ran"]
    assert emitted[:2] == [("Level 1: naive", 8), ("Level 2: tiled", 9)]
    assert 'http-equiv="refresh"' not in page


def test_a_followed_page_ends_with_its_run(dsl, suspended) -> None:
    dsl("answer", "demo-1", suspended, "yes")
    done = dsl("resume", "demo-1", "--quiet")
    assert (done.status, "Demo: broken: invariant Positive is broken" in done.out) == (1, True)
    assert dsl("view", "demo-1", "--follow", "--out", "page.html").status == 0
    assert "not taken" in Path("page.html").read_text()


def test_the_report_has_the_numbers_and_their_laws(dsl, suspended) -> None:
    report = dsl("report", "demo-1").out
    assert "| Level 1: naive (stated) | naive | 2 |" in report
    assert "| is_slow | true |" in report
    assert "- **Positive**: broken" in report
    assert "Fuse &lt;b>the" in report


def test_one_step_at_a_time(dsl) -> None:
    Path("demo.spak").write_text(PROGRAM)
    first = dsl("run", "demo.spak", "--live", "--stop-after", "1", "--quiet")
    assert (first.status, "crucible dsl step reports/dsl/demo-1" in first.out) == (0, True)
    second = dsl("step", "demo-1").err
    assert ("done Main/Level-2-tiled" in second, "forked" in second) == (True, False)
    at_once = dsl("run", "demo.spak", "--live", "--json")
    heads = [dsl("step", "demo-1", "--json").json["head"] for _ in range(4)]
    assert heads[-2:] == [at_once.json["head"]] * 2


def test_a_trace_is_one_object_or_lines(dsl, suspended) -> None:
    whole = dsl("trace", "demo-1", "--json").json
    lines = [json.loads(line) for line in dsl("trace", "demo-1", "--jsonl").out.splitlines()]
    assert whole["events"] == lines
    assert whole["head"] == lines[-1]["hash"]


def test_mocks_lead_to_the_question_and_measure_nothing(dsl) -> None:
    Path("t.spak").write_text(MOCKED)
    plain = dsl("run", "t.spak", "--json").json
    assert (plain["status"], plain["passed"]) == ("failed", False), "what the prompt needs was not performed"
    Path("mocks.spak").write_text('tools { read "notes.txt" -> "see" run "python bench.py *" -> "7 ms" }')
    asked = dsl("run", "t.spak", "--tools", "mocks.spak", "--json").json
    assert asked["questions"][0]["prompt"] == "see 7 ms"
    Path("own.spak").write_text('tools { read "*" -> "own" run "*" -> "8 ms" }\n' + MOCKED)
    done = dsl("run", "own.spak", "--backend", "command", "--command", "echo ok", "--json")
    assert (done.status, done.json["status"]) == (1, "simulated")
    assert done.json["why"] == "mocks answered 2 effects: nothing was measured"
    assert dsl("run", "own.spak", "--tools", "t.spak").status == 4
    live = dsl("run", "own.spak", "--live", "--json").json
    assert live["status"] == "failed", "with --live no mock answers"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("task T { evaluation { check a: 1 == 2 } }", "wrong"),
        ("task T { let x = 1 success: x == 2 }", "wrong"),
        ('task T { step a: tool.run { cmd: "date" } }', "simulated"),
        ("task T { let x = 1 success: x == 1 }", "ok"),
    ],
)
def test_one_word_says_why(dsl, text: str, word: str) -> None:
    Path("t.spak").write_text(text)
    found = dsl("run", "t.spak", "--json")
    assert (found.json["status"], found.status) == (word, int(word != "ok"))
    assert (found.json["why"] == "") == (word == "ok")
    assert dsl("runs", "--json").json[0]["status"] == word


def test_a_judges_score_is_kept(dsl) -> None:
    Path("t.spak").write_text(
        'task T { evaluation { check score: llm.query { prompt: "Rate it" output_var: s }\n'
        'check fine: llm.query { prompt: "Rate it" answer: float at_least: 0.5 } } }'
    )
    dsl("run", "t.spak", "--backend", "command", "--command", "echo 0.3", "--quiet")
    checks = json.loads(Path("reports/dsl/t-1/metrics.json").read_text())["checks"]
    assert {name: (check["value"], check["held"]) for name, check in checks.items()} == {
        "score": ("0.3", True), "fine": (0.3, False)
    }  # fmt: skip


def test_the_events_of_the_documentation_run(dsl) -> None:
    root = Path(__file__).parents[3] / "specs/programs"
    lines = (root / "collector.events.jsonl").read_text()
    assert lines in (root.parents[1] / "docs/dsl-machine.md").read_text()
    found = dsl("run", root / "collector.spak", "--events", root / "collector.events.jsonl", "--json").json
    assert (found["status"], found["used"]["events"]) == ("ok", 3)
