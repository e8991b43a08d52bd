"""Every comparison with a peer, and every goal of judging that has none, in one table (`make bench`).

    python benchmarks/bench.py [--quick] [--store] [--only WORD]

Each comparison is a script of this folder that prints rows (`rows.py`): both sides take turns in one run, at the
settings that a user gets by default first. A peer that is not installed has a row that says how to install it. The
rows are compared with the stored ones of the same machine and size by our own paired test (`harness.core.paired`): a
row that is slower than the noise explains is named. `--store` replaces the stored rows of this size (`results.json`)
and the table in `README.md`; `--quick` takes at most six minutes on two idle cores.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import math
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from rows import ratios, spread

from harness.core.paired import Comparison, Verdict, compare
from harness.judge.provenance import git_commit, machine

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
README = HERE / "README.md"
DEFAULT = "default settings"  # rows of what a user gets without an option come first
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
Row = dict[str, Any]


class Script(NamedTuple):
    """A script and its arguments, by size."""

    name: str
    usual: str
    quick: str


SECONDS = {"usual": 1800.0, "quick": 300.0}
"""A script that is not done by then is ended; the rows that it has printed stay."""


PEERS = "--only-peers"
SCRIPTS = (
    Script("judge_pool", "--rounds 7 --candidates 60", "--rounds 6 --candidates 10"),
    Script("openevolve_peer", "--rounds 7 --candidates 60", "--rounds 6 --candidates 8"),
    Script("item_throughput", "--candidates 600 --rounds 3", "--candidates 150 --rounds 2"),
    Script("shipped_suites", "--rounds 3", "--rounds 1 --lanes spec dsl"),
    Script("box_throughput", "--rounds 7 --count 60", "--rounds 6 --count 15"),
    Script("plugin_overhead", "--rounds 7 --cases 2000 --free-rounds 9", "--rounds 6 --cases 200 --free-rounds 6"),
    Script(
        "spec_throughput",
        "--only-peers --rounds 7 --megabytes 4",
        "--only-peers --rounds 6 --megabytes 0.3 --only pcap tlv",
    ),
    Script("dsl_machine", f"{PEERS} --rounds 7 --steps 1000", f"{PEERS} --rounds 6 --steps 1000"),
)


def main() -> int:
    """Run the scripts, print the table and what is slower; the exit status is 1 if a script failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--store", action="store_true", help="replace the stored rows and the table")
    parser.add_argument("--only", default="", help="only scripts whose name has this word")
    options = parser.parse_args()
    size = "quick" if options.quick else "usual"
    rows, failed = [], []
    for script in SCRIPTS:
        if options.only in script.name:
            found, is_done = run(script, getattr(script, size), SECONDS[size])
            rows += found
            if not is_done:
                failed.append(script.name)
    made = {"machine": machine(), "python": platform.python_version(), "crucible": git_commit(HERE)[:12]}
    made |= {"date": datetime.datetime.now(datetime.UTC).date().isoformat(), "load": round(os.getloadavg()[0], 1)}
    made |= {"versions": {name: version(name) for name in ("pytest", "numpy", "pydantic")}, "rows": rows}
    stored = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    print("\n".join(table(made)))
    for line in compared(made, stored, size):
        print(line)
    if options.store:
        done = {row["command"].partition(".")[0] for row in rows}  # with --only, the other rows stay
        kept = [row for row in stored.get(size, {}).get("rows", ()) if row["command"].partition(".")[0] not in done]
        stored[size] = made = made | {"rows": sorted([*kept, *rows], key=place)}
        RESULTS.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
        before, _, rest = README.read_text("utf-8").partition(BEGIN)
        best = stored.get("usual") or made
        README.write_text("\n".join([before + BEGIN, *table(best), END]) + rest.partition(END)[2], "utf-8")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def place(row: Row) -> int:
    """The place of a row's script among all."""
    return [script.name for script in SCRIPTS].index(row["command"].partition(".")[0])


def run(script: Script, arguments: str, seconds: float) -> tuple[list[Row], bool]:
    """The rows of a script, and whether it ended by itself and well."""
    command = [sys.executable, str(HERE / f"{script.name}.py"), *arguments.split()]
    started = time.monotonic()
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    # Files, not pipes: a peer's processes may outlive their script, and a pipe ends only with its last writer.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, stdout=out, stderr=errors, env=environment, cwd=HERE.parent, start_new_session=True
        )
        try:
            status = process.wait(seconds)
            took = f"{time.monotonic() - started:.0f} s"
        except subprocess.TimeoutExpired:
            status, took = 1, f"not done after {seconds:g} s; its rows until then are kept"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        print(f"{script.name}: {took}", file=sys.stderr, flush=True)
        out.seek(0)
        errors.seek(0)
        if status:
            print(errors.read()[-2000:], file=sys.stderr)
        found = [json.loads(line) for line in out if line.startswith("{") and line.endswith("}\n")]
    return [row | {"command": f"{script.name}.py {arguments}"} for row in found if "peer" in row], not status


