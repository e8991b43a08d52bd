from __future__ import annotations

import pytest

from harness.lanes.toolgen.edges import MAX_EDGES, derived_edges, extremes
from harness.sandbox.codec import decode

KINDS = [
    "int", "float", "str", "bool", "bytes", "none", "any", ["list", "str"], ["dict", "any"], ["tuple", "int", "str"],
    ["tuple*", "int"], ["union", "int", "none"], ["literal", "a", "b"],
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_has_extremes(kind):
    assert list(extremes(kind))


def test_one_parameter_at_a_time_is_put_to_an_extreme():
    base = {"a": 5, "b": "x"}
    edges = [decode(key) for key in derived_edges({"a": "int", "b": "str"}, base)]
    assert 0 < len(edges) <= MAX_EDGES
    assert all((edge["a"] == 5) or (edge["b"] == "x") for edge in edges)
    assert {"a": 2**63, "b": "x"} in edges
    assert {"a": 5, "b": "\x00"} in edges


def test_they_are_distinct_and_always_the_same():
    made = derived_edges({"a": ["list", "str"]}, {"a": []})
    assert len(set(made)) == len(made)
    assert made == derived_edges({"a": ["list", "str"]}, {"a": []})


def test_without_kinds_there_are_none():
    assert derived_edges({}, {"a": 1}) == []
