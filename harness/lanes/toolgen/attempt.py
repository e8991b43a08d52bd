"""Attempt: one seeded repetition, in which a fresh box is asked all questions in a shuffled order."""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from harness.core.clip import clip
from harness.core.digest import derive_seed
from harness.core.status import Status
from harness.lanes.toolgen.documentation import DocExample
from harness.lanes.toolgen.oracle import Oracle, Reply
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.questions import Origin, Question, Questions, Trial, is_oversized
from harness.lanes.toolgen.wrong_answer import WrongAnswer, describe_reply, format_arguments, wrong_answer
from harness.sandbox.answer import Answer
from harness.sandbox.awaited_box import ask, loaded
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.loop import pause
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.pool import BoxPool


@dataclass(frozen=True, slots=True)
class Plan:
    """How the attempts of one candidate are run.

    Attributes:
        source: The candidate's source file, as bytes.
        entry: Name of its function.
        limits: Limits of each box.
        seed: Seed of this case; each attempt derives its own from it.
        hash_seeds: PYTHONHASHSEED of each attempt's box.
        jitter_ms: Shortest and longest pause between questions, in milliseconds.
        is_full: Whether an attempt continues after a wrong answer, for partial credit.
        is_screening: Whether the order of the questions is examples, sampled inputs, edge inputs, each by size.
    """

    source: bytes
    entry: str
    limits: Limits
    seed: int
    hash_seeds: tuple[int, ...]
    jitter_ms: tuple[float, float]
    is_full: bool = False
    is_screening: bool = False


PAUSES = 24
"""Pauses of a case over all attempts. An answer that is wrong in 20 % of all milliseconds is missed at 24 independent
moments with probability 0.8**24, about once in 200 cases; without pauses all questions share one moment."""
MIN_PAUSES = 8
"""Minimum number of pauses of one attempt, for cases with few attempts."""
MANY_PAUSES = 96
"""Total number of pauses above which MIN_PAUSES no longer applies: each attempt starts at its own moment anyway."""


_SCREENING: tuple[Origin, ...] = ("example", "drawn", "extra", "edge", "derived", "workload")

Afterwards = Callable[[PolledBox, Outcome], Awaitable[None]]
"""Asks more of a box whose attempt is over; it handles the faults of the box itself."""


@asynccontextmanager
async def opened(pool: BoxPool, plan: Plan, hash_seed: int) -> AsyncIterator[PolledBox]:
    """A box with the candidate loaded.

    Raises:
        BoxFault: if it cannot be loaded, or if it sent something after the last answer.
        InfraError: if no box can be opened.
    """
    with pool.begin(plan.source, entry=plan.entry, limits=plan.limits, hash_seed=hash_seed) as box:
        await loaded(box)
        yield box


async def run_attempt(
    pool: BoxPool,
    questions: Questions,
    plan: Plan,
    index: int,
    *,
    doc_examples: tuple[DocExample, ...] = (),
    afterwards: Afterwards | None = None,
) -> Outcome:
    """Ask one box all questions of an attempt.

    Args:
        pool: Opens the box.
        questions: The questions.
        plan: How the candidate is asked.
        index: Index of the attempt, from 0.
        doc_examples: Examples of the docstrings; they are asked after the questions and cannot change the verdict.
        afterwards: Is given the box at the end.

    Raises:
        SpecError: if the oracle's `accept`, or a property itself, fails.
        InfraError: if no box can be opened.
    """
    outcome = Outcome(index, derive_seed(plan.seed, "attempt", index), plan.hash_seeds[index])
    extras = questions.extras[index] if index < len(questions.extras) else ()
    asked = (*questions.shared, *extras)
    known = [question for question in asked if question.expected is not None]
    outcome.total = len(known) + len(questions.trials)
    outcome.edges_total = sum(question.origin == "edge" for question in known) + len(asked) - len(known)
    started = time.perf_counter()
    box: PolledBox | None = None
    try:
        async with opened(pool, plan, outcome.hash_seed) as box:
            await _AttemptRun(box, questions, plan, outcome).run(extras, doc_examples)
            if afterwards is not None:
                await afterwards(box, outcome)
    except BoxFault as fault:
        outcome.fault = fault
        outcome.answers = ""
    outcome.usage = box.usage if box is not None else None
    outcome.wall = time.perf_counter() - started
    return outcome


