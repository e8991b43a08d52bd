"""A model may call our confined tools: each call is an effect of the log, replayed, bounded and never trusted."""

from __future__ import annotations

import json

import pytest

from harness.dsl.analysis.load import check_source
from harness.dsl.machine.replay import replay
from harness.dsl.machine.session import Session
from harness.providers.question import Question, Reply

PROGRAM = """agent_loop Ask {{
    step notes: tool.write {{ path: "notes.txt" content: "forty-two" }}
    step ask: llm.query {{ prompt: "What?" tools: {tools} {more} output_var: said }}
    evaluation {{ check seen: contains(said, "forty-two") }}
    success: passed("seen")
}}"""


def calls(*found: tuple[str, dict[str, object]]) -> str:
    return json.dumps({"tool_calls": [{"tool": tool, "arguments": arguments} for tool, arguments in found]})


class Model:
    """Answers with the given replies, in order; `{said}` in one is the last result of a tool."""

    name = "model"

    def __init__(self, *replies: str) -> None:
        self.replies, self.asked = list(replies), list[Question]()

    def answer(self, question: Question) -> Reply | None:
        self.asked.append(question)
        said = question.parameters["said"]
        text = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return Reply(text=text.replace("{said}", said[-1]["result"] if said else ""), provider="model")


def run(start, model: Model, *, tools: str = "[read, run]", more: str = "") -> Session:
    session = start(PROGRAM.format(tools=tools, more=more))
    session.questions._provider = model
    return session


READ = ("read", {"path": "notes.txt"})


def test_every_call_is_an_effect_and_its_result_goes_back(start) -> None:
    session = run(start, Model(calls(("run", {"cmd": ["echo", "hi"]}), READ), "it is {said}"))
    outcome = session.run()
    assert outcome.passed, outcome.why
    events = [event.value for event in session.log.events()]
    begun = [(event["name"], event["args"]) for event in events if event["k"] == "intent"][1:]
    assert begun == [("tool.run", {"cmd": ["echo", "hi"]}), ("tool.read", {"path": "notes.txt"})]
    assert outcome.used["queries"] == 2
    found = replay(session.program, session.log)
    assert found.divergence is None


@pytest.mark.parametrize(
    ("call", "result"),
    [
        (("read", {"path": "../secret"}), "error: forbidden: ../secret lies outside"),
        (("read", {}), "error: wrong: path is undefined"),
        (("run", {"cmd": ["rm", "-r", "/"]}), "error: forbidden: 'rm' runs outside a box only if it is granted"),
        (("run", {"cmd": "echo hi"}), "error: wrong: a command is a list of strings"),
        (("write", {"path": "x", "content": "y"}), "error: there is no such tool; there are: read, run"),
        (("import", {}), "error: there is no such tool"),
    ],
)
def test_a_fault_of_a_call_is_its_result(start, call, result: str) -> None:
    model = Model(calls(call), "forty-two")
    assert run(start, model).run().passed
    assert model.asked[1].parameters["said"][0]["result"].startswith(result)


def test_calls_are_bounded(start) -> None:
    model = Model(calls(READ, READ), calls(READ), "forty-two")
    session = run(start, model, more="max_calls: 1")
    assert session.run().passed
    results = [turn["result"] for turn in model.asked[-1].parameters["said"]]
    assert results == ["forty-two", *["error: no calls are left: answer now"] * 2]
    assert sum(event.value["k"] == "intent" for event in session.log.events()) == 2


def test_a_model_that_never_answers_fails(start) -> None:
    outcome = run(start, Model(calls(READ)), more="max_calls: 2").run()
    assert outcome.status == "failed"
    assert "no answer after 2 calls of tools" in outcome.why


def test_an_answer_has_its_type(start) -> None:
    text = 'task T { step a: llm.query { prompt: "?" tools: read answer: boolean output_var: x } success: x }'
    session = start(text)
    session.questions._provider = Model(calls(("read", {"path": "a"})), "yes")
    assert session.run().passed
    other = start(text, folder="other")
    other.questions._provider = Model("perhaps")
    assert "'perhaps' is not JSON" in other.run().why


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('task T { step a: llm.query { prompt: "?" tools: [read, fetch] } }', "E205"),
        ('task T { step a: llm.query { prompt: "?" tools: [read] max_calls: 0 } }', "E301"),
        ('task T { evaluation { check a: llm.query { prompt: "?" tools: [read] contains: "x" } } }', "E206"),
        ('service_loop S { budget { events: 1 } on e { llm.query { prompt: "?" tools: [read] } } }', "E401"),
    ],
)
def test_what_cannot_be_called_is_refused(text: str, code: str) -> None:
    found = [problem.code for problem in check_source(text, cache=False)[1] if problem.is_error]
    assert code in found


def test_a_person_may_answer_in_place_of_the_model(start) -> None:
    session = start(PROGRAM.format(tools="[read]", more=""))
    outcome = session.run()
    assert session.answer(outcome.questions[0].id, calls(READ)) == "answered"
    outcome = session.run()
    assert session.answer(outcome.questions[0].id, "it is forty-two") == "answered"
    assert session.run().passed
