"""RunOutcome: the results of a run so far, for its gates, the summary and the exit status."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.evaluation import Evaluation
from harness.core.gate import GateResult
from harness.ledger.run_gates import Problem
from harness.report.run_verdict import RunVerdict
from harness.session.timing_summary import TimingSummary


@dataclass(slots=True)
class RunOutcome:
    """The controller's record of one invocation; it exists before a run opens.

    Attributes:
        rows: One mapping per evaluation, for gates; empty mappings where there are no gates.
        columns: The columns that plugins add, by node id; only for evaluations that have some.
        failing: Evaluations that differ from what their suite expects.
        neutral: Evaluations that neither pass nor fail.
        wrong_suites: Suites that could not be collected, by node id, with the first line of the reason.
        timing: The results of paired timing.
        examples: By the name of a gate that fails, the lines that explain the case it fails for.
        problems: What keeps the run from holding although no case and no gate says so.
        notices: Sentences for the summary.
        advice: Sentences, each with the command that follows from it.
        verdict: Whether the run held, once it is over.
        annotations: Workflow commands for GitHub Actions.
        sandbox_line: The result of the probe; empty where no selected case uses a box.
        confirmation_line: The result of the confirmation; empty where there was none.
        report_path: The HTML page; None if it was not written.
    """

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    columns: dict[str, dict[str, float | str | None]] = field(default_factory=dict)
    failing: list[Evaluation] = field(default_factory=list)
    neutral: list[Evaluation] = field(default_factory=list)
    wrong_suites: dict[str, str] = field(default_factory=dict)
    timing: TimingSummary = field(default_factory=TimingSummary)
    gates: list[GateResult] = field(default_factory=list)
    examples: dict[str, list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    advice: list[tuple[str, str]] = field(default_factory=list)
    verdict: RunVerdict | None = None
    annotations: list[str] = field(default_factory=list)
    sandbox_line: str = ""
    confirmation_line: str = ""
    report_path: Path | None = None
    aborted: bool = False
