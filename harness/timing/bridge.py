"""Bridge: connects our items to pytest-benchmark: its options select them, its table shows them, regressions fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Generator

import pytest

from harness.core.errors import UsageError
from harness.timing.benchmark import Record, instrument, show
from harness.timing.stopwatch import Stopwatch

ATTRIBUTE = "crucible_timings"


class Bridge:
    """A pytest plugin, registered in each process that collects a suite.

    Args:
        config: pytest's.
        is_timed: Whether an item is one of ours that measures wall time.
        timed: Returns the node ids of all timed items; called on a controller after the first worker has collected.
        is_worker: Whether this process is an xdist worker.
    """

    def __init__(
        self,
        config: pytest.Config,
        *,
        is_timed: Callable[[pytest.Item], bool],
        timed: Callable[[], Collection[str]],
        is_worker: bool,
    ) -> None:
        self._config, self._is_timed, self._timed, self._is_worker = config, is_timed, timed, is_worker
        self._shown = 0
        self._wrong = ""
        try:
            self.stopwatch = Stopwatch(instrument(config))
        except UsageError as error:
            self.stopwatch, self._wrong = Stopwatch(), str(error)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, None, None]:
        """Make `--benchmark-only` and `--benchmark-skip` treat a timed item as a user of the `benchmark` fixture."""
        session = getattr(self._config, "_benchmarksession", None)
        if session is not None:
            for item in items:
                if self._is_timed(item):
                    item.fixturenames = ("benchmark",)  # type: ignore[attr-defined]
            others = any("benchmark" in getattr(item, "fixturenames", ()) for item in items if not self._is_timed(item))
            if self._wrong and not self._is_worker and any(self._is_timed(item) for item in items):
                raise pytest.UsageError(self._wrong)
            if not others:  # the warning that benchmarks are disabled under xdist does not apply to our items
                session.xdist_warning = False
        return (yield)

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Refuse an unsupported version of pytest-benchmark, once, on the controller."""
        if self._wrong and self._timed():
            raise pytest.UsageError(self._wrong)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the records to the report as JSON text, which a worker can send."""
        report = yield
        if call.when == "call":
            records = self.stopwatch.take_records()
            if records and self._is_timed(item):
                setattr(report, ATTRIBUTE, json.dumps([record.to_wire() for record in records]))
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """On the controller, or without xdist: pass the records to pytest-benchmark."""
        text = getattr(report, ATTRIBUTE, None)
        if text is None or self._is_worker:
            return
        for wire in json.loads(text):
            show(self._config, Record.from_wire(wire))
            self._shown += 1
        delattr(report, ATTRIBUTE)  # pytest keeps every report until the run ends

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Report a regression found by `--benchmark-compare-fail` as exit status 1 and a message, not a traceback."""
        benchmarks = getattr(self._config, "_benchmarksession", None)
        if benchmarks is None or not self._shown or not benchmarks.performance_regressions:
            return
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        lines = "\n".join(f"\t{name} - {why}" for name, why in benchmarks.performance_regressions)
        benchmarks.check_regressions = lambda: benchmarks.logger.error(f"Performance has regressed:\n{lines}")


class OnlyBenchmarks:
    """Allows `--benchmark-only` under xdist, which pytest-benchmark refuses because it disables itself there.

    Our items can be measured under xdist. The option is hidden while pytest-benchmark configures itself and takes
    effect afterwards; a run without suites is still refused, after collection.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        config.option.benchmark_only = False

    @classmethod
    def wanted(cls, config: pytest.Config) -> bool:
        """Whether pytest-benchmark would refuse the options of this process."""
        option = config.option
        distributed = hasattr(config, "workerinput") or getattr(option, "dist", "no") != "no"
        asked = getattr(option, "benchmark_only", False)
        return bool(asked and distributed and (option.benchmark_enable or not option.benchmark_disable))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Restore the option before workers start, since they inherit it."""
        self._config.option.benchmark_only = True
        session = getattr(self._config, "_benchmarksession", None)
        if session is not None:
            session.only = True

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Refuse the option on the controller if no suite was collected."""
        if not self._config.pluginmanager.hasplugin("crucible-session"):
            raise pytest.UsageError(
                "Can't have both --benchmark-only and --benchmark-disable options. Note that --benchmark-disable is "
                "automatically activated if xdist is on, except for Crucible's suites, and none was collected."
            )
