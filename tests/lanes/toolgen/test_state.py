"""Attempts that disagree: an answer that depends on earlier questions is distinguished from an unstable one."""

from __future__ import annotations

import pytest

from harness.core.status import Status

ALONE = "right alone, wrong after another question"
TOOL = """
tool_id: unique
signature: "def unique(items: list[int]) -> list[int]"
"""
ORACLE = """
from hypothesis import strategies as st
def reference(items): return list(dict.fromkeys(items))
def inputs(): return st.lists(st.integers(0, 9), min_size=1, max_size=4).map(lambda items: {"items": items})
"""
DEFAULT = """
def unique(items, out=[]):
    out.extend(one for one in items if one not in out)
    return out
"""
TIRED = """
CALLS = []
def unique(items):
    CALLS.append(1)
    return list(dict.fromkeys(items)) if len(CALLS) <= 10 else []
"""
RANDOM = """
import os
def unique(items):
    return list(dict.fromkeys(items)) if os.urandom(1)[0] % 16 == 0 else [os.urandom(1)[0]]
"""
HASH = """
def unique(items):
    return list(dict.fromkeys(items)) if hash("a") % 2 else []
"""


def test_a_mutable_default_is_right_alone_and_wrong_later(bench, judge):
    bench.tool(TOOL, ORACLE)
    evaluation = judge(DEFAULT, attempts=3)
    assert evaluation.status is Status.WRONG
    assert evaluation.evidence.why.startswith(f"{ALONE}: unique(")


def test_an_answer_that_is_wrong_after_many_questions_is_wrong(bench, judge):
    bench.tool(TOOL, ORACLE)
    evaluation = judge(TIRED, attempts=3, questions=16)
    assert evaluation.status is Status.WRONG
    assert evaluation.evidence.why.startswith(f"{ALONE}: unique(")


USED_UP = """
KNOWN = {}
def unique(items):
    return list(KNOWN.setdefault(tuple(items), iter(dict.fromkeys(items))))
"""


@pytest.mark.parametrize("attempts", [1, 3])
def test_an_answer_that_is_wrong_when_it_is_asked_again_is_wrong(bench, judge, attempts):
    bench.tool(TOOL, ORACLE)
    evaluation = judge(USED_UP, attempts=attempts)
    assert evaluation.status is Status.WRONG
    assert attempts == 1 or evaluation.evidence.why.startswith(f"{ALONE}: unique(")
    correctness = next(one.value for one in evaluation.score.components if one.name == "correctness")
    assert 0 < correctness < 1


def test_an_answer_that_is_also_wrong_alone_is_not_blamed_on_other_questions(bench, judge):
    bench.tool(TOOL, ORACLE)
    evaluation = judge(RANDOM, attempts=3)
    assert evaluation.status in (Status.FLAKY, Status.WRONG)  # the question is asked twice more, and is rarely right
    assert ALONE not in evaluation.evidence.why


def test_an_answer_that_depends_on_the_hash_seed_is_not_blamed_on_other_questions(bench, judge):
    bench.tool(TOOL, ORACLE)
    evaluation = judge(HASH, attempts=16)
    assert evaluation.status is Status.FLAKY
    assert ALONE not in evaluation.evidence.why


def test_two_right_answers_are_not_blamed_on_other_questions(bench, judge):
    accept = "def accept(kwargs, output): return sorted(output) == sorted(set(kwargs['items']))\n"
    bench.tool(TOOL, ORACLE + accept)
    turns = (
        "TURNS = []\ndef unique(items):\n    TURNS.append(1)\n    return sorted(set(items), reverse=len(TURNS) > 4)\n"
    )
    evaluation = judge(turns, attempts=3)
    assert evaluation.status is Status.FLAKY
    assert ALONE not in evaluation.evidence.why
