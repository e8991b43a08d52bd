"""Property check: the oracle runs a property with a candidate's answers, then, if it fails by itself, with its own."""

from __future__ import annotations

from typing import Any

from harness.core.clip import clip
from harness.core.errors import SpecError, position
from harness.core.status import Status
from harness.lanes.toolgen.checked_answer import check_answer
from harness.lanes.toolgen.oracle import Oracle
from harness.lanes.toolgen.questions import Trial
from harness.sandbox.fault import BoxFault

MAX_CALLS = 1000  # of a candidate by one property on one input: each call runs the property from its start


async def check_property(oracle: Oracle, trial: Trial, replies: list[list[str]]) -> dict[str, Any]:
    """Run a property with the candidate's replies so far; see `oracle_process` for the answer.

    Raises:
        BoxFault: if it does not return on the candidate's replies, or makes more than `MAX_CALLS` calls, but not with
            the reference's.
        SpecError: if it does so with the reference's, too.
    """
    asked = trial, bool(replies)
    if not replies and asked in oracle.failed:  # no candidate was asked yet, so it fails for all
        raise oracle.failed[asked]
    if len(replies) > MAX_CALLS:
        await require_property(oracle, trial)
        why = f"its answers make property {trial.name} ask for more than {MAX_CALLS} calls; the reference's do not"
        raise BoxFault(Status.TIMEOUT, why)
    return await check_answer(
        oracle,
        lambda seconds: oracle.check(trial.index, trial.key, trial.seed, replies, seconds=seconds),
        lambda: require_property(oracle, trial),
        asked=asked,
    )


async def require_property(oracle: Oracle, trial: Trial) -> None:
    """Check whether a property that failed on a candidate's answers can be checked on the reference's.

    Raises:
        SpecError: if it cannot; otherwise the candidate's answer caused the failure.
    """
    replies: list[list[str]] = []
    found = await oracle.check(trial.index, trial.key, trial.seed, replies)
    asked = clip(trial.key.decode("ascii"), limit=200)
    while "asks" in found:
        if len(replies) > MAX_CALLS:
            what = f"the oracle's property {trial.name} asks for more than {MAX_CALLS} calls on {asked}"
            raise SpecError(what, where=position(oracle.path or ""), fix="let it end after fewer calls")
        reply = (await oracle.reply(found["asks"].encode("ascii"), any_error=True)).reply
        payload = reply.payload.decode("ascii") if reply.kind == "value" else "null"
        replies.append([found["asks"], "value", payload, ""])
        found = await oracle.check(trial.index, trial.key, trial.seed, replies)
    if "raised" in found:
        raise oracle.fault(f"the oracle's property {trial.name} raised {clip(found['raised'])} on {asked}")
