"""The exclusive phase: timed items run first, in order, while no other item runs. Overlap is read from files."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("xdist")

SPANS = """
import os, threading
_evaluate = Words.evaluate
_die = Path("die")


def _record(case, moment):
    with open(f"spans-{os.getpid()}", "a") as file:
        file.write(f"{case.name} {moment} {time.monotonic_ns()}\\n")


def evaluate(self, case, context):
    _record(case, "start")
    time.sleep(0.02)
    if case.inputs["text"].startswith("die"):
        os._exit(3)
    found = _evaluate(self, case, context)
    _record(case, "stop")
    return found


Words.evaluate = evaluate
"""


class Span(NamedTuple):
    name: str
    worker: str
    start: int
    stop: int


class Lanes:
    def __init__(self, project, monkeypatch, tmp_path_factory):
        self.project = project
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("locks")))
        conftest = project.path / "conftest.py"
        conftest.write_text(conftest.read_text() + SPANS)

    def suite(self, name, timing, **inline):
        self.project.put(f"{name}.suite.yaml", f"lane: words\ntiming: {timing}\ninline: {json.dumps(inline)}\n")

    def spans(self):
        found = {}
        for path in sorted(self.project.path.glob("spans-*")):
            for line in path.read_text().splitlines():
                name, moment, at = line.split()
                found.setdefault((name, path.name), {})[moment] = int(at)
        last = 1 << 63
        return sorted(
            (Span(name, worker, at["start"], at.get("stop", last)) for (name, worker), at in found.items()),
            key=lambda span: span.start,
        )

    def check(self, *, timed, died=()):
        """All timed items ran in order before anything else, none beside another item."""
        spans = self.spans()
        order = [span.name for span in spans]
        assert order[: len(timed)] == list(timed)
        for before, after in pairwise(spans):
            if before.name in timed and before.name not in died:
                assert before.stop <= after.start, (before, after)
        return spans


@pytest.fixture
def lanes(project, monkeypatch, tmp_path_factory):
    return Lanes(project, monkeypatch, tmp_path_factory)


TIMED = {f"t{n}": "ok" for n in range(5)}


def plain(count):
    return {f"p{n:02}": "ok" for n in range(count)}


@pytest.mark.parametrize(
    ("timed", "untimed", "options"),
    [
        (5, 12, ("-n2",)),
        (1, 12, ("-n2",)),
        (5, 1, ("-n3",)),  # what waits behind the timed items is all there is
        (5, 0, ("-n2",)),  # nothing can wait behind them
        (1, 0, ("-n2",)),
        (3, 5, ("-n1",)),
        (3, 6, ("-n4", "--maxprocesses", "2")),
        (3, 7, ("-n2", "--maxschedchunk", "1")),
    ],
)
def test_timed_items_are_alone_and_first(lanes, timed, untimed, options):
    names = dict(list(TIMED.items())[:timed])
    if untimed:
        lanes.suite("a", "cpu", **plain(untimed))
    lanes.suite("b", "exact", **names)
    result = lanes.project.run(*options)
    result.assert_outcomes(passed=timed + untimed)
    spans = lanes.check(timed=list(names))
    assert len({span.worker for span in spans[:timed]}) == 1


def test_without_timed_items_it_is_load_scheduling(lanes):
    lanes.suite("a", "cpu", **plain(10))
    lanes.project.run("-n2").assert_outcomes(passed=10)
    assert len({span.worker for span in lanes.spans()}) == 2


@pytest.mark.parametrize(("died", "untimed"), [("t0", 8), ("t2", 0), ("t4", 8)])
def test_a_dead_worker_costs_one_item_and_the_rest_stays_exclusive(lanes, died, untimed):
    if untimed:
        lanes.suite("a", "cpu", **plain(untimed))
    lanes.suite("b", "exact", **{**TIMED, died: "die"})
    result = lanes.project.run("-n2")
    assert result.ret == 1
    result.assert_outcomes(passed=4 + untimed, failed=1)
    lanes.check(timed=list(TIMED), died=[died])
    assert lanes.project.verdicts()[died] == "infra"


DIES_WITH_ITS_ITEMS = """

import os, signal, time
ready, collected = [], []


def pytest_testnodeready(node):
    ready.append(node)


def pytest_xdist_node_collection_finished(node):
    collected.append(node)
    if len(collected) == 2:  # items are given out next, timed ones to the first
        first = ready[0]
        os.kill(first.gateway._rinfo().pid, signal.SIGKILL)
        while first.gateway.hasreceiver():
            time.sleep(0.001)
