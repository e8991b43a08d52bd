"""pytest-benchmark, driven from our own items: the only module that knows its insides.

`BenchmarkFixture`, `Metadata`, `config._benchmarksession` and its options are no documented interface, so the range of
versions is checked and both ends of it are tested. Without the plugin a loop of our own measures the same.
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

OLDEST, TOO_NEW = (5, 2), (6,)
MAX_SAMPLES = 2000
"""Samples of one record that are kept; a million floats on a report would cost seconds."""
LEAST = 1e-9  # seconds; the table of pytest-benchmark divides by what it shows

Setup = Callable[[], tuple[tuple[Any, ...], dict[str, Any]]]


class Instrument(Protocol):
    """Something that times calls.

    Attributes:
        seconds: How long one measurement should take.
        least: Rounds below which there is no measurement.
        thorough: Whether more than `least` rounds are wanted.
        recording: Whether records are wanted.
    """

    seconds: float
    least: int
    thorough: bool
    recording: bool

    def run(self, target: Callable[..., Any], setup: Setup, rounds: int, *, name: str) -> list[float]:
        """Seconds of each of `rounds` calls, each on what `setup` returned just before, untimed."""
        ...


class Loop:
    """The built-in instrument: for runs without pytest-benchmark, or with benchmarks disabled."""

    def __init__(self, *, thorough: bool = True) -> None:
        self.seconds, self.least, self.thorough, self.recording = 1.0, 5 if thorough else 3, thorough, False

    def run(self, target: Callable[..., Any], setup: Setup, rounds: int, *, name: str) -> list[float]:
        """See `Instrument`."""
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
    """A `BenchmarkFixture` for each measurement.

    It works in xdist workers, too, where the plugin disables itself: the reason, other items at work, is gone.

    Args:
        config: Of a pytest run in which the plugin is active.
    """

    def __init__(self, config: Any) -> None:
        self._session = config._benchmarksession
        options = self._session.options
        self.seconds, self.least = float(options["max_time"]), int(options["min_rounds"])
        self.thorough = self.recording = True

    def run(self, target: Callable[..., Any], setup: Setup, rounds: int, *, name: str) -> list[float]:
        """See `Instrument`."""
        from pytest_benchmark.fixture import BenchmarkFixture
        from pytest_benchmark.utils import NameWrapper

        options = {**self._session.options, "disable_gc": True, "cprofile": False}
        options["timer"] = NameWrapper(time.perf_counter)  # a score is about wall time, whatever --benchmark-timer says
        fixture = BenchmarkFixture(
            SimpleNamespace(name=name, nodeid=name, _nodeid=name),
            add_stats=lambda stats: None,  # a worker's session would write files of its own
            logger=self._session.logger,
            warner=lambda *_args, **_kwargs: None,
            disabled=False,
            **options,
        )
        fixture.pedantic(target, setup=setup, rounds=rounds)
        return list(fixture.stats.stats.data)


def instrument(config: Any) -> Instrument:
    """What measures in this run.

    Args:
        config: pytest's, or None outside of pytest.

    Raises:
        UsageError: if the installed pytest-benchmark is one whose insides nobody has looked at.
    """
    session = getattr(config, "_benchmarksession", None)
    if session is None:
        return Loop()
    check_version(version("pytest-benchmark"))
    option = config.option
    # `session.disabled` is also true under xdist; what counts is what the user asked for.
    unwanted = (option.benchmark_disable and not option.benchmark_enable) or session.skip
    return Loop(thorough=False) if unwanted else PytestBenchmark(config)


def check_version(found: str) -> None:
    """Refuse what was never tried.

    Raises:
        UsageError: naming the range.
    """
    parts = tuple(int(part) for part in re.findall(r"\d+", found)[:2])
    if not OLDEST <= parts < TOO_NEW:
        raise UsageError(
            f"pytest-benchmark {found} was never tried with this version",
            fix="pip install 'pytest-benchmark>=5.2,<6', or go without it: -p no:benchmark",
        )


class Record(Frozen):
    """One line of pytest-benchmark's table, on its way from where it was measured to where it is shown."""

    name: str
    fullname: str
    """The node id; by it runs are compared."""
    group: str | None = None
    param: str | None = None
    params: dict[str, str] | None = None
    extra_info: dict[str, Any] = {}
    samples: tuple[float, ...]
    """Seconds of each round."""
    rounds: int
    """Rounds that were measured; there may be fewer samples."""

    @classmethod
    def of(cls, samples: Sequence[float], **about: Any) -> Record:
        """A record of at most `MAX_SAMPLES` samples, none of them zero or less."""
        kept = thin([max(LEAST, one) for one in samples])
        return cls(samples=tuple(kept), rounds=len(samples), **about)


def thin(samples: Sequence[float], most: int = MAX_SAMPLES) -> list[float]:
    """At most so many samples with the same quantiles, the least and the greatest among them."""
    if len(samples) <= most:
        return list(samples)
    ordered, last = sorted(samples), len(samples) - 1
    return [ordered[round(index * last / (most - 1))] for index in range(most)]


def show(config: Any, record: Record) -> None:
    """Hand a record to the plugin of this process, which prints, stores and compares it when the run ends."""
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
