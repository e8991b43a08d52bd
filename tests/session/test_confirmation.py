"""Finalists are judged again before anybody is called first."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from types import SimpleNamespace

import pytest

from harness import hooks
from harness.ledger.lookup import RECORD
from harness.session.confirmation import Confirmation, Job
from harness.session.finalists import LEADER, Contender
from tests.test_plugin_faults import start, wait_for  # noqa: F401 - a fixture

COINS = '''

class Coins:
    """A subject says how it fails: `quarter` for one hash seed in four, `later` on any input but the run's own."""

    name, options, untrusted, boxed, min_tier = "coins", Options, (), False, None
    components = ("worth",)

    def collect(self, suite):
        for name, text in suite.options.inline.items():
            yield harness.Case(
                lane=self.name, suite=suite.name, name=name, subject=harness.Subject.from_bytes(name, name.encode()),
                inputs={"text": text}, policy=suite.policy, line=suite.line("inline", name),
            )

    def evaluate(self, case, context):
        kind, _, worth = case.inputs["text"].partition(" ")
        run, mine = Path("seed"), Path(f"seed-{os.getpid()}")
        if not run.exists():  # several workers may be here at once: none may read half a seed
            mine.write_text(str(context.secret_seed))
            mine.replace(run)
        fresh = run.read_text() != str(context.secret_seed)
        with Path("log").open("a") as log:
            print(case.name, case.policy.attempts, fresh, os.getpid(), file=log)
        if fresh and kind == "gone":
            raise harness.core.errors.InfraError("its file changed")
        if fresh and kind == "hang":
            Path("started").touch()
            time.sleep(60)
        if kind == "none":
            return harness.Evidence(status="ok", facts={"worth": float(worth)})
        made = []
        for index in range(case.policy.attempts):
            seed = context.hash_seed(index)
            bad = kind == "wrong" or (kind == "later" and fresh) or (kind == "quarter" and seed % 4 == 0)
            made.append(harness.core.evidence.Attempt(
                index=index, seed=index, hash_seed=seed, status="wrong" if bad else "ok", answers=str(bad)
            ))
        bad = sum(one.status == "wrong" for one in made)
        status = "ok" if not bad else "wrong" if bad == len(made) else "flaky"
        value = float(worth or 1.0)
        if kind == "lucky" and fresh:
            value /= 2
        return harness.Evidence(
            status=status, why="" if status == "ok" else f"{bad} of {len(made)}", attempts=tuple(made),
            facts={"worth": value}, seconds=30.0 if kind == "slow" else 0.001 * len(made), median_ms=1.0,
        )

    def score(self, evidence, policy):
        if len(evidence.attempts) == 14 and evidence.facts["worth"] == 0.75:
            raise ArithmeticError("cannot score this")
        return judge(evidence, policy, [Component(name="worth", value=evidence.facts["worth"], weight=1.0)])


import harness.core.errors, harness.core.evidence


@hookimpl
def crucible_lanes():
    return [Words(), Coins()]
