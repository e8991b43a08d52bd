"""pytest-benchmark's options on our items, serially and under xdist, and the instruments themselves."""

from __future__ import annotations

import gc
import json
import statistics
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.timing import benchmark
from harness.timing.benchmark import MAX_SAMPLES, Loop, Record, check_version, instrument, thin
from tests.forked_workers import forked_workers

MEASURING = """
from harness.timing.stopwatch import Call, Round


def work(loops):
    return sum(range(loops))


def evaluate(self, case, context):
    if not case.timed:
        return harness.Evidence(status="ok")
    def plan(section):
        one = Round("work", "subject", lambda: Call(work, 1000), lambda answer: None)
        null = Round("work", "null", lambda: Call(work, 0), lambda answer: None)
        return [one, null] * 20
    found = context.stopwatch.measure(case.nodeid, plan, tries=1)
    context.stopwatch.record(
        found.of("work"), name=case.name, fullname=case.nodeid, group="words", param=case.subject.name,
        params={"subject": case.subject.name},
        extra_info={"epoch": case.policy.epoch, "digest": case.subject.digest},
    )
    return harness.Evidence(status="ok", quality=found.quality)


Words.evaluate = evaluate
"""
OLD = version("pytest-benchmark").startswith("5.2.")  # warns before anybody can tell it that there is no need
WAYS = pytest.mark.parametrize("way", [("-p", "no:xdist"), ("-n2",)], ids=["serial", "xdist"])


class Measured:
    def __init__(self, project, pytester):
        self.path, self.pytester, self.project = project.path, pytester, project
        conftest = project.path / "conftest.py"
        conftest.write_text(conftest.read_text() + MEASURING)
        project.suite("a", p0="ok", p1="ok")
        project.put("b.suite.yaml", "lane: words\ntiming: exact\ninline: {t0: ok, t1: ok}\n")

    def run(self, *args):
        with forked_workers():
            return self.pytester.runpytest_inprocess("-p", "harness.plugin", *args)


@pytest.fixture
def measured(project, pytester, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("locks")))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return Measured(project, pytester)


@WAYS
def test_table_and_json(measured, way):
    result = measured.run(
        *way, "--benchmark-json", "out.json", "--benchmark-columns", "min,median,rounds", "--epoch", "7"
    )
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*benchmark 'words': 2 tests*", "Name*Min*Median*Rounds*", "t?*20*", "t?*20*"])
    if not OLD:
        assert "disabled" not in result.stdout.str() + result.stderr.str()
    found = {one["name"]: one for one in json.loads((measured.path / "out.json").read_text())["benchmarks"]}
    assert set(found) == {"t0", "t1"}
    for one in found.values():
        assert one["fullname"] == f"b.suite.yaml::{one['name']}"
        assert len(one["stats"]["data"]) == 20
        assert one["extra_info"]["epoch"] == 7
        assert len(one["extra_info"]["digest"]) == 64


@WAYS
def test_saving_once_and_comparing(measured, way):
    measured.run(*way, "--benchmark-autosave", "--benchmark-save-data").assert_outcomes(passed=4)
    [saved] = measured.path.glob(".benchmarks/**/*.json")
    result = measured.run(*way, "--benchmark-compare", "--benchmark-compare-fail", "median:100000%")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*t0 (NOW)*"])
    text = saved.read_text()
    known = json.loads(text)
    for one in known["benchmarks"]:
        one["stats"] = {name: one["stats"][name] if name in ("rounds", "iterations", "data", "outliers") else
                        one["stats"][name] / 1000 for name in one["stats"]}  # fmt: skip
    saved.write_text(json.dumps(known))
    result = measured.run(*way, "--benchmark-compare", "--benchmark-compare-fail", "median:5%")
    assert result.ret == 1
    output = result.stdout.str() + result.stderr.str()
    assert "Performance has regressed" in output
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output


@WAYS
def test_grouping(measured, way):
    result = measured.run(*way, "--benchmark-group-by", "param:subject")
    result.stdout.fnmatch_lines(["*benchmark 'subject=t0': 1 tests*", "*benchmark 'subject=t1': 1 tests*"])


@WAYS
def test_only_benchmarks(measured, way):
    result = measured.run(*way, "--benchmark-only")
    result.assert_outcomes(passed=2, skipped=2)
    result.stdout.fnmatch_lines(["*benchmark 'words': 2 tests*"])


def test_only_benchmarks_without_suites_is_refused_under_xdist_as_ever(measured):
    measured.project.put("only/test_mine.py", "def test_mine(benchmark):\n    benchmark(sum, [1])\n")
    result = measured.run("-n2", "--benchmark-only", "only")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--benchmark-only" in result.stdout.str() + result.stderr.str()


