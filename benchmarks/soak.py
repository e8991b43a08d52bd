"""Judge a trivial tool for a long time while processes are killed and stopped: nothing is lost, doubled or left behind.

    python benchmarks/soak.py [--minutes 30] [--evaluations 100000] [--kills 200] [--seed S]

Two programs write one ledger. The first is a `JudgePool` that lives the whole time; it judges until both `--minutes`
and `--evaluations` are reached. The second is pytest with two xdist workers, on small suites, again and again. In turn
a controller, xdist worker, judge, oracle process, root zygote, zygote or box is killed (SIGKILL), chosen at
random among those that live, and now and then all of a program's are stopped for a second, as by `docker pause`.

At the end: the ledger is whole (SQLite's integrity and foreign keys, no journal, no run that is still running), each
verdict that was reported is in it, once; a wrong candidate is never `ok`; memory and descriptors of the first program
have not grown in its second half; no process, cgroup or temporary folder remains. The last line is JSON; the exit
status is 1 if anything of this does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAUSED = 20  # one in so many is stopped for a second, not killed
TOOL = """tool_id: double
description: Twice a number.
signature: "def double(n: int) -> int"
test_cases:
  - {input: {n: 2}, expected_output: 4}
"""
ORACLE = """from hypothesis import strategies as st


def reference(n):
    return 2 * n


def inputs():
    return st.integers(0, 9999).map(lambda n: {"n": n})
"""
GOOD = "def double(n: int) -> int:\n    return n + n\n"
WRONG = "def double(n: int) -> int:\n    return n + 2\n"
BAD = (
    "import os\n\n\ndef double(n: int) -> int:\n    os._exit(3)\n",
    "def double(n: int) -> int:\n    raise ValueError(n)\n",
    "def double(n: int) -> int:\n    return bytes(1 << 29)\n",
    "raise SystemExit(1)\n",
)
SUITE = "lane: toolgen\ntool: ../tool\ncandidates: candidates/*.py\ntiming: none\nattempts: 1\njitter_ms: [0, 0]\n"
CONFTEST = """import os


def pytest_configure(config):
    open(os.environ["SOAK_REPORTED"], "a").close()


def crucible_evaluated(evaluation):
    with open(os.environ["SOAK_REPORTED"], "a") as file:
        file.write(f"{evaluation.case.subject.digest} {evaluation.status}\\n")
"""
IN_FLIGHT = 256
BATCH = 100  # candidates of a suite
SLACK_KB, SLACK_DESCRIPTORS = 8 << 10, 16
VICTIMS = ("controller", "worker", "judge", "oracle", "root", "zygote", "box")


def source(name: str, number: int) -> str:
    """The candidate of a number: one in 50 is wrong, one in 50 ends or fails."""
    if number % 50 == 7:
        return f"{WRONG}# {name} {number}\n"
    return f"{BAD[number // 50 % len(BAD)] if number % 50 == 31 else GOOD}# {name} {number}\n"


# The first program


def judge_forever(folder: Path, minutes: float, evaluations: int) -> None:
    """Judge until both limits are reached, and write each verdict to `reported-pool`."""
    from harness import JudgePool
    from harness.judge import remembered

    remembered.MAX_BYTES = 8 << 20  # of verdicts: also a short run shows what grows
    started, submitted, waiting = time.monotonic(), 0, []
    reported = (folder / "reported-pool").open("a", buffering=1)
    with JudgePool(
        folder / "tool", ledger=folder / "ledger.db", attempts=1, timing="none", questions=4, jitter_ms=(0, 0)
    ) as pool:
        while submitted < evaluations or time.monotonic() - started < 60 * minutes:
            waiting.append(pool.submit(source("pool", submitted)))
            submitted += 1
            if len(waiting) >= IN_FLIGHT:
                verdict = waiting.pop(0).result()
                reported.write(f"{verdict.evaluation.case.subject.digest} {verdict.status}\n")
            if submitted % 1000 == 0:
                print(json.dumps({"submitted": submitted, **measure()}), flush=True)
        for found in waiting:
            verdict = found.result()
            reported.write(f"{verdict.evaluation.case.subject.digest} {verdict.status}\n")
    print(json.dumps({"submitted": submitted, "is_over": True, **measure()}), flush=True)


def measure() -> dict[str, int]:
    """What could grow in this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    resident = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    return {"resident_kb": resident, "descriptors": len(os.listdir("/proc/self/fd"))}