'''


@pytest.fixture
def coins(project):
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + COINS)

    def suite(name="a", *, more="", **inline):
        project.put(f"{name}.suite.yaml", f"lane: coins\ninline: {json.dumps(inline)}\n{more}")

    project.coins = suite
    return project


def stored(project):
    sql = """SELECT subject, status, attempts, confirmed FROM evaluations
             WHERE run_id = (SELECT max(run_id) FROM runs)"""
    return {name: rest for name, *rest in project.rows(sql)}


@pytest.mark.parametrize("extra", [(), ("-n2",)], ids=["serial", "-n2"])
def test_the_ladder(coins, extra):
    coins.coins(**{f"c{rank:02}": f"sure {1 - rank / 100}" for rank in range(12)}, bad="wrong 1.0")
    result = coins.run("--confirm", "60", *extra)
    result.assert_outcomes(passed=12, failed=1)
    rungs = {rank: 59 if rank < 3 else 20 if rank < 10 else 3 for rank in range(12)}
    expected = {f"c{rank:02}": ["ok", count, int(count > 3)] for rank, count in rungs.items()}
    assert stored(coins) == expected | {"bad": ["wrong", 3, None]}
    result.stdout.fnmatch_lines(
        [" 1  c00 *p<5% *", " 4  c03 *p<14% *", "confirmed on fresh inputs: 14 evaluations in * s"]
    )
    # On the controller, when everybody is done, and never what failed.
    log = [line.split() for line in (coins.path / "log").read_text().splitlines()]
    assert {name for name, _, fresh, _ in log if fresh == "True"} == {f"c{rank:02}" for rank in range(10)}
    assert len({pid for *_, fresh, pid in log if fresh == "True"}) == 1
    first_fresh = next(place for place, line in enumerate(log) if line[2] == "True")
    assert all(line[2] == "True" for line in log[first_fresh:])


def test_only_leaders_are_confirmed_unless_more_is_asked_for(coins):
    coins.coins(first="sure 0.9", other="sure 0.9", third="sure 0.5")
    coins.run()
    assert coins.rows("SELECT max(attempts), min(attempts), sum(attempts) FROM evaluations") == [(14, 3, 20)]


@pytest.mark.parametrize("extra", [(), ("-n2",)], ids=["serial", "-n2"])
def test_who_fails_on_fresh_inputs_drops_and_so_does_the_run(coins, extra):
    coins.coins(later="later 1.0", sure="sure 0.9")
    result = coins.run("--confirm", "60", *extra)
    assert result.ret == 1
    found = stored(coins)
    assert found["later"][0] == "wrong"
    assert found["sure"] == ["ok", 59, 1]
    result.stdout.fnmatch_lines(
        [
            "NOT GOOD  1 of 2 candidates fails",
            " 1  sure *",
            "next  a.suite.yaml::later passed, but not its confirmation: wrong: * pytest 'a.suite.yaml::later' *",
        ]
    )


def test_gates_see_what_the_confirmation_made_of_it(coins):
    coins.coins(later="later 1.0", sure="sure 0.9")
    coins.run("--gate", 'count(status == "ok") == 2').stdout.fnmatch_lines(["gate * FAILS: observed 1,*"])


def test_the_score_of_a_champion_is_not_the_one_that_won(coins):
    coins.coins(lucky="lucky 1.0", sure="sure 0.9")
    result = coins.run()
    result.stdout.fnmatch_lines([" 1  sure *0.900*", " 2  lucky *0.500*"])
    [[record]] = coins.rows(f"SELECT {RECORD} FROM evaluations WHERE subject = 'lucky'")
    assert json.loads(record)["evidence"]["facts"]["confirmation"][0]["score_before"] == 1.0


def test_a_gate_may_fail_in_the_confirmation(coins):
    coins.coins(lucky="lucky 1.0", more="gates: {score: 0.8}\n")
    result = coins.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["next  *::lucky passed, but not its confirmation: score 0.5 fails >= 0.8: pytest *"])


@pytest.mark.parametrize("kind", ["slow", "gone"])
def test_what_cannot_be_confirmed_is_not_called_first(coins, kind):
    coins.coins(champion=f"{kind} 1.0", sure="sure 0.9")
    result = coins.run()
    assert result.ret == 0
    assert stored(coins)["champion"] == ["ok", 3, 0]
    result.stdout.fnmatch_lines(
        [
            " ?  champion *",
            "    └ unconfirmed: 3 attempts with 3 hash seeds; first place needs 14 hash seeds",
            " 2  sure *",
        ]
    )
    if kind == "slow":
        line = next(line for line in result.outlines if line.startswith("next  "))
        told = re.fullmatch(r"next  a\.suite\.yaml::champion leads unconfirmed: pytest 'a\.suite\.yaml' (.*)", line)
        assert re.fullmatch(r"--epoch 0 --confirm \d+", told[1])


def test_among_equals_the_confirmed_one_is_first(coins):
    coins.coins(slow="slow 0.9", sure="sure 0.9")
    coins.run("--confirm", "60").stdout.fnmatch_lines(["1?2  sure *", "  ?  slow *"])


def test_every_board_gets_as_far_as_first_place_before_anybody_climbs_on(coins):
    for name in ("a", "b"):
        coins.coins(name, **{f"{name}1": "sure 0.9", f"{name}2": "sure 0.9", f"{name}3": "sure 0.5"})
    coins.run("--confirm", "60")
    fresh = [line.split()[:2] for line in (coins.path / "log").read_text().splitlines() if line.split()[2] == "True"]
    leaders, sharing = fresh[:2], fresh[2:4]
    assert {count for _, count in leaders + sharing} == {"11"}
    assert {name[0] for name, _ in leaders} == {"a", "b"} == {name[0] for name, _ in sharing}
    assert {name for name, _ in leaders + sharing} == {"a1", "a2", "b1", "b2"}
    assert "11" not in {count for _, count in fresh[4:]}


def test_it_can_be_switched_off(coins):
    coins.coins(sure="sure 1.0")
    for extra in (("--confirm", "0"), ()):
        if not extra:
            coins.put("pyproject.toml", "[tool.crucible]\nconfirm = 0\n")
        result = coins.run(*extra)
        assert result.ret == 0
        assert "confirmed on fresh" not in result.stdout.str()
        assert stored(coins) == {"sure": ["ok", 3, 0]}


def test_nothing_takes_part_that_makes_no_attempts_or_is_planted(coins):
    coins.coins(none="none 1.0", sure="sure 0.5", more="expect: {sure: ok}\n")
    result = coins.run()
    assert stored(coins) == {"none": ["ok", 0, None], "sure": ["ok", 3, None]}
    assert "confirmed on fresh" not in result.stdout.str()
    result.stdout.fnmatch_lines([" 1  none *"])


def test_a_run_that_was_stopped_knows_no_finalists(coins):
    coins.coins(sure="sure 1.0", bad="wrong 1.0", other="sure 0.5")
    coins.run("-x")
    assert stored(coins)["sure"] == ["ok", 3, 0]


def test_places_are_those_of_the_ledger(coins):
    coins.coins(**{f"c{rank:02}": f"sure {1 - rank / 100}" for rank in range(12)})
    coins.run()
    (coins.path / "log").unlink()
    coins.run("-k", "c11", "--secret-seed", (coins.path / "seed").read_text())
    assert stored(coins) == {"c11": ["ok", 3, 0]}  # nobody comes near the first ten by being alone
    for extra in (("--limit", "2"), ("--shard", "1/2")):
        assert coins.run(*extra).ret == 0


@pytest.mark.parametrize("extra", [(), ("-n2",)], ids=["serial", "-n2"])
def test_ctrl_c_loses_nothing(coins, start, extra):  # noqa: F811
    coins.coins(first="hang 1.0", sure="sure 0.9", bad="wrong 0.1")
    process = start("--confirm", "500", *extra)
    wait_for(coins.path / "started")
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert "Traceback" not in output
    assert "the confirmation was interrupted" in output
    assert {name: rest[0] for name, rest in stored(coins).items()} == {"first": "ok", "sure": "ok", "bad": "wrong"}
    assert coins.rows("SELECT status FROM runs") == [("aborted",)]


def test_a_failure_of_ours_is_said_and_the_rest_follows(coins):
    coins.coins(sure="sure 0.75")
    result = coins.run()
    assert result.ret == 1
    assert stored(coins) == {"sure": ["ok", 3, 0]}
    result.stdout.fnmatch_lines(
        ["exit status 1: the confirmation failed: ArithmeticError: cannot score this", "report *index.html   ledger *"]
    )


def test_a_plugin_is_told_again_of_what_changed(coins):
    conftest = coins.path / "conftest.py"
    conftest.write_text(
        conftest.read_text()
        + "\n\n@hookimpl\ndef crucible_evaluated(evaluation):\n    print('told', len(evaluation.evidence.attempts))\n"
    )
    coins.coins(sure="sure 1.0")
    coins.run("-s", "--confirm", "60").stdout.fnmatch_lines(["*told 3*", "*told 14*", "*told 20*", "*told 59*"])


def test_who_must_not_be_repeated_is_no_finalist(project):
    """A program's effects happen once in a run: its lane says so, and nobody judges it again."""
    conftest = project.path / "conftest.py"
    text = conftest.read_text().replace(
        "        status = harness.Status(text)\n",
        "        with open('judged', 'a') as file:\n            file.write('x')\n"
        "        status = harness.Status(text)\n"
        "        from harness.core.evidence import Attempt\n"
        "        attempts = [Attempt(index=i, seed=i, hash_seed=i, status=status) for i in range(3)]\n"
        "        return harness.Evidence(status=status, attempts=attempts, finalist=False)\n",
    )
    conftest.write_text(text)
    project.suite(good="ok")
    result = project.run()
    assert result.ret == 0
    assert (project.path / "judged").read_text() == "x"
    assert project.rows("SELECT confirmed FROM evaluations") == [(None,)]
    result.stdout.no_fnmatch_line("*confirmed on fresh inputs*")


def test_leaders_of_other_lanes_are_judged_here_while_judge_processes_judge_theirs():
    def job(urgency: int, name: str) -> Job:
        return urgency, 1.0, Contender("run", name, "", 3, 1.0, 0.0, confirmed=False, seeds=3, leads=True), 11

    confirmation = object.__new__(Confirmation)
    lanes = hooks.Registry(built_in=hooks.BUILT_IN).lanes
    cases = {name: SimpleNamespace(lane=name.split("-")[0], timed=name.endswith("timed")) for name in (
        "toolgen-a", "toolgen-b", "toolgen-timed", "kernel-a", "kernel-b", "kernel-timed",
    )}  # fmt: skip
    confirmation._opened, confirmation._registry = SimpleNamespace(cases=cases), SimpleNamespace(lanes=lanes)
    confirmation._processes = 1

    def names(urgency: int, first: str, *, left: float = 60.0) -> list[str]:
        order = sorted(cases, key=lambda name: (name != first, name))
        return [one[2].nodeid for one in confirmation._batch([job(urgency, name) for name in order], left)]

    assert names(LEADER, "kernel-a") == ["kernel-a", "kernel-b", "toolgen-a", "toolgen-b"]
    assert names(LEADER, "toolgen-a", left=0.3) == ["toolgen-a", "kernel-a", "kernel-b"]
    assert names(LEADER, "kernel-timed") == ["kernel-timed"]
    assert names(LEADER + 1, "toolgen-b") == ["toolgen-b", "toolgen-a"]  # of one board, so kernels come in turn
