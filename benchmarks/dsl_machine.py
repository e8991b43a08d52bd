"""CPU and wall time of a program's step, compared with LangGraph, DBOS and raw SQLite.

    python benchmarks/dsl_machine.py [--rounds 5] [--steps 1000] [--only-peers]

Each contender does N trivial steps (`i + 1`, a string of 100 characters) in a new process, one contender after the
other in each round. Wall time depends on the disk, so CPU time per step and flushes per effect (counted by strace, if
installed) are reported too. Ours at level `power` waits for the disk around effects, not for pure steps, so it is not
compared with contenders that wait at each step. LangGraph and DBOS: `pip install 'pytest-crucible[bench]'`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rows import Sample, absent, compared, version_of

BORN = time.perf_counter()
TEXT = "r" * 100
OURS = {
    "ours, commit/step, NORMAL": (1, "process"),
    "ours, groups of 64, NORMAL": (64, "process"),
    "ours, commit/step, power": (1, "power"),
}
RAW = {"raw, commit/step, NORMAL": "NORMAL", "raw, commit/step, FULL": "FULL"}
PEERS = {
    name: (distribution, version_of(distribution))
    for name, distribution in (("LangGraph, NORMAL", "langgraph"), ("LangGraph, FULL", "langgraph"), ("DBOS", "dbos"))
}
RATIOS = (
    ("ours, commit/step, NORMAL", "LangGraph, NORMAL", 15.0),
    ("ours, commit/step, NORMAL", "DBOS", None),
    ("ours, commit/step, NORMAL", "raw, commit/step, NORMAL", 0.6),
    ("ours, groups of 64, NORMAL", "raw, commit/step, NORMAL", 2.0),
)


def main() -> int:
    """Measure and print JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--only-peers", action="store_true", help="only what is compared with a peer")
    parser.add_argument("--one", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(CONTENDERS[options.one](options.steps, Path(folder))))
        return 0
    names = [*RAW, *OURS, *(name for name, (_, installed) in PEERS.items() if installed)]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(options.rounds):
        for name in names:
            found[name].append(_one(sys.executable, name, options.steps))
    for ours, other, goal in RATIOS:
        peer = f"{other} ({PEERS[other][1]})" if other in PEERS else f"{other} (SQLite {sqlite3.sqlite_version})"
        if other in found:
            compared(f"program, {ours}", peer, "step", _samples(found[ours]), _samples(found[other]), goal=goal)
        else:
            absent(f"program, {ours}", PEERS[other][0])
    if options.only_peers:
        return 0
    for name, rounds in found.items():
        keys = rounds[0].keys()
        print(json.dumps({"what": name, **{key: round(statistics.median(r[key] for r in rounds), 1) for key in keys}}))
    for name in ("resume", "stable state", "verify"):
        print(json.dumps({"what": name, **_one(sys.executable, name, options.steps)}))
    print(json.dumps(_flushes()))
    for found in _starts():
        print(json.dumps(found))
    return 0


def _one(python: str, name: str, steps: int, *wrap: str) -> dict[str, float]:
    command = [*wrap, python, __file__, "--one", name, "--steps", str(steps)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _samples(rounds: list[dict[str, float]]) -> list[Sample]:
    return [Sample(1 / one["steps_s"], one["cpu_us"] / 1e6) for one in rounds]


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 2), "min": round(min(values), 2), "max": round(max(values), 2)}


def _timed(steps: int, work: Callable[[], None], first: float, size: Callable[[], int]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"steps_s": steps / wall, "cpu_us": cpu / steps * 1e6, "bytes": size() / steps, "start_ms": first * 1e3}


def _program(steps: int) -> Any:
    from harness.dsl.analysis.load import load_source

    text = f"""agent_loop B {{ budget {{ steps: 10000000 }} let i = 0 let last = ""
        repeat {steps} {{ step s {{ i = i + 1 last = "{TEXT}" }} }} }}"""
    return load_source(text, path="bench")


def _ours(steps: int, folder: Path, group: int, durability: str) -> dict[str, float]:
    from harness.dsl.machine.session import Session
    from harness.dsl.machine.settings import RunSettings

    settings = RunSettings.from_wire({"group": group, "durability": durability})
    session = Session.start(_program(steps), folder / "run", settings=settings)
    first = time.perf_counter() - BORN

    def size() -> int:
        session.close()
        return (folder / "run/log.db").stat().st_size

    return _timed(steps, lambda: _must(session.run().passed), first, size)


