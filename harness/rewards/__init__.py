"""The judge as a reward function, in the call shapes of trainers and searches (docs/rewards.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from harness.providers.completion import code_of
    from harness.rewards.remote import Remote, RemoteVerdict
    from harness.rewards.reward import RewardFunction, reward_for

__all__ = ["Remote", "RemoteVerdict", "RewardFunction", "code_of", "reward_for"]

_HOMES = {
    "harness.providers.completion": "code_of",
    "harness.rewards.remote": "Remote RemoteVerdict",
    "harness.rewards.reward": "RewardFunction reward_for",
}
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
