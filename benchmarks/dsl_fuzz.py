"""Random programs with kills at random places: run = resume after any kill = replay = upgrade to the same text.

    python benchmarks/dsl_fuzz.py [--programs 10000] [--seed 0]

Programs have branches, questions, tools of models, effects, files, mocks, budgets, checks, loops, waits, searches,
`on failure` blocks, events, messages or cancellations. Each is also upgraded, forked twice, moved as a bundle, or shown.
The exit status is 1, with the smallest program that was found, if any way to its end has other events. The tests take
300 programs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.dsl.machine.program_fuzzer import Case, cases, check_case


def main() -> int:
    """Check the programs and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    checked = [0]
    started = time.process_time()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:

        @seed(options.seed)
        @settings(
            max_examples=options.programs,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases())
        def check(case: Case) -> None:
            checked[0] += 1
            check_case(case, Path(folder, "case"))

        check()
    print(json.dumps({"programs": checked[0], "equal": True, "cpu_s": round(time.process_time() - started, 1)}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
