"""The judge as a reward function, in the call shapes of trainers and searches (docs/rewards.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.providers.completion import code_of as code_of
    from harness.rewards.remote import Remote as Remote
    from harness.rewards.remote import RemoteVerdict as RemoteVerdict
    from harness.rewards.reward import RewardFunction as RewardFunction
    from harness.rewards.reward import reward_for as reward_for


def __getattr__(name: str) -> Any:
    """Import a public name at first use, so that importing the package loads nothing else."""
    from harness.core import public_names

    return public_names.find(__name__, name)


def __dir__() -> list[str]:
    from harness.core import public_names

    return public_names.of(__name__)
