"""RunSession: one process's part in a run, from the first suite it meets: it collects, proves the box and judges."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.core.case import Case
from harness.core.errors import InfraError, LedgerError, TierError, UsageError
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.opponent import Opponent
from harness.core.tier import Tier
from harness.judge.case import evaluate_case
from harness.judge.evaluate import evaluate
from harness.judge.folders import scratch_folder
from harness.judge.isolation import folders_of, prove_tier, secrets_of
from harness.lane import hard_timeout
from harness.lane.context import Context
from harness.lane.registry import Registry
from harness.report import rerun
from harness.session.collection import SHARE, BareHooks, CaseItem, Share
from harness.session.selection import kept
from harness.session.snapshot import Collected, Snapshot
from harness.session.termination import Termination
from harness.session.untrusted import SUFFIX, Seal
from harness.suites.settings import Settings, settle
from harness.timing.bridge import Bridge
from harness.timing.lock import machine_lock

if TYPE_CHECKING:
    from harness.session.recording import Recording

RARELY = 20_000  # allocations between two collections of the youngest objects
COMMAND = tuple("epoch attempts anneal_temp secret_seed ledger report min_tier shard limit top fresh confirm".split())


class RunSession:
    """A pytest plugin registered when a process meets its first suite.

    Attributes:
        problem: Why nothing can run (a wrong `[tool.crucible]`); empty when all is well.
        registry: The lanes of this process.
        share: What collection and items need of it.
        recording: The ledger's side; on the controller only.
        repeat: The command that repeats the case of a node id, with options changed by name.
        protect: What boxes must not see.
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
        self.seal = seal
        self.problem = ""
        self.is_worker = hasattr(config, "workerinput")
        self.registry = registry
        self._context: Context | None = None
        self.protect: tuple[Path, ...] = ()
        self._recalled: Mapping[str, Evidence | dict[str, Any]] = {}
        self._rivals: dict[str, tuple[Opponent, ...]] = {}
        self._wrong_suites = 0
        self._frozen = False
        snapshot = Snapshot(Path(folder)) if folder else None
        try:
            settings = self._settle(drawn_seed)
        except UsageError as error:
            self.problem = str(error)
            settings = Settings(secret_seed=0, ledger=Path(), report=Path())
            if snapshot is not None and self.is_worker:
                # The controller refuses the run; it looks only if some suite was met.
                snapshot.put("suite-problem", Collected("", error=self.problem).to_wire())
        self.settings = settings
        self.repeat = partial(rerun.typed, settings=settings, root=config.rootpath, folder=config.invocation_params.dir)
        self.share = config.stash[SHARE] = Share(settings, self.registry, self.judge, self.repeat, snapshot)
        self.recording: Recording | None = None
        if not self.is_worker:
            from harness.session.confirmation import Confirmation
            from harness.session.recording import Recording

            self.recording = Recording(config, settings, self.registry, self.share.fresh)
            config.pluginmanager.register(self.recording, "crucible-recording")
            # Registered after it, so that its end of the session comes first.
            config.pluginmanager.register(Confirmation(self), "crucible-confirmation")
        self.bridge = Bridge(
            config,
            is_timed=lambda item: isinstance(item, CaseItem) and item.case.timed,
            timed=self.timed,
            is_worker=self.is_worker,
        )
        config.pluginmanager.register(self.bridge, "crucible-timing")
        # Thousands of cases, reports and records live until the end; looking for garbage among them again and again
        # took a quarter of the time.
        self.termination = None if self.is_worker else Termination()
        hard_timeout.prepare(config, folder)
        self._thresholds = gc.get_threshold()
        if 0 < self._thresholds[0] < RARELY:
            gc.set_threshold(RARELY, *self._thresholds[1:])
        config.pluginmanager.register(self, "crucible-session")

    # Opening the run, on the controller

    def start(self) -> None:
        """Check now what the command line asks for, before anything is collected.

        Raises:
            pytest.UsageError: if it is wrong.
        """
        if self.problem:
            raise pytest.UsageError(self.problem)

    def open_serial(self, items: Sequence[pytest.Item]) -> list[str]:
        """Probe boxes once collection is over; lines to show."""
        self.start()
        cases = {item.nodeid: item.case for item in items if isinstance(item, CaseItem)}
        if self.config.option.collectonly:
            return self._sealed()
        return self._open(cases)

    def open_distributed(self, ids: Iterable[str], folder: str) -> None:
        """The same for the controller of xdist workers, when the first of them has collected."""
        self.start()
        if self.recording is None or self.recording.opened:
            return
        self.share.snapshot = Snapshot(Path(folder))
        hard_timeout.meet_in(Path(folder))
        wanted = set(ids)
        known = {case.nodeid: case for suite in self.share.snapshot.suites() for case in suite.cases}
        lines = self._open({nodeid: case for nodeid, case in known.items() if nodeid in wanted})
        self.share.snapshot.put("tier", self.share.tier)
        self.share.snapshot.put("protect", [str(folder) for folder in self.protect])
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            for line in lines:
                reporter.write_line(line)
        self._begin()

    def _open(self, cases: dict[str, Case]) -> list[str]:
        if self.recording is None:
            return []
        self.recording.opened = True
        self.recording.cases = cases
        lines = self._sealed()
        names = {case.lane for case in cases.values()}
        boxed = [lane for name in self.registry.lanes if name in names and (lane := self.registry.lanes[name]).boxed]
        if boxed:
            try:
                secrets = secrets_of(cases.values(), root=self.config.rootpath, ledger=self.settings.ledger)
                self.protect = folders_of([self.config.rootpath, *secrets])
                probe = prove_tier(boxed, self.settings, secrets, protect=self.protect)
            except (InfraError, TierError) as error:
                raise pytest.UsageError(str(error)) from None
            self.share.tier = self.recording.tier = probe.tier
            self.recording.sandbox_line = probe.line()
            lines.append(probe.line())
            lines += [
                f"lane {lane.name} accepts tier {lane.min_tier}, its own default"
                for lane in boxed
                if lane.min_tier and self.settings.min_tier is None and not lane.min_tier.at_least(Tier.C)
            ]
        return lines

    def _begin(self) -> None:
        if self.recording is not None and self.recording.cases:
            try:
                self.recording.begin()
                self._recalled = recalled = self.recording.recall()
                self._rivals = self.recording.rivals()
            except (LedgerError, UsageError) as error:
                raise pytest.UsageError(str(error)) from None
            if self.share.snapshot is not None:
                self.share.snapshot.put("recalled", {nodeid: one.to_wire() for nodeid, one in recalled.items()})
                rivals = {nodeid: [one.to_wire() for one in found] for nodeid, found in self._rivals.items()}
                self.share.snapshot.put("rivals", rivals)

    def _sealed(self) -> list[str]:
        if self.seal is None:
            return []
        root = self.config.rootpath
        folders = [_shown(Path(folder), root) for folder in self.seal.folders()]
        lines = [f"untrusted, never imported: {', '.join(folders)}"] if folders else []
        return lines + [
            f"not collected: {_shown(Path(suite), root)} lies among the untrusted files of {_shown(Path(by), root)}"
            for suite, by in dict.fromkeys(self.seal.dropped)
        ]

    def _settle(self, drawn_seed: int | None) -> Settings:
        option = self.config.option
        command = {name: getattr(option, f"crucible_{name}") for name in COMMAND}
        command["gates"] = tuple(option.crucible_gate) if option.crucible_gate else None
        return settle(
            self.config.rootpath,
            command=command,
            invocation_dir=self.config.invocation_params.dir,
            drawn_seed=drawn_seed,
        )

    # Judging

    @property
    def context(self) -> Context:
        """This process's resources, made at first use."""
        if self._context is None:
            tier = self.share.tier
            if self.is_worker and self.share.snapshot is not None:
                proved = self.share.snapshot.get("tier")
                tier = self.share.tier = None if proved is None else Tier(proved)
                self.protect = tuple(Path(folder) for folder in self.share.snapshot.get("protect") or ())
                self._recalled = self.share.snapshot.get("recalled") or {}
                rivals = self.share.snapshot.get("rivals") or {}
                self._rivals = {nodeid: tuple(map(Opponent.from_wire, found)) for nodeid, found in rivals.items()}
            self._context = Context(
                secret_seed=self.settings.secret_seed,
                scratch=scratch_folder(),
                tier=tier,
                timer=self.bridge.stopwatch,
                protect=self.protect,
                rivals=self._rivals,
            )
        return self._context

    def judge(self, case: Case) -> Evaluation:
        """Judge one case of this run, or score again what was observed in an earlier one."""
        context, lane = self.context, self.registry.lanes[case.lane]
        recalled = self._recalled.get(case.nodeid)
        if recalled is not None:
            evidence = recalled if isinstance(recalled, Evidence) else Evidence.from_wire(recalled)
            return Evaluation(case=case, evidence=evidence, score=lane.score(evidence, case.policy))
        # Nobody on this machine works while somebody measures. Ordinary tests take no part: one of them may well start
        # a pytest of its own, which would then wait for its parent.
        lock = machine_lock()
        with lock.exclusive() if case.timed else lock.shared():
            return evaluate_case(case, lane, context)

    def timed(self) -> set[str]:
        """The node ids of the selected cases that measure wall time, once those are known."""
        cases = {} if self.recording is None else self.recording.cases
        return {nodeid for nodeid, case in cases.items() if case.timed}

    def evaluate(self, path_or_case: Any, **options: Any) -> Evaluation:
        """`harness.evaluate` with this session's lanes, epoch, attempts, temperature and seed unless told otherwise."""
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
        """Give garbage collection back as it was."""
        gc.set_threshold(*self._thresholds)
        if self._frozen:
            gc.unfreeze()

    def close(self) -> None:
        """Stop boxes; nothing outlives the run."""
        hard_timeout.forget()
        if self.termination is not None:
            self.termination.release()
        if self._context is not None:
            self._context.close()
            self._context = None
        if self.recording is not None:
            self.recording.close()

    # Selection

    def select(self, items: list[pytest.Item]) -> None:
        """Keep the first `--limit` cases of each suite, and of those the part that `--shard` names."""
        found = kept(items, self.settings)
        if len(found) < len(items):
            chosen = set(map(id, found))
            self.config.hook.pytest_deselected(items=[item for item in items if id(item) not in chosen])
            items[:] = found

    # pytest hooks

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count suites that are wrong: they alone do not stop the others."""
        if report.failed and report.nodeid.endswith(SUFFIX):
            self._wrong_suites += 1
            if self.recording is not None:
                self.recording.wrong_suites.append(report.nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Let good suites run beside wrong ones, which pytest would otherwise call an interrupted collection."""
        if session.testsfailed == self._wrong_suites:
            session.config.option.continue_on_collection_errors = True
        if session.shouldfail:  # -x: pytest itself looks only after the next item
            raise session.Failed(session.shouldfail)
        stopped = session.testsfailed and not session.config.option.continue_on_collection_errors
        if not (
            self.is_worker
            or self.config.pluginmanager.hasplugin("dsession")
            or stopped
            or session.config.option.collectonly
        ):
            if self.recording is not None and not self.recording.opened:  # without a terminal nobody asked
                self.open_serial(session.items)
            self._begin()
        alone = all(isinstance(item, CaseItem) for item in session.items)
        if alone:
            self.share.hooks = BareHooks(self.config)
        # What collection made lives until the end of the run: no need to look for garbage in it.
        self._frozen = not gc.get_freeze_count()
        if self._frozen:
            gc.freeze()
        result = yield
        if self._frozen and alone:
            gc.freeze()  # pytest looks five times for garbage that ordinary tests may have left
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the evaluation on the report as plain JSON: the only thing that crosses from a worker."""
        report = yield
        if call.when == "call" and isinstance(item, CaseItem):
            evaluation = self.share.fresh.get(item.nodeid)
            if evaluation is not None:
                # Text, not a tree: pytest keeps all reports, and ten thousand trees slow every garbage collection
                # and every message of a worker down.
                report.crucible = evaluation.model_dump_json()  # type: ignore[attr-defined]
                if report.skipped:
                    report.longrepr = (str(item.path), item.case.line or 1, f"Skipped: {call.excinfo.value}")  # type: ignore[union-attr]
                if self.is_worker:
                    del self.share.fresh[item.nodeid]
        return report


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
