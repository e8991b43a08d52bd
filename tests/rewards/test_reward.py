"""Rewards: call shapes of trainers, what pays and what does not, and a judge that is checked while it works."""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import Future
from pathlib import Path

import pytest

from harness import JudgePool, reward_for
from harness.core.errors import InfraError, UsageError
from harness.core.evaluation import Evaluation
from harness.judge.verdict import Verdict
from harness.rewards.checked_judge import CheckedJudge
from tests.judge.conftest import CRASHING, GOOD, ONE_SOURCE, ORACLE, WRONG, write_tool
from tests.rewards.conftest import FAST

ALMOST = "def double(n: int) -> int:\n    return 2 * n if n != 2 else 0\n"
DOCUMENTED = """'Doubles.'


def double(n: int) -> int:
    'Return twice n: double(2) is 4.'
    return 4
"""
PROMPTS = ["Write double."] * 2


@pytest.fixture(scope="module")
def reward(pool):
    return reward_for(pool, check_every=0)


class TestCallShapes:
    def test_trl(self, reward):
        fenced = f"Sure:\n```python\n{GOOD}```"
        assert reward(prompts=PROMPTS, completions=[fenced, WRONG], completion_ids=[[1], [2]], answer=[4, 4]) == [
            1.0,
            0.0,
        ]
        messages = [[{"role": "assistant", "content": text}] for text in (WRONG, fenced)]
        assert reward(prompts=[[{"role": "user", "content": "double"}]] * 2, completions=messages) == [0.0, 1.0]
        assert reward(PROMPTS, [GOOD, WRONG]) == [1.0, 0.0]
        assert reward(prompts=[], completions=[]) == []
        assert reward.__name__ == "crucible"

    def test_trl_asynchronously(self, pool):
        reward = reward_for(pool, check_every=0, asynchronous=True)
        assert inspect.iscoroutinefunction(reward.__call__)
        assert asyncio.run(reward(prompts=PROMPTS, completions=[GOOD, WRONG])) == [1.0, 0.0]

    def test_verl(self, reward):
        assert reward("double", GOOD, "4", {"split": "train"}) == 1.0
        assert reward(data_source="double", solution_str=WRONG, ground_truth=None, extra_info=None) == 0.0
        found = reward(data_sources=["x", "y"], solution_strs=[WRONG, GOOD], ground_truths=[1, 2], extra_infos=[{}, {}])
        assert found == [0.0, 1.0]

    def test_verifiers(self, reward):
        assert asyncio.run(reward.areward(f"```python\n{GOOD}```")) == 1.0

    @pytest.mark.parametrize("named", [{}, {"completions": GOOD}, {"completions": Path("good.py")}, {"prompts": ["x"]}])
    def test_any_other_call_says_how(self, reward, named):
        with pytest.raises(TypeError, match=r"is called with completions=\[…\], or with solution_str="):
            reward(**named)

    @pytest.mark.parametrize("one", ONE_SOURCE, ids=lambda one: type(one).__name__)
    def test_one_completion_in_place_of_several_says_how(self, reward, one):
        for call in (reward.rewards, reward.verdicts, lambda given: asyncio.run(reward.averdicts(given))):
            with pytest.raises(TypeError, match=r"for a single source: rewards\(\[completion\]\)"):
                call(one)

    def test_the_tool_is_named_in_a_column(self, tool, tmp_path):
        other = write_tool(tmp_path / "other", ORACLE.replace("return 2 * n", "return 2 * n if n != 7 else 0"))
        special = "def double(n: int) -> int:\n    return 0 if n == 7 else 2 * n\n"
        with reward_for([tool, other], check_every=0, **FAST) as reward:
            assert reward(prompts=PROMPTS, completions=[special, special], tool=["other", "other"]) == [1.0, 1.0]
            assert reward("other", special, "") == 1.0
            assert reward("mbpp", GOOD, "", {"tool": "double"}) == 1.0
            with pytest.raises(UsageError, match="name one"):
                reward(prompts=["x"], completions=[GOOD])


