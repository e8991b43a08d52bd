"""Summary: the section at the end of a pytest run: isolation, leaderboard, failures with their rerun lines, gates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.core.evaluation import Evaluation
from harness.core.run import Run
from harness.core.status import Status
from harness.report import words
from harness.report.explanation import headline
from harness.session.outcome import RunOutcome
from harness.suites.settings import Settings

MAX_SHOWN = 20  # of each kind; the ledger has them all


def write_summary(
    outcome: RunOutcome,
    terminal: Any,
    *,
    run: Run | None,
    settings: Settings,
    base: Path,
    rerun: Callable[..., str],
    always_failures: bool,
) -> None:
    """Write the summary; nothing when no run was opened and there is nothing to report.

    Args:
        outcome: The results of the run.
        terminal: pytest's terminal reporter.
        run: The run; None if none was opened.
        settings: The settings of the run.
        base: The folder that shown paths are relative to.
        rerun: The command that repeats the case of a node id.
        always_failures: Whether failing cases are listed although a leaderboard shows them.
    """
    if not (run or outcome.reasons or outcome.notices or outcome.gates):
        return
    terminal.section("crucible")
    for notice in outcome.notices[:MAX_SHOWN]:
        terminal.write_line(f"notice: {words.printable(notice)}", yellow=True)
    if len(outcome.notices) > MAX_SHOWN:
        terminal.write_line(f"notice: and {len(outcome.notices) - MAX_SHOWN} more like these", yellow=True)
    if run is not None:
        counts = ", ".join(f"{outcome.statuses[status]} {status}" for status in Status if outcome.statuses[status])
        ended = "; ABORTED, what finished is in the ledger" if outcome.aborted else ""
        terminal.write_line(f"run {run.run_id}, epoch {settings.epoch}: {counts or 'no verdict'}{ended}")
    if outcome.sandbox_line:
        terminal.write_line(outcome.sandbox_line)
    if outcome.confirmation_line:
        terminal.write_line(outcome.confirmation_line)
    for line in outcome.leaderboard:
        terminal.write_line(line)
    if not outcome.leaderboard or always_failures:
        _write_cases(terminal, "not as their suites require", outcome.failing, rerun)
    judged = [found for found in outcome.neutral if found.status is not Status.SKIPPED]
    _write_cases(terminal, "neither passed nor failed", judged, rerun)
    skipped = [found for found in outcome.neutral if found.status is Status.SKIPPED]
    _write_cases(terminal, "skipped", skipped, None)
    for line in outcome.timing.lines():
        terminal.write_line(line)
    for gate in outcome.gates:
        observed = "undefined" if gate.observed is None else f"{gate.observed:.6g}"
        terminal.write_line(
            f"gate {gate.name}: {'passes' if gate.passed else 'FAILS'}: "
            f"observed {observed}, threshold {gate.threshold:g}: {gate.why}",
            **{"green" if gate.passed else "red": True},
        )
        for line in outcome.examples.get(gate.name, ()):
            terminal.write_line(f"  {line}")
        if gate.nodeid:
            terminal.write_line(f"  rerun: {rerun(gate.nodeid)}")
    for reason in outcome.reasons:
        terminal.write_line(f"exit status 1: {reason}", red=True)
    if run is not None:
        report = "not written" if outcome.report_path is None else _shown(outcome.report_path, base)
        terminal.write_line(f"ledger: {_shown(settings.ledger, base)}  report: {report}")
        terminal.write_line(f"secret seed: {settings.secret_seed}")
    for line in outcome.annotations:
        terminal.write_line(line)


def _write_cases(terminal: Any, title: str, found: Sequence[Evaluation], rerun: Callable[..., str] | None) -> None:
    if not found:
        return
    terminal.write_line(f"{title}: {len(found)}")
    for evaluation in found[:MAX_SHOWN]:
        terminal.write_line(f"  {evaluation.case.nodeid}: {_headline(evaluation)}")
        if rerun is not None:
            terminal.write_line(f"    {rerun(evaluation.case.nodeid)}")
    if len(found) > MAX_SHOWN:
        terminal.write_line(f"  ... and {len(found) - MAX_SHOWN} more")


def _headline(evaluation: Evaluation) -> str:
    """Status and reason, with the status that the suite expects of a control."""
    expect = evaluation.case.policy.expect
    wanted = f"; its suite expects {expect}" if expect is not None and evaluation.status is not expect else ""
    return headline(evaluation) + wanted


def _shown(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)