class _AttemptRun:
    def __init__(self, box: PolledBox, questions: Questions, plan: Plan, outcome: Outcome) -> None:
        self.box, self.questions, self.plan, self.outcome = box, questions, plan, outcome
        self.fingerprints: dict[int, bytes] = {}
        self.property_answers = hashlib.sha256()

    async def run(self, extras: tuple[Question, ...], doc_examples: tuple[DocExample, ...]) -> None:
        rng = random.Random(self.outcome.seed)  # noqa: S311 - the seed is the secret
        numbered = list(enumerate((*self.questions.shared, *extras)))
        if self.plan.is_screening:
            numbered.sort(key=lambda one: (_SCREENING.index(one[1].origin), len(one[1].key)))
        else:
            rng.shuffle(numbered)
        low, high = self.plan.jitter_ms
        attempts = len(self.plan.hash_seeds)
        least = min(MIN_PAUSES, math.ceil(MANY_PAUSES / attempts))
        wanted = max(least, math.ceil(PAUSES / attempts)) if high > 0 else 0
        pauses = set(rng.sample(range(len(numbered)), min(wanted, len(numbered))))
        for turn, (number, question) in enumerate(numbered):
            if turn in pauses:
                await pause(rng.uniform(low, high) / 1e3)
            await self._ask(number, question, first=turn == 0)
            if self._is_decided:
                return
        for trial in self.questions.trials:
            await self._try(trial)
            if self._is_decided:
                return
        whole = hashlib.sha256()
        for number in range(len(self.questions.shared)):
            whole.update(self.fingerprints[number])
        whole.update(self.property_answers.digest())
        self.outcome.answers = whole.hexdigest()
        try:
            self.outcome.doc_examples = [await self._shows(example) for example in doc_examples]
        except BoxFault:
            self.outcome.doc_examples = [False] * len(doc_examples)
            self.box.close()

    @property
    def _is_decided(self) -> bool:
        return not self.plan.is_full and bool(self.outcome.wrong or self.outcome.wrong_extras)

    async def _answer(self, key: bytes, *, due: int = 0) -> Answer:
        self.outcome.fault_question = key
        answer = await ask(self.box, key, due=due)
        self.outcome.fault_question = None
        self.outcome.slowest = max(self.outcome.slowest, answer.seconds)
        return answer

    async def _ask(self, number: int, question: Question, *, first: bool) -> None:
        outcome = self.outcome
        answer = await self._answer(question.key, due=question.due)
        reply = Reply(answer.kind, answer.payload)
        if question.origin != "edge":
            outcome.seconds.append(answer.seconds)
        shared = number < len(self.questions.shared)
        if shared and question.reference_seconds is not None and not first:
            outcome.clock = "wall" if answer.cpu_seconds is None else "cpu"
            outcome.costs[number] = answer.seconds if answer.cpu_seconds is None else answer.cpu_seconds
        if shared:
            self.fingerprints[number] = hashlib.sha256(
                b"\0".join((reply.comparison_key[0].encode(), reply.comparison_key[1]))
            ).digest()
            self.outcome.replies[number] = reply.trimmed()
        if question.expected is None:
            outcome.edges_handled += reply.kind == "value"
        elif await self.questions.right(question, reply):
            outcome.right += 1
            outcome.edges_handled += question.origin == "edge"
        elif shared:
            outcome.wrong.append(wrong_answer(self.plan.entry, question, reply))
        else:
            outcome.wrong_extras.append((question, reply.trimmed()))

    async def _shows(self, example: DocExample) -> bool:
        answer = await ask(self.box, example.key, due=len(example.promised))
        return answer.kind == "value" and answer.payload == example.promised

    async def _try(self, trial: Trial) -> None:
        oracle = self.questions.oracle
        if oracle is None:
            return
        replies: list[list[str]] = []
        found = await oracle.check(trial.index, trial.key, trial.seed, replies)
        while "asks" in found:
            key = found["asks"].encode("ascii")
            answer = await self._answer(key)
            reply = Reply(answer.kind, answer.payload)
            self.property_answers.update(b"\0".join((reply.comparison_key[0].encode(), reply.comparison_key[1])))
            sentence = f"{self.plan.entry} {describe_reply(reply)} on {format_arguments(key)}"
            if reply.kind == "value" and await self._is_oversized(reply.payload, key):
                reply = Reply("raised", b"")
                sentence = f"{self.plan.entry} returned {len(answer.payload)} bytes, too many to check"
            replies.append([key.decode("ascii"), reply.kind, reply.payload.decode("ascii"), sentence])
            found = await oracle.check(trial.index, trial.key, trial.seed, replies)
        if "undecodable" in found:
            raise BoxFault(Status.PROTOCOL, "an answer that is not canonical JSON")
        problem = found.get("problem")
        if "raised" in found:
            await _require_property(oracle, trial, found)
            problem = f"it cannot be checked on this answer ({clip(found['raised'], limit=160)})"
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
        self.box.allow(len(right))
        return is_oversized(payload, key, right)


