"""Every string yields a tree or diagnostics with positions; the oldest snippets still parse."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dsl.language import syntax as s
from harness.dsl.language.diagnostic import MAX_SYNTAX_ERRORS, Lines, ProgramError, render
from harness.dsl.language.parser import MAX_DEPTH, MAX_OPERATORS, parse

ROOT = Path(__file__).parents[3]
SNIPPETS = sorted((ROOT / "tests/specs/programs").glob("*.spak"))
PROGRAMS = sorted((ROOT / "specs/programs").glob("*.spak"))


def findings(text: str) -> list[str]:
    _, problems = parse(text)
    return list(render(problems, text, "p", source=False))


@pytest.mark.parametrize("path", SNIPPETS + PROGRAMS, ids=lambda path: path.stem)
def test_programs_and_snippets_are_parsed(path: Path) -> None:
    module, problems = parse(path.read_text())
    assert problems == []
    assert module.items


def test_snippets_have_the_expected_trees() -> None:
    def only(name: str) -> s.Declaration:
        module, _ = parse((ROOT / f"tests/specs/programs/{name}.spak").read_text())
        (item,) = module.items
        return item

    domain = only("gpu_optimization")
    assert isinstance(domain, s.Group)
    tensor, _, law, fusion, tiling = domain.items
    assert isinstance(tensor, s.Shape)
    assert tensor.fields[2].type == s.EnumType(["row", "col"])
    assert isinstance(law, s.Entries)
    assert [entry.key for entry in law.entries if isinstance(entry, s.Entry)] == ["assert", "constraint"]
    assert isinstance(fusion, s.Entries)
    assert isinstance(tiling, s.Entries)
    first = fusion.entries[0]
    assert isinstance(first, s.Entry)
    assert isinstance(first.value, s.Sequence)
    assert len(first.value.items) == 3
    assert tiling.entries[1] == s.Parameter("TileSize", s.Sequence([s.Literal(32), s.Literal(64), s.Literal(128)]))
    fact = only("fact_memory_bound")
    assert isinstance(fact, s.FactDeclaration)
    assert isinstance(fact.result, s.Infix)
    assert fact.result.op == "&&"
    loop = only("agent_loop_fmha")
    assert isinstance(loop, s.Unit)
    step = loop.body[0]
    assert isinstance(step, s.Step)
    assert (step.label.text, step.label.quoted) == ("Establish Baseline", True)
    call = step.body[0]
    assert isinstance(call, s.Call)
    assert call.arrows == [s.Arrow(["TraceItem.Performance"], is_emit=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("agent_lop X { }", "p:1:1: E104 unexpected 'agent_lop'; did you mean 'agent_loop'?"),
        ("task T {\n  step a tool.read { }\n}", "p:2:10: E104 unexpected 'tool.read', expected ':' (`a: tool.read`)"),
        ('task T { step a: tool.read { path: "x }\n}', "p:1:36: E102 this string is not closed on its line"),
        ("task T {\n  let x = 1", "p:2:12: E105 unexpected end of file, expected '}' (the '{' of 1:8 is not closed)"),
        ("fact f(t: A.B) {\n  return t.x <\n}", "p:3:1: E104 unexpected '}', expected a value (after '<' in line 2)"),
        ("task T { stp a: tool.run {} }", "did you mean 'step'?"),
        ("task T { let x = @ 1 }", "p:1:18: E101 unexpected character '@'"),
        (r'task T { let x = "a\q" }', r"p:1:20: E103 unknown escape \q"),
        ("task T { } }", "p:1:12: E104 unmatched '}'"),
        ("(" * (MAX_DEPTH + 1), "E107 nested more than"),
        ("const A = " + "1 + " * (MAX_OPERATORS + 1) + "1", "E107 the expression has more than"),
        ("const A = " + "!" * (MAX_OPERATORS + 1) + "true", "E107 the expression has more than"),
        ("task T { x = a" + ".b" * (MAX_OPERATORS + 1) + " }", "E107 the expression has more than"),
    ],
)
def test_syntax_errors_state_what_was_expected(text: str, expected: str) -> None:
    assert any(expected in line for line in findings(text)), findings(text)


def test_several_errors_are_found_and_the_rest_is_parsed() -> None:
    text = """
