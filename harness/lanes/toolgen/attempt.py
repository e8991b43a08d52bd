"""Attempt: one seeded repetition, in which a fresh box is asked all questions in a shuffled order."""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections.abc import Callable, Iterable
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
        hash_seeds: PYTHONHASHSEED of each attempt's box.
        jitter_ms: Shortest and longest pause between questions, in milliseconds.
    """

    source: bytes
    tool: Tool
    limits: Limits
    seed: int
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
    try:
        with pool.open(plan.source, entry=plan.box_entry, limits=plan.limits, hash_seed=outcome.hash_seed) as box:
            _AttemptRun(box, questions, plan, outcome).run(extras, doc_examples)
    except BoxFault as fault:
        outcome.fault = fault
        outcome.answers = ""
    outcome.usage = box.usage if box is not None else None
    outcome.wall = time.perf_counter() - started
    return outcome


class _AttemptRun:
    def __init__(self, box: Box, questions: Questions, plan: Plan, outcome: Outcome) -> None:
        self.box, self.questions, self.plan, self.outcome = box, questions, plan, outcome
        self.property_answers = hashlib.sha256()
        self.fault: BoxFault | None = None

    def run(self, extras: tuple[Question, ...], doc_examples: tuple[DocExample, ...]) -> None:
        rng = random.Random(self.outcome.seed)  # noqa: S311 - the seed is the secret
        numbered = list(enumerate((*self.questions.shared, *extras)))
        rng.shuffle(numbered)
        low, high = self.plan.jitter_ms
        attempts = len(self.plan.hash_seeds)
        least = min(MIN_PAUSES, math.ceil(MANY_PAUSES / attempts))
        wanted = max(least, math.ceil(PAUSES / attempts)) if high > 0 else 0
        pauses = set(rng.sample(range(len(numbered)), min(wanted, len(numbered))))
        for turn, (number, question) in enumerate(numbered):
            if turn in pauses:
                time.sleep(rng.uniform(low, high) / 1e3)
            self._ask(number, question, first=turn == 0)
        for trial in self.questions.trials:
            self._try(trial)
        whole = hashlib.sha256()
        for number in range(len(self.questions.shared)):
            whole.update(self.outcome.fingerprints[number])
        whole.update(self.property_answers.digest())
        self.outcome.answers = whole.hexdigest()
        try:
            self.outcome.doc_examples = [self._shows(example) for example in doc_examples]
        except BoxFault:
            self.outcome.doc_examples = [False] * len(doc_examples)

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
        self.outcome.slowest = max(self.outcome.slowest, answer.seconds)
        return answer

    def _ask(self, number: int, question: Question, *, first: bool) -> None:
        outcome = self.outcome
        self.box.allow(question.due)
        answer = self._answer(question.key)
        reply = Reply(answer.kind, answer.payload)
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


def ask_once(
    pool: BoxPool, plan: Plan, question: Question, hash_seed: int, *, before: Iterable[Question] = ()
) -> Reply | BoxFault:
    """The reply to one question in a fresh box, after the questions `before`, or the fault of the box.

    Raises:
        InfraError: if no box can be opened.
    """
    try:
        with pool.open(plan.source, entry=plan.box_entry, limits=plan.limits, hash_seed=hash_seed) as box:
            for other in before:
                box.allow(other.due)
                box.ask(other.key)
            box.allow(question.due)
            answer = box.ask(question.key)
            return Reply(answer.kind, answer.payload)
    except BoxFault as fault:
        return fault


ROUNDS = 3
"""Rounds with each of two hash seeds. A candidate that is right at random, with probability p, passes all rounds with
probability (p * (1 - p**2))**6, at most 0.4 %."""
FEW = 8
"""Number of questions that a box is asked first before the one that is examined; if it is still right, all others."""


def depends_on_other_questions(
    pool: BoxPool, questions: Questions, plan: Plan, key: bytes, hash_seeds: tuple[int, int]
) -> bool:
    """Whether a shared question is always answered rightly alone, and wrongly after others.

    False where the right answer is unknown, or where `accept` decides: two different answers may then both be right.

    Args:
        pool: Opens up to three boxes for each round.
        questions: The questions.
        plan: How the candidate is asked.
        key: The key of the question.
        hash_seeds: The hash seeds of the two attempts that disagree.

    Raises:
        InfraError: if no box can be opened.
    """
    question = next((one for one in questions.shared if one.key == key and one.expected is not None), None)
    if question is None or questions.is_judged_by_accept:
        return False
    others = [one for one in questions.shared if one is not question]
    for hash_seed in hash_seeds * ROUNDS:
        alone = ask_once(pool, plan, question, hash_seed)
        if isinstance(alone, BoxFault) or not questions.right(question, alone):
            return False
        later = ask_once(pool, plan, question, hash_seed, before=others[:FEW])
        if not isinstance(later, BoxFault) and questions.right(question, later):
            later = ask_once(pool, plan, question, hash_seed, before=others)
        if isinstance(later, BoxFault) or questions.right(question, later):
            return False
    return True


MAX_FAULTS = 2
"""After this number of faults the remaining derived edge inputs count as not handled."""


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
