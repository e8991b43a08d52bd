"""A candidate is timed in several processes if its times decide a gate or one of the first places."""

from __future__ import annotations

import os
import random

import pytest

from harness.core.evidence import Evidence
from harness.core.score import Score
from harness.core.status import Status
from harness.lanes.toolgen import depth
from harness.lanes.toolgen.depth import FIRST, Standings, near_gate
from harness.lanes.toolgen.performance import PROCESSES
from harness.lanes.toolgen.reading import compiled
from harness.lanes.toolgen.workload_timing import WorkloadTiming
from harness.sandbox.pool import BoxPool

WORKLOAD = """

def workload(size, rng):
    return {"x": size, "lo": 0, "hi": rng.randrange(1, size)}
"""
BUSY = "    sum(range(200_000))\n    if lo > hi:"


@pytest.fixture
def timed(bench, judge, good):
    """Judge a candidate with the default timing and one attempt."""
    from tests.lanes.toolgen.conftest import ORACLE, TOOL

    bench.tool(TOOL, ORACLE + WORKLOAD)

    def run(source=good, **policy):
        found = judge(source, timing="cpu", epoch=40, **policy)
        assert found.evidence.status is Status.OK, found.evidence.why
        return found

    return run


@pytest.fixture
def slow_in_every_second_process(monkeypatch, good):
    """Every second box of an honest candidate gets a slow one: what a candidate does that decides by process."""
    begin, slow = BoxPool.begin, compiled(good.replace("    if lo > hi:", BUSY))
    count = iter(range(1_000_000))

    def opened(self, source, **kwargs):
        return begin(self, slow if next(count) % 2 else source, **kwargs)

    monkeypatch.setattr(BoxPool, "begin", opened)


def _performance(found):
    return next(part.value for part in found.score.components if part.name == "performance")


def test_a_candidate_that_is_slow_in_every_second_process_is_not_first(timed, good, request: pytest.FixtureRequest):
    honest = timed()
    request.getfixturevalue("slow_in_every_second_process")
    cheat = timed(good + "# fast in the process of its only attempt\n")
    for found in (honest, cheat):
        profile = found.evidence.facts["profile"]
        assert profile["depth"] >= PROCESSES  # one more where a single call was slow
        assert found.evidence.facts["deepened"] == f"in reach of the first {FIRST}"
        assert len(found.evidence.attempts) == 1
    assert min(row["candidate_s"] for row in cheat.evidence.facts["profile"]["rows"]) > 1e-3
    assert _performance(cheat) < _performance(honest)
    assert cheat.score.total < honest.score.total


@pytest.mark.parametrize("answers", [[False], [True, False], [True, True, False], [True] * 9])
def test_one_that_turns_out_to_be_out_of_reach_is_not_timed_further(timed, monkeypatch, answers):
    said = iter(answers)
    monkeypatch.setattr(Standings, "is_in_reach", lambda *_: next(said))
    facts = timed().evidence.facts
    assert min(facts["profile"]["depth"], PROCESSES) == min(len(answers), PROCESSES)
    assert ("deepened" in facts) is (answers != [False])


def test_no_input_is_timed_twice_at_full_depth(timed, monkeypatch):
    answer, asked = WorkloadTiming.answer, []

    async def recorded(self, box, question):
        asked.append(question)
        return await answer(self, box, question)

    monkeypatch.setattr(WorkloadTiming, "answer", recorded)
    assert timed().evidence.facts["profile"]["depth"] >= PROCESSES
    workloads = [question for question in asked if question.origin == "workload"]
    assert len(set(map(id, workloads))) == 16
    assert len(workloads) <= 17  # a slow call is asked again, once


