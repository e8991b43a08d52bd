"""OpenEvolve with our evaluator, default settings first, against one that runs each program in a process of its own.

    python benchmarks/openevolve_peer.py [--rounds 7] [--candidates 60] [--workers 2]

Both evaluation files are loaded and called by OpenEvolve's own `Evaluator`, without a model, on the same programs in
the same rounds. The peer's is that of OpenEvolve's examples: a process with a time limit answers the same number of
questions once; it has no other isolation, no sampled inputs and no times. Programs are right, wrong, or loop (the peer
waits for its limit). OpenEvolve asks for few at once, so the default pauses between questions are slept out: a second
row has neither pauses nor timing. Output: rows of `rows.py`.
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

evaluator = Evaluator({tool!r}, workers={workers}, attempts=1{more})
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
FAST = ', timing="none", jitter_ms=(0, 0)'
PROGRAMS = (("right", SOURCE), ("wrong", WRONG), ("endless", ENDLESS))


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
            ("ours.py", OURS.format(tool=name, workers=options.workers, more="")),
            ("fast.py", OURS.format(tool=name, workers=options.workers, more=FAST)),
            ("peer.py", PEER.format(cases=CASES, timeout=TIMEOUT)),
        ):
            (tool / file).write_text(text, encoding="utf-8")
        ours, fast, theirs = (Evaluator(config, str(tool / file)) for file in ("ours.py", "fast.py", "peer.py"))

        def evaluate(evaluator: Evaluator, source: str, count: int, *, is_right: bool) -> Sample:
            programs = [source.format(n=next(numbers)) for _ in range(count)]  # no bytes are known

            async def run() -> list[dict[str, float]]:
                return await asyncio.gather(*(evaluator.evaluate_program(one, str(id(one))) for one in programs))

            found: list[dict[str, float]] = []
            sample = took(lambda: found.extend(asyncio.run(run())), count)
            if any((one.get("passed", one["combined_score"]) == 1) != is_right for one in found):
                raise SystemExit(f"a program was judged wrongly: {found}")
            return sample

        rows = [("default settings", ours, *program) for program in PROGRAMS]
        rows.append(("no timing, no pauses", fast, *PROGRAMS[0]))
        for settings, mine, kind, source in rows:
            is_right = kind == "right"
            count = options.candidates if kind != "endless" else max(2, options.candidates // 10)
            for evaluator in (mine, theirs):
                evaluate(evaluator, source, 2, is_right=is_right)  # processes start
            samples = [
                [evaluate(one, source, count, is_right=is_right) for one in (mine, theirs)]
                for _ in range(options.rounds)
            ]
            first, second = map(list, zip(*samples, strict=True))
            compared(f"OpenEvolve with our evaluator, {settings}, {kind}", peer, "candidate", first, second, goal=1.0)
        for evaluator in (ours, fast):
            evaluator.evaluate_function.__self__.close()


if __name__ == "__main__":
    main()
