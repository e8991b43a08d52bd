"""Outcome: the observations of one attempt."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.core.evidence import Attempt
from harness.core.status import Status, first_of
from harness.lanes.toolgen.questions import Question
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.wrong_answer import WrongAnswer
from harness.sandbox.fault import BoxFault
from harness.sandbox.usage import Usage

HOSTILE = (Status.PROTOCOL, Status.FORBIDDEN)  # faults that are never excused


@dataclass(slots=True)
class Outcome:
    """The observations of one attempt.

    Attributes:
        index: Index of the attempt, from 0.
        seed: Seed of the question order, the pauses and the extra inputs.
        hash_seed: PYTHONHASHSEED of its box.
        answers: Digest of all replies to shared questions, in question order, see `seal`; empty after a fault.
        total: Number of questions with a known answer: shared, extra and properties.
        edges_total: Number of shared edge inputs; for a tool with examples only, of sampled inputs.
        edges_handled: Right answers among them; for a tool with examples only, answers without an exception.
        seconds: Wall seconds of each call on an example or a sampled input, by the parent's clock.
        costs: CPU seconds by number of each shared question with a timed reference (wall seconds where the kernel has
            no CPU clock), except the first one asked, which fills caches and runs lazy imports.
        wall: Seconds of loading, calls and pauses; the time in which other cases had their turn is not part of it.
        clock: The clock of `costs`: `cpu` or `wall`.
        idle: Wall minus CPU seconds by number of each shared question; see `Waiting`.
        waits: Whether the box gave up its core in these calls.
        slowest: Wall seconds of the longest call.
        wrong: WrongAnswer answers to shared questions, and violated properties.
        fingerprints: The digest by number of each reply to a shared question, see `AnswerClasses`.
        replies: The (trimmed) reply by number to each shared question, kept until attempts are compared.
        wrong_extras: Extra questions of this attempt with their wrong replies, all but the first trimmed.
        property_answers: Digest of the replies to the calls of properties.
        excused: Faults on inputs without a known answer, as sentences.
        fault: The fault that ended the box, if there was one.
        entry_line: `PolledBox.entry_line`.
        doc_examples: For each docstring example, whether the value was as documented.
    """

    index: int
    seed: int
    hash_seed: int
    total: int = 0
    right: int = 0
    edges_total: int = 0
    edges_handled: int = 0
    answers: str = ""
    seconds: list[float] = field(default_factory=list)
    costs: dict[int, float] = field(default_factory=dict)
    clock: str = "cpu"
    idle: dict[int, float] = field(default_factory=dict)
    waits: bool = False
    slowest: float = 0.0
    wrong: list[WrongAnswer] = field(default_factory=list)
    fingerprints: dict[int, bytes] = field(default_factory=dict)
    replies: dict[int, Reply] = field(default_factory=dict)
    wrong_extras: list[tuple[Question, Reply]] = field(default_factory=list)
    property_answers: bytes = b""
    excused: list[str] = field(default_factory=list)
    fault: BoxFault | None = None
    fault_question: bytes | None = None
    doc_examples: list[bool] = field(default_factory=list)
    entry_line: int | None = None
    usage: Usage | None = None
    wall: float = 0.0

    def seal(self, asked: Sequence[int]) -> None:
        """Digest the replies to the questions that every attempt answered, given by number, if all were asked."""
        if self.fault is None and self.property_answers:
            parts = [self.fingerprints[number] for number in asked]
            self.answers = hashlib.sha256(b"".join([*parts, self.property_answers])).hexdigest()

    @property
    def status(self) -> Status:
        """The verdict over all questions of this attempt."""
        seen = [self.fault.status] if self.fault else []
        if self.wrong or self.wrong_extras:
            seen.append(Status.WRONG)
        return first_of(seen)

    @property
    def shared_status(self) -> Status:
        """The verdict over the shared questions, by which attempts are compared."""
        seen = [self.fault.status] if self.fault else []
        return first_of([*seen, Status.WRONG] if self.wrong else seen)

    @property
    def why(self) -> str:
        """The reason of a status other than `ok`; empty otherwise."""
        if self.fault is not None:
            return self.fault.why
        wrong = self.total - self.right
        return (
            f"{wrong} of {self.total} answers are wrong; {self.wrong[0].sentence}"
            if self.wrong
            else (
                f"{len(self.wrong_extras)} answers to inputs of this attempt's own are wrong"
                if self.wrong_extras
                else ""
            )
        )

    def to_attempt(self) -> Attempt:
        """The record of this attempt for the evidence."""
        usage = self.usage
        return Attempt(
            index=self.index,
            seed=self.seed,
            hash_seed=self.hash_seed,
            status=self.status,
            why=self.why,
            answers=self.answers,
            seconds=self.wall,
            cpu_ms=usage.cpu_ms if usage else None,
            peak_mb=usage.peak_mb if usage else None,
        )
