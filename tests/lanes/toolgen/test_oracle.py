from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import SpecError
from harness.lanes.toolgen.oracle import MAX_KEPT_BYTES, Reply, load_oracle, raised_reply
from harness.sandbox.codec import encode


def load(tmp_path, text: str, digest: str):
    path = tmp_path / "oracle.py"
    path.write_text(text)
    return load_oracle(path, digest)


def test_a_reference_answers_and_may_spoil_its_input(tmp_path):
    oracle = load(tmp_path, "def reference(a):\n    a.append(1)\n    return a\n", "d1")
    key = encode({"a": [0]})
    assert oracle.reply(key) == oracle.reply(key) == Reply("value", b"[0,1]")


@pytest.mark.parametrize("error", ["ValueError", "KeyError", "TypeError", "ZeroDivisionError"])
def test_an_exception_of_the_domain_is_an_answer(tmp_path, error):
    oracle = load(tmp_path, f"def reference(a):\n    raise {error}('no')\n", f"d2{error}")
    reply = oracle.reply(encode({"a": 1}))
    assert (reply.kind, reply.exception) == ("raised", error)


@pytest.mark.parametrize("error", ["RuntimeError", "NameError", "AssertionError", "AttributeError"])
def test_any_other_exception_is_the_oracles_fault(tmp_path, error):
    oracle = load(tmp_path, f"def reference(a):\n    raise {error}('no')\n", f"d3{error}")
    with pytest.raises(SpecError, match=error) as caught:
        oracle.reply(encode({"a": 1}))
    assert caught.value.where.endswith("oracle.py:2")
    assert oracle.reply(encode({"a": 1}), any_error=True).kind == "raised"


def test_an_answer_that_cannot_cross_is_the_oracles_fault(tmp_path):
    oracle = load(tmp_path, "def reference(a):\n    return {a}\n", "d4")
    with pytest.raises(SpecError, match="set"):
        oracle.reply(encode({"a": 1}))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1 / 0\n", "importing the oracle raised ZeroDivisionError"),
        ("reference = 3\n", "not callable"),
        ("from os import *\n", "no reference"),
        ("def reference(): ...\nPROPERTIES = [3]\n", "PROPERTIES"),
        ("def reference(): ...\ninputs = 3\n", "inputs is not callable"),
    ],
)
def test_what_is_wrong_with_an_oracle(tmp_path, text, what):
    with pytest.raises(SpecError, match=what):
        load(tmp_path, text, f"d5{what}")


def test_exceptions_are_compared_by_type_alone():
    assert raised_reply(ValueError("a")).comparison_key == raised_reply(ValueError("b")).comparison_key
    assert raised_reply(ValueError("a")).comparison_key != raised_reply(TypeError("a")).comparison_key
    assert (
        Reply("value", b'{"message":"a","type":"ValueError"}').comparison_key
        != raised_reply(ValueError("a")).comparison_key
    )


def test_a_made_up_exception_cannot_break_us():
    assert Reply("raised", b"[[[").exception == "?"
    assert Reply("raised", b"3").exception == "?"


values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)


@given(values, values, st.integers(0, 3))
def test_replies_are_the_same_exactly_when_they_are_when_trimmed(one, two, kilobytes):
    first, second = (Reply("value", encode(["x" * 2048 * kilobytes, value])) for value in (one, two))
    assert (first == second) == (first.trimmed() == second.trimmed())
    assert len(first.trimmed().payload) <= MAX_KEPT_BYTES + 100


@given(st.sampled_from(["raised", "unsupported"]), values | st.just(1 << 90_000) | st.just([[[]] * 9] * 9))
def test_whatever_a_candidate_calls_an_exception_it_has_a_name(kind, name):
    found = Reply(kind, encode({"type": name}))
    assert found.exception == (name if isinstance(name, str) else "?")
    assert found.comparison_key[0] == kind
