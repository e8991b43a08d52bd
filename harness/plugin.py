"""The pytest plugin: options, and hooks that do nothing until a suite is collected. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import harness.bytecode  # noqa: F401 - first: the modules below are then imported without pytest's rewriting
from harness.core.number import amount, part, whole
from harness.session.untrusted import SEAL, SUFFIX, Seal, SealedFolder, guard_conftests

if TYPE_CHECKING:
    from harness.core.evaluation import Evaluation
    from harness.core.owned_folder import OwnedFolder
    from harness.hooks import Registry
    from harness.session.run_session import RunSession

REGISTRY: pytest.StashKey[Registry] = pytest.StashKey()
SESSION: pytest.StashKey[RunSession] = pytest.StashKey()
MARKERS = {
    "toolgen": "a machine-written tool judged by a Crucible suite",
    "spec": "a patch to a grammar of a binary format judged by a Crucible suite",
    "dsl": "a program of the step language judged by a Crucible suite",
    "kernel": "a GPU kernel judged by a Crucible suite",
    "timed": "measures wall time and runs alone",
    "gpu": "needs a GPU; skipped on a machine without one",
}
LANE_HOOKS = ("crucible_lanes", "crucible_evaluated", "crucible_columns", "crucible_gates")


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the group of options; an invalid value is a usage error before anything is collected."""
    # Before pytest 9 a name that another group has is an error only once all options are known.
    others = [getattr(parser, "_anonymous", None), *getattr(parser, "_groups", ())]
    taken = {name for other in others for option in getattr(other, "options", ()) for name in option.names()}
    group = parser.getgroup("crucible", "Crucible: judging machine-made artefacts (*.suite.yaml)")
    for name, settings in _OPTIONS.items():
        dest = "crucible_" + name[2:].replace("-", "_")
        try:
            if name in taken:
                raise ValueError(name)
            group.addoption(name, dest=dest, **settings)
        except (ValueError, argparse.ArgumentError):  # another plugin has the short name
            group.addoption(f"--crucible-{name[2:]}", dest=dest, **settings)
    get = pluginmanager.get_plugin
    guard_conftests(pluginmanager, lambda path: _covers(get("pytestconfig"), path, fault=pytest.UsageError))


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers for `--strict-markers`, and check `--gate`, which applies even if no suite is collected."""
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.add_cleanup(lambda: config.stash[SESSION].restore_gc() if SESSION in config.stash else None)
    if getattr(config.option, "benchmark_only", False):
        from harness.timing.bridge import OnlyBenchmarks

        if OnlyBenchmarks.wanted(config):
            config.pluginmanager.register(OnlyBenchmarks(config), "crucible-only-benchmarks")
    if config.option.crucible_gate and not _is_worker(config):
        _session(config).start()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse, with exit status 4, a run that is configured from among candidates."""
    _covers(session.config, session.config.rootpath, fault=pytest.UsageError)  # a fault of a suite, as wrong usage
    _seal(session.config).require_own_configuration()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the run started."""
    session = config.stash.get(SESSION, None)
    if session is not None:
        session.close()
    if _FOLDER in config.stash:
        config.stash[_FOLDER].remove()
    exec("")  # noqa: S102 - `python -m` ends by SIGINT, not with status 2, if the last text executed was interrupted


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """Add a plugin or conftest.py that has lanes to the lane registry."""
    if any(hasattr(plugin, name) for name in LANE_HOOKS):
        config = manager.get_plugin("pytestconfig")
        if config is not None and REGISTRY in config.stash:
            config.stash[REGISTRY].register(plugin)
        if config is not None and SEAL in config.stash:
            config.stash[SEAL].renew()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep Hypothesis' plugin from importing Hypothesis for its summary, in a run that has nothing to put there.

    Crucible depends on Hypothesis and so installs its plugin, which imports 0.2 s of modules at the end of every run.
    """
    manager = session.config.pluginmanager
    plugin, terminal = manager.get_plugin("hypothesispytest"), manager.get_plugin("terminalreporter")
    if plugin is None or terminal is None or "hypothesis" in sys.modules:
        return
    keys = {getattr(plugin, "STATS_KEY", None), getattr(plugin, "FAILING_EXAMPLES_KEY", None)}  # set by xdist workers
    if None not in keys and all(keys.isdisjoint(vars(report)) for found in terminal.stats.values() for report in found):
        manager.unregister(plugin)


