"""One candidate of a search: `JudgePool` at its default settings next to OpenEvolve's `Evaluator`.

    python benchmarks/openevolve_peer.py [--rounds 7] [--candidates 60] [--workers 2]

OpenEvolve's evaluation file runs the program in a process of its own with a time limit, as its examples do, and asks
the same 28 questions once; it has no other isolation, no sampled inputs and no times. Output: rows of `rows.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import tempfile
from pathlib import Path

from box_throughput import SOURCE
from judge_pool import CASES, ORACLE, TOOL
from rows import Sample, absent, compared, took, version_of

from harness import JudgePool

EVALUATION = """
import json
import subprocess
import sys

CASES = {cases!r}
RIGHT = [list(dict.fromkeys(lines)) for lines in CASES]
RUN = "import json, runpy, sys; dedup = runpy.run_path(sys.argv[1])['dedup'];" \\
      "print(json.dumps([dedup(lines) for lines in json.loads(sys.argv[2])]))"


def evaluate(program_path):
    command = [sys.executable, "-c", RUN, program_path, json.dumps(CASES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    answers = json.loads(done.stdout)
    right = sum(one == other for one, other in zip(answers, RIGHT))
    return {{"combined_score": right / len(RIGHT)}}
"""


def main() -> None:
    """Run the rounds and print the row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--candidates", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    what, peer, numbers = "JudgePool, default settings, right", version_of("openevolve"), itertools.count()
    if not peer:
        absent(what, "openevolve")
        return
    from openevolve.config import EvaluatorConfig
    from openevolve.evaluator import Evaluator

    logging.disable(logging.CRITICAL)
    ours: list[Sample] = []
    theirs: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="crucible-bench-") as name:
        tool = Path(name)
        for file, text in (
            ("tool.yaml", TOOL),
            ("oracle.py", ORACLE),
            ("evaluation.py", EVALUATION.format(cases=CASES)),
        ):
            (tool / file).write_text(text, encoding="utf-8")
        config = EvaluatorConfig(parallel_evaluations=options.workers, cascade_evaluation=False)
        evaluator = Evaluator(config, str(tool / "evaluation.py"))

        def fresh(count: int) -> list[str]:
            return [SOURCE.format(n=next(numbers)) for _ in range(count)]

        async def evaluate(sources: list[str]) -> None:
            found = await asyncio.gather(*(evaluator.evaluate_program(source, str(id(source))) for source in sources))
            if any(metrics["combined_score"] != 1.0 for metrics in found):
                raise SystemExit("OpenEvolve judged the honest candidate wrong")

        with JudgePool(tool, workers=options.workers, attempts=1) as pool:

            def judge(sources: list[str]) -> None:
                if not all(verdict.passed for verdict in pool.judge_all(sources)):
                    raise SystemExit("the honest candidate was judged wrong")

            judge(fresh(4))
            asyncio.run(evaluate(fresh(4)))
            for _ in range(options.rounds):
                ours.append(took(lambda: judge(fresh(options.candidates)), options.candidates))
                theirs.append(took(lambda: asyncio.run(evaluate(fresh(options.candidates))), options.candidates))
    compared(what, peer, "candidate", ours, theirs, goal=1.0)


if __name__ == "__main__":
    main()
