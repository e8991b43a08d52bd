"""OpenEvolve with our evaluator, at its default settings, against one that runs each program in a process of its own.

    python benchmarks/openevolve_peer.py [--rounds 7] [--candidates 60] [--workers 2]

Both evaluation files are loaded and called by OpenEvolve's own `Evaluator`, without a model, on the same programs in
the same rounds. The peer's is that of OpenEvolve's examples: a process with a time limit answers the same number of
questions once; it has no other isolation, no sampled inputs and no times. Programs are right, wrong, or loop (the peer
waits for its limit). Output: rows of `rows.py`.
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

OURS = """
from harness.rewards.openevolve import Evaluator

evaluator = Evaluator({tool!r}, workers={workers}, attempts=1)
evaluate = evaluator.evaluate
"""
PEER = """
import json
import subprocess
import sys

CASES = {cases!r}
RIGHT = [list(dict.fromkeys(lines)) for lines in CASES]
RUN = "import json, runpy, sys; dedup = runpy.run_path(sys.argv[1])['dedup'];" \\
      "print(json.dumps([dedup(lines) for lines in json.loads(sys.argv[2])]))"


def evaluate(program_path):
    command = [sys.executable, "-c", RUN, program_path, json.dumps(CASES)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout={timeout})
        answers = json.loads(done.stdout)
    except (ValueError, subprocess.TimeoutExpired):
        return {{"combined_score": 0.0}}
    right = sum(one == other for one, other in zip(answers, RIGHT))
    return {{"combined_score": right / len(RIGHT)}}
"""
TIMEOUT = 2  # seconds, as the tool's own limit on a call
WRONG = SOURCE.replace("return ", "return list(lines) or ")
ENDLESS = "def dedup(lines: list[str]) -> list[str]:  # {n}\n    while True:\n        pass\n"
PROGRAMS = (("right", SOURCE, 1.0), ("wrong", WRONG, None), ("endless", ENDLESS, 0.0))


def main() -> None:
    """Run the rounds and print a row for each kind of program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--candidates", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    peer, numbers = version_of("openevolve"), itertools.count()
    if not peer:
        absent("OpenEvolve with our evaluator, default settings", "openevolve")
        return
    from openevolve.config import EvaluatorConfig
    from openevolve.evaluator import Evaluator

    logging.disable(logging.CRITICAL)
    config = EvaluatorConfig(parallel_evaluations=options.workers, cascade_evaluation=False, max_retries=0)
    with tempfile.TemporaryDirectory(prefix="crucible-bench-") as name:
        tool = Path(name)
        for file, text in (
            ("tool.yaml", TOOL),
            ("oracle.py", ORACLE),
            ("ours.py", OURS.format(tool=name, workers=options.workers)),
            ("peer.py", PEER.format(cases=CASES, timeout=TIMEOUT)),
        ):
            (tool / file).write_text(text, encoding="utf-8")
        ours, theirs = (Evaluator(config, str(tool / file)) for file in ("ours.py", "peer.py"))

        def evaluate(evaluator: Evaluator, source: str, count: int, score: float | None) -> Sample:
            programs = [source.format(n=next(numbers)) for _ in range(count)]  # no bytes are known

            async def run() -> list[dict[str, float]]:
                return await asyncio.gather(*(evaluator.evaluate_program(one, str(id(one))) for one in programs))

            found: list[dict[str, float]] = []
            sample = took(lambda: found.extend(asyncio.run(run())), count)
            # A wrong program earns a share of the peer's score, and none of ours.
            if any((one["combined_score"] < 1) != (score != 1) for one in found):
                raise SystemExit(f"a program was judged wrongly: {found}")
            return sample

        for kind, source, score in PROGRAMS:
            count = options.candidates if kind != "endless" else max(2, options.candidates // 10)
            for evaluator in (ours, theirs):
                evaluate(evaluator, source, 2, score)  # processes start
            samples = [[evaluate(one, source, count, score) for one in (ours, theirs)] for _ in range(options.rounds)]
            mine, peers = map(list, zip(*samples, strict=True))
            compared(f"OpenEvolve with our evaluator, {kind}", peer, "candidate", mine, peers, goal=1.0)
        ours.evaluate_function.__self__.close()


if __name__ == "__main__":
    main()
