"""Folding a candidate's constants neither fails nor grows, whatever the candidate wrote."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.status import Status
from harness.lanes.toolgen.constant_folding import MAX_LENGTH, constant_names, fold
from tests.lanes.toolgen.conftest import GOOD

ATOMS = st.sampled_from(
    [
        "'sys'",
        "'tem'",
        "'%s'",
        "'%1500000000d'",
        "'{0}{1}'",
        "0xf" + "f" * 5000,
        "7",
        "-3",
        "x",
        "b'ab'",
        "''",
        "'a' * 9",
    ]
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "%", "-", "^"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda e: f"str({e})"),
        inner.map(lambda e: f"chr({e})"),
        inner.map(lambda e: f"f'{{{e.replace(chr(39), chr(34))}}}'" if "f'" not in e else e),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}).replace({t[0]}, {t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}).join([{t[1]}, {t[0]}])"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}).format({t[1]}, {t[0]})"),
        inner.map(lambda e: f"({e})[::-1]"),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_no_expression_makes_folding_fail_or_grow(expression: str) -> None:
    try:
        tree = ast.parse(f"x = {expression}\ny = x")
    except (SyntaxError, ValueError):
        return
    for value in (*constant_names(tree).values(), fold(tree.body[0].value, {})):  # type: ignore[attr-defined]
        assert value is None or isinstance(value, int) or len(value) <= MAX_LENGTH


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'sys' + 'tem'", "system"),
        ("f'{\"sys\"}tem'", "system"),
        ("'%s%s' % ('sys', 'tem')", "system"),
        ("'{}{}'.format('sys', 'tem')", "system"),
        ("'metsys'[::-1]", "system"),
        ("''.join(['s', 'ystem'])", "system"),
        ("'%9000000000d' % 1", None),
        ("'%.3s' % 'system'", None),
        ("str(0x" + "f" * 6000 + ")", None),
    ],
)
def test_what_is_sure_is_folded_and_the_rest_is_not(text: str, value: str | None) -> None:
    assert fold(ast.parse(text, mode="eval").body, {}) == value


@pytest.mark.parametrize("dead", ["getattr(x, f'{0x" + "f" * 6000 + "}')", "'%1500000000d' % x", "'%1500000000d' % 1"])
def test_dead_code_cannot_make_a_verdict_ours(judge, dead: str) -> None:
    evaluation = judge(f"{GOOD}\n\n# socket\ndef _never(x):\n    return {dead}\n")
    assert evaluation.status in (Status.OK, Status.FORBIDDEN)