async def _require_property(oracle: Oracle, trial: Trial, raised: dict[str, str]) -> None:
    """Check whether a property that raised on a candidate's answers also raises on the reference's.

    Raises:
        SpecError: if it does; otherwise the candidate's answer caused the error.
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
        raise oracle.fault(f"the oracle's property {trial.name} raised {clip(raised['raised'])} on {asked}")


async def ask_once(
    pool: BoxPool, plan: Plan, question: Question, hash_seed: int, *, before: Iterable[Question] = ()
) -> Reply | BoxFault:
    """The reply to one question in a fresh box, after the questions `before`, or the fault of the box.

    Raises:
        InfraError: if no box can be opened.
    """
    try:
        async with opened(pool, plan, hash_seed) as box:
            for other in before:
                await ask(box, other.key, due=other.due)
            answer = await ask(box, question.key, due=question.due)
            return Reply(answer.kind, answer.payload)
    except BoxFault as fault:
        return fault


MAX_FAULTS = 2
"""After this number of faults the remaining derived edge inputs count as not handled."""


async def ask_derived(pool: BoxPool, box: PolledBox, questions: Questions, plan: Plan) -> int:
    """Ask the derived edge inputs in the box of an attempt; after a fault it is closed and a fresh one continues.

    Returns:
        How many are handled as the reference does.

    Raises:
        SpecError: if the oracle's `accept` fails.
        InfraError: if no box can be opened.
    """
    waiting = list(reversed(questions.derived))
    handled = await _ask_waiting(box, waiting, questions)
    for _ in range(MAX_FAULTS - 1):
        if not waiting:
            break
        waiting.pop()  # the guilty one
        try:
            async with opened(pool, plan, plan.hash_seeds[0]) as fresh:
                handled += await _ask_waiting(fresh, waiting, questions)
        except BoxFault:
            break
    return handled


async def _ask_waiting(box: PolledBox, waiting: list[Question], questions: Questions) -> int:
    """Ask until the list is empty or the box ends at its last question."""
    handled = 0
    while waiting:
        question = waiting[-1]
        try:
            answer = await ask(box, question.key, due=question.due)
        except BoxFault:
            box.close()
            break
        handled += await questions.right(question, Reply(answer.kind, answer.payload))
        waiting.pop()
    return handled