task A { step one tool.run { cmd: "x" } }
task B { let x = }
task C { let y = 1 }
domain D { rule R { when: } fact f(t: A.B { return true } }
"""
    module, problems = parse(text)
    lines = Lines(text)
    assert [lines.place(problem.span[0])[0] for problem in problems] == [2, 3, 5, 5]
    assert [item.label.text for item in module.items if isinstance(item, s.Unit)] == ["A", "B", "C"]


def test_the_number_of_errors_is_limited() -> None:
    _, problems = parse("task T { " + "let 5 " * 100 + "}")
    assert len(problems) == MAX_SYNTAX_ERRORS


def test_keywords_are_names_where_a_name_is_allowed() -> None:
    text = """
type state matches { type: string, state: int, effect: boolean, on: float }
task if {
    step rule: tool.read { path: "x" output_var: state }
    state = model
    let match = state.case + fact.step
    for invariant in domain { emit step.check }
}
"""
    module, problems = parse(text)
    assert problems == []
    shape, unit = module.items
    assert isinstance(shape, s.Shape)
    assert [field.name for field in shape.fields] == ["type", "state", "effect", "on"]
    assert isinstance(unit, s.Unit)
    assert [type(part).__name__ for part in unit.body] == ["Step", "Assign", "Let", "For"]


def test_literals() -> None:
    text = r'const A = ["q\"\\\nA", """raw \n "q" """, 1_000, 2.5e3, 80%, 900GB/s, true, -4]'
    module, problems = parse(text)
    assert problems == []
    constant = module.items[0]
    assert isinstance(constant, s.Variable)
    assert isinstance(constant.value, s.Sequence)
    values = [(i.value, i.unit) for i in constant.value.items if isinstance(i, s.Literal)]
    assert values == [
        ('q"\\\nA', ""),
        ('raw \\n "q" ', ""),
        (1000, ""),
        (2500.0, ""),
        (80, "%"),
        (900, "GB/s"),
        (True, ""),
    ]


def test_both_comments_a_fence_and_front_matter() -> None:
    module, problems = parse(
        '---\ntitle: "no { program"\n---\n`spak-dsl\n# one\ntask T { // two\n x = "// # kept" }\n`'
    )
    assert problems == []
    (unit,) = module.items
    assert isinstance(unit, s.Unit)
    assert unit.body == [s.Assign("x", s.Literal("// # kept", "", '"'))]


PIECES = st.sampled_from(
    ["task", "T", "{", "}", "step", "a", ":", "tool.run", "(", ")", "[", "]", '"x"', "1", "=", "==", ".", "->", "emit",
     "fact", "return", "if", "else", "for", "in", "|", "?", "\n", " ", "#", '"', "\\", "5ms", "&&", "!", "case", "é"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=40).map(" ".join) | st.text(max_size=60))
def test_any_string_is_parsed_or_has_diagnostics(text: str) -> None:
    module, problems = parse(text)
    assert isinstance(module, s.Module)
    lines = Lines(text)
    for problem in problems:
        line, column = lines.place(problem.span[0])
        assert line >= 1
        assert column >= 1
    assert list(render(problems, text, "p")) is not None
    if problems:
        assert str(ProgramError(problems, text, "p"))


def test_a_missing_brace_is_one_error() -> None:
    assert findings('domain D\n  rule R { apply: "x" }\n}') == [
        "p:2:3: E104 unexpected 'rule', expected '{' (after 'D' in line 1)"
    ]
    assert findings("task T { }\n}") == ["p:2:1: E104 unmatched '}'"]


def test_long_lists_of_keywords_are_summarized() -> None:
    (said,) = findings("task T { let x = 1 ) }")
    assert said.endswith("`name:` or a statement (step, let, if ...)")
