"""RunSession: one process's part in a run, from its first suite: it collects cases, probes boxes and judges."""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.core.case import Case
from harness.core.errors import InfraError, UsageError
from harness.core.evaluation import Evaluation, SerialisedEvaluation
from harness.judge.case import judge_case
from harness.judge.evaluate import evaluate
from harness.judge.folders import scratch_folder
from harness.lane.context import Closable, Context
from harness.lane.registry import Registry
from harness.report import rerun
from harness.session.bare_hooks import BareHooks
from harness.session.collection import SESSION_STATE, CaseItem, SessionState
from harness.session.controller_memory import require_judging_room
from harness.session.judging_ahead import JudgingAhead, JudgingClient, cases_for_judges, judge_count, judging_ahead
from harness.session.progress import say_in_worker
from harness.session.run_inputs import RunInputs
from harness.session.selection import PUBLISHED, SHARD, select_items
from harness.session.shared_processes import share_processes
from harness.session.snapshot import Collected, Snapshot
from harness.session.termination import Termination
from harness.session.untrusted import SUFFIX, Seal
from harness.suites.settings import Settings, settle
from harness.timing.bridge import Bridge
from harness.timing.lock import machine_lock, notices_to

if TYPE_CHECKING:
    from harness.session.controller import Controller

GC_THRESHOLD = 20_000  # allocations between two collections of the youngest objects
OPTIONS = (
    *"epoch attempts anneal_temp secret_seed ledger report min_tier".split(),
    *"shard shard_durations limit top fresh confirm".split(),
)


