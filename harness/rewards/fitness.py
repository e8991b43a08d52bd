"""Fitness: one number for a search, which orders candidates that pass as well as those that do not."""

from __future__ import annotations

from harness.core.errors import InfraError
from harness.rewards.checked_judge import Judged
from harness.rewards.reward import RewardFunction

PASSED = 0.5  # the fitness at which a candidate passes


def fitness_of(verdict: Judged, reward: RewardFunction, *, is_screened: bool = False) -> float:
    """Half the share of right answers for a wrong candidate; 0.5 and half its score for one that passes.

    So no documentation, style or speed lifts a wrong candidate above one that passes.

    Args:
        reward: The function that judged it.
        is_screened: Whether it was only screened: then 0.5 is all that it can earn.

    Raises:
        InfraError: if the verdict says nothing about the candidate; a search must not take that for 0.
    """
    if reward.judge.degraded or verdict.reward is None:
        raise InfraError(f"no verdict: {reward.judge.degraded or verdict.feedback}")
    if not verdict.passed:
        return verdict.graded or 0.0
    return PASSED if is_screened else PASSED + (verdict.score or 0.0) / 2
