"""The verbs of a run: run, answer, resume, trace, replay, verify, fork, upgrade."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from harness.cli.dsl.options import parse_budgets

ASK = """task T {
    input name: string
    step a: tool.write { path: "a.txt" content: "Hello {{name}}" }
    step b: llm.query { prompt: "How many, {{name}}?" answer: int output_var: n }
    step c: tool.read { path: "a.txt" output_var: text }
    success: n == 3 contains("text", "Hello")
}"""
SWEEP = """
trace_schema { variant V { case P { cost: float } } }
engineering_loop E {
    parameter X: [1, 2, 3]
    measure { cmd: ["python", "m.py", "{{X}}"] metric: cost objective: minimize }
}"""
SCRIPT = """import json, os, sys
os.write(int(os.environ["CRUCIBLE_TRACE_FD"]), json.dumps({"type": "V.P", "cost": 5 - int(sys.argv[1])}).encode())
"""


@pytest.fixture
def asked(dsl):
    """A run that waits: its question's id."""
    Path("ask.spak").write_text(ASK)
    first = dsl("run", "ask.spak", "--live", "--input", "name=Ada", "--json")
    assert (first.status, first.json["status"]) == (0, "suspended")
    return first.json["questions"][0]["id"]


def test_a_run_that_waits_is_answered_and_continues(dsl, asked) -> None:
    assert "How many, Ada?" in dsl("resume", "ask-1", "--quiet").out
    assert dsl("answer", "ask-1", asked, "many").status == 4
    said = dsl("answer", "ask-1", asked, "many").err
    assert "not int" in said
    assert '{"type": "integer"}' in said  # JSON, as the answer must be
    assert dsl("answer", "ask-1", asked, "3", "--source", "Ada").status == 0
    assert "already has this answer" in dsl("answer", "ask-1", asked, "3").out
    done = dsl("resume", "ask-1")
    assert done.status == 0, done.out
    assert "/end  ends" in done.err, "events are streamed to stderr"
    assert "survives kill -9" in done.out
    metrics = json.loads(Path("reports/dsl/ask-1/metrics.json").read_text())
    assert metrics["passed"] is True
    trace = json.loads(Path("reports/dsl/ask-1/trace.json").read_text())
    assert [entry["step_id"] for entry in trace] == ["a", "b", "c"]
    assert not Path("reports/dsl/ask-1/suspended.zip").exists()


def test_a_bundle_continues_in_another_folder(dsl, asked) -> None:
    Path("reply.txt").write_text("3\n")
    Path("reports/dsl/ask-1/suspended.zip").rename("away.zip")
    Path("reports").rename("gone")
    assert dsl("resume", "away.zip", "--state", "here", "--quiet").status == 0
    assert dsl("answer", "here", asked, "--file", "reply.txt").status == 0
    assert dsl("resume", "here", "--json").json["passed"] is True


def test_a_program_that_fails_exits_with_1(dsl, asked) -> None:
    dsl("answer", "ask-1", asked, "4")
    failed = dsl("resume", "ask-1", "--quiet")
    assert failed.status == 1
    assert "n == 3" in failed.out
    Path("bad.spak").write_text("task T { step s: tool.rad { } }")
    assert dsl("run", "bad.spak").status == 1
    assert "tool.read" in dsl("run", "bad.spak").err, "did you mean"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "absent.spak"], "cannot be read"),
        (["run", "ask.spak"], "--input name="),
        (["run", "ask.spak", "--input", "name"], "NAME=VALUE"),
        (["run", "ask.spak", "--input", "name=a", "--input", "nam=b"], "no input 'nam'"),
        (["run", "ask.spak", "--input", "name=a", "--budget", "stpes=3"], "NAME of steps"),
        (["run", "ask.spak", "--input", "name=a", "--budget", "steps=many"], "not a number"),
        (["run", "ask.spak", "--input", "name=a", "--budget", "wall=1GB"], "in seconds"),
        (["run", "ask.spak", "--input", "name=a", "--state", "reports/dsl/ask-1"], "a run in this folder"),
        (["run", "ask.spak", "--input", "name=a", "--events", "nowhere"], "nowhere does not exist"),
        (["resume", "nowhere"], "dsl runs"),
        (["answer", "ask-1", "ffff", "1"], "asked no question"),
        (["answer", "ask-1", "ffff"], "TEXT or with --file"),
        (["resolve", "ask-1", "ffff", "repeat"], "not in doubt"),
        (["resolve", "ask-1", "ffff", "done", "--value", "nope"], "not JSON"),
        (["fly", "ask-1"], "unknown verb 'fly'"),
        (["verfy", "ask-1"], "did you mean `crucible dsl verify`?"),
    ],
)
def test_wrong_usage_exits_with_4_and_a_fix(dsl, asked, words, says) -> None:
    found = dsl(*words)
    assert found.status == 4, found.out + found.err
    assert says in found.err