# Who is killed


def children(pid: int) -> list[int]:
    """The child processes of a process, of all its threads."""
    found: list[int] = []
    try:
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, path.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        pass
    return found


def identity(pid: int) -> str:
    """What tells a process from a later one of the same number; empty if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in (b"Z", b"X") else f"{pid}:{fields[19].decode()}"


def kinds(pid: int, kind: str) -> dict[int, str]:
    """The processes of a tree with what they are."""
    found = {pid: kind}
    for child in children(pid):
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"zygote.hide_origin" in command:
            below = {"root": "zygote", "zygote": "box"}.get(kind, "root")
        elif b"harness.judge.judge_process" in command:
            below = "judge"
        elif b"oracle_process" in command:
            below = "oracle"
        elif b"sys.stdin.readline" in command:
            below = "worker"
        else:
            below = "other"
        found |= kinds(child, below)
    return found


# The second program


class Sessions:
    """Pytest on one suite of new candidates after another; a session that was killed is started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.number, self.finished = folder, 0, Counter[int]()
        self.logged = 0  # where the log of the running session begins
        self.process: subprocess.Popen[bytes] | None = None
        self.is_over = False

    def tend(self) -> None:
        """Start the next session if none runs."""
        if self.process is not None:
            status = self.process.poll()
            if status is None:
                return
            self.finished[status] += 1
            if status >= 0:
                self.number += 1
            if status > 1:
                text = (self.folder / "sessions.log").read_bytes()[self.logged :].decode(errors="replace")
                print(f"a session ended with status {status}:\n{text[-6000:]}", file=sys.stderr)
        if self.is_over:
            self.process = None
            return
        place = self.folder / f"suite-{self.number}"
        if not place.exists():
            (place / "candidates").mkdir(parents=True)
            (place / "double.suite.yaml").write_text(SUITE, encoding="utf-8")
            (place / "conftest.py").write_text(CONFTEST, encoding="utf-8")
            for number in range(BATCH):
                text = source(f"session {self.number}", number)
                (place / "candidates" / f"s{self.number}-{number}.py").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "double.suite.yaml"]
        command += ["--ledger", str(self.folder / "ledger.db"), "--report", "r.html", "--confirm", "0"]
        environment = {**os.environ, "SOAK_REPORTED": str(self.folder / "reported-sessions")}
        with (self.folder / "sessions.log").open("ab") as log:
            self.logged = log.tell()
            self.process = subprocess.Popen(command, cwd=place, env=environment, stdout=log, stderr=log)

    def finish(self) -> None:
        """Let the running session end, and run it again until it is not killed."""
        assert self.process is not None
        while self.process.wait() < 0:
            self.tend()
        self.is_over = True
        self.tend()


