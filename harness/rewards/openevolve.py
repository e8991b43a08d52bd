"""OpenEvolve and SkyDiscover: the judge as an evaluation file.

from harness.rewards.openevolve import Evaluator

evaluator = Evaluator("specs/tools/json_flatten")
evaluate, evaluate_stage1, evaluate_stage2 = evaluator.evaluate, evaluator.screen, evaluator.evaluate
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from harness.judge.pool import Tools
from harness.lane.pinned_file import read_text_file
from harness.rewards.checked_judge import Pool
from harness.rewards.fitness import fitness_of
from harness.rewards.reward import reward_for
from harness.rewards.wire import MAX_SOURCE

RESULTS = ("openevolve.evaluation_result", "skydiscover.evaluation.evaluation_result")
"""Modules with the class of a result."""
Metrics = dict[str, float]


class Evaluator:
    """Evaluates programs by path.

    Args:
        tool, options: As for `reward_for`.
    """

    def __init__(self, tool: Tools | Pool, **options: Any) -> None:
        self.reward = reward_for(tool, "graded", **options)

    def evaluate(self, program_path: str | os.PathLike[str]) -> Any:
        """The metrics of a program, `combined_score` (see `fitness_of`), `passed` and `score`, with its artifacts.

        Returns:
            The result of the system that runs; where there is none, a dictionary of the metrics and `artifacts`.

        Raises:
            InfraError: if the verdict says nothing about the program; the system tries again.
        """
        return self._evaluated(program_path, screen=False)

    def screen(self, program_path: str | os.PathLike[str]) -> Any:
        """The first stage: a cheap verdict, 0.5 where nothing is found. See `evaluate`."""
        return self._evaluated(program_path, screen=True)

    def close(self) -> None:
        """End the judge processes."""
        self.reward.close()

    def measure(self, program_path: str | os.PathLike[str], *, screen: bool = False) -> tuple[Metrics, dict[str, str]]:
        """The metrics and the artifacts of a program, for both systems. See `evaluate`."""
        # A file that cannot be judged is empty, which the judge rejects.
        source = read_text_file(Path(program_path), max_bytes=MAX_SOURCE).data.decode("utf-8")
        [verdict] = self.reward.verdicts([source], screen=screen)
        metrics = {
            "combined_score": fitness_of(verdict, self.reward, is_screened=screen),
            "passed": float(verdict.passed),
            "score": verdict.score or 0.0,
        }
        if screen:
            metrics = {"combined_score": metrics["combined_score"], "screened": metrics["passed"]}
        return metrics, {"status": str(verdict.status), "feedback": verdict.feedback}

    def _evaluated(self, program_path: str | os.PathLike[str], *, screen: bool) -> Any:
        metrics, artifacts = self.measure(program_path, screen=screen)
        kinds = [sys.modules[name].EvaluationResult for name in RESULTS if name in sys.modules]
        if not kinds:
            return {**metrics, "artifacts": artifacts}
        # Each system takes an instance of its own class; where both are loaded, the result is one of both.
        kind = kinds[0] if len(kinds) == 1 else type("EvaluationResult", tuple(kinds), {})
        return kind(metrics=metrics, artifacts=artifacts)
