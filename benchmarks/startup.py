"""What a start costs: pytest with and without Crucible, and each verb of `crucible`.

    python benchmarks/startup.py [--rounds 9] [--only TEXT] [--without-bytecode]

Every row runs once in each round, so that a busy machine hurts all alike; the first round, which also fills the caches,
is not counted. CPU is user + system time of the process and its children; the reference of a row is the row named in
its last column, in the same round. `bare pytest` loads no plugin of another distribution.
"""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
GRAMMAR, FILE = REPOSITORY / "specs/grammars/png.yaml", REPOSITORY / "specs/samples/png/gradient.png"
PROGRAM, KERNEL = REPOSITORY / "specs/programs/hello.spak", REPOSITORY / "specs/kernels/softmax.yaml"
BARE, PYTHON = "bare pytest", "python -c pass"
OTHERS = ("benchmark", "hypothesispytest", "anyio", "xdist")
"""Plugins that a bare pytest lacks; the first two and the last come with Crucible, anyio with its extra `llm`."""
GROUPS = ("spec", "dsl", "kernel")


class Row(NamedTuple):
    """A command, and the row that its cost is compared with."""

    name: str
    command: list[str]
    folder: Path
    reference: str


class Cost(NamedTuple):
    """Seconds of one run."""

    cpu: float
    wall: float


def run(row: Row, env: dict[str, str]) -> Cost:
    """Run a command; it must succeed."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(row.command, cwd=row.folder, env=env, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{row.name}: {' '.join(row.command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return Cost(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, wall)


def pytest_rows(folder: Path) -> list[Row]:
    """Ordinary tests and one toolgen suite whose two verdicts are known, so that no row judges a candidate."""
    plain, tools = folder / "plain", folder / "tools"
    plain.mkdir()
    (plain / "pytest.ini").write_text("[pytest]\n")
    (plain / "test_one.py").write_text("def test_one():\n    pass\n")
    subprocess.run([sys.executable, "-m", "harness", "init", tools], check=True, stdout=subprocess.DEVNULL)
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:anyio"]
    subprocess.run([*pytest, "-p", "no:xdist", "suites"], cwd=tools, check=True, stdout=subprocess.DEVNULL)
    without = [word for name in (*OTHERS, "harness.plugin") for word in ("-p", f"no:{name}")]
    few = [word for name in OTHERS if name != "xdist" for word in ("-p", f"no:{name}")]
    return [
        Row(PYTHON, [sys.executable, "-c", "pass"], plain, PYTHON),
        Row(BARE, [*pytest, *without], plain, BARE),
        Row("no suite", pytest, plain, BARE),
        Row("a suite, collected", [*pytest, "--collect-only", "suites"], tools, BARE),
        Row("a suite, known verdicts", [*pytest, "suites"], tools, BARE),
        Row("bare pytest -n 2", [*pytest, "-n2", *few, "-p", "no:harness.plugin"], plain, BARE),
        Row("no suite, -n 2", [*pytest, "-n2"], plain, BARE),
        Row("a suite, known verdicts, -n 2", [*pytest, "-n2", "suites"], tools, BARE),
    ]


def verb_rows(folder: Path) -> list[Row]:
    """The help of every verb, and what a verb prints first where its inputs are at hand."""
    verbs = [[name] for name in importlib.import_module("harness.cli").VERBS]
    verbs += [[group, name] for group in GROUPS for name in importlib.import_module(f"harness.cli.{group}").VERBS]
    words = [["--help"], *([*verb, "--help"] for verb in verbs)]
    words += [["spec", name, str(GRAMMAR)] for name in ("lint", "export-ksy")]
    words += [
        ["spec", name, str(GRAMMAR), str(FILE)] for name in ("parse", "spans", "coverage", "query", "hex", "score")
    ]
    words += [["dsl", name, str(PROGRAM)] for name in ("check", "graph")]
    words += [["kernel", "roofline", str(KERNEL)], ["doctor"], ["schema", "suite"]]
    words += [["top"], ["show", "join_words"], ["diff"], ["trend"], ["pareto"], ["report"], ["rescore"]]
    command = [sys.executable, "-m", "harness"]
    names = [" ".join(Path(word).name for word in one) for one in words]
    return [
        Row(f"crucible {name}", command + one, folder / "tools", PYTHON) for name, one in zip(names, words, strict=True)
    ]


def print_table(rows: list[Row], costs: dict[str, list[Cost]]) -> None:
    """Print medians, and the median difference and ratio of CPU to the reference of the same round."""
    width = max(len(row.name) for row in rows)
    print(f"{'':{width}}  {'CPU ms':>7} {'wall ms':>8} {'above':>7} {'ratio':>6}")
    for row in rows:
        pairs = list(zip(costs[row.name], costs[row.reference], strict=True))
        cpu, wall, above, ratio = (
            statistics.median(values)
            for values in zip(*((a.cpu, a.wall, a.cpu - b.cpu, a.cpu / b.cpu) for a, b in pairs), strict=True)
        )
        print(
            f"{row.name:{width}}  {1000 * cpu:7.0f} {1000 * wall:8.0f} {1000 * above:+7.0f} {ratio:6.2f}"
            f"  {row.reference}"
        )


def main() -> None:
    """Measure all rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", metavar="TEXT", help="only rows whose name contains this")
    parser.add_argument("--without-bytecode", action="store_true", help="nothing is read from or written to a cache")
    options = parser.parse_args()
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPATH"] = str(REPOSITORY)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = [*pytest_rows(folder), *verb_rows(folder)]
        rows = [row for row in rows if options.only in row.name or row.name in (BARE, PYTHON)]
        if options.without_bytecode:
            env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(folder / "none")}
        costs: dict[str, list[Cost]] = {row.name: [] for row in rows}
        for number in range(options.rounds + 1):
            for row in rows:
                cost = run(row, env)
                if number:
                    costs[row.name].append(cost)
        print_table(rows, costs)
    print(f"load {os.getloadavg()[0]:.1f}, {options.rounds} rounds")


if __name__ == "__main__":
    main()
