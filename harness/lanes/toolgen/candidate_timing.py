"""CandidateTiming: times a candidate whose answers are all right, and compares its speed with opponents."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from harness.core.case import Case
from harness.core.clip import clip
from harness.core.paired import Comparison, Verdict, ratio_to
from harness.core.policy import Timing
from harness.core.stats import wilson_interval
from harness.core.status import Status
from harness.lane.context import Context
from harness.lanes.toolgen.exact_timing import measure_exactly
from harness.lanes.toolgen.opponent_benchmark import OpponentBenchmark, SubjectFault
from harness.lanes.toolgen.performance import Profile, growth, growth_interval
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.questions import Questions
from harness.lanes.toolgen.reader import Reader
from harness.lanes.toolgen.workload_timing import WorkloadTiming


class CandidateTiming:
    """Times one candidate and writes the observations into the facts.

    Args:
        facts: Receives `profile`; the timed answers are added to `questions`.

    Attributes:
        profile: The times; None if nothing was timed.
        comparisons: The candidate compared with its reference and opponents.
    """

    def __init__(
        self, case: Case, context: Context, questions: Questions, plan: Plan, facts: dict[str, Any], *, reader: Reader
    ) -> None:
        self._case, self._context, self._questions, self._plan = case, context, questions, plan
        self._facts, self._reader = facts, reader
        self.profile: Profile | None = None
        self.comparisons: tuple[Comparison, ...] = ()

    async def run(self, timing: WorkloadTiming | None) -> tuple[Status, str]:
        """Time the candidate.

        Args:
            timing: What the boxes of the attempts were asked, for CPU time; exact timing uses boxes of its own.

        Returns:
            A status other than `ok` and its reason if an answer is wrong or the box ends.
        """
        exact = self._case.policy.timing is Timing.EXACT
        boxes, questions, plan = self._context.boxes, self._questions, self._plan
        if exact:
            profile = measure_exactly(boxes, questions, plan, self._context.stopwatch, name=self._case.nodeid)
        elif timing is not None:
            profile = timing.conclude()
        else:
            return Status.OK, ""
        self.profile = profile
        self._note(profile)
        if profile.fault is not None:
            return profile.fault.status, clip(f"{profile.fault.why}, {self._place(profile.fault_question)}")
        if profile.wrong:
            first = profile.wrong[0]
            said = f"timed calls answered wrong: {len(profile.wrong)}, the first {self._place(first.key)}"
            return Status.WRONG, clip(f"{said}; {first.sentence}")
        self._keep_for_benchmark(profile)
        return self._compare(profile) if exact else (Status.OK, "")

    def _place(self, key: bytes | None) -> str:
        """Where a call with these arguments was made; None if a process ended between two calls."""
        if key is None:
            return "in a further process"
        if any(question.key == key for question in self._questions.shared):
            return "on an ordinary question in a further process"
        return f"on a workload (n = {self._questions.tool.spec.workload_size}, up to 8n)"

    def _note(self, profile: Profile) -> None:
        low, high = growth_interval(profile) or (None, None)
        self._facts["profile"] = {
            "clock": profile.clock,
            "rows": profile.rows,
            "depth": profile.depth,
            "growth": growth(profile.rows),
            "growth_low": low,
            "growth_high": high,
        }
        counted = self._facts["questions"]
        right, total = counted["right"] + profile.right, counted["total"] + profile.total
        low, high = wilson_interval(right, total)
        self._facts["questions"] = {"right": right, "total": total, "low": low, "high": high}

    def _keep_for_benchmark(self, profile: Profile) -> None:
        case, tier = self._case, self._context.tier
        self._context.stopwatch.record(
            profile.latency,
            name=case.name,
            fullname=case.nodeid,
            group=self._questions.tool.spec.tool_id,
            param=case.subject.name,
            params={"lane": case.lane, "suite": case.suite, "subject": case.subject.name},
            extra_info={
                "epoch": case.policy.epoch,
                "budget": case.policy.budget.to_wire(),
                "digest": case.subject.digest,
                "tier": None if tier is None else tier.value,
                "noise": profile.quality.why if profile.quality else "",
                "null_seconds": profile.null_seconds,
                "reference_median": statistics.median(profile.reference_latency) if profile.reference_latency else None,
                "growing": profile.rows,
            },
        )

    def _compare(self, profile: Profile) -> tuple[Status, str]:
        context, case = self._context, self._case
        noisy = profile.quality is not None and profile.quality.noisy
        found = [] if noisy else [_compare_with_reference(profile)]
        benchmark = OpponentBenchmark(
            context.boxes, self._questions, self._plan, context.stopwatch, rows=profile.rows, reader=self._reader
        )
        try:
            opponents = context.opponents.get(case.nodeid, ())
            found += (benchmark.compare(one, name=f"{case.nodeid} against its {one.role}") for one in opponents)
            if not context.controlled and not opponents:
                found.append(benchmark.compare_with_itself(name=f"{case.nodeid} against itself"))
            context.controlled = True
        except SubjectFault as ended:
            profile.fault, profile.fault_question = ended.fault, ended.key
            return ended.fault.status, clip(f"{ended.fault.why}, during a paired benchmark")
        finally:
            self.comparisons = tuple(one for one in found if one is not None)
        profile.wrong += benchmark.wrong
        if benchmark.wrong:
            return Status.WRONG, clip(f"{len(benchmark.wrong)} wrong timed answers; {benchmark.wrong[0].sentence}")
        return Status.OK, ""


def _compare_with_reference(profile: Profile) -> Comparison | None:
    """Compare the candidate's ordinary calls with the reference's on the same inputs; None without a reference.

    The reference runs in this process and the candidate in its box, so there is no A/A control; the result is a ratio
    with its interval.
    """
    groups = _groups(profile.latency, profile.reference_latency, profile.block)
    found = ratio_to(groups)
    if found is None:
        return None
    ratio, low, high = found
    pairs = sum(map(len, groups))
    return Comparison(
        role="reference",
        rival="reference",
        verdict=Verdict.ALIKE if low <= 1 <= high else Verdict.SLOWER if ratio > 1 else Verdict.FASTER,
        why=f"{ratio:.3g} times as long (95 %: {low:.3g} to {high:.3g}, {pairs} pairs), ordinary questions",
        ratio=ratio,
        low=low,
        high=high,
        pairs=pairs,
        groups=len(groups),
    )


def _groups(candidate: Sequence[float], reference: Sequence[float], block: int) -> list[list[float]]:
    if not block or len(candidate) != len(reference):
        return []
    logs = [math.log(max(1e-9, one) / max(1e-9, other)) for one, other in zip(candidate, reference, strict=True)]
    return [logs[start : start + block] for start in range(0, len(logs), block)]