def main() -> int:
    """Judge, kill, check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--evaluations", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="of the order and choice of what is killed")
    parser.add_argument("--pool", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.pool:
        judge_forever(options.pool, options.minutes, options.evaluations)
        return 0
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        try:
            return soak(Path(name), options, seed)
        finally:
            # Interrupted: what was started writes into the folder that is removed next.
            for pid in list(kinds(os.getpid(), "")):
                if pid != os.getpid():
                    kill(pid)
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.wait()


def soak(folder: Path, options: argparse.Namespace, seed: int) -> int:
    """Run both programs in a folder, kill what they start, and check what they leave."""
    (folder / "tool").mkdir()
    (folder / "tool" / "tool.yaml").write_text(TOOL, encoding="utf-8")
    (folder / "tool" / "oracle.py").write_text(ORACLE, encoding="utf-8")
    temporary = folder / "tmp"
    temporary.mkdir()
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    os.environ |= {"TMPDIR": str(temporary), "XDG_RUNTIME_DIR": str(runtime), "PYTHONPATH": str(ROOT)}
    random_ = random.Random(seed)
    started = time.monotonic()
    sizes = ["--minutes", str(options.minutes), "--evaluations", str(options.evaluations)]
    with (folder / "pool.log").open("wb") as log:
        pool = subprocess.Popen(
            [sys.executable, __file__, "--pool", str(folder), *sizes], stdout=log, stderr=subprocess.STDOUT
        )
    sessions = Sessions(folder)
    every = 60 * options.minutes / max(1, options.kills * PAUSED / (PAUSED - 1) + 2)
    killed: Counter[str] = Counter()
    seen: set[str] = set()
    due, shown = started + 5, 0.0
    while pool.poll() is None:
        sessions.tend()
        assert sessions.process is not None
        tree = kinds(pool.pid, "pool") | kinds(sessions.process.pid, "controller")
        seen |= {identity(pid) for pid in tree}
        now = time.monotonic()
        if now >= due:
            due = now + every
            present = [kind for kind in VICTIMS if kind in tree.values()]
            wanted = min(present, key=lambda kind: (killed[kind], random_.random()))
            victims = sorted(pid for pid, kind in tree.items() if kind == wanted)
            if sum(killed.values()) % PAUSED == PAUSED - 1:
                pause(random_.choice((pool.pid, sessions.process.pid)))
                killed["paused"] += 1
            else:
                kill(random_.choice(victims))
                killed[wanted] += 1
        if now - shown > 30:
            shown = now
            lines = (folder / "pool.log").read_text(encoding="utf-8").splitlines()
            print(json.dumps({"seconds": round(now - started), "killed": dict(killed), "pool": lines[-1:]}), flush=True)
        time.sleep(0.05)
    sessions.finish()
    found = check(folder, seen)
    result = {
        "seconds": round(time.monotonic() - started),
        "seed": seed,
        "killed": dict(killed),
        "kills": sum(killed.values()) - killed["paused"],
        "sessions": {str(status): count for status, count in sessions.finished.items()},
        "children_cpu_s": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime),
        "pool_exit_status": pool.returncode,
        **found,
    }
    print(json.dumps(result))
    if pool.returncode or found["wrong"]:
        print((folder / "pool.log").read_text(encoding="utf-8")[-3000:], file=sys.stderr)
        print((folder / "sessions.log").read_text(encoding="utf-8")[-3000:], file=sys.stderr)
    return 1 if pool.returncode or found["wrong"] else 0


def kill(pid: int) -> None:
    """End a process at once; it may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def pause(pid: int) -> None:
    """Stop all processes of a tree for a second."""
    tree = list(kinds(pid, ""))
    for signal_ in (signal.SIGSTOP, signal.SIGCONT):
        for one in tree:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal_)
        time.sleep(1.0 if signal_ == signal.SIGSTOP else 0.0)


# What must hold


