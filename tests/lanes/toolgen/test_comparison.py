"""Answers are the same exactly when the tool says so: tolerances, plain forms, and what no key ever makes equal."""

from __future__ import annotations

import math
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lanes.toolgen.answer_classes import AnswerClasses
from harness.lanes.toolgen.comparison import EXACT, Comparison
from harness.lanes.toolgen.reply import Reply
from harness.sandbox.codec import CodecError, encode
from tests.sandbox.test_codec import VALUES

TOLERANT = Comparison.model_validate({"numbers": {"rel": 1e-9, "abs": 1e-12}})
EVERYTHING = Comparison.model_validate(
    {"numbers": {"rel": 1e-9, "int_for_float": True}, "sequences": "any", "mappings": "any", "iterators": "list"}
)
COMPARISONS = st.sampled_from([EXACT, TOLERANT, EVERYTHING])
Pair = namedtuple("Pair", "left right")


def same(comparison: Comparison, expected: object, observed: object) -> bool:
    return comparison.same(comparison.encode(expected), comparison.encode(observed))


def numbers(**keys: object) -> Comparison:
    return Comparison.model_validate({"numbers": keys})


@given(VALUES, VALUES)
def test_exact_is_identity_and_no_key_is_stricter(one: object, other: object) -> None:
    assert same(EXACT, one, other) == (encode(one) == encode(other))
    if same(EXACT, one, other):
        assert same(TOLERANT, one, other)
        assert same(EVERYTHING, one, other)


@given(COMPARISONS, VALUES)
def test_every_answer_is_the_same_as_itself(comparison: Comparison, value: object) -> None:
    assert same(comparison, value, value)


@given(st.sampled_from([EXACT, TOLERANT, numbers(rel=0.5)]), VALUES, VALUES)
def test_only_int_for_float_has_a_direction(comparison: Comparison, one: object, other: object) -> None:
    assert same(comparison, one, other) == same(comparison, other, one)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_floats_are_the_same_within_the_larger_tolerance(one: float, other: float) -> None:
    assert same(TOLERANT, [one], [other]) == math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("tolerance", "expected", "observed", "is_same"),
    [
        ({"abs": 0.5}, 1.0, 1.5, True),
        ({"abs": 0.5}, 1.0, 1.5000000000000002, False),
        ({"rel": 0.5}, 1.0, 2.0, True),  # relative to the larger one
        ({"rel": 0.5}, 1.0, 2.0000000000000004, False),
        ({"rel": 0.5}, -1.0, 1.0, False),
        ({"rel": 1e-9}, 0.0, 5e-324, False),  # nothing is near zero by a relative tolerance
        ({"abs": 1e-9}, 0.0, 5e-324, True),
        ({"rel": 0.9}, math.inf, 1e308, False),
        ({"rel": 0.9}, 1e308, -1e308, False),
        ({"rel": 0.9}, math.inf, math.inf, True),
        ({"rel": 0.9}, math.inf, -math.inf, False),
        ({"rel": 0.9, "abs": 1e9}, math.nan, 1.0, False),
        ({"rel": 0.9, "abs": 1e9}, 1.0, math.nan, False),
        ({"rel": 0.9}, math.nan, math.nan, True),
        ({"rel": 1e-9}, 0.0, -0.0, True),
        ({"int_for_float": True}, 0.0, -0.0, False),
        ({"int_for_float": True}, 2.0, 2, True),
        ({"int_for_float": True}, 2, 2.0, False),  # a float never stands for an integer
        ({"int_for_float": True}, 0.0, 0, True),
        ({"int_for_float": True}, -0.0, 0, False),
        ({"int_for_float": True}, 1.0, True, False),
        ({"int_for_float": True}, 1e16, 10**16 + 1, False),  # float(10**16 + 1) is 1e16
        ({"int_for_float": True}, math.inf, 10**400, False),
        ({"int_for_float": True}, math.nan, 0, False),
        ({"int_for_float": True, "rel": 1e-9}, 1e16, 10**16 + 1, True),
        ({"int_for_float": True, "rel": 1e-20}, 1e16, 10**16 + 1, False),
        ({"int_for_float": True, "rel": 0.5}, 1e308, 10**400, False),
        ({"int_for_float": True, "abs": 1.0}, 1.5, 2, True),
        ({"int_for_float": True, "abs": 0.25}, 1.5, 2, False),
        ({"rel": 0.9, "abs": 9.0}, 2.0, 2, False),
        ({"rel": 0.9, "abs": 9.0}, 2, 3, False),  # integers are compared exactly
        ({"rel": 0.9, "abs": 9.0}, 10**17, 10**17 + 1, False),
        ({"rel": 0.9, "abs": 9.0}, 1, True, False),
        ({"rel": 0.9, "abs": 9.0}, 1.0, "1.0", False),
        ({"rel": 0.9, "abs": 9.0}, 1.0, None, False),
    ],
)
def test_what_a_tolerance_makes_the_same(tolerance, expected, observed, is_same):
    comparison = numbers(**tolerance)
    for wrap in (
        lambda one: one,
        lambda one: [0, one],
        lambda one: {"k": (one,)},
        lambda one: {(1, None): one},
        lambda one: {one, "a"},
        lambda one: frozenset([one]),
    ):
        assert same(comparison, wrap(expected), wrap(observed)) is is_same


