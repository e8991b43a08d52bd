"""Digests name content, not the way it was written down."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.digest import PREFIX, derive_seed, digest_bytes, digest_json, short

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
PARTS = st.lists(st.integers() | st.text(), max_size=5)


def reordered(value):
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


def test_bytes_have_their_sha256():
    assert digest_bytes(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_bytes(b"abc") == hashlib.sha256(b"abc").hexdigest()


def test_json_has_the_sha256_of_its_canonical_text():
    assert digest_json({"b": [1, None], "a": "é"}) == digest_bytes('{"a":"é","b":[1,null]}'.encode())


@given(JSON)
def test_the_order_of_keys_does_not_matter(value):
    assert digest_json(reordered(value)) == digest_json(value)


@given(st.lists(st.integers(), min_size=2, unique=True))
def test_the_order_of_items_does(items):
    assert digest_json(items[::-1]) != digest_json(items)


@pytest.mark.parametrize(("one", "other"), [(1, "1"), (1, 1.0), (True, 1), (None, "null"), ([], {}), ("", [])])
def test_what_differs_in_type_differs(one, other):
    assert digest_json(one) != digest_json(other)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [math.nan], {"a": {"b": math.inf}}])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError):
        digest_json(value)


@pytest.mark.parametrize("value", [b"x", {1, 2}, object(), {"a": b"x"}])
def test_what_is_not_json_is_refused(value):
    with pytest.raises(TypeError):
        digest_json(value)


def test_a_lone_surrogate_has_a_digest():
    assert digest_json("\ud800") != digest_json("\ud801")
    assert derive_seed("\ud800") != derive_seed("\ud801")


def test_seeds_are_the_same_for_ever():
    assert derive_seed() == 0xE3B0C44298FC1C14 >> 1
    assert derive_seed("a", 1) == int(hashlib.sha256(b"a\x1f1").hexdigest()[:16], 16) >> 1


def test_seeds_do_not_depend_on_the_process():
    code = "from harness.core.digest import derive_seed; print(derive_seed('clamp', 3, 'inputs'))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert said == {f"{derive_seed('clamp', 3, 'inputs')}\n"}


@given(PARTS)
def test_a_seed_has_63_bits(parts):
    assert 0 <= derive_seed(*parts) < 2**63
    assert derive_seed(*parts) == derive_seed(*parts)


def test_seeds_use_all_63_bits():
    seeds = [derive_seed(n) for n in range(200)]
    assert len(set(seeds)) == 200
    seen = 0
    for seed in seeds:
        seen |= seed
    assert seen == 2**63 - 1


def test_parts_are_kept_apart():
    assert len({derive_seed("ab", "c"), derive_seed("a", "bc"), derive_seed("abc"), derive_seed("c", "ab")}) == 4


@given(st.binary())
def test_people_see_a_prefix(data):
    digest = digest_bytes(data)
    assert len(short(digest)) == PREFIX
    assert digest.startswith(short(digest))
