"""Values cross the box with exact types, and two values are the same exactly when their encodings are."""

from __future__ import annotations

import itertools
import math
import sys
import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox import codec
from harness.sandbox.codec import MAX_ITEMS, CodecError, decode, encode, encode_plainly

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**1020, max_value=2**1100)
    | st.floats()
    | st.text()
    | st.binary()
)
KEYS = st.text() | st.sampled_from(["$", "$tuple", "$$bytes", "$int", "$dict"])
HASHABLE = st.recursive(
    SCALARS | st.sampled_from([0, 1, 0.0, -0.0, 1.0, False, True]),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
        | st.frozensets(HASHABLE, max_size=4)
    ),
    max_leaves=12,
)


def identical(a: object, b: object) -> bool:
    """The slow, obvious definition of sameness that the codec must agree with."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, set | frozenset) and isinstance(b, set | frozenset):
        return len(a) == len(b) and all(any(identical(one, other) for other in b) for one in a)
    if isinstance(a, dict) and isinstance(b, dict):
        return len(a) == len(b) and all(
            any(identical(key, other) and identical(a[key], b[other]) for other in b) for key in a
        )
    return a == b


@given(VALUES)
def test_a_value_survives_the_crossing_type_for_type(value: object) -> None:
    assert identical(decode(encode(value)), value)


@given(VALUES, VALUES)
def test_encodings_are_equal_exactly_when_values_are_identical(a: object, b: object) -> None:
    assert (encode(a) == encode(b)) == identical(a, b)


@given(st.binary() | st.text().map(str.encode))
def test_bytes_are_a_value_or_a_codec_error(data: bytes) -> None:
    try:
        value = decode(data)
    except CodecError:
        return
    assert identical(decode(encode(value)), value)


@pytest.mark.parametrize("hostile", [b"[" * 200_000, b'{"a":' * 200_000, b"9" * 10_000, b'{"$int":"0xzz"}', b"\xff"])
def test_hostile_forms_are_codec_errors(hostile: bytes) -> None:
    with pytest.raises(CodecError):
        decode(hostile)


def test_an_unknown_tag_is_refused() -> None:
    with pytest.raises(CodecError, match="unknown tag"):
        decode(b'{"$exec":"x"}')


class Str(str):
    pass


@pytest.mark.parametrize(
    "value", [object(), Str("x"), {Str("k"): 1}, {"a": {Str("k"): 1}}, [1, (2, {3j})], {1j: 1}, {1: {object()}}]
)
def test_other_types_do_not_cross(value: object) -> None:
    with pytest.raises(CodecError, match="cannot cross the box"):
        encode(value)


def test_values_nested_as_deep_as_the_tools_need_them() -> None:
    value: object = "bottom"
    for _ in range(2000):
        value = {"k": [value]}
    assert encode(decode(encode(value))) == encode(value)


def test_bottomless_values_are_refused_not_crashed_on() -> None:
    value: object = []
    for _ in range(30_000):
        value = [value]
    with pytest.raises(CodecError, match="too deeply"):
        encode(value)


ALL_FORMS = frozenset({"sequences", "mappings", "iterators"})


@given(VALUES, st.sets(st.sampled_from(sorted(ALL_FORMS))))
def test_plain_forms_change_nothing_but_tuples(value: object, forms: set[str]) -> None:
    found = decode(encode_plainly(value, frozenset(forms)))
    assert identical(found, without_tuples(value) if "sequences" in forms else value)


def without_tuples(value: object) -> object:
    if isinstance(value, list | tuple):
        return [without_tuples(item) for item in value]
    return {key: without_tuples(item) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    "forged",
    [
        '{"$set":[1,1]}',
        '{"$set":[0,0.0]}',
        '{"$frozenset":[[]]}',
        '{"$set":[{"$set":[]}]}',
        '{"$set":{}}',
        '{"$dict":[[1,2],[1,3]]}',
        '{"$dict":[[1,2],[true,3]]}',
        '{"$dict":[[1]]}',
        '{"$dict":[1]}',
        '{"$dict":[["ab"],"ab"]}',
        '{"$dict":[[{},1]]}',
        '{"$tuple":1}',
        '{"$bytes":"="}',
    ],
)
def test_a_forged_tag_is_a_codec_error(forged: str) -> None:
    with pytest.raises(CodecError):
        decode(forged.encode())


@pytest.mark.parametrize(
    ("tag", "key"), [("set", "%d"), ("frozenset", "%d"), ("dict", "[%d,0]"), ("set", '{"$tuple":[%d]}')]
)
def test_keys_that_are_made_to_collide_are_refused_before_a_table_is_built(tag: str, key: str) -> None:
    """A table of keys with one hash takes quadratic time: 20,000 integers would take minutes."""
    keys = ",".join(key % (number * sys.hash_info.modulus) for number in range(20_000))
    with pytest.raises(CodecError, match="equal hashes"):
        decode(f'{{"${tag}":[{keys}]}}'.encode())


def test_sets_that_grow_when_written_out_are_refused() -> None:
    value: object = frozenset()
    for _ in range(60):
        value = frozenset([value, (value,)])
    for one in (value, {value}, {value: 1}, {(value, 1): 1}):
        with pytest.raises(CodecError, match="more than 8388608 parts"):
            encode(one)


@given(VALUES)
def test_tagged_json_stands_for_the_value(value: object) -> None:
    assert identical(codec.untag(codec.tag(value), strict=True), value)


def test_test_cases_keep_keys_that_are_no_tag() -> None:
    assert codec.untag({"$ref": 1, "a": {"$tuple": 2}, "b": {"$set": [[1]]}}) == {
        "$ref": 1,
        "a": {"$tuple": 2},
        "b": {"$set": [[1]]},
    }


def test_an_iterator_below_many_levels_is_drained_once() -> None:
    value: object = iter([1, 2])
    expected: object = [1, 2]
    for _ in range(2000):
        value, expected = [value], [expected]
    assert encode_plainly(value, ALL_FORMS) == encode(expected)


@pytest.mark.parametrize("value", [itertools.count(), range(10**12), [iter(range(MAX_ITEMS)), iter([1])]])
def test_an_answer_of_too_many_items_is_refused(value: object) -> None:
    with pytest.raises(CodecError, match="too many items"):
        encode_plainly(value, ALL_FORMS)


@pytest.mark.parametrize(
    ("value", "remedy"),
    [(Counter("a"), "dict()"), ([range(2)], "list()"), (iter([1]), "list()"), ({1j}, ""), (bytearray(b"a"), "")],
)
def test_a_refusal_says_what_to_return_instead(value: object, remedy: str) -> None:
    with pytest.raises(CodecError) as caught:
        encode(value)
    assert str(caught.value).endswith(f": convert it by {remedy}" if remedy else "cannot cross the box")


def test_overlapping_calls_of_two_threads_leave_the_recursion_limit_as_it_was() -> None:
    """The limit belongs to the interpreter: a call that began later must not restore the raised limit of another."""
    before = sys.getrecursionlimit()
    first_in, second_in, first_done = (threading.Event() for _ in range(3))

    def coded(entered: threading.Event, wait_for: threading.Event) -> None:
        calls = []

        def function(_: None) -> None:
            calls.append(1)
            if len(calls) == 1:
                raise RecursionError
            entered.set()
            assert wait_for.wait(30)

        codec._deeply(function, None)

    first = threading.Thread(target=coded, args=(first_in, second_in))
    first.start()
    assert first_in.wait(30)
    second = threading.Thread(target=coded, args=(second_in, first_done))
    second.start()
    first.join()
    first_done.set()
    second.join()
    assert sys.getrecursionlimit() == before


def shared(depth, make):
    value = make([])
    for _ in range(depth):
        value = make([value, value])
    return value


def cycle(make):
    inner = []
    inner.append(make([1, {"x": inner}]))
    return inner


@pytest.mark.parametrize("make", [list, tuple], ids=["list", "tuple"])
@pytest.mark.parametrize("forms", [frozenset(), codec.FORMS], ids=["exact", "plain"])
def test_a_value_that_contains_itself_or_grows_when_written_out_is_refused_at_once(make, forms):
    for value in (cycle(make), {"a": [cycle(make)]}):
        with pytest.raises(CodecError, match="contains itself"):
            encode_plainly(value, forms)
    with pytest.raises(CodecError, match="more than 8388608 parts"):
        encode_plainly(shared(60, make), forms)
    small = shared(10, make)
    assert decode(encode_plainly(small, frozenset())) == small


MANY = 60


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer containers than MANY are many."""
    monkeypatch.setattr(codec, "_MANY", MANY // 3)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "odd", [2**1024, -(2**1024), (1,), {1}, b"x", {1: 2}, {"$": 1}, True, None, 0.5, "x", {}, [], [[]], 1]
)
def test_an_odd_part_among_many_lists_is_tagged_as_alone(odd: object) -> None:
    rows = [[number, number + 1] for number in range(MANY)]
    for value in (
        [*rows, [odd]],
        [*rows, odd],
        {"rows": [[rows, [odd, 1]]]},
        [{"a": one, "odd": odd} for one in rows[:9]],
    ):
        assert encode(value) == codec._dumps(codec.tag(value)).encode()
    with pytest.raises(CodecError, match="of type complex"):
        encode([*rows, [odd, [1j]]])


@pytest.mark.usefixtures("few")
def test_only_parts_that_occur_more_than_once_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring takes ten times as long as encoding."""
    measured = []
    monkeypatch.setattr(codec, "_check_parts", measured.append)
    encode([[number, [number]] for number in range(MANY)])
    encode([[1]] * (MANY // 3 - 2))
    assert not measured
    for value in ([[1]] * MANY, [{"a": [1]}] * MANY, [*[[]] * MANY, 1], [[1, [1]]] * MANY):
        assert encode(value) == codec._dumps(value).encode()
        assert measured.pop() is value
        assert not measured
