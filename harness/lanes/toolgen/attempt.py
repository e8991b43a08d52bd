"""Attempt: one seeded repetition, in which a fresh box is asked all questions in a shuffled order."""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import islice, takewhile

from harness.core.clip import clip
from harness.core.digest import derive_seed
from harness.core.status import Status
from harness.lanes.toolgen.candidate_box import opened
from harness.lanes.toolgen.documentation import DocExample
from harness.lanes.toolgen.idempotence import difference, own_answer
from harness.lanes.toolgen.outcome import HOSTILE, Outcome
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.property_check import check_property, require_property
from harness.lanes.toolgen.questions import Origin, Question, Questions, Trial, is_oversized
from harness.lanes.toolgen.repeated_questions import repeated_questions
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.shown_value import describe_reply
from harness.lanes.toolgen.waiting import Waiting
from harness.lanes.toolgen.wrong_answer import WrongAnswer, format_arguments, wrong_answer
from harness.sandbox.answer import Answer
from harness.sandbox.awaited_box import ask, ask_all
from harness.sandbox.codec import CodecError, decode
from harness.sandbox.fault import BoxFault
from harness.sandbox.loop import pause
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.pool import BoxPool

PAUSES = 24
"""Pauses of a case over all attempts. An answer that is wrong in 20 % of all milliseconds is missed at 24 independent
moments with probability 0.8**24, about once in 200 cases; without pauses all questions share one moment."""
MIN_PAUSES = 8  # of one attempt, for cases with few attempts
MANY_PAUSES = 96  # in all attempts, above which MIN_PAUSES does not apply: each attempt starts at its own moment
_SCREENING: tuple[Origin, ...] = ("example", "drawn", "extra", "edge", "derived", "workload")

Afterwards = Callable[[PolledBox, Outcome], Awaitable[None]]
"""Asks more of a box whose attempt is over; it handles the faults of the box itself."""
Between = Callable[[PolledBox, random.Random], Awaitable[None]]
"""Asks more of a box between two questions; it handles the faults of the box itself."""


