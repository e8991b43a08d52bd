"""Printed source parses to the same tree, for generated trees."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dsl.language import syntax as s
from harness.dsl.language.lexer import KEYWORDS
from harness.dsl.language.parser import parse
from harness.dsl.language.printer import print_module

ROOT = Path(__file__).parents[3]
NAMES = st.sampled_from(["a", "b2", "_x", "TILE", *sorted(KEYWORDS)])
STRINGS = st.text(max_size=12)
UNITS = st.sampled_from(["", "ms", "GB/s", "%", "TFLOPS"])

literals = (
    st.booleans().map(s.Literal)
    | st.builds(s.Literal, st.integers(0, 10**20).map(lambda v: v if v < 10**19 else float(v)), UNITS)
    | st.builds(s.Literal, st.floats(0, 1e12, allow_nan=False), UNITS)
    | STRINGS.map(lambda text: s.Literal(text, "", '"'))
    | st.sampled_from(["x\ny", 'say "hi" now', ""]).map(lambda text: s.Literal(text, "", '"""'))
)
labels = st.builds(s.Label, NAMES) | STRINGS.map(lambda text: s.Label(text, quoted=True))


def _deeper(inner: st.SearchStrategy[s.Expression]) -> st.SearchStrategy[s.Expression]:
    values = (
        inner | st.builds(s.Range, inner, inner) | st.builds(s.Alternatives, st.lists(inner, min_size=2, max_size=3))
    )
    operators = st.sampled_from(["||", "&&", "==", "<", ">=", "+", "-", "*", "/"])
    each = st.builds(s.Each, inner, NAMES, inner, st.none() | inner)
    return (
        st.builds(s.Infix, operators, inner, inner)
        | st.builds(s.Prefix, st.sampled_from("!-"), inner)
        | st.builds(s.FieldRef, inner, NAMES)
        | st.builds(s.Subscript, inner, st.lists(inner, min_size=1, max_size=3))
        | st.builds(s.Function, NAMES, st.lists(inner | each, max_size=2))
        | st.builds(s.Sequence, st.lists(values, max_size=3))
        | st.builds(s.Record, st.lists(st.tuples(STRINGS, values), max_size=2))
    )


expressions: st.SearchStrategy[s.Expression] = st.recursive(literals | NAMES.map(s.Name), _deeper, max_leaves=6)
values = expressions | st.builds(s.Range, expressions, expressions)


def fields_of(kinds: st.SearchStrategy[s.TypeExpression]) -> st.SearchStrategy[s.FieldDeclaration]:
    bounds = st.none() | st.just((">", s.Literal(0))) | st.just(("<=", s.Prefix("-", s.Literal(1.5, "ms"))))
    return st.builds(s.FieldDeclaration, NAMES, kinds, bounds, st.booleans())


types: st.SearchStrategy[s.TypeExpression] = st.recursive(
    st.builds(s.NamedType, NAMES, st.sampled_from(["", "ms", "GB/s"]))
    | st.builds(s.EnumType, st.lists(STRINGS, min_size=1, max_size=3)),
    lambda inner: st.builds(s.ListType, inner) | st.builds(s.RecordType, st.lists(fields_of(inner), max_size=2)),
    max_leaves=3,
)


fields = st.lists(fields_of(types), max_size=2)
entries = st.builds(s.Entry, NAMES, values)
parameters = st.builds(s.Parameter, NAMES, values)
paths = st.lists(NAMES, min_size=1, max_size=2).map(".".join)
arrows = st.builds(s.Arrow, st.lists(paths, min_size=1, max_size=2), st.just(value=True)) | st.builds(
    s.Arrow, NAMES.filter(lambda name: name != "emit").map(lambda name: [name]), st.just(value=False)
)
calls = st.builds(
    s.Call, st.sampled_from(["tool", "llm"]), NAMES, st.lists(entries, max_size=2), st.lists(arrows, max_size=2)
)