def test_replay_verify_and_trace_of_a_run(dsl, asked) -> None:
    dsl("answer", "ask-1", asked, "3")
    head = dsl("resume", "ask-1", "--json").json["head"]
    assert dsl("replay", "ask-1", "--json").json["equal"] is True
    assert dsl("verify", "ask-1", "--head", head).status == 0
    assert dsl("verify", "ask-1", "--head", "0" * 32).status == 1
    lines = dsl("trace", "ask-1").out.splitlines()
    assert "begins" in lines[0]
    assert lines[-1].endswith("/end  ends")
    assert len(dsl("trace", "ask-1", "--from", "2", "--limit", "3").out.splitlines()) == 3
    assert json.loads(dsl("trace", "ask-1", "--as", "timeline").out)
    with sqlite3.connect("reports/dsl/ask-1/log.db") as connection:
        connection.execute("UPDATE events SET hash = zeroblob(16) WHERE id & 1023 = 4")
    connection.close()
    broken = dsl("verify", "ask-1")
    assert broken.status == 1
    assert "main, event 4" in broken.out
    assert dsl("resume", "ask-1").status == 1


def test_fork_upgrade_and_the_list_of_runs(dsl, asked) -> None:
    assert dsl("fork", "ask-1", "1").status == 0
    assert dsl("fork", "ask-1", "99").status == 1
    Path("later.spak").write_text(ASK.replace("n == 3", "n == 4"))
    Path("earlier.spak").write_text(ASK.replace("Hello {{", "Bye {{"))
    assert dsl("upgrade", "ask-1", "earlier.spak").status == 1
    assert "earlier.spak:3:" in dsl("upgrade", "ask-1", "earlier.spak").out
    assert dsl("upgrade", "ask-1", "later.spak", "--json").json["run"] == "main/upgrade"
    assert dsl("answer", "ask-1", "--run", "main/upgrade", asked, "4").status == 0
    assert dsl("resume", "ask-1", "--run", "main/upgrade", "--quiet").status == 0
    rows = dsl("runs", "--json").json
    assert {(row["name"], row["status"]) for row in rows} == {
        ("main", "suspended"), ("main/fork-1", "running"), ("main/upgrade", "ok"),
    }  # fmt: skip
    Path("reports/dsl/junk").mkdir()
    Path("reports/dsl/junk/log.db").write_text("junk")
    assert "unreadable" in dsl("runs").out


def test_a_budget_stops_a_run_and_a_larger_one_continues_it(dsl) -> None:
    Path("loop.spak").write_text("agent_loop L { let i = 0 repeat 9 { step s { i = i + 1 } } success: i == 9 }")
    assert parse_budgets(["wall=2min", "steps=3"]) == {"wall_s": 120.0, "steps": 3.0}
    assert parse_budgets(["wall_s=0.5"]) == parse_budgets(["wall=500ms"])
    stopped = dsl("run", "loop.spak", "--budget", "steps=4", "--quiet")
    assert stopped.status == 1
    assert "budget of 4 steps" in stopped.out
    assert dsl("resume", "loop-1", "--budget", "steps=100", "--quiet").status == 0
    assert dsl("replay", "loop-1").status == 0


