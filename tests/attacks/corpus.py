"""Run the attack corpus through the toolgen lane, the way a suite would.

Also a program, so that the corpus can be run as another user:

    python tests/attacks/corpus.py [--without LAYER ...] [--scratch FOLDER] [NAME ...]

prints one line of JSON for the boxes, then one for each attack in the order of the table. With `--tiers`
(`make attack`) it judges on every tier of this machine and prints a table; its status is 1 if anything got through.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from harness.core.budget import Schedule  # noqa: E402
from harness.core.document import read_document  # noqa: E402
from harness.core.policy import Policy, Timing  # noqa: E402
from harness.judge.case import evaluate_case  # noqa: E402
from harness.lane.context import Context  # noqa: E402
from harness.lanes.toolgen.collect import case_for  # noqa: E402
from harness.lanes.toolgen.lane import Toolgen  # noqa: E402
from harness.lanes.toolgen.tool_spec import read_tool  # noqa: E402
from harness.sandbox.syscalls import PR_SET_PDEATHSIG, prctl  # noqa: E402

CANARIES = (Path("/tmp"), Path("/var/tmp"), Path.home(), HERE, ROOT)
SECRET_SEED = 7
"""With its hash seeds, e71_hash_seed_flake is right in one of three attempts and wrong in another."""
KINDS = {
    "all-layers": (),
    "no-cgroup": ("cgroup",),
    "no-namespaces": ("namespaces", "cgroup"),
}
"""Kinds of boxes by the layers that are left out: tiers A, B and C as far as the machine has them."""
JOBS = min(4, len(os.sched_getaffinity(0)))
"""Each job starts zygotes of its own, which costs as much as ten attacks."""


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
    tool: str
    most: dict[str, float]
    chain: int
    """How many functions that call the next one, `f0` first, follow its text."""

    @property
    def path(self) -> Path:
        return HERE / "candidates" / f"{self.name}.py"


@cache
def table() -> tuple[Attack, ...]:
    """The expectations, in order."""
    document = read_document(HERE / "expectations.yaml").value
    return tuple(
        Attack(
            name=row["name"],
            what=row["what"],
            layer=tuple(row["layer"]),
            expect=frozenset(row["expect"]),
            weaker=frozenset(row.get("tiers", {}).get("C", row["expect"])),
            attempts=row.get("attempts", 1),
            tool=row.get("tool", "spec"),
            most=row.get("most", {}),
            chain=row.get("chain", 0),
        )
        for row in document["attacks"]
    )


@contextmanager
def context(*without: str, scratch: Path | None = None) -> Iterator[Context]:
    """Boxes with some layers left out; contexts with one scratch folder sample the questions once."""
    with tempfile.TemporaryDirectory(prefix="crucible-corpus-") as own:
        made = Context(secret_seed=SECRET_SEED, scratch=scratch or Path(own), without=frozenset(without))
        try:
            yield made
        finally:
            made.close()


def run(attack: Attack, made: Context) -> dict[str, Any]:
    """Judge one attack; its status, and why."""
    # A short limit is for what is slept out; all others take no time limit to be right or wrong, on a busy machine too.
    limit = 1000.0 if "timeout" in attack.expect | attack.weaker else 10_000.0
    policy = Policy(
        attempts=attack.attempts,
        timing=Timing.CPU if "performance" in attack.most else Timing.NONE,
        schedule=Schedule(time_ms=(limit, limit), memory_mb=(128.0, 128.0)),
    )
    path = attack.path
    if attack.chain:
        made.scratch.mkdir(parents=True, exist_ok=True)
        path = made.scratch / path.name
        calls = (f"\n\ndef f{n}():\n    f{n + 1}()\n" for n in range(attack.chain))
        path.write_text(attack.path.read_text(encoding="utf-8") + "".join(calls), encoding="utf-8")
    case = case_for(read_tool(HERE / attack.tool), path, suite="attacks", policy=policy, questions=8)
    evaluation = evaluate_case(case, Toolgen(), made)
    values = {one.name: one.value for one in evaluation.score.components}
    return {
        "name": attack.name,
        "status": evaluation.status.value,
        "why": evaluation.why,
        "passed": evaluation.passed,
        "most": {name: values.get(name) for name in attack.most},
    }


def canaries() -> list[str]:
    """Files that only an attack can have made."""
    found = [path for place in CANARIES for path in place.glob("crucible-canary-*")]
    found += list((HERE / "candidates").glob("*canary*"))
    return [str(path) for path in found]


def survivors(made: Context) -> list[str]:
    """Processes that are left below the free zygotes of a context, next to the one box that waits for a source."""
    families = made.boxes._families.values()
    free = [
        zygote for family in families for zygotes in family._zygotes.values() for zygote in zygotes if zygote.is_free
    ]
    children = [Path(f"/proc/{one.pid}/task/{one.pid}/children").read_text().split() for one in free]
    return [pid for pids in children for pid in pids[1:]]


def run_share(attacks: Sequence[Attack], without: Sequence[str], scratch: Path) -> list[dict[str, Any]]:
    """Judge attacks in boxes of their own: the boxes, then one row for each attack and the honest control after it."""
    control = next(attack for attack in table() if attack.name == "d24_good_control")
    with context(*without, scratch=scratch) as made:
        head = {"tier": made.boxes.tier.value, "layers": made.boxes.layers}
        rows = []
        for attack in attacks:
            found = run(attack, made)
            rows.append(found | {"canaries": canaries(), "control": run(control, made)})
        return [head | {"survivors": survivors(made)}, *rows]


def run_all(names: Sequence[str], without: Sequence[str], scratch: Path) -> list[dict[str, Any]]:
    """Judge the attacks that `names` names, all by default, in `JOBS` processes: the boxes, then the rows in order."""
    attacks = [attack for attack in table() if not names or attack.name in names]
    shares = [share for share in (attacks[job::JOBS] for job in range(JOBS)) if share]
    with ProcessPoolExecutor(
        len(shares), mp_context=get_context("fork"), initializer=end_with, initargs=(os.getpid(),)
    ) as pool:
        found = list(pool.map(run_share, shares, [without] * len(shares), [scratch] * len(shares)))
    head = found[0][0] | {"survivors": [pid for first, *_ in found for pid in first["survivors"]]}
    rows = {row["name"]: row for _, *share in found for row in share}
    return [head, *(rows[attack.name] for attack in attacks)]


def end_with(parent: int) -> None:
    """End this process, and its boxes with it, when the process that started it ends, however that happens."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before it could be asked for
        os._exit(1)


