"""Outcome: what one attempt showed."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.core.evidence import Attempt
from harness.core.status import Status, first_of
from harness.lanes.toolgen.counterexample import Wrong
from harness.lanes.toolgen.oracle import Reply
from harness.lanes.toolgen.questions import Question
from harness.sandbox.fault import BoxFault
from harness.sandbox.usage import Usage


@dataclass(slots=True)
class Outcome:
    """What one attempt showed.

    Attributes:
        index: Which attempt.
        seed: Of its order, jitter and extras.
        hash_seed: PYTHONHASHSEED of its box.
        answers: Digest of all shared replies in the questions' own order; empty if not all came.
        total: Questions with a known answer that should have been answered: shared, extra and properties.
        right: Those that were answered rightly.
        edges_total: Shared edge inputs among them; for a tool with examples only, the drawn inputs.
        edges_handled: Those that were answered rightly; for a tool with examples only, without an exception.
        seconds: Wall seconds of each call on an example or a drawn input, by the parent's clock.
        costs: By number the CPU seconds of each shared question whose reference was timed (wall, where the kernel does
            not tell), but the first that was asked: it pays for caches and lazy imports.
        clock: `cpu` or `wall`, of these.
        slowest: Wall seconds of the longest call of all.
        wrong: Wrong answers to shared questions and violated properties.
        replies: By number the (trimmed) reply to each shared question, until attempts were compared.
        wrong_extras: Questions of this attempt's own with the wrong (trimmed) reply they got.
        fault: What ended the box, if anything did.
        doc_examples: Per example of the docstrings whether it came out as promised.
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
    slowest: float = 0.0
    wrong: list[Wrong] = field(default_factory=list)
    replies: dict[int, Reply] = field(default_factory=dict)
    wrong_extras: list[tuple[Question, Reply]] = field(default_factory=list)
    fault: BoxFault | None = None
    fault_question: bytes | None = None
    doc_examples: list[bool] = field(default_factory=list)
    usage: Usage | None = None
    wall: float = 0.0

    @property
    def status(self) -> Status:
        """The attempt's own verdict."""
        seen = [self.fault.status] if self.fault else []
        if self.wrong or self.wrong_extras:
            seen.append(Status.WRONG)
        return first_of(seen)

    @property
    def shared_status(self) -> Status:
        """The verdict over what every attempt is asked; by this attempts are compared."""
        seen = [self.fault.status] if self.fault else []
        return first_of([*seen, Status.WRONG] if self.wrong else seen)

    @property
    def why(self) -> str:
        """One sentence; empty for a clean attempt."""
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
        """The record of it."""
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