@pytest.mark.parametrize(
    ("expected", "observed", "is_same"),
    [
        ({1: 0.5}, {1: 0.5 + 1e-12}, True),
        ({1: 0.5}, {1.0: 0.5}, False),
        ({1: 0.5}, {True: 0.5}, False),
        ({1.0: 0.5}, {1.0 + 1e-12: 0.5}, False),  # keys are compared exactly
        ({math.nan: 0.5}, {math.nan: 0.5}, True),
        ({"a": 0.5, 1: 0.5}, {"a": 0.5}, False),
        ({0.5, 1.0, "a", None}, {None, 0.5 - 1e-12, "a", 1.0 + 1e-12}, True),
        ({0.5, 1.0}, {0.5, 1.1}, False),
        ({0.5, 1.0}, {0.5}, False),
        ({0.5, "a"}, {0.5, "b"}, False),
        ({0.5, math.nan}, {math.nan, 0.5}, True),
        ({0.5}, frozenset([0.5]), False),
        ({(0.5, 1)}, {(0.5 + 1e-12, 1)}, False),  # members other than numbers are compared exactly
        ({1, 2.0}, {1.0, 2.0}, False),
    ],
)
def test_keys_and_members_of_sets_under_a_tolerance(expected, observed, is_same):
    assert same(numbers(rel=1e-9), expected, observed) is is_same


@given(st.integers(), st.integers())
def test_integers_are_never_compared_as_floats(one: int, other: int) -> None:
    assert same(numbers(rel=0.99, abs=1e9, int_for_float=True), one, other) == (one == other)


@pytest.mark.parametrize(
    ("expected", "observed"),
    [([1.0], []), ([], [1.0]), ([1.0], [1.0, 1.0]), ([1.0], 1.0), ([1.0], (1.0,)), ({"a": 1.0}, {"b": 1.0}), ({}, [])],
)
def test_a_tolerance_does_not_excuse_another_shape(expected, observed):
    assert not same(numbers(rel=0.9, abs=1e9), expected, observed)


@pytest.mark.parametrize("observed", [b"", b"[1.0", b"\xff", b'{"$int":"0xzz"}', b"[" * 100_000, b"9" * 10_000])
def test_untrusted_bytes_are_not_the_same(observed):
    assert not EVERYTHING.same(encode([1.0]), observed)


def test_a_huge_answer_is_not_decoded(monkeypatch):
    monkeypatch.setattr("harness.lanes.toolgen.comparison.decode", lambda _data: pytest.fail("it was decoded"))
    assert not TOLERANT.same(b"[1.0]", b"[" + b"1.0," * (1 << 20) + b"1.0]")


