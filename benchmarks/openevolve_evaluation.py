"""OpenEvolve's evaluator with our evaluation file, against one that runs each program in a subprocess.

    pip install openevolve
    python benchmarks/openevolve_evaluation.py [--rounds 5] [--programs 24] [--parallel 2] [--quick]

Both files are loaded and called by OpenEvolve's own `Evaluator.evaluate_program`, without a model, on the same programs
in alternating rounds of one run. The peer's file is that of OpenEvolve's examples: a subprocess imports the program,
answers as many questions as ours asks, and prints the share of right answers; it isolates nothing. Rows: right
programs, wrong ones, and programs that loop (the peer waits for its time limit). A ratio below 1 means that ours is
faster; CPU time is that of all processes. (Not named `openevolve.py`: a script's own folder comes first on the path.)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import statistics
import tempfile
import textwrap
import time
from pathlib import Path

from box_throughput import _cpu
from judge_pool import ORACLE, SOURCE, TOOL

QUESTIONS = 24
TIMEOUT = 2
OURS = """
from harness.rewards.openevolve import Evaluator

evaluator = Evaluator({tool!r}, workers={parallel}, attempts=1, timing="none", questions={questions}, jitter_ms=(0, 0))
evaluate = evaluator.evaluate
"""
PEER = """
import json, subprocess, sys

ASKED = json.loads({asked!r})
CHILD = '''
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("program", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(json.dumps([module.dedup(lines) for lines in json.load(sys.stdin)]))
'''


def evaluate(program_path):
    try:
        done = subprocess.run([sys.executable, "-c", CHILD, program_path], input=json.dumps(ASKED), timeout={timeout},
                              capture_output=True, text=True)
        answers = json.loads(done.stdout)
    except Exception:
        return {{"combined_score": 0.0}}
    right = sum(answer == list(dict.fromkeys(lines)) for answer, lines in zip(answers, ASKED))
    return {{"combined_score": right / len(ASKED)}}
"""
WRONG = SOURCE.replace("return ", "return list(lines) or ")
ENDLESS = "def dedup(lines: list[str]) -> list[str]:\n    while True:\n        pass\n"


async def evaluate_all(evaluator: object, programs: list[str]) -> list[dict]:
    return await asyncio.gather(*(evaluator.evaluate_program(code, str(at)) for at, code in enumerate(programs)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--programs", type=int, default=24)
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="two rounds of 8 programs")
    args = parser.parse_args()
    rounds, count = (2, 8) if args.quick else (args.rounds, args.programs)
    try:
        from openevolve.config import EvaluatorConfig
        from openevolve.evaluator import Evaluator
    except ImportError as error:
        raise SystemExit(f"OpenEvolve is not installed ({error}): pip install openevolve") from None
    logging.disable(logging.WARNING)
    config = EvaluatorConfig(parallel_evaluations=args.parallel, cascade_evaluation=False, max_retries=0, timeout=60)
    rng = random.Random(0)
    asked = [[rng.choice("abcdef") for _ in range(rng.randrange(12))] for _ in range(QUESTIONS)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dedup").mkdir()
        (folder / "dedup" / "tool.yaml").write_text(TOOL)
        (folder / "dedup" / "oracle.py").write_text(ORACLE)
        ours, peer = folder / "ours.py", folder / "peer.py"
        ours.write_text(OURS.format(tool=str(folder / "dedup"), parallel=args.parallel, questions=QUESTIONS))
        peer.write_text(textwrap.dedent(PEER.format(asked=json.dumps(asked), timeout=TIMEOUT)))
        contenders = {"ours": Evaluator(config, str(ours)), "peer": Evaluator(config, str(peer))}
        asyncio.run(evaluate_all(contenders["ours"], [SOURCE]))  # the judge processes start
        number = 0
        for row, source in {"right": SOURCE, "wrong": WRONG, "endless": ENDLESS}.items():
            size = count if row != "endless" else max(2, count // 8)
            walls, cpus, scores = [], [], {}
            for at in range(rounds):
                found = {}
                for who in ("ours", "peer") if at % 2 else ("peer", "ours"):
                    number += 1
                    programs = [f"{source}# {number} {one}\n" for one in range(size)]  # no bytes are known
                    began, used = time.perf_counter(), _cpu()
                    results = asyncio.run(evaluate_all(contenders[who], programs))
                    found[who] = (time.perf_counter() - began) / size, (_cpu() - used) / size
                    scores[who] = statistics.mean(one["combined_score"] for one in results)
                walls.append(found["ours"][0] / found["peer"][0])
                cpus.append(found["ours"][1] / found["peer"][1])
            print(
                f"{row:8} wall {statistics.median(walls):.2f}x of the peer's ({min(walls):.2f} to {max(walls):.2f}), "
                f"CPU {statistics.median(cpus):.2f}x; combined_score {scores['ours']:.2f}, peer {scores['peer']:.2f}",
                flush=True,
            )
        contenders["ours"].evaluate_function.__self__.close()


if __name__ == "__main__":
    main()
