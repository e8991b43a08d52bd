"""Search for inputs that break a reader of bytes from outside.

    make fuzz S=600                                          # all targets, for ten minutes
    python -m tests.fuzz --seconds 60 --target gate          # one target
    python -m tests.fuzz --target gate --input FILE          # one input: what `make fuzz` prints for a failure
    python -m tests.fuzz --target killed_run --executions 10000  # so many inputs, however long it takes
    python -m tests.fuzz --target gate --seconds 60 --guided # guided by coverage (pip install 'pytest-crucible[bench]')

Each target runs in a process of its own, so that one that dies is found as well. A failing input is made smaller and
written to `reports/fuzz/`; the exit status is then 1. Move it to `tests/fuzz/corpus/TARGET/`, where the tests read it.
"""

from __future__ import annotations

import argparse
import json
import math
import mmap
import os
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.core.digest import digest_bytes
from tests.fuzz.mutation import MAX_BYTES, Mutator
from tests.fuzz.target import ROOT, CpuLimit, Target
from tests.fuzz.targets import OPEN, TARGETS

FOUND = ROOT / "reports" / "fuzz"
MEMORY = 6 << 30  # bytes of address space of a target's process
HANG_SECONDS = 60  # of CPU beyond the time of a target: code that no signal interrupts
SHRINK_SECONDS = 5.0
CHOICES = 32  # bytes of an input where no input is stored
MAX_KEPT = 3000  # inputs that a search adds to its corpus
MAX_FAILURES = 20  # different failures of one target


