"""verl: a reward function that verl loads by path; the tool is one of its `reward_kwargs`.

custom_reward_function.path=.../harness/rewards/verl.py
custom_reward_function.name=compute_score            # or compute_scores, with reward_manager=batch
+custom_reward_function.reward_kwargs.tool=specs/tools/json_flatten

From verl 0.9 on these keys stand under `reward.`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from harness.rewards.reward import Mode, RewardFunction, reward_for


@cache
def _reward(tool: str, mode: Mode) -> RewardFunction:
    return reward_for(tool.split(os.pathsep) if os.pathsep in tool else tool, mode)


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    tool: str,
    mode: Mode = "pass",
    **_more: Any,
) -> float | None:
    """The reward of one solution; None where the verdict says nothing about it.

    Args:
        data_source: The name of the tool, where `tool` has several.
        solution_str: What the model wrote.
        ground_truth: Not used: the tool's oracle knows the answers.
        extra_info: May have the name of the tool as `tool`.
        tool: The tool's path; several are separated by a colon.
        mode: As for `reward_for`.
    """
    found: float | None = _reward(tool, mode)(data_source, solution_str, ground_truth, extra_info)
    return found


def compute_scores(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Any],
    extra_infos: Sequence[Mapping[str, Any] | None],
    *,
    tool: str,
    mode: Mode = "pass",
    **_more: Any,
) -> list[float | None]:
    """The rewards of many solutions, in their order; see `compute_score`."""
    reward = _reward(tool, mode)
    found: list[float | None] = reward(
        data_sources=data_sources, solution_strs=solution_strs, ground_truths=ground_truths, extra_infos=extra_infos
    )
    return found
