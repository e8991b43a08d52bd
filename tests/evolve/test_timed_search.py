"""With measured times a search is a function of its rows, and a machine that is slower by now changes nothing."""

from __future__ import annotations

import ast
import math
import random
from concurrent.futures import Future
from pathlib import Path

import pytest

from harness.core.paired import Comparison, settle
from harness.evolve import finals
from harness.evolve.pools import OWN, Pools
from harness.evolve.state import ELITE
from harness.judge.verdict import Verdict
from harness.lanes.toolgen.paired_timing import MAX_GROUPS, MIN_GROUPS
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials
from tests.evolve.conftest import CONFIG, outcome, search, write_project

KILLS = 20
TIMED = CONFIG.replace("timing: none", "timing: cpu").replace("generations: 3", "generations: 4")


class Killed(BaseException):
    """Stands for the end of the process: nothing handles it."""


def work(text: str) -> float:
    """A time that depends on the candidate alone, and not on its comments: one step for each statement."""
    return 2 ** (sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(text))) / 3)


class Machine:
    """Judges in pools that stay open, and measures times of its own making.

    Attributes:
        slowness: The factor of the next measurement.
        slowest_ms: The slowest call in the first generation; None for what was measured.
        asked: Inputs, epoch and source of all verdicts.
    """

    def __init__(self) -> None:
        self.open, self.slowness, self.asked = {}, lambda: 1.0, []
        self.slowest_ms = None

    def timed(self, evaluation, text, lane, slowest_ms=None, against=None):
        rows = [{"size": 1, "candidate_s": work(text) * self.slowness(), "reference_s": 1e6}]
        facts = {**evaluation.evidence.facts, "profile": {"rows": rows}}
        if against is not None:
            facts["against"] = {"time": self.paired(text, *against), "growth": [0.0]}
        facts |= {"slowest_ms": slowest_ms} if slowest_ms is not None else {}
        evidence = evaluation.evidence.replace(facts=facts)
        score = lane.score(evidence, evaluation.case.policy)
        return evaluation.model_copy(update={"evidence": evidence, "score": score})

    def paired(self, text, other, step):
        found = []
        while len(found) < MAX_GROUPS and not (len(found) >= MIN_GROUPS and settle([one / step for one in found])[1]):
            found.append(math.log(work(text) * self.slowness() / work(other) / self.slowness()))
        return found

    def another_round(self, before, lane, context, **_given):
        """A round with a paired measurement so coarse that one alone does not decide."""
        source = Path(before.case.subject.path).read_text()
        after = self.timed(before, source, lane)
        for opponent in context.opponents[before.case.nodeid]:
            ratio = work(source) * self.slowness() / work(Path(opponent.subject.path).read_text()) / self.slowness()
            found = Comparison(verdict="underpowered", why="", role="parent", ratio=ratio, deviation=0.1)
            after = after.model_copy(update={"evidence": after.evidence.replace(comparisons=(found,))})
        return after

    def get(self, real):
        def get(pools, inputs=OWN):
            if inputs not in self.open:
                self.open[inputs] = real(pools, inputs)
            return self.open[inputs]

        return get

    def submit(self, real):
        def submit(pools, tool, source, *, epoch, screen=False, allow_slow=True, inputs=OWN, against=None):
            self.asked.append((inputs, epoch, source, screen))
            given = {"epoch": epoch, "screen": screen, "allow_slow": allow_slow, "inputs": inputs}
            found, judged = Future(), real(pools, tool, source, **given).result()
            slowest, evaluation = self.slowest_ms if inputs == OWN and not epoch else None, judged.evaluation
            if judged.passed and not screen:
                evaluation = self.timed(evaluation, source, pools.lane(tool), slowest, against)
            found.set_result(Verdict(evaluation))
            return found

        return submit


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return write_project(tmp_path_factory.mktemp("timed"), config=TIMED)


@pytest.fixture(scope="module")
def machine():
    machine = Machine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pools, "get", machine.get(Pools.get))
        patch.setattr(Pools, "submit", machine.submit(Pools.submit))
        patch.setattr(Pools, "close", lambda pools: None)
        patch.setattr(finals, "another_round", machine.another_round)
        yield machine
    for pool in machine.open.values():
        pool.close()


