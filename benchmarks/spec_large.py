"""CPU time of large files: the first screen of `hex` and `parse`, the score of columnar records, and writing a file.

    python benchmarks/spec_large.py [--gigabytes 1] [--megabytes 100] [--rounds 3]

The first screens are of a sparse file, each in a new process; the start of Python and of the verb is measured by the
same verb on a small file. The score is of records of 16 bytes (`Samples.of` and `measure`); the
columns themselves are views of the file. Writing changes one value of a tar archive (`build`), next to one `parse` of
it: `build` parses the archive before and after the change.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from harness.grammar import build, lint_text
from harness.grammar.engine.limits import Limits
from harness.grammar.engine.parser import parse
from harness.grammar.language.grammar import Grammar

GRAMMARS = Path(__file__).resolve().parents[1] / "specs" / "grammars"
RECORDS = """
endian: little
types:
  R:
    fields:
      - {name: time, type: u32}
      - {name: kind, type: u16, validate: {max: 9}}
      - {name: level, type: u16}
      - {name: value, type: f64}
"""
LIMITS = Limits(seconds=600, records=1 << 40, items=1 << 40, steps=1 << 50)


def linted(text: str) -> Grammar:
    found = lint_text(text)
    assert found.grammar is not None, found.errors
    return found.grammar


def child_cpu(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_screens(folder: Path, size: int, rounds: int) -> None:
    grammar, files = folder / "records.yaml", (folder / "small", folder / "large")
    grammar.write_text(RECORDS)
    for path, length in zip(files, (4096, size), strict=True):
        with path.open("wb") as file:
            file.write(bytes(4096))
            file.truncate(length)
    for verb, more in (("hex", ["--limit", "512"]), ("parse", ["--depth", "1"])):
        costs = [
            min(
                child_cpu([sys.executable, "-m", "harness", "spec", verb, str(grammar), str(path), *more])
                for _ in range(rounds)
            )
            for path in files
        ]
        print(f"first screen of {verb}: {costs[1]:.2f} s CPU on {size >> 20} MiB, {costs[0]:.2f} s on 4 KiB")


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def score(size: int, rounds: int) -> None:
    from harness.grammar.measurement import Samples, measure

    rng, record = random.Random(1), struct.Struct("<IHHd")
    block = b"".join(record.pack(i, rng.randrange(10), rng.randrange(300), rng.random()) for i in range(65_536))
    data, grammar, best = block * (size // len(block)), linted(RECORDS), float("inf")
    import numpy  # noqa: F401 - so that it is part of the memory before

    before = peak_bytes()
    for _ in range(rounds):
        began = time.process_time()
        measure(grammar, Samples.of({"records": data}), limits=LIMITS)
        best = min(best, time.process_time() - began)
    more, megabytes = peak_bytes() - before, len(data) / 1e6
    print(
        f"score: {megabytes / best:.0f} MB/s CPU for {megabytes:.0f} MB of 16-byte records, "
        f"peak {more / 1e6:.0f} MB above the process with the file in memory"
    )


def write(rounds: int) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as made:
        for i in range(400):
            entry = tarfile.TarInfo(f"file{i}")
            entry.size = 3000
            made.addfile(entry, io.BytesIO(bytes([i % 256]) * 3000))
    data, grammar, costs = out.getvalue(), linted((GRAMMARS / "tar.yaml").read_text()), [float("inf")] * 2
    for _ in range(rounds):
        began = time.process_time()
        parse(grammar, data)
        middle = time.process_time()
        build(grammar, data, {"entries[7].data": b"other bytes"})
        costs = [min(costs[0], middle - began), min(costs[1], time.process_time() - middle)]
    print(f"build: {costs[0] / costs[1]:.2f} of the rate of parse ({costs[1]:.3f} s, {costs[0]:.3f} s CPU)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--megabytes", type=float, default=100.0)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        first_screens(Path(folder), int(args.gigabytes * (1 << 30)), args.rounds)
    score(int(args.megabytes * 1e6), args.rounds)
    write(args.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
