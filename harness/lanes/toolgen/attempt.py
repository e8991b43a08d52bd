"""Attempt: one seeded repetition, in which a fresh box is asked all questions in a shuffled order."""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.core.clip import clip
from harness.core.digest import derive_seed
from harness.core.status import Status
from harness.lane.watchdog import OverdueError, limited, paused
from harness.lanes.toolgen.answer_classes import AnswerClasses
from harness.lanes.toolgen.documentation import DocExample
from harness.lanes.toolgen.oracle import TRUSTED_SECONDS, Oracle, Reply
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.questions import Question, Questions, Trial, is_oversized
from harness.lanes.toolgen.tool_spec import Tool
from harness.lanes.toolgen.waiting import Waiting
from harness.lanes.toolgen.wrong_answer import WrongAnswer, describe_reply, format_arguments, wrong_answer
from harness.sandbox.answer import Answer
from harness.sandbox.box import Box
from harness.sandbox.codec import CodecError, decode, encode
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool


class _CandidateRaisedError(Exception):
    """The candidate raised an exception inside a property."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the attempts of one candidate are run.

    Attributes:
        source: The candidate's source file, as bytes.
        tool: The tool that it implements.
        answers: The answers seen so far.
        limits: Limits of each box.
        seed: Seed of this case; each attempt derives its own from it.
        attempts: Number of attempts with pauses between questions; further ones only have other hash seeds.
        hash_seeds: PYTHONHASHSEED of each attempt's box.
        jitter_ms: Shortest and longest pause between questions, in milliseconds.
    """

    source: bytes
    tool: Tool
    limits: Limits
    seed: int
    attempts: int
    hash_seeds: tuple[int, ...]
    jitter_ms: tuple[float, float]
    answers: AnswerClasses = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "answers", AnswerClasses(self.tool.spec.compare))

    @property
    def entry(self) -> str:
        """Name of the candidate's function."""
        return self.tool.signature.name

    @property
    def box_entry(self) -> str:
        """The entry by which a box is opened, with the rules for its answers (see `wire`)."""
        rules = ",".join(self.tool.answer_rules)
        return f"{self.entry}:{rules}" if rules else self.entry


PAUSES = 24
"""Pauses of a case over all attempts. An answer that is wrong in 20 % of all milliseconds is missed at 24 independent
moments with probability 0.8**24, about once in 200 cases; without pauses all questions share one moment."""
MIN_PAUSES = 8
"""Minimum number of pauses of one attempt, for cases with few attempts."""
MANY_PAUSES = 96
"""Total number of pauses above which MIN_PAUSES no longer applies: each attempt starts at its own moment anyway."""


