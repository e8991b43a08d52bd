"""Run artifacts: one file parsed with one version of a grammar, with anomalies and statistics."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.core.digest import digest_json
from harness.grammar.anomaly import Anomaly, AnomalyKind, Severity, anomalies
from harness.grammar.tool_host import ParseResult

__all__ = ["Anomaly", "AnomalyKind", "RunArtifact", "RunStats", "Severity", "create_run_artifact"]


@dataclass(frozen=True)
class RunStats:
    """Statistics of a run.

    Attributes:
        total_bytes_parsed: Bytes from the start offset to where the parse stopped.
        parse_stopped_at: End offset (exclusive) of the last record.
        file_size: Bytes of the whole file.
        examined_bytes: Bytes of the file, or of its part before the record or byte limit.
        covered_bytes: Examined bytes that are in a field.
        coverage_percentage: Covered bytes as a percentage of examined bytes; a record limit does not change it.
        cut_off_errors: Number of errors that say only that the file ends in the middle of its last part.
        cut_off_bytes: Bytes of that part.
    """

    record_count: int
    total_bytes_parsed: int
    parse_stopped_at: int
    file_size: int
    examined_bytes: int
    covered_bytes: int
    coverage_percentage: float
    error_count: int
    anomaly_count: int
    high_severity_anomalies: int
    cut_off_errors: int = 0
    cut_off_bytes: int = 0


@dataclass(frozen=True)
class RunArtifact:
    """The frozen result of a run.

    Attributes:
        file_size: Its size in bytes.
    """

    run_id: str
    spec_version_id: str
    parse_result: ParseResult
    anomalies: tuple[Anomaly, ...]
    stats: RunStats
    file_path: str
    file_size: int

    @property
    def digest(self) -> str:
        """Hex SHA-256 of spans, errors and anomalies: equal for the same grammar and file, whatever the run's name."""
        found = self.parse_result.parse
        spans = [] if found is None else [[s.start, s.end, s.path, repr(s.leaf.value)] for s in found.leaves()]
        return digest_json([spans, list(self.parse_result.errors), [str(a) for a in self.anomalies]])


def create_run_artifact(
    run_id: str, spec_version_id: str, parse_result: ParseResult, file_path: str | Path, file_size: int
) -> RunArtifact:
    """Compute the anomalies and statistics of a run.

    Args:
        file_size: Its size in bytes; if the parse saw another size, that one is used.
    """
    found = parse_result.parse
    size = found.size if found is not None else max(0, file_size)
    examined = min(size, parse_result.parse_stopped_at) if parse_result.truncated else size
    covered = sum(min(end, examined) - start for start, end in found.covered if start < examined) if found else 0
    found_anomalies = anomalies(parse_result)
    cut_off = [fault.offset for fault in parse_result.faults if fault.is_cut_off(size) and not fault.warning]
    return RunArtifact(
        run_id=run_id,
        spec_version_id=spec_version_id,
        parse_result=parse_result,
        anomalies=found_anomalies,
        stats=RunStats(
            record_count=parse_result.record_count,
            total_bytes_parsed=parse_result.total_bytes_parsed,
            parse_stopped_at=parse_result.parse_stopped_at,
            file_size=size,
            examined_bytes=examined,
            covered_bytes=covered,
            coverage_percentage=100.0 * covered / examined if examined else 0.0,
            error_count=len(parse_result.errors),
            anomaly_count=len(found_anomalies),
            high_severity_anomalies=sum(anomaly.severity is Severity.HIGH for anomaly in found_anomalies),
            cut_off_errors=len(cut_off),
            cut_off_bytes=size - min(cut_off, default=size),
        ),
        file_path=str(file_path),
        file_size=size,
    )
