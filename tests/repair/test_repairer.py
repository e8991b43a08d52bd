"""One candidate: what is repaired, what is not, and what is not believed."""

from __future__ import annotations

import math
import time

import pytest

from harness.core.digest import digest_bytes
from harness.ledger.handoffs import EXHAUSTED, PASSING, REPAIRED, UNCONFIRMED
from harness.repair import repairer
from harness.repair.patterns import Patterns
from harness.repair.proposals import Proposal
from harness.repair.repairer import repair
from harness.repair.workbench import Workbench
from harness.sandbox.codec import decode
from harness.sandbox.loop import OutOfTimeError
from tests.repair.conftest import EXAMPLES, FAULTS, GOOD, HOPELESS, ORACLE, with_fault, write_tool


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


@pytest.mark.usefixtures("_no_edits")
def test_a_patch_that_special_cases_what_the_search_asks_loses(bench, monkeypatch):
    widened = []
    monkeypatch.setattr(Workbench, "widen", lambda self: bool(widened.append(self)))
    patch = special_cased(bench, "describe")
    assert bench.screen([patch])[0].status == "ok"
    found = repair(bench, HOPELESS, seconds=300, proposer=lambda source, verdict: [patch])
    assert (found.state, found.source, found.passed) == (UNCONFIRMED, None, 1)
    assert found.tried[-1] == "provider"
    assert widened == [bench]  # the search asked too little, and would ask more from now on


@pytest.mark.usefixtures("_no_edits")
def test_a_proposal_equal_to_its_parent_is_not_a_challenger(bench):
    same = [HOPELESS.decode(), HOPELESS.decode() + "# a comment\n", "x" * 600_000, "\ud800", "", "Sure! Here it is:"]
    found = repair(bench, HOPELESS, seconds=300, proposer=lambda source, verdict: same)
    assert (found.state, found.source) == (EXHAUSTED, None)


@pytest.mark.usefixtures("_no_edits")
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


def test_the_time_ends_a_search(bench, monkeypatch):
    def stop(*_: object) -> list[Proposal]:
        bench.until = 0.0
        return [Proposal(GOOD, ())]

    monkeypatch.setattr(repairer, "single_edits", stop)
    found = repair(bench, HOPELESS, seconds=300)
    assert (found.state, found.screened) == (EXHAUSTED, 0)
    assert found.why.startswith("the time is over; ")


def test_what_is_judged_ends_with_the_time(tool):
    with Workbench(tool, workers=1) as bench:
        for ask in (lambda: bench.screen([HOPELESS]), lambda: bench.confirm(GOOD), lambda: bench.suspects(GOOD)):
            for prepare in (lambda: None, bench._seen):  # the inputs are sampled, and they are known
                bench.until = math.inf
                prepare()
                bench.until = time.monotonic()
                with pytest.raises(OutOfTimeError):
                    ask()
        bench.until = math.inf
        assert bench.screen([GOOD])[0].status == "ok"


def test_a_candidate_that_is_not_judged_in_time_is_exhausted(tool, monkeypatch):
    with Workbench(tool, workers=1) as bench:
        found = repair(bench, GOOD.encode(), seconds=1e-9)
        assert (found.state, bench.until) == (EXHAUSTED, math.inf)
        assert found.why == "the time is over before the candidate itself was judged; raise --budget-s"
        confirm = Workbench.confirm

        def late(self, source):
            self.until = 0.0
            return confirm(self, source)

        monkeypatch.setattr(repairer, "single_edits", lambda *_: [Proposal(GOOD, ())])
        monkeypatch.setattr(Workbench, "confirm", late)
        found = repair(bench, HOPELESS, seconds=300)
        assert (found.state, found.passed) == (UNCONFIRMED, 1)
        assert found.why.endswith("none the confirmation: the time is over")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"", b"\x00", b"(" * 5000, b"x" * 600_000])
def test_bytes_that_are_no_source_are_exhausted(bench, data):
    assert repair(bench, data, seconds=300).state == EXHAUSTED


def test_what_helped_before_comes_first(bench):
    learned = repair(bench, with_fault("float_trunc"), seconds=300)
    patterns = Patterns.learn([learned.to_wire()])
    again = repair(bench, with_fault("float_trunc"), seconds=300, patterns=patterns)
    assert digest_bytes(again.source) == digest_bytes(GOOD.encode())
    assert again.screened <= learned.screened


def test_without_an_oracle_every_third_example_is_held_back(examples_bench):
    found = repair(examples_bench, b"def double(n):\n    return n * 3\n", seconds=300)
    assert (found.state, found.confirmed_on, found.unseen) == (REPAIRED, "held-back examples", 2), found.why
    seen = {one.key for one in examples_bench._seen().shared if one.expected is not None}
    assert seen.isdisjoint({b'{"n":5}', b'{"n":7}'})


@pytest.mark.usefixtures("_no_edits")
def test_a_patch_that_knows_the_shown_examples_loses(examples_bench):
    patch = special_cased(examples_bench, "double")
    hopeless = b"def double(n):\n    return ''\n"
    found = repair(examples_bench, hopeless, seconds=300, proposer=lambda source, verdict: [patch])
    assert (found.state, found.source) == (UNCONFIRMED, None)


def test_of_few_inputs_some_are_left_to_the_confirmation(tmp_path):
    oracle = ORACLE.replace("st.integers(0, 20)", "st.integers(0, 8)").replace(
        "st.lists(st.integers(-99, 99), max_size=9)", "st.just([])"
    )
    tool = write_tool(tmp_path, oracle=oracle)
    with Workbench(tool, workers=1) as bench:
        seen = {one.key for one in bench._seen().shared}
        assert 0 < bench.count_unseen() <= 9 - len(seen) + 1
        assert not bench.widen()


def test_with_nothing_held_back_nothing_is_believed(tmp_path):
    tool = write_tool(tmp_path, tool=EXAMPLES[: EXAMPLES.index("      - {input: {n: 5}")], oracle=None)
    with Workbench(tool, workers=1) as bench:
        found = repair(bench, b"def double(n):\n    return n * 3\n", seconds=300)
    assert found.state == UNCONFIRMED
    assert "no held-back examples" in found.why
