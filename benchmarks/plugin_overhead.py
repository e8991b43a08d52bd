"""What the plugin costs: per case against plain pytest items, at the end of a run, and in a run that collects no suite.

    python benchmarks/plugin_overhead.py [--cases 10000] [--rounds 3] [--free-rounds 15] [--against FOLDER]

Runs alternate, so that a busy machine hurts both sides alike; CPU is user + system time of the child processes. With
`--against FOLDER` (the `harness` package of another commit in it) that one takes turns too, as `other`. The end of a
run is all of `pytest_sessionfinish`: confirmation, rows that were pending, snapshot, terminal, page.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

LANE = """
import time
from pathlib import Path

import harness
import pytest
from harness import hookimpl, hooks
from harness.core.score import Component, judge
from harness.suites.suite import SuiteOptions

hooks.BUILT_IN = {}


class Options(SuiteOptions):
    sums: tuple[dict[str, int | str], ...]


class Sums:
    name = "sums"
    options = Options
    untrusted = ()
    boxed = False
    min_tier = None

    def collect(self, suite):
        for index, entry in enumerate(suite.options.sums):
            name = entry["name"]
            yield harness.Case(
                lane="sums", suite=suite.name, name=name, subject=harness.Subject.from_bytes(name, name.encode()),
                inputs=entry, policy=suite.policy, line=suite.line("sums", index),
            )

    def evaluate(self, case, context):
        right = case.inputs["a"] + case.inputs["a"] == case.inputs["want"]
        return harness.Evidence(status="ok" if right else "wrong", why="" if right else "it is not the sum")

    def score(self, evidence, policy):
        return judge(evidence, policy, [Component(name="right", value=float(evidence.status == "ok"), weight=1.0)])


@hookimpl
def crucible_lanes():
    return [Sums()]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish():
    begun = time.process_time()
    result = yield
    Path("end.txt").write_text(str(time.process_time() - begun))
    return result
"""

PLAIN = """
import pytest, yaml


def pytest_collect_file(file_path, parent):
    if file_path.name.endswith(".plain.yaml"):
        return PlainFile.from_parent(parent, path=file_path)


class PlainFile(pytest.File):
    def collect(self):
        with self.path.open() as file:
            for entry in yaml.load(file, Loader=yaml.CSafeLoader)["sums"]:
                yield PlainItem.from_parent(self, name=entry["name"], entry=entry)


class PlainItem(pytest.Item):
    def __init__(self, *, entry, **kwargs):
        super().__init__(**kwargs)
        self.entry = entry

    def runtest(self):
        assert self.entry["a"] + self.entry["a"] == self.entry["want"]

    def reportinfo(self):
        return self.path, 0, self.name
"""


def run(folder: Path, *args: str, source: Path = REPOSITORY) -> tuple[float, float]:
    """Wall and CPU seconds of one pytest process, which must pass, with the `harness` of a folder."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    always = ("-q", "-p", "no:cacheprovider", "-p", "no:benchmark", "-p", "no:xdist", "-p", "no:hypothesispytest")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *always, *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def cases(folder: Path, count: int, rounds: int, other: Path | None) -> None:
    """A suite of trivial cases against the same number of plain custom items."""
    entries = "sums:\n" + "".join(f"  - {{name: case-{i}, a: {i}, want: {2 * i}}}\n" for i in range(count))
    ours, plain = folder / "ours", folder / "plain"
    for place, conftest, name, text in (
        (ours, LANE, "a.suite.yaml", f"lane: sums\n{entries}"),
        (plain, PLAIN, "a.plain.yaml", entries),
    ):
        place.mkdir()
        (place / "conftest.py").write_text(conftest)
        (place / "pytest.ini").write_text("[pytest]\n")
        (place / name).write_text(text)
    sources = {"suite": REPOSITORY} | ({} if other is None else {"other": other})
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ("plain", *sources)}
    ends: dict[str, list[float]] = {name: [] for name in sources}
    for _ in range(rounds):
        found["plain"].append(run(plain, "-p", "no:harness.plugin"))
        for name, source in sources.items():
            found[name].append(run(ours, "-p", "harness.plugin", source=source))
            ends[name].append(float((ours / "end.txt").read_text()))
            shutil.rmtree(ours / "reports")
    for name in sources:
        for index, what in enumerate(("wall", "CPU")):
            base, mine = (statistics.median(pair[index] for pair in found[side]) for side in ("plain", name))
            ratios = [a[index] / b[index] for a, b in zip(found[name], found["plain"], strict=True)]
            ratio = f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            print(f"{count} cases, {what}: plain {base:.2f} s, {name} {mine:.2f} s, {ratio}")
        print(
            f"{count} cases, end of the run, {name}: {1000 * statistics.median(ends[name]) / count:.4f} ms of CPU each"
        )


def free(folder: Path, rounds: int) -> None:
    """A run of ordinary tests with and without the plugin, paired."""
    place = folder / "free"
    for inner in range(20):
        (place / f"tests/part{inner}").mkdir(parents=True)
        (place / f"tests/part{inner}/test_part{inner}.py").write_text("def test_one():\n    assert True\n")
    (place / "conftest.py").write_text("")
    (place / "pytest.ini").write_text("[pytest]\n")
    differences: list[tuple[float, float]] = []
    for index in range(rounds):
        sides = [("without", ("-p", "no:harness.plugin")), ("with", ("-p", "harness.plugin"))]
        found = {name: run(place, *args) for name, args in (sides if index % 2 else reversed(sides))}
        differences.append(tuple(a - b for a, b in zip(found["with"], found["without"], strict=True)))  # type: ignore[arg-type]
    for index, what in enumerate(("wall", "CPU")):
        ordered = sorted(1000 * pair[index] for pair in differences)
        print(f"no suite, {what}: median difference {statistics.median(ordered):+.1f} ms of {rounds} pairs")


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--free-rounds", type=int, default=15)
    parser.add_argument("--against", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.rounds:
            cases(Path(folder), options.cases, options.rounds, options.against)
        if options.free_rounds:
            free(Path(folder), options.free_rounds)


if __name__ == "__main__":
    main()
