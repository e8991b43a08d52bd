"""Values are shown as JSON, or as Python writes them where JSON has no form for them."""

from __future__ import annotations

import ast
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.clip import clip
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.shown_value import MAX_LITERAL, describe_reply, show_json
from harness.sandbox.codec import encode

KEYS = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.tuples(st.integers())
VALUES = st.recursive(
    KEYS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.sets(KEYS, min_size=1, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES)
def test_what_has_tags_is_shown_as_python_writes_it(value: object) -> None:
    payload = encode(value)
    text = show_json(payload, limit=len(payload) * 12 + 10)
    if b'"$' in payload:
        assert encode(ast.literal_eval(text)) == payload
    else:
        assert text == payload.decode("ascii")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": None}, '{"a":1,"b":null}'),
        ({"a": (1,)}, '{"a": (1,)}'),
        ({2: "x", 1: set()}, '{1: set(), 2: "x"}'),
        ([frozenset(), frozenset([True])], "[frozenset(), frozenset({True})]"),
        (-(1 << 1024) - 1, hex(-(1 << 1024) - 1)),
    ],
)
def test_forms(value: object, text: str) -> None:
    assert show_json(encode(value)) == text


@pytest.mark.parametrize(
    "payload",
    [
        b'{"$tuple":[1,2', b'{"$dict":[1]}', b'{"$bytes":"="}', b'{"$set":3}', b'{"$tuple":' * 1500,
        b'{"$tuple":[1]}... sha256 00', b'{"$tuple":[' + b"1," * MAX_LITERAL + b"1]}",
    ],
)  # fmt: skip
def test_what_is_cut_forged_or_long_is_shown_as_it_came(payload: bytes) -> None:
    assert show_json(payload, limit=20) == clip(payload.decode("ascii"), limit=20)


def test_the_first_difference_is_shown() -> None:
    one, other = ({"a": tuple(range(n)), "z": n} for n in (300, 301))
    shown = show_json(encode(one), other=encode(other), limit=60)
    assert shown.startswith("…")
    assert "299)" in shown
    assert len(shown) <= 60


def test_the_order_of_a_set_does_not_depend_on_hashes() -> None:
    words = [f"w{number}" for number in range(20)]
    text = show_json(encode(set(words)))
    assert all(text.index(f'"{one}"') < text.index(f'"{two}"') for one, two in pairwise(sorted(words)))


def test_a_full_disk_is_named():
    for message in (b"[Errno 28] No space left on device", b"[Errno 27] File too large"):  # many files, or one
        full = Reply("raised", b'{"type": "OSError", "message": "%s"}' % message)
        assert describe_reply(full) == "raised OSError (no space left on its disk of 8 MiB and 256 files)"
    other = b'{"type": "OSError", "message": "[Errno 2] No such file or directory"}'
    assert describe_reply(Reply("raised", other)) == "raised OSError"
