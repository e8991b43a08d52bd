"""Attempt: one seeded repetition, in which a fresh box is asked all questions in a shuffled order."""

from __future__ import annotations

import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import islice, takewhile

from harness.core.digest import derive_seed
from harness.core.status import Status
from harness.lanes.toolgen.batch_size import LARGEST, SMALLEST
from harness.lanes.toolgen.candidate_box import opened
from harness.lanes.toolgen.depth import MARGIN
from harness.lanes.toolgen.documentation import DocExample
from harness.lanes.toolgen.outcome import HOSTILE, Outcome
from harness.lanes.toolgen.performance import GRACE_SECONDS, null_call
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.questions import Question, Questions
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.schedule import MAX_FAULTS, Schedule
from harness.lanes.toolgen.trials import Trials
from harness.lanes.toolgen.waiting import Waiting
from harness.lanes.toolgen.wrong_answer import format_arguments, wrong_answer
from harness.sandbox.answer import Answer
from harness.sandbox.awaited_box import ask, ask_all
from harness.sandbox.codec import decode
from harness.sandbox.fault import BoxFault
from harness.sandbox.loop import pause
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.pool import BoxPool
from harness.sandbox.usage import count_threads

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
        self.asking: Question | None = None
        self.early: deque[Answer] = deque()  # answers to the next questions
        self.unclear: list[tuple[int, Question]] = []  # asked in a batch in which one may have been slow
        self.rng = rng = random.Random(outcome.seed)  # noqa: S311 - the seed is the secret
        self.schedule = schedule = Schedule(plan, questions.shared, extras, outcome.index, rng)
        self.waiting, self.between = schedule.waiting, between

    async def run(self, box: PolledBox, doc_examples: tuple[DocExample, ...]) -> None:
        """Ask the remaining questions; after an excused fault a new box continues."""
        self.box, first, waiting = box, True, Waiting(box.pid)
        while self.waiting:
            if self.between is not None and len(self.waiting) <= self.schedule.moment:
                self._note_waits(waiting)
                await self._ask_between()
                waiting = Waiting(box.pid)
            if not self.early and (batch := self._batch(waiting)):
                await self._ask_batch(batch)
            self.schedule.singles -= 1
            is_paused, number, self.asking = self.waiting.popleft()
            if is_paused:
                await self._pause()
            await self._ask(number, self.asking, waiting, first=first)
            first, self.asking = False, None
            if self._is_decided:
                return
        self._note_waits(waiting)
        await self._ask_between()
        for question in self.schedule.repeated:
            if self.outcome.wrong:
                break
            await self._ask_again(question)
        self.early.clear()  # of questions that were repeated after a wrong answer
        await self._time_unclear()
        await self._ask_threads()
        if self.outcome.wrong and not self.plan.is_full:
            return
        trials = Trials(self.questions, self.plan, self.outcome, ask=self._answer, allow=box.allow)
        for trial in self.questions.trials:
            await trials.run(trial)
            if self._is_decided:
                return
        self.outcome.property_answers = trials.digest.digest()
        try:
            self.outcome.doc_examples = [await self._shows(example) for example in doc_examples]
        except BoxFault as fault:
            if fault.status is Status.FORBIDDEN:
                raise
            self.outcome.doc_examples = [False] * len(doc_examples)
            self.box.close()

    async def _pause(self) -> None:
        seconds = self.rng.uniform(*self.plan.jitter_ms) / 1e3
        self.outcome.wall += seconds
        await pause(seconds)

    async def _ask_threads(self) -> None:
        """Ask some questions again with pauses, unless nothing in the box can have changed meanwhile."""
        pauses = self.schedule.pauses
        if self.plan.is_paused or not pauses or count_threads(self.box.pid) == 1:
            return
        known = [question for question in self.questions.shared if question.expected is not None]
        for question in self.rng.sample(known, min(pauses, len(known))):
            if self.outcome.wrong:
                break
            await self._pause()
            await self._ask_again(question)

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

    def _batch(self, waiting: Waiting) -> list[tuple[int, Question]]:
        """The next questions, with their numbers, that are asked at once; empty if the next one is asked alone.

        In a screening they have one origin, so a wrong answer to an example ends the case before the others are asked.
        Where calls are timed, they are so few that a score cannot tell whether one of them took all of the time.
        """
        plan, schedule = self.plan, self.schedule
        if schedule.singles > 0:
            return []
        left = len(self.waiting) - (schedule.moment if self.between is not None else 0)
        size = min(left, LARGEST if plan.is_batched else int(self.questions.batch_size))
        found = [(number, question) for _, number, question in islice(self.waiting, size)]
        if plan.is_screening:
            origin = found[0][1].origin
            found = list(takewhile(lambda one: one[1].origin == origin, found))
        if plan.is_batched:
            return found
        quickest = min(self.outcome.costs.values(), default=math.inf) - null_call(self.pool).cpu_seconds
        is_quick = SMALLEST * quickest <= GRACE_SECONDS and self.outcome.clock == "cpu"
        if not is_quick or (schedule.singles == 0 and waiting.is_on_purpose(self.box.pid)):
            schedule.singles = math.inf
            return []
        return found

    async def _ask_batch(self, numbered: list[tuple[int, Question]]) -> None:
        """Ask some questions at once, and if they are the last ones, those that are repeated, too.

        The limit on each call is short. A slow call ends the box as an endless one does. Then a fresh box is asked one
        by one, with the limit of a full verdict, so no candidate fails because of the short one.
        """
        batch = [question for _, question in numbered]
        if len(self.waiting) == len(batch):
            batch += self.schedule.repeated
        try:
            answers = await self._ask_at_once(batch)
            is_clear = self.plan.is_batched or not self._may_hide(answers)
            if not self.plan.is_batched:
                self.questions.batch_size.learn(is_quick=is_clear)
            if not is_clear:
                again = await self._ask_at_once(batch)  # its caches were cold, or it is slow
                if self._may_hide(again) or [one[:2] for one in again] != [one[:2] for one in answers]:
                    self.unclear += numbered
                    self.schedule.singles = math.inf
                else:
                    answers = again
        except BoxFault:
            self.schedule.singles = math.inf
            raise _NewBoxError from None
        self.early.extend(answers)

    async def _ask_at_once(self, batch: list[Question]) -> list[Answer]:
        keys, due = [one.key for one in batch], sum(one.due for one in batch)
        seconds = self.questions.short_limit(self.plan.limits.call_seconds)
        return await ask_all(self.pool, self.box, keys, due=due, seconds=seconds)

    def _may_hide(self, answers: list[Answer]) -> bool:
        """Whether one of these calls may have been so slow that a score depends on it."""
        null = null_call(self.pool).cpu_seconds
        beyond = sum((answer.cpu_seconds or answer.seconds) - null for answer in answers)
        wall = sum(answer.least_seconds for answer in answers)
        return beyond > GRACE_SECONDS or wall * MARGIN > self.plan.limits.call_seconds

    async def _time_unclear(self) -> None:
        """Ask the questions of batches that may hide a slow call again, one by one; longer times at once count."""
        costs, alone = self.outcome.costs, dict[int, float]()
        for number, question in self.unclear:
            if self.outcome.wrong:
                break
            if question.expected is not None:
                answer = await self._ask_again(question)
                if number in costs:
                    alone[number] = answer.cpu_seconds or answer.seconds
        more = max(0.0, sum(costs[number] for number in alone) - sum(alone.values())) / max(1, len(alone))
        costs.update({number: seconds + more for number, seconds in alone.items()})

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
        outcome, is_single = self.outcome, not self.early
        answer = await self._answer(question.key, due=question.due)
        reply = Reply(answer.kind, answer.payload)
        waiting.note(number, question.key, answer)
        if question.origin != "edge" and (is_single or self.plan.is_batched):
            outcome.seconds.append(answer.seconds)
        shared = number < len(self.questions.shared)
        if shared and question.reference_seconds is not None and not first and not self.plan.is_batched:
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

    async def _ask_again(self, question: Question) -> Answer:
        answer = await self._answer(question.key, due=question.due)
        reply = Reply(answer.kind, answer.payload)
        if not await self.questions.right(question, reply):
            self.outcome.right -= 1
            self.outcome.wrong.append(wrong_answer(self.plan.entry, question, reply))
        return answer

    async def _shows(self, example: DocExample) -> bool:
        answer = await ask(self.pool, self.box, example.key, due=len(example.promised))
        comparison = self.questions.tool.spec.compare
        promised = Reply("value", comparison.encode(decode(example.promised)))
        return Reply(answer.kind, answer.payload).is_same(promised, comparison)