@pytest.fixture(scope="module")
def whole(project, machine, tmp_path_factory):
    """Result and rows of a search on a quiet machine."""
    return search(project, tmp_path_factory.mktemp("whole") / "ledger.db")


def times(rows):
    return {number: one.verdict["measures"]["time"] for number, one in rows.items() if "measures" in one.verdict}


def test_measured_times_decide(whole):
    _, rows = whole
    assert {one.stage for one in rows.values()} >= {"judged", "screen", "rescored", "confirmed"}
    assert len({round(time, 6) for time in times(rows).values()}) > 1


def test_twenty_kills_at_random_end_with_the_same_rows_and_nothing_is_judged_twice(
    whole, project, machine, tmp_path, monkeypatch
):
    result, rows = whole
    ledger, rng, left, ended = tmp_path / "ledger.db", random.Random(5), KILLS, None
    writes = 0

    def cutting(write):
        def cut(self, *args):
            nonlocal writes
            writes -= 1
            if writes == 0 and rng.random() < 0.5:
                raise Killed
            write(self, *args)
            if writes == 0:
                raise Killed

        return cut

    for name in ("propose", "complete"):
        monkeypatch.setattr(Trials, name, cutting(getattr(Trials, name)))
    while ended is None:
        with Ledger.open(ledger) as opened:
            known = Trials.begin(opened, result.experiment, lane="toolgen", config={})
            judged = {
                known.source(one.digest) for one in known.rows.values() if one.is_judged and one.operator != ELITE
            }
        machine.asked.clear()
        writes = rng.randint(1, 2) if left else -1
        try:
            ended, others = search(project, ledger)
        except Killed:
            left -= 1
        assert not {source for inputs, _, source, _ in machine.asked if inputs == OWN} & judged
    assert not left
    assert outcome(others) == outcome(rows)
    assert times(others) == times(rows)
    assert [one.trial.digest for one in ended.champions] == [one.trial.digest for one in result.champions]


@pytest.mark.parametrize(("slowness", "seed"), [(0.96, 3), (1.6, 5)])
def test_noise_and_a_machine_that_is_slower_by_now_change_no_decision(
    whole, project, machine, tmp_path, monkeypatch, slowness, seed
):
    """The seed parents were measured before that, and each measurement has its own noise (4 %, a sixth of a step)."""
    result, rows = whole
    rng, begun = random.Random(seed), len([one for one in rows.values() if one.generation == 0])

    def current() -> float:
        late = sum(inputs == OWN and not screen for inputs, _, _, screen in machine.asked) > begun
        return rng.uniform(0.96, 1.04) * (slowness if late else 1.0)

    machine.asked.clear()
    monkeypatch.setattr(machine, "slowness", current)
    ledger = tmp_path / "ledger.db"
    ended, others = search(project, ledger)
    assert [one[:6] for one in outcome(others)] == [one[:6] for one in outcome(rows)]
    assert [one.trial.digest for one in ended.champions] == [one.trial.digest for one in result.champions]
    assert [one.faster for one in ended.champions] == [one.faster for one in result.champions]
    with Ledger.read(ledger) as opened:
        text = {one.digest: Trials(opened, ended.experiment).source(one.digest) for one in others.values()}
    time = {one.digest: one.verdict["measures"]["time"] for one in others.values() if "measures" in one.verdict}
    pairs = [(one.digest, one.parents[0]) for one in others.values() if one.digest in time and one.parents]
    same = [pair for pair in pairs if work(text[pair[0]]) == work(text[pair[1]]) and pair[0] != pair[1]]
    assert same
    assert all(time[mine] == time[parent] for mine, parent in same)


def test_a_call_that_was_slow_on_a_busy_machine_costs_no_cell(whole, project, machine, tmp_path, monkeypatch):
    """The budget is 2,000 ms for the first generation, and less for all others."""
    result, rows = whole
    monkeypatch.setattr(machine, "slowest_ms", 1999.0)
    ended, others = search(project, tmp_path / "ledger.db")
    assert [one[:6] for one in outcome(others)] == [one[:6] for one in outcome(rows)]
    assert {
        one.stage for one in others.values() if one.operator == ELITE and (one.generation, one.island) == (1, 0)
    } == {"again"}
    assert [one.trial.digest for one in ended.champions] == [one.trial.digest for one in result.champions]
