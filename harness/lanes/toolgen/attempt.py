"""Attempt: one seeded repetition. A fresh box is asked everything, in an order of its own."""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.core.clip import clip
from harness.core.digest import derive_seed
from harness.core.status import Status
from harness.lane.watchdog import OverdueError, limited, paused
from harness.lanes.toolgen.counterexample import Wrong, described, shown, wrong_answer
from harness.lanes.toolgen.documentation import DocExample
from harness.lanes.toolgen.oracle import TRUSTED_SECONDS, Oracle, Reply
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.questions import Question, Questions, Trial, oversized
from harness.sandbox.answer import Answer
from harness.sandbox.box import Box
from harness.sandbox.codec import CodecError, decode, encode
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool


class _CandidateRaisedError(Exception):
    """Inside a property: the candidate raised."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the attempts on one candidate are run.

    Attributes:
        source: The candidate's bytes.
        entry: Its function.
        limits: Of each box.
        seed: Of this case; attempts derive theirs from it.
        hash_seeds: PYTHONHASHSEED of each attempt's box.
        jitter_ms: Least and longest of the pauses between questions.
    """

    source: bytes
    entry: str
    limits: Limits
    seed: int
    hash_seeds: tuple[int, ...]
    jitter_ms: tuple[float, float]


PAUSES = 24
"""Pauses of a case, over all its attempts. An answer that is wrong in 20 % of all milliseconds escapes 24 looks at
independent moments with probability 0.8**24, about once in 200 cases; asked back to back the moments are one."""
MIN_PAUSES = 8
"""Pauses of one attempt while there are few of them, and"""
MANY_PAUSES = 96
"""so many of a case that has many: each attempt begins at a moment of its own anyway."""


