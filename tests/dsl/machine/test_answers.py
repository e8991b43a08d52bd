"""Who may answer, and what counts as an answer."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest

from harness.cli import main
from harness.dsl.analysis.load import check_source, load_source
from harness.dsl.machine.replay import replay
from harness.dsl.machine.session import Session
from harness.dsl.machine.settings import RunSettings
from harness.providers.factory import Backend
from harness.providers.question import Reply

ECHO = f"{sys.executable} -c \"print('R')\""


@pytest.mark.parametrize(
    ("call", "status"),
    [
        ('human.ask { prompt: "?" %s }', "suspended"),
        ('human.ask { prompt: "?" by: person %s }', "suspended"),
        ('human.ask { prompt: "?" by: any %s }', "ok"),
        ('human.ask { prompt: "?" by: "any" %s }', "ok"),
        ('llm.query { prompt: "?" %s }', "ok"),
    ],
)
def test_a_command_answers_for_a_person_only_if_the_program_says_so(tmp_path, call, status) -> None:
    program = load_source(f"agent_loop T {{ step s: {call % 'output_var: x'} }}", cache=False)
    settings = RunSettings(backend=Backend(backend="command", command=ECHO))
    with Session.start(program, tmp_path / "run", settings=settings) as session:
        assert session.run().status == status
        assert replay(program, session.log).divergence is None


@pytest.mark.parametrize("text", ['human.ask { prompt: "?" by: nobody }', 'llm.query { prompt: "?" by: any }'])
def test_who_may_answer_is_checked(text) -> None:
    _, found = check_source(f"agent_loop T {{ step s: {text} }}", cache=False)
    assert any(diagnostic.is_error for diagnostic in found)


@pytest.mark.parametrize(
    ("said", "value"),
    [("yes", True), ("No", False), ("true", True), ("True", True), (" FALSE\n", False), ("```\nyes\n```", True)],
)
def test_words_that_mean_a_boolean(start, said, value) -> None:
    ask = 'step a: llm.query { prompt: "?" answer: boolean output_var: x }'
    session = start(f"task T {{ {ask} success: x == {str(value).lower()} }}", answers=[said])
    assert session.run().passed


@pytest.mark.parametrize("said", ["1", "maybe", "yes, of course", '"yes"', ""])
def test_words_that_do_not(start, said) -> None:
    session = start('task T { step a: llm.query { prompt: "?" answer: boolean output_var: x } }', answers=[said])
    assert session.run().status == "failed"


def test_a_person_is_asked_in_the_main_thread(tmp_path: Path) -> None:
    """A thread that reads from the terminal could not be interrupted."""

    class Person:
        name, is_interactive, asked = "person", True, ""

        def answer(self, question):
            self.asked = threading.current_thread().name
            return Reply(text="x", provider=self.name)

    person = Person()
    program = load_source('agent_loop T { step s: llm.query { prompt: "?" output_var: x } }', cache=False)
    with Session.start(program, tmp_path / "run", provider=person) as session:
        assert session.run().passed
    assert person.asked == "MainThread"


def test_a_wrong_answer_of_a_file_is_refused_and_asked_again(tmp_path: Path, capsys) -> None:
    program, answers = tmp_path / "p.spak", tmp_path / "a.json"
    program.write_text('task T { step a: human.ask { prompt: "How many?" answer: int output_var: n } success: n == 3 }')
    run = ["dsl", "run", str(program), "--state", str(tmp_path / "run"), "--quiet", "--answers", str(answers)]
    answers.write_text('{"answers": []}')
    assert main([*run, "--json"]) == 0
    (question,) = json.loads(capsys.readouterr().out)["questions"]
    answers.write_text(json.dumps({"answers": [{"question": question["id"], "answer": "three"}]}))
    assert main(["dsl", "resume", str(tmp_path / "run"), "--quiet"]) == 0
    assert f"question {question['id']} stays open: the answer is not int" in capsys.readouterr().out
    answers.write_text(json.dumps({"answers": [{"question": question["id"], "answer": 3}]}))
    assert main(["dsl", "resume", str(tmp_path / "run"), "--quiet"]) == 0


@pytest.mark.parametrize(("text", "kind"), [("seven\nor so\n", "string"), ("7", "int"), ('{"n": 1}', "{n: int}")])
def test_a_plain_file_answers_the_one_open_question(tmp_path: Path, capsys, text, kind) -> None:
    program, answer = tmp_path / "p.spak", tmp_path / "response.txt"
    program.write_text(
        f'task T {{ step a: human.ask {{ prompt: "?" answer: {kind} output_var: x }} '
        'parallel { branch b { step b: human.ask { prompt: "B?" output_var: y } } '
        'branch c { step c: human.ask { prompt: "C?" output_var: z } } } }'
    )
    folder = str(tmp_path / "run")
    answer.write_text(text)
    assert main(["dsl", "run", str(program), "--state", folder, "--quiet"]) == 0
    assert main(["dsl", "resume", folder, "--answers", str(answer), "--quiet"]) == 0
    assert "answers question" in capsys.readouterr().err
    assert main(["dsl", "resume", folder, "--answers", str(answer), "--quiet"]) == 4, "two questions are open"
    assert "2 are open" in capsys.readouterr().err
    assert main(["dsl", "resume", folder, "--quiet"]) == 0, "the file is not used again"
    assert capsys.readouterr().out.count("\nquestion ") == 2


def test_what_would_steer_a_terminal_is_shown(tmp_path: Path, capsys) -> None:
    program = tmp_path / "p.spak"
    program.write_text(
        'task T { step s: human.ask { role: "\\u001b[1mboss" prompt: "a\\u001b[2Jb\\n\\u202ec" output_var: x } }'
    )
    assert main(["dsl", "run", str(program), "--state", str(tmp_path / "run"), "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert "a\\x1b[2Jb\n\\u202ec" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
