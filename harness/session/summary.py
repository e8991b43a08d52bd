"""Summary: the section at the end of a pytest run: isolation, leaderboard, failures with their rerun lines, gates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.evaluation import Evaluation
from harness.core.status import Status
from harness.report import words

if TYPE_CHECKING:
    from harness.session.recording import Recording

MAX_SHOWN = 20  # of each kind; the ledger has them all


def write_summary(recording: Recording, terminal: Any) -> None:
    """Write everything a person needs to act, and nothing when no case was met.

    Args:
        recording: The run.
        terminal: pytest's terminal reporter.
    """
    if not (recording.run or recording.reasons or recording.notices or recording.gates):
        return
    terminal.section("crucible")
    for notice in recording.notices[:MAX_SHOWN]:
        terminal.write_line(f"notice: {words.printable(notice)}", yellow=True)
    if len(recording.notices) > MAX_SHOWN:
        terminal.write_line(f"notice: and {len(recording.notices) - MAX_SHOWN} more like these", yellow=True)
    if recording.run is not None:
        counts = ", ".join(f"{recording.statuses[status]} {status}" for status in Status if recording.statuses[status])
        ended = "; ABORTED, what finished is in the ledger" if recording.aborted else ""
        terminal.write_line(
            f"run {recording.run.run_id}, epoch {recording.settings.epoch}: {counts or 'no verdict'}{ended}"
        )
    if recording.sandbox_line:
        terminal.write_line(recording.sandbox_line)
    if recording.confirmation_line:
        terminal.write_line(recording.confirmation_line)
    for line in recording.leaderboard:
        terminal.write_line(line)
    if not recording.leaderboard or recording.config.option.tbstyle == "no":  # nobody else names them
        _cases(recording, terminal, "not as their suites ask", recording.failing, rerun=True)
    judged = [found for found in recording.neutral if found.status is not Status.SKIPPED]
    _cases(recording, terminal, "neither passed nor failed", judged, rerun=True)
    skipped = [found for found in recording.neutral if found.status is Status.SKIPPED]
    _cases(recording, terminal, "skipped", skipped, rerun=False)
    for line in recording.timing.lines():
        terminal.write_line(line)
    for gate in recording.gates:
        observed = "undefined" if gate.observed is None else f"{gate.observed:.6g}"
        terminal.write_line(
            f"gate {gate.name}: {'holds' if gate.passed else 'FAILS'}: "
            f"observed {observed}, threshold {gate.threshold:g}: {gate.why}",
            **{"green" if gate.passed else "red": True},
        )
        for line in recording.examples.get(gate.name, ()):
            terminal.write_line(f"  {line}")
        if gate.nodeid:
            terminal.write_line(f"  rerun: {recording.rerun(gate.nodeid)}")
    for reason in recording.reasons:
        terminal.write_line(f"exit status 1: {reason}", red=True)
    if recording.run is not None:
        base = Path(recording.config.invocation_params.dir)
        report = "not written" if recording.report_path is None else _shown(recording.report_path, base)
        terminal.write_line(f"ledger: {_shown(recording.settings.ledger, base)}  report: {report}")
        terminal.write_line(f"secret seed: {recording.settings.secret_seed}")
    for line in recording.annotations:
        terminal.write_line(line)


def _cases(recording: Recording, terminal: Any, title: str, found: Sequence[Evaluation], *, rerun: bool) -> None:
    if not found:
        return
    terminal.write_line(f"{title}: {len(found)}")
    for evaluation in found[:MAX_SHOWN]:
        terminal.write_line(f"  {evaluation.case.nodeid}: {recording.headline(evaluation)}")
        if rerun:
            terminal.write_line(f"    {recording.rerun(evaluation.case.nodeid)}")
    if len(found) > MAX_SHOWN:
        terminal.write_line(f"  ... and {len(found) - MAX_SHOWN} more")


def _shown(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)
