"""Kill a run with SIGKILL at every write, many times: each resumed run has the same head and reports repeated effects.

    python benchmarks/dsl_kill.py [--times 20]

A process runs a program with pure, idempotent and once-only effects, parallel branches, a sub-program and a question,
and kills itself before, inside or after its k-th commit; another process resumes it until the end. Every effect
appends a line to a file outside the log, so the real effects are known.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.dsl.analysis.load import load_source
from harness.dsl.machine.run_files import LOG
from harness.dsl.machine.session import Session
from harness.dsl.machine.settings import RunSettings
from tests.script_provider import ScriptProvider

PROGRAM = """
task Helper { input n: int  step twice { let m = n * 2 }  return m }
task Main {
    let i = 0
    repeat 4 { step work { i = i + 1 tool.write { path: "f{{i}}" content: "{{i}}" } } }
    parallel {
        branch a { step ra: tool.read { path: "f1" output_var: x } }
        branch b { step rb: tool.run { cmd: ["echo", "once"] output_var: y } }
    }
    run Helper { n: i } -> twice
    step ask: llm.query { prompt: "{{x}} {{y}}?" answer: int output_var: z }
    step pay: tool.run { cmd: ["echo", "paid"] output_var: paid }
    success: twice == 8 z == 7 paid == "paid"
}
"""


def main() -> int:
    """Kill, resume, compare; print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    program = load_source(PROGRAM, path="kill.spak", entry="Main")
    started, base = time.monotonic(), Path(tempfile.mkdtemp())
    try:
        writes: list[str] = []
        head, _ = _run(program, base / "undisturbed", probe=writes.append)
        heads: Counter[str] = Counter()
        kills = unnoticed = noticed = 0
        for time_number in range(options.times):
            for point in range(1, len(writes) + 1):
                folder = base / f"{time_number}-{point}"
                kills += _child(program, folder, kill_at=point) == -signal.SIGKILL
                while _child(program, folder, kill_at=0) != 0:
                    kills += 1
                found = json.loads((folder / "outcome.json").read_text())
                heads[found["head"]] += 1
                keys = (folder / "effects").read_text().split()
                repeated = len(keys) - len(set(keys))
                noticed += found["noticed"]
                unnoticed += max(0, repeated - found["noticed"])
                shutil.rmtree(folder)
    finally:
        shutil.rmtree(base)
    print(
        json.dumps(
            {
                "points": len(writes), "times": options.times, "kills": kills, "same_head": heads[head],
                "other_heads": sum(heads.values()) - heads[head], "repeated_noticed": noticed,
                "repeated_unnoticed": unnoticed, "seconds": round(time.monotonic() - started, 1),
            }
        )
    )  # fmt: skip
    return 0 if set(heads) == {head} and not unnoticed else 1


def _child(program, folder: Path, *, kill_at: int) -> int:
    pid = os.fork()
    if pid == 0:
        left = [kill_at]

        def probe(_point: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        status = 1
        try:
            head, noticed = _run(program, folder, probe=probe)
            (folder / "outcome.json").write_text(json.dumps({"head": head, "noticed": noticed}))
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _run(program, folder: Path, *, probe) -> tuple[str, int]:
    more = {"provider": ScriptProvider(in_order=["7"]), "probe": probe}
    begun = False
    if (folder / LOG).exists():
        from harness.dsl.eventlog.fault import LogError

        try:
            session = Session.resume(folder, **more)
            begun = True
        except LogError:  # killed before anything was committed: there is no run yet
            shutil.rmtree(folder)
    if not begun:
        session = Session.start(program, folder, settings=RunSettings(live=True), **more)
    with session:
        perform, effects = session.handler.perform, os.open(folder / "effects", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def watched(request):
            os.write(effects, f"{request.key}\n".encode())
            return perform(request)

        session.handler.perform = watched
        outcome = session.run()
        while outcome.in_doubt:
            for key in outcome.in_doubt:
                session.resolve(key, "repeat")
            outcome = session.run()
        if not outcome.passed:
            raise SystemExit(outcome.why)
        return outcome.head, outcome.repeated + len(session.settings.resolutions)


if __name__ == "__main__":
    sys.exit(main())
