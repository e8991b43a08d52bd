"""The formats of `spec_throughput.py` as declarations of Construct, compiled where it can compile them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from construct import (
    Bytes,
    Float32l,
    GreedyBytes,
    GreedyRange,
    GreedyString,
    Int8ul,
    Int16ul,
    Int32sl,
    Int32ul,
    Prefixed,
    Struct,
    Switch,
    this,
)  # fmt: skip

PACKET = Struct(
    "seconds" / Int32ul, "micros" / Int32ul, "captured" / Int32ul, "original" / Int32ul, "data" / Bytes(this.captured)
)
PCAP = Struct(
    "magic" / Int32ul, "major" / Int16ul, "minor" / Int16ul, "zone" / Int32sl, "accuracy" / Int32ul,
    "longest" / Int32ul, "link" / Int32ul, "packets" / GreedyRange(PACKET),
)  # fmt: skip
BODY = Switch(
    this.tag,
    {
        1: Struct("id" / Int32ul, "time" / Int32ul, "value" / Int32ul),
        2: Struct("id" / Int32ul, "values" / GreedyRange(Int32ul)),
        3: Struct("text" / GreedyString("utf8")),
    },
    default=GreedyBytes,
)
RECORD = Struct("tag" / Int8ul, "body" / Prefixed(Int16ul, BODY))
POINT = Struct("id" / Int32ul, "time" / Int32ul, "kind" / Int16ul, "flags" / Int16ul, "x" / Float32l, "y" / Float32l)
DECLARED: dict[str, Any] = {"pcap": PCAP, "tlv": GreedyRange(RECORD), "fixed": GreedyRange(POINT)}


def read(name: str, path: Path) -> int:
    """Read a file; how many records it has."""
    found = DECLARED[name].parse(path.read_bytes())
    return len(found.packets if name == "pcap" else found)
