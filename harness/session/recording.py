"""Recording: the controller's side of a run: results go to the ledger, gates are held, the exit status is decided."""

from __future__ import annotations

import argparse
import os
import queue
import shlex
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.core.case import Case
from harness.core.errors import CrucibleError
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.gate import GateResult
from harness.core.run import Run, RunStatus, new_run_id
from harness.core.status import Status
from harness.core.tier import Tier
from harness.gates.row import row
from harness.judge.case import unjudged
from harness.lane import hard_timeout
from harness.lane.fingerprint import engine_of
from harness.lane.registry import Registry
from harness.report.explanation import headline
from harness.session.collection import SHARE
from harness.session.provenance import git_commit, machine, versions
from harness.session.timing_summary import TimingSummary
from harness.suites.settings import Settings

if TYPE_CHECKING:
    from harness.core.opponent import Opponent
    from harness.ledger.store import Ledger

NEUTRAL = {Status.REVIEW: ("review", "r", "REVIEW"), Status.NOISY: ("noisy", "n", "NOISY")}


class Recording:
    """A pytest plugin that exists on the controller once a suite was met.

    Args:
        config: pytest's.
        settings: What the run was asked to do.
        registry: Whose `crucible_evaluated` hooks are told.
        fresh: Evaluations of this very process, by node id; they need no second validation.

    Attributes:
        opened: Whether the selected cases are known.
        cases: The selected cases by node id.
        tier: What boxes were proved to be.
        rows: One mapping per evaluation, for gates; empty ones if there is no gate.
        failing: Evaluations that are not what their suite asks for.
        neutral: Evaluations that neither pass nor fail.
        gates: The run gates, after they were held.
        examples: By the name of a gate that fails, what is wrong with the case it fails for.
        reasons: Why the exit status became 1 although pytest saw no failure.
        notices: What people must be told.
        annotations: What GitHub Actions must be told.
        timing: What paired timing found.
        aborted: Whether it was interrupted.
    """

    def __init__(
        self, config: pytest.Config, settings: Settings, registry: Registry, fresh: dict[str, Evaluation]
    ) -> None:
        self.config, self.settings, self.registry = config, settings, registry
        self._fresh = fresh
        self.timing = TimingSummary()
        self.opened = False
        self.cases: dict[str, Case] = {}
        self.tier: Tier | None = None
        self.sandbox_line = ""
        self.confirmation_line = ""
        self.run: Run | None = None
        self.ledger: Ledger | None = None
        self.rows: dict[str, dict[str, Any]] = {}
        self.statuses: Counter[Status] = Counter()
        self.failing: list[Evaluation] = []
        self.neutral: list[Evaluation] = []
        self.wrong_suites: list[str] = []
        self.gates: list[GateResult] = []
        self.examples: dict[str, list[str]] = {}
        self._named: dict[str, str] = {}
        self.reasons: list[str] = []
        self.notices: list[str] = []
        self.leaderboard: list[str] = []
        self.annotations: list[str] = []
        self.report_path: Path | None = None
        self.aborted = False

    def begin(self) -> None:
        """Open the ledger and register the run.

        Raises:
            LedgerError: if the ledger cannot be written; nothing has run yet.
            UsageError: if a gate names a lane or a run that does not exist.
        """
        from harness.ledger.store import Ledger
        from harness.session.run_gates import check_gates

        started = datetime.now(UTC)
        run = Run(
            # Microseconds first, so that runs of one second sort by their start too.
            run_id=new_run_id(started, started.microsecond << 4 | os.urandom(1)[0] & 15),
            started_at=started,
            epoch=self.settings.epoch,
            secret_seed=self.settings.secret_seed,
            tier=self.tier,
            machine=machine(),
            git_commit=git_commit(self.config.rootpath),
            command=shlex.join(["pytest", *map(str, self.config.invocation_params.args)]),
            versions=versions() | engine_of(self.registry.lanes, {case.lane for case in self.cases.values()}),
        )
        self.ledger = Ledger.open(self.settings.ledger)
        self._named = check_gates(self.settings.gates, self.registry, self.ledger)
        self.ledger.begin(run)
        self.run = run

    def recall(self) -> dict[str, Evidence]:
        """Evidence of earlier runs that still stands, by node id (docs/reuse.md).

        Only for lanes that say, by `keyed = True`, that a case's inputs name the content of all the verdict depends on.
        Whoever names a secret seed wants to see it run.
        """
        from harness.ledger import queries

        if self.settings.fresh or self.config.option.crucible_secret_seed is not None or self.ledger is None:
            return {}
        lanes, measured = self.registry.lanes, wants_samples(self.config.option)
        keys = {
            nodeid: case.key
            for nodeid, case in self.cases.items()
            if getattr(lanes.get(case.lane), "keyed", False) and not (case.timed and measured)
        }
        engine = {} if self.run is None else self.run.versions
        known = queries.judged(self.ledger, keys.values(), machine=machine(), engine=engine) if keys else {}
        found: dict[str, Evidence] = {}
        for nodeid, key in keys.items():
            run_id, before = known.get(key, ("", None))
            evidence = None if before is None else before.evidence
            if evidence is not None and _stands(evidence) and evidence.tier in (None, self.tier):
                found[nodeid] = evidence.model_copy(update={"facts": {"reused": run_id, **evidence.facts}})
        if found:
            self.notices.append(
                f"{len(found)} unchanged since an earlier run, whose verdicts stand (on that run's inputs); "
                "--fresh judges them anew"
            )
        return found

    def rivals(self) -> dict[str, tuple[Opponent, ...]]:
        """Whom timed cases are measured against."""
        from harness.session.opponents import rivals_of

        return {} if self.ledger is None else rivals_of(self.cases, self.ledger)

    def close(self) -> None:
        """Close the ledger; a run that was not finished stays in its journal."""
        if self.ledger is not None:
            self.ledger.close()
            self.ledger = None

    # While cases run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a case, whoever judged it; one that came to no verdict is `infra`."""
        if report.nodeid not in self.cases or self.run is None:
            return
        text: str | None = getattr(report, "crucible", None)
        if text is not None:
            here = report.nodeid in self._fresh
            self._record(self._fresh.pop(report.nodeid) if here else Evaluation.model_validate_json(text))
        elif report.failed and report.nodeid not in self.rows:
            # A worker that died, or another plugin that failed before the case began.
            text = str(report.longrepr).strip().rpartition("\n")[2] or "unknown"
            words = hard_timeout.told(text)  # a trusted file of the user's may have ended the worker
            why = words or f"no verdict: {text}"
            self._record(unjudged(self.cases[report.nodeid], why, tier=self.tier, trusted=bool(words)))

    def _record(self, evaluation: Evaluation) -> None:
        nodeid = evaluation.case.nodeid
        for notice in evaluation.evidence.facts.get("notices", ()):
            if notice not in self.notices:  # every case of a tool says the same of its oracle
                self.notices.append(str(notice))
        self.rows[nodeid] = row(evaluation, self.run) if self.settings.gates and self.run is not None else {}
        self.statuses[evaluation.status] += 1
        self.timing.add(evaluation)
        if evaluation.neutral and evaluation.status is not Status.INFRA:
            self.neutral.append(evaluation)
        elif not evaluation.as_expected or evaluation.status is Status.INFRA:
            self.failing.append(evaluation)
        if self.ledger is not None and self.run is not None:
            self.ledger.record(evaluation, run_id=self.run.run_id)
        self.registry.call("crucible_evaluated", evaluation=evaluation)

    def revise(self, before: Evaluation, after: Evaluation, *, rerun: str) -> None:
        """Replace an evaluation of this run that passed by what its confirmation made of it.

        Args:
            before: As it was recorded.
            after: As it is now.
            rerun: The command that repeats the confirmation.
        """
        self.statuses[before.status] -= 1
        self._record(after)
        if not after.as_expected:
            self.reasons.append(f"{after.case.nodeid} passed, but not its confirmation: {headline(after)}")
            self.notices.append(f"to repeat the confirmation that failed: {rerun}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        """`review` and `noisy` are categories of their own; to JUnit and --lf they are skips with a reason."""
        if not report.skipped or not hasattr(report, "crucible"):
            return None
        status = dict(report.user_properties).get("crucible_status")
        if status not in NEUTRAL:
            return None
        category, letter, word = NEUTRAL[Status(str(status))]
        return category, letter, (word, {"yellow": True})

    def pytest_keyboard_interrupt(self) -> None:
        """What finished is kept, the run counts as aborted."""
        self.aborted = True

    def pytest_internalerror(self) -> None:
        """Likewise."""
        self.aborted = True

    # When the run is over

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Store what is pending, hold the gates and decide the exit status."""
        if self.aborted:
            self._drain()
        complete = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
        if exitstatus in complete and not self.config.option.collectonly:
            self._judge_run(int(exitstatus))
        self._finish()
        failed = self.reasons or not all(gate.passed for gate in self.gates)
        if session.exitstatus == pytest.ExitCode.INTERRUPTED:
            return
        if failed and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self._empty_shard():
            session.exitstatus = pytest.ExitCode.OK

    def _judge_run(self, exitstatus: int) -> None:
        if self.settings.gates:
            self._evaluate_gates()
        if self._empty_shard():
            self.notices.append("this shard holds none of the selected cases")
        elif not self.cases and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            self.reasons.append("suites were asked for, but no case was selected")
        elif self.cases and not self.rows:
            self.reasons.append("no case was judged")
        elif self.cases and set(self.statuses) <= {Status.SKIPPED}:
            self.reasons.append("every case was skipped: nothing was judged")

    def _empty_shard(self) -> bool:
        return self.settings.shard is not None and not self.cases and not self.wrong_suites

    def _evaluate_gates(self) -> None:
        from harness.session.run_gates import counter_example, evaluate_gates

        run_id = "" if self.run is None else self.run.run_id
        ledger = None if self.run is None else self.ledger
        self.gates += evaluate_gates(self.settings.gates, list(self.rows.values()), ledger, run_id, self._named)
        for gate in self.gates:
            self.examples[gate.name] = counter_example(ledger, run_id, gate)

    def _finish(self) -> None:
        if self.ledger is None or self.run is None:
            return
        try:
            self.ledger.finish(self.run.run_id, RunStatus.ABORTED if self.aborted else RunStatus.FINISHED, self.tier)
        except CrucibleError as error:
            self.reasons.append(f"the ledger could not be completed: {error}")
        self.notices += self.ledger.notices
        try:
            from harness.report import rerun
            from harness.report.html import write_report
            from harness.report.text import WIDTH, render_leaderboard

            reporter = self.config.pluginmanager.get_plugin("terminalreporter")
            with rerun.typed_in(self.config.invocation_params.dir, self.config.rootpath):
                self.leaderboard = render_leaderboard(
                    self.ledger,
                    self.run.run_id,
                    top=self.settings.top,
                    width=min(reporter._tw.fullwidth, WIDTH) if reporter is not None else WIDTH,
                    colour=reporter is not None and reporter.hasmarkup,
                )
            self.report_path = write_report(self.ledger, self.run.run_id, self.settings.report)
        except Exception as error:
            self.reasons.append(f"the report could not be written: {type(error).__name__}: {error}")
        try:
            from harness.report.ci import annotate, write_step_summary

            self.annotations = annotate(self.failing)
            write_step_summary(self.ledger, self.run.run_id, gates=self.gates)
        except Exception as error:  # a courtesy of GitHub's: no reason to fail
            self.notices.append(f"GitHub's summary could not be written: {type(error).__name__}: {error}")

    def _drain(self) -> None:
        """Record what workers had reported before Ctrl-C but xdist had not looked at yet."""
        distributed = self.config.pluginmanager.get_plugin("dsession")
        events = getattr(distributed, "queue", None)
        while events is not None:
            try:
                name, arguments = events.get_nowait()
            except queue.Empty:
                return
            if name == "testreport":
                self.pytest_runtest_logreport(arguments["rep"])

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The last thing people see."""
        from harness.session.summary import write_summary

        write_summary(self, terminalreporter)

    def rerun(self, nodeid: str) -> str:
        """The command that repeats one case."""
        return self.config.stash[SHARE].rerun(nodeid)

    def headline(self, evaluation: Evaluation) -> str:
        """Status and reason, with what a planted control should have been."""
        expect = evaluation.case.policy.expect
        wanted = f"; its suite expects {expect}" if expect is not None and evaluation.status is not expect else ""
        return headline(evaluation) + wanted


def _stands(evidence: Evidence) -> bool:
    """Whether it need not be gathered again: what was not judged, or measured too noisily, is worth another try."""
    quality = evidence.facts.get("quality")
    noisy = isinstance(quality, dict) and bool(quality.get("why"))
    return evidence.status not in NEUTRAL and evidence.status is not Status.FLAKY and not noisy


def wants_samples(option: argparse.Namespace) -> bool:
    """Whether pytest-benchmark was asked for something that needs the times of this very run."""
    names = ("only", "json", "save", "save_data", "autosave", "compare", "compare_fail", "histogram")
    return any(getattr(option, f"benchmark_{name}", None) for name in names)
