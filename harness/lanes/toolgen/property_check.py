"""Property check: the oracle runs a property with a candidate's answers, then, if it fails by itself, with its own."""

from __future__ import annotations

from typing import Any

from harness.core.clip import clip
from harness.lanes.toolgen.checked_answer import check_answer
from harness.lanes.toolgen.oracle import Oracle
from harness.lanes.toolgen.questions import Trial


async def check_property(oracle: Oracle, trial: Trial, replies: list[list[str]]) -> dict[str, Any]:
    """Run a property with the candidate's replies so far; see `oracle_process` for the answer.

    Raises:
        BoxFault: if it does not return on the candidate's replies, but on the reference's.
        SpecError: if it does not return on the reference's either.
    """
    return await check_answer(
        oracle,
        lambda seconds: oracle.check(trial.index, trial.key, trial.seed, replies, seconds=seconds),
        lambda: require_property(oracle, trial),
    )


async def require_property(oracle: Oracle, trial: Trial) -> None:
    """Check whether a property that failed on a candidate's answers can be checked on the reference's.

    Raises:
        SpecError: if it cannot; otherwise the candidate's answer caused the failure.
    """
    replies: list[list[str]] = []
    found = await oracle.check(trial.index, trial.key, trial.seed, replies)
    while "asks" in found:
        reply = (await oracle.reply(found["asks"].encode("ascii"), any_error=True)).reply
        payload = reply.payload.decode("ascii") if reply.kind == "value" else "null"
        replies.append([found["asks"], "value", payload, ""])
        found = await oracle.check(trial.index, trial.key, trial.seed, replies)
    if "raised" in found:
        asked = clip(trial.key.decode("ascii"), limit=200)
        raise oracle.fault(f"the oracle's property {trial.name} raised {clip(found['raised'])} on {asked}")
