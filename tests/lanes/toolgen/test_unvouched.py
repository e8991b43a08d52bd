"""Without an oracle, an input that no test case vouches for costs robustness and never decides the verdict."""

from __future__ import annotations

import pytest

from harness.core.status import Status

BITS = """
tool_id: bits
signature: "def bits(n: int) -> int"
test_cases:
  - {{input: {{n: 127}}, expected_output: 7}}
  - {{input: {{n: 0}}, expected_output: 0}}
  - {{input: {{n: 1024}}, expected_output: 1}}
constraints: {{forbidden_apis: [], max_runtime_sec: {seconds}, max_memory_mb: 64}}
"""
BODY = """
import os, sys
def bits(n):
    if n < 0:
        {then}
    return bin(n).count("1")
"""


@pytest.mark.parametrize(
    ("then", "sentence"),
    [
        ("while True: pass", "within 0.4 s"),
        ("os._exit(3)", "exited in a call with exit status 3"),
        ("sys.exit()", "SystemExit"),
        ("return len(bytearray(1 << 30))", "memory"),
        ("return 'x' * (20 << 20)", "bytes"),
        ("raise ValueError(n)", ""),
        ("return complex(n)", ""),
    ],
)
def test_what_happens_on_a_sampled_input_costs_robustness_only(bench, judge, then, sentence):
    bench.tool(BITS.format(seconds=0.4 if "while" in then else 20), None)
    evaluation = judge(BODY.format(then=then), attempts=3, questions=24, gates={"correctness": 1.0})
    assert evaluation.status is Status.OK, evaluation.evidence.why
    assert evaluation.passed
    assert evaluation.evidence.stable
    edges = evaluation.evidence.facts["edges"]
    assert 0 <= edges["handled"] < edges["total"]
    robustness = next(part for part in evaluation.score.components if part.name == "robustness")
    assert robustness.value < 1
    assert len(edges.get("faults", ())) <= 2
    if sentence:
        assert sentence in robustness.why
        assert "asked bits(" in robustness.why


def test_the_test_cases_decide_even_among_faults(bench, judge):
    bench.tool(BITS.format(seconds=20), None)
    wrong = judge(
        BODY.format(then="os._exit(3)").replace("return bin", "return 1 if n == 1024 else 1 + bin"), attempts=2
    )
    assert wrong.status is Status.WRONG
    crash = judge(BODY.format(then="pass").replace("n < 0", "n == 1024").replace("pass", "os._exit(3)"), attempts=2)
    assert crash.status is Status.CRASH
    assert "exit status 3" in crash.evidence.why


def test_a_forged_answer_is_never_excused(bench, judge):
    bench.tool(BITS.format(seconds=20), None)
    forged = judge(BODY.format(then="os.write(4, b'R' + bytes(20))"), attempts=2, questions=24)
    assert forged.status is Status.PROTOCOL


def test_answers_to_sampled_inputs_that_differ_are_flaky(bench, judge):
    bench.tool(BITS.format(seconds=20), None)
    then = "os._exit(3) if n % 2 else 0\n        return hash(str(n)) % 1000"
    evaluation = judge(BODY.format(then=then).replace("n % 2", "n % 7 == 0"), attempts=3, questions=24)
    assert evaluation.status is Status.FLAKY
    assert not evaluation.evidence.stable


def test_with_an_oracle_every_sampled_input_is_vouched_for(bench, judge):
    oracle = "def reference(n): return bin(n).count('1')\n"
    bench.tool(BITS.format(seconds=20), oracle)
    assert judge(BODY.format(then="os._exit(3)"), attempts=2, questions=24).status is Status.CRASH
