"""WorkloadTiming: CPU time of a candidate on growing inputs, among the ordinary questions of several processes."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence

from harness.lanes.toolgen.candidate_box import opened
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.performance import (
    GRACE_SECONDS,
    MIN_SECONDS,
    NOISE,
    PROCESSES,
    REPEATS,
    SLOW,
    SLOW_SHARE,
    SMALL,
    Profile,
    Workload,
    null_call,
)
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.questions import Question, Questions
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.schedule import TIMED
from harness.lanes.toolgen.waiting import Waiting
from harness.lanes.toolgen.wrong_answer import wrong_answer
from harness.sandbox.answer import Answer
from harness.sandbox.awaited_box import ask
from harness.sandbox.fault import BoxFault
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.pool import BoxPool

FREE_IDLE = 0.002
"""CPU seconds per size that a box may use between questions, to return to waiting, without being charged."""


class WorkloadTiming:
    """Asks a candidate the timed inputs, a share of them in each of several boxes.

    Attributes:
        profile: The times so far; its rows are filled by `conclude`.
        times: The seconds by size, each time that all sizes were asked.
        further: The costs of ordinary questions in the processes beyond the attempts.
    """

    def __init__(self, pool: BoxPool, workloads: Sequence[Workload], questions: Questions, plan: Plan) -> None:
        self._pool, self._workloads, self._questions, self._plan = pool, workloads, questions, plan
        self._null = null_call(pool)
        self._waits: dict[int, list[float]] = {one.size: [] for one in workloads}
        self._idle_cpu = 0.0
        self._concluded = 0  # of `times`
        self.profile = Profile()
        self.times: list[dict[int, float]] = []
        self.further: list[Outcome] = []

    async def ask(self, box: PolledBox, rng: random.Random) -> None:
        """Ask a box each size once, in any order, and check the answers. A fault is kept, and the box closed.

        Raises:
            SpecError: if the oracle fails.
        """
        self.profile.depth += 1
        await self._ask_sizes(box, rng)

    async def deepen(self, rng: random.Random, *, goes_on: Callable[[], bool]) -> None:
        """Time the candidate in further processes, up to `PROCESSES`; ends with a fault or a wrong answer.

        Each is asked a few ordinary questions, too, and each size at a moment among them, as in an attempt. The input
        of a slow call that alone does not count is asked again in one more: a disturbance does not come back.

        Args:
            goes_on: Says before each process but the first whether its times can still change anything.

        Raises:
            SpecError: if the oracle fails.
            InfraError: if no box can be opened.
        """
        is_first = True
        while self.profile.depth < PROCESSES and self._is_right:
            if not (is_first or goes_on()):
                return
            is_first = False
            await self._ask_further(rng)
        if self._is_right and (call := slow_call(self.times)) is not None:
            await self._ask_further(rng, call)

    @property
    def _is_right(self) -> bool:
        return self.profile.fault is None and not self.profile.wrong

    async def _ask_further(self, rng: random.Random, again: tuple[int, int] | None = None) -> None:
        profile, seeds = self.profile, self._plan.hash_seeds
        seed = seeds[profile.depth % len(seeds)]
        try:
            async with opened(self._pool, self._plan, seed) as box:
                await self._ask_among(box, rng, Outcome(profile.depth, 0, seed), again)
        except BoxFault as fault:
            profile.fault = profile.fault or fault
        else:
            usages = [box.usage, *([profile.usage] if profile.usage else [])]
            profile.usage = max(usages, key=lambda usage: usage.peak_mb)

    async def _ask_among(
        self, box: PolledBox, rng: random.Random, outcome: Outcome, again: tuple[int, int] | None
    ) -> None:
        numbered = list(enumerate(self._questions.shared))
        picked = rng.sample(numbered, min(TIMED, len(numbered)))
        # The first call of a box fills caches, so what is asked again is not the first.
        moment = rng.randint(min(len(picked), again is not None), len(picked))
        await self._ask_ordinary(box, picked[:moment], outcome)
        if moment:
            outcome.costs.pop(picked[0][0], None)  # the first call of a box fills caches
        self.profile.depth += 1
        await self._ask_sizes(box, rng, again)
        if box.is_open and not self.profile.wrong:
            await self._ask_ordinary(box, picked[moment:], outcome)
            self.further.append(outcome)

    async def _ask_ordinary(self, box: PolledBox, asked: Sequence[tuple[int, Question]], outcome: Outcome) -> None:
        waiting = Waiting(box.pid)
        for number, question in asked:
            answer = await self.answer(box, question)
            waiting.note(number, question.key, answer)
            if question.reference_seconds is not None:
                outcome.clock = "wall" if answer.cpu_seconds is None else "cpu"
                outcome.costs[number] = answer.seconds if answer.cpu_seconds is None else answer.cpu_seconds
        outcome.idle.update(waiting.idle)
        outcome.waits = outcome.waits or waiting.is_on_purpose(box.pid)

    async def answer(self, box: PolledBox, question: Question) -> Answer:
        """The answer to a timed question, which is checked.

        Raises:
            BoxFault: if the box ends.
            SpecError: if the oracle fails.
        """
        profile = self.profile
        profile.fault_question, profile.total = question.key, profile.total + 1
        answer = await ask(self._pool, box, question.key, due=question.due)
        profile.fault_question = None
        profile.seconds.append(answer.seconds)
        reply = Reply(answer.kind, answer.payload)
        if self._questions.is_expected(question, reply) or await self._questions.right(question, reply):
            profile.right += 1
        else:
            profile.wrong.append(wrong_answer(self._plan.entry, question, reply))
        return answer

    async def _ask_sizes(self, box: PolledBox, rng: random.Random, again: tuple[int, int] | None = None) -> None:
        profile, seconds = self.profile, dict[int, float]()
        if not self._is_right:
            return
        repeat, size = again or (len(self.times), 0)
        sizes = self._workloads if repeat < REPEATS else self._workloads[:SMALL]
        sizes = [one for one in sizes if size in (0, one.size)]
        idle, waiting = box.idle_cpu, Waiting(box.pid)
        order = rng.sample(range(len(sizes)), len(sizes))
        try:
            for number in order:
                question = sizes[number].questions[repeat % len(sizes[number].questions)]
                answer = await self.answer(box, question)
                waiting.note(number, question.key, answer)
                if answer.cpu_seconds is None:
                    profile.clock = "wall"
                    seconds[sizes[number].size] = answer.seconds - self._null.seconds
                else:
                    seconds[sizes[number].size] = answer.cpu_seconds - self._null.cpu_seconds
                if profile.wrong:
                    return
        except BoxFault as fault:
            profile.fault = fault
            box.close()
            return
        is_waiting = profile.clock == "cpu" and waiting.is_on_purpose(box.pid)
        for number in order:
            self._waits[sizes[number].size].append(waiting.idle[number] if is_waiting else 0.0)
        self._idle_cpu += (box.idle_cpu - idle) / len(order)
        self.times.append(seconds)

    def conclude(self) -> Profile:
        """The profile of all calls so far; it may be asked more afterwards, and concluded again."""
        profile, asked = self.profile, self.times
        if len(asked) == self._concluded or profile.fault is not None:
            return profile
        self._concluded = len(asked)
        profile.samples = {
            one.size: [times[one.size] for times in asked if one.size in times] for one in self._workloads
        }
        is_slow = is_slow_somewhere(asked)
        profile.statistic = max if is_slow else min
        # CPU time between questions counts too: a thread could compute then.
        idle = self._idle_cpu / len(asked)
        charged = idle if idle > FREE_IDLE else 0.0
        profile.rows = []
        longest = 0.0
        for one in self._workloads:
            wait = statistics.fmean(self._waits[one.size])
            times = [max(MIN_SECONDS, seconds) + wait + charged for seconds in profile.samples[one.size]]
            profile.samples[one.size] = times
            # By chance no call of one size may have been slow, but a smaller one was.
            usual = longest = max(longest * is_slow, profile.statistic(times))
            noise = NOISE if len(times) == 1 else 1.0
            profile.rows.append(
                {
                    "size": one.size,
                    "candidate_s": usual,
                    "reference_s": one.reference_seconds,
                    "candidate_low_s": usual / noise,
                    # The minimum may be too low by chance; the median is not.
                    "candidate_high_s": max(usual * noise, statistics.median(times)),
                }
                | ({"wait_s": wait} if wait else {})
            )
        return profile


def slow_call(processes: Sequence[Mapping[int, float]]) -> tuple[int, int] | None:
    """Index of the process and size of the slowest call by factor; None if none is `SLOW`, or if they count already."""
    if is_slow_somewhere(processes):
        return None
    factor, *call = max(
        ((seconds + GRACE_SECONDS) / least, number, size)
        for size, least in _least(processes).items()
        for number, times in enumerate(processes)
        if (seconds := times.get(size)) is not None
    )
    return (call[0], call[1]) if factor > SLOW else None


def _least(processes: Sequence[Mapping[int, float]]) -> dict[int, float]:
    sizes = {size for times in processes for size in times}
    return {size: min(times[size] for times in processes if size in times) + GRACE_SECONDS for size in sizes}


def is_slow_somewhere(processes: Sequence[Mapping[int, float]]) -> bool:
    """Whether a process, or `SLOW_SHARE` of all calls, or all without the slowest, took `SLOW` times the quickest.

    Of such a candidate the largest times count, of any other one the least. Disturbances of the machine add to some CPU
    times by up to a quarter, so the least say most of equal code.

    Args:
        processes: For each process its seconds by size.
    """
    least = _least(processes)
    factors = [[(seconds + GRACE_SECONDS) / least[size] for size, seconds in times.items()] for times in processes]
    calls = sorted(factor for one in factors for factor in one)
    if any(statistics.median(one) > SLOW for one in factors) or sum(calls[:-1]) > SLOW * len(calls):
        return True
    return sum(factor > SLOW for factor in calls) >= max(2, SLOW_SHARE * len(calls))
