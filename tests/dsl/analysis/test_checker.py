"""Errors that can be found before a run are found, with their position and the nearest known name."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.dsl.analysis.load import MAX_BYTES, check_source, load_program, load_source, read
from harness.dsl.language import parser
from harness.dsl.language.diagnostic import ProgramError, render

ROOT = Path(__file__).parents[3]
SCHEMA = """
variant T { case P { tflops: float, ms: float ms, bw: float GB/s, name: string, kind: "a" | "b", n: int } }
"""


def found(text: str, *inputs: str) -> list[str]:
    _, problems = check_source(text, path="p", inputs=inputs, cache=False)
    return list(render(problems, text, "p", source=False))


def task(body: str) -> str:
    return f"task T_ {{\n{body}\n}}"


@pytest.mark.parametrize("path", sorted((ROOT / "specs/programs").glob("*.spak")), ids=lambda path: path.stem)
def test_example_programs_have_no_diagnostics(path: Path) -> None:
    assert found(path.read_text()) == []


CASES = {
    # The taxonomy of loops
    "E401": 'service_loop S { budget { events: 9 } on e { llm.query { prompt: "x" } } }',
    "E401 in an engineering loop": 'engineering_loop E { parameter P: [1] measure { cmd: "x {{P}}" metric: m '
    'objective: minimize } step s { human.ask { prompt: "x" } } }',
    "E402": "agent_loop A { until: 1 > 2 step s { let x = 1 } }",
    "E403": 'engineering_loop E { parameter A: 1..1000 parameter B: 1..1000 measure { cmd: "x" metric: m '
    "objective: minimize } }",
    "E404": task('step q: llm.query { prompt: "x" answer: "yes" | "no" output_var: a }\nmatch a { case "yes" { } }'),
    "E404 of any text": task('step q: llm.query { prompt: "x" output_var: a }\nmatch a { case "yes" { } }'),
    "E405": "variant T { case P { x: float, y: float } }\nfact f(t: T.P) { return t.x > 1 }\n"
    "fact f(t: T.P) { return t.y > 1 }",
    "E406": "agent_loop A { parameter P: [1] }",
    "E407": task('step a: tool.run { cmd: "cat x | sort" }'),
    "E407 quoted": task('step a: tool.run { cmd: "echo \\"$HOME\\"" }'),
    "E408": task('fail "x"\nstep a { let x = 1 }'),
    "E408 of an arm": task("let x = 1 match x { case 1 { } case 1 { } else { } } step a { let y = 1 }"),
    "E409": task("parallel { branch a { x = 1 } branch b { x = 2 } } step s { let y = 1 }").replace(
        "parallel", "let x = 0 parallel"
    ),
    "E410": "agent_loop A { run B }\nagent_loop B { run A }",
    "E410 of facts": SCHEMA + "fact f(t: T.P) { return g(t) }\nfact g(t: T.P) { return f(t) }",
    "E410 of types": "type A matches { b: B }\ntype B matches { a: [A] }",
    # Names
    "E201": task("step a { let x = y }"),
    "E201 of a template": task('step a: tool.write { path: "x" content: "{{y}}" }'),
    "E201 of an axiom": 'system_model { axiom: "a" }\n' + task('step a: llm.query { prompt: "{{axiom.1}}" }'),
    "E201 of a fact": 'rule R { when: nothing apply: "x" }',
    "E202": task("step a { let x = 1 } step a { let y = 1 }"),
    "E203": SCHEMA + "fact f(t: T.P) { return t.tflop > 1 }",
    "E203 of a case": SCHEMA + "fact f(t: T.Q) { return true }",
    "E203 of an emit": SCHEMA + task("step a { emit T.P { tflop: 1.0 } }"),
    "E204": SCHEMA + "fact f(t: T.P) { return t.bw / MAX_BW > 1 }",
    "E205": task('step a: tool.raed { path: "x" }'),
    "E205 of an actor": task('step a: tol.read { path: "x" }'),
    "E206": task('step a: tool.read { path: "x" output: y }'),
    "E207": task("step a: tool.read { }"),
    # Types and units
    "E301": SCHEMA + "fact f(t: T.P) { return t.name < 3 }",
    "E301 of an option": SCHEMA + 'fact f(t: T.P) { return t.kind == "c" }',
    "E301 in a record": 'type R matches { k: "a" | "b" }\n' + task('let r: R = {k: "c"}'),
    "E203 in a record": "type R matches { k: int }\n" + task("let r: R = {k: 1, q: 2}"),
    "E207 in a state": 'state d: "online" | "naive"\n' + task("let r = 1"),
    "E207 in a record": "type R matches { k: int, q: int }\n" + task("let r: R = {k: 1}"),
    "E301 of a number": task("let x = 9223372036854775808"),
    "E301 of a long number": task("let x = 99999999999999999999999"),
    "E301 of a bomb of digits": task("let x = " + "9" * 100_000),
    "E301 of a bound": task('check a: tool.run { cmd: "echo 1" below: "2" }').replace("check", "evaluation { check")
    + "}",
    "E304": task('let x = matches("a", "(")'),
    "E304 with a back-reference": task('let x = matches("a", "(a)\\\\1")'),
    "E304 of a check": task('check a: tool.run { cmd: "echo 1" matches: "[" }').replace("check", "evaluation { check")
    + "}",
    "E301 in a list": task('let r: [int] = [1, "x"]'),
    "E301 of a command": task('let x = "a b" step a: tool.run { cmd: x }'),
    "E302": SCHEMA + "fact f(t: T.P) { return t.ms < 5 }",
    "E302 of dimensions": SCHEMA + "fact f(t: T.P) { return t.ms < t.bw }",
    "E302 of a unit": "variant T { case P { x: float parsec } }",
    "E303": task("step a { if 3 { let x = 1 } }"),
}


@pytest.mark.parametrize(("code", "text"), CASES.items(), ids=lambda value: value if len(value) < 30 else "")
def test_each_error_is_reported_alone(code: str, text: str) -> None:
    lines = found(text)
    errors = [line for line in lines if " E" in line]
    assert any(f" {code.split(maxsplit=1)[0]} " in line for line in errors), lines
    assert {line.split(" ")[1] for line in errors} == {code.split(maxsplit=1)[0]}, lines
    with pytest.raises(ProgramError):
        load_source(text, cache=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (task('step a: tool.raed { path: "x" }'), "p:2:9: E205 unknown call 'tool.raed'; did you mean 'tool.read'"),
        (task('step a: tool.read { path: "x" output: y }'), "did you mean 'output_var'?"),
        (task('step a: tool.read { path: "x" output_var: text }\nstep b { let y = txt }'), "did you mean 'text'?"),
        (SCHEMA + "fact f(t: T.P) { return t.tflop > 1 }", "did you mean 'tflops'?"),
        (SCHEMA + "fact f(t: T.P) { return t.bw / MAX_BW > 1 }", "declare it: `const MAX_BW: float = ...`"),
        (task('step a: tool.run { cmd: "cat x | sort" }'), 'cmd: ["cat", "x", "|", "sort"]'),
        (task('step a: tool.read { path: "{{late}}" }'), "p:2:30: E201 unknown variable 'late'"),
        (SCHEMA + "fact f(t: T.P) { return t.ms < 5 }", "`<` of ms and a number without a unit"),
        ("fact f(t: int) { return true }", "the parameter of a fact is a case of the trace"),
    ],
)
def test_diagnostics_state_position_and_correction(text: str, expected: str) -> None:
    assert any(expected in line for line in found(text)), found(text)


def test_all_diagnostics_are_reported_at_once() -> None:
    text = task("step a: tool.x { }\nstep b: tool.y { }\nstep c { let z = q + w }\nif 1 { }")
    assert [line.split(" ")[1] for line in found(text)] == ["E205", "E205", "E201", "E201", "E303"]


def test_conflicting_definitions_of_a_fact() -> None:
    snippets = [(ROOT / f"tests/specs/programs/{n}.spak").read_text() for n in (
        "trace_schema_interaction", "knowledge_memory_bound", "trace_schema_performance", "fact_memory_bound",
    )]  # fmt: skip
    lines = found("\n".join(snippets))
    assert any("E405 fact 'is_memory_bound' is declared twice, and the declarations differ" in line for line in lines)
    assert any("E204 unknown constant 'MAX_BW'" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (SCHEMA + "fact f(t: T.P) { return t.n > 1 }", "W501 fact 'f' is never used"),
        ("const A = 1\nconst A = 1", "W502"),
        ('rule R { when: "is_fast" apply: "x" }', "W503 unknown fact 'is_fast'; prose never fires"),
        (task('step s { let x = 1 }\nevaluation { check c: tool.read { path: "x" } }'), "W505"),
        (task("step s { if true { let x = 1 } }"), "W507 this is always true"),
        ("invariant I { assert: 1 < 2 }", "W509"),
    ],
)
def test_programs_with_warnings_can_run(text: str, warning: str) -> None:
    assert any(warning in line for line in found(text)), found(text)
    load_source(text, cache=False)


def test_a_valid_program_has_no_diagnostics() -> None:
    text = """