def run_attempt(
    pool: BoxPool, questions: Questions, plan: Plan, index: int, *, doc_examples: tuple[DocExample, ...] = ()
) -> Outcome:
    """Ask one box all questions of an attempt.

    Args:
        pool: Opens the box.
        questions: The questions.
        plan: How the candidate is asked.
        index: Index of the attempt, from 0.
        doc_examples: Examples of the docstrings; they are asked last and cannot change the verdict.

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
    box: Box | None = None
    run = _AttemptRun(questions, plan, outcome, extras)
    while True:
        try:
            with pool.open(plan.source, entry=plan.box_entry, limits=plan.limits, hash_seed=outcome.hash_seed) as box:
                run.run(box, doc_examples)
        except BoxFault as fault:
            if run.excuse(fault):
                continue
            outcome.fault = fault
        break
    outcome.usage = box.usage if box is not None else None
    outcome.wall = time.perf_counter() - started
    return outcome


class _AttemptRun:
    def __init__(self, questions: Questions, plan: Plan, outcome: Outcome, extras: tuple[Question, ...]) -> None:
        self.questions, self.plan, self.outcome = questions, plan, outcome
        self.box: Box
        self.property_answers = hashlib.sha256()
        self.fault: BoxFault | None = None
        self.asking: Question | None = None
        self.rng = rng = random.Random(outcome.seed)  # noqa: S311 - the seed is the secret
        numbered = list(enumerate((*questions.shared, *extras)))
        rng.shuffle(numbered)
        least = min(MIN_PAUSES, math.ceil(MANY_PAUSES / plan.attempts))
        is_paused = plan.jitter_ms[1] > 0 and outcome.index < plan.attempts
        wanted = max(least, math.ceil(PAUSES / plan.attempts)) if is_paused else 0
        pauses = set(rng.sample(range(len(numbered)), min(wanted, len(numbered))))
        lost = plan.answers.unanswered
        # Each further fault may cost a whole time budget.
        shared, is_hopeless = len(questions.shared), len(lost) >= MAX_FAULTS
        self.waiting = deque(
            (turn in pauses, number, question)
            for turn, (number, question) in enumerate(numbered)
            if question.key not in lost and not (is_hopeless and question.expected is None and number >= shared)
        )

    def run(self, box: Box, doc_examples: tuple[DocExample, ...]) -> None:
        """Ask the remaining questions; after an excused fault a new box continues."""
        self.box, first, waiting = box, True, Waiting()
        while self.waiting:
            pause, number, self.asking = self.waiting.popleft()
            if pause:
                low, high = self.plan.jitter_ms
                time.sleep(self.rng.uniform(low, high) / 1e3)
            self._ask(number, self.asking, waiting, first=first)
            first, self.asking = False, None
        self.outcome.waits = self.outcome.waits or waiting.is_on_purpose(box.pid)
        self.outcome.idle.update(waiting.idle)
        for trial in self.questions.trials:
            self._try(trial)
        self.outcome.property_answers = self.property_answers.digest()
        try:
            self.outcome.doc_examples = [self._shows(example) for example in doc_examples]
        except BoxFault:
            self.outcome.doc_examples = [False] * len(doc_examples)

    def excuse(self, fault: BoxFault) -> bool:
        """Whether the box ended on an input without a known answer, which costs robustness only.

        The input is not asked again in this case, and after `MAX_FAULTS` none of its kind that is still waiting.
        """
        question, self.asking = self.asking, None
        if question is None or question.expected is not None or fault.status is Status.PROTOCOL:
            return False
        answers, outcome = self.plan.answers, self.outcome
        answers.unanswered.add(question.key)
        outcome.excused.append(f"{fault.why}, asked {self.plan.entry}({format_arguments(question.key)})")
        outcome.fault_question = self.fault = None
        if len(outcome.excused) >= MAX_FAULTS:
            answers.unanswered.update(one.key for _, _, one in self.waiting if one.expected is None)
            self.waiting = deque(entry for entry in self.waiting if entry[2].expected is not None)
        return True

    def _reply(self, key: bytes) -> Reply:
        answer = self._answer(key)
        return Reply(answer.kind, answer.payload)

    def _answer(self, key: bytes) -> Answer:
        self.outcome.fault_question = key
        if self.fault is not None:
            raise self.fault
        try:
            answer = self.box.ask(key)
        except BoxFault as fault:
            self.fault = fault
            raise
        self.outcome.fault_question = None
        if self.asking is None or self.asking.expected is not None:
            self.outcome.slowest = max(self.outcome.slowest, answer.seconds)
        return answer

    def _ask(self, number: int, question: Question, waiting: Waiting, *, first: bool) -> None:
        outcome = self.outcome
        self.box.allow(question.due)
        answer = self._answer(question.key)
        reply = Reply(answer.kind, answer.payload)
        waiting.note(number, question.key, answer)
        if question.origin != "edge":
            outcome.seconds.append(answer.seconds)
        shared = number < len(self.questions.shared)
        if shared and question.reference_seconds is not None and not first:
            outcome.clock = "wall" if answer.cpu_seconds is None else "cpu"
            outcome.costs[number] = answer.seconds if answer.cpu_seconds is None else answer.cpu_seconds
        if shared:
            outcome.fingerprints[number] = self.plan.answers.fingerprint(question.key, reply, question.expected)
            self.outcome.replies[number] = reply.trimmed()
        if question.expected is None:
            outcome.edges_handled += reply.kind == "value"
        elif self.questions.right(question, reply):
            outcome.right += 1
            outcome.edges_handled += question.origin == "edge"
        elif shared:
            outcome.wrong.append(wrong_answer(self.plan.entry, question, reply))
        else:
            outcome.wrong_extras.append((question, reply if not outcome.wrong_extras else reply.trimmed()))

    def _shows(self, example: DocExample) -> bool:
        self.box.allow(len(example.promised))
        answer = self.box.ask(example.key)
        promised = Reply("value", self.questions.tool.spec.compare.encode(decode(example.promised)))
        return Reply(answer.kind, answer.payload).is_same(promised, self.questions.tool.spec.compare)

    def _try(self, trial: Trial) -> None:
        oracle = self.questions.oracle
        if oracle is None:
            return
        check = oracle.properties[trial.index]
        try:
            with limited(TRUSTED_SECONDS):
                problem = check(self._caller(trial), decode(trial.key), random.Random(trial.seed))  # noqa: S311
        except _CandidateRaisedError as error:
            problem = str(error)
        except (SystemExit, OverdueError) as error:
            raise oracle.fault(f"property {trial.name}", trial.key, error) from error
        except Exception as error:
            if self.fault is None:
                _check_property(oracle, trial, error)
            problem = f"it cannot be checked on this answer ({type(error).__name__}: {clip(str(error), limit=120)})"
        if self.fault is not None:
            raise self.fault  # also if a property caught the exception
        if problem is None:
            self.outcome.right += 1
            return
        sentence = f"property {trial.name} fails: {clip(str(problem), limit=300)}"
        self.outcome.wrong.append(WrongAnswer(trial.key, f'"{trial.name}"', clip(str(problem)), sentence))

    def _oversized(self, payload: bytes, key: bytes) -> bool:
        oracle = self.questions.oracle
        if oracle is None or not is_oversized(payload, key, b""):
            return False
        right = oracle.reply(key, any_error=True).payload
        self.box.allow(len(right))
        return is_oversized(payload, key, right)

    def _caller(self, trial: Trial) -> Callable[..., Any]:
        def call(**kwargs: Any) -> Any:
            with paused():  # the box enforces the candidate's own limits
                reply = self._reply(encode(kwargs))
            self.property_answers.update(self.plan.answers.fingerprint(encode(kwargs), reply))
            if reply.kind != "value":
                raise _CandidateRaisedError(
                    f"{self.plan.entry} {describe_reply(reply)} on {format_arguments(encode(kwargs))}"
                )
            if self._oversized(reply.payload, encode(kwargs)):
                raise _CandidateRaisedError(f"{self.plan.entry} returned {len(reply.payload)} bytes, too many to check")
            try:
                return decode(reply.payload)
            except CodecError:
                self.fault = BoxFault(Status.PROTOCOL, "an answer that is not canonical JSON")
                raise self.fault from None

        return call


def _check_property(oracle: Oracle, trial: Trial, error: Exception) -> None:
    """Check whether a property that raised `error` also raises on the reference's answers.

    Raises:
        SpecError: if it does; otherwise the candidate's answer caused the error.
    """

    def reference(**kwargs: Any) -> Any:
        reply = oracle.reply(encode(kwargs))
        return decode(reply.payload) if reply.kind == "value" else None

    check = oracle.properties[trial.index]
    try:
        with limited(TRUSTED_SECONDS):
            check(reference, decode(trial.key), random.Random(trial.seed))  # noqa: S311 - not a secret
    except (Exception, SystemExit, OverdueError):
        raise oracle.fault(f"property {trial.name}", trial.key, error) from error


MAX_FAULTS = 2
"""After this number of faults the remaining inputs without a known answer, or derived ones, count as not handled."""


def ask_derived(pool: BoxPool, questions: Questions, plan: Plan) -> int:
    """Count the derived edge inputs that are handled as the reference does; after a fault a new box continues.

    Raises:
        SpecError: if the oracle's `accept` fails.
        InfraError: if no box can be opened.
    """
    handled = faults = 0
    waiting = list(reversed(questions.derived))
    while waiting and faults < MAX_FAULTS:
        try:
            with pool.open(plan.source, entry=plan.box_entry, limits=plan.limits, hash_seed=plan.hash_seeds[0]) as box:
                while waiting:
                    question = waiting.pop()
                    box.allow(question.due)
                    answer = box.ask(question.key)
                    handled += questions.right(question, Reply(answer.kind, answer.payload))
        except BoxFault:
            faults += 1
    return handled