async def run_attempt(
    pool: BoxPool,
    questions: Questions,
    plan: Plan,
    index: int,
    *,
    doc_examples: tuple[DocExample, ...] = (),
    between: Between | None = None,
    afterwards: Afterwards | None = None,
) -> Outcome:
    """Ask one box all questions of an attempt.

    Args:
        index: Index of the attempt, from 0.
        doc_examples: Examples of the docstrings; they are asked after the questions and cannot change the verdict.
        between: Is given the box once, at a moment that the attempt's seed chooses.

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
    box: PolledBox | None = None
    run = _AttemptRun(pool, questions, plan, outcome, extras, between=between)
    while True:
        try:
            async with opened(pool, plan, outcome.hash_seed) as box:
                outcome.entry_line = box.entry_line
                await run.run(box, doc_examples)
                if afterwards is not None:
                    await afterwards(box, outcome)
        except _NewBoxError:
            continue
        except BoxFault as fault:
            if run.excuse(fault):
                continue
            outcome.fault = fault
        break
    outcome.usage = box.usage if box is not None else None
    outcome.wall += outcome.usage.load_ms / 1e3 if outcome.usage else 0.0
    return outcome


class _NewBoxError(Exception):
    """A box ended while it was asked several questions, or others: a fresh one is asked what remains, one by one."""


class _AttemptRun:
    def __init__(
        self,
        pool: BoxPool,
        questions: Questions,
        plan: Plan,
        outcome: Outcome,
        extras: tuple[Question, ...],
        *,
        between: Between | None,
    ) -> None:
        self.pool, self.questions, self.plan, self.outcome = pool, questions, plan, outcome
        self.box: PolledBox
        self.property_answers = hashlib.sha256()
        self.asking: Question | None = None
        self.is_batched = plan.is_batched
        self.early: deque[Answer] = deque()  # answers to the next questions
        self.rng = rng = random.Random(outcome.seed)  # noqa: S311 - the seed is the secret
        numbered = list(enumerate((*questions.shared, *extras)))
        if plan.is_screening:
            numbered.sort(key=lambda one: (_SCREENING.index(one[1].origin), len(one[1].key)))
        else:
            rng.shuffle(numbered)
        least = min(MIN_PAUSES, math.ceil(MANY_PAUSES / plan.attempts))
        is_paused = plan.jitter_ms[1] > 0 and outcome.index < plan.attempts
        wanted = max(least, math.ceil(PAUSES / plan.attempts)) if is_paused else 0
        pauses = set(rng.sample(range(len(numbered)), min(wanted, len(numbered))))
        self.between = between
        # How many questions are left when `between` is called.
        self.moment = 0 if plan.is_screening else rng.randrange(len(numbered) + 1)
        self.repeated = [] if plan.is_screening else repeated_questions(questions.shared, rng)
        lost = plan.answers.unanswered
        # Each further fault may cost a whole time budget.
        shared, is_hopeless = len(questions.shared), len(lost) >= MAX_FAULTS
        self.waiting = deque(
            (turn in pauses, number, question)
            for turn, (number, question) in enumerate(numbered)
            if question.key not in lost and not (is_hopeless and question.expected is None and number >= shared)
        )

    async def run(self, box: PolledBox, doc_examples: tuple[DocExample, ...]) -> None:
        """Ask the remaining questions; after an excused fault a new box continues."""
        self.box, first, waiting = box, True, Waiting(box.pid)
        while self.waiting:
            if self.between is not None and len(self.waiting) <= self.moment:
                self._note_waits(waiting)
                await self._ask_between()
                waiting = Waiting(box.pid)
            if self.is_batched and not self.early:
                await self._ask_batch()
            is_paused, number, self.asking = self.waiting.popleft()
            if is_paused:
                seconds = self.rng.uniform(*self.plan.jitter_ms) / 1e3
                self.outcome.wall += seconds
                await pause(seconds)
            await self._ask(number, self.asking, waiting, first=first)
            first, self.asking = False, None
            if self._is_decided:
                return
        self._note_waits(waiting)
        await self._ask_between()
        for question in self.repeated:
            if self.outcome.wrong:
                break
            await self._ask_again(question)
        self.early.clear()  # of questions that were repeated after a wrong answer
        if self.outcome.wrong and not self.plan.is_full:
            return
        for trial in self.questions.trials:
            await self._try(trial)
            if self._is_decided:
                return
        self.outcome.property_answers = self.property_answers.digest()
        try:
            self.outcome.doc_examples = [await self._shows(example) for example in doc_examples]
        except BoxFault as fault:
            if fault.status is Status.FORBIDDEN:
                raise
            self.outcome.doc_examples = [False] * len(doc_examples)
            self.box.close()

    def _note_waits(self, waiting: Waiting) -> None:
        self.outcome.waits = self.outcome.waits or waiting.is_on_purpose(self.box.pid)
        self.outcome.idle.update(waiting.idle)

    async def _ask_between(self) -> None:
        between, self.between = self.between, None
        if between is not None:
            await between(self.box, self.rng)
            if not self.box.is_open:
                raise _NewBoxError

    def excuse(self, fault: BoxFault) -> bool:
        """Whether the box ended on an input without a known answer, which costs robustness only.

        The input is not asked again in this case, and after `MAX_FAULTS` none of its kind that is still waiting.
        """
        question, self.asking = self.asking, None
        if question is None or question.expected is not None or fault.status in HOSTILE:
            return False
        answers, outcome = self.plan.answers, self.outcome
        answers.unanswered.add(question.key)
        outcome.excused.append(f"{fault.why}, asked {self.plan.entry}({format_arguments(question.key)})")
        outcome.fault_question = None
        if len(outcome.excused) >= MAX_FAULTS:
            answers.unanswered.update(one.key for _, _, one in self.waiting if one.expected is None)
            self.waiting = deque(entry for entry in self.waiting if entry[2].expected is not None)
        return True

    @property
    def _is_decided(self) -> bool:
        return not self.plan.is_full and bool(self.outcome.wrong or self.outcome.wrong_extras)

    async def _ask_batch(self) -> None:
        """Ask the next questions at once; in a screening, those of one origin.

        There a wrong answer to an example ends the case before the others are asked.

        The limit on each call is short. A slow call ends the box as an endless one does. Then a fresh box is asked one
        by one, with the limit of a full verdict, so no candidate fails because of the short one.
        """
        batch = [question for _, _, question in islice(self.waiting, MAX_BATCH)]
        if self.plan.is_screening:
            batch = list(takewhile(lambda question: question.origin == batch[0].origin, batch))
        if len(self.waiting) <= MAX_BATCH:
            batch += self.repeated
        keys, due = [one.key for one in batch], sum(one.due for one in batch)
        seconds = self.questions.short_limit(self.plan.limits.call_seconds)
        try:
            self.early.extend(await ask_all(self.pool, self.box, keys, due=due, seconds=seconds))
        except BoxFault:
            self.is_batched = False
            raise _NewBoxError from None

    async def _answer(self, key: bytes, *, due: int = 0) -> Answer:
        if self.early:
            answer = self.early.popleft()
        else:
            self.outcome.fault_question, asked = key, time.perf_counter()
            try:
                answer = await ask(self.pool, self.box, key, due=due, is_timed=not self.plan.is_batched)
            except BoxFault:
                self.outcome.wall += min(time.perf_counter() - asked, self.plan.limits.call_seconds)
                raise
        self.outcome.wall += answer.seconds
        self.outcome.fault_question = None
        if self.asking is None or self.asking.expected is not None:
            self.outcome.slowest = max(self.outcome.slowest, answer.seconds)
        return answer

    async def _ask(self, number: int, question: Question, waiting: Waiting, *, first: bool) -> None:
        outcome = self.outcome
        answer = await self._answer(question.key, due=question.due)
        reply = Reply(answer.kind, answer.payload)
        waiting.note(number, question.key, answer)
        if question.origin != "edge":
            outcome.seconds.append(answer.seconds)
        shared = number < len(self.questions.shared)
        if shared and question.reference_seconds is not None and not first and not self.is_batched:
            outcome.clock = "wall" if answer.cpu_seconds is None else "cpu"
            outcome.costs[number] = answer.seconds if answer.cpu_seconds is None else answer.cpu_seconds
        if shared:
            outcome.fingerprints[number] = self.plan.answers.fingerprint(question.key, reply, question.expected)
            self.outcome.replies[number] = reply.trimmed()
        if question.expected is None:
            outcome.edges_handled += reply.kind == "value"
        elif self.questions.is_expected(question, reply) or await self.questions.right(question, reply):
            outcome.right += 1
            outcome.edges_handled += question.origin == "edge"
        elif shared:
            outcome.wrong.append(wrong_answer(self.plan.entry, question, reply))
        else:
            outcome.wrong_extras.append((question, reply if not outcome.wrong_extras else reply.trimmed()))

    async def _ask_again(self, question: Question) -> None:
        answer = await self._answer(question.key, due=question.due)
        reply = Reply(answer.kind, answer.payload)
        if not await self.questions.right(question, reply):
            self.outcome.right -= 1
            self.outcome.wrong.append(wrong_answer(self.plan.entry, question, reply))

    async def _shows(self, example: DocExample) -> bool:
        answer = await ask(self.pool, self.box, example.key, due=len(example.promised))
        comparison = self.questions.tool.spec.compare
        promised = Reply("value", comparison.encode(decode(example.promised)))
        return Reply(answer.kind, answer.payload).is_same(promised, comparison)

    async def _try(self, trial: Trial) -> None:
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
            answer = await self._answer(key)
            reply = Reply(answer.kind, answer.payload)
            self.property_answers.update(self.plan.answers.fingerprint(key, reply))
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
            answer = await self._answer(key)
            replies.append(Reply(answer.kind, answer.payload))
            self.property_answers.update(self.plan.answers.fingerprint(key, replies[-1]))
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
        self.box.allow(len(right))
        return is_oversized(payload, key, right)


MAX_BATCH = 16  # questions that are asked at once
MAX_FAULTS = 2  # after which the remaining inputs without a known answer, or derived ones, count as not handled