def _raw(steps: int, folder: Path, synchronous: str) -> dict[str, float]:
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, i INTEGER, last TEXT)")

    def work() -> None:
        for i in range(steps):
            connection.execute("INSERT INTO events (i, last) VALUES (?, ?)", (i + 1, TEXT))

    def size() -> int:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return (folder / "raw.db").stat().st_size

    return _timed(steps, work, time.perf_counter() - BORN, size)


def _langgraph(steps: int, folder: Path, synchronous: str) -> dict[str, float]:
    import sqlite3
    from typing import TypedDict

    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph import END, START, StateGraph

    class State(TypedDict):
        i: int
        last: str

    graph = StateGraph(State)
    graph.add_node("n", lambda state: {"i": state["i"] + 1, "last": TEXT})
    graph.add_edge(START, "n")
    graph.add_conditional_edges("n", lambda state: "n" if state["i"] < steps else END, {"n": "n", END: END})
    connection = sqlite3.connect(folder / "lg.db", check_same_thread=False)
    saver = SqliteSaver(connection)
    saver.setup()
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    app = graph.compile(checkpointer=saver)
    settings: Any = {"configurable": {"thread_id": "1"}, "recursion_limit": steps + 50}
    first = time.perf_counter() - BORN

    def size() -> int:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return (folder / "lg.db").stat().st_size

    work = lambda: _must(app.invoke({"i": 0, "last": ""}, settings, durability="sync")["i"] == steps)  # noqa: E731
    return _timed(steps, work, first, size)


def _dbos(steps: int, folder: Path) -> dict[str, float]:
    from dbos import DBOS

    database = folder / "dbos.sqlite"
    DBOS(config={"name": "bench", "system_database_url": f"sqlite:///{database}", "log_level": "ERROR"})

    @DBOS.step()
    def one(i: int) -> dict[str, Any]:
        return {"i": i + 1, "last": TEXT}

    @DBOS.workflow()
    def all_of_them() -> int:
        i = 0
        while i < steps:
            i = one(i)["i"]
        return i

    DBOS.launch()
    first = time.perf_counter() - BORN
    try:
        return _timed(steps, lambda: _must(all_of_them() == steps), first, lambda: database.stat().st_size)
    finally:
        DBOS.destroy()


def _resume(steps: int, folder: Path) -> dict[str, float]:
    from harness.dsl.machine.session import Session
    from harness.dsl.machine.settings import RunSettings

    Session.start(_program(steps), folder / "run", settings=RunSettings()).close()
    with Session.resume(folder / "run") as session:
        session.run()
    times = []
    for _ in range(9):
        started = time.perf_counter()
        with Session.resume(folder / "run") as session:
            times.append((time.perf_counter() - started) * 1e3)
            _must(session.outcome.passed)
    return {"steps": steps, "best_ms": round(min(times), 2), "median_ms": round(statistics.median(times), 2)}


