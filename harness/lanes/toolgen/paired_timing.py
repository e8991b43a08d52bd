"""PairedTiming: CPU time and memory of a candidate and of another one, on the same inputs in fresh processes.

It is the comparison of a search, which needs one for each candidate while others are judged. Two boxes with the same
hash seed are asked in turns, and the differences of several such groups are certain or not (`harness.core.paired`).
Boards and finals have the thorough one, `OpponentBenchmark`.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Any

from harness.core.digest import digest_text
from harness.core.paired import settle
from harness.core.status import Status
from harness.lanes.toolgen.candidate_box import opened
from harness.lanes.toolgen.performance import REPEATS, Workload, null_call
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.questions import Question
from harness.lanes.toolgen.reader import Reader
from harness.lanes.toolgen.source import Source
from harness.lanes.toolgen.workload_timing import WorkloadTiming
from harness.sandbox.answer import Answer
from harness.sandbox.awaited_box import ask
from harness.sandbox.fault import BoxFault
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.pool import BoxPool

MIN_GROUPS, MAX_GROUPS = 4, 16  # pairs of processes: fewer do not show how much they vary
CALLS = (3, 2, 1)  # inputs of the sizes n, 2n and 4n in one group; 8n takes most of the time and adds little
MIN_SECONDS = 20e-6  # a call that took less is too short for a ratio


class _OtherFaultError(Exception):
    """The box of the other candidate ended."""

    def __init__(self, fault: BoxFault) -> None:
        super().__init__(fault.why)
        self.fault = fault


class PairedTiming:
    """Compares one candidate with another one."""

    def __init__(self, pool: BoxPool, workloads: Sequence[Workload], plan: Plan, timing: WorkloadTiming) -> None:
        self._pool, self._plan, self._timing, self._null = pool, plan, timing, null_call(pool)
        self._workloads = workloads[: len(CALLS)]

    async def run(self, source: str, step: float, reader: Reader) -> dict[str, Any]:
        """Compare it until the number of steps between both is certain, or `MAX_GROUPS` are measured.

        A fault of the candidate is kept in the profile of `timing`, as are its wrong answers.

        Args:
            source: The source of the other candidate.
            step: The difference of the logarithms of two times that counts as one.

        Returns:
            A fact: `digest` of the source; `time`, the logarithms of candidate / other by group, means over the sizes;
            `growth`, the differences of the exponents; `memory`, the peaks of both in MiB; `why`, the reason where
            there are fewer groups than needed.

        Raises:
            SpecError: if the oracle fails.
            InfraError: if no box can be opened.
        """
        data = source.encode("utf-8", "surrogatepass")
        found: dict[str, Any] = {"digest": digest_text(source), "time": [], "growth": [], "memory": [], "why": ""}
        plan, profile = self._plan, self._timing.profile
        reading = await reader.read(Source(data, found["digest"]), plan.tool, is_strict=plan.is_strict)
        if reading.status is not Status.OK or reading.violations:
            return found | {"why": reading.why or f"it uses {reading.violations[0]}"}
        other = dataclasses.replace(plan, source=data, code=reading.code, imports=reading.imports)
        while len(found["time"]) < MAX_GROUPS and profile.fault is None and not profile.wrong:
            try:
                await self._group(other, found)
            except BoxFault as fault:
                return found | {"why": fault.why}
            if len(found["time"]) >= MIN_GROUPS and settle([one / step for one in found["time"]])[1]:
                break
        return found

    async def _group(self, other: Plan, found: dict[str, Any]) -> None:
        """Ask two fresh boxes, and add what they say; a fault that is raised is the other candidate's."""
        number = len(found["time"])
        seed = self._plan.hash_seeds[number % len(self._plan.hash_seeds)]
        async with opened(self._pool, other, seed) as against:
            try:
                async with opened(self._pool, self._plan, seed) as box:
                    sizes = [await self._size(size, box, against, number) for size in range(len(self._workloads))]
            except _OtherFaultError as error:
                raise error.fault from None
            except BoxFault as fault:
                self._timing.profile.fault = fault
                return
        if self._timing.profile.wrong:
            return
        times = [statistics.fmean(ratios) for ratios in sizes]
        logs = [math.log(one.size) for one in self._workloads]
        found["time"].append(statistics.fmean(times))
        found["growth"].append(statistics.linear_regression(logs, times).slope)
        found["memory"].append([box.usage.peak_mb, against.usage.peak_mb])

    async def _size(self, size: int, box: PolledBox, against: PolledBox, number: int) -> list[float]:
        """The logarithms of the ratios of the calls with one size."""
        ratios = []
        for call in range(-(not size), CALLS[size]):  # the first calls of a box fault in its pages
            question = self._workloads[size].questions[(number + call) % REPEATS]
            if (number + call) % 2:
                mine, theirs = await self._mine(box, question), await self._theirs(against, question)
            else:
                theirs, mine = await self._theirs(against, question), await self._mine(box, question)
            if call >= 0:
                ratios.append(math.log(mine / theirs))
        return ratios

    async def _mine(self, box: PolledBox, question: Question) -> float:
        return self._net(await self._timing.answer(box, question))

    async def _theirs(self, box: PolledBox, question: Question) -> float:
        try:
            return self._net(await ask(self._pool, box, question.key, due=question.due))
        except BoxFault as fault:
            raise _OtherFaultError(fault) from None

    def _net(self, answer: Answer) -> float:
        """CPU seconds of a call (wall seconds without a CPU clock), less those of a call that does nothing."""
        if answer.cpu_seconds is None:
            return max(MIN_SECONDS, answer.seconds - self._null.seconds)
        return max(MIN_SECONDS, answer.cpu_seconds - self._null.cpu_seconds)
