"""Finals: finalists are judged again on fresh inputs by the session's confirmation, and timed against a seed parent.

One paired measurement on a busy machine may be too coarse, or near the limit of what counts. So it is repeated until
the measurements together are certain, and a difference that stays within their noise is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.case import Subject
from harness.core.digest import digest_text
from harness.core.evaluation import Evaluation
from harness.core.opponent import Opponent
from harness.core.owned_folder import OwnedFolder
from harness.core.paired import MIN_EFFECT, Comparison, Verdict
from harness.core.policy import Timing
from harness.core.stability import EVERYONE, FACT, FIRST_TEN, MIN_HASH_SEEDS, stability_of
from harness.evolve.measures import was_late
from harness.judge.folders import scratch_folder
from harness.lane.context import Context
from harness.lane.protocol import Lane
from harness.session.confirmation import another_round

MAX_TIMINGS = 4  # paired measurements of a finalist, at most
MIN_DEVIATION = 0.002  # of the ratio of one measurement: equal code differs by this from process to process
CERTAIN = 2.0  # standard deviations to either side


@dataclass(frozen=True, slots=True)
class PairedTime:
    """The time of a finalist in relation to its seed parent's, by all measurements.

    Attributes:
        verdict: `underpowered` while it is not certain.
        ratio: Finalist / seed parent.
        low: Lower end of its 95 % interval.
        high: Upper end.
    """

    verdict: Verdict
    ratio: float
    low: float
    high: float
    count: int

    @property
    def why(self) -> str:
        """The figures, one sentence."""
        said = f"{self.ratio:.3f} times as long (95 %: {self.low:.3f} to {self.high:.3f})"
        return said if self.count == 1 else f"{said} by {self.count} measurements"


def paired_time(comparisons: Sequence[Comparison]) -> PairedTime | None:
    """What measurements of the same two candidates say together, each weighted by its precision; None without any."""
    found = [one for one in comparisons if one.ratio]
    if not found:
        return None
    weights = [max(one.deviation or 0.0, MIN_DEVIATION) ** -2 for one in found]
    mean = sum(weight * math.log(one.ratio or 1.0) for weight, one in zip(weights, found, strict=True)) / sum(weights)
    margin, limit = CERTAIN / math.sqrt(sum(weights)), math.log1p(MIN_EFFECT)
    if abs(mean) - margin > limit:
        verdict = Verdict.FASTER if mean < 0 else Verdict.SLOWER
    else:
        verdict = Verdict.ALIKE if abs(mean) + margin < limit else Verdict.UNDERPOWERED
    return PairedTime(verdict, math.exp(mean), math.exp(mean - margin), math.exp(mean + margin), len(found))


def confirm(
    before: Evaluation, source: str, *, seed_parent: str | None, lane: Lane, like: Context, secret_seed: int
) -> tuple[Evaluation, PairedTime | None]:
    """The evaluation of a finalist after a further round on fresh inputs, and its time next to its seed parent's.

    Args:
        before: Its evaluation so far.
        seed_parent: The source that it is timed against; None to time nothing.
        like: A context with the isolation to use.
        secret_seed: Of the fresh inputs.
    """
    stability = stability_of(before.evidence)
    seeds = stability.hash_seeds or 0 if stability else 0
    with OwnedFolder("finals") as folder:
        subject = _kept(folder / "finalist.py", source)
        policy = before.case.policy
        opponents: tuple[Opponent, ...] = ()
        if seed_parent is not None:
            policy = policy.model_copy(update={"timing": Timing.EXACT})
            opponents = (Opponent(role="parent", subject=_kept(folder / "seed_parent.py", seed_parent)),)
        case = before.case.model_copy(
            update={"policy": policy, "subject": before.case.subject.model_copy(update={"path": subject.path})}
        )
        context = Context(
            secret_seed=secret_seed,
            scratch=scratch_folder(),
            tier=like.tier,
            protect=like.protect,
            opponents={case.nodeid: opponents},
            warm=FIRST_TEN,
        )
        try:
            attempts, found = max(EVERYONE, MIN_HASH_SEEDS - seeds), list[Comparison]()
            after, timed = before.model_copy(update={"case": case}), None
            for number in range(MAX_TIMINGS):
                fresh = another_round(after, lane, context, attempts=attempts, remeasure=True)
                if fresh.evidence.unconfirmed and not number:
                    continue  # a failure of the judge: once more
                if fresh.evidence.unconfirmed and found:
                    break
                if was_late(fresh) and number < MAX_TIMINGS - 1:
                    continue  # it answered in time before: the machine was too busy
                after = fresh
                new = [one for one in after.evidence.comparisons if one.role == "parent"]
                found += new
                timed, attempts = paired_time(found), 1
                if not new or not after.passed or (timed and timed.verdict is not Verdict.UNDERPOWERED):
                    break
            return _measured(after, before, lane), timed
        finally:
            context.close()


def _measured(after: Evaluation, before: Evaluation, lane: Lane) -> Evaluation:
    """The evaluation; where the machine was too busy for measures, with those from before the further rounds."""
    if after.score.total is not None or before.score.total is None or after.status is not before.status:
        return after
    kept = {FACT: after.evidence.facts[FACT]}
    evidence = before.evidence.replace(
        attempts=after.evidence.attempts,
        comparisons=after.evidence.comparisons,
        facts={**before.evidence.facts, **kept},
        seconds=after.evidence.seconds,
    )
    return Evaluation(case=before.case, evidence=evidence, score=lane.score(evidence, before.case.policy))


def _kept(path: Path, source: str) -> Subject:
    path.write_text(source, encoding="utf-8", newline="")
    return Subject(name=path.stem, digest=digest_text(source), path=str(path))
