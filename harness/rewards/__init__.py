"""The judge as a reward function, in the call shapes of trainers and searches (docs/rewards.md)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.providers.completion import code_of
    from harness.rewards.remote import Remote, RemoteVerdict
    from harness.rewards.reward import RewardFunction, reward_for

__all__ = ["Remote", "RemoteVerdict", "RewardFunction", "code_of", "reward_for"]

_HOME = {
    "Remote": "harness.rewards.remote",
    "RemoteVerdict": "harness.rewards.remote",
    "RewardFunction": "harness.rewards.reward",
    "code_of": "harness.providers.completion",
    "reward_for": "harness.rewards.reward",
}


def __getattr__(name: str) -> Any:
    """Import a public name at first use."""
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    found = globals()[name] = getattr(importlib.import_module(_HOME[name]), name)
    return found
