"""Fixtures of the harness's own tests: a throw-away project with a tiny lane that boxes nothing."""

from __future__ import annotations

import gc
import json
import os
import signal
import sqlite3
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy  # noqa: F401 - as what follows
import pytest
from hypothesis import HealthCheck, settings

# Imported here because pytester forgets what an inner run imported first: each would import all of it again, the C
# parts of PyYAML and numpy cannot be loaded twice, and the evaluators, which a lane imports at first use, would be
# loaded with classes that other modules do not know.
import harness.judge.judges
import harness.lanes.dsl.evaluate
import harness.lanes.kernel.evaluate
import harness.lanes.spec.evaluate
import harness.lanes.toolgen.evaluate
import harness.report.html
import harness.session.controller
import harness.session.judging_ahead
import harness.session.run_session
import harness.session.summary
import harness.timing.bridge  # noqa: F401
from harness import hooks
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.ledger.packing import reader
from tests.forked_workers import forked_judges, forked_workers

pytest_plugins = ["pytester", "tests.small_disk"]
BUILT_IN = hooks.BUILT_IN


def pytest_configure():
    """Byte code is kept: hundreds of processes are started here, and each would compile the harness again."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # as in a background job; what is started here would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # How fast examples are made says something of the load of the machine, and nothing of the code.
    settings.register_profile(
        "shared machine", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("shared machine")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Of `-n auto`: a quarter more than processors, because a quarter of the tests' time is waiting."""
    processors = len(os.sched_getaffinity(0))
    return processors + (processors + 3) // 4


LONG = ("attacks/test_corpus", "judge/test_cluster", "session/test_cluster", "browser/test_real_run", "kernel_search")
LONG += ("tests/test_docs", "test_paired_runs", "test_reuse", "test_face", "test_cheats")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Ten thousand tests are half a million objects and no garbage; looking for it is a sixth of their collection."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items):
    """The files that take longest come first: at the end of a run no pytest worker waits for another one."""
    items.sort(key=lambda item: not any(f"{name}.py" in item.path.as_posix() for name in LONG))


@pytest.fixture(scope="session")
def processes():
    """The warm processes of the kernel lane that all tests of a pytest worker share."""
    with WarmProcesses() as made:  # starts no process before it is asked
        yield made


@pytest.fixture(scope="session", autouse=True)
def _lock_of_their_own(tmp_path_factory):
    """The machine-wide lock is not the machine's here: tests wait for no other session, and none waits for them."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("runtime")
        folder.chmod(0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        yield


@pytest.fixture(scope="session", autouse=True)
def _forked_judges():
    """Judge processes of this process are forks; a test of how one starts runs pytest in a process of its own."""
    with forked_judges():
        yield


WORDS = '''
"""A third party's lane, in one file: a subject is a text file, and what it says is its verdict."""
import os, signal, time
from pathlib import Path

import harness
from harness import hookimpl, hooks
from harness.core.slug import slug
from harness.core.score import Component, judge
from harness.suites.suite import SuiteOptions

hooks.BUILT_IN = {}  # not under test here, and slow to import


class Options(SuiteOptions):
    words: str | tuple[str, ...] = ()
    inline: dict[str, str] = {}
    nested: bool = False


class Words:
    name = "words"
    options = Options
    untrusted = ("words",)
    boxed = False
    min_tier = None
    components = ("match",)

    def collect(self, suite):
        found = {}
        if suite.options.words:
            for path in suite.glob(suite.options.words, "words"):
                found.setdefault(slug(path.stem), []).append((path.read_bytes(), path))
        for name, text in suite.options.inline.items():
            found.setdefault(name, []).append((text.encode(), None))
        for name, subjects in found.items():
            for data, path in subjects:
                yield harness.Case(
                    lane=self.name, suite=suite.name, name=name,
                    subject=harness.Subject.from_bytes(name, data, path=path),
                    inputs={"text": data.decode()}, policy=suite.policy,
                    line=suite.line("inline", name) or suite.line("words"),
                    markers=("gpu",) if name.startswith("gpu") else (),
                )

    def evaluate(self, case, context):
        text = case.inputs["text"].strip()
        if text == "raise":
            raise RuntimeError("the lane broke\\nin two lines")
        if text == "exit":
            raise SystemExit(0)
        if text == "numpy":
            return harness.Evidence(status="ok", facts={"x": object()})
        if text == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if text == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        if text.startswith("sleep"):
            Path("started").touch()
            time.sleep(float(text[5:]))
            text = "ok"
        if text == "tier":
            return harness.Evidence(status="wrong", why=f"tier {context.tier}, seed {context.secret_seed}")
        status = harness.Status(text)
        return harness.Evidence(status=status, why="" if status == "ok" else f"it says {text}")

    def score(self, evidence, policy):
        value = {"ok": 1.0}.get(evidence.status, 0.25)
        return judge(evidence, policy, [Component(name="match", value=value, weight=1.0)])


@hookimpl
def crucible_lanes():
    return [Words()]
'''


class Project:
    """A folder with the words lane in its conftest.py."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.put("conftest.py", WORDS)
        # These plugins import all of Hypothesis and of asyncio in every process, for nothing that is used here.
        self.put("pytest.ini", "[pytest]\naddopts = --strict-markers -p no:hypothesispytest -p no:anyio\n")

    def put(self, path: str, text: str) -> Path:
        """Write a file."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), "utf-8")
        return file

    def suite(self, name: str = "a", **inline: str) -> Path:
        """Write a suite whose cases are given as name=verdict."""
        return self.put(f"{name}.suite.yaml", f"lane: words\ninline: {json.dumps(inline)}\n")

    def run(self, *args: str, subprocess: bool = False) -> pytest.RunResult:
        """Run pytest with the plugin: in this process unless it must die or change what is imported.

        In a process of its own all installed plugins are loaded, as with a user; here only xdist and those of `args`.
        """
        always = ("-p", "harness.plugin", "-p", "no:benchmark")
        if subprocess:
            return self.pytester.runpytest_subprocess(*always, *args, timeout=120)
        with pytest.MonkeyPatch.context() as patch, forked_workers():
            patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
            return self.pytester.runpytest_inprocess(*always, "-p", "xdist", *args)

    def rows(self, sql: str, *, ledger: str = "reports/ledger.db") -> list[Any]:
        """Ask the ledger."""
        with sqlite3.connect(self.path / ledger) as connection:
            connection.create_function("unpacked", -1, reader(connection))
            return connection.execute(sql).fetchall()

    def verdicts(self) -> dict[str, str]:
        """Case -> status of the last run."""
        return dict(
            self.rows(
                "SELECT substr(nodeid, instr(nodeid, '::') + 2), status FROM evaluations"
                " WHERE run_id = (SELECT max(run_id) FROM runs)"
            )
        )


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A throw-away project with the words lane."""
    monkeypatch.setattr(hooks, "BUILT_IN", {})
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):  # of the run that tests us
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(hooks.__file__).parents[1]))
    return Project(pytester)