class RunSession:
    """A pytest plugin registered when a process collects its first suite.

    Attributes:
        problem: Why nothing can run (a wrong `[tool.crucible]`); empty otherwise.
        state: The values that collection and items use.
        controller: The part that owns the ledger; None on an xdist worker.
    """

    def __init__(
        self,
        config: pytest.Config,
        *,
        registry: Registry,
        seal: Seal | None,
        folder: str | None,
        drawn_seed: int | None = None,
    ) -> None:
        self.config = config
        self.problem = ""
        self.is_worker = hasattr(config, "workerinput")
        self.registry = registry
        self._context: Context | None = None
        self._inputs: RunInputs | None = None
        self._judging: JudgingAhead | JudgingClient | None = None
        self._shared: Sequence[Closable] = ()
        self._wrong_suites = 0
        self._frozen = False
        snapshot = Snapshot(Path(folder)) if folder else None
        try:
            settings = self._settle(drawn_seed)
        except UsageError as error:
            self.problem = str(error)
            settings = Settings(secret_seed=0, ledger=Path(), report=Path())
            if snapshot is not None and self.is_worker:
                # The controller refuses the run; it checks only if a suite was published.
                snapshot.put("suite-problem", Collected("", error=self.problem).to_wire())
        self.settings = settings
        self.state = config.stash[SESSION_STATE] = SessionState(settings, registry, self.judge, self.rerun, snapshot)
        self.controller: Controller | None = None
        if not self.is_worker:
            from harness.session.controller import Controller

            self.controller = Controller(
                config, settings, registry, seal=seal, fresh=self.state.fresh, rerun=self.rerun
            )
            config.pluginmanager.register(self.controller, "crucible-controller")
        elif os.environ.get("PYTEST_XDIST_WORKER") == "gw0":  # not each worker with the same words
            notices_to(partial(say_in_worker, config))
        self.bridge = Bridge(
            config,
            is_timed=lambda item: isinstance(item, CaseItem) and item.case.timed,
            timed=self.timed,
            is_worker=self.is_worker,
        )
        config.pluginmanager.register(self.bridge, "crucible-timing")
        # Thousands of cases, reports and records exist until the end; frequent garbage collection among them took a
        # quarter of the time.
        self.termination = None if self.is_worker else Termination()
        self._thresholds = gc.get_threshold()
        if 0 < self._thresholds[0] < GC_THRESHOLD:
            gc.set_threshold(GC_THRESHOLD, *self._thresholds[1:])
        # An interpreter that ends looks for cycles among all its objects several times, which takes 0.1 s.
        atexit.register(gc.freeze)
        config.pluginmanager.register(self, "crucible-session")

    # Opening the run, on the controller

    def start(self) -> None:
        """Check the settings before anything is collected.

        Raises:
            pytest.UsageError: if they are wrong.
        """
        if self.problem:
            raise pytest.UsageError(self.problem)

    def open_serial(self, items: Sequence[pytest.Item]) -> list[str]:
        """Probe boxes once collection is complete; returns lines to show."""
        self.start()
        if self.controller is None:
            return []
        if self.config.option.collectonly:
            return self.controller.sealed_lines()
        return self.controller.prepare({item.nodeid: item.case for item in items if isinstance(item, CaseItem)})

    def open_distributed(self, ids: Iterable[str], folder: str) -> None:
        """Probe boxes and open the run when the first xdist worker has collected."""
        self.start()
        if self.controller is None or self.controller.is_prepared:
            return
        require_judging_room(self.config, judge_count(self.config))
        snapshot = Snapshot(Path(folder))
        self.config.stash[SHARD] = snapshot.get(PUBLISHED) or ""
        known = {case.nodeid: case for suite in snapshot.suites() for case in suite.cases}
        wanted = set(ids)
        lines = self.controller.prepare({nodeid: case for nodeid, case in known.items() if nodeid in wanted})
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            for line in lines:
                reporter.write_line(line)
        opened = self.controller.open(is_alone=wanted == self.controller.cases.keys())
        judged = [case for nodeid, case in self.controller.cases.items() if nodeid not in opened.reused]
        self._shared = share_processes(judged, self.registry.lanes, snapshot.folder)
        inputs = self._judge_ahead(opened, ids, processes=judge_count(self.config))
        if isinstance(self._judging, JudgingAhead):
            try:
                self._judging.listen(snapshot.folder)
            except (OSError, InfraError):  # such as a path that is too long for a socket: the items judge their cases
                self._judging.close()
                self._judging, inputs = None, replace(inputs, ahead=frozenset())
        inputs.publish(snapshot)

    def _judge_ahead(self, inputs: RunInputs, order: Iterable[str], *, processes: int) -> RunInputs:
        """Prepare judge processes for the cases of this run that are judged and not reused."""
        if self.controller is None:
            return inputs
        cases = self.controller.cases
        wanted = {nodeid: cases[nodeid] for nodeid in order if nodeid in cases and nodeid not in inputs.reused}
        option = self.config.option
        found = cases_for_judges(wanted, self.registry.lanes, is_cluster=option.crucible_cluster is not None)
        if not found:
            return inputs
        context = Context(
            secret_seed=self.settings.secret_seed, scratch=scratch_folder(), tier=inputs.tier, protect=inputs.protect
        )
        self._judging = judging_ahead(
            found, self.registry.lanes, settings=self.settings, context=context, processes=processes, option=option
        )
        if not self.timed() and all(nodeid in cases for nodeid in order):  # nothing here measures wall time
            self._judging.begin()
        return replace(inputs, ahead=frozenset(found))

    def _settle(self, drawn_seed: int | None) -> Settings:
        option = self.config.option
        command = {name: getattr(option, f"crucible_{name}") for name in OPTIONS}
        command["gates"] = tuple(option.crucible_gate) if option.crucible_gate else None
        root, folder = self.config.rootpath, self.config.invocation_params.dir
        return settle(root, command=command, invocation_dir=folder, drawn_seed=drawn_seed)

    # Judging

    @property
    def inputs(self) -> RunInputs:
        """The inputs of the open run: on a worker, as the controller published them."""
        if self._inputs is None:
            snapshot = self.state.snapshot
            self._inputs = RunInputs() if snapshot is None else RunInputs.read(snapshot)
        return self._inputs

    @property
    def context(self) -> Context:
        """This process's resources, made at first use."""
        if self._context is None:
            snapshot = self.state.snapshot  # None unless this is a worker
            self._context = Context(
                secret_seed=self.settings.secret_seed,
                scratch=scratch_folder(),
                tier=self.inputs.tier,
                timer=self.bridge.stopwatch,
                protect=self.inputs.protect,
                opponents=self.inputs.opponents,
                shared=None if snapshot is None else snapshot.folder,
            )
        return self._context

    def judge(self, case: Case) -> SerialisedEvaluation:
        """Judge one case of this run, or score the evidence of an earlier run."""
        lane = self.registry.lanes[case.lane]
        evidence = self.inputs.evidence_for(case.nodeid)
        if evidence is not None:
            score = lane.score(evidence, case.policy)
            return SerialisedEvaluation.of(Evaluation(case=case, evidence=evidence, score=score))
        if (judging := self._judging_for(case.nodeid)) is not None:
            return SerialisedEvaluation.parse(judging.take(case.nodeid))
        # While one process measures, no other process on this machine judges. Ordinary tests take no lock: a test may
        # start its own pytest, which would then wait for its parent.
        lock = machine_lock()
        with lock.exclusive() if case.timed else lock.shared():
            return judge_case(case, lane, self.context)

    def rerun(self, nodeid: str, **changed: Any) -> str:
        """The command that repeats a case under changed settings: a reused verdict on the inputs it was made on."""
        if nodeid in self.inputs.seeds:
            changed = {"secret_seed": self.inputs.seeds[nodeid], **changed}
        config = self.config
        return rerun.typed(
            nodeid, settings=self.settings, root=config.rootpath, folder=config.invocation_params.dir, **changed
        )

    def _judging_for(self, nodeid: str) -> JudgingAhead | JudgingClient | None:
        """What judges a case ahead; None if its item judges it."""
        if nodeid not in self.inputs.ahead:
            return None
        if self._judging is None and self.state.snapshot is not None:
            try:
                self._judging = JudgingClient(self.state.snapshot.folder)
            except OSError:  # a worker on another machine
                self._inputs = replace(self.inputs, ahead=frozenset())
        return self._judging

    def timed(self) -> set[str]:
        """The node ids of the selected cases that measure wall time, once those are known."""
        cases = {} if self.controller is None else self.controller.cases
        return {nodeid for nodeid, case in cases.items() if case.timed}

    def evaluate(self, path_or_case: Any, **options: Any) -> Evaluation:
        """`harness.evaluate` with this session's lanes, epoch, attempts, temperature and seed as defaults."""
        given = self.settings
        defaults = {
            "epoch": None if isinstance(path_or_case, Case) else given.epoch,
            "attempts": given.attempts,
            "anneal_temp": self.config.option.crucible_anneal_temp,  # a file's project, or a case, may have its own
            "secret_seed": given.secret_seed,
            "min_tier": given.min_tier,
        }
        return evaluate(path_or_case, registry=self.registry, **{**defaults, **options})

    def restore_gc(self) -> None:
        """Restore the settings of garbage collection."""
        gc.set_threshold(*self._thresholds)
        if self._frozen:
            gc.unfreeze()

    def close(self) -> None:
        """Stop boxes and close the ledger."""
        if self.termination is not None:
            self.termination.release()
        for held in (self._judging, self._context, *self._shared, self.controller):
            if held is not None:
                held.close()
        self._judging = self._context = None
        self._shared = ()

    # Selection

    def select(self, items: list[pytest.Item]) -> None:
        """Apply `--limit` and `--shard`."""
        select_items(items, self.config, self.settings, self.state.snapshot)

    # pytest hooks

    def pytest_keyboard_interrupt(self) -> None:
        """End the judge processes at once: workers that wait for an evaluation would hold up the end of the run."""
        if isinstance(self._judging, JudgingAhead):
            self._judging.close()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count wrong suites: if nothing else failed to collect, the other suites still run."""
        if report.failed and report.nodeid.endswith(SUFFIX):
            self._wrong_suites += 1
            if self.controller is not None:
                first, _, rest = str(report.longrepr).strip().partition("\n")
                said = f"{first} {rest.partition(chr(10))[0]}" if first.endswith(":") else first
                self.controller.outcome.wrong_suites[report.nodeid] = said

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Run the valid suites although others are wrong; pytest would otherwise interrupt the run."""
        if session.testsfailed == self._wrong_suites:
            session.config.option.continue_on_collection_errors = True
        if session.shouldfail:  # -x: pytest itself checks only after the next item
            raise session.Failed(session.shouldfail)
        stopped = session.testsfailed and not session.config.option.continue_on_collection_errors
        distributed = self.config.pluginmanager.hasplugin("dsession")
        alone = all(isinstance(item, CaseItem) for item in session.items)
        if self.controller is not None and not (distributed or stopped or session.config.option.collectonly):
            if not self.controller.is_prepared:  # without a terminal, pytest_report_collectionfinish is not called
                self.open_serial(session.items)
            order = [item.nodeid for item in session.items]
            self._inputs = self._judge_ahead(self.controller.open(is_alone=alone), order, processes=1)
        if alone:
            self.state.hooks = BareHooks(self.config)
        # The objects of collection exist until the end of the run: garbage collection need not visit them.
        self._frozen = not gc.get_freeze_count()
        if self._frozen:
            gc.freeze()
        result = yield
        if self._frozen and alone:
            gc.freeze()  # pytest collects garbage five times, for objects that ordinary tests may have left
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the evaluation on the report as JSON: reports are all that xdist transfers from a worker."""
        report = yield
        if call.when == "call" and isinstance(item, CaseItem):
            judged = self.state.fresh.get(item.nodeid)
            if judged is not None:
                # A string, not a tree: pytest keeps all reports, and ten thousand trees slow down every garbage
                # collection and every message of a worker.
                report.crucible = judged.text  # type: ignore[attr-defined]
                if report.skipped:
                    report.longrepr = (str(item.path), item.case.line or 1, f"Skipped: {call.excinfo.value}")  # type: ignore[union-attr]
                if self.is_worker:
                    del self.state.fresh[item.nodeid]
        return report
