"""Workers of runs inside a test, of xdist and of the judge: forks of one process that has imported the harness once.

A worker is a process of its own as ever, and dies alone; only importing everything again is saved, which is most of
what a worker of such a small run costs. Tests of signals and of start-up start everything themselves (`start`), and
so do runs of `python -m pytest` and of `crucible` in a process of their own.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import multiprocessing.popen_forkserver  # here, because pytester forgets what an inner run imported first
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from execnet import gateway_io
from execnet.gateway_base import ExecModel, Popen2IO

from harness.judge import judges
from harness.lane.json_worker import JsonWorker, Process

# Not xdist and not the plugin itself: pytest warns of plugins that were imported before it.
PRELOADED = ["pytest", "_pytest.pytester", "execnet.gateway_base", "harness.session.run_session"]
# Those of clusters (tests/judge/test_cluster.py); where they are not installed, they are passed over.
PRELOADED += ["distributed.cli.dask_scheduler", "distributed.cli.dask_worker", "harness.judge.cluster_worker"]
PRELOADED += ["harness.lanes.toolgen.evaluate", "harness.sandbox.probe", "harness.judge.judge_process"]


def start_forkserver() -> ForkServerContext:
    """Start the process that forks, unless it runs; its socket stays in what is the temporary folder now."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    forkserver.ensure_running()
    return context


class ForkedWorker(gateway_io.Popen2IOMaster):
    """In place of execnet's `Popen`: the same pipes, to a fork."""

    def __init__(self, args: list[str], execmodel: ExecModel) -> None:
        context = start_forkserver()
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        theirs = [Connection(descriptor) for descriptor in (theirs_in, theirs_out, os.dup(2))]
        self.popen = context.Process(
            target=run_worker, args=(theirs, os.getcwd(), dict(os.environ), args[-1]), daemon=True
        )
        self.popen.start()
        for connection in theirs:
            connection.close()
        Popen2IO.__init__(self, os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb"), execmodel)

    def wait(self) -> int | None:
        self.popen.join()
        return self.popen.exitcode


def run_worker(streams: Sequence[Connection], folder: str, environment: dict[str, str], bootstrap: str) -> None:
    """In the fork: become what execnet would have started in `folder`, and do its bootstrap line."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = ["", *paths, *(path for path in sys.path if path not in ("", *paths))]
    sys.argv[:] = ["-c"]
    sys.stdin, sys.stdout = os.fdopen(0, "r", 1, closefd=False), os.fdopen(1, "w", 1, closefd=False)
    exec(bootstrap, {"__name__": "__main__"})


def run_dask(log: Path, folder: Path, environment: dict[str, str], module: str, words: tuple[str, ...]) -> None:
    """In the fork: become a process of a cluster, as `python -m distributed.cli.{module}`; its output goes to `log`."""
    import dask

    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    dask.config.refresh()
    sys.argv[:] = [module, *words]
    importlib.import_module(f"distributed.cli.{module}").main(words)


class ForkedJudge:
    """In place of a judge process that was started by exec: the same `main`, pipes and process group, in a fork."""

    def __init__(
        self,
        module: str,
        arguments: tuple[str | int, ...],
        folder: Path,
        environment: Mapping[str, str] | None,
        errors: BinaryIO,
    ) -> None:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        theirs = [Connection(descriptor) for descriptor in (theirs_in, theirs_out, os.dup(errors.fileno()))]
        how = (theirs, str(folder), dict(os.environ if environment is None else environment), module, arguments)
        self._process = start_forkserver().Process(target=run_main, args=how, daemon=True)
        self._process.start()
        for connection in theirs:
            connection.close()
        self.pid = self._process.pid
        self.stdin, self.stdout = os.fdopen(ours_out, "wb", buffering=0), os.fdopen(ours_in, "rb", buffering=0)

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("judge process", timeout)
        return self._process.exitcode

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it is no leader yet, or has ended
            os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()


def run_main(streams, folder: str, environment: dict[str, str], module: str, arguments: tuple[str | int, ...]) -> None:
    """In the fork: become `python -B -c 'from {module} import main; main(*arguments)'` in `folder`."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.dont_write_bytecode, tempfile.tempdir = True, None
    sys.stdin, sys.stdout = os.fdopen(0, "r", 1, closefd=False), os.fdopen(1, "w", 1, closefd=False)
    importlib.import_module(module).main(*arguments)


class ForkedJudgeWorker(JsonWorker):
    """A worker whose process is forked, unless a `sitecustomize` has to change it."""

    @staticmethod
    def start(*how: Any) -> Process:
        folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        changed = any(Path(folder, "sitecustomize.py").exists() for folder in folders if folder)
        return (JsonWorker.start if changed else ForkedJudge)(*how)


@contextlib.contextmanager
def forked_judges() -> Iterator[None]:
    """While this holds, judge processes are forked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judges, "JsonWorker", ForkedJudgeWorker)
        yield


@contextlib.contextmanager
def forked_workers() -> Iterator[None]:
    """While this holds, execnet forks its local workers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway_io, "Popen2IOMaster", ForkedWorker)
        yield
