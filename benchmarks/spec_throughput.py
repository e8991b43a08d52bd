"""CPU time and memory of the grammar engines on three files of 20 MB, next to Kaitai Struct's Python runtime.

    python benchmarks/spec_throughput.py [--megabytes 20] [--rounds 3]
                                         [--only pcap tlv fixed] [--engines records columns …] [--only-peers]

The files are `pcap` (captured packets, bodies as bytes), `tlv` (700,000 tagged records of four kinds) and `fixed`
(records of 20 bytes). Each engine runs in its own process, so that peak memory is measured per engine. CPU seconds are
user + system, the minimum over the rounds; rows hold every round. The reference engine switches the cyclic garbage
collector off while it reads; the second ratio compares with Kaitai without the collector.
Kaitai is measured on the code that its compiler generates (`kaitai_peer.py`), on the runtime of the extra `bench`;
Construct on a declaration of the same records (`construct_peer.py`).
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rows import Sample, absent, compared, version_of

HERE = Path(__file__).resolve().parent

GRAMMARS = {
    "pcap": """
endian: little
framing: {repeat: once}
types:
  Pcap:
    fields:
      - {name: magic, type: u32, validate: {equals: 0xa1b2c3d4}}
      - {name: major, type: u16}
      - {name: minor, type: u16}
      - {name: zone, type: i32}
      - {name: accuracy, type: u32}
      - {name: longest, type: u32}
      - {name: link, type: u32}
      - {name: packets, type: Packet, repeat: rest}
  Packet:
    fields:
      - {name: seconds, type: u32}
      - {name: micros, type: u32}
      - {name: captured, type: u32}
      - {name: original, type: u32}
      - {name: data, type: bytes, length: captured}
""",
    "tlv": """
endian: little
types:
  Record:
    fields:
      - {name: tag, type: u8}
      - {name: size, type: u16}
      - {name: body, type: bytes, length: size, switch: {by: tag, cases: {1: Sample, 2: Series, 3: Message}}}
  Sample:
    fields:
      - {name: id, type: u32}
      - {name: time, type: u32}
      - {name: value, type: u32}
  Series:
    fields:
      - {name: id, type: u32}
      - {name: values, type: u32, repeat: rest}
  Message:
    fields:
      - {name: text, type: string, length: rest, encoding: utf-8}
""",
    "fixed": """
endian: little
types:
  Point:
    fields:
      - {name: id, type: u32}
      - {name: time, type: u32}
      - {name: kind, type: u16}
      - {name: flags, type: u16}
      - {name: x, type: f32}
      - {name: y, type: f32}
