"""Recorder: each evaluation of an open run goes to the ledger, to the outcome and to plugins."""

from __future__ import annotations

from harness.core.evaluation import Evaluation, SerialisedEvaluation
from harness.core.status import Status
from harness.gates.row import row
from harness.lane.registry import Registry
from harness.report.explanation import headline
from harness.session.live_page import LivePage
from harness.session.open_run import OpenRun
from harness.session.outcome import RunOutcome
from harness.session.source_keeper import SourceKeeper
from harness.suites.settings import Settings

INFRA = Status.INFRA  # Python 3.11 computes a member at each access through its class


class Recorder:
    """Records the evaluations of an open run; it exists on the controller only.

    Args:
        outcome: Updated with each evaluation.
        registry: Its `crucible_evaluated` hooks are called after an evaluation was recorded.
        settings: Of the run: gates, also those of plugins, need a row of each evaluation.
    """

    def __init__(self, opened: OpenRun, outcome: RunOutcome, registry: Registry, settings: Settings) -> None:
        self.opened, self.outcome = opened, outcome
        self._sources = SourceKeeper(opened.ledger) if settings.project.keep_sources else None
        self._page = LivePage(opened, settings)
        self._registry, self._with_rows = registry, bool(settings.gates) or registry.has("crucible_gates")

    def record(self, one: SerialisedEvaluation) -> None:
        """Record an evaluation; it replaces an earlier one of the same case."""
        evaluation, outcome = one.evaluation, self.outcome
        for notice in evaluation.evidence.notices:
            if notice not in outcome.notices:  # the cases of one tool have the same notices
                outcome.notices.append(notice)
        columns = self._columns(evaluation)
        outcome.rows[evaluation.case.nodeid] = columns | row(evaluation, self.opened.run) if self._with_rows else {}
        outcome.timing.add(evaluation)
        if evaluation.evidence.status is INFRA or not (evaluation.neutral or evaluation.as_expected):
            outcome.failing.append(evaluation)
        elif evaluation.neutral:
            outcome.neutral.append(evaluation)
        self.opened.ledger.record(evaluation, run_id=self.opened.run.run_id, text=one.text)
        if self._sources is not None:
            self._sources.add(evaluation.case.subject)
        self._registry.call("crucible_evaluated", evaluation=evaluation)
        self._page.advance(len(outcome.rows))

    def flush(self) -> None:
        """Store the sources of the last subjects."""
        if self._sources is not None:
            self._sources.flush()

    def _columns(self, evaluation: Evaluation) -> dict[str, float | str | None]:
        """The columns of plugins; a plugin that fails is reported once and changes no verdict."""
        found: dict[str, float | str | None] = {}
        try:
            for columns in reversed(self._registry.call("crucible_columns", evaluation=evaluation)):
                found |= {str(name): value for name, value in columns.items()}
        except Exception as error:
            notice = f"a plugin's crucible_columns failed: {type(error).__name__}: {error}"
            if notice not in self.outcome.notices:
                self.outcome.notices.append(notice)
        if found:
            self.outcome.columns[evaluation.case.nodeid] = found
        return found

    def revise(self, after: SerialisedEvaluation, *, rerun: str) -> None:
        """Replace an evaluation that passed by the result of its confirmation.

        Args:
            after: The evaluation with the attempts of the confirmation.
            rerun: The command that repeats the confirmation.
        """
        self.record(after)
        evaluation = after.evaluation
        if not evaluation.as_expected:
            said = f"{evaluation.case.nodeid} passed, but not its confirmation: {headline(evaluation)}"
            self.outcome.advice.append((said, rerun))
