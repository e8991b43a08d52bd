"""verifiers: the judge as an awaitable reward of a rubric or a task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from harness.core.errors import InfraError
from harness.judge.pool import Tools
from harness.rewards.checked_judge import Pool
from harness.rewards.reward import Mode, reward_for


def reward_of(tool: Tools | Pool, mode: Mode = "pass", **options: Any) -> Callable[..., Awaitable[float]]:
    """A reward function for verifiers.

    It reads `completion`, or the last reply of `trace`, and the name of the tool in `info["tool"]` where there are
    several. verifiers has no word for a missing reward: the function raises, and the rollout has an error instead of 0.

    Args:
        tool, mode, options: As for `reward_for`.
    """
    reward = reward_for(tool, mode, **options)

    async def crucible(completion: Any = None, trace: Any = None, info: Any = None) -> float:
        """1.0 if the completion passes, else 0.0, or half the share of its right answers."""
        written = trace.last_reply if completion is None and trace is not None else completion
        named = info.get("tool") if isinstance(info, dict) else None
        [verdict] = await reward.averdicts([written], [named])
        found = reward.value(verdict)
        if found is None:
            raise InfraError(f"no reward: {reward.judge.degraded or verdict.feedback}")
        return found

    return crucible
