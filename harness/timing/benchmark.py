"""Instruments that time calls: pytest-benchmark, driven from our own items, or a built-in loop.

This is the only module that uses pytest-benchmark's internals. `BenchmarkFixture`, `Metadata`,
`config._benchmarksession` and its options are undocumented, so the version range is checked and both ends are tested.
"""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any, Protocol

from harness.core.errors import UsageError
from harness.core.frozen import Frozen

MIN_VERSION, NEXT_MAJOR_VERSION = (5, 2), (6,)
MAX_SAMPLES = 2000  # samples that a record keeps; serialising a million floats on a report would take seconds
MIN_SECONDS = 1e-9  # the table of pytest-benchmark divides by the times it shows

Setup = Callable[[], tuple[tuple[Any, ...], dict[str, Any]]]


class Instrument(Protocol):
    """Times calls.

    Attributes:
        seconds: Target duration of one measurement, in seconds.
        min_rounds: Minimum number of rounds of one measurement.
        thorough: Whether to make more than `min_rounds` rounds.
        recording: Whether the instrument wants records.
    """

    seconds: float
    min_rounds: int
    thorough: bool
    recording: bool

    def run(self, target: Callable[..., Any], setup: Setup, rounds: int, *, name: str) -> list[float]:
        """Time `rounds` calls in seconds; before each, `setup` returns its arguments and is not timed."""


class Loop:
    """The built-in instrument: for runs without pytest-benchmark, or with benchmarks disabled."""

    def __init__(self, *, thorough: bool = True) -> None:
        self.seconds, self.min_rounds, self.thorough, self.recording = 1.0, 5 if thorough else 3, thorough, False

    def run(self, target: Callable[..., Any], setup: Setup, rounds: int, *, name: str) -> list[float]:
        """Time calls with `time.perf_counter` while garbage collection is off."""
        samples: list[float] = []
        clock = time.perf_counter
        enabled = gc.isenabled()
        gc.disable()
        try:
            for _ in range(rounds):
                args, kwargs = setup()
                begun = clock()
                target(*args, **kwargs)
                samples.append(clock() - begun)
        finally:
            if enabled:
                gc.enable()
        return samples


class PytestBenchmark:
    """Measures with one `BenchmarkFixture` of pytest-benchmark per measurement.

    It also works in xdist workers, where the plugin disables itself because other items run at the same time: timed
    items run alone here.

    Args:
        config: pytest's, from a run with an active plugin.
    """

    def __init__(self, config: Any) -> None:
        self._session = config._benchmarksession
        options = self._session.options
        self.seconds, self.min_rounds = float(options["max_time"]), int(options["min_rounds"])
        self.thorough = self.recording = True

    def run(self, target: Callable[..., Any], setup: Setup, rounds: int, *, name: str) -> list[float]:
        """Time calls with `time.perf_counter` while garbage collection is off."""
        from pytest_benchmark.fixture import BenchmarkFixture
        from pytest_benchmark.utils import NameWrapper

        options = {**self._session.options, "disable_gc": True, "cprofile": False}
        options["timer"] = NameWrapper(time.perf_counter)  # scores use wall time and ignore --benchmark-timer
        fixture = BenchmarkFixture(
            SimpleNamespace(name=name, nodeid=name, _nodeid=name),
            add_stats=lambda stats: None,  # otherwise a worker's session writes its own files
            logger=self._session.logger,
            warner=lambda *_args, **_kwargs: None,
            disabled=False,
            **options,
        )
        fixture.pedantic(target, setup=setup, rounds=rounds)
        return list(fixture.stats.stats.data)


def instrument(config: Any) -> Instrument:
    """The instrument of this run.

    Args:
        config: pytest's, or None outside of pytest.

    Raises:
        UsageError: if the installed version of pytest-benchmark is not supported.
    """
    session = getattr(config, "_benchmarksession", None)
    if session is None:
        return Loop()
    check_version(version("pytest-benchmark"))
    option = config.option
    # `session.disabled` is also true under xdist; only the user's options count.
    unwanted = (option.benchmark_disable and not option.benchmark_enable) or session.skip
    return Loop(thorough=False) if unwanted else PytestBenchmark(config)


def check_version(found: str) -> None:
    """Refuse versions of pytest-benchmark outside the tested range.

    Raises:
        UsageError: names the supported range.
    """
    parts = tuple(int(part) for part in re.findall(r"\d+", found)[:2])
    if not MIN_VERSION <= parts < NEXT_MAJOR_VERSION:
        fix = "pip install 'pytest-benchmark>=5.2,<6', or disable it: -p no:benchmark"
        raise UsageError(f"pytest-benchmark {found} is not supported", fix=fix)


class Record(Frozen):
    """One row of pytest-benchmark's table, sent from the process that measured to the one that shows it."""

    name: str
    fullname: str
    """The node id, the key by which pytest-benchmark compares runs."""
    group: str | None = None
    param: str | None = None
    params: dict[str, str] | None = None
    extra_info: dict[str, Any] = {}
    samples: tuple[float, ...]
    """Duration of each round in seconds."""
    rounds: int
    """Number of measured rounds; `samples` may hold fewer."""

    @classmethod
    def of(cls, samples: Sequence[float], **about: Any) -> Record:
        """Build a record of at most `MAX_SAMPLES` samples, each at least `MIN_SECONDS`."""
        kept = thin([max(MIN_SECONDS, one) for one in samples])
        return cls(samples=tuple(kept), rounds=len(samples), **about)


def thin(samples: Sequence[float], max_samples: int = MAX_SAMPLES) -> list[float]:
    """Select at most `max_samples` evenly spaced quantiles of the samples, including minimum and maximum."""
    if len(samples) <= max_samples:
        return list(samples)
    ordered, last = sorted(samples), len(samples) - 1
    return [ordered[round(index * last / (max_samples - 1))] for index in range(max_samples)]


def show(config: Any, record: Record) -> None:
    """Pass a record to pytest-benchmark in this process, which prints, stores and compares it when the run ends."""
    from pytest_benchmark.stats import Metadata

    session = getattr(config, "_benchmarksession", None)
    if session is None:
        return
    fixture = SimpleNamespace(
        name=record.name,
        fullname=record.fullname,
        group=record.group,
        param=record.param,
        params=record.params,
        extra_info={**record.extra_info, "rounds_measured": record.rounds},
        cprofile_stats=None,
        has_error=False,
    )
    options = {
        "disable_gc": True,
        "timer": "perf_counter",
        "min_rounds": session.options["min_rounds"],
        "max_time": float(session.options["max_time"]),
        "min_time": float(session.options["min_time"]),
        "warmup": False,
    }
    metadata = Metadata(fixture, iterations=1, options=options)
    metadata.stats.data.extend(record.samples)
    session.benchmarks.append(metadata)
