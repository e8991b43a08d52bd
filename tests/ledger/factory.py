"""Made-up evaluations and runs, as small as the models allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness.core.case import Case, Subject
from harness.core.digest import digest_bytes
from harness.core.evaluation import Evaluation
from harness.core.evidence import Attempt, Counterexample, Evidence
from harness.core.gate import Gate
from harness.core.policy import Policy
from harness.core.run import Run
from harness.core.score import Component, Score
from harness.core.status import Status
from harness.core.tier import Tier
from harness.ledger.store import Ledger

START = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


def make_run(number: int = 1, *, epoch: int = 0, machine: str = "box", tier: Tier | None = Tier.B, **more: Any) -> Run:
    """Run number N began N minutes after eleven."""
    started = START + timedelta(minutes=number)
    return Run(
        run_id=f"{started:%Y%m%d-%H%M%S}-{number:06x}",
        started_at=started,
        epoch=epoch,
        secret_seed=7,
        tier=tier,
        machine=machine,
        **more,
    )


def make_evaluation(
    name: str = "good",
    *,
    score: float | None = 0.9,
    status: str = "ok",
    suite: str = "clamp.suite.yaml",
    lane: str = "toolgen",
    content: str | None = None,
    gate: float | None = 0.8,
    median_ms: float | None = 1.0,
    peak_mb: float | None = 2.0,
    attempts: int = 2,
    epoch: int = 0,
    expect: str | None = None,
    parents: tuple[str, ...] = (),
    style: str = "",
    detected: str | None = None,
    why: str = "clamp(x=1) gave 2",
    counterexample: Counterexample | None = None,
    case: str | None = None,
    **more: Any,
) -> Evaluation:
    """An evaluation whose score is one component and whose gate is on that score."""
    state = Status(status)
    subject = Subject(
        name=name, digest=digest_bytes((content or name).encode("utf-8", "replace")), parents=parents, style=style
    )
    gates = (Gate(name="score", threshold=gate).evaluate(score),) if gate is not None and score is not None else ()
    evidence = Evidence(
        status=state,
        why="" if state is Status.OK else why,
        counterexample=counterexample,
        attempts=tuple(Attempt(index=i, seed=i, status=state, answers="a", seconds=0.01) for i in range(attempts)),
        facts={"style_detected": detected} if detected is not None else {},
        median_ms=median_ms,
        peak_mb=peak_mb,
        tier=Tier.B,
        seconds=0.25,
        **more,
    )
    return Evaluation(
        case=Case(
            lane=lane,
            suite=suite,
            name=case or name,
            subject=subject,
            inputs={"tool": "clamp"},
            policy=Policy(epoch=epoch, gates={} if gate is None else {"score": gate}, expect=expect),
        ),
        evidence=evidence,
        score=Score(
            total=score,
            low=score,
            high=score,
            components=() if score is None else (Component(name="correctness", value=min(score, 1.0), weight=1.0),),
            gates=gates,
            explanation="as good as it gets",
        ),
    )


def fill(path: Path, *batches: list[Evaluation], start: int = 1, **run: Any) -> list[str]:
    """A ledger with one finished run for each batch; returns the run ids."""
    ids = []
    with Ledger.open(path) as ledger:
        for number, batch in enumerate(batches, start):
            made = make_run(number, **run)
            ledger.begin(made)
            for evaluation in batch:
                ledger.record(evaluation, run_id=made.run_id)
            ledger.finish(made.run_id)
            ids.append(made.run_id)
    return ids
