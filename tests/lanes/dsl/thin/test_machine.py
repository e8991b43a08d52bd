"""The machine goes on where another stopped, and the log says the same each time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.status import Status
from harness.lanes.dsl.thin.eventlog import EventLog, LogError
from harness.lanes.dsl.thin.machine import Machine, State, genesis
from harness.lanes.dsl.thin.program import Program, parse_program
from harness.lanes.dsl.thin.tools import ToolFault, Tools

PROGRAM = parse_program(b"""
task T {
    step one: tool.write { path: "a.txt" content: "{{name}}" }
    step two: tool.read { path: "a.txt" output_var: x }
    step ask: llm.query { prompt_template: "what is {{x}}?" output_var: y }
    evaluation { check same: tool.read { path: "a.txt" equals: "{{y}}" } }
    success: passed("same")
}
""")
INPUTS = {"name": "n"}


def machine(folder: Path, program: Program = PROGRAM, inputs: dict[str, str] = INPUTS) -> Machine:
    (folder / "work").mkdir(exist_ok=True)
    return Machine(
        program, EventLog(folder / "log", genesis(program, inputs)), Tools(folder / "work"), inputs=inputs
    )  # fmt: skip


def finished(folder: Path, answer: str = "n") -> Machine:
    asked = machine(folder).run().question
    assert asked is not None
    fresh = machine(folder)
    fresh.answer(asked.id, answer, source="test")
    fresh.run()
    return fresh


def test_it_suspends_and_a_fresh_machine_goes_on(tmp_path: Path) -> None:
    first = machine(tmp_path)
    question = first.run().question
    assert question is not None
    assert (question.step, question.prompt) == ("ask", "what is n?")
    assert machine(tmp_path).run().question == question  # running again neither answers nor repeats anything
    done = finished(tmp_path)
    assert done.state.success is True
    assert [e["type"] for e in done.log.events] == [
        "intent", "result", "intent", "result", "asked", "answered", "intent", "result", "finished",
    ]  # fmt: skip


def test_an_answer_decides(tmp_path: Path) -> None:
    state = finished(tmp_path, answer="m").state
    assert (state.checks, state.success) == ({"same": False}, False)


def test_an_answer_reaches_its_question_only(tmp_path: Path) -> None:
    made = machine(tmp_path)
    made.run()
    with pytest.raises(LogError, match="does not wait"):
        made.answer("another", "n", source="test")
    other = parse_program(PROGRAM_TEXT.replace("what is", "who is").encode())
    (tmp_path / "o").mkdir()
    assert machine(tmp_path / "o", other).run().question.id != made.state.question.id


PROGRAM_TEXT = """
task T {
    step one: tool.write { path: "a.txt" content: "{{name}}" }
    step two: tool.read { path: "a.txt" output_var: x }
    step ask: llm.query { prompt_template: "what is {{x}}?" output_var: y }
}
"""


def test_two_runs_have_one_head_and_another_input_another(tmp_path: Path) -> None:
    heads = []
    for name, inputs in (("a", INPUTS), ("b", INPUTS), ("c", {"name": "m"})):
        (tmp_path / name).mkdir()
        made = machine(tmp_path / name, inputs=inputs)
        made.run()
        heads.append(made.log.head)
    assert heads[0] == heads[1] != heads[2]


@given(cut=st.integers(0, 3000))
@settings(max_examples=60)
def test_a_machine_killed_anywhere_ends_with_the_same_head(tmp_path_factory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("m")
    whole = finished(folder)
    data = (folder / "log").read_bytes()
    (folder / "log").write_bytes(data[: cut % (len(data) + 1)])
    again = machine(folder)
    question = again.run().question
    if question is not None:
        again.answer(question.id, "n", source="test")
        again.run()
    assert again.log.head == whole.log.head
    assert again.state == whole.state
    assert (folder / "log").read_bytes() == data


@pytest.mark.parametrize("what", ["edit", "drop", "swap"])
def test_a_log_that_was_changed_is_refused(tmp_path: Path, what: str) -> None:
    finished(tmp_path)
    lines = (tmp_path / "log").read_text().splitlines(keepends=True)
    if what == "edit":
        lines[1] = lines[1].replace('"result": ""', '"result": "x"')
    elif what == "drop":
        del lines[2]
    else:
        lines[1], lines[2] = lines[2], lines[1]
    (tmp_path / "log").write_text("".join(lines))
    with pytest.raises(LogError, match=r"log:\d: the chain is broken here"):
        machine(tmp_path)


def test_a_log_of_another_program_is_refused(tmp_path: Path) -> None:
    finished(tmp_path)
    with pytest.raises(LogError):
        machine(tmp_path, parse_program(PROGRAM_TEXT.encode()))


def test_a_command_in_doubt_is_not_repeated(tmp_path: Path) -> None:
    program = parse_program(b'task T { step r: tool.run { cmd: "echo hi" output_var: x } }')
    made = machine(tmp_path, program)
    made.run()
    assert made.state.values["x"] == "hi"
    lines = (tmp_path / "log").read_text().splitlines(keepends=True)
    assert json.loads(lines[0])["event"]["type"] == "intent"
    (tmp_path / "log").write_text(lines[0])
    state: State = machine(tmp_path, program).run()
    assert state.failure is not None
    assert "in doubt" in state.failure["why"]


@pytest.mark.parametrize("path", ["../x", "/tmp/x", "a/../../x", "link/x"])
def test_nothing_outside_the_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/link").symlink_to(tmp_path)
    (tmp_path / "x").write_text("secret")
    tools = Tools(tmp_path / "work")
    for call in (lambda: tools.read(path), lambda: tools.write(path, "y")):
        with pytest.raises(ToolFault) as caught:
            call()
        assert caught.value.status is Status.FORBIDDEN
    assert (tmp_path / "x").read_text() == "secret"


def python(tmp_path: Path, text: str, timeout: float = 10) -> str:
    (tmp_path / "work").mkdir(exist_ok=True)
    tools = Tools(tmp_path / "work", timeout=timeout)
    tools.write("p.py", text)
    try:
        return tools.run(["python", "p.py"])
    finally:
        assert not (tmp_path / "work.out").exists()


@pytest.mark.parametrize(
    ("text", "status", "why"),
    [
        ("raise SystemExit(3)", Status.CRASH, "exited with status 3"),
        ("import os; os.kill(os.getpid(), 9)", Status.CRASH, "ended by signal 9"),
        ("1/0", Status.CRASH, "ZeroDivisionError"),
        ("print('x' * 70_000)", Status.OUTPUT, "more than"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", Status.OUTPUT, "not UTF-8"),
        ("x = bytearray(4 << 30)", Status.CRASH, "MemoryError"),
    ],
)
def test_a_command_that_fails_is_a_fault_not_data(tmp_path: Path, text: str, status: Status, why: str) -> None:
    with pytest.raises(ToolFault) as caught:
        python(tmp_path, text)
    assert caught.value.status is status
    assert why in caught.value.why


def test_a_command_that_hangs_goes_with_its_children(tmp_path: Path) -> None:
    text = (
        "import subprocess,sys,time\nsubprocess.Popen([sys.executable,'-c','import time;time.sleep(60)'],stdout=None)\n"
    )
    with pytest.raises(ToolFault) as caught:
        python(tmp_path, text + "open('pid','w').write(str(__import__('os').getpgid(0)))\ntime.sleep(60)", timeout=1)
    assert caught.value.status is Status.TIMEOUT
    group = int((tmp_path / "work/pid").read_text())
    alive = [
        p for p in Path("/proc").glob("[0-9]*/stat")
        if p.exists() and p.read_text().rsplit(")", 1)[1].split()[2] == str(group)
        and p.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    ]  # fmt: skip
    assert alive == []


def test_only_two_commands_exist(tmp_path: Path) -> None:
    with pytest.raises(ToolFault, match="none of the commands"):
        Tools(tmp_path).run(["sh", "-c", "true"])


def test_a_command_does_not_inherit_the_environment(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    assert "SECRET_TOKEN" not in python(tmp_path, "import os; print(sorted(os.environ))")
