"""Run diff: two runs over the same file compared by coverage, records, errors and anomalies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.grammar.artifacts import RunArtifact
from harness.grammar.scoring import explained_share

EPSILON = 1e-9


@dataclass(frozen=True)
class RunDiff:
    """The differences between two runs, each as new minus old.

    Attributes:
        coverage_delta: Percentage points of the examined bytes.
        bytes_delta: Parsed bytes.
        record_delta: Top-level records.
        explained_delta: Share of the examined bytes that the default policy counts as explained.
        cut_off_delta: Errors that say only that the file ends in the middle of its last part.
        cut_off_share: Percentage of the examined bytes that the new run cannot read for that reason.
        comparable: False if the runs are of different files; then `is_improvement` is false.
    """

    old_run_id: str
    new_run_id: str
    coverage_delta: float
    bytes_delta: int
    record_delta: int
    error_delta: int
    anomaly_delta: int
    high_severity_delta: int
    explained_delta: float
    comparable: bool
    summary: str
    cut_off_delta: int = 0
    cut_off_share: float = 0.0

    def is_improvement(self) -> bool:
        """Whether no measure is worse, apart from a cut-off tail of the file, and at least one is better."""
        worse = (
            self.coverage_delta < -self.cut_off_share - EPSILON
            or self.error_delta > self.cut_off_delta
            or self.high_severity_delta > 0
            or self.explained_delta < -EPSILON
        )
        better = (
            self.coverage_delta > EPSILON
            or self.error_delta < 0
            or self.high_severity_delta < 0
            or self.explained_delta > EPSILON
        )
        return self.comparable and better and not worse


def diff_runs(old: RunArtifact, new: RunArtifact) -> RunDiff:
    """Compare two runs over one file."""
    a, b = old.stats, new.stats
    comparable = a.file_size == b.file_size and old.file_path == new.file_path
    parts = {
        "coverage": b.coverage_percentage - a.coverage_percentage,
        "errors": b.error_count - a.error_count,
        "high": b.high_severity_anomalies - a.high_severity_anomalies,
        "records": b.record_count - a.record_count,
        "explained": explained_share(new) - explained_share(old),
    }
    return RunDiff(
        old_run_id=old.run_id,
        new_run_id=new.run_id,
        coverage_delta=parts["coverage"],
        bytes_delta=b.total_bytes_parsed - a.total_bytes_parsed,
        record_delta=int(parts["records"]),
        error_delta=int(parts["errors"]),
        anomaly_delta=b.anomaly_count - a.anomaly_count,
        high_severity_delta=int(parts["high"]),
        explained_delta=parts["explained"],
        comparable=comparable,
        cut_off_delta=max(0, b.cut_off_errors - a.cut_off_errors),
        cut_off_share=100.0 * b.cut_off_bytes / b.examined_bytes if b.examined_bytes else 0.0,
        summary=_summary(parts) if comparable else "The runs are of different files and cannot be compared",
    )


def find_best_run(
    baseline: RunArtifact, candidates: Iterable[RunArtifact]
) -> tuple[RunArtifact | None, RunDiff | None]:
    """Find the candidate that improves most: by explained share, then by coverage, then by fewest anomalies.

    Returns:
        The run and its difference from the baseline, or (None, None) if none improves.
    """
    found = [(run, diff_runs(baseline, run)) for run in candidates]
    better = [(run, diff) for run, diff in found if diff.is_improvement()]
    return max(
        better,
        key=lambda pair: (pair[1].explained_delta, pair[1].coverage_delta, -pair[0].stats.anomaly_count),
        default=(None, None),
    )


def _summary(parts: dict[str, float]) -> str:
    coverage, errors, high, records = parts["coverage"], int(parts["errors"]), int(parts["high"]), int(parts["records"])
    phrases = ["Coverage unchanged"]
    if abs(coverage) > EPSILON:
        phrases = [f"Coverage {'improved' if coverage > 0 else 'decreased'} by {abs(coverage):.1f}%"]
    if abs(parts["explained"]) > EPSILON:
        word = "more" if parts["explained"] > 0 else "less"
        phrases.append(f"{abs(parts['explained']) * 100:.1f}% {word} explained")
    if errors:
        phrases.append(f"Fixed {-errors} error(s)" if errors < 0 else f"Introduced {errors} new error(s)")
    if high:
        verb = "Reduced" if high < 0 else "Introduced"
        phrases.append(f"{verb} {abs(high)} high severity anomaly(ies)")
    if records:
        phrases.append(f"Parsed {abs(records)} {'more' if records > 0 else 'fewer'} record(s)")
    return "; ".join(phrases)
