"""Publication: a run that is over goes to the ledger, the page, CI and the summary, all with the same verdict."""

from __future__ import annotations

import contextlib
from typing import Any, Literal

import pytest

from harness.core.errors import CrucibleError, LedgerError
from harness.core.status import RunStatus
from harness.ledger import queries
from harness.ledger.retention import shorten_rejected
from harness.ledger.run_gates import Problem, write_columns, write_run_gates
from harness.report import rerun, words
from harness.report.run_verdict import RunVerdict, decide, evaluated, gate_row
from harness.session.open_run import OpenRun
from harness.session.outcome import RunOutcome
from harness.suites.settings import Settings


def publish(outcome: RunOutcome, opened: OpenRun | None, settings: Settings, config: pytest.Config) -> None:
    """Finish the run in the ledger, decide whether it held, and write page, JUnit properties and GitHub's output.

    Args:
        outcome: The results of the run; gets the verdict and what the summary prints.
        opened: The run; None if none was opened.
    """
    if opened is not None:
        _finish(outcome, opened)
        _write_page(outcome, opened, settings)
        _shorten(outcome, opened, settings.project.keep_rejected)
    outcome.verdict = verdict_of(outcome, opened)
    try:
        from harness.report import ci

        outcome.annotations = ci.annotate(outcome.verdict, outcome.failing)
        for name, value in ci.properties(outcome.verdict):
            _add_to_junit(config, name, value)
        if opened is not None:
            ci.write_step_summary(opened.ledger, opened.run.run_id)
    except Exception as error:  # a missing summary of GitHub's does not fail the run
        outcome.notices.append(f"GitHub's summary could not be written: {type(error).__name__}: {error}")


def verdict_of(outcome: RunOutcome, opened: OpenRun | None) -> RunVerdict:
    """The verdict on a run: its rows come from the ledger, or from this process where the ledger has none."""
    status, rows, deltas = None, [evaluated(one) for one in outcome.failing], {}
    if opened is not None:
        status = RunStatus.ABORTED if outcome.aborted else RunStatus.FINISHED
        try:
            rows = queries.evaluations(opened.ledger, opened.run.run_id)
            deltas = queries.deltas(opened.ledger, opened.run.run_id)
        except LedgerError as error:
            outcome.problems.append(Problem(f"the ledger cannot be read: {error}"))
    gates = [gate_row(gate) for gate in outcome.gates]
    run = None if opened is None else opened.run
    return decide(
        status,
        rows,
        gates=gates,
        problems=outcome.problems,
        deltas=deltas,
        selected=None if run is None else run.selected,
        shard="" if run is None else run.shard,
    )


def _finish(outcome: RunOutcome, opened: OpenRun) -> None:
    ledger, run_id = opened.ledger, opened.run.run_id
    # Before the run is marked as finished, so that no reader takes it for one that held; and after it, because `finish`
    # starts a new file where the old one is gone or damaged.
    with contextlib.suppress(LedgerError):
        _store(outcome, opened)
    try:
        ledger.finish(run_id, RunStatus.ABORTED if outcome.aborted else RunStatus.FINISHED, opened.tier)
        _store(outcome, opened)
    except CrucibleError as error:
        outcome.problems.append(Problem(f"the ledger could not be completed: {error}"))
    outcome.notices += ledger.notices


def _store(outcome: RunOutcome, opened: OpenRun) -> None:
    if outcome.gates or outcome.problems:
        write_run_gates(opened.ledger, opened.run.run_id, outcome.gates, outcome.problems)
    if outcome.columns:
        write_columns(opened.ledger, opened.run.run_id, outcome.columns)


def _write_page(outcome: RunOutcome, opened: OpenRun, settings: Settings) -> None:
    try:
        from harness.report.html import write_report

        outcome.report_path = write_report(opened.ledger, opened.run.run_id, settings.report)
    except Exception as error:
        outcome.problems.append(Problem(f"the report could not be written: {type(error).__name__}: {error}"))
        try:
            _store(outcome, opened)
        except LedgerError as refusal:
            outcome.notices.append(f"the ledger does not know it: {refusal}")


def _shorten(outcome: RunOutcome, opened: OpenRun, keep: Literal["all", "leaders", "none"]) -> None:
    if keep != "all":
        try:
            shorten_rejected(opened.ledger, keep, run_id=opened.run.run_id)
        except LedgerError as error:
            outcome.notices.append(f"the evidence of rejected candidates is kept: {error}")


def board(opened: OpenRun, settings: Settings, config: pytest.Config, *, rows: int, width: int) -> list[str]:
    """Lines for the summary: the candidates of one suite, or with `-v` of all; else one line for each suite.

    Args:
        rows: Lines that there is room for.
        width: Columns no line exceeds, except commands.
    """
    from harness.report.leaderboard import render_leaderboard, render_overview

    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    ledger, run_id, colour = opened.ledger, opened.run.run_id, reporter.hasmarkup
    try:
        one = len({(row["lane"], row["suite"]) for row in queries.evaluations(ledger, run_id)}) <= 1
        with rerun.typed_in(config.invocation_params.dir, config.rootpath):
            if one or reporter.verbosity > 0:
                return render_leaderboard(ledger, run_id, top=settings.top, width=width, colour=colour)
            return render_overview(ledger, run_id, rows=rows - 2, width=width, colour=colour)
    except Exception as error:  # what follows in the summary is not lost
        return [words.printable(f"the leaderboard cannot be shown: {type(error).__name__}: {error}")]


def _add_to_junit(config: pytest.Config, name: str, value: str) -> None:
    """A property of the suite in the file of `--junitxml`, if there is one."""
    for plugin in config.pluginmanager.get_plugins():
        if callable(add := getattr(plugin, "add_global_property", None)):
            add(name, value)