SEQUENCES = [(1, 2), deque([1, 2]), range(1, 3), Pair(1, 2)]
MAPPINGS = [
    Counter(a=1), defaultdict(int, a=1), OrderedDict(a=1), MappingProxyType({"a": 1}), UserDict(a=1), ChainMap({"a": 1})
]  # fmt: skip


@pytest.mark.parametrize("value", SEQUENCES, ids=lambda one: type(one).__name__)
def test_any_sequence_is_a_list_where_the_tool_says_so(value):
    anything = Comparison(sequences="any")
    assert same(anything, [1, 2], value)
    assert same(anything, {"a": [[1, 2]]}, {"a": (value,)})
    assert not same(anything, [2, 1], value)
    assert refuses(EXACT, [1, 2], value)
    assert refuses(Comparison(mappings="any", iterators="list"), [1, 2], value)


@pytest.mark.parametrize("value", MAPPINGS, ids=lambda one: type(one).__name__)
def test_any_mapping_is_a_dictionary_where_the_tool_says_so(value):
    anything = Comparison(mappings="any")
    assert same(anything, {"a": 1}, value)
    assert same(anything, [{"b": {"a": 1}}], [{"b": value}])
    assert not same(anything, {"a": 2}, value)
    assert refuses(EXACT, {"a": 1}, value)
    assert refuses(Comparison(sequences="any", iterators="list"), {"a": 1}, value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: iter([1, 2]),
        lambda: (one for one in (1, 2)),
        lambda: map(abs, (1, -2)),
        {1: 0, 2: 0}.keys,
        {"a": 1, "b": 2}.values,
        lambda: reversed([2, 1]),
    ],
)
def test_an_iterator_is_a_list_where_the_tool_says_so(make):
    lazy = Comparison(iterators="list")
    assert same(lazy, [1, 2], make())
    assert same(lazy, {"a": [[1, 2]]}, {"a": [make()]})
    assert not same(lazy, [1], make())
    assert refuses(EXACT, [1, 2], make())
    assert refuses(Comparison(sequences="any", mappings="any"), [1, 2], make())


def refuses(comparison: Comparison, expected: object, observed: object) -> bool:
    try:
        return not same(comparison, expected, observed)
    except CodecError:
        return True


@pytest.mark.parametrize("value", ["ab", b"ab", {1, 2}, bytearray(b"ab"), {1: 2}, Counter([1]), 1j])
def test_what_no_key_makes_a_list_or_a_dictionary(value):
    assert refuses(EVERYTHING, ["a", "b"], value)
    assert refuses(EVERYTHING, {"1": 2}, value)
    assert refuses(EVERYTHING, [1, 2], value)


def reply(value: object) -> Reply:
    return Reply("value", encode(value))


def test_replies_within_the_tolerance_are_one_class():
    answers = AnswerClasses(TOLERANT)
    first = answers.fingerprint(b"q", reply(1.0))
    assert answers.fingerprint(b"q", reply(1.0 + 1e-12)) == first
    assert answers.fingerprint(b"q", reply(1.1)) != first
    assert answers.fingerprint(b"q", Reply("raised", encode({"type": "ValueError"}))) != first
    # The expected answer is the first one known, whatever an attempt answered before.
    right = answers.fingerprint(b"p", reply(2.0 - 1e-12), reply(2.0))
    assert answers.fingerprint(b"p", reply(2.0 + 1e-12), reply(2.0)) == right


def test_an_integer_and_a_float_are_one_class_in_either_order():
    for one, other in ((0, 0.0), (0.0, 0)):
        answers = AnswerClasses(EVERYTHING)
        assert answers.agree(b"q", reply(one), reply(other))
        assert not answers.agree(b"q", reply(one), reply(1))


@given(COMPARISONS, VALUES, VALUES)
def test_classes_agree_exactly_when_answers_are_the_same(comparison: Comparison, one: object, other: object) -> None:
    expected, observed = (Reply("value", comparison.encode(value)) for value in (one, other))
    is_same = observed.is_same(expected, comparison) or expected.is_same(observed, comparison)
    assert AnswerClasses(comparison).agree(b"q", expected, observed) == is_same
