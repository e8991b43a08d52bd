"""Scoring: a run's score of 0 to 100 with hard gates, by the default policy or by `classic`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from harness.grammar.anomaly import AnomalyKind
from harness.grammar.artifacts import RunArtifact
from harness.grammar.engine.byte_weights import UNIT, Weights
from harness.grammar.engine.tally import tally
from harness.grammar.explanation.byte_histogram import byte_histogram_of
from harness.grammar.explanation.explained_share import Explanation, explain_files

DEFAULT, CLASSIC = "default", "classic"
POLICIES = (DEFAULT, CLASSIC)


@dataclass(frozen=True)
class ScoreBreakdown:
    """The score of one run.

    Attributes:
        total_score: 0 to 100, also if a gate fails; `passed_hard_gates` says whether it counts.
        hard_gates: Whether each gate passes, by name.
        soft_metrics: The parts of the total, each 0 to 100.
        baseline_delta: Difference from the baseline's total; None without a baseline.
        explanation: Credit by field; None under `classic`.
    """

    run_id: str
    total_score: float
    passed_hard_gates: bool
    hard_gates: dict[str, bool]
    soft_metrics: dict[str, float]
    baseline_delta: float | None
    summary: str
    policy: str = DEFAULT
    explanation: Explanation | None = field(default=None, repr=False)


def score_run(run: RunArtifact, baseline: RunArtifact | None = None, *, policy: str = DEFAULT) -> ScoreBreakdown:
    """Score one run.

    Args:
        policy: `default` scores the explained share; `classic` is the coverage score of the seed guide.

    Raises:
        ValueError: for any other policy.
    """
    if policy not in POLICIES:
        msg = f"policy must be one of {', '.join(POLICIES)}, not {policy!r}"
        raise ValueError(msg)
    made = _default(run) if policy == DEFAULT else _classic(run)
    if baseline is None:
        return made
    delta = made.total_score - score_run(baseline, policy=policy).total_score
    return replace(made, baseline_delta=delta, summary=f"{made.summary} ({delta:+.1f} vs baseline)")


def explain_run(run: RunArtifact) -> Explanation:
    """Compute the share of the examined bytes that each field of a run explains."""
    cached: Explanation | None = run.__dict__.get("_explanation")
    if cached is not None:
        return cached
    found = run.parse_result.parse
    if found is None:
        made = Explanation(run.stats.examined_bytes, 0, 0.0, 0.0, {}, ())
    else:
        data = found.records[0].buffer.data if found.records else b""
        weights, examined = Weights(data), min(len(data), run.stats.examined_bytes)
        histogram = byte_histogram_of([weights if examined == len(data) else Weights(data[:examined])])
        share = weights.of(0, examined) / UNIT
        made, _ = explain_files(found.grammar, [tally(found, weights=weights)], histogram, weight=share)
    run.__dict__["_explanation"] = made
    return made


def explained_share(run: RunArtifact) -> float:
    """Return the share (0 to 1) of the examined bytes that the default policy counts as explained."""
    return explain_run(run).score


def _default(run: RunArtifact) -> ScoreBreakdown:
    stats, found = run.stats, explain_run(run)
    gates = {"parse_advanced": stats.total_bytes_parsed > 0, "no_safety_violations": not stats.high_severity_anomalies}
    total = min(100.0, max(0.0, 100.0 * found.score))
    failed = [name for name, held in gates.items() if not held]
    summary = (
        f"Explains {100 * found.explained:.1f}% of {found.bytes} bytes ({stats.coverage_percentage:.1f}% covered, "
        f"{stats.error_count} error(s), economy {100 * found.economy:.0f}%)"
    )
    return ScoreBreakdown(
        run_id=run.run_id,
        total_score=total,
        passed_hard_gates=not failed,
        hard_gates=gates,
        soft_metrics={
            "explained": 100.0 * found.explained,
            "economy": 100.0 * found.economy,
            "coverage": stats.coverage_percentage,
        },
        baseline_delta=None,
        summary=f"Failed hard gates: {', '.join(failed)}; {summary}" if failed else summary,
        explanation=found,
    )


def _classic(run: RunArtifact) -> ScoreBreakdown:
    """Apply the formula of the seed guide, including the properties that make it easy to game.

    Coverage is of the whole file, so with a record limit large blobs win. The meaning of the bytes does not count, so
    one repeated `u8` gets the full score. Any parse error fails a gate, so the penalty of five points per error has no
    effect and a correct grammar of a truncated file gets nothing. The seed guide gives -1 there; this function gives 0.
    """
    stats = run.stats
    # In the seed guide only parse errors and lengths beyond 10 MB are anomalies of severity high.
    high = stats.error_count + sum(a.type is AnomalyKind.ABSURD_LENGTH for a in run.anomalies)
    gates = {"parse_advanced": stats.total_bytes_parsed > 0, "no_safety_violations": high == 0}
    coverage = min(100.0, 100.0 * stats.covered_bytes / stats.file_size) if stats.file_size else 0.0
    seeds = (AnomalyKind.ABSURD_LENGTH, AnomalyKind.LARGE_LENGTH, AnomalyKind.ZERO_COUNT)
    found_anomalies = stats.error_count + sum(a.type in seeds for a in run.anomalies)
    errors, penalty = min(50.0, 5.0 * stats.error_count), min(30.0, 2.0 * found_anomalies)
    failed = [name for name, held in gates.items() if not held]
    total = 0.0 if failed else min(100.0, max(0.0, coverage - errors - penalty))
    return ScoreBreakdown(
        run_id=run.run_id,
        total_score=total,
        passed_hard_gates=not failed,
        hard_gates=gates,
        soft_metrics={} if failed else {"coverage": coverage, "error_penalty": -errors, "anomaly_penalty": -penalty},
        baseline_delta=None,
        summary=f"Failed hard gates: {', '.join(failed)}"
        if failed
        else f"Coverage {coverage:.1f}%, {stats.error_count} error(s)",
        policy=CLASSIC,
    )


def rank_runs(
    runs: Iterable[RunArtifact], baseline: RunArtifact | None = None, *, policy: str = DEFAULT
) -> list[tuple[RunArtifact, ScoreBreakdown]]:
    """Sort runs by gates passed, then by score, highest first; the sort is stable."""
    scored = [(run, score_run(run, baseline, policy=policy)) for run in runs]
    return sorted(scored, key=lambda pair: (not pair[1].passed_hard_gates, -pair[1].total_score))


def find_best_scoring_run(
    candidates: Iterable[RunArtifact], baseline: RunArtifact | None = None, *, policy: str = DEFAULT
) -> tuple[RunArtifact | None, ScoreBreakdown | None]:
    """Find the best run that passes the gates, with its score; (None, None) if no run does."""
    ranked = [pair for pair in rank_runs(candidates, baseline, policy=policy) if pair[1].passed_hard_gates]
    return ranked[0] if ranked else (None, None)


def compare_scores(a: ScoreBreakdown, b: ScoreBreakdown) -> str:
    """Format two scores line by line, and name the higher one."""
    lines = [f"Run {name} ({s.run_id}): {s.total_score:.1f}/100, {s.summary}" for name, s in (("A", a), ("B", b))]
    for metric in dict.fromkeys((*a.soft_metrics, *b.soft_metrics)):
        one, two = (s.soft_metrics.get(metric) for s in (a, b))
        shown = ["-" if value is None else f"{value:.1f}" for value in (one, two)]
        lines.append(f"  {metric}: {shown[0]} → {shown[1]}")
    ahead = (a.passed_hard_gates, a.total_score), (b.passed_hard_gates, b.total_score)
    if ahead[0] == ahead[1]:
        return "\n".join([*lines, "RESULT: a tie"])
    winner = "A" if ahead[0] > ahead[1] else "B"
    return "\n".join([*lines, f"RESULT: Run {winner} wins by {abs(a.total_score - b.total_score):.1f} points"])
