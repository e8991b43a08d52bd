"""Programs parse with positions, and what can be known before a run is known before it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lanes.dsl.thin.checker import check_program
from harness.lanes.dsl.thin.program import ProgramError, parse_program
from harness.lanes.dsl.thin.template import render, render_command

ROOT = Path(__file__).parents[4]
HELLO = (ROOT / "specs/programs/hello.spak").read_text()


def task(body: str) -> bytes:
    return f"task T {{\n{body}\n}}\n".encode()


def problems(body: str, *inputs: str) -> list[str]:
    return [str(p) for p in check_program(parse_program(task(body)), inputs)]


def test_hello() -> None:
    program = parse_program(HELLO.encode())
    assert program.name == "HelloSPAK"
    assert [s.name for s in program.steps] == ["write_file", "s1", "s2", "s3", "shell_says_hello", "greets"]
    assert [s.is_check for s in program.steps] == [False] * 4 + [True] * 2
    s2 = program.steps[2]
    assert (s2.call, s2.param("role"), s2.param("output_var")) == ("llm.query", "greeter", "greeting")
    assert s2.param("prompt_template") == "The shell says: {{shell_out}}\nGreet {{name}} in one sentence."
    assert HELLO.splitlines()[s2.line - 1][s2.column - 1 :].startswith("s2:")
    assert s2.source.startswith("s2: llm.query {")
    assert s2.source.endswith("}")
    assert [str(c) for c in program.success] == [
        "passed('shell_says_hello')", "passed('greets')", "contains('greeting', 'Hello')",
    ]  # fmt: skip
    assert program.prose == 1
    assert check_program(program, ["name"]) == []
    assert str(check_program(program, [])[0]).startswith("17:14: no variable 'name' by then")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("task T {\n  step a tool.read { path: \"x\" }\n}", "2:10: unexpected 'tool', expected ':'"),
        ("task T {\n  step a: tool.read { path: \"x }\n}", "2:29: unexpected"),
        ("task T {\n  step a: tool.read { path: \"x\" }\n", "2:34: the text ends, expected '}' or evaluation or step"),
        ("task T {\n}", "2:1: unexpected '}', expected step"),
        ("", "1:1: the text ends"),
        ("task T {\n  step a: tool.read { path: \"x\" path: \"y\" }\n}", "2:33: path is given twice"),
        ("task T {\n // no\n}", "2:2: unexpected '/'"),
    ],
)  # fmt: skip
def test_syntax_errors_have_positions(text: str, expected: str) -> None:
    with pytest.raises(ProgramError) as caught:
        parse_program(text.encode())
    assert str(caught.value).startswith(expected)


def test_texts() -> None:
    body = r'step a: tool.write { path: "q\"\\\n\t" content: """raw \n "quoted" """ }'
    params = parse_program(task(body)).steps[0].params
    assert params["path"].value == 'q"\\\n\t'
    assert params["content"].value == 'raw \\n "quoted" '


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('step a: tool.raed { path: "x" }', "2:6: unknown call 'tool.raed'; did you mean 'tool.read'?"),
        ("step a: tool.read { }", "2:6: tool.read needs path"),
        ('step a: tool.read { path: "x" output: y }', "knows no 'output'; did you mean 'output_var'?"),
        ('step a: tool.read { path: "{{late}}" }', "2:27: no variable 'late' by then"),
        ('step a: tool.read { path: "x" }\nstep a: tool.read { path: "y" }', "3:6: 'a' is there twice"),
        ('step success: tool.read { path: "x" }', "'success' is there twice"),
        ('step a: tool.read { path: "x" }\nevaluation { check c: tool.read { path: "x" } }', "decides nothing"),
        ('step a: tool.read { path: "x" }\nsuccess: passed("a")', "no check 'a' by then"),
        ('step a: tool.read { path: "x" }\nsuccess: exist("a")', "unknown condition 'exist'; did you mean 'exists'?"),
        ('step a: tool.read { path: "x" }\nsuccess: equals("a")', "equals takes 2 texts, not 1"),
    ],
)
def test_problems_have_positions(body: str, expected: str) -> None:
    assert any(expected in p for p in problems(body)), problems(body)


def test_all_problems_are_found() -> None:
    assert len(problems('step a: tool.x { }\nstep b: tool.y { }\nstep c: tool.read { path: "{{z}}" }')) == 3


@given(st.text(alphabet='task T{}\nstep:.()"#a\\', max_size=60) | st.text(max_size=30))
def test_any_text_is_a_program_or_a_program_error(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    try:
        place = min((step.line, step.column) for step in parse_program(data).steps)
    except ProgramError as error:
        place = (error.line, error.column)
    assert min(place) >= 1


@given(st.text(max_size=20))
def test_a_value_is_never_more_than_part_of_one_argument(value: str) -> None:
    assert render_command("echo -n {{ x }} 'a {{x}}'", {"x": value}) == ["echo", "-n", value, f"a {value}"]


def test_a_value_is_not_a_template() -> None:
    assert render("{{a}} {{b}}", {"a": "{{b}}", "b": "x"}) == "{{b}} x"
