"""Search for evasions: programs of the grammar of `tests/attacks/evasions.py` that get past the reader and the guard.

    python benchmarks/evasions.py [--programs 3000] [--seed 0]

Prints one JSON line: how many programs were tried, how many of them each of the two stops alone, and how many got past
both; these follow, smallest first. The exit status is 1 if there are any.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[1]))
from harness.sandbox.pool import BoxPool
from tests.attacks.evasions import Evasion, evasions, gets_through


def main() -> int:
    """Try the programs and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    through: dict[bytes, tuple[str, ...]] = {}
    started = time.process_time()
    with BoxPool() as pool:

        @seed(options.seed)
        @settings(
            max_examples=options.programs,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(evasions())
        def check(evasion: Evasion) -> None:
            counts["programs"] += 1
            seen_by_text = not gets_through(evasion, pool, by=frozenset({"text"}))
            seen_by_guard = not gets_through(evasion, pool, by=frozenset({"guard"}))
            counts["stopped by the text alone"] += seen_by_text
            counts["stopped by the guard alone"] += seen_by_guard
            if not seen_by_text and not seen_by_guard and gets_through(evasion, pool):
                through[evasion.source] = evasion.how

        check()
    found = [{"how": through[source], "source": source.decode()} for source in sorted(through, key=len)[:10]]
    print(json.dumps({**counts, "got through": len(through), "cpu_s": round(time.process_time() - started, 1)}))
    for one in found:
        print(json.dumps(one))
    return 1 if through else 0


if __name__ == "__main__":
    raise SystemExit(main())