def check(folder: Path, seen: set[str]) -> dict[str, object]:
    """What was found in the end; `wrong` lists what does not hold."""
    wrong: list[str] = []
    for _ in range(200):
        survivors = [one for one in seen if one and identity(int(one.partition(":")[0])) == one]
        if not survivors:
            break
        time.sleep(0.1)
    if survivors:
        wrong.append(f"processes that survive: {survivors}")
    lines = [json.loads(line) for line in (folder / "pool.log").read_text().splitlines() if line.startswith("{")]
    half, last = lines[max(0, (len(lines) - 1) // 2)], lines[-1]
    if last["resident_kb"] > half["resident_kb"] + SLACK_KB:
        wrong.append(f"memory grew from {half} to {last}")
    if last["descriptors"] > half["descriptors"] + SLACK_DESCRIPTORS:
        wrong.append(f"descriptors grew from {half} to {last}")
    # One more process looks for what killed ones left.
    looking = "from harness.core.owned_folder import OwnedFolder as F; F('soak').remove()\n"
    looking += "from harness.sandbox.cgroup import remove_stale_groups as r; r()"
    subprocess.run([sys.executable, "-c", looking], cwd=ROOT, check=True)
    folders = [path.name for path in (folder / "tmp").iterdir() if path.name.startswith("crucible-")]
    if left := [name for name in folders if name != f"crucible-{os.geteuid()}"]:
        wrong.append(f"temporary folders that remain: {left}")
    groups = {path.name for path in Path("/sys/fs/cgroup").glob("**/crucible-*")}
    ours = {one.partition(":")[0] for one in seen}
    # A number that a living process has is another program's by now, whose groups have the same names.
    owners = {name: name.split("-")[2] for name in groups}
    if left := sorted(name for name, owner in owners.items() if owner in ours and not identity(int(owner))):
        wrong.append(f"cgroups that remain: {left}")
    log = (folder / "sessions.log").read_text(encoding="utf-8", errors="replace")
    errors = re.findall(r"(?:^INTERNALERROR>.*\n)+", log, re.MULTILINE)
    # xdist ends the session where a worker is killed while it starts, before any case has begun.
    wrong += [f"pytest failed by itself: {error}" for error in errors if "in setup_nodes" not in error]
    counts = verify(folder, wrong)
    return {"memory": [half, last], "statuses": counts, "survivors": len(survivors), "wrong": wrong}


def verify(folder: Path, wrong: list[str]) -> dict[str, dict[str, int]]:
    """Compare the ledger with what was reported; count the verdicts on candidates of each kind."""
    from harness.core.digest import digest_bytes
    from harness.ledger.journal import folder_of
    from harness.ledger.store import Ledger

    path = folder / "ledger.db"
    with Ledger.open(path) as ledger:  # brings back what the last killed controller had judged
        damage = [row for row in ledger.rows("PRAGMA integrity_check") if list(row.values()) != ["ok"]]
        damage += ledger.rows("PRAGMA foreign_key_check")
    if damage:
        wrong.append(f"the ledger is damaged: {damage[:3]}")
    if folder_of(path).exists():
        wrong.append(f"journals that remain: {sorted(p.name for p in folder_of(path).iterdir())}")
    with sqlite3.connect(path) as connection:
        running = connection.execute("SELECT count(*) FROM runs WHERE status = 'running'").fetchone()[0]
        rows = connection.execute(
            "SELECT run_id, digest, evaluations.status, command FROM evaluations JOIN runs USING (run_id)"
        ).fetchall()
        infra = Counter(
            why.partition(" while running")[0]
            for (why,) in connection.execute("SELECT why FROM evaluations WHERE status = 'infra'")
        )
    if running:
        wrong.append(f"{running} runs are still running")
    by_run = Counter((run_id, digest) for run_id, digest, _, _ in rows)
    if doubled := [key for key, count in by_run.items() if count > 1]:
        wrong.append(f"{len(doubled)} candidates were recorded twice by one run, such as {doubled[0]}")
    stored = {(digest, status) for _, digest, status, _ in rows}
    for name in ("reported-pool", "reported-sessions"):
        reported = [tuple(line.split(" ")) for line in (folder / name).read_text().splitlines() if line.count(" ") == 1]
        if lost := set(reported) - stored:
            wrong.append(f"{len(lost)} verdicts of {name} are not in the ledger, such as {min(lost)}")
        if name == "reported-pool":
            ours = [digest for _, digest, _, command in rows if not command.startswith("pytest")]
            if sorted(ours) != sorted(digest for digest, _ in reported):
                wrong.append(f"the pool reported {len(reported)} verdicts, the ledger has {len(ours)}")
    wrong_ones = {digest_bytes(text.encode()) for text in wrong_sources(folder)}
    counts = {kind: Counter[str]() for kind in ("wrong", "others")} | {"infra": infra}
    for _, digest, status, _ in rows:
        counts["wrong" if digest in wrong_ones else "others"][status] += 1
    if counts["wrong"]["ok"]:
        wrong.append(f"{counts['wrong']['ok']} wrong candidates are ok")
    return {kind: dict(count) for kind, count in counts.items()}


def wrong_sources(folder: Path) -> list[str]:
    """The wrong candidates of both programs."""
    lines = (folder / "pool.log").read_text().splitlines()
    submitted = max(json.loads(line)["submitted"] for line in lines if line.startswith("{"))
    texts = [source("pool", number) for number in range(submitted) if number % 50 == 7]
    texts += [path.read_text() for path in folder.glob("suite-*/candidates/*.py")]
    return [text for text in texts if text.startswith(WRONG)]


if __name__ == "__main__":
    raise SystemExit(main())
