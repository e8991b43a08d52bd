"""The call shapes of searches: GEPA, OpenEvolve and SkyDiscover, verifiers, verl."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType, SimpleNamespace

import numpy
import pytest

from harness.core.errors import InfraError, UsageError
from harness.rewards import gepa, openevolve, verifiers, verl
from tests.judge.conftest import CRASHING, GOOD, ORACLE, WRONG, write_tool
from tests.rewards.conftest import FAST


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    return write_tool(tmp_path_factory.mktemp("broken") / "tool", ORACLE.replace("return 2 * n", "raise RuntimeError"))


class TestGepa:
    def test_scores_and_information(self, pool):
        evaluate = gepa.Evaluator(pool)
        (good, said), (wrong, why), (crash, _) = evaluate.batch(
            [(GOOD, None), ({"code": WRONG}, "double"), (CRASHING, {})]
        )
        assert good > 0.5 > wrong > crash == 0.0
        assert said == {"status": "ok", "feedback": "ok: it passed"}
        assert why["status"] == "wrong"
        assert evaluate(GOOD) == (good, said)

    def test_the_source_must_be_known(self, pool):
        with pytest.raises(UsageError, match="the candidate has the texts code, prompt"):
            gepa.Evaluator(pool)({"code": GOOD, "prompt": "x"})
        assert gepa.Evaluator(pool, key="code")({"code": GOOD, "prompt": "x"})[0] > 0.5

    @pytest.mark.parametrize("given", [None, 3, True, 2**40, 1.5, [104, 105]])
    def test_what_is_no_source_is_the_callers_mistake(self, pool, given):
        for candidate in (given, {"code": given}):
            with pytest.raises(TypeError, match=r"not (NoneType|int|bool|float)"):
                gepa.Evaluator(pool)(candidate)

    def test_what_cannot_be_judged_is_not_zero(self, broken):
        evaluate = gepa.Evaluator(broken, check_every=0, **FAST)
        with pytest.raises(InfraError, match=r"no verdict: infra: .*RuntimeError"):
            evaluate(GOOD)
        evaluate.close()


class TestOpenEvolve:
    def test_stages(self, pool, tmp_path, monkeypatch):
        for name in openevolve.RESULTS:  # a test of the real package may have loaded it
            monkeypatch.delitem(sys.modules, name, raising=False)
        evaluator = openevolve.Evaluator(pool)
        for name, source in {"good": GOOD, "wrong": WRONG}.items():
            (tmp_path / name).write_text(source)
        first, second = evaluator.screen(str(tmp_path / "good")), evaluator.evaluate(str(tmp_path / "good"))
        assert (first["combined_score"], first["screened"]) == (0.5, 1.0)
        assert second["combined_score"] > 0.5
        assert second["passed"] == 1.0
        wrong = evaluator.evaluate(str(tmp_path / "wrong"))
        assert wrong["combined_score"] < 0.5
        assert wrong["artifacts"]["feedback"].startswith("wrong: ")
        assert evaluator.evaluate(str(tmp_path / "missing"))["combined_score"] == 0.0
        (tmp_path / "latin").write_bytes(GOOD.encode() + b"# \xff\n")  # not what Python would run
        assert evaluator.evaluate(str(tmp_path / "latin"))["passed"] == 0.0

    def test_the_result_is_that_of_the_system_that_runs(self, pool, tmp_path, monkeypatch):
        module = ModuleType("openevolve.evaluation_result")
        module.EvaluationResult = SimpleNamespace
        monkeypatch.setitem(sys.modules, module.__name__, module)
        (tmp_path / "good").write_text(GOOD)
        found = openevolve.Evaluator(pool).evaluate(str(tmp_path / "good"))
        assert all(isinstance(value, float) for value in found.metrics.values())
        assert found.artifacts["status"] == "ok"

    def test_openevolve_itself_loads_and_calls_it(self, tool, tmp_path):
        evaluator = pytest.importorskip("openevolve.evaluator", reason="pip install openevolve")
        config = pytest.importorskip("openevolve.config").EvaluatorConfig(parallel_evaluations=2, max_retries=0)
        (tmp_path / "judge.py").write_text(
            "from harness.rewards.openevolve import Evaluator\n"
            f"e = Evaluator({str(tool)!r}, check_every=0, **{FAST!r})\n"
            "evaluate = evaluate_stage2 = e.evaluate\nevaluate_stage1 = e.screen\n"
        )
        judging = evaluator.Evaluator(config, str(tmp_path / "judge.py"))

        async def both():
            return await asyncio.gather(judging.evaluate_program(GOOD, "g"), judging.evaluate_program(WRONG, "w"))

        good, wrong = asyncio.run(both())
        assert (good["screened"], good["passed"]) == (1.0, 1.0)
        assert good["combined_score"] > 0.5 > wrong["combined_score"]
        assert "passed" not in wrong, "the first stage ended it"
        assert "wrong" in str(judging.get_pending_artifacts("w"))
        judging.evaluate_function.__self__.close()


class TestVerifiers:
    def test_it_is_awaited_with_a_completion_or_a_trace(self, pool):
        reward = verifiers.reward_of(pool)
        assert asyncio.run(reward(completion=[{"role": "assistant", "content": GOOD}])) == 1.0
        assert asyncio.run(reward(trace=SimpleNamespace(last_reply=WRONG))) == 0.0

    def test_what_cannot_be_judged_raises(self, broken):
        with pytest.raises(InfraError, match="no reward"):
            asyncio.run(verifiers.reward_of(broken, check_every=0, **FAST)(completion=GOOD))


def test_verl_loads_a_function_that_is_given_the_tool(pool, monkeypatch):
    monkeypatch.setattr(verl, "_reward", lambda tool, mode: verl.reward_for(pool, mode))
    more = {"tool": "specs/tools/double", "sandbox_fusion_url": None}
    assert verl.compute_score("x", GOOD, None, {}, **more) == 1.0
    assert verl.compute_score(data_source="x", solution_str=WRONG, ground_truth="", extra_info=None, **more) == 0.0
    found = verl.compute_scores(["x"] * 2, [WRONG, GOOD], [None] * 2, [None, {}], mode="graded", **more)
    assert 0.0 < found[0] < 0.5
    assert found[1] == 1.0


def test_verl_calls_it_from_a_file_in_threads_with_its_own_columns(pool, monkeypatch):
    """As its reward managers do: a module that is in no `sys.modules`, arguments merged last, one thread a sample."""
    spec = importlib.util.spec_from_file_location("custom_module_1", verl.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "_reward", lambda tool, mode: module.reward_for(pool, mode))
    configured = {"tool": "specs/tools/double"}

    async def run_single(solution: str) -> float:
        sample = {
            "data_source": "code",
            "solution_str": solution,
            "ground_truth": None,
            "extra_info": {"index": 3, "num_turns": None, "rollout_reward_scores": {}},
        }
        call = partial(module.compute_score, **{**sample, **configured})
        return await asyncio.get_running_loop().run_in_executor(None, call)

    async def run_all() -> list[float]:
        return await asyncio.gather(*map(run_single, [GOOD, WRONG, "no code", f"```python\n{GOOD}```"]))

    assert asyncio.run(run_all()) == [1.0, 0.0, 0.0, 1.0]
    batch = module.compute_scores(
        data_sources=numpy.array(["code", "code"], dtype=object),
        solution_strs=[WRONG, GOOD],
        ground_truths=[None, None],
        extra_infos=numpy.array([{"rollout_reward_scores": {}}] * 2, dtype=object),
        **configured,
    )
    rewards = numpy.zeros(2)
    for at, reward in enumerate(batch):
        rewards[at] = reward  # None would raise here
    assert rewards.tolist() == [0.0, 1.0]


def test_skydiscover_takes_the_result_for_its_own(pool, tmp_path, monkeypatch):
    """It runs the stages in threads, takes an instance of its own class or a flat mapping of metrics, and compares."""

    @dataclass
    class EvaluationResult:
        metrics: dict
        artifacts: dict = field(default_factory=dict)

    @dataclass
    class OtherResult:
        """That of a system that is loaded, too, and takes no other one."""

        metrics: dict
        artifacts: dict = field(default_factory=dict)

    for name, kind in (
        ("skydiscover.evaluation.evaluation_result", EvaluationResult),
        ("openevolve.evaluation_result", OtherResult),
    ):
        module = ModuleType(name)
        module.EvaluationResult = kind
        monkeypatch.setitem(sys.modules, name, module)
    evaluator = openevolve.Evaluator(pool)

    async def evaluate(source: str) -> EvaluationResult:
        path = tmp_path / f"{abs(hash(source))}.py"
        path.write_text(source)
        loop = asyncio.get_running_loop()
        first = await loop.run_in_executor(None, evaluator.screen, str(path))
        assert isinstance(first, EvaluationResult)
        assert isinstance(first, OtherResult)
        if first.metrics["combined_score"] < 0.5:  # its first threshold
            return first
        return await loop.run_in_executor(None, evaluator.evaluate, str(path))

    async def evaluate_all() -> list[EvaluationResult]:
        return await asyncio.gather(evaluate(GOOD), evaluate(WRONG), evaluate(CRASHING))

    good, wrong, crash = asyncio.run(evaluate_all())
    assert good.metrics["passed"] == 1.0
    assert good.metrics["combined_score"] > 0.5 > wrong.metrics["combined_score"]
    assert "passed" not in wrong.metrics
    assert crash.metrics["combined_score"] == 0.0
    assert all(isinstance(value, str) for one in (good, wrong, crash) for value in one.artifacts.values())