# Collection


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore untrusted folders and files."""
    return True if _covers(config, collection_path) else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collect_directory(
    path: Path, parent: pytest.Collector
) -> Generator[None, pytest.Collector | None, pytest.Collector | None]:
    """An untrusted folder given as an argument collects nothing, and its conftest.py is not imported."""
    found = yield
    if _covers(parent.config, path):
        return SealedFolder.from_parent(parent, name=path.name, path=path)
    return found


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Collect suites; an untrusted file given as an argument is not collected."""
    found = yield
    if _covers(parent.config, file_path):
        return []
    if file_path.name.endswith(SUFFIX):
        from harness.session.collection import SuiteFile

        if not _session(parent.config).problem:
            return [*found, SuiteFile.from_parent(parent, path=file_path)]
    return found


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Report a suite that is a dangling link as an error."""
    report = yield
    if isinstance(collector, pytest.Directory) and report.passed and not isinstance(collector, SealedFolder):
        for path in _dangling(collector.path):
            from harness.session.collection import MissingSuite

            if not _session(collector.config).problem:
                report.result.append(MissingSuite.from_parent(collector, path=path))
    return report


def _dangling(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        links = [Path(entry.path) for entry in entries if entry.name.endswith(SUFFIX) and entry.is_symlink()]
        return sorted(path for path in links if not path.exists())
    return []


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Apply `--limit` and `--shard` to what -k and -m left."""
    if SESSION in config.stash:
        config.stash[SESSION].select(items)


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """Without xdist: probe the boxes and open the run, or refuse it with exit status 4."""
    session = config.stash.get(SESSION, None)
    return [] if session is None or _is_worker(config) else session.open_serial(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """Refuse a limit on memory that xdist's threads do not fit in."""
    from harness.session.controller_memory import require_xdist_room

    require_xdist_room(config, len(specs))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give every worker the run's snapshot folder and secret seed."""
    config: pytest.Config = node.config
    if _FOLDER not in config.stash:
        from harness.core.owned_folder import OwnedFolder

        config.stash[_FOLDER] = OwnedFolder("run")
    node.workerinput["crucible"] = {"folder": str(config.stash[_FOLDER].path), "seed": _drawn_seed(config)}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Before the first item is sent to a worker: probe the boxes and open the run, or refuse it with exit status 4."""
    folder = str(node.config.stash[_FOLDER].path)
    if any(entry.name.startswith("suite-") for entry in os.scandir(folder)):
        _session(node.config).open_distributed(ids, folder)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run timed items first, on one worker and alone, unless the user chose a distribution mode."""
    from harness.session.scheduler import exclusive_phase

    return exclusive_phase(config, log, lambda: config.stash[SESSION].timed() if SESSION in config.stash else ())


# The fixture


@pytest.fixture(scope="session")
def evaluate(pytestconfig: pytest.Config) -> Callable[..., Evaluation]:
    """`harness.evaluate` under this session's epoch, attempts, secret seed and lanes."""
    session = _session(pytestconfig)
    if session.problem:
        raise pytest.UsageError(session.problem)
    return session.evaluate


# Shared by the hooks

_FOLDER: pytest.StashKey[OwnedFolder] = pytest.StashKey()
_SEED = pytest.StashKey[int]()


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _covers(config: Any, path: str | os.PathLike[str], *, fault: Any = pytest.Collector.CollectError) -> bool:
    try:
        return config is not None and _seal(config).covers(path)
    except Exception as error:
        from harness.core.errors import UsageError  # not imported where there is no suite

        raise (fault(str(error)) if isinstance(error, UsageError) else error) from None


def _seal(config: pytest.Config) -> Seal:
    """The untrusted paths of this invocation, whether the session or a path asks first."""
    seal = config.stash.get(SEAL, None)
    if seal is None:
        seal = config.stash[SEAL] = Seal(config, lambda: _registry(config).lanes)
    return seal


def _registry(config: pytest.Config) -> Registry:
    """The lanes of all plugins and conftest.py files loaded so far; later ones are added when they register."""
    if REGISTRY not in config.stash:
        from harness import hooks

        registry = config.stash[REGISTRY] = hooks.Registry(built_in=hooks.BUILT_IN)
        for plugin in config.pluginmanager.get_plugins():
            if any(hasattr(plugin, name) for name in LANE_HOOKS):
                registry.register(plugin)
    return config.stash[REGISTRY]


def _drawn_seed(config: pytest.Config) -> int:
    if _SEED not in config.stash:
        given = getattr(config, "workerinput", {}).get("crucible", {}).get("seed")
        config.stash[_SEED] = int.from_bytes(os.urandom(8), "big") >> 1 if given is None else given
    return config.stash[_SEED]


def _session(config: pytest.Config) -> RunSession:
    """The session of this process, created when the first suite is collected."""
    session = config.stash.get(SESSION, None)
    if session is None:
        from harness.session.run_session import RunSession

        folder = getattr(config, "workerinput", {}).get("crucible", {}).get("folder")
        session = config.stash[SESSION] = RunSession(
            config, registry=_registry(config), seal=_seal(config), folder=folder, drawn_seed=_drawn_seed(config)
        )
    return session


# Types of option values: argparse turns what they raise into a usage error


def _tier(text: str) -> str:
    if text.upper() not in ("A", "B", "C", "D", "E"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a tier: A (strongest), B, C, D or E (none)")
    return text.upper()


_OPTIONS: dict[str, dict[str, Any]] = {
    "--epoch": {
        "type": whole(0, 2**31 - 1),
        "metavar": "N",
        "help": "epoch of the annealing schedule, which sets the budgets (default 0)",
    },
    "--attempts": {"type": whole(1), "metavar": "K", "help": "seeded repetitions of each case (default: the suite's)"},
    "--anneal-temp": {"type": amount(), "metavar": "T", "help": "annealing temperature (default 1.0)"},
    "--secret-seed": {
        "type": whole(0, 2**63 - 1),
        "metavar": "S",
        "help": "seed of the hidden inputs (default: random, printed at the end)",
    },
    "--ledger": {"metavar": "PATH", "help": "SQLite file that keeps every result (default reports/ledger.db)"},
    "--report": {"metavar": "PATH", "help": "HTML report, one offline page (default reports/index.html)"},
    "--gate": {
        "action": "append",
        "metavar": "EXPR",
        "help": "fail the run unless EXPR is true, e.g. 'toolgen.mean(score) >= 0.8'; repeatable",
    },
    "--min-tier": {
        "type": _tier,
        "metavar": "A..E",
        "help": "refuse to run sandboxed items under weaker isolation than this tier (default C, or the lane's own)",
    },
    "--cluster": {
        "metavar": "ADDRESS",
        "help": "judge on a Dask cluster: tcp://HOST:PORT, tls://HOST:PORT, or local for one that is started here",
    },
    "--insecure": {"action": "store_true", "help": "let --cluster reach another machine without TLS"},
    "--shard": {"type": part, "metavar": "I/N", "help": "run only part I of N; parts are disjoint and complete"},
    "--shard-durations": {
        "metavar": "FILE",
        "help": "balance shards by the seconds of cases: a ledger, or a JSON object by node id; the same for all parts",
    },
    "--limit": {"type": whole(1), "metavar": "N", "help": "run only the first N selected cases of each suite"},
    "--top": {"type": whole(0), "metavar": "N", "help": "leaderboard rows per suite (default 5)"},
    "--confirm": {
        "type": amount(),
        "metavar": "SECONDS",
        "help": "time limit for confirming the leaders on fresh inputs before a first place is assigned; 0 disables it "
        "(default: a quarter of the run's own time, at least 10)",
    },
    "--fresh": {
        "action": "store_true",
        "default": None,
        "help": "judge every case again, including unchanged ones with a verdict under the same policy",
    },
}