"""


@pytest.mark.parametrize("timing", ["cpu", "exact"])
def test_a_worker_that_dies_before_it_is_given_items_costs_none(lanes, timing):
    lanes.suite("a", timing, **plain(8))
    lanes.project.put("conftest.py", (lanes.project.path / "conftest.py").read_text() + DIES_WITH_ITS_ITEMS)
    lanes.project.run("-n2").assert_outcomes(passed=8)


def test_the_only_worker_may_die(lanes):
    lanes.suite("a", "cpu", **plain(3))
    lanes.suite("b", "exact", t0="ok", t1="die", t2="die", t3="ok")
    lanes.project.run("-n1").assert_outcomes(passed=5, failed=2)
    lanes.check(timed=["t0", "t1", "t2", "t3"], died=["t1", "t2"])


def test_without_restarts_the_run_ends(lanes):
    lanes.suite("a", "cpu", **plain(3))
    lanes.suite("b", "exact", t0="die", t1="ok")
    result = lanes.project.run("-n2", "--max-worker-restart", "0")
    assert result.ret == 1
    assert lanes.project.verdicts()["t0"] == "infra"


def test_stopping_at_the_first_failure(lanes):
    lanes.suite("a", "cpu", **plain(8))
    lanes.suite("b", "exact", t0="ok", t1="wrong", t2="ok", t3="ok")
    result = lanes.project.run("-n2", "-x")
    assert result.ret != 0
    assert [span.name for span in lanes.spans()] == ["t0", "t1"]


def test_only_what_failed_last_time(lanes):
    lanes.suite("a", "cpu", **plain(4), bad="wrong")
    lanes.suite("b", "exact", t0="ok", t1="wrong", t2="wrong")
    lanes.project.run("-n2").assert_outcomes(passed=5, failed=3)
    for path in lanes.project.path.glob("spans-*"):
        path.unlink()
    lanes.project.run("-n2", "--lf").assert_outcomes(failed=3)
    lanes.check(timed=["t1", "t2"])
    assert {span.name for span in lanes.spans()} == {"t1", "t2", "bad"}


@pytest.mark.parametrize("dist", ["load", "worksteal"])
def test_a_chosen_distribution_is_kept_and_the_lock_still_holds(lanes, dist):
    lanes.suite("a", "cpu", **plain(8))
    lanes.suite("b", "exact", t0="ok", t1="ok")
    result = lanes.project.run("-n2", "-v", "--dist", dist)
    result.assert_outcomes(passed=10)
    assert "ExclusivePhase" not in result.stdout.str()
    spans = lanes.spans()
    for timed in (span for span in spans if span.name in ("t0", "t1")):
        for other in spans:
            if other is not timed:
                assert other.stop <= timed.start or timed.stop <= other.start


def test_serially_the_order_is_pytests(lanes):
    lanes.suite("a", "cpu", p0="ok")
    lanes.suite("b", "exact", t0="ok")
    lanes.project.run("-p", "no:xdist", subprocess=True).assert_outcomes(passed=2)
    assert [span.name for span in lanes.spans()] == ["p0", "t0"]


def test_ordinary_tests_wait_too(lanes):
    lanes.suite("b", "exact", **TIMED)
    lanes.project.put(
        "test_mine.py",
        """
        import time, os, pytest

        @pytest.mark.parametrize("n", range(6))
        def test_mine(n):
            with open(f"spans-{os.getpid()}", "a") as file:
                file.write(f"mine{n} start {time.monotonic_ns()}\\n")
                time.sleep(0.02)
                file.write(f"mine{n} stop {time.monotonic_ns()}\\n")
        """,
    )
    lanes.project.run("-n2").assert_outcomes(passed=11)
    lanes.check(timed=list(TIMED))


def test_two_sessions_do_not_measure_beside_each_other(lanes, tmp_path_factory):
    """Two pytest runs at once: the timed items of one never overlap with any item of the other."""
    import subprocess
    import sys

    other = tmp_path_factory.mktemp("other")
    lanes.suite("b", "exact", **TIMED)
    (other / "conftest.py").write_text((lanes.project.path / "conftest.py").read_text())
    (other / "c.suite.yaml").write_text(f"lane: words\ninline: {json.dumps(plain(20))}\n")
    command = [sys.executable, "-m", "pytest", "-p", "harness.plugin", "-p", "no:benchmark", "-p", "no:xdist", "-q"]
    runs = [
        subprocess.Popen([*command, "--rootdir", str(folder), target], cwd=folder, stdout=subprocess.DEVNULL)
        for folder, target in ((lanes.project.path, "b.suite.yaml"), (other, "c.suite.yaml"))
    ]
    assert [run.wait(60) for run in runs] == [0, 0]
    mine = lanes.spans()
    lanes.project.path = Path(other)
    theirs = lanes.spans()
    assert len(mine) == 5
    assert len(theirs) == 20
    for timed in mine:
        for span in theirs:
            assert span.stop <= timed.start or timed.stop <= span.start
