"""A candidate whose answers may depend on the order of a set is asked with more hash seeds."""

from __future__ import annotations

import ast

import pytest

from harness.core.status import Status
from harness.lanes.toolgen.hash_dependence import HASH_SEEDS, attempts_for, may_depend_on_hash_seed


@pytest.mark.parametrize(
    "body",
    [
        "return '\\n'.join(set(words))",
        "return list({one.lower() for one in words})",
        "return [one for one in frozenset(words)]",
        "return next(iter(set(words)), None)",
        "return tuple({'a', 'b'})",
        "seen = set(words)\n    return seen.pop()",
        "seen: set[str] = set()\n    for one in seen:\n        return one",
        "seen = set()\n    other = seen | set(words)\n    return [*other]",
        "return list(words.keys() - other.keys())",
        "return list(set(words).union(other))",
        "return max(set(words), key=len)",
        "return sorted(set(words), key=len)",
        "return hash(words)",
        "return id(words) % 2",
        "yield from set(words)",
        "return f'{set(words)}'",
        "return enumerate(set(words) if words else ())",
    ],
)
def test_what_has_the_order_of_a_set(body):
    assert may_depend_on_hash_seed(ast.parse(f"def run(words):\n    {body}\n"))


@pytest.mark.parametrize(
    "body",
    [
        "return list(dict.fromkeys(words))",
        "return sorted(set(words))",
        "return len(set(words)), max(set(words)), sorted(one for one in set(words))",
        "seen = set()\n    return [one for one in words if not (one in seen or seen.add(one))]",
        "return set(words) == {'a'}",
        "stack = [words]\n    return stack.pop()",
        "return list(words)",
        "return {one: 1 for one in set(words)}",
        "return all(one in words for one in {'a', 'b'})",
    ],
)
def test_what_has_not(body):
    assert not may_depend_on_hash_seed(ast.parse(f"def run(words):\n    {body}\n"))


def test_one_attempt_stays_one():
    assert [attempts_for(one, uses_hashes=True) for one in (1, 2, 3, 20)] == [1, HASH_SEEDS, HASH_SEEDS, 20]
    assert attempts_for(3, uses_hashes=False) == 3


TOOL = """
tool_id: first
signature: "def first(words: list[str]) -> str"
"""
ORACLE = """
from hypothesis import strategies as st
def reference(words): return words[0] if words else ""
def inputs(): return st.lists(st.sampled_from("ab"), max_size=4).map(lambda words: {"words": words})
"""


def test_an_answer_that_depends_on_the_order_of_two_words_is_flaky(bench, judge):
    bench.tool(TOOL, ORACLE)
    unstable = (
        "def first(words):\n    return next(iter(set(words)), '') if len(words) == 3 else words[0] if words else ''\n"
    )
    evaluation = judge(unstable, attempts=2, questions=16)
    assert evaluation.status in (Status.FLAKY, Status.WRONG)


def test_more_seeds_are_used_only_where_they_can_change_something(bench, judge):
    bench.tool(TOOL, ORACLE)
    stable = "def first(words):\n    for _ in set(words):\n        pass\n    return words[0] if words else ''\n"
    assert len(judge(stable, attempts=2).evidence.attempts) == HASH_SEEDS
    assert len(judge(stable.replace("words[0]", "'x'"), attempts=2).evidence.attempts) == 1