def faults(attack: Attack, row: dict[str, Any], layers: dict[str, str]) -> str:
    """What is not as the table says; empty if the attack was held (or the honest program accepted)."""
    expected = attack.expect if layers["namespaces"] == "" else attack.weaker
    found = [f"{row['status']}, not {' or '.join(sorted(expected))}"] if row["status"] not in expected else []
    found += [f"left {row['canaries']}"] if row["canaries"] else []
    found += [f"{name} {row['most'][name]:g}" for name, most in attack.most.items() if row["most"][name] > most]
    found += ["the next candidate is not ok"] if row["control"]["status"] != "ok" else []
    return "; ".join(found)


def print_tiers(names: Sequence[str], scratch: Path) -> int:
    """Judge the corpus on every tier of this machine and print a table; the number of attacks that got through."""
    attacks = [attack for attack in table() if not names or attack.name in names]
    columns: dict[str, dict[str, str]] = {}
    problems: list[str] = []
    for kind, without in KINDS.items():
        head, *rows = run_all(names, without, scratch)
        title = f"{head['tier']} {kind}"
        columns[title] = {row["name"]: row["status"] for row in rows}
        for attack, row in zip(attacks, rows, strict=True):
            if fault := faults(attack, row, head["layers"]):
                columns[title][attack.name] = f"{row['status']} !"
                problems.append(f"{attack.name} on {title}: {fault}: {row['why']}")
        problems += [f"survivors on {title}: {head['survivors']}"] if head["survivors"] else []
    widths = {title: max(len(title), 11) for title in columns}
    print(" ".join(["attack".ljust(26), *(title.ljust(widths[title]) for title in columns)]))
    for attack in attacks:
        print(" ".join([attack.name.ljust(26), *(columns[one][attack.name].ljust(widths[one]) for one in columns)]))
    honest = sum("honest" in attack.layer for attack in attacks)
    print(f"{len(attacks) - honest} attacks and {honest} honest programs on {len(columns)} kinds of box")
    print(*(problems or ["every attack was held, no honest program was refused"]), sep="\n")
    return len(problems)


def main() -> int:
    """Judge what the command line names."""
    parser = argparse.ArgumentParser(description="run the attack corpus")
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--tiers", action="store_true", help="judge on every tier and print a table")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crucible-corpus-") as own:
        if options.tiers:
            return min(1, print_tiers(options.names, Path(own)))
        end_with(os.getppid())  # a test that is killed cannot end what it started
        for row in run_all(options.names, options.without, options.scratch or Path(own)):
            print(json.dumps(row))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
