"""Sampler: samples a tool's inputs once per (tool, seed); all processes of a run share the result."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.digest import derive_seed, digest_bytes, digest_json
from harness.core.errors import SpecError, position
from harness.lane.shared_result import locked, read_result, write_result
from harness.lanes.toolgen.oracle import Oracle
from harness.lanes.toolgen.reply import Reply
from harness.lanes.toolgen.tool_spec import Tool
from harness.sandbox.codec import decode

_SCRIPT = Path(__file__).with_name("oracle_process.py")
KEPT_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Samples:
    """Sampled inputs.

    Attributes:
        inputs: For each requested sample its distinct inputs, encoded.
        edges: Derived edge inputs with the reference's replies; without those that it could not answer in time.
    """

    inputs: tuple[tuple[bytes, ...], ...]
    edges: tuple[tuple[bytes, Reply], ...]


async def sample_inputs(
    tool: Tool, oracle: Oracle, *, secret_seed: int, counts: tuple[int, ...], edges: tuple[bytes, ...], folder: Path
) -> Samples:
    """Sample inputs, or read the result of another process of this run.

    Args:
        oracle: Its oracle; without a file it samples from the annotations.
        counts: Number of inputs of each sample; samples differ in their seed.
        edges: Encoded inputs that the reference answers under tight limits; empty without an oracle.
        folder: The folder in which the result is kept for other processes.

    Raises:
        SpecError: if `inputs()` fails, or yields no value.
        InfraError: if sampling exceeds its time limit.
    """
    seeds = [derive_seed(secret_seed, "toolgen", tool.digest, "draw", index) for index in range(len(counts))]
    wanted = list(zip(seeds, counts, strict=True))
    identity = [tool.digest, wanted, digest_bytes(b"\n".join(edges)), digest_bytes(_SCRIPT.read_bytes())]
    file = folder / f"{digest_json(identity)[:32]}.json"
    with locked(file):
        data = read_result(file)
        if data is None:
            _forget_old(folder)
            names = [parameter for parameter in tool.signature.parameters if parameter.name in tool.kinds]
            sampled = await oracle.sample({one.name: [tool.kinds[one.name], one.required] for one in names}, wanted)
            _check(tool, sampled, counts)
            replies = await oracle.derived(edges) if edges else []
            data = _to_bytes(sampled, replies)
            write_result(file, data)
    return _parse(data, edges)


def _forget_old(folder: Path) -> None:
    # A run's inputs are useful to that run only, and to a rerun with the same seed soon after.
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink()


def _check(tool: Tool, sampled: list[list[bytes]], counts: tuple[int, ...]) -> None:
    where = position(tool.oracle or tool.path)
    for keys, count in zip(sampled, counts, strict=True):
        if count and not keys:
            raise SpecError("inputs() yields no value", where=where, fix="let it yield at least one value")
        for key in keys:
            misfit = tool.signature.misfit(decode(key))
            if misfit:
                raise SpecError(f"inputs() does not match the signature: {misfit}", where=where)


def _to_bytes(sampled: list[list[bytes]], replies: list[Reply | None]) -> bytes:
    kept: dict[str, Any] = {
        "sampled": [[key.decode("ascii") for key in keys] for keys in sampled],
        "replies": [one and [one.kind, one.payload.decode("ascii")] for one in replies],
    }
    return json.dumps(kept).encode()


def _parse(data: bytes, edges: tuple[bytes, ...]) -> Samples:
    kept = json.loads(data)
    replies = zip(edges, kept["replies"], strict=True)
    return Samples(
        tuple(tuple(key.encode("ascii") for key in keys) for keys in kept["sampled"]),
        tuple((key, Reply(one[0], one[1].encode("ascii"))) for key, one in replies if one is not None),
    )
