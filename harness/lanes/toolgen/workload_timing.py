"""WorkloadTiming: CPU time of a candidate on growing inputs, among the ordinary questions of several processes."""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping, Sequence

from harness.lanes.toolgen.performance import (
    GRACE_SECONDS,
    MIN_SECONDS,
    REPEATS,
    SLOW,
    SLOW_SHARE,
    Profile,
    Workload,
    null_call,
)
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.questions import Questions
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.waiting import Waiting
from harness.lanes.toolgen.wrong_answer import wrong_answer
from harness.sandbox.awaited_box import ask
from harness.sandbox.fault import BoxFault
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.pool import BoxPool

PROCESSES = 5
"""Processes in which a candidate is timed, those of its last attempts. One that is slow in every second process is fast
in all of them once in 32 times."""
SMALL = 2
"""Sizes that are asked in a process beyond the first `REPEATS`; each of those is asked every size."""
FREE_IDLE = 0.002
"""CPU seconds per size that a box may use between questions, to return to waiting, without being charged."""


class WorkloadTiming:
    """Asks a candidate the timed inputs, a share of them in each of several boxes.

    Args:
        pool: The pool of the boxes.
        workloads: The timed inputs.
        questions: The questions.
        plan: How the candidate is asked.

    Attributes:
        profile: The times so far; its rows are filled by `conclude`.
        times: The seconds by size, each time that all sizes were asked.
    """

    def __init__(self, pool: BoxPool, workloads: Sequence[Workload], questions: Questions, plan: Plan) -> None:
        self._pool, self._workloads, self._questions, self._plan = pool, workloads, questions, plan
        self._null = null_call(pool)
        self._waits: dict[int, list[float]] = {one.size: [] for one in workloads}
        self._idle_cpu = 0.0
        self.profile = Profile()
        self.times: list[dict[int, float]] = []

    @property
    def needs_more(self) -> bool:
        """Whether fewer inputs were asked than each size has, and no process ended or was wrong."""
        wanted = 1 if self._plan.is_screening else REPEATS
        return len(self.times) < wanted and self.profile.fault is None and not self.profile.wrong

    async def ask(self, box: PolledBox, rng: random.Random) -> None:
        """Ask a box each size once, in any order, and check the answers. A fault is kept, and the box closed.

        The box of a single attempt is asked all inputs: another process costs as much as all questions, and a candidate
        that is slow in some processes is found by its confirmation, without which it is not first.

        Raises:
            SpecError: if the oracle fails.
        """
        self.profile.depth += 1
        await self._ask_sizes(box, rng)
        while self._plan.attempts == 1 and self.needs_more and box.is_open:
            await self._ask_sizes(box, rng)

    async def _ask_sizes(self, box: PolledBox, rng: random.Random) -> None:
        repeat, profile, seconds = len(self.times), self.profile, dict[int, float]()
        if profile.fault is not None or profile.wrong:
            return
        sizes = self._workloads if repeat < REPEATS else self._workloads[:SMALL]
        idle, waiting = box.idle_cpu, Waiting(box.pid)
        order = rng.sample(range(len(sizes)), len(sizes))
        try:
            for number in order:
                question = sizes[number].questions[repeat % REPEATS]
                profile.fault_question, profile.total = question.key, profile.total + 1
                answer = await ask(self._pool, box, question.key, due=question.due)
                profile.fault_question = None
                profile.seconds.append(answer.seconds)
                waiting.note(number, question.key, answer)
                if answer.cpu_seconds is None:
                    profile.clock = "wall"
                    seconds[sizes[number].size] = answer.seconds - self._null.seconds
                else:
                    seconds[sizes[number].size] = answer.cpu_seconds - self._null.cpu_seconds
                reply = Reply(answer.kind, answer.payload)
                if await self._questions.right(question, reply):
                    profile.right += 1
                else:
                    profile.wrong.append(wrong_answer(self._plan.entry, question, reply))
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
        """The profile of all calls so far."""
        profile, asked = self.profile, self.times
        if not asked or profile.fault is not None:
            return profile
        profile.samples = {
            one.size: [times[one.size] for times in asked if one.size in times] for one in self._workloads
        }
        profile.statistic = max if is_slow_somewhere(asked) else min
        # CPU time between questions counts too: a thread could compute then.
        idle = self._idle_cpu / len(asked)
        charged = idle if idle > FREE_IDLE else 0.0
        for one in self._workloads:
            wait = statistics.fmean(self._waits[one.size])
            times = [max(MIN_SECONDS, seconds) + wait + charged for seconds in profile.samples[one.size]]
            profile.samples[one.size] = times
            usual = profile.statistic(times)
            profile.rows.append(
                {
                    "size": one.size,
                    "candidate_s": usual,
                    "reference_s": one.reference_seconds,
                    "candidate_low_s": usual,
                    # The minimum may be too low by chance; the median is not.
                    "candidate_high_s": max(usual, statistics.median(times)),
                }
                | ({"wait_s": wait} if wait else {})
            )
        return profile


def is_slow_somewhere(processes: Sequence[Mapping[int, float]]) -> bool:
    """Whether a process as a whole, or `SLOW_SHARE` of all calls, took `SLOW` times as long as the quickest.

    Of such a candidate the largest times count, of any other one the least: disturbances of the machine add to some CPU
    times by up to a quarter, so the least say most of equal code.

    Args:
        processes: For each process its seconds by size.
    """
    sizes = {size for times in processes for size in times}
    least = {size: min(times[size] for times in processes if size in times) + GRACE_SECONDS for size in sizes}
    factors = [[(seconds + GRACE_SECONDS) / least[size] for size, seconds in times.items()] for times in processes]
    calls = [factor > SLOW for one in factors for factor in one]
    return any(statistics.median(one) > SLOW for one in factors) or sum(calls) >= max(2, SLOW_SHARE * len(calls))
