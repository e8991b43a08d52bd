from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import strategies as st

from harness.core.errors import SpecError
from harness.lanes.toolgen import distinct_inputs
from harness.lanes.toolgen.edges import derived_edges
from harness.lanes.toolgen.oracle import Oracle
from harness.lanes.toolgen.sampler import sample_inputs
from harness.lanes.toolgen.tool_spec import read_tool
from harness.sandbox.codec import decode
from harness.sandbox.loop import drive

TOOL = "tool_id: t\nsignature: 'def f(a: int, b: str = \"\")'\ntest_cases: [{input: {a: 1}, expected_output: 1}]\n"


def draw(bench, scratch: Path, *, oracle: str | None, seed: int = 7, counts=(20, 4), edges=()):
    tool = read_tool(bench.tool(TOOL, oracle))
    process = Oracle(tool.oracle, scratch / "toolgen")
    try:
        return drive(
            sample_inputs(tool, process, secret_seed=seed, counts=counts, edges=edges, folder=scratch / "toolgen")
        )
    finally:
        process.close()


INPUTS = """
    import sys
    from hypothesis import strategies as st

    print("an oracle that talks")


    def reference(a, b=""):
        return a


    def inputs():
        return st.integers(0, 500).map(lambda a: {"a": a})
"""


def test_inputs_are_distinct_and_as_many_as_asked_for(bench, tmp_path):
    drawn = draw(bench, tmp_path, oracle=INPUTS)
    assert [len(keys) for keys in drawn.inputs] == [20, 4]
    assert all(len(set(keys)) == len(keys) for keys in drawn.inputs)
    assert all(0 <= decode(key)["a"] <= 500 for key in drawn.inputs[0])


def test_the_same_seed_draws_the_same_in_another_process(bench, tmp_path):
    one = draw(bench, tmp_path / "one", oracle=INPUTS)
    assert one == draw(bench, tmp_path / "two", oracle=INPUTS)
    assert one != draw(bench, tmp_path / "one", oracle=INPUTS, seed=8)


def test_what_was_sampled_is_shared_and_a_torn_file_is_sampled_again(bench, tmp_path, monkeypatch):
    first = draw(bench, tmp_path, oracle=INPUTS)
    with monkeypatch.context() as patched:
        patched.setattr(Oracle, "sample", None)
        assert draw(bench, tmp_path, oracle=INPUTS) == first
    (file,) = (tmp_path / "toolgen").glob("*.json")
    file.write_bytes(file.read_bytes()[:-20])
    assert draw(bench, tmp_path, oracle=INPUTS) == first


def test_hypothesis_leaves_nothing_beside_the_tool(bench, tmp_path, monkeypatch):
    monkeypatch.chdir(bench.folder)
    draw(bench, tmp_path, oracle=INPUTS.replace("st.integers(0, 500)", "st.text(st.characters(categories=['Lu']))"))
    assert sorted(path.name for path in bench.folder.iterdir()) == ["oracle.py", "tool.yaml"]


def test_a_small_domain_yields_what_there_is(bench, tmp_path):
    oracle = INPUTS.replace("st.integers(0, 500)", "st.booleans()")
    assert len(draw(bench, tmp_path, oracle=oracle).inputs[0]) == 2


def test_without_inputs_the_annotations_are_sampled_from(bench, tmp_path):
    for oracle in (None, "def reference(a, b=''):\n    return a\n"):
        values = [decode(key) for key in draw(bench, tmp_path, oracle=oracle).inputs[0]]
        assert len(values) == 20
        assert all(type(value["a"]) is int for value in values)
        assert {"b" in value for value in values} == {True, False}


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("st.nothing().map(lambda a: {'a': a})", "nothing|Unsatisfiable|empty"),
        ("st.integers()", "dictionaries of keyword arguments"),
        ("3", "must return a Hypothesis strategy"),
        ("1 / 0", r"oracle\.py:13: .*ZeroDivisionError"),
        ("st.just({'a': {1, 2j}})", "complex"),
        ("st.just({'c': 1})", "no parameter 'c'"),
        ("st.just({'b': 'x'})", "needs 'a'"),
    ],
)
def test_an_oracle_that_cannot_be_sampled_from_is_named(bench, tmp_path, body, what):
    oracle = INPUTS.replace('st.integers(0, 500).map(lambda a: {"a": a})', body)
    with pytest.raises(SpecError, match=what) as caught:
        draw(bench, tmp_path, oracle=oracle)
    assert "oracle.py" in caught.value.where


def test_the_reference_answers_edges_under_limits(bench, tmp_path):
    oracle = """
        def reference(a, b=""):
            if a == 2**31:
                while True:
                    pass
            if a == 2**53 + 1:
                return [0] * a
            if a < 0:
                raise ValueError("negative")
            return a
    """
    tool = read_tool(bench.tool(TOOL, oracle))
    edges = tuple(derived_edges({"a": tool.kinds["a"]}, {"a": 1}))
    drawn = draw(bench, tmp_path, oracle=oracle, edges=edges)
    replies = {decode(key)["a"]: reply for key, reply in drawn.edges}
    assert 2**31 not in replies  # it hung
    assert 2**53 + 1 not in replies  # it ran out of memory
    assert replies[10**30].kind == "value"
    assert (replies[-1].kind, replies[-1].exception) == ("raised", "ValueError")


def test_inputs_that_cannot_be_kept_are_sampled_by_each_process(bench, tmp_path):
    tool = read_tool(bench.tool(TOOL, INPUTS))
    (tmp_path / "file").write_text("")
    process = Oracle(tool.oracle, tmp_path / "oracle")
    try:
        kept, other = (
            drive(sample_inputs(tool, process, secret_seed=7, counts=(5,), edges=(), folder=folder))
            for folder in (tmp_path / "kept", tmp_path / "file" / "below")  # no folder can be made there
        )
    finally:
        process.close()
    assert kept == other
    assert len(list((tmp_path / "kept").glob("*.json"))) == 1


def test_nothing_is_drawn_after_the_last_input_that_is_needed():
    """Hypothesis draws all examples of a round, so a second round for one missing input cost twice the first."""
    drawn = []

    def noted(number):
        drawn.append(number % 40)
        return {"n": number % 40}

    found = distinct_inputs.sample(st.integers(0, 10**6).map(noted), 7, 30)
    assert len(drawn) > 30  # a second round was needed
    assert len(found) == len(set(drawn)) == 30
    assert drawn.index(drawn[-1]) == len(drawn) - 1
    assert distinct_inputs.sample(st.integers(0, 10**6).map(noted), 7, 30) == found
