"""A model of scale: what each stage of a candidate takes, what 10^6 and 10^8 candidates take, and how wrong that is.

    python benchmarks/scale.py [--candidates 1000 10000] [--ledger 1000000] [--runs 1000]

Stages are measured alone; their sum predicts real runs of pytest with so many candidates of a trivial tool (seven
questions, one attempt, no timing), and the error is printed. `--ledger N` fills a ledger with N evaluations in `--runs`
runs, by the store's own path, and measures what reads it. All figures are CPU seconds of all processes. One JSON line
a figure; docs/scale.md says what follows from them.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from item_throughput import CANDIDATE, ORACLE, SUITE, TOOL
from plugin_overhead import LANE
from rows import cpu_seconds, took

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SMALL, LARGE = 200, 800  # candidates or cases from whose difference a cost is taken
FEW_SHOWN, MANY_SHOWN = 1000, 3000  # cases on a page, beyond those that it shows in full
START = 20  # candidates of the real run that gives the cost of a start
HOURS = 3600.0


def main() -> None:
    """Measure, predict, compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--candidates", type=int, nargs="*", default=[1000], help="real runs to compare with")
    parser.add_argument("--ledger", type=int, default=20_000, help="evaluations of the filled ledger; 0 for none")
    parser.add_argument("--runs", type=int, default=20, help="runs of the filled ledger")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crucible-scale-") as name:
        folder = Path(name)
        stages, start = measure_stages(folder / "stages")
        each = sum(stages.values())
        print(json.dumps({"start_s": round(start, 2), "each_ms": {k: round(v * 1e3, 3) for k, v in stages.items()}}))
        sizes: dict[str, float] = {}
        for number, count in enumerate(options.candidates):
            real, sizes = real_run(folder / f"real{number}", count)
            predicted = start + count * each
            error = round(100 * (predicted / real - 1), 1)
            found = {"candidates": count, "predicted_cpu_s": round(predicted, 1), "real_cpu_s": round(real, 1)}
            print(json.dumps(found | {"error_percent": error} | sizes), flush=True)
        for count in (10**6, 10**8):
            print(json.dumps(extrapolate(count, start, each, sizes)), flush=True)
        if options.ledger:
            measure_ledger(folder / "large", options.ledger, options.runs)


def measure_stages(folder: Path) -> tuple[dict[str, float], float]:
    """CPU seconds of each stage for one candidate, and of the start of a run."""
    from harness import JudgePool
    from harness.lanes.toolgen.reading import answer, rules_of
    from harness.lanes.toolgen.score import score_toolgen
    from harness.lanes.toolgen.tool_spec import read_tool

    tool = write_tool(folder)
    rules = rules_of(read_tool(tool))
    source = CANDIDATE.format(n=0)
    asked = {"do": "read", "data": source, "rules": rules}
    with JudgePool(tool, workers=1, attempts=1, questions=7, jitter_ms=(0, 0), timing="none") as pool:
        evaluation = pool.judge(source).evaluation
        pool.judge_all([CANDIDATE.format(n=-n) for n in range(1, 20)])
        sources = [CANDIDATE.format(n=n) for n in range(1, LARGE)]
        judge = took(lambda: pool.judge_all(sources), len(sources)).cpu
    read = repeated(lambda: answer(asked))
    gate = repeated(lambda: score_toolgen(evaluation.evidence, evaluation.case.policy))
    box = box_seconds(source)
    runs = [trivial_run(folder / f"trivial{count}", count) for count in (SMALL, LARGE)]
    item = (runs[1] - runs[0]) / (LARGE - SMALL)
    start, _ = real_run(folder / "start", START)
    row, page, merge = ledger_seconds(folder, evaluation)
    stages = {"read": read, "box": box, "gate": gate, "compare, and messages": judge - read - box - gate}
    stages |= {"row": row, "page": page, "item, and the rest of the session": max(0.0, item - row - page)}
    print(json.dumps({"merge_ms_each": round(merge * 1e3, 3), "record_bytes": len(evaluation.model_dump_json())}))
    return stages, start - START * sum(stages.values())


