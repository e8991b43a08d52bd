"""OpponentBenchmark: a candidate measured against its parent, the reigning champion, and itself as a control."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.digest import derive_seed
from harness.core.opponent import Opponent
from harness.core.paired import Comparison, Verdict
from harness.lanes.toolgen.attempt import Plan
from harness.lanes.toolgen.counterexample import Wrong, wrong_answer
from harness.lanes.toolgen.forbidden_names import Forbidden
from harness.lanes.toolgen.oracle import Oracle, Reply
from harness.lanes.toolgen.performance import NULL, workload_key
from harness.lanes.toolgen.questions import Question, Questions
from harness.lanes.toolgen.source import Source, parse, read_source
from harness.lanes.toolgen.static_check import violations
from harness.sandbox.box import Box
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import Limits
from harness.sandbox.pool import BoxPool
from harness.timing import stopwatch as sides
from harness.timing.paired_benchmark import PairedBenchmark, fight
from harness.timing.stopwatch import Stopwatch

LONG_ENOUGH = 2e-4
"""Seconds that a call should take, so that asking (15 us) is a small part of it. Longer calls are no quieter."""


class SubjectFault(Exception):  # noqa: N818 - a fault is data, not an error of ours
    """The candidate's own box ended while it was compared."""

    def __init__(self, fault: BoxFault, key: bytes | None) -> None:
        super().__init__(fault.why)
        self.fault, self.key = fault, key


class OpponentBenchmark:
    """Compares one candidate with others.

    Args:
        pool: Opens boxes.
        questions: The tool's.
        plan: About the candidate.
        stopwatch: Measures.
        rows: Its times at growing sizes; they say which size takes long enough.
        forbidden: What no rival may use either; a rival that was never judged is not run unseen.

    Attributes:
        wrong: Wrong answers of the candidate; there should be none, since it was asked before.
    """

    def __init__(
        self,
        pool: BoxPool,
        questions: Questions,
        plan: Plan,
        stopwatch: Stopwatch,
        *,
        rows: Sequence[dict[str, Any]],
        forbidden: Forbidden | None,
    ) -> None:
        self._pool, self._questions, self._plan, self._stopwatch = pool, questions, plan, stopwatch
        self._forbidden = forbidden
        self._size = next((row["size"] for row in rows if row["candidate_s"] >= LONG_ENOUGH), None) or (
            rows[-1]["size"] if rows else None
        )
        self.wrong: list[Wrong] = []

    def against(self, rival: Opponent, *, name: str) -> Comparison:
        """Measure the candidate beside a rival.

        Raises:
            SubjectFault: if the candidate's box ends.
            SpecError: if the oracle fails.
            InfraError: if no box can be had.
        """
        about = {"role": rival.role, "rival": rival.subject.name, "digest": rival.subject.digest}
        source = read_source(Path(rival.subject.path))
        problem = self._unfit(source, rival)
        if problem:
            return Comparison(verdict=Verdict.UNDERPOWERED, why=problem, **about)
        return self._fight(source.data, name).model_copy(update=about)

    def itself(self, *, name: str) -> Comparison:
        """The A/A control of a session that has nothing else to compare: the candidate beside itself."""
        return self._fight(self._plan.source, name).model_copy(update={"role": "control", "rival": "itself"})

    def _unfit(self, source: Source, rival: Opponent) -> str:
        if source.digest != rival.subject.digest:
            return f"the file of the {rival.role} {rival.subject.name} changed since it was collected"
        tree = parse(source)
        if not isinstance(tree, ast.Module):
            return f"the {rival.role} {rival.subject.name} cannot be parsed"
        if self._forbidden is not None and violations(tree, self._forbidden):
            return f"the {rival.role} {rival.subject.name} uses forbidden APIs"
        return ""

    def _fight(self, rival: bytes, name: str) -> Comparison:
        bout = _Bout(self._pool, self._questions, self._plan, rival, self._size)
        try:
            return fight(bout.duel(), self._stopwatch, name=name, seed=derive_seed(self._questions.seed, name))
        except _OpponentWrongError as error:
            return Comparison(verdict=Verdict.UNDERPOWERED, why=str(error))
        finally:
            self.wrong += bout.wrong


class _OpponentWrongError(Exception):
    pass


class _Bout:
    """One duel: where its processes and inputs come from, and what is right."""

    def __init__(self, pool: BoxPool, questions: Questions, plan: Plan, rival: bytes, size: int | None) -> None:
        self.pool, self.questions, self.plan, self.rival, self.size = pool, questions, plan, rival, size
        self.wrong: list[Wrong] = []
        self.asked = [question for question in questions.shared if question.origin != "edge"]
        self._started = self._made = 0
        self._last: tuple[bytes, Question] | None = None
        self._boxes: deque[Box] = deque(maxlen=3)

    def duel(self) -> PairedBenchmark:
        growing = self.size is not None
        return PairedBenchmark(
            subject=lambda: self._start(self.plan.source, sides.SUBJECT),
            rival=lambda: self._start(self.rival, "rival"),
            null=lambda: _Boxed(self.pool.open(NULL, entry="null", limits=Limits()), sides.NULL),
            argument=self._workload if growing else self._ordinary,
            check=self._check,
            **({} if growing else {"most": len(self.asked)}),
        )

    def _start(self, source: bytes, side: str) -> _Boxed:
        # Three boxes to a group, and all of a group with one hash seed: what differs is the code, not the luck.
        seeds = self.plan.hash_seeds
        seed = seeds[self._started // 3 % len(seeds)]
        self._started += 1
        try:
            box = self.pool.open(source, entry=self.plan.entry, limits=self.plan.limits, hash_seed=seed)
        except BoxFault as fault:
            raise _blame(side, fault, None) from None
        self._boxes.append(box)
        return _Boxed(box, side)

    def _workload(self, _index: int) -> bytes:
        self._made += 1
        oracle = self._oracle()
        return workload_key(self.questions, oracle, self.size or 0, "duel", self._made)

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
        if self.questions.right(question, reply):
            return
        if side != sides.SUBJECT:
            raise _OpponentWrongError(f"the rival is wrong: {wrong_answer(self.plan.entry, question, reply).sentence}")
        self.wrong.append(wrong_answer(self.plan.entry, question, reply))

    def _question(self, key: bytes) -> Question:
        if self._last is None or self._last[0] != key:
            known = next((one for one in self.asked if one.key == key), None) if self.size is None else None
            self._last = key, known or Question("workload", key, self._oracle().reply(key))
        return self._last[1]


class _Boxed:
    """A box as a side of a duel: its fault knows whose it is."""

    def __init__(self, box: Box, side: str) -> None:
        self._box, self._side = box, side
        self.pid = box.pid

    def ask(self, key: bytes) -> Any:
        try:
            return self._box.ask(key)
        except BoxFault as fault:
            raise _blame(self._side, fault, key) from None

    def close(self) -> None:
        self._box.close()


def _blame(side: str, fault: BoxFault, key: bytes | None) -> Exception:
    if side == sides.SUBJECT:
        return SubjectFault(fault, key)
    return _OpponentWrongError(f"the rival failed: {fault.why}")