class TestWhatPays:
    def test_a_wrong_candidate_earns_nothing_however_well_it_is_documented(self, reward):
        assert reward("", DOCUMENTED, "") == 0.0

    def test_graded_pays_half_the_share_of_right_answers_for_wrong_alone(self, pool):
        reward = reward_for(pool, "graded", check_every=0)
        good, almost, documented, crashing = reward(PROMPTS * 2, [GOOD, ALMOST, DOCUMENTED, CRASHING])
        assert (good, crashing) == (1.0, 0.0)
        assert 0.0 < documented < almost < 0.5

    @pytest.mark.parametrize(
        "completion",
        [
            "I cannot do that.",
            "",
            "x" * 10_000_000,
            "```python\n" + "x = 1\n" * 1_700_000 + "```",
            "def double(n):\n    return float('nan')\n",
            "def double(n):\n    return float('inf')\n",
            "\ud800",
            "def double(n: int) -> int:\n    return 2 * n\n\x00",
            [{"role": "assistant", "content": None, "tool_calls": []}],
        ],
        ids=["prose", "empty", "10 MB", "10 MB of code", "nan", "inf", "surrogate", "zero byte", "tool call"],
    )
    def test_no_completion_raises_or_is_paid(self, reward, completion):
        assert reward(prompts=["x"], completions=[completion]) == [0.0]

    def test_what_cannot_be_judged_is_none_and_counted_until_there_is_too_much_of_it(self, tmp_path):
        broken = write_tool(tmp_path / "broken", ORACLE.replace("return 2 * n", "raise RuntimeError"))
        with reward_for(broken, max_infra=2, check_every=0, **FAST) as reward:
            assert reward(PROMPTS, [GOOD, WRONG]) == [None, None]
            assert reward.counts["infra"] == 2
            with pytest.raises(InfraError, match=r"3 of the last 3 candidates have no reward: infra: .*RuntimeError"):
                reward("", GOOD, "")

    @pytest.mark.parametrize(
        ("named", "said"),
        [
            ({"mode": "grade"}, "unknown mode 'grade'; did you mean 'graded'"),
            ({"max_infra": -1}, "max_infra must be an integer from 0"),
            ({"max_infra": float("nan")}, "max_infra must be an integer from 0"),
            ({"check_every": -1}, "between two checks must be an integer from 0"),
            ({"epoch": 3}, "'epoch' is an option of the pool"),
        ],
    )
    def test_arguments_are_checked(self, pool, named, said):
        with pytest.raises(UsageError, match=said):
            reward_for(pool, **named)


class Broken:
    """A pool that passes or fails everything."""

    tools = ("double",)

    def __init__(self, pool: JudgePool, source: str) -> None:
        self.pool, self.source = pool, source
        self.asked: list[str] = []

    def controls(self, tool=None):
        return self.pool.controls(tool)

    def submit(self, source, **how):
        self.asked.append(source)
        return self.pool.submit(self.source, **how)

    def close(self):
        pass


class TestChecks:
    def test_controls_go_through_unmarked_and_a_sound_judge_passes(self, pool):
        asked: list[str] = []

        class Watched(Broken):
            def submit(self, source, **how):
                asked.append(source)
                return pool.submit(source, **how)

        with reward_for(Watched(pool, ""), check_every=4) as reward:
            rewards = [reward("", f"{GOOD}# {number}", "") for number in range(12)]
        assert rewards == [1.0] * 12
        assert reward.judge.degraded == ""
        assert set(reward.judge.checks) == {"honest", "always equal", "remembers the examples"}
        assert min(reward.judge.checks.values()) >= 2
        assert len(asked) == 12 + reward.judge.checks.total()
        assert len(set(asked)) == len(asked)  # no control comes twice: it would be known
        assert not [source for source in asked if "control" in source.lower() or "cheat" in source.lower()]

    @pytest.mark.parametrize(
        ("source", "what"), [(GOOD, "accepted the negative control"), (WRONG, "rejected the honest control 'honest'")]
    )
    def test_a_wrong_verdict_on_a_control_ends_all_rewards(self, pool, source, what, caplog):
        reward = reward_for(Broken(pool, source), max_infra=3, check_every=100)
        assert reward(PROMPTS, [GOOD, WRONG]) == [None, None]
        assert what in reward.judge.degraded
        assert "'double'" in reward.judge.degraded
        assert reward(["x"], [GOOD]) == [None]
        assert len([record for record in caplog.records if what in record.message]) == 1
        with pytest.raises(InfraError, match="degraded"):
            reward(["x"], [GOOD])

    def test_controls_of_the_user_come_first(self, pool, tmp_path):
        honest = tmp_path / "honest.py"
        honest.write_text(WRONG)  # a control that is itself wrong is found out at once
        reward = reward_for(pool, honest=honest, cheat=CRASHING)
        assert reward(["x"], [GOOD]) == [None]
        assert "rejected the honest control" in reward.judge.degraded

    def test_what_says_nothing_of_a_control_decides_nothing(self, pool):
        undecided = pool.judge(GOOD).evaluation.model_dump(mode="json")
        undecided["evidence"] |= {"status": "infra", "why": "the disk is full"}
        verdict = Verdict(Evaluation.model_validate(undecided))

        class Undecided(Broken):
            def submit(self, source, **how):
                found: Future[Verdict] = Future()
                found.set_result(verdict)
                return found

        judge = CheckedJudge(Undecided(pool, ""), every=1)
        judge.submit(GOOD)
        assert judge.examine() == ""

    def test_the_seed_tools_have_honest_controls_that_pass(self):
        root = inspect.getfile(JudgePool).partition("/harness/")[0]
        tools = [f"{root}/specs/tools/{name}" for name in ("text_deduplicate", "json_flatten")]
        with JudgePool(tools, **FAST) as seeds:
            for name in seeds.tools:
                controls = seeds.controls(name)
                assert seeds.judge(controls.honest, tool=name).why == "no component lost points"
                for cheat, source in controls.cheats.items():
                    assert seeds.judge(source, tool=name).reward == 0.0, cheat