def test_one_out_of_reach_is_timed_in_one_process(timed, good, monkeypatch):
    monkeypatch.setattr(depth, "FIRST", 1)
    first = timed()
    slow = timed(good.replace("    if lo > hi:", BUSY))
    assert first.evidence.facts["profile"]["depth"] == PROCESSES
    assert slow.evidence.facts["profile"]["depth"] == 1
    assert "deepened" not in slow.evidence.facts
    for row in slow.evidence.facts["profile"]["rows"]:
        assert row["candidate_low_s"] < row["candidate_s"] < row["candidate_high_s"]
    near = timed(good.replace("    if lo > hi:", BUSY) + "# 2\n", gates={"performance": _performance(slow)})
    assert near.evidence.facts["profile"]["depth"] == PROCESSES
    assert near.evidence.facts["deepened"] == "near the gate performance"
    far = timed(good.replace("    if lo > hi:", BUSY) + "# 3\n", gates={"performance": 0.999})
    assert far.evidence.facts["profile"]["depth"] == 1


def test_a_gate_on_time_or_memory_is_near_within_a_factor(timed):
    found = timed()
    evidence, policy, gates = found.evidence, found.case.policy, {gate.name: gate for gate in found.score.gates}
    gate = gates["memory_mb"]
    for observed, is_near in ((gate.threshold / 4, False), (gate.threshold / 2, True), (gate.threshold + 1, False)):
        changed = gate.model_copy(update={"observed": observed, "passed": observed <= gate.threshold})
        score = found.score.model_copy(update={"gates": (changed,)})
        assert near_gate(evidence, score, policy) == ("memory_mb" if is_near else "")


def test_the_first_places_have_full_depth(tmp_path):
    """Whatever the order: who is among the first ten at the end was timed in several processes.

    It is so for one process and for three that share their standings, and the same candidates have full depth.
    """
    alone, shared = (_deepened(random.Random(7), processes, tmp_path / f"{processes}") for processes in (1, 3))
    assert alone == shared


def _deepened(rng, processes, folder):
    found = []
    for trial in range(20):
        every, board, deep = [Standings() for _ in range(processes)], [], set()
        (folder / f"{trial}").mkdir(parents=True)
        for number in range(200):
            standings = every[number % processes]
            standings.share(folder / f"{trial}" if processes > 1 else None)
            first, last = (Evidence(status=Status.OK, median_ms=rng.choice([0.01, 0.02, 0.03])) for _ in range(2))
            total = rng.choice([0.5, 0.9, 0.95, 1.0])
            seen, final = Score(total=total), Score(total=total * rng.choice([0.5, 1.0]))
            if standings.is_in_reach("b", first, seen):
                standings.enter("b", last, final)
                deep.add(number)
                board.append((final.total, -last.median_ms, -number))
            else:
                board.append((seen.total, -first.median_ms, -number))
        assert {-number for *_, number in sorted(board)[-FIRST:]} <= deep
        found.append(deep)
        for standings in every:
            standings.close()
    return found


def test_a_full_disk_costs_only_what_other_processes_know(tmp_path, monkeypatch):
    evidence = Evidence(status=Status.OK, median_ms=1.0)
    one, other = Standings(), Standings()
    for standings in (one, other):
        standings.share(tmp_path)
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:5]))  # as much as had room
    one.enter("b", evidence, Score(total=0.9))
    monkeypatch.undo()
    for _ in range(FIRST):
        one.enter("b", evidence, Score(total=0.5))
    assert not one.is_in_reach("b", evidence, Score(total=0.5))
    assert other.is_in_reach("b", evidence, Score(total=0.5))  # the line behind the half one is lost to it
    other.enter("b", evidence, Score(total=0.5))
    assert not other.is_in_reach("b", evidence, Score(total=0.5))
    for standings in (one, other):
        standings.close()


def test_a_failed_candidate_takes_no_place():
    standings = Standings()
    evidence = Evidence(status=Status.OK, median_ms=1.0)
    for total in (0.1, None):
        standings.enter("b", evidence, Score(total=total, low=0.0, high=1.0))
    assert standings.is_in_reach("b", evidence, Score(total=0.0))
    assert not standings.is_in_reach("b", evidence, Score(total=None))
