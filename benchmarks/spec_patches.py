"""Scored patches per second: one grammar, many patches, one megabyte of samples, one core.

Each patch is applied to the values of the grammar, then linted and compiled; the new grammar reads all samples and is
scored. That is the work per candidate of a search over patches. Nine of ten patches keep the framing, as most proposals
do; every tenth changes it, and its grammar reads the samples from the beginning.

    python benchmarks/spec_patches.py [--patches 1000] [--megabytes 1]
"""

from __future__ import annotations

import argparse
import random
import struct
import time
from pathlib import Path
from typing import Any

from harness.core.document import read_text
from harness.grammar.editing.frozen import freeze
from harness.grammar.engine.limits import DEFAULT
from harness.grammar.language.lint import lint_value
from harness.grammar.measurement import Samples, measure
from harness.grammar.patch import InsertField, Operation, Patch, SetEndian, SetProperty, UpdateField, apply_patch

GRAMMAR = """
endian: little
types:
  Record:
    fields:
      - {name: kind, type: u8}
      - {name: size, type: u16}
      - {name: body, type: bytes, length: size, switch: {by: kind, cases: {1: Point, 2: Text, 3: Blob}}}
  Point:
    fields: [{name: x, type: u32}, {name: y, type: u32}, {name: z, type: u32}]
  Text:
    fields: [{name: text, type: string, length: rest, encoding: ascii}]
  Blob:
    fields: [{name: data, type: bytes, length: rest}]
"""


def sample(size: int) -> bytes:
    """Tagged records of three kinds."""
    rng, made, total = random.Random(1), [], 0
    while total < size:
        kind = rng.choices((1, 2, 3), (6, 3, 1))[0]
        if kind == 1:
            body = struct.pack("<III", rng.randrange(1000), rng.randrange(1000), rng.getrandbits(32))
        elif kind == 2:
            body = f"message {rng.randrange(10**6)}".encode()
        else:
            body = rng.randbytes(rng.randrange(5, 40))
        made.append(struct.pack("<BH", kind, len(body)) + body)
        total += len(made[-1])
    return b"".join(made)


def patches(count: int) -> list[Patch]:
    """Small changes such as a search proposes: types, byte orders, checks, names; every tenth changes the framing."""
    rng, made = random.Random(2), []
    for i in range(count):
        point = ("types", "Point", "fields", rng.randrange(3))
        choices: list[Operation] = [
            SetEndian(point, rng.choice(("big", "little"))),
            UpdateField(point, {"type": rng.choice(("u32", "i32", "f32"))}),
            UpdateField(point, {"validate": {"min": 0}, "doc": f"number {i}"}),
            UpdateField(point, {"name": f"n{i}"}),
            SetProperty(("types", "Text", "doc"), f"text {i}"),
        ]
        if i % 10 == 9:
            op: Operation = InsertField(("types", "Record"), 0, {"name": f"extra{i}", "type": "u8"})
        else:
            op = rng.choice(choices)
        made.append(Patch((op,), f"patch {i}"))
    return made


def main() -> None:
    """Measure, and print patches per second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patches", type=int, default=1000)
    parser.add_argument("--megabytes", type=float, default=1.0)
    args = parser.parse_args()
    samples = Samples.of({"sample": sample(int(args.megabytes * 1e6))})
    base: Any = freeze(read_text(GRAMMAR, Path("grammar")).value)
    first = lint_value(base).grammar
    if first is None:
        raise SystemExit("the grammar of this benchmark is invalid")
    began = time.process_time()
    measure(first, samples, limits=DEFAULT)
    print(f"first reading: {1000 * (time.process_time() - began):.0f} ms of CPU")
    cpu, wall, scored = time.process_time(), time.perf_counter(), []
    engines: dict[str, int] = {}
    for patch in patches(args.patches):
        grammar = lint_value(apply_patch(patch, base).document).grammar
        if grammar is None:
            continue
        found = measure(grammar, samples, limits=DEFAULT)
        scored.append(found.explanation.score)
        for tally in found.tallies.values():
            engines[tally.engine] = engines.get(tally.engine, 0) + 1
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(
        f"{len(scored)} patches scored over {args.megabytes:g} MB: {len(scored) / cpu:.0f}/s of CPU, "
        f"{len(scored) / wall:.0f}/s wall; scores {min(scored):.3f} to {max(scored):.3f}; engines {engines}"
    )


if __name__ == "__main__":
    main()