system S {
    type Config matches { tile: int, name: string? }
    model { state best: float = 0.0 state config: Config = {tile: 4} }
    const LIMIT: float ms = 5ms
    const SIZES = [1, 2, 3]
    trace_schema { variant T { case P { ms: float ms > 0, ok: boolean } } }
    knowledge {
        fact slow(t: T.P) { let limit = LIMIT * 2 return t.ms > limit || !t.ok }
        fact mostly_slow(ts: [T.P]) { return count(t.ok for t in ts if slow(t)) > len(ts) / 2 }
        hint H { trigger: slow && mostly_slow suggestion: "x" }
        invariant I { assert: all(t.ok for t in trace(T.P)) }
    }
    service_loop Collector { budget { events: 10 } on measured(ms: float ms) { emit T.P { ms: ms ok: true } } }
    agent_loop A {
        input rounds: int = 3
        until: best > 2.0
        budget { iterations: 4 }
        step measure { emit measured { ms: 2s } }
        for size in SIZES { best = max(best, float(size)) }
        repeat rounds until best > 1 { config = {tile: config.tile + 1} }
        if slow { let a = \"\"\"{{config.tile}} {{"{{"}} {{hints}}\"\"\" }
        else if default(mostly_slow, false) { fail "no" }
        parallel { branch a { let p = 1 } branch b { let q = 2 } }
        let sum = p + q
        evaluation { check enough: sum >= 3 expect slow: undefined }
        success: passed("enough") exists("sum")
    }
}
"""
    assert found(text) == []


def test_every_label_is_unique() -> None:
    text = task("step a { let x = 1 x = 2 x = 2 if x > 1 { x = 3 } if x > 2 { x = 4 } }\nrepeat 2 { tool.now { } }")
    program = load_source(text, cache=False)
    labels = [instruction.label for unit in program.units for instruction in unit.code]
    assert len(labels) == len(set(labels))
    other = load_source(text.replace("task T_", "const Z = 1\n\ntask T_"), cache=False)
    assert [i.label for u in other.units for i in u.code] == labels, "labels do not move with the text"


def test_inputs_of_the_caller_are_known() -> None:
    text = task('step a: tool.write { path: "x" content: "{{name}}" }')
    assert "E201" in found(text)[0]
    assert found(text, "name") == []


def test_exponential_facts_are_rejected() -> None:
    facts = "".join(f"fact f{i}(t: T.P) {{ return f{i + 1}(t) && f{i + 1}(t) }}\n" for i in range(40))
    lines = found(SCHEMA + facts + "fact f40(t: T.P) { return t.n > 1 }")
    assert any("E107" in line for line in lines)


def test_files_that_are_not_programs(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b'task T { step a: tool.read { path: "\xe9" } }')
    with pytest.raises(ProgramError, match=r"latin:1:37: E106 invalid UTF-8"):
        read(tmp_path / "latin")
    (tmp_path / "large").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ProgramError, match="E107 the file has more than"):
        load_program(tmp_path / "large")
    with pytest.raises(FileNotFoundError):
        load_program(tmp_path / "absent")


def test_a_large_program_is_checked() -> None:
    one = (ROOT / "specs/programs/hello.spak").read_text()
    units = "".join(one[one.index("task") :].replace("HelloSPAK", f"T{i}") for i in range(40))
    program = load_source(f"input name: string\n{units}", cache=False)
    assert len(program.units) == 40


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('task T { let x = "' + "a" * 4_000_000 + '" }', "E107"),
        ("task T { let x = [" + "1," * 30_000 + "1] }", "E107"),
        ("task T { " + "if a { " * 2000 + "}" * 2000 + " }", "E107"),
        ("\n".join(f"type A{i} matches {{ a: A{i + 1}, b: A{i + 1} }}" for i in range(999)), "E107"),
        ("\n".join(f"type A{i} matches {{ a: A{i + 1} }}" for i in range(999)), "E107"),
        (SCHEMA + "\n".join(f"fact f{i}(t: T.P) {{ return f{i + 1}(t) }}" for i in range(500)), "E107"),
        ("const A = " + "9" * 1_000_000, "E301"),
        ("const A = 1e999", "E301"),
        ("task \x00 { }", "E101"),
        ("}" * 4_000, "E104"),
        ("engineering_loop E { parameter P: 1..999999999999 "
         'measure { cmd: "x" metric: m objective: minimize } }', "E403"),
    ],
    ids=lambda value: value if len(value) == 4 else "",
)  # fmt: skip
def test_oversized_programs_are_diagnostics(text: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "MAX_TOKENS", 50_000)
    _, problems = check_source(text, cache=False)
    assert code in {problem.code for problem in problems}
    assert all(len(line) < 400 for line in render(problems, text, "p"))


def test_long_programs_are_accepted() -> None:
    text = task("step s { let x = 1 }\n" + "let y = 1 + 1\n" * 8_000)
    assert not any(problem.is_error for problem in check_source(text, cache=False)[1])
