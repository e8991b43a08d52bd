"""A candidate must not be able to turn the judge's own code against the judge: no `infra`, no hang, by choice."""

from __future__ import annotations

import pytest

from harness.core.status import Status
from tests.lanes.toolgen.conftest import GOOD, ORACLE, TOOL

NAIVE_LAW = (
    ORACLE
    + """

def never_wider(call, kwargs, rng):
    return None if len(str(abs(call(**kwargs)))) < 9 else "wide"


PROPERTIES = (never_wider,)
"""
)
NAIVE_ACCEPT = (
    ORACLE
    + """

def accept(kwargs, output):
    return abs(output) >= 0 and output == reference(**kwargs)
"""
)
HUGE = "def clamp(x: int, lo: int, hi: int) -> int:\n    return {'k' * 1_000_000: 1}\n"
SLOW_ACCEPT = (
    ORACLE
    + """

def accept(kwargs, output):
    text = ""
    for letter in str(output):
        text = letter + text
    return output == reference(**kwargs)
"""
)


@pytest.mark.parametrize("oracle", [NAIVE_LAW, NAIVE_ACCEPT], ids=["property", "accept"])
@pytest.mark.parametrize("answer", ["None", "'x'", "{}", "[[]]"])
def test_an_answer_that_trusted_code_chokes_on_is_wrong_not_infra(bench, judge, oracle, answer):
    bench.tool(TOOL, oracle)
    assert judge(GOOD).status is Status.OK
    evaluation = judge(f"def clamp(x: int, lo: int, hi: int) -> int:\n    return {answer}\n")
    assert evaluation.status is Status.WRONG
    assert evaluation.score.total is not None


@pytest.mark.parametrize("oracle", [NAIVE_LAW, SLOW_ACCEPT], ids=["property", "accept"])
def test_an_absurdly_large_answer_never_reaches_trusted_code(bench, judge, oracle, monkeypatch):
    bench.tool(TOOL, oracle)
    evaluation = judge(HUGE)
    assert evaluation.status is Status.WRONG


def test_time_spent_by_trusted_code_is_not_the_candidates(bench, judge, monkeypatch):
    from dataclasses import replace

    from harness.lanes.toolgen import evaluate

    limits = evaluate.Limits
    monkeypatch.setattr(evaluate, "Limits", lambda **given: replace(limits(**given), total_seconds=0.8))
    bench.tool(
        TOOL,
        ORACLE
        + """
import time

def dawdling(call, kwargs, rng):
    time.sleep(0.4)
    call(**kwargs)

PROPERTIES = (dawdling,)
""",
    )
    assert judge(GOOD).status is Status.OK


def test_work_between_the_questions_is_counted(bench, judge):
    source = (
        "import threading\n\ndef spin():\n    while True:\n        pass\n\n"
        "threading.Thread(target=spin, daemon=True).start()\n" + GOOD
    )
    law = "\nimport time\n\ndef dawdling(call, kwargs, rng):\n    time.sleep(0.05)\n    call(**kwargs)\n"
    bench.tool(TOOL, f"{ORACLE}{law}\nPROPERTIES = (dawdling,)\n")
    busy = judge(source, timing="none").evidence.facts["idle_cpu_ms"]
    assert busy > judge(GOOD, timing="none").evidence.facts["idle_cpu_ms"]