""",
}
ENGINES = ("records", "columns", "batches", "tally", "patched")
"""records: the reference engine, which makes an object per value; columns: numpy arrays; batches: the same arrays, one
batch of records at a time; tally: the numbers that scoring uses; patched: the tally of a second grammar with the same
framing."""
PEERS = {"kaitai": "kaitaistruct", "kaitai-nogc": "kaitaistruct", "construct": "construct"}
"""Peers by the name of their engine, and their distributions."""
PATCHES = {
    "pcap": ("{name: seconds, type: u32}", "{name: seconds, type: i32, validate: {min: 0}}"),
    "tlv": ("{name: value, type: u32}", "{name: value, type: i32}"),
    "fixed": ("{name: time, type: u32}", "{name: time, type: i32}"),
}
"""One patch per grammar, of a field that does not change the framing."""


def make(name: str, size: int, path: Path) -> None:
    """Write a file: the same bytes for the same size."""
    dice, out, count = random.Random(7), bytearray(), 0
    if name == "pcap":
        out += struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    while len(out) < size:
        if name == "pcap":
            body = dice.randbytes(46 + dice.randrange(4, 40))
            out += struct.pack("<IIII", 1_700_000_000 + count // 1000, count % 1_000_000, len(body), len(body)) + body
        elif name == "fixed":
            out += struct.pack("<IIHHff", count, dice.getrandbits(32), count % 7, 0, dice.random(), dice.random())
        else:
            tag = dice.choices((1, 2, 3, 9), (60, 20, 15, 5))[0]
            if tag == 1:
                body = struct.pack("<III", count, dice.getrandbits(32), dice.getrandbits(32))
            elif tag == 2:
                many = dice.randrange(1, 24)
                body = struct.pack(f"<I{many}I", count, *(dice.getrandbits(32) for _ in range(many)))
            elif tag == 3:
                body = (f"msg {count} " * dice.randrange(1, 8)).encode()
            else:
                body = dice.randbytes(dice.randrange(64))
            out += struct.pack("<BH", tag, len(body)) + body
        count += 1
    path.write_bytes(out)


def materialise(columns: Any) -> int:
    """Compute every column of every type; return how many."""
    made = 0
    for table in columns.tables().values():
        for part in table.frame.parts:
            if part.row:
                table.row(part.path)
            elif part.primitive is not None and part.primitive.numeric:
                table.number(part.path)
            else:
                table.extent(part.path)
            made += 1
    return made


def peak() -> int:
    """The peak resident memory of this process, in KiB."""
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def measure(engine: str, name: str, path: Path, rounds: int) -> dict[str, Any]:
    """Measure one engine on one file, in this process."""
    if engine in PEERS:
        peer = importlib.import_module(f"{engine.partition('-')[0]}_peer")
        if engine == "kaitai-nogc":
            gc.disable()

        def run() -> int:
            return int(peer.read(name, path))

    else:
        from harness.grammar.engine.node import Array
        from harness.grammar.engine.parser import parse
        from harness.grammar.engine.session import Session
        from harness.grammar.language.lint import lint_text

        grammar = lint_text(GRAMMARS[name]).grammar
        patched = lint_text(GRAMMARS[name].replace(*PATCHES[name])).grammar
        if grammar is None or patched is None:
            raise RuntimeError("a grammar of this benchmark is invalid")
        data = path.read_bytes()
        warm = Session(data)

        def run() -> int:
            if engine == "records":
                found = parse(grammar, data)
                held = [len(node.items) for node in found.records[0].nodes.values() if isinstance(node, Array)]
                return max([len(found.records), *held])
            if engine == "batches":
                batches = Session(data).batches(grammar)
                return -1 if batches is None else sum(map(materialise, batches))
            if engine == "columns":
                columns = Session(data).columns(grammar)
                return -1 if columns is None else materialise(columns)
            if engine == "tally":
                return Session(data).tally(grammar).top_records
            return warm.tally(patched).top_records  # the framing of the file is known

        if engine == "patched":
            warm.tally(grammar)
        if engine != "records":
            import numpy  # noqa: F401 - imported before the measurement: the memory of its code does not count
    before = peak()
    samples: list[Sample] = []
    count = 0
    for _ in range(rounds):
        gc.collect()  # garbage of the previous round would count as memory of this one
        began, began_wall = time.process_time(), time.perf_counter()
        count = run()
        samples.append(Sample(time.perf_counter() - began_wall, time.process_time() - began))
    wall, cpu = (min(one[index] for one in samples) for index in (0, 1))
    return {"cpu": cpu, "wall": wall, "count": count, "grew_kb": peak() - before, "peak_kb": peak(), "samples": samples}


def compile_time() -> float:
    """CPU seconds to lint a patched tlv grammar, in a warm process."""
    from harness.grammar.language.lint import lint_text

    grammars = [GRAMMARS["tlv"].replace("Sample", f"Sample{i}") for i in range(40)]
    for text in grammars[:5]:
        lint_text(text)
    best = float("inf")
    for text in grammars[5:]:
        began = time.process_time()
        lint_text(text)
        best = min(best, time.process_time() - began)
    return best


def compare_with_peers(name: str, path: Path, rounds: int) -> None:
    """Print a row for each peer and engine; their processes take turns, one round each."""
    found: dict[str, list[Sample]] = {}
    for engine in [*ENGINES[:2], *(peer for peer, what in PEERS.items() if version_of(what))] * rounds:
        if engine != "kaitai-nogc" and (made := child(engine, name, path, 1)) is not None:
            found.setdefault(engine, []).append(Sample(*made["samples"][0]))
    for peer, distribution in PEERS.items():
        for engine, goal in zip(ENGINES[:2], (1.0, 10.0), strict=True):
            what = f"grammar, {engine}, {name} of {path.stat().st_size / 1e6:.0f} MB"
            if peer in found:
                compared(what, version_of(distribution), "file", found[engine], found[peer], goal=goal)
            elif peer != "kaitai-nogc":
                absent(what, distribution)


def child(engine: str, name: str, path: Path, rounds: int) -> dict[str, Any] | None:
    """Run one measurement in its own process; None if the process fails."""
    argv = [sys.executable, __file__, "--child", engine, name, str(path), "--rounds", str(rounds)]
    found = subprocess.run(argv, capture_output=True, text=True, timeout=1800, check=False)
    if found.returncode != 0:
        print(f"{name:<6} {engine:<8} not measured: {found.stderr.strip().splitlines()[-1:] or ''}")
        return None
    return dict(json.loads(found.stdout))


def main() -> int:
    """Measure and print one line per file and engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only-peers", action="store_true", help="only rows, of what is compared with a peer")
    parser.add_argument("--only", nargs="+", default=list(GRAMMARS), choices=list(GRAMMARS))
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        engine, name, path = arguments.child
        print(json.dumps(measure(engine, name, Path(path), arguments.rounds)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only:
            path = Path(folder) / name
            make(name, int(arguments.megabytes * 1e6), path)
            megabytes = path.stat().st_size / 1e6
            if arguments.only_peers:
                compare_with_peers(name, path, arguments.rounds)
                continue
            peer = child("kaitai", name, path, arguments.rounds)
            bare = child("kaitai-nogc", name, path, arguments.rounds) if peer else None
            for engine in ("kaitai", "kaitai-nogc", *arguments.engines):
                found = {"kaitai": peer, "kaitai-nogc": bare}.get(engine)
                if not engine.startswith("kaitai"):
                    found = child(engine, name, path, arguments.rounds)
                if found is None or found["count"] < 0:
                    continue
                ratio = ""
                if peer and bare and not engine.startswith("kaitai"):
                    faster, memory = peer["cpu"] / found["cpu"], peer["grew_kb"] / max(found["grew_kb"], 1)
                    ratio = f"{faster:7.1f}x ({bare['cpu'] / found['cpu']:.1f}x without gc), memory 1/{memory:.1f}"
                print(
                    f"{name:<6} {engine:<11} {found['cpu']:8.3f} s CPU {found['wall']:8.3f} s wall "
                    f"{megabytes / found['cpu']:8.1f} MB/s +{found['grew_kb'] // 1024} MB {ratio}",
                    flush=True,
                )
    if not arguments.only_peers:
        print(f"compile a patched grammar, warm: {compile_time() * 1000:.2f} ms CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
