"""Run the attack corpus through the toolgen lane, the way a suite would.

Also a program, so that the corpus can be run as another user:

    python tests/attacks/corpus.py [--without LAYER ...] [NAME ...]

prints one line of JSON for each attack: name, status, why, tier.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from harness.core.budget import Schedule  # noqa: E402
from harness.core.policy import Policy, Timing  # noqa: E402
from harness.judge.case import evaluate_case  # noqa: E402
from harness.lane.context import Context  # noqa: E402
from harness.lanes.toolgen.collect import case_for  # noqa: E402
from harness.lanes.toolgen.lane import Toolgen  # noqa: E402
from harness.lanes.toolgen.tool_spec import read_tool  # noqa: E402

CANARIES = (Path("/tmp"), Path("/var/tmp"), Path.home(), HERE, ROOT)
SURVIVORS = "candidate"


@dataclass(frozen=True)
class Attack:
    """One row of the table."""

    name: str
    what: str
    layer: tuple[str, ...]
    expect: frozenset[str]
    weaker: frozenset[str]
    """What may happen without namespaces."""
    attempts: int

    @property
    def path(self) -> Path:
        return HERE / "candidates" / f"{self.name}.py"


@cache
def table() -> tuple[Attack, ...]:
    """The expectations, in order."""
    document = yaml.safe_load((HERE / "expectations.yaml").read_text(encoding="utf-8"))
    return tuple(
        Attack(
            name=row["name"],
            what=row["what"],
            layer=tuple(row["layer"]),
            expect=frozenset(row["expect"]),
            weaker=frozenset(row.get("tiers", {}).get("C", row["expect"])),
            attempts=row.get("attempts", 1),
        )
        for row in document["attacks"]
    )


@contextmanager
def context(*without: str) -> Iterator[Context]:
    """Boxes with some layers left out."""
    scratch = Path(tempfile.mkdtemp(prefix="crucible-corpus-"))
    made = Context(secret_seed=int.from_bytes(os.urandom(4), "big"), scratch=scratch, without=frozenset(without))
    try:
        yield made
    finally:
        made.close()


def run(attack: Attack, made: Context) -> dict[str, Any]:
    """Judge one attack; its status, and why."""
    policy = Policy(
        attempts=attack.attempts,
        timing=Timing.NONE,
        schedule=Schedule(time_ms=(1000.0, 1000.0), memory_mb=(128.0, 128.0)),
    )
    case = case_for(read_tool(HERE / "spec"), attack.path, suite="attacks", policy=policy, questions=8)
    evaluation = evaluate_case(case, Toolgen(), made)
    return {"name": attack.name, "status": evaluation.status.value, "why": evaluation.why, "passed": evaluation.passed}


def canaries() -> list[str]:
    """Files that only an attack can have made."""
    found = [path for place in CANARIES for path in place.glob("crucible-canary-*")]
    found += list((HERE / "candidates").glob("*canary*"))
    return [str(path) for path in found]


def main() -> int:
    """Judge what the command line names."""
    parser = argparse.ArgumentParser(description="run the attack corpus")
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    with context(*options.without) as made:
        print(json.dumps({"tier": made.boxes.tier.value, "layers": made.boxes.layers}), flush=True)
        for attack in table():
            if not options.names or attack.name in options.names:
                print(json.dumps(run(attack, made)), flush=True)
    print(json.dumps({"canaries": canaries()}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