def run_attempt(
    pool: BoxPool, questions: Questions, plan: Plan, index: int, *, doc_examples: tuple[DocExample, ...] = ()
) -> Outcome:
    """Ask one box everything.

    Args:
        pool: Opens the box.
        questions: What to ask.
        plan: About the candidate.
        index: Which attempt.
        doc_examples: Calls a docstring shows; they are asked last and cannot change the verdict.

    Raises:
        SpecError: if the oracle's `accept`, or a property itself, fails.
        InfraError: if no box can be had.
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
        with pool.open(plan.source, entry=plan.entry, limits=plan.limits, hash_seed=outcome.hash_seed) as box:
            _Asking(box, questions, plan, outcome).run(extras, doc_examples)
    except BoxFault as fault:
        outcome.fault = fault
        outcome.answers = ""
    outcome.usage = box.usage if box is not None else None
    outcome.wall = time.perf_counter() - started
    return outcome


class _Asking:
    def __init__(self, box: Box, questions: Questions, plan: Plan, outcome: Outcome) -> None:
        self.box, self.questions, self.plan, self.outcome = box, questions, plan, outcome
        self.essences: dict[int, bytes] = {}
        self.law_answers = hashlib.sha256()
        self.dead: BoxFault | None = None

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
            whole.update(self.essences[number])
        whole.update(self.law_answers.digest())
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
        if self.dead is not None:
            raise self.dead
        try:
            answer = self.box.ask(key)
        except BoxFault as fault:
            self.dead = fault
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
            self.essences[number] = hashlib.sha256(b"\0".join((reply.essence[0].encode(), reply.essence[1]))).digest()
            self.outcome.replies[number] = reply.trimmed()
        if question.expected is None:
            outcome.edges_handled += reply.kind == "value"
        elif self.questions.right(question, reply):
            outcome.right += 1
            outcome.edges_handled += question.origin == "edge"
        elif shared:
            outcome.wrong.append(wrong_answer(self.plan.entry, question, reply))
        else:
            outcome.wrong_extras.append((question, reply.trimmed()))

    def _shows(self, example: DocExample) -> bool:
        self.box.allow(len(example.promised))
        answer = self.box.ask(example.key)
        return answer.kind == "value" and answer.payload == example.promised

    def _try(self, trial: Trial) -> None:
        oracle = self.questions.oracle
        if oracle is None:
            return
        law = oracle.properties[trial.index]
        try:
            with limited(TRUSTED_SECONDS):
                said = law(self._caller(trial), decode(trial.key), random.Random(trial.seed))  # noqa: S311 - no secret
        except _CandidateRaisedError as error:
            said = str(error)
        except (SystemExit, OverdueError) as error:
            raise oracle.fault(f"property {trial.name}", trial.key, error) from error
        except Exception as error:
            if self.dead is None:
                _blame_oracle(oracle, trial, error)
            said = f"it cannot be tried on this answer ({type(error).__name__}: {clip(str(error), limit=120)})"
        if self.dead is not None:
            raise self.dead  # a property that catches everything must not hide it
        if said is None:
            self.outcome.right += 1
            return
        sentence = f"property {trial.name} fails: {clip(str(said), limit=300)}"
        self.outcome.wrong.append(Wrong(trial.key, f'"{trial.name}"', clip(str(said)), sentence))

    def _oversized(self, payload: bytes, key: bytes) -> bool:
        oracle = self.questions.oracle
        if oracle is None or not oversized(payload, key, b""):
            return False
        right = oracle.reply(key, any_error=True).payload
        self.box.allow(len(right))
        return oversized(payload, key, right)

    def _caller(self, trial: Trial) -> Callable[..., Any]:
        def call(**kwargs: Any) -> Any:
            with paused():  # the candidate has limits of its own
                reply = self._reply(encode(kwargs))
            self.law_answers.update(b"\0".join((reply.essence[0].encode(), reply.essence[1])))
            if reply.kind != "value":
                raise _CandidateRaisedError(f"{self.plan.entry} {described(reply)} on {shown(encode(kwargs))}")
            if self._oversized(reply.payload, encode(kwargs)):
                raise _CandidateRaisedError(f"{self.plan.entry} returned {len(reply.payload)} bytes, far too many")
            try:
                return decode(reply.payload)
            except CodecError:
                self.dead = BoxFault(Status.PROTOCOL, "an answer that is not canonical JSON")
                raise self.dead from None

        return call


def _blame_oracle(oracle: Oracle, trial: Trial, error: Exception) -> None:
    """Raise if a property fails on the reference's own answers, too; else the candidate's answer broke it.

    Raises:
        SpecError: if the property is at fault.
    """

    def reference(**kwargs: Any) -> Any:
        reply = oracle.reply(encode(kwargs))
        return decode(reply.payload) if reply.kind == "value" else None

    law = oracle.properties[trial.index]
    try:
        with limited(TRUSTED_SECONDS):
            law(reference, decode(trial.key), random.Random(trial.seed))  # noqa: S311 - not a secret
    except (Exception, SystemExit, OverdueError):
        raise oracle.fault(f"property {trial.name}", trial.key, error) from error


def ask_once(pool: BoxPool, plan: Plan, question: Question, hash_seed: int) -> Reply | BoxFault:
    """The reply to a single question in a box of its own, or the fault that came instead.

    Raises:
        InfraError: if no box can be had.
    """
    try:
        with pool.open(plan.source, entry=plan.entry, limits=plan.limits, hash_seed=hash_seed) as box:
            box.allow(question.due)
            answer = box.ask(question.key)
            return Reply(answer.kind, answer.payload)
    except BoxFault as fault:
        return fault


MAX_FAULTS = 2
"""After so many dead boxes the remaining derived edges count as not handled."""


def ask_derived(pool: BoxPool, questions: Questions, plan: Plan) -> int:
    """How many derived edge inputs are handled as the reference does; a fault costs that input and a new box.

    Raises:
        SpecError: if the oracle's `accept` fails.
        InfraError: if no box can be had.
    """
    handled = faults = 0
    waiting = list(reversed(questions.derived))
    while waiting and faults < MAX_FAULTS:
        try:
            with pool.open(plan.source, entry=plan.entry, limits=plan.limits, hash_seed=plan.hash_seeds[0]) as box:
                while waiting:
                    question = waiting.pop()
                    box.allow(question.due)
                    answer = box.ask(question.key)
                    handled += questions.right(question, Reply(answer.kind, answer.payload))
        except BoxFault:
            faults += 1
    return handled
