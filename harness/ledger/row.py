"""Row: the columns of an evaluation in each table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.core.status import Status

if TYPE_CHECKING:
    from harness.core.evaluation import Evaluation
    from harness.core.run import Run
    from harness.ledger.shapes import Rows

Values = dict[str, Any]

MAX_INTEGER = 2**63 - 1
OK = Status.OK  # Python 3.11 computes a member at each access through its class


@dataclass(frozen=True, slots=True)
class Record:
    """One evaluation on its way into the ledger.

    Attributes:
        created_at: When it was recorded, ISO 8601 with a zone.
        wire: The evaluation's JSON text; written once, used by the journal and by the `record` column.
    """

    run_id: str
    created_at: str
    machine: str
    wire: str
    evaluation: Evaluation


def stamp(moment: datetime) -> str:
    """A moment as the ledger writes it: always UTC and equally long, so that its strings sort by time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def now() -> str:
    """The current time as `stamp` writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def dump(value: Any) -> str:
    """JSON as the ledger keeps it: ASCII, so that lone surrogates of hostile text survive SQLite's UTF-8."""
    return json.dumps(value, separators=(",", ":"))


def plain(text: str) -> str:
    """A string that SQLite can store: lone surrogates and NUL become escapes."""
    if text.isascii() and "\0" not in text:
        return text
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def run_values(run: Run) -> Values:
    """The columns of `runs` that are known when a run begins."""
    wire = run.to_wire()
    return {
        "run_id": run.run_id,
        "started_at": stamp(run.started_at),
        "epoch": min(run.epoch, MAX_INTEGER),
        "secret_seed": run.secret_seed if abs(run.secret_seed) <= MAX_INTEGER else str(run.secret_seed),
        "tier": run.tier,
        "machine": plain(run.machine),
        "git_commit": plain(run.git_commit),
        "command": plain(run.command),
        "versions": dump(run.versions),
        "record": dump(wire),
    }


def evaluation_values(record: Record) -> Values:
    """The columns of one evaluation, as queries show them; `packed` is what is stored."""
    from harness.core.stability import stability_of

    evaluation = record.evaluation
    case, evidence, policy = evaluation.case, evaluation.evidence, evaluation.case.policy
    score_low, score_high = evaluation.score.interval
    median_low, median_high = evidence.median_interval_ms or (evidence.median_ms, evidence.median_ms)
    stability = stability_of(evidence)
    status, expect = evaluation.status, policy.expect
    passed = status is OK and evaluation.score.gates_pass
    contends = passed and expect is None and "gpu" not in case.markers and evidence.finalist
    return {
        "run_id": record.run_id,
        "nodeid": plain(case.nodeid),
        "lane": plain(case.lane),
        "suite": plain(case.suite),
        "subject": plain(case.subject.name),
        "digest": plain(case.subject.digest),
        "epoch": min(policy.epoch, MAX_INTEGER),
        "status": str(status),
        "score": evaluation.score.total,
        "passed": int(passed),
        "why": plain(evaluation.why),
        "attempts": len(evidence.attempts),
        # An unjudged case was not repeated: stability 1.0 for no attempt would be wrong.
        "stability": evidence.stability if evidence.attempts else None,
        "stability_bound": stability.bound if stability else None,
        "hash_seeds": stability.hash_seeds if stability else None,
        "rung": stability.rung if stability else None,
        "confirmed": int(stability.confirmed) if stability and contends else None,
        "median_ms": evidence.median_ms,
        "peak_mb": evidence.peak_mb,
        "tier": evidence.tier,
        "seconds": evidence.seconds,
        "style": plain(case.subject.style),
        "style_detected": _detected(evidence.facts),
        "machine": plain(record.machine),
        "case_key": case.stored_key,
        "expected": expect,
        "as_expected": int(passed if expect is None else status is expect),
        "neutral": int(evaluation.neutral),
        "reused_from": plain(evidence.reused),
        "cohort": plain(case.subject.group),
        "created_at": record.created_at,
        "record": record.wire,
        "score_low": score_low,
        "score_high": score_high,
        "median_low_ms": median_low,
        "median_high_ms": median_high,
    }


def packed(record: Record) -> Values:
    """The values of the row of `evaluations`: what is equal to another column, or to the run's, is not stored."""
    values = evaluation_values(record)
    del values["machine"]
    for name, of in PAIRS:
        if values[name] == values[of]:
            values[name] = None
    values["case_key"] = bytes.fromhex(values["case_key"])
    values["record"] = _with_exhibits(record)
    return values


PAIRS = (
    ("score_low", "score"),
    ("score_high", "score"),
    ("median_low_ms", "median_ms"),
    ("median_high_ms", "median_ms"),
)
"""Columns, and those whose values they usually repeat."""


def _with_exhibits(record: Record) -> str:
    """The JSON text of an evaluation with the JSON of its exhibits, which deflates better than their deflated data."""
    wire, exhibits = record.wire, record.evaluation.evidence.exhibits
    if not exhibits:
        return wire
    from harness.core.exhibit import inflate

    for exhibit in exhibits:
        if text := inflate(exhibit.stored):
            # Base64 and hex digits stand in the text as they are.
            wire = wire.replace(f'"digest":"{exhibit.digest}","data":"{exhibit.data}"', f'"text":{dump(text)}')
    return wire


def _detected(facts: Values) -> str | None:
    """The style a lane saw in the code: the fact `style_detected`, or `style: {detected: ...}`."""
    style = facts.get("style")
    for found in (facts.get("style_detected"), style.get("detected") if isinstance(style, dict) else None):
        if isinstance(found, str) and found:
            return plain(found)
    return None


def shaped_rows(evaluation: Evaluation) -> tuple[Rows, Rows, Rows]:
    """The rows of `components`, `gates` and `attempts` of one evaluation, in the order of `shapes.VIEWS`; hashable."""
    score, attempts = evaluation.score, evaluation.evidence.attempts
    return (
        tuple([(plain(one.name), one.value, one.weight, plain(one.why)) for one in score.components]),
        tuple([(plain(one.name), one.observed, one.threshold, int(one.passed), plain(one.why)) for one in score.gates]),
        tuple([
            # Seeds are text: they may exceed SQLite's 64-bit integers.
            (one.round, str(one.seed), None if one.hash_seed is None else str(one.hash_seed), one.status.value,
             plain(one.why), plain(one.answers), one.seconds, one.cpu_ms, one.peak_mb)
            for one in attempts
        ]),
    )  # fmt: skip


def comparison_values(record: Record) -> list[Values]:
    """The rows of `comparisons` of one evaluation, by column."""
    if not record.evaluation.evidence.comparisons:
        return []
    nodeid = plain(record.evaluation.case.nodeid)
    return [
        {
            "run_id": record.run_id,
            "nodeid": nodeid,
            "position": position,
            "role": plain(one.role),
            "rival": plain(one.rival),
            "digest": plain(one.digest),
            "verdict": one.verdict.value,
            "ratio": one.ratio,
            "low": one.low,
            "high": one.high,
            "deviation": one.deviation,
            "threshold": one.threshold,
            "false_alarms": one.false_alarms,
            "experiments": one.experiments,
            "pairs": one.pairs,
            "why": plain(one.why),
        }
        for position, one in enumerate(record.evaluation.evidence.comparisons)
    ]


def lineage_values(record: Record) -> list[Values]:
    """The rows of `lineage`: what the subject says it was derived from."""
    subject = record.evaluation.case.subject
    return [
        {
            "child": plain(subject.digest),
            "parent": plain(parent),
            "relation": "derived",
            "created_at": record.created_at,
        }
        for parent in subject.parents
    ]
