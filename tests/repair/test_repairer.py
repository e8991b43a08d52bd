"""One candidate: what is repaired, what is not, and what is not believed."""

from __future__ import annotations

import pytest

from harness.core.digest import digest_bytes
from harness.ledger.handoffs import EXHAUSTED, PASSING, REPAIRED, UNCONFIRMED
from harness.repair.patterns import Patterns
from harness.repair.repairer import repair
from harness.repair.workbench import Workbench
from harness.sandbox.codec import decode
from tests.repair.conftest import FAULTS, GOOD, with_fault, write_tool

HOPELESS = b'"""Nothing."""\n\n\ndef describe(numbers: list[int], n: int) -> list:\n    """Nothing."""\n    return []\n'
EXAMPLES = """
    tool_id: double
    description: Twice a number.
    signature: "def double(n: int) -> int"
    test_cases:
      - {input: {n: 1}, expected_output: 2}
      - {input: {n: 3}, expected_output: 6}
      - {input: {n: 5}, expected_output: 10}
      - {input: {n: -4}, expected_output: -8}
      - {input: {n: 0}, expected_output: 0}
      - {input: {n: 7}, expected_output: 14}
"""


def special_cased(bench: Workbench, entry: str) -> str:
    """A candidate that knows the answers to all that the search asks, and no other."""
    asked = [question for question in bench._seen().shared if question.expected is not None]
    known = {repr(decode(one.key)): decode(one.expected.payload) for one in asked}
    return f"KNOWN = {known!r}\n\n\ndef {entry}(**asked):\n    return KNOWN.get(repr(asked), 0)\n"


@pytest.mark.parametrize("fault", FAULTS)
def test_each_injected_fault_is_repaired_and_confirmed(bench, fault):
    found = repair(bench, with_fault(fault), seconds=300)
    assert found.state == REPAIRED, found.why
    assert found.confirmed_on == "fresh inputs"
    assert found.unseen >= 20
    assert found.strategy in ("syntax", "single")
    assert found.tried[-1] == found.strategy
    assert [step.operator for step in found.steps] != []
    changed = [line for line in found.change.splitlines() if line[:1] in "+-" and line[:3] not in ("---", "+++")]
    assert len(changed) <= 2


def test_a_candidate_that_passes_needs_no_repair(bench):
    found = repair(bench, GOOD.encode(), seconds=300)
    assert (found.state, found.source, found.screened) == (PASSING, None, 0)


def test_what_no_edit_repairs_is_exhausted(bench):
    found = repair(bench, HOPELESS, seconds=300)
    assert (found.state, found.source, found.passed) == (EXHAUSTED, None, 0)
    assert found.why.startswith("no edit helped; wrong: ")


def test_a_patch_that_special_cases_what_the_search_asks_loses(bench):
    patch = special_cased(bench, "describe")
    assert bench.screen([patch])[0].status == "ok"
    found = repair(bench, HOPELESS, seconds=300, proposer=lambda source, verdict: [patch])
    assert (found.state, found.source, found.passed) == (UNCONFIRMED, None, 1)
    assert found.tried[-1] == "provider"


def test_a_proposal_equal_to_its_parent_is_not_a_challenger(bench):
    same = [HOPELESS.decode(), HOPELESS.decode() + "# a comment\n", "x" * 600_000, "\ud800", "", "Sure! Here it is:"]
    found = repair(bench, HOPELESS, seconds=300, proposer=lambda source, verdict: same)
    assert (found.state, found.source) == (EXHAUSTED, None)


def test_a_proposer_is_asked_last_and_its_repair_is_confirmed_like_any_other(bench):
    asked = []

    def propose(source, verdict):
        asked.append((source, verdict.status))
        return ["def (", GOOD]

    found = repair(bench, HOPELESS, seconds=300, proposer=propose)
    assert (found.state, found.strategy, found.source) == (REPAIRED, "provider", GOOD.encode())
    assert asked == [(HOPELESS.decode(), "wrong")]


def test_two_faults_are_repaired_by_a_pair(bench):
    broken = with_fault("wrong_operator").decode().replace("return sum(numbers) / len", "return sum(numbers) // len")
    found = repair(bench, broken.encode(), seconds=300)
    assert (found.state, found.strategy, len(found.steps)) == (REPAIRED, "pair", 2), found.why


def test_the_time_ends_a_search(bench):
    ticks = iter(range(1000))
    found = repair(bench, HOPELESS, seconds=2, clock=lambda: float(next(ticks)))
    assert found.state == EXHAUSTED
    assert found.why.startswith("the time is over; ")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"", b"\x00", b"(" * 5000, b"x" * 600_000])
def test_bytes_that_are_no_source_are_exhausted(bench, data):
    assert repair(bench, data, seconds=300).state == EXHAUSTED


def test_what_helped_before_comes_first(bench):
    learned = repair(bench, with_fault("float_trunc"), seconds=300)
    patterns = Patterns.learn([learned.to_wire()])
    again = repair(bench, with_fault("float_trunc"), seconds=300, patterns=patterns)
    assert digest_bytes(again.source) == digest_bytes(GOOD.encode())
    assert again.screened <= learned.screened


def test_without_an_oracle_every_third_example_is_held_back(tmp_path):
    tool = write_tool(tmp_path, tool=EXAMPLES, oracle=None)
    with Workbench(tool, workers=1) as bench:
        broken = b"def double(n):\n    return n * 3\n"
        found = repair(bench, broken, seconds=300)
        assert (found.state, found.confirmed_on, found.unseen) == (REPAIRED, "held-back examples", 2), found.why
        assert {one.key for one in bench._seen().shared if one.expected is not None}.isdisjoint(
            {b'{"n":5}', b'{"n":7}'}
        )
        patch = special_cased(bench, "double")
        hopeless = b"def double(n):\n    return ''\n"
        found = repair(bench, hopeless, seconds=300, proposer=lambda source, verdict: [patch])
        assert (found.state, found.source) == (UNCONFIRMED, None)


def test_with_nothing_held_back_nothing_is_believed(tmp_path):
    tool = write_tool(tmp_path, tool=EXAMPLES[: EXAMPLES.index("      - {input: {n: 5}")], oracle=None)
    with Workbench(tool, workers=1) as bench:
        found = repair(bench, b"def double(n):\n    return n * 3\n", seconds=300)
    assert found.state == UNCONFIRMED
    assert "no held-back examples" in found.why
