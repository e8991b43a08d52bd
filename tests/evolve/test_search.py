"""A search ends with the same rows whatever happens to its process, and pays for nothing twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from concurrent.futures import Future

import pytest

from harness.cli import main
from harness.core.errors import LedgerError
from harness.core.score import Score
from harness.evolve.config import read_experiments
from harness.evolve.pools import Pools
from harness.evolve.search import Search
from harness.evolve.state import ELITE, MIGRANT
from harness.judge.pool import JudgePool
from harness.judge.verdict import Verdict
from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials
from tests.evolve.conftest import CONFIG, OTHER, START, outcome, search, start_crucible, write_project
from tests.judge.test_pool import judges_of


def test_a_search_ends_with_a_confirmed_champion_that_is_smaller_than_its_seed_parent(whole):
    _, result, rows = whole
    (champion,) = result.champions
    assert champion.confirmed
    assert champion.trial.passed
    starts = [one for one in rows.values() if one.operator.startswith("start:")]
    assert champion.trial.verdict["measures"]["size"] < min(one.verdict["measures"]["size"] for one in starts)
    assert result.trace == [(0, "total"), (1, "total"), (2, "total")]
    assert result.trials == result.judged == len(rows)
    assert sum(found["trials"] for found in result.stages.values()) == len(rows)


def test_failures_are_never_parents_and_have_no_score(whole):
    _, _, rows = whole
    failed = {one.digest for one in rows.values() if not one.passed and one.stage not in ("known", "duplicate")}
    passed = {one.digest for one in rows.values() if one.passed}
    assert failed
    for one in rows.values():
        assert not set(one.parents) & (failed - passed)
    assert all(one.score is None for one in rows.values() if one.stage in ("parse", "gate", "duplicate", "screen"))


def test_owners_are_judged_for_a_tighter_epoch_and_champions_confirmed_before_they_migrate(whole):
    _, _, rows = whole
    elites = [one for one in rows.values() if one.operator == ELITE]
    assert {one.epoch for one in elites} == {1, 2}
    assert all(one.stage in ("rescored", "confirmed") and one.passed for one in elites)
    migrants = [one for one in rows.values() if one.operator == MIGRANT]
    assert {one.generation for one in migrants} == {1}
    assert {one.stage for one in migrants} == {"confirmed"}
    assert {one.island for one in migrants} == {0, 1}


def test_killed_processes_end_with_the_same_champion(whole, project, tmp_path):
    _, result, rows = whole
    ledger = tmp_path / "ledger.db"
    for judged, sent in ((3, signal.SIGKILL), (14, signal.SIGINT)):
        process = start_crucible("evolve", project, "--ledger", ledger, "--lanes", 1, cwd=tmp_path)
        while process.poll() is None:
            try:
                with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, timeout=5) as connection:
                    done = connection.execute("SELECT count(*) FROM trials WHERE judged_at IS NOT NULL").fetchone()[0]
            except sqlite3.OperationalError:  # not made yet
                done = 0
            if done >= judged:
                process.send_signal(sent)
                process.wait()
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
        process.communicate()
        assert process.returncode in (-signal.SIGKILL, 130)
    ended, others = search(project, ledger)
    assert outcome(others) == outcome(rows)
    assert [one.trial.digest for one in ended.champions] == [one.trial.digest for one in result.champions]


def test_the_same_with_two_lanes_whose_first_verdicts_on_seed_parents_are_late(whole, project, tmp_path, monkeypatch):
    """As on a machine that is too busy: the first verdict of each kind says that a time limit was exceeded."""
    _, result, rows = whole
    submit, late = Pools.submit, set()

    def submit_late(self, tool, source, *, screen=False, **given):
        found = submit(self, tool, source, screen=screen, **given)
        if source not in (START, OTHER) or (source, screen) in late:
            return found
        late.add((source, screen))
        before = found.result().evaluation
        attempt = before.evidence.attempts[0].replace(status="timeout", why="no answer in a call within 2 s")
        evidence = before.evidence.replace(status="timeout", why=attempt.why, attempts=(attempt,))
        busy = Future()
        busy.set_result(Verdict(before.model_copy(update={"evidence": evidence, "score": Score(total=None)})))
        return busy

    monkeypatch.setattr(Pools, "submit", submit_late)
    ended, others = search(project, tmp_path / "ledger.db", lanes=2)
    assert len(late) == 4
    changed = [(one, other) for one, other in zip(outcome(others), outcome(rows), strict=True) if one != other]
    assert [one[6:] for one, _ in changed] == [("again", "ok", True)] * 2  # the seed parents, which were asked again
    assert [one[:6] for one, _ in changed] == [other[:6] for _, other in changed]
    assert [one.trial.digest for one in ended.champions] == [one.trial.digest for one in result.champions]


def test_a_finished_search_judges_nothing_again(whole, project, monkeypatch):
    ledger, result, rows = whole

    def refused(*_args, **_kwargs):
        raise AssertionError("a pool was opened")

    monkeypatch.setattr(JudgePool, "__init__", refused)
    again, others = search(project, ledger)
    assert again.judged == 0
    assert others == rows
    assert again.champions == result.champions


def test_verdicts_are_rows_that_every_verb_reads(whole):
    path, result, _ = whole
    (champion,) = result.champions
    with Ledger.read(path) as ledger:
        board = queries.leaderboard(ledger)
        assert champion.trial.digest in {row["digest"] for row in board}
        assert {row["suite"] for row in board} == {"evolve/sums/total"}
        lineage = queries.lineage(ledger, champion.trial.digest)
        assert min(row["generation"] for row in lineage) < 0, "it has ancestors"
        assert queries.pareto(ledger)
        assert queries.trend(ledger, champion.trial.digest)


def test_two_searches_of_one_experiment_refuse_each_other(project, tmp_path):
    experiment = read_experiments(project)[0]
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        Search(experiment, project, ledger)
        other = start_crucible("evolve", project, "--ledger", tmp_path / "ledger.db", cwd=tmp_path)
        _, errors = other.communicate()
        assert other.returncode == 1
        assert "is being searched by process" in errors


def test_two_searches_share_a_ledger(whole, project, tmp_path):
    _, _, rows = whole
    ledger = tmp_path / "ledger.db"
    with Ledger.open(ledger) as opened:
        short = {"generations": 1, "finalists": 0}
        first = Search(read_experiments(project)[0].replace(**short), project, opened, lanes=1)
        other, _ = search(project, ledger, name="others", **short)  # while the first one is held
        first.run()
        starts = {number: one for number, one in rows.items() if one.generation == 0}
        assert outcome(first.trials.rows) == outcome(starts)
    assert other.champions[0].trial.passed


def test_a_search_on_a_cluster_has_the_trials_of_one_machine(whole, project, tmp_path):
    pytest.importorskip("distributed", reason="a cluster needs the extra `cluster`")
    _, _, rows = whole
    file = project.with_name("cluster.yaml")
    file.write_text(
        project.read_text().replace("generations: 3", "generations: 1").replace("finalists: 1", "finalists: 0")
    )
    ledger = tmp_path / "ledger.db"
    process = start_crucible("evolve", file, "--ledger", ledger, "--cluster", "local", cwd=tmp_path)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    with Ledger.open(ledger) as opened:
        experiment = read_experiments(file)[0]
        found = Trials.begin(opened, experiment.key, lane=experiment.domain, config=experiment.to_wire())
    assert outcome(found.rows) == outcome({number: one for number, one in rows.items() if one.generation == 0})


@pytest.mark.parametrize(
    ("config", "address", "said"),
    [
        (CONFIG, "tcp://192.0.2.1:8786", "unencrypted"),
        (CONFIG, "nowhere", "is not the address of a cluster"),
        (
            "name: climb\ndomain: spec\ntools: {png: png.yaml}\noptions: {samples: [a.png]}\n",
            "local",
            "on this machine only",
        ),
    ],
)
def test_a_cluster_that_cannot_be_used_is_wrong_usage(tmp_path, capsys, config, address, said):
    file = write_project(tmp_path / "project", config=config)
    command = ["evolve", file, "--ledger", tmp_path / "ledger.db", "--cluster", address]
    assert main([str(word) for word in command]) == 4
    assert said in capsys.readouterr().err


def test_killed_judges_change_nothing(whole, project, tmp_path, monkeypatch):
    """Their candidates are judged again, and no candidate is blamed."""
    _, _, rows = whole
    submit, killed = JudgePool.submit, []

    def killing(self, *args, **kwargs):
        found = submit(self, *args, **kwargs)
        if not killed:
            killed.extend(judges_of(self))
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
        return found

    monkeypatch.setattr(JudgePool, "submit", killing)
    _, others = search(project, tmp_path / "ledger.db", generations=1, finalists=0)
    assert killed
    assert outcome(others) == outcome({number: one for number, one in rows.items() if one.generation == 0})


def test_the_ledger_of_a_full_disk_ends_the_search_with_one_sentence(project, tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise LedgerError("the disk is full", where="ledger.db", fix="make room")

    with Ledger.open(tmp_path / "ledger.db") as ledger:
        running = Search(read_experiments(project)[0], project, ledger, lanes=1)
        with monkeypatch.context() as patch:
            patch.setattr(Trials, "complete", full)
            with pytest.raises(LedgerError, match="the disk is full"):
                running.run()


def test_limits_end_a_search_at_a_barrier_and_it_continues_from_there(whole, project, tmp_path):
    _, _, rows = whole
    ledger = tmp_path / "ledger.db"
    first, some = search(project, ledger, candidates=8, finalists=0)
    assert first.reason == "10 candidates"
    assert len([one for one in some.values() if one.operator not in (ELITE, MIGRANT)]) == 10
    second, others = search(project, ledger, finalists=0)
    assert second.judged == second.trials - first.trials > 0
    assert {number: one.digest for number, one in others.items()} == {n: one.digest for n, one in rows.items()}
