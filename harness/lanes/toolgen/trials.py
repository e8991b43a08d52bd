"""Trials: the properties of a tool, checked on the answers of one box."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from harness.core.clip import clip
from harness.core.status import Status
from harness.lanes.toolgen.idempotence import difference, own_answer
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.property_check import check_property, require_property
from harness.lanes.toolgen.questions import Questions, Trial, is_oversized
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.shown_value import describe_reply
from harness.lanes.toolgen.wrong_answer import WrongAnswer, format_arguments
from harness.sandbox.answer import Answer
from harness.sandbox.codec import CodecError, decode
from harness.sandbox.fault import BoxFault


class Trials:
    """Tries properties and notes those that fail in an outcome.

    Args:
        ask: Asks the box one question, given in canonical JSON.
        allow: Extends the output allowance of the box by some bytes.

    Attributes:
        digest: Digest of the replies so far.
    """

    def __init__(
        self,
        questions: Questions,
        plan: Plan,
        outcome: Outcome,
        *,
        ask: Callable[[bytes], Awaitable[Answer]],
        allow: Callable[[int], None],
    ) -> None:
        self.questions, self.plan, self.outcome = questions, plan, outcome
        self.ask, self.allow = ask, allow
        self.digest = hashlib.sha256()

    async def run(self, trial: Trial) -> None:
        """Try one property.

        Raises:
            BoxFault: if the box ends, or its answer cannot be read.
            SpecError: if the property itself fails.
        """
        oracle = self.questions.oracle
        if oracle is None:
            return
        if trial.index < 0:
            self._conclude(trial, await self._find_not_idempotent(trial))
            return
        replies: list[list[str]] = []
        found = await check_property(oracle, trial, replies)
        while "asks" in found:
            key = found["asks"].encode("ascii")
            answer = await self.ask(key)
            reply = Reply(answer.kind, answer.payload)
            self.digest.update(self.plan.answers.fingerprint(key, reply))
            sentence = f"{self.plan.entry} {describe_reply(reply)} on {format_arguments(key)}"
            if reply.kind == "value" and await self._is_oversized(reply.payload, key):
                reply = Reply("raised", b"")
                sentence = f"{self.plan.entry} returned {len(answer.payload)} bytes, too many to check"
            replies.append([key.decode("ascii"), reply.kind, reply.payload.decode("ascii"), sentence])
            found = await check_property(oracle, trial, replies)
        if "undecodable" in found:
            raise BoxFault(Status.PROTOCOL, "an answer that is not canonical JSON")
        problem = found.get("problem")
        if "raised" in found:
            await require_property(oracle, trial)
            problem = f"it cannot be checked on this answer ({clip(found['raised'], limit=160)})"
        self._conclude(trial, problem)

    async def _find_not_idempotent(self, trial: Trial) -> str | None:
        tool, key = self.questions.tool, trial.key
        replies: list[Reply] = []
        for _ in range(2):
            answer = await self.ask(key)
            replies.append(Reply(answer.kind, answer.payload))
            self.digest.update(self.plan.answers.fingerprint(key, replies[-1]))
            if replies[0].kind != "value" or await self._is_oversized(answer.payload, key):
                return None  # an input on which the tool raises has no answer to check
            try:
                key = own_answer(tool, decode(key), decode(answer.payload))
            except CodecError:
                raise BoxFault(Status.PROTOCOL, "an answer that is not canonical JSON") from None
        once, twice = replies
        return None if twice.is_same(once, tool.spec.compare) else difference(tool, once.payload, twice.payload)

    def _conclude(self, trial: Trial, problem: str | None) -> None:
        if problem is None:
            self.outcome.right += 1
            return
        sentence = f"property {trial.name} fails: {clip(problem, limit=300)}"
        self.outcome.wrong.append(WrongAnswer(trial.key, f'"{trial.name}"', clip(problem), sentence))

    async def _is_oversized(self, payload: bytes, key: bytes) -> bool:
        oracle = self.questions.oracle
        if oracle is None or not is_oversized(payload, key, b""):
            return False
        right = (await oracle.reply(key, any_error=True)).reply.payload
        self.allow(len(right))
        return is_oversized(payload, key, right)