def main() -> int:
    """Search all targets, or run one input."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of all targets together (default 60)")
    parser.add_argument("--executions", type=int, help="of each target, in place of a time")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="only this one (repeatable)")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="targets at the same time")
    parser.add_argument("--seed", type=int, default=None, help="of the mutations (default: random)")
    parser.add_argument("--input", type=Path, help="run this input of the one target")
    parser.add_argument("--guided", action="store_true", help="let atheris search the one target, by coverage")
    options = parser.parse_args()
    chosen = [TARGETS[name] for name in options.target or sorted(TARGETS)]
    if (options.input or options.guided) and len(chosen) != 1:
        parser.error("--input and --guided need one --target")
    if options.input:
        with OPEN:
            print(chosen[0].run(options.input.read_bytes()))
        return 0
    if options.guided:
        return _guided(chosen[0], options.seconds)
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    count = options.executions
    length = f"{options.seconds:g} s" if count is None else f"{count} executions of each"
    print(f"seed {seed}, {len(chosen)} targets, {length}", flush=True)
    share = math.inf if count else options.seconds * min(options.jobs, len(chosen)) / len(chosen)
    failed = sum(map(_report, _searches(chosen, share, seed, jobs=options.jobs, count=count)))
    print(f"{failed} failures" + (f", see {FOUND.relative_to(ROOT)}/" if failed else ""))
    return 1 if failed else 0


class _Searched:
    """One target while it is searched, by one process after the other if they die."""

    def __init__(self, target: Target, seconds: float, seed: int, count: int | None) -> None:
        self.target, self.seed, self.turn, self.count = target, seed, 0, count
        self.seconds, self.until = seconds, time.monotonic() + seconds
        self.current = mmap.mmap(-1, MAX_BYTES + 8)
        self.executions, self.cpu_s, self.kept = 0, 0.0, 0
        self.failures: dict[str, tuple[bytes, str]] = {}

    def start(self) -> int:
        """Start a process; its result is in `current` of the parent when it has ended."""
        self.result = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process has ended
        seconds, seed = max(self.until - time.monotonic(), 0.1), f"{self.seed}:{self.target.name}:{self.turn}"
        child = os.fork()
        if child:
            return child
        status = 70
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
            if self.count is None:
                limit = int(seconds * 2) + HANG_SECONDS
                resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
            found = _search(self.target, seconds, seed, self.current, count=self.count)
            self.result.write(json.dumps(found).encode())
            self.result.flush()
            OPEN.close()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def ended(self, status: int) -> bool:
        """Take the result of a process; whether the search of this target is over."""
        if status == 0:
            self.result.seek(0)
            found = json.loads(self.result.read())
            self.executions, self.cpu_s, self.kept = found["executions"], found["cpu_s"], found["kept"]
            for key, (text, why) in found["failures"].items():
                self.failures.setdefault(key, (bytes.fromhex(text), why))
        else:
            size = int.from_bytes(self.current[:8], "little")
            how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"
            self.failures.setdefault(how, (self.current[8 : 8 + size], f"the process died: {how}"))
            self.turn += 1
        self.result.close()
        return status == 0 or time.monotonic() > self.until or self.turn >= MAX_FAILURES


def _searches(targets: list[Target], seconds: float, seed: int, *, jobs: int, count: int | None) -> Iterator[_Searched]:
    """Search the targets, so many at a time; each is yielded when its search is over."""
    waiting, running = list(reversed(targets)), dict[int, _Searched]()
    while waiting or running:
        while waiting and len(running) < jobs:
            made = _Searched(waiting.pop(), seconds, seed, count)
            running[made.start()] = made
        process, status = os.wait()
        if (found := running.pop(process, None)) is None:
            continue
        if found.ended(status):
            yield found
        else:
            running[found.start()] = found


def _report(found: _Searched) -> int:
    """Print a line for the target and two for each failure, whose input is written; how many failures there are."""
    rate = found.executions / found.cpu_s if found.cpu_s else 0.0
    name, count = found.target.name, len(found.failures)
    print(
        f"{name:20} {found.executions:>9,} executions {rate:>8,.0f}/s of CPU {found.kept:>5} kept {count:>3} failures"
    )
    for data, why in found.failures.values():
        path = FOUND / name / digest_bytes(data)[:12]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"  {why}\n  python -m tests.fuzz --target {name} --input {path.relative_to(ROOT)}")
    sys.stdout.flush()
    return count


def _search(target: Target, seconds: float, seed: str, current: mmap.mmap, *, count: int | None) -> dict[str, Any]:
    warnings.simplefilter("ignore")  # Python's own, about the strings of candidates
    chance = random.Random(seed)
    corpus = [path.read_bytes() for path in target.corpus] or [b""]
    corpus = [data for data in corpus if len(data) <= MAX_BYTES] or [b""]
    mutator = Mutator(corpus, chance)
    make = mutator.make if target.corpus else lambda: chance.randbytes(CHOICES)  # a program of a grammar
    known: set[str] = set()
    failures: dict[str, tuple[str, str]] = {}
    until = time.monotonic() + seconds
    began, executions, kept = time.process_time(), 0, 0
    waiting = list(corpus)
    while len(failures) < MAX_FAILURES and (
        executions < count if count is not None else time.monotonic() < until or waiting
    ):
        data = waiting.pop() if waiting else make()
        current[:8] = len(data).to_bytes(8, "little")
        current[8 : 8 + len(data)] = data
        executions += 1
        key, why = _outcome(target, data)
        if why:
            if key not in failures:
                small = _shrink(data, lambda tried, key=key: _outcome(target, tried)[0] == key)
                failures[key] = small.hex(), why
        elif key not in known and len(known) < MAX_KEPT:
            known.add(key)
            if executions > len(corpus):
                corpus.append(data)
                kept += 1
    return {"executions": executions, "cpu_s": time.process_time() - began, "kept": kept, "failures": failures}


def _outcome(target: Target, data: bytes) -> tuple[str, str]:
    """A key of what came of an input, and for a failure why."""
    try:
        return target.run(data), ""
    except (Exception, CpuLimit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        frames = [frame for frame in frames if "/harness/" in frame.filename or "/tests/" in frame.filename]
        last = frames[-1] if frames else None
        where = f"{Path(last.filename).name}:{last.lineno} {last.name}" if last else ""
        key = (
            type(error).__name__ if isinstance(error, CpuLimit | RecursionError) else f"{type(error).__name__} {where}"
        )
        return key, f"{type(error).__name__} at {where}: {str(error)[:300]}"


def _shrink(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """A smaller input that fails in the same way, by leaving out lines, then ever shorter pieces."""
    until = time.monotonic() + SHRINK_SECONDS
    size = max(1, len(data) // 2)
    while size and time.monotonic() < until:
        at = 0
        while at < len(data) and time.monotonic() < until:
            tried = data[:at] + data[at + size :]
            if fails(tried):
                data = tried
            else:
                at += size
        size //= 2
    return data


def _guided(target: Target, seconds: float) -> int:
    """Let atheris search; it ends the process, and writes the input itself."""
    import atheris

    FOUND.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="corpus-", dir=FOUND))
    for path in target.corpus:
        data = path.read_bytes()
        (folder / digest_bytes(data)[:12]).write_bytes(data)
    with atheris.instrument_imports(include=["harness"]):
        target.run(target.corpus[0].read_bytes())
    prefix = f"-artifact_prefix={FOUND}/{target.name}-"
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={seconds:.0f}", prefix, str(folder)], lambda data: target.run(data) and None
    )
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