def _stable(steps: int, folder: Path) -> dict[str, float]:
    from harness.dsl.analysis.load import load_source
    from harness.dsl.machine.session import Session
    from harness.dsl.machine.settings import RunSettings

    text = """agent_loop B { let i = 0 step r: tool.read { path: "big" output_var: big }
        repeat 100 { step s { i = i + 1 } } }"""
    with Session.start(load_source(text), folder / "run", settings=RunSettings(live=True)) as session:
        noise = "".join(chr(33 + (i * i + i // 7) % 90) for i in range(100_000))
        session.handler.folder.write("big", noise.encode())
        _must(session.run().passed)
    del steps
    return {"steps": 100, "bytes_per_step": round((folder / "run/log.db").stat().st_size / 100)}


def _verify(steps: int, folder: Path) -> dict[str, float]:
    from harness.dsl.eventlog.logfile import LogFile
    from harness.dsl.machine.session import Session
    from harness.dsl.machine.settings import RunSettings
    from harness.dsl.machine.verify import verify

    many = max(steps, 50_000)
    with Session.start(_program(many), folder / "run", settings=RunSettings()) as session:
        session.run()
    with LogFile(folder / "run/log.db", read_only=True) as file:
        cpu = time.process_time()
        found = verify(file)
        cpu = time.process_time() - cpu
    _must(not found.problems)
    return {"events": found.events, "events_s_cpu": round(found.events / cpu)}


def _effects(steps: int, folder: Path) -> dict[str, float]:
    from harness.dsl.analysis.load import load_source
    from harness.dsl.machine.session import Session
    from harness.dsl.machine.settings import RunSettings

    text = f"agent_loop B {{ repeat {steps} {{ step s {{ tool.random {{ low: 1 high: 9 output_var: x }} }} }} }}"
    with Session.start(load_source(text), folder / "run", settings=RunSettings.from_wire({"durability": "power"})) as s:
        _must(s.run().passed)
    return {"effects": steps}


def _flushes() -> dict[str, Any]:
    """Flushes of a run with many effects at level `power`, less those of a run with few."""
    strace = shutil.which("strace")
    if strace is None:
        return {"what": "flushes per effect at power", "value": None, "why": "no strace here"}
    counts = []
    for steps in (20, 220):
        with tempfile.NamedTemporaryFile() as report:
            _one(sys.executable, "effects", steps, strace, "-f", "-c", "-e", "trace=fsync,fdatasync", "-o", report.name)
            rows = [line.split() for line in Path(report.name).read_text().splitlines()]
            counts.append(sum(int(row[3]) for row in rows if row and row[-1] in ("fsync", "fdatasync")))
    return {"what": "flushes per effect at power", "goal": 1.1, "value": round((counts[1] - counts[0]) / 200, 3)}


_FIRST = """
import sys, time
def first():
    print(time.process_time() * 1e3, (time.time() - float(sys.argv[1])) * 1e3, file=sys.stderr)
"""
_STARTS = {
    "an interpreter": _FIRST + "first()",
    "a first row of raw SQLite": _FIRST
    + """
import hashlib, sqlite3
connection = sqlite3.connect(sys.argv[2] + ".db", isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, i INTEGER)")
connection.execute("INSERT INTO events (i) VALUES (1)")
first()
""",
    "`crucible dsl run` to its first step": _FIRST
    + """
from harness.cli import main
from harness.dsl.eventlog.runlog import RunLog
append, seen = RunLog.append, []
def watched(self, body, **more):
    append(self, body, **more)
    if b'"ran"' in body and not seen:
        seen.append(first())
RunLog.append = watched
sys.exit(main(["dsl", "run", sys.argv[3], "--state", sys.argv[2], "--quiet"]))
""",
}


def _starts(rounds: int = 11) -> list[dict[str, Any]]:
    """CPU and wall milliseconds of a process until its first step; byte code and the checked program are cached."""
    found: dict[str, list[list[float]]] = {name: [] for name in _STARTS}
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "first.spak"
        program.write_text("agent_loop B { let i = 0 repeat 9 { step s { i = i + 1 } } }")
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "XDG_CACHE_HOME": folder}
        # Where byte code is not written, each changed module is compiled at each start.
        environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
        for number in range(rounds + 1):
            for name, code in _STARTS.items():
                state = str(Path(folder) / f"{len(found[name])}-{number}-{name[:3]}")
                command = [sys.executable, "-c", code, str(time.time()), state, str(program)]
                done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
                if number:  # the first round fills the caches
                    found[name].append([float(word) for word in done.stderr.split()])
    return [
        {
            "what": f"process start: {name}",
            "cpu_ms": _spread([r[0] for r in runs]),
            "wall_ms": _spread([r[1] for r in runs]),
        }
        for name, runs in found.items()
    ]


def _must(held: bool) -> None:
    if not held:
        raise SystemExit("the work was not done")


CONTENDERS: dict[str, Callable[[int, Path], dict[str, float]]] = {
    **{name: lambda n, d, a=args: _ours(n, d, *a) for name, args in OURS.items()},  # type: ignore[misc]
    **{name: lambda n, d, s=level: _raw(n, d, s) for name, level in RAW.items()},  # type: ignore[misc]
    "LangGraph, NORMAL": lambda n, d: _langgraph(n, d, "NORMAL"),
    "LangGraph, FULL": lambda n, d: _langgraph(n, d, "FULL"),
    "DBOS": _dbos,
    "resume": _resume,
    "stable state": _stable,
    "verify": _verify,
    "effects": _effects,
}

if __name__ == "__main__":
    sys.exit(main())