def _bodies(inner: st.SearchStrategy[s.Statement]) -> st.SearchStrategy[s.Statement]:
    body = st.lists(inner, max_size=2)
    branches = st.lists(st.builds(s.Branch, labels, body), min_size=1, max_size=2)
    arms = st.lists(st.builds(s.Arm, st.lists(literals, min_size=1, max_size=2), body), max_size=2)
    return (
        st.builds(s.Step, labels, body)
        | st.builds(s.If, st.lists(st.tuples(expressions, body), min_size=1, max_size=2), st.none() | body)
        | st.builds(s.For, NAMES, expressions, body)
        | st.builds(s.Repeat, expressions, st.none() | expressions, body)
        | st.builds(s.Parallel, branches)
        | st.builds(s.Match, expressions, arms, st.none() | body)
        | st.builds(s.On, labels, fields, body)
    )


statements: st.SearchStrategy[s.Statement] = st.recursive(
    calls
    | st.builds(lambda name, call: s.Step(s.Label(name), [call], inline=True), NAMES, calls)
    | st.builds(s.Emit, paths, st.none() | st.lists(entries, max_size=2))
    | st.builds(s.Let, NAMES, st.none() | types, expressions)
    | st.builds(s.Assign, NAMES, expressions)
    | st.builds(s.RunUnit, NAMES, st.lists(entries, max_size=2), st.lists(arrows, max_size=1))
    | st.builds(s.Fail, expressions)
    | st.builds(s.Return, expressions)
    | st.builds(s.Setting, NAMES, st.lists(values, min_size=1, max_size=3))
    | st.builds(s.Variable, st.sampled_from(["state", "input"]), NAMES, types, st.none() | expressions)
    | st.builds(
        s.Evaluation,
        st.lists(st.builds(s.Check, NAMES, calls | expressions) | st.builds(s.Expect, NAMES, expressions), max_size=2),
    )
    | parameters
    | st.builds(s.Entries, st.sampled_from(["measure", "budget"]), st.none(), st.lists(entries, max_size=2)),
    _bodies,
    max_leaves=5,
)
declarations: st.SearchStrategy[s.Declaration] = (
    st.builds(s.Unit, st.sampled_from(["task", "agent_loop", "service_loop"]), labels, st.lists(statements, max_size=3))
    | st.builds(s.Shape, st.just("type"), labels, fields)
    | st.builds(s.Variant, labels, st.lists(st.builds(s.Shape, st.just("case"), labels, fields), max_size=2))
    | st.builds(
        s.FactDeclaration,
        labels,
        fields,
        st.lists(st.builds(s.Let, NAMES, st.none() | types, expressions), max_size=1),
        expressions,
    )
    | st.builds(
        s.Entries,
        st.sampled_from(["rule", "hint", "invariant"]),
        labels,
        st.lists(entries | parameters, max_size=2),
    )
    | st.builds(s.Entries, st.just("system_model"), st.none() | labels, st.lists(entries, max_size=2))
    | st.builds(s.Variable, st.just("const"), NAMES, st.none() | types, expressions)
    | entries
)
modules = st.builds(
    s.Module,
    st.lists(
        declarations
        | st.builds(s.Group, st.just("system"), labels, st.lists(declarations, max_size=2))
        | st.builds(s.Group, st.just("knowledge"), st.none(), st.lists(declarations, max_size=2)),
        max_size=2,
    ),
)


@settings(max_examples=250, deadline=None)
@given(modules)
def test_printed_trees_parse_to_equal_trees(module: s.Module) -> None:
    text = print_module(module)
    again, problems = parse(text)
    assert problems == [], text
    assert again == module, text


@pytest.mark.parametrize("word", sorted(KEYWORDS))
def test_a_later_value_that_starts_with_a_keyword(word: str) -> None:
    setting = s.Setting("a", [s.Literal(value=False), s.Function(word, [])])
    module = s.Module([s.Unit("task", s.Label("t"), [setting])])
    again, problems = parse(print_module(module))
    assert problems == []
    assert again == module


@pytest.mark.parametrize(
    "path", sorted((ROOT / "specs/programs").glob("*.spak")) + sorted((ROOT / "tests/specs/programs").glob("*.spak")),
    ids=lambda path: path.stem,
)  # fmt: skip
def test_programs_are_printed_and_parsed_again(path: Path) -> None:
    module, _ = parse(path.read_text())
    text = print_module(module)
    assert parse(text) == (module, [])
    assert print_module(parse(text)[0]) == text
