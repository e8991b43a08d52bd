"""Attempts that disagree: an answer that depends on earlier questions is distinguished from an unstable one."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from harness.core.status import Status
from harness.lanes.toolgen.questions import Question
from harness.lanes.toolgen.repeated_questions import MAX_TURNS, repeated_questions
from harness.lanes.toolgen.reply import Reply
from tests.lanes.toolgen.conftest import UNIQUE, UNIQUE_ORACLE

ALONE = "right alone, wrong after another question"
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
    bench.tool(UNIQUE, UNIQUE_ORACLE)
    evaluation = judge(DEFAULT, attempts=3)
    assert evaluation.status is Status.WRONG
    assert evaluation.evidence.why.startswith(f"{ALONE}: unique(")


def test_an_answer_that_is_wrong_after_many_questions_is_wrong(bench, judge):
    bench.tool(UNIQUE, UNIQUE_ORACLE)
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
    bench.tool(UNIQUE, UNIQUE_ORACLE)
    evaluation = judge(USED_UP, attempts=attempts)
    assert evaluation.status is Status.WRONG
    assert attempts == 1 or evaluation.evidence.why.startswith(f"{ALONE}: unique(")
    correctness = next(one.value for one in evaluation.score.components if one.name == "correctness")
    assert 0 < correctness < 1


COUNTED = """
ASKED = {{}}
def unique(items):
    key = tuple(items)
    ASKED[key] = ASKED.get(key, 0) + 1
    return list(dict.fromkeys(items)) if ASKED[key] < {times} else []
"""


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("timing", ["cpu", "none"])  # `none` asks several questions at once
def test_an_answer_that_is_wrong_the_third_time_is_wrong(bench, judge, attempts, timing):
    bench.tool(UNIQUE, UNIQUE_ORACLE)
    evaluation = judge(COUNTED.format(times=3), attempts=attempts, timing=timing)
    assert evaluation.status is Status.WRONG
    assert attempts == 1 or evaluation.evidence.why.startswith(f"{ALONE}: unique(")


def test_no_number_of_times_is_safe():
    asked = [Question("drawn", b"%d" % n, Reply("value", b"")) for n in range(9)] + [Question("drawn", b"-", None)]
    turns = [Counter(repeated_questions(asked, random.Random(seed))) for seed in range(400)]
    assert {len(one) for one in turns} == {2}
    assert {min(one.values()) for one in turns} == {1}
    most = Counter(max(one.values()) for one in turns)
    assert set(most) == set(range(2, MAX_TURNS + 2))
    assert 0.4 < most[2] / len(turns) < 0.6
    assert {question for one in turns for question in one} == set(asked[:-1])


def test_an_answer_that_is_also_wrong_alone_is_not_blamed_on_other_questions(bench, judge):
    bench.tool(UNIQUE, UNIQUE_ORACLE)
    evaluation = judge(RANDOM, attempts=3)
    assert evaluation.status in (Status.FLAKY, Status.WRONG)  # the question is asked twice more, and is rarely right
    assert ALONE not in evaluation.evidence.why


def test_an_answer_that_depends_on_the_hash_seed_is_not_blamed_on_other_questions(bench, judge):
    bench.tool(UNIQUE, UNIQUE_ORACLE)
    evaluation = judge(HASH, attempts=16)
    assert evaluation.status is Status.FLAKY
    assert ALONE not in evaluation.evidence.why


def test_two_right_answers_are_not_blamed_on_other_questions(bench, judge):
    accept = "def accept(kwargs, output): return sorted(output) == sorted(set(kwargs['items']))\n"
    bench.tool(UNIQUE, UNIQUE_ORACLE + accept)
    turns = (
        "TURNS = []\ndef unique(items):\n    TURNS.append(1)\n    return sorted(set(items), reverse=len(TURNS) > 4)\n"
    )
    evaluation = judge(turns, attempts=3)
    assert evaluation.status is Status.FLAKY
    assert ALONE not in evaluation.evidence.why