def repeated(work: Callable[[], Any], count: int = 300) -> float:
    """CPU seconds of one call."""
    work()
    began = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - began) / count


def box_seconds(source: str) -> float:
    """CPU seconds of a box that answers eight questions."""
    from harness.sandbox.codec import encode
    from harness.sandbox.limits import Limits
    from harness.sandbox.pool import BoxPool

    question = encode({"x": 5, "lo": 0, "hi": 3})
    with BoxPool() as pool:

        def evaluate(count: int) -> None:
            for n in range(count):
                with pool.open(f"{source}#{n}".encode(), entry="clamp", limits=Limits(call_seconds=1.0)) as box:
                    for _ in range(8):
                        box.ask(question)

        evaluate(20)
        return took(lambda: evaluate(LARGE // 2), LARGE // 2).cpu


def ledger_seconds(folder: Path, evaluation: Any) -> tuple[float, float, float]:
    """CPU seconds of one evaluation's row, of its part of a page, and of merging it."""
    from harness.ledger.merge import merge
    from harness.ledger.store import Ledger
    from harness.report.html import write_report

    pages, sizes = [], []
    for count in (SMALL, FEW_SHOWN, MANY_SHOWN):  # the first one imports and compiles
        path = folder / f"{len(pages)}.db"
        row = took(lambda path=path, count=count: fill(path, count, 1, like=evaluation), count).cpu
        with Ledger.read(path) as ledger:
            pages.append(took(lambda ledger=ledger: write_report(ledger, None, folder / "page.html"), 1).cpu)
            sizes.append((folder / "page.html").stat().st_size)
    with Ledger.open(folder / "merged.db") as ledger:
        merged = took(lambda: merge(ledger, path), MANY_SHOWN).cpu
    step = MANY_SHOWN - FEW_SHOWN
    print(json.dumps({"page_bytes_each": (sizes[2] - sizes[1]) / step}))
    return row, max(0.0, pages[2] - pages[1]) / step, merged


def fill(path: Path, count: int, runs: int, *, like: Any = None) -> None:
    """Record so many evaluations in a ledger, by the store's own path: each of a subject of its own, on ten boards."""
    from harness.core.evaluation import Evaluation
    from harness.ledger.store import Ledger
    from tests.ledger.factory import make_evaluation, make_run

    with Ledger.open(path) as ledger:
        for number in range(runs):
            run = make_run(number)
            ledger.begin(run)
            for n in range(number, count, runs):
                made: Evaluation = make_evaluation(
                    f"c{n}", content=str(n), suite=f"s{n % 10}.suite.yaml", score=n * 7919 % 1000 / 1000, attempts=1,
                    median_ms=1 + n % 977 / 100, status="wrong" if n % 5 == 0 else "ok",
                )  # fmt: skip
                if like is not None:
                    made = like.model_copy(update={"case": made.case.model_copy(update={"lane": like.case.lane})})
                ledger.record(made, run_id=run.run_id)
            ledger.finish(run.run_id)


def write_tool(folder: Path) -> Path:
    """The trivial tool, in a folder of its own."""
    tool = folder / "tool"
    tool.mkdir(parents=True)
    (tool / "tool.yaml").write_text(TOOL, encoding="utf-8")
    (tool / "oracle.py").write_text(ORACLE, encoding="utf-8")
    return tool


def trivial_run(folder: Path, count: int) -> float:
    """CPU seconds of a run of cases whose lane only adds two numbers."""
    folder.mkdir(parents=True)
    (folder / "conftest.py").write_text(LANE)
    cases = "".join(f"  - {{name: case-{n}, a: {n}, want: {2 * n}}}\n" for n in range(count))
    (folder / "a.suite.yaml").write_text(f"lane: sums\nsums:\n{cases}")
    return session(folder)


def real_run(folder: Path, count: int) -> tuple[float, dict[str, float]]:
    """CPU seconds of a run of so many candidates, and the sizes of what it leaves, for one of them."""
    write_tool(folder)
    (folder / "candidates").mkdir()
    (folder / "clamp.suite.yaml").write_text(SUITE, encoding="utf-8")
    for n in range(count):
        (folder / "candidates" / f"c{n:06d}.py").write_text(CANDIDATE.format(n=n), encoding="utf-8")
    cpu = session(folder)
    with sqlite3.connect(folder / "reports" / "ledger.db") as ledger:
        done = ledger.execute("SELECT count(*) FROM evaluations WHERE status = 'ok'").fetchone()[0]
        pages = ledger.execute("SELECT sum(pgsize) FROM dbstat WHERE name <> 'sqlite_schema'").fetchone()[0]
    if done != count:
        raise SystemExit(f"{done} of {count} candidates passed")
    return cpu, {"ledger_bytes_each": round(pages / count)}


def session(folder: Path) -> float:
    """CPU seconds of all processes of one pytest run that must pass, without pytest-xdist."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "harness.plugin", "-p", "no:cacheprovider", "--confirm", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    before = cpu_seconds()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    return cpu_seconds() - before


def extrapolate(count: int, start: float, each: float, sizes: dict[str, float]) -> dict[str, Any]:
    """What so many candidates take, in shards of 10,000 whose ledgers are merged."""
    from harness.judge.cluster import MAX_BATCH

    hours = (count * each + count / 10_000 * start) / HOURS
    return {
        "candidates": count,
        "cpu_hours": round(hours, 1),
        "cores_for_a_day": round(hours / 24, 1),
        "ledger_gb": round(count * sizes.get("ledger_bytes_each", 0) / 1e9, 1),
        "scheduler_messages": round(2 * count / MAX_BATCH),
    }


def ranking_seconds(path: Path) -> float:
    """CPU seconds of ranking one board, as the end of a run does."""
    from harness.ledger import standings

    with closing(sqlite3.connect(path)) as connection:  # nothing is committed
        connection.execute("UPDATE boards SET is_ranked = 0 WHERE suite = 's0.suite.yaml'")
        return round(took(lambda: standings.rank_boards(connection), 1).cpu, 3)


def measure_ledger(folder: Path, count: int, runs: int) -> None:
    """Fill a ledger and print what reading, merging and pruning it take."""
    from harness.ledger import queries
    from harness.ledger.merge import merge
    from harness.ledger.prune import prune
    from harness.ledger.store import Ledger
    from harness.report.html import write_report

    folder.mkdir()
    path = folder / "ledger.db"
    figures: dict[str, Any] = {"evaluations": count, "runs": runs}
    figures["write_ms_each"] = round(took(lambda: fill(path, count, runs), count).cpu * 1e3, 3)
    figures["bytes_each"] = round(path.stat().st_size / count)
    with Ledger.read(path) as ledger:
        for name, work in (
            ("leaderboard_s", lambda: queries.leaderboard(ledger, top=5)),
            ("leaders_s", lambda: queries.leaders(ledger)),
            ("trend_s", lambda: queries.trend(ledger, f"c{count // 2}")),
            ("page_s", lambda: write_report(ledger, None, folder / "page.html")),
        ):
            figures[name] = round(took(work, 1).cpu, 3)
    figures["rank_s"] = ranking_seconds(path)
    with Ledger.open(folder / "merged.db") as ledger:
        figures["merge_ms_each"] = round(took(lambda: merge(ledger, path), count).cpu * 1e3, 3)
    with Ledger.open(path) as ledger:
        half = count - count * (runs // 2) // runs
        figures["prune_ms_each"] = round(took(lambda: prune(ledger, keep=runs // 2), half).cpu * 1e3, 3)
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
