"""The best configurations, stored in a kernel's own file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import SpecError
from harness.lanes.kernel.tuned_table import Tuned, read_tuned, write_tuned

ROOT = Path(__file__).parents[3]
SOURCE = '"""Ünïcode before it."""\nx = 1\nTUNED = []\n\n\ndef run():\n    return TUNED\n'
entries = st.builds(
    Tuned,
    device=st.text(max_size=20),
    dtype=st.sampled_from(["bfloat16", "float16"]),
    shape=st.dictionaries(st.sampled_from("MNK"), st.integers(1, 1 << 40), max_size=3),
    parameters=st.dictionaries(st.just("causal"), st.booleans(), max_size=1),
    configuration=st.dictionaries(st.sampled_from(["BLOCK_M", "FLAT"]), st.booleans() | st.integers(), max_size=2),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(entries, max_size=4), st.lists(entries, max_size=3))
def test_what_is_written_is_read_and_the_rest_of_the_file_stays(first: list[Tuned], second: list[Tuned]) -> None:
    once = write_tuned(SOURCE, first, where="k.py")
    twice = write_tuned(once, second, where="k.py")
    found = read_tuned(twice, where="k.py")
    last = {entry.model_dump_json(exclude={"configuration"}): entry for entry in [*first, *second]}
    assert sorted(found, key=repr) == sorted(last.values(), key=repr)
    assert twice.startswith(SOURCE.partition("TUNED")[0])
    assert twice.endswith("\n\n\ndef run():\n    return TUNED\n")
    assert write_tuned(twice, [], where="k.py") == twice
    ast.parse(twice)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("x = 1\n", "it has no TUNED"),
        ("TUNED = make()\n", "not a list of tuned configurations"),
        ("TUNED = [{'device': 1}]\n", "not a list of tuned configurations"),
        ("TUNED = (\n", "not valid Python"),
    ],
)
def test_what_is_no_table_is_an_error(source: str, says: str) -> None:
    with pytest.raises(SpecError, match=says) as caught:
        write_tuned(source, [], where="k.py")
    assert caught.value.where.startswith("k.py")


@pytest.mark.parametrize("name", ["matmul", "fmha"])
def test_the_shipped_tables_can_be_written(name: str) -> None:
    source = (ROOT / f"kernels/{name}/autotuned.py").read_text(encoding="utf-8")
    entry = Tuned(device="NVIDIA H200", dtype="bfloat16", shape={"M": 1}, configuration={"BLOCK_M": 64})
    assert entry in read_tuned(write_tuned(source, [entry], where="k"), where="k")
