"""A case has a name that can be typed and a key that names all its verdict rests on."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.core.budget import Schedule
from harness.core.case import Case, Subject
from harness.core.digest import digest_json
from harness.core.policy import Policy, Timing
from harness.core.slug import slug

BASE = Case(
    lane="words", suite="a.suite.yaml", name="x", subject=Subject.from_bytes("x", b"x"), inputs={"n": 1, "m": [2]}
)


@given(st.text())
def test_a_slug_is_never_empty_and_safe(text):
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", slug(text))
    assert not slug(text).endswith((".", "-"))
    assert not slug(text).startswith((".", "-"))


@given(st.text())
def test_the_slug_of_a_slug_is_itself(text):
    assert slug(slug(text)) == slug(text)


@given(st.from_regex(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?", fullmatch=True))
def test_a_safe_stem_is_kept(stem):
    assert slug(stem) == stem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "unnamed"),
        ("...", "unnamed"),
        ("é", "unnamed"),
        ("a b", "a-b"),
        ("a::b[c]", "a-b-c"),
        ("../../etc/passwd", "etc-passwd"),
        ("x@group", "x-group"),
        ("Mixed_Case-1.2", "Mixed_Case-1.2"),
    ],
)
def test_known_slugs(text, expected):
    assert slug(text) == expected


def policy(**change):
    return {"policy": Policy(**change)}


@pytest.mark.parametrize(
    "change",
    [
        {"lane": "other"},
        {"subject": Subject.from_bytes("x", b"y")},
        {"inputs": {"n": 2, "m": [2]}},
        {"inputs": {"n": 1, "m": []}},
        {"inputs": {}},
        policy(epoch=1),
        policy(attempts=2),
        policy(anneal_temp=0.5),
        policy(schedule=Schedule(epochs=41)),
        policy(timing=Timing.NONE),
        policy(gates={"score": 0.5}),
        policy(expect="wrong"),
        policy(require=("gpu",)),
    ],
    ids=str,
)
def test_the_key_depends_on_subject_inputs_and_policy(change):
    assert BASE.model_copy(update=change).key != BASE.key


@pytest.mark.parametrize(
    "change",
    [
        {"name": "y"},
        {"suite": "b.suite.yaml"},
        {"title": "X"},
        {"line": 3},
        {"subject": Subject.from_bytes("another name", b"x")},
        {"inputs": {"m": [2], "n": 1}},
        policy(),
    ],
    ids=str,
)
def test_the_key_depends_on_nothing_else(change):
    assert BASE.model_copy(update=change).key == BASE.key


@given(st.binary(), st.binary())
def test_a_subject_is_its_bytes(one, other):
    first, second = Subject.from_bytes("a", one), Subject.from_bytes("b", other)
    assert (first.digest == second.digest) is (one == other)


def test_the_node_id_is_what_is_typed():
    assert BASE.nodeid == "a.suite.yaml::x"


@pytest.mark.parametrize(
    ("change", "timed"),
    [({}, False), ({"markers": ("timed",)}, True), (policy(timing=Timing.EXACT), True), ({"markers": ("gpu",)}, False)],
)
def test_what_is_timed_runs_in_the_quiet_lane(change, timed):
    assert BASE.model_copy(update=change).timed is timed


def test_it_survives_its_wire_form_and_refuses_what_it_does_not_know():
    assert Case.from_wire(BASE.to_wire()) == BASE
    with pytest.raises(ValidationError):
        Case.from_wire(BASE.to_wire() | {"colour": "red"})


@given(
    st.text(),
    st.dictionaries(st.text(), st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text())),
    st.dictionaries(st.text(max_size=5), st.floats(-10, 10), max_size=3),
    st.integers(1, 9),
)
def test_a_key_is_the_digest_of_all_that_the_verdict_depends_on(lane, inputs, gates, attempts):
    """Ledgers hold keys of earlier versions: however they are computed, they stay the same."""
    policy = Policy(attempts=attempts, gates=gates, schedule=Schedule())
    case = BASE.replace(lane=lane, inputs=inputs, policy=policy)
    everything = [case.lane, case.subject.digest, case.inputs, case.policy.to_wire()]
    assert case.key == digest_json(everything)
