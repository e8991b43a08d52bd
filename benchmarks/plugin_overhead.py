"""What the plugin costs: per case against plain pytest items, at the end of a run, and in a run that collects no suite.

    python benchmarks/plugin_overhead.py [--cases 10000] [--rounds 3] [--free-rounds 15] [--against FOLDER]

Runs alternate, so that a busy machine hurts both sides alike; CPU is user + system time of the child processes. With
`--against FOLDER` (the `harness` package of another commit in it) that one takes turns too, as `other`. The end of a
run is all of `pytest_sessionfinish`: confirmation, rows that were pending, snapshot, terminal, page.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rows import Sample, absent, compared, measured, took, version_of

REPOSITORY = Path(__file__).resolve().parents[1]
PYTEST = ("pytest", "-q", "-p", "no:cacheprovider")
HTML = ("-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin", "--html=r.html", "--self-contained-html")

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


INSPECT = """
import sys
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import match
from inspect_ai.solver import solver


@solver
def double():
    async def solve(state, generate):
        state.output.completion = str(int(state.input_text) * 2)
        return state

    return solve


samples = [Sample(input=str(n), target=str(2 * n), id=n + 1) for n in range(int(sys.argv[1]))]
task = Task(dataset=MemoryDataset(samples), solver=double(), scorer=match())
(log,) = eval(task, model="mockllm/model", display="none", log_dir="logs")
raise SystemExit(log.status != "success" or log.results.scores[0].metrics["accuracy"].value != 1.0)
"""


def run(folder: Path, *args: str, source: Path = REPOSITORY) -> Sample:
    """One pytest process, which must pass, with the `harness` of a folder and the plugins that `args` name."""
    return start(folder, "-m", *PYTEST, *args, source=source)


def start(folder: Path, *args: str, source: Path = REPOSITORY) -> Sample:
    """Wall and CPU seconds of one process of Python, which must end well."""
    environment = os.environ | {"PYTHONPATH": str(source), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, *args]

    def work() -> None:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(done.stdout[-2000:] + done.stderr[-2000:])

    return took(work, 1)


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
    (plain / "inspect_task.py").write_text(INSPECT)
    peers: dict[str, tuple[str, tuple[str, ...], float | None]] = {
        "pytest": ("-m", ("pytest", "-q", "-p", "no:cacheprovider"), 1 / 1.3),
        "pytest-html": ("-m", (*PYTEST, *HTML), 1.0),
        "inspect-ai": ("inspect_task.py", (str(count),), 1.0),
    }
    versions = {peer: version_of(peer) for peer in peers}
    sources = {"suite": REPOSITORY} | ({} if other is None else {"other": other})
    found: dict[str, list[Sample]] = {name: [] for name in (*peers, *sources)}
    ends: dict[str, list[float]] = {name: [] for name in sources}
    for _ in range(rounds + 1):
        for peer, (first, rest, _goal) in peers.items():
            if versions[peer]:
                found[peer].append(each(start(plain, first, *rest), count))
        for name, source in sources.items():
            found[name].append(each(run(ours, "-p", "harness.plugin", source=source), count))
            ends[name].append(float((ours / "end.txt").read_text()))
            shutil.rmtree(ours / "reports")
    for values in (*found.values(), *ends.values()):
        del values[:1]  # the first round filled the caches
    for name in sources:
        for peer, (_first, _rest, goal) in peers.items():
            what = f"{name} of {count} trivial cases, with ledger and page"
            if versions[peer]:
                compared(what, versions[peer], "case", found[name], found[peer], goal=goal)
            else:
                absent(what, peer)
        each_end = [Sample(math.nan, seconds / count) for seconds in ends[name]]
        measured(f"end of the run of {name}, {count} cases", "case", each_end, goal=1e-4)


def each(sample: Sample, count: int) -> Sample:
    """What one case took, of a whole process."""
    return Sample(sample.wall / count, sample.cpu / count)


def free(folder: Path, rounds: int) -> None:
    """A run of ordinary tests with and without the plugin, paired."""
    place = folder / "free"
    for inner in range(20):
        (place / f"tests/part{inner}").mkdir(parents=True)
        (place / f"tests/part{inner}/test_part{inner}.py").write_text("def test_one():\n    assert True\n")
    (place / "conftest.py").write_text("")
    (place / "pytest.ini").write_text("[pytest]\n")
    found: dict[str, list[Sample]] = {"without": [], "with": []}
    for index in range(rounds):
        sides = [("without", ()), ("with", ("-p", "harness.plugin"))]
        for name, args in sides if index % 2 else reversed(sides):
            found[name].append(run(place, *args))
    compared("a run without suites", version_of("pytest"), "run", found["with"], found["without"])


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
