"""OpponentBenchmark: compares the speed of a candidate with its parent, the champion, and itself as a control."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.digest import derive_seed
from harness.core.opponent import Opponent
from harness.core.paired import Comparison, Verdict
from harness.core.status import Status
from harness.lanes.toolgen.oracle import Oracle
from harness.lanes.toolgen.performance import NULL_SOURCE, workload_key
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.questions import Question, Questions
from harness.lanes.toolgen.reader import Reader
from harness.lanes.toolgen.reading import Reading
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.source import Source, read_source
from harness.lanes.toolgen.wrong_answer import WrongAnswer, wrong_answer
from harness.sandbox.box import Box
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.loop import drive
from harness.sandbox.pool import BoxPool
from harness.timing.log_ratios import OPPONENT
from harness.timing.paired_benchmark import MAX_PAIRS, PairedBenchmark, run_paired_benchmark
from harness.timing.stopwatch import NULL, SUBJECT, Stopwatch

LONG_ENOUGH = 2e-4
"""Target duration of a call in seconds, so that the overhead of asking (15 us) is small. Longer calls vary as much."""


class SubjectFault(Exception):  # noqa: N818 - a fault is data, not an error of ours
    """The candidate's own box ended during the comparison."""

    def __init__(self, fault: BoxFault, key: bytes | None) -> None:
        super().__init__(fault.why)
        self.fault, self.key = fault, key


class OpponentBenchmark:
    """Compares one candidate with its opponents.

    Args:
        plan: How the candidate is asked.
        rows: The candidate's times at growing sizes; they determine the size of the timed inputs.
        reader: Reads the opponents, which may use no forbidden name either: an opponent may never have been judged.

    Attributes:
        wrong: WrongAnswer answers of the candidate; usually empty, since the candidate answered all questions before.
    """

    def __init__(
        self,
        pool: BoxPool,
        questions: Questions,
        plan: Plan,
        stopwatch: Stopwatch,
        *,
        rows: Sequence[dict[str, Any]],
        reader: Reader,
    ) -> None:
        self._pool, self._questions, self._plan, self._stopwatch = pool, questions, plan, stopwatch
        self._reader = reader
        self._size = next((row["size"] for row in rows if row["candidate_s"] >= LONG_ENOUGH), None) or (
            rows[-1]["size"] if rows else None
        )
        self.wrong: list[WrongAnswer] = []

    def compare(self, opponent: Opponent, *, name: str) -> Comparison:
        """Measure the candidate against an opponent.

        Raises:
            SubjectFault: if the candidate's box ends.
            SpecError: if the oracle fails.
            InfraError: if no box can be opened.
        """
        about = {"role": opponent.role, "rival": opponent.subject.name, "digest": opponent.subject.digest}
        source = read_source(Path(opponent.subject.path))
        reading = self._reader.read_now(source, self._questions.tool)
        problem = self._check_opponent(source, opponent, reading)
        if problem:
            return Comparison(verdict=Verdict.UNDERPOWERED, why=problem, **about)
        return self._run(source.data, self._plan.entry_for(reading.imports), name).model_copy(update=about)

    def compare_with_itself(self, *, name: str) -> Comparison:
        """Measure the candidate against itself: the A/A control of a session that compares nothing else."""
        return self._run(self._plan.source, self._plan.box_entry, name).model_copy(
            update={"role": "control", "rival": "itself"}
        )

    @staticmethod
    def _check_opponent(source: Source, opponent: Opponent, reading: Reading) -> str:
        """Why the opponent cannot be run; empty when it can."""
        if source.digest != opponent.subject.digest:
            return f"the file of the {opponent.role} {opponent.subject.name} changed since it was collected"
        if reading.status is not Status.OK:
            return f"the {opponent.role} {opponent.subject.name} cannot be parsed"
        if reading.violations:
            return f"the {opponent.role} {opponent.subject.name} uses forbidden APIs"
        return ""

    def _run(self, opponent: bytes, entry: str, name: str) -> Comparison:
        sides = _Sides(self._pool, self._questions, self._plan, (opponent, entry), self._size)
        seed = derive_seed(self._questions.seed, name)
        try:
            return run_paired_benchmark(sides.benchmark(), self._stopwatch, name=name, seed=seed)
        except _OpponentWrongError as error:
            return Comparison(verdict=Verdict.UNDERPOWERED, why=str(error))
        finally:
            self.wrong += sides.wrong


