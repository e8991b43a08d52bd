"""ShinkaEvolve's evaluator: judges one program and writes `metrics.json` and `correct.json`.

    python -m harness.adapters.shinka --tool TOOL --program_path FILE --results_dir DIR

The exit status is 0 where there is a verdict, and 3 where there is none; then neither file is written.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from harness.core.errors import CrucibleError, InfraError

NOT_JUDGED = 3
USAGE = 4


def main(arguments: list[str] | None = None) -> int:
    """Judge the program that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m harness.adapters.shinka", description="judge one program")
    parser.add_argument("--tool", required=True, type=Path, help="a tool, or a suite of tools")
    parser.add_argument("--program_path", required=True, type=Path, help="the program")
    parser.add_argument("--results_dir", required=True, type=Path, help="where the two files are written")
    args = parser.parse_args(arguments)
    from harness.rewards.openevolve import Evaluator

    files = [args.results_dir / name for name in ("metrics.json", "correct.json")]
    try:
        for file in files:
            file.unlink(missing_ok=True)
        evaluator = Evaluator(args.tool, workers=1, check_every=0)
        try:
            found, artifacts = evaluator.measure(args.program_path)
        finally:
            evaluator.close()
        has_passed = bool(found["passed"])
        metrics = {
            "combined_score": found["combined_score"],
            "public": {"score": found["score"], "status": artifacts["status"]},
            "private": {},
            "text_feedback": artifacts["feedback"],
        }
        correct = {"correct": has_passed, "error": None if has_passed else artifacts["feedback"]}
        args.results_dir.mkdir(parents=True, exist_ok=True)
        for file, value in zip(files, (metrics, correct), strict=True):
            file.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", "utf-8")
    except InfraError as error:
        print(f"crucible: {error}", file=sys.stderr)
        return NOT_JUDGED
    except (CrucibleError, OSError) as error:
        print(f"crucible: {error}", file=sys.stderr)
        return USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