def test_a_sweep_shows_its_points_and_measures_failed_ones_again(dsl) -> None:
    Path("tune.spak").write_text(SWEEP)
    failed = dsl("sweep", "tune.spak", "--live")
    assert failed.status == 1
    assert "m.py cannot be read" in failed.out
    Path("files").mkdir()
    Path("files/m.py").write_text(SCRIPT)
    again = dsl(
        "sweep", "tune.spak", "--live", "--state", "reports/dsl/tune-1", "--retry-failed", "--files", "files/m.py"
    )
    assert again.status == 0, again.out
    assert "X=3: 2" in again.out
    found = dsl("sweep", "tune.spak", "--live", "--files", "files/m.py", "--workers", "2", "--json")
    assert [point["value"] for point in found.json["points"]] == [4.0, 3.0, 2.0]


def test_a_model_answers_over_http_and_the_cassette_stands_for_it(dsl, model_server) -> None:
    Path("ask.spak").write_text(ASK)
    model_server.answer = "```json\n3\n```"
    live = dsl(
        "run", "ask.spak", "--live", "--input", "name=Ada", "--backend", "ollama", "--base-url", model_server.url,
        "--model", "m1", "--cassette", "tape.json", "--json",
    )  # fmt: skip
    assert live.json["passed"] is True, live.out
    assert live.json["used"]["tokens"] == 15
    asked = len(model_server.asked)
    taped = dsl("run", "ask.spak", "--live", "--input", "name=Ada", "--cassette", "tape.json", "--json")
    assert (taped.json["passed"], len(model_server.asked)) == (True, asked)
    assert taped.json["head"] == live.json["head"]
    other = dsl("run", "ask.spak", "--live", "--input", "name=Bob", "--cassette", "tape.json", "--quiet")
    assert other.status == 1
    assert "no recording" in other.out
    model_server.faults = ["503"] * 3
    away = dsl(
        "run",
        "ask.spak",
        "--live",
        "--input",
        "name=Eve",
        "--backend",
        "openai",
        "--base-url",
        model_server.url,
        "--quiet",
    )
    assert away.status == 1
    assert "503" in away.out


def test_the_settings_of_a_run_survive_its_suspension(dsl, model_server) -> None:
    Path("two.spak").write_text("""task T { step a: human.ask { prompt: "Sure?" output_var: x }
      step b: llm.query { prompt: "And?" output_var: y } success: y == "forty-two" }""")
    first = dsl(
        "run",
        "two.spak",
        "--live",
        "--backend",
        "openai",
        "--base-url",
        model_server.url + "/v1",
        "--model",
        "m",
        "--json",
    )
    assert first.json["status"] == "suspended", first.out
    assert model_server.asked == [], "no model answers what a person is asked"
    dsl("answer", "two-1", first.json["questions"][0]["id"], "yes")
    assert dsl("resume", "two-1", "--json").json["passed"] is True
    assert model_server.asked[0][0] == "/v1/chat/completions"


def test_input_files_and_scripts_that_it_runs_are_copied(dsl) -> None:
    Path("helper.py").write_text("print('from helper')")
    Path("given.txt").write_text("given")
    Path("p.spak").write_text("""task T { step a: tool.read { path: "given.txt" output_var: x }
      step b: tool.read { path: "helper.py" output_var: y }
      step c: human.ask { prompt: "go on?" answer: boolean output_var: go }
      step d: tool.run { cmd: "python helper.py" } success: go }""")
    found = dsl("run", "p.spak", "--live", "--files", "given.txt", "--state", "here", "--json")
    assert found.json["status"] == "suspended", found.out + found.err
    assert Path("here/work/helper.py").read_text() == "print('from helper')"
    assert dsl("run", "p.spak", "--live", "--files", "absent.txt", "--state", "there").status == 4
    assert not Path("there").exists()