class _OpponentWrongError(Exception):
    pass


class _Sides:
    """The processes and inputs of one paired benchmark, and the check of their answers."""

    def __init__(
        self, pool: BoxPool, questions: Questions, plan: Plan, opponent: tuple[bytes, str], size: int | None
    ) -> None:
        self.pool, self.questions, self.plan, self.opponent, self.size = pool, questions, plan, opponent, size
        self.wrong: list[WrongAnswer] = []
        self.asked = [question for question in questions.shared if question.origin != "edge"]
        self._started = self._made = 0
        self._last: tuple[bytes, Question] | None = None
        self._boxes: deque[Box] = deque(maxlen=3)

    def benchmark(self) -> PairedBenchmark:
        growing = self.size is not None
        return PairedBenchmark(
            subject=lambda: self._start(self.plan.source, self.plan.box_entry, SUBJECT),
            opponent=lambda: self._start(*self.opponent, OPPONENT),
            null=lambda: _Boxed(self.pool.open(NULL_SOURCE, entry="null", limits=Limits()), NULL),
            argument=self._workload if growing else self._ordinary,
            check=self._check,
            max_inputs=MAX_PAIRS if growing else len(self.asked),
        )

    def _start(self, source: bytes, entry: str, side: str) -> _Boxed:
        # The three boxes of a group have the same hash seed, so that only the code differs.
        seeds = self.plan.hash_seeds
        seed = seeds[self._started // 3 % len(seeds)]
        self._started += 1
        try:
            box = self.pool.open(source, entry=entry, limits=self.plan.limits, hash_seed=seed)
        except BoxFault as fault:
            raise _attribute(side, fault, None) from None
        self._boxes.append(box)
        return _Boxed(box, side)

    def _workload(self, _index: int) -> bytes:
        self._made += 1
        oracle = self._oracle()
        return drive(workload_key(self.questions, oracle, self.size or 0, "paired", self._made))

    def _ordinary(self, index: int) -> bytes:
        return self.asked[index].key

    def _oracle(self) -> Oracle:
        if self.questions.oracle is None:
            msg = "a workload without an oracle"
            raise RuntimeError(msg)
        return self.questions.oracle

    def _check(self, side: str, key: bytes, answer: Any) -> None:
        question = self._question(key)
        for box in self._boxes:
            box.allow(question.due)
        reply = Reply(answer.kind, answer.payload)
        if drive(self.questions.right(question, reply)):
            return
        if side != SUBJECT:
            sentence = wrong_answer(self.plan.entry, question, reply).sentence
            raise _OpponentWrongError(f"the opponent is wrong: {sentence}")
        self.wrong.append(wrong_answer(self.plan.entry, question, reply))

    def _question(self, key: bytes) -> Question:
        if self._last is None or self._last[0] != key:
            known = next((one for one in self.asked if one.key == key), None) if self.size is None else None
            self._last = key, known or Question("workload", key, drive(self._oracle().reply(key)).reply)
        return self._last[1]


class _Boxed:
    """A box as one side of a paired benchmark; its faults are attributed to that side."""

    def __init__(self, box: Box, side: str) -> None:
        self._box, self._side = box, side
        self.pid = box.pid

    def ask(self, key: bytes) -> Any:
        try:
            return self._box.ask(key)
        except BoxFault as fault:
            raise _attribute(self._side, fault, key) from None

    def close(self) -> None:
        self._box.close()


def _attribute(side: str, fault: BoxFault, key: bytes | None) -> Exception:
    if side == SUBJECT:
        return SubjectFault(fault, key)
    return _OpponentWrongError(f"the opponent failed: {fault.why}")
