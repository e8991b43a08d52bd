"""Controller: the controller's part of one invocation: it probes boxes, opens the run, records and ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.bytecode import describe_missing
from harness.core.case import Case
from harness.core.errors import CrucibleError, InfraError, LedgerError, TierError, UsageError
from harness.core.evaluation import SerialisedEvaluation
from harness.core.status import Status
from harness.core.tier import Tier
from harness.judge.case import unjudged
from harness.judge.isolation import folders_of, prove_tier, secrets_of
from harness.lane.registry import Registry
from harness.ledger.run_gates import Problem
from harness.ledger.store import Ledger
from harness.report import words
from harness.report.rerun import typed_in
from harness.session.confirmation import Confirmation
from harness.session.handoffs import hand_off
from harness.session.judging_ahead import judge_count
from harness.session.open_run import open_run
from harness.session.opponents import opponents_of
from harness.session.outcome import RunOutcome
from harness.session.progress import Progress
from harness.session.publication import board, publish
from harness.session.recorder import Recorder
from harness.session.result_paths import require_own_paths
from harness.session.reuse import reusable_evidence
from harness.session.run_gates import counter_example, evaluate_gates
from harness.session.run_inputs import RunInputs
from harness.session.selection import shard_notices
from harness.session.summary import Summary
from harness.session.termination import drain
from harness.session.untrusted import Seal
from harness.suites.settings import Settings
from harness.timing.lock import notices_to

NEUTRAL = {Status.REVIEW: ("review", "r", "REVIEW"), Status.NOISY: ("noisy", "n", "NOISY")}
COMPLETE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


class Controller:
    """A pytest plugin of the process that owns the ledger: the only one, or the controller of xdist workers.

    Args:
        seal: The untrusted folders, if any suite was found before the run.
        fresh: Evaluations of this process that were not recorded yet, by node id.
        rerun: The command that repeats the case of a node id, with settings changed by name.

    Attributes:
        cases: The selected cases by node id, once they are known.
        is_prepared: Whether the selected cases are known and the boxes probed.
        outcome: What is known of the run so far.
    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        registry: Registry,
        *,
        seal: Seal | None,
        fresh: dict[str, SerialisedEvaluation],
        rerun: Callable[..., str],
    ) -> None:
        self._config, self._settings, self._registry = config, settings, registry
        self._seal, self._fresh, self._rerun = seal, fresh, rerun
        self._verbosity = getattr(config.option, "verbose", 0)  # there is none with `-p no:terminal`
        self.cases: Mapping[str, Case] = {}
        self.is_prepared = False
        self.outcome = RunOutcome()
        self._tier: Tier | None = None
        self._protect: tuple[Path, ...] = ()
        self._recorder: Recorder | None = None
        self._progress: Progress | None = None

    # Opening the run

    def prepare(self, cases: Mapping[str, Case]) -> list[str]:
        """Take the selected cases and probe the boxes that they need; returns lines to show.

        Raises:
            pytest.UsageError: if this machine cannot isolate as well as a lane demands.
        """
        self.is_prepared, self.cases = True, cases
        lines = self.sealed_lines()
        names = {case.lane for case in cases.values()}
        boxed = [lane for name in self._registry.lanes if name in names and (lane := self._registry.lanes[name]).boxed]
        if not boxed:
            return lines
        try:
            secrets = secrets_of(cases.values(), root=self._config.rootpath, ledger=self._settings.ledger)
            self._protect = folders_of([self._config.rootpath, *secrets])
            probe = prove_tier(boxed, self._settings, secrets, protect=self._protect)
        except (InfraError, TierError) as error:
            raise pytest.UsageError(str(error)) from None
        self._tier = probe.tier
        self.outcome.sandbox_line = probe.line()
        defaults = [
            f"lane {lane.name} accepts tier {lane.min_tier}, its own default"
            for lane in boxed
            if lane.min_tier and self._settings.min_tier is None and not lane.min_tier.at_least(Tier.C)
        ]
        return [*lines, probe.line(), *defaults] if self._verbosity >= 0 else lines

    def open(self, *, is_alone: bool) -> RunInputs:
        """Register the run in the ledger, if any case was selected or it is a shard.

        Args:
            is_alone: Whether the run consists of cases only.

        Returns:
            What each process needs for judging the cases.

        Raises:
            pytest.UsageError: if the ledger or report cannot be used, or a gate names an unknown lane or run.
        """
        if not self.cases and self._settings.shard is None:  # a shard without cases is a part, too
            return RunInputs()
        settings, option = self._settings, self._config.option
        try:
            require_own_paths(settings, self._seal)
            opened = open_run(
                self._config, settings, self._registry, cases=self.cases, tier=self._tier, protect=self._protect
            )
            self._recorder = Recorder(opened, self.outcome, self._registry, settings)
            # A given secret seed requests an evaluation on its inputs.
            again = settings.fresh or option.crucible_secret_seed is not None
            reused = {} if again else reusable_evidence(opened, self._registry, option)
            opponents = opponents_of(self.cases, opened.ledger)
        except (LedgerError, UsageError) as error:
            raise pytest.UsageError(str(error)) from None
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter.verbosity > -2:
            self._progress = Progress(reporter, self.cases, is_alone=is_alone)
            notices_to(self._progress.say)
            if self._progress.is_live:
                self._config.pluginmanager.register(self._progress, "crucible-progress")
        if missing := describe_missing(Path(__file__)):
            self.outcome.notices.append(missing)
        if reused:
            self.outcome.notices.append(
                f"{len(reused)} unchanged since an earlier run, whose verdicts stand (on that run's inputs); "
                "--fresh judges them again"
            )
        return RunInputs(
            opened.tier,
            opened.protect,
            {nodeid: one.evidence for nodeid, one in reused.items()},
            opponents,
            seeds={nodeid: one.secret_seed for nodeid, one in reused.items()},
        )

    def sealed_lines(self) -> list[str]:
        """Lines on untrusted folders and on suites that lie in them."""
        if self._seal is None:
            return []
        root = self._config.rootpath
        quiet = self._verbosity < 0
        folders = [] if quiet else [_shown(Path(folder), root) for folder in self._seal.folders()]
        if folders and self._verbosity < 1:
            folders = [f"{words.count(len(folders), 'folder')} (`-v` lists them)"]
        lines = [f"untrusted, never imported: {', '.join(folders)}"] if folders else []
        return lines + [
            f"not collected: {_shown(Path(suite), root)} is one of the untrusted files of {_shown(Path(by), root)}"
            for suite, by in dict.fromkeys(self._seal.dropped)
        ]

    def close(self) -> None:
        """Close the ledger; a run that was not finished stays in its journal."""
        if self._recorder is not None:
            self._recorder.opened.ledger.close()
            self._recorder = None

    # While cases run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a case of any process; one without a verdict is `infra`."""
        if report.nodeid not in self.cases or self._recorder is None:
            return
        text: str | None = getattr(report, "crucible", None)
        if text is not None:
            judged = self._fresh.pop(report.nodeid, None) or SerialisedEvaluation.parse(text)
            self._recorder.record(judged)
            if self._progress is not None:
                self._progress.advance(judged.evaluation)
        elif report.failed and report.nodeid not in self.outcome.rows and not self.outcome.aborted:
            # A worker that died, or another plugin that failed before the case began.
            text = str(report.longrepr).strip().rpartition("\n")[2] or "unknown"
            evaluation = unjudged(self.cases[report.nodeid], f"no verdict: {text}", tier=self._tier)
            self._recorder.record(SerialisedEvaluation.of(evaluation))
        elif report.failed and report.when == "teardown":  # another plugin failed after the verdict
            text = str(report.longrepr).strip().rpartition("\n")[2] or "unknown"
            self.outcome.problems.append(Problem(f"{report.nodeid}: its teardown failed: {text}", report.nodeid))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        """`review` and `noisy` are categories of their own; for JUnit and --lf they are skips with a reason."""
        if not report.skipped or not hasattr(report, "crucible"):
            return None
        status = dict(report.user_properties).get("crucible_status")
        if status not in NEUTRAL:
            return None
        category, letter, word = NEUTRAL[Status(str(status))]
        return category, letter, (word, {"yellow": True})

    def pytest_keyboard_interrupt(self) -> None:
        """Mark the run aborted; finished cases are kept."""
        self.outcome.aborted = True

    def pytest_internalerror(self) -> None:
        """Mark the run aborted; finished cases are kept."""
        self.outcome.aborted = True

    # The end of the session

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """End the run: confirmation, pending reports, gates, ledger and pages, exit status, in this order."""
        if self._progress is not None:
            self._progress.close()
        self._confirm(session, exitstatus)
        notices_to()
        if self.outcome.aborted:
            drain(self._config, self.pytest_runtest_logreport)
        if not self._config.option.collectonly:
            if exitstatus in COMPLETE:
                self._evaluate_gates()
            self._decide(session, exitstatus)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write the section at the end of pytest's output."""
        opened = None if self._recorder is None else self._recorder.opened
        summary = Summary(
            self.outcome,
            terminalreporter,
            run=None if opened is None else opened.run,
            settings=self._settings,
            base=Path(self._config.invocation_params.dir),
            rerun=self._rerun,
        )
        summary.write(
            lambda rows: (
                [] if opened is None else board(opened, self._settings, self._config, rows=rows, width=summary.width)
            )
        )

    def _confirm(self, session: pytest.Session, exitstatus: int) -> None:
        """Confirm the finalists of a run that is complete."""
        complete = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        stopped = bool(session.shouldfail or session.shouldstop)
        if self._recorder is None or self.outcome.aborted or not complete or stopped or self._settings.confirm == 0:
            return
        confirmation = Confirmation(
            self._recorder,
            self._registry,
            self._settings,
            rerun=self._rerun,
            say=self._say,
            processes=judge_count(self._config),
        )
        try:
            with typed_in(self._config.invocation_params.dir, self._config.rootpath):
                confirmation.run()
        except LedgerError as error:
            self.outcome.notices.append(f"not all finalists were confirmed: {error}")
        except Exception as error:  # gates and report still follow
            self.outcome.problems.append(Problem(f"the confirmation failed: {type(error).__name__}: {error}"))
        except KeyboardInterrupt:
            self.outcome.aborted = True
            session.exitstatus = pytest.ExitCode.INTERRUPTED
            self.outcome.notices.append("the confirmation was interrupted: what it had confirmed is kept")
        finally:
            confirmation.close()

    def _say(self, line: str) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter.verbosity >= 0:
            reporter.ensure_newline()
            if reporter._tw.width_of_current_line:  # xdist's progress, which pytest does not know of
                reporter.line("")
            reporter.write_line(words.printable(line))

    def _evaluate_gates(self) -> None:
        gates, outcome = self._settings.gates, self.outcome
        if self._settings.shard is not None:  # its gates are of the whole (`merged_runs`)
            plugins = self._registry.implementers("crucible_gates")
            given = self._config.option.crucible_secret_seed
            outcome.notices += shard_notices(self._settings, plugins, given_seed=given)
            return
        if not gates and not self._registry.has("crucible_gates"):
            return
        if self._recorder is None:
            outcome.gates += evaluate_gates(gates, [], ledger=None, run_id="", named={})
            return
        opened = self._recorder.opened
        ledger, run_id = opened.ledger, opened.run.run_id
        rows = list(outcome.rows.values())
        outcome.gates += evaluate_gates(gates, rows, ledger=ledger, run_id=run_id, named=opened.baselines)
        try:
            outcome.gates += [gate for found in self._registry.call("crucible_gates", rows=rows) for gate in found]
        except Exception as error:
            outcome.problems.append(Problem(f"a plugin's crucible_gates failed: {type(error).__name__}: {error}"))
        for gate in outcome.gates:
            outcome.examples[gate.name] = counter_example(ledger, run_id, gate)

    def _is_empty_shard(self) -> bool:
        return self._settings.shard is not None and not self.cases and not self.outcome.wrong_suites

    def _hand_off(self, ledger: Ledger, run_id: str) -> None:
        failing, root = self.outcome.failing, self._config.rootpath
        if not failing or not self._settings.project.handoffs:
            return
        try:
            notice = hand_off(failing, ledger=ledger, registry=self._registry, root=root, run_id=run_id)
        except CrucibleError as error:
            notice = f"failures were not queued for repair: {error}"
        self.outcome.notices += [notice] * bool(notice)

    def _decide(self, session: pytest.Session, exitstatus: int) -> None:
        """Store and publish the verdict on the run, and make the exit status say the same."""
        outcome = self.outcome
        outcome.problems += [
            Problem(f"wrong suite: {why}" if nodeid in why else f"{nodeid} could not be collected: {why}", nodeid)
            for nodeid, why in outcome.wrong_suites.items()
        ]
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and not self.cases and not self._is_empty_shard():
            outcome.problems.append(Problem("suites were asked for, but no case was selected"))
        opened = None if self._recorder is None else self._recorder.opened
        if self._recorder is not None:
            self._recorder.flush()
            self._hand_off(self._recorder.opened.ledger, self._recorder.opened.run.run_id)
        publish(outcome, opened, self._settings, self._config)
        if outcome.verdict is None or session.exitstatus == pytest.ExitCode.INTERRUPTED:
            return
        if outcome.verdict.faults and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self._is_empty_shard():
            session.exitstatus = pytest.ExitCode.OK


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