def table(made: dict[str, Any]) -> list[str]:
    """The table of a run, as lines of Markdown."""
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    head = [
        f"Machine: {made['machine']}, load {made['load']} at the end; {made['date']}; Python {made['python']}, "
        f"{versions}; Crucible {made['crucible'] or 'not in a repository'}.",
        "A ratio is the peer's time over ours, median of the rounds (lowest to highest): above 1, ours is faster.",
        "",
        "| what | peer | unit | ours: CPU, wall | CPU ratio | wall ratio | goal |",
        "|---|---|---|---|---|---|---|",
    ]
    lines = []
    for row in sorted(made["rows"], key=lambda row: DEFAULT not in row["what"]):
        if "missing" in row:
            lines.append(f"| {row['what']} | {row['peer']}: not installed | | | `{row['missing']}` | | |")
            continue
        times = [row["ours"][clock] for clock in ("cpu", "wall")]
        ours = ", ".join(scaled(statistics.median(one)) if one else "-" for one in times)
        found = [spread(ratios(row, clock)) if "theirs" in row else "" for clock in ("cpu", "wall")]
        cells = row["what"], row["peer"], row["unit"], ours, *found, reached(row)
        lines.append(f"| {' | '.join(cells)} |")
    commands = dict.fromkeys(row["command"] for row in made["rows"])
    return [*head, *lines, "", "Commands: " + ", ".join(f"`python benchmarks/{one}`" for one in commands) + "."]


def reached(row: Row) -> str:
    """The goals of a row, each with whether it is reached: a ratio with a peer, else the time of one unit."""
    said = []
    for clock, name in (("cpu", "goal"), ("wall", "goal_wall")):
        if (goal := row.get(name)) is None:
            continue
        is_ratio = "theirs" in row
        found = statistics.median(ratios(row, clock) if is_ratio else row["ours"][clock])
        is_reached = found >= goal if is_ratio else found <= goal
        shown = f"{goal:.2g}" if is_ratio else scaled(goal)
        said.append(f"{shown} {clock.replace('cpu', 'CPU')}: {'yes' if is_reached else 'no'}")
    return "; ".join(said)


def scaled(seconds: float) -> str:
    """Seconds with a unit that fits."""
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def compared(made: dict[str, Any], stored: dict[str, Any], size: str) -> list[str]:
    """The lines of `regressions` with the stored rows of a size, and without them what can be done instead."""
    if size in stored:
        return regressions(made, stored[size])
    others = [f"{'make bench QUICK=1' if one == 'quick' else 'make bench'} compares with those" for one in stored]
    held = f"; the stored rows are of the {' and '.join(stored)} sizes: {others[0]}" if stored else ""
    return [f"no rows of the {size} sizes are stored: STORE=1 stores these{held}"]


def regressions(made: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    """A line for each row that is slower or faster than the stored one, and one for what could not be compared."""
    if stored["machine"] != made["machine"]:
        return [f"the stored rows are of another machine ({stored['machine']}): not compared"]
    known = {_identity(row): row for row in stored["rows"] if "theirs" in row}
    lines, open_rows = [], 0
    for row in made["rows"]:
        before = known.get(_identity(row))
        if before is None or "theirs" not in row:  # a time without a peer says as much of the load of the machine
            continue
        found = against(row, before)
        if found.verdict in (Verdict.SLOWER, Verdict.FASTER):
            lines.append(f"{found.verdict.value} than stored: {row['what']} / {row['peer']}: {found.why}")
        open_rows += found.verdict is Verdict.UNDERPOWERED
    summary = f"compared with the rows of {stored['date']}: {len(lines)} differ"
    return [*lines, summary + (f", {open_rows} too noisy to say" if open_rows else "")]


def _identity(row: Row) -> tuple[str, ...]:
    """What rows that may be compared have in common: other arguments measure another size."""
    return row["command"], row["what"], row["peer"].split(" ")[0]


def against(row: Row, before: Row) -> Comparison:
    """Our CPU time relative to the peer's, now and then: a round is a group; the stored rounds are the control."""
    now, then = ([-math.log(one) for one in ratios(side, "cpu")] for side in (row, before))
    middle = statistics.median(then)
    return compare([[one - middle] for one in now], [[one - middle] for one in then])


if __name__ == "__main__":
    raise SystemExit(main())
