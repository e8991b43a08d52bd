"""The systems themselves call the judge, with stub models; `pip install` of one brings its test."""

from __future__ import annotations

import asyncio
import importlib
from types import SimpleNamespace

import pytest

from harness import reward_for
from harness.rewards import gepa, verifiers, verl
from tests.judge.conftest import GOOD, WRONG
from tests.rewards.conftest import FAST


def real(module: str, package: str):
    """A module of a real package; the test is skipped where it does not import."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        pytest.skip(f"pip install {package}: {error}")


def test_gepa_optimizes_with_the_judge(pool):
    """It begins with a wrong candidate, and a stub in place of the model proposes the right one."""
    api = real("gepa.optimize_anything", "gepa")
    evaluate = gepa.Evaluator(pool)
    found = api.optimize_anything(
        seed_candidate=WRONG,
        evaluator=evaluate,
        batch_evaluator=evaluate.batch,
        objective="Double the number.",
        config=api.GEPAConfig(
            engine=api.EngineConfig(max_metric_calls=6, parallel=False, use_cloudpickle=False),
            reflection=api.ReflectionConfig(reflection_lm=lambda _prompt: f"```\n{GOOD}```"),
        ),
    )
    assert found.best_candidate in (GOOD, GOOD.strip())
    assert max(found.val_aggregate_scores) > 0.5 > found.val_aggregate_scores[0]


def test_skydiscover_evaluates_by_stages(tool, tmp_path):
    evaluator = real("skydiscover.evaluation.evaluator", "skydiscover")
    config = real("skydiscover.config", "skydiscover").EvaluatorConfig(parallel_evaluations=2, max_retries=0)
    (tmp_path / "judge.py").write_text(
        "from harness.rewards.openevolve import Evaluator\n"
        f"e = Evaluator({str(tool)!r}, check_every=0, **{FAST!r})\n"
        "evaluate = evaluate_stage2 = e.evaluate\nevaluate_stage1 = e.screen\n"
    )
    judging = evaluator.Evaluator(config, str(tmp_path / "judge.py"))

    async def both():
        return await asyncio.gather(judging.evaluate_program(GOOD, "g"), judging.evaluate_program(WRONG, "w"))

    good, wrong = asyncio.run(both())
    assert good.metrics["combined_score"] > 0.5 > wrong.metrics["combined_score"]
    assert "wrong" in str(wrong.artifacts)
    judging.evaluate_function.__self__.close()


def test_shinka_reads_the_two_files(tool, tmp_path):
    load_results = real("shinka.utils", "shinka-evolve").load_results
    from harness.adapters.shinka import main

    scores = []
    for name, source in {"good.py": GOOD, "wrong.py": WRONG}.items():
        (tmp_path / name).write_text(source)
        words = ["--tool", str(tool), "--program_path", str(tmp_path / name), "--results_dir", str(tmp_path)]
        assert main(words) == 0
        found = load_results(str(tmp_path))
        scores.append((found["correct"]["correct"], found["metrics"]["combined_score"] > 0.5))
    assert scores == [(True, True), (False, False)]


def test_verifiers_scores_a_trace(pool):
    """Its own function chooses the arguments and awaits the reward."""
    decorators = real("verifiers.v1.utils.decorators", "verifiers, from 0.4")
    reward = verifiers.reward_of(pool)
    traces = [SimpleNamespace(last_reply=text) for text in (GOOD, WRONG)]

    async def score() -> list[float]:
        return [(await decorators.invoke_all([reward], {"task": None, "trace": one}))[0] for one in traces]

    assert asyncio.run(score()) == [1.0, 0.0]


@pytest.mark.parametrize("manager", ["naive", "batch"])
def test_verl_computes_scores(pool, monkeypatch, manager):
    managers = real("verl.workers.reward_manager", "verl (with ray and tensordict)")
    torch = real("torch", "torch")
    protocol = real("verl.protocol", "verl (with ray and tensordict)")
    monkeypatch.setattr(verl, "_reward", lambda tool, mode: verl.reward_for(pool, mode))
    texts = [GOOD, WRONG]

    class Tokens:
        def decode(self, ids, **_more):
            return texts[int(ids[-1])]

    width = 3
    data = protocol.DataProto.from_dict(
        tensors={
            "prompts": torch.zeros(2, width, dtype=torch.long),
            "responses": torch.tensor([[0] * width, [1] * width]),
            "attention_mask": torch.ones(2, 2 * width, dtype=torch.long),
        },
        non_tensors={
            "data_source": ["double", "double"],
            "reward_model": [{"ground_truth": None}] * 2,
            "extra_info": [{}, {}],
        },
    )
    score = {"naive": verl.compute_score, "batch": verl.compute_scores}[manager]
    given = {"tool": "double"}
    made = managers.get_reward_manager_cls(manager)(
        tokenizer=Tokens(), num_examine=0, compute_score=lambda **more: score(**more, **given)
    )
    assert made(data).sum(dim=-1).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("is_async", [False, True])
def test_trl_calculates_rewards(pool, is_async):
    """Its own method calls the function; neither a model nor a tokenizer is needed for that."""
    trainer = real("trl.trainer.grpo_trainer", "trl")
    torch = real("torch", "torch")
    reward = reward_for(pool, asynchronous=True) if is_async else reward_for(pool)
    loop, thread = None, None
    if is_async:
        thread, loop, ready = trainer.start_event_loop_in_daemon(name="rewards")
        ready.wait()
    own = SimpleNamespace(
        accelerator=SimpleNamespace(device=torch.device("cpu"), process_index=0, is_main_process=True),
        reward_funcs=[reward],
        reward_processing_classes=[None],
        reward_func_names=["crucible"],
        state=SimpleNamespace(global_step=0),
        environments=None,
        async_loop=loop,
        async_reward_loop=loop,
        _has_async_funcs=is_async,
        _log_completion_extra=None,
        _log_metric=None,
        args=SimpleNamespace(report_to=[]),
        _metrics={"train": {}},
    )
    inputs = [{"prompt": "Double."}] * 3
    found = trainer.GRPOTrainer._calculate_rewards(own, inputs, ["Double."] * 3, [GOOD, WRONG, "no code"], [[0]] * 3)
    assert found.squeeze(1).tolist() == [1.0, 0.0, 0.0]
    if is_async:
        trainer.shutdown_event_loop_in_daemon(thread, loop)


def test_a_task_of_harbor_is_verified_by_its_script(tool, tmp_path, monkeypatch, capsys):
    """Harbor runs the script in the task's environment, and reads the file; the words are those of docs/rewards.md."""
    from harness.cli import main

    for text, reward in ((GOOD, 1.0), (WRONG, 0.0)):
        (tmp_path / "solution.py").write_text(text)
        file = tmp_path / "reward.txt"
        main(["judge", str(tmp_path / "solution.py"), "--tool", str(tool), "--reward-file", str(file)])
        assert float(file.read_text()) == reward
    capsys.readouterr()
