"""Judging one case: helper processes that are killed from outside cost one retry, then `infra`."""

from __future__ import annotations

import asyncio

import pytest

from harness.core.errors import InfraError, ProcessEndedError, SuiteError
from harness.judge import isolation
from harness.judge.case import judge_case, judge_case_in_loop
from harness.sandbox import probe
from harness.suites.settings import Settings
from tests.ledger.factory import make_evaluation

CASE = make_evaluation().case


class Interrupted:
    """A lane whose first observations end with an error."""

    name = "words"

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.asked = list(errors), 0

    def evaluate(self, case, context):
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return make_evaluation().evidence

    async def observe(self, case, context):
        return self.evaluate(case, context)

    def score(self, evidence, policy):
        return make_evaluation().score


KILLED = ProcessEndedError("the zygote has ended")


@pytest.mark.parametrize("judge", [judge_case, lambda *given: asyncio.run(judge_case_in_loop(*given))])
@pytest.mark.parametrize(
    ("errors", "status", "asked"),
    [
        ([KILLED], "ok", 2),
        ([KILLED, KILLED], "infra", 2),
        ([InfraError("no box")], "infra", 1),
        ([MemoryError()], "infra", 1),
    ],
)
def test_a_killed_process_costs_one_retry(judge, errors, status, asked):
    lane = Interrupted(*errors)
    found = judge(CASE, lane, type("Context", (), {"tier": None}))
    assert (found.evaluation.status, lane.asked) == (status, asked)


@pytest.mark.parametrize("error", [SuiteError("it raised", where="{}/oracle.py:3"), OSError("{}/oracle.py is gone")])
def test_a_reason_does_not_say_where_on_the_machine_the_work_is_done(error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    for folder, shown in ((tmp_path, "oracle.py"), (tmp_path.parent / "other", "~/other/oracle.py")):
        given = type(error)(*[str(one).format(folder) for one in error.args])
        if isinstance(error, SuiteError):
            given.where = error.where.format(folder)
        why = judge_case(CASE, Interrupted(given), type("Context", (), {"tier": None})).evaluation.evidence.why
        assert shown in why
        assert str(tmp_path.parent) not in why


def test_a_zygote_killed_while_the_tier_is_proved_costs_one_retry(monkeypatch, tmp_path):
    proof, killed = probe.probe, []

    def killed_once(paths, *, pool):
        if not killed:
            killed.append(pool)
            raise KILLED
        return proof(paths, pool=pool)

    monkeypatch.setattr(probe, "probe", killed_once)
    settings = Settings(secret_seed=1, ledger=tmp_path, report=tmp_path)
    assert isolation.prove_tier([], settings, [tmp_path]).tier
    assert killed
