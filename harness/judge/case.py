"""Judging one case: a lane observes and scores it; if the lane raises, the case becomes `infra`."""

from __future__ import annotations

import time
import traceback
from pathlib import Path

from harness.core.case import Case
from harness.core.clip import clip
from harness.core.errors import InfraError, ProcessEndedError, SuiteError
from harness.core.evaluation import Evaluation, SerialisedEvaluation
from harness.core.evidence import Evidence
from harness.core.named_path import shortened
from harness.core.score import Score
from harness.core.status import Status
from harness.core.tier import Tier
from harness.lane.context import Context
from harness.lane.protocol import Lane, ObservingLane

MAX_FRAMES = 3  # of a traceback that enter a record


def judge_case(case: Case, lane: Lane, context: Context) -> SerialisedEvaluation:
    """Observe and score one case. If the lane raises, the subject is not at fault: the case becomes `infra`.

    A case whose helper process was killed from outside is observed once more.

    Args:
        case: The case to judge.
        lane: The lane it belongs to.
        context: This process's resources.
    """
    started = time.perf_counter()
    try:
        try:
            evidence = lane.evaluate(case, context)
        except ProcessEndedError:  # once more, with new processes
            evidence = lane.evaluate(case, context)
        return _scored(case, lane, evidence, started)
    except (Exception, SystemExit) as error:
        return _unjudged(case, lane, context, error, started)


async def judge_case_in_loop(case: Case, lane: ObservingLane, context: Context) -> SerialisedEvaluation:
    """`judge_case` as a coroutine of a `harness.sandbox.loop.Loop`."""
    started = time.perf_counter()
    try:
        try:
            evidence = await lane.observe(case, context)
        except ProcessEndedError:
            evidence = await lane.observe(case, context)
        return _scored(case, lane, evidence, started)
    except (Exception, SystemExit) as error:
        return _unjudged(case, lane, context, error, started)


def _scored(case: Case, lane: Lane, evidence: Evidence, started: float) -> SerialisedEvaluation:
    if evidence.seconds == 0:
        evidence = evidence.model_copy(update={"seconds": time.perf_counter() - started})
    evaluation = Evaluation(case=case, evidence=evidence, score=lane.score(evidence, case.policy))
    return SerialisedEvaluation(evaluation, evaluation.model_dump_json())  # fails if facts are not JSON


def _unjudged(case: Case, lane: Lane, context: Context, error: BaseException, started: float) -> SerialisedEvaluation:
    failed = unjudged(
        case,
        _summary(error, lane),
        seconds=time.perf_counter() - started,
        tier=context.tier,
        trusted=isinstance(error, SuiteError),
    )
    return SerialisedEvaluation.of(failed)


def evaluate_case(case: Case, lane: Lane, context: Context) -> Evaluation:
    """The evaluation of `judge_case`, for callers that do not store it."""
    return judge_case(case, lane, context).evaluation


def unjudged(
    case: Case, why: str, *, seconds: float = 0.0, tier: Tier | None = None, trusted: bool = False
) -> Evaluation:
    """An `infra` evaluation: nothing is known of the subject.

    Args:
        case: The case that could not be judged.
        why: The reason, one sentence.
        seconds: Duration of the attempt to judge it.
        tier: The tier of the boxes.
        trusted: Whether a trusted file of the user (an oracle, a grammar) is at fault, and not Crucible.
    """
    evidence = Evidence(
        status=Status.INFRA,
        why=clip(shortened(why)) or "unknown",
        seconds=seconds,
        tier=tier,
        fault="trusted file" if trusted else "",
    )
    return Evaluation(case=case, evidence=evidence, score=Score(total=None, explanation="not judged"))


def _summary(error: BaseException, lane: Lane) -> str:
    if isinstance(error, InfraError | SuiteError):
        return str(error).replace("\n  fix:", "; fix:")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__][-MAX_FRAMES:]
    trail = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    first = str(error).partition("\n")[0]
    return f"the {lane.name} lane failed: {type(error).__name__}: {first} (at {trail})"