@WAYS
def test_skipping_benchmarks(measured, way):
    result = measured.run(*way, "--benchmark-skip")
    result.assert_outcomes(passed=2, skipped=2)
    assert "benchmark 'words'" not in result.stdout.str()


@WAYS
@pytest.mark.parametrize("option", [("--benchmark-disable",), ("-p", "no:benchmark")], ids=["disabled", "absent"])
def test_without_benchmarks_items_are_judged_all_the_same(measured, way, option):
    result = measured.run(*way, *option)
    result.assert_outcomes(passed=4)
    assert "benchmark 'words'" not in result.stdout.str()
    assert len(measured.project.verdicts()) == 4


@pytest.mark.skipif(OLD, reason="the fixture of pytest-benchmark 5.2 does not work with pytest 9.2")
def test_ordinary_benchmarks_keep_their_ways(measured):
    measured.project.put("test_mine.py", "def test_mine(benchmark):\n    benchmark(sum, [1])\n")
    result = measured.run("-p", "no:xdist", "--benchmark-json", "out.json", "--benchmark-max-time", "0.01")
    result.assert_outcomes(passed=5)
    names = {one["name"] for one in json.loads((measured.path / "out.json").read_text())["benchmarks"]}
    assert names == {"t0", "t1", "test_mine"}
    result = measured.run("-n2")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["*benchmark 'words': 2 tests*"])


@WAYS
def test_a_version_nobody_has_tried_is_refused(measured, way, monkeypatch):
    monkeypatch.setattr(benchmark, "version", benchmark.version)  # what the conftest replaces comes back
    conftest = measured.path / "conftest.py"
    conftest.write_text(
        conftest.read_text() + "\nimport harness.timing.benchmark as b\nb.version = lambda name: '6.0.1'\n"
    )
    result = measured.run(*way)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "pytest-benchmark 6.0.1" in result.stdout.str() + result.stderr.str()
    (measured.path / "b.suite.yaml").unlink()
    measured.run(*way).assert_outcomes(passed=2)  # nothing is measured, so it does not matter


# The parts


@pytest.mark.parametrize(("found", "fine"), [("5.1.9", False), ("5.2.0", True), ("5.10", True), ("6.0.0rc1", False)])
def test_versions(found, fine):
    if fine:
        check_version(found)
    else:
        with pytest.raises(UsageError, match="benchmark"):
            check_version(found)


def test_without_pytest_there_is_a_loop():
    assert isinstance(instrument(None), Loop)


@pytest.mark.parametrize("kind", ["loop", "pedantic"])
def test_every_round_gets_a_fresh_argument(kind, request):
    if kind == "pedantic" and not hasattr(request.config, "_benchmarksession"):
        pytest.skip("pytest-benchmark is off")
    measure = Loop() if kind == "loop" else benchmark.PytestBenchmark(request.config)
    made, seen, collecting = iter(range(100)), [], []

    def target(argument):
        collecting.append(gc.isenabled())
        seen.append(argument)

    samples = measure.run(target, lambda: ((next(made),), {}), 7, name="x")
    assert seen == list(range(7))
    assert len(samples) == 7
    assert all(sample >= 0 for sample in samples)
    assert not any(collecting)
    assert gc.isenabled()


def test_an_error_in_a_round_comes_out_and_garbage_collection_goes_on():
    with pytest.raises(ZeroDivisionError):
        Loop().run(lambda: 1 / 0, lambda: ((), {}), 3, name="x")
    assert gc.isenabled()


@given(st.lists(st.floats(1e-6, 10), min_size=1, max_size=30), st.integers(1, 200))
def test_thinning_keeps_the_shape(few, times):
    samples = few * times
    kept = thin(samples, max_samples=100)
    assert len(kept) == min(len(samples), 100)
    assert (min(kept), max(kept)) == (min(samples), max(samples))
    if len(samples) >= 100:
        ordered = sorted(samples)
        near = ordered[int(len(ordered) * 0.48) : int(len(ordered) * 0.52) + 1]
        assert min(near) <= statistics.median(kept) <= max(near)


def test_records_are_small_and_cross_as_json():
    record = Record.of(
        [0.0, -1.0, *(n / 1e6 for n in range(100_000))], name="a", fullname="x::a", extra_info={"epoch": 3}
    )
    assert len(record.samples) == MAX_SAMPLES
    assert record.rounds == 100_002
    assert min(record.samples) > 0  # the table divides by them
    text = json.dumps(record.to_wire())
    assert len(text) < 60_000
    assert Record.from_wire(json.loads(text)) == record


def test_nothing_is_handed_over_where_the_plugin_is_off(monkeypatch):
    made = []
    monkeypatch.setattr("pytest_benchmark.stats.Metadata", lambda *given, **named: made.append(given))
    benchmark.show(object(), Record.of([1.0], name="a", fullname="x::a"))
    assert made == []
