"""Sampler: samples a tool's inputs once per (tool, seed) in a fresh process; all workers of a run share the result."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.digest import derive_seed, digest_bytes, digest_json
from harness.core.errors import InfraError, SpecError, position
from harness.lanes.toolgen.oracle import Reply
from harness.lanes.toolgen.tool_spec import Tool
from harness.sandbox import codec

SECONDS = 120.0  # time limit of the sampler process; a derived edge input that was not answered by then is not asked
_SCRIPT = Path(__file__).with_name("sampler_process.py")
KEPT_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Samples:
    """The result of one sampler process.

    Attributes:
        inputs: For each requested sample its distinct inputs, encoded.
        edges: Derived edge inputs with the reference's replies; without those that it could not answer in time.
    """

    inputs: tuple[tuple[bytes, ...], ...]
    edges: tuple[tuple[bytes, Reply], ...]


def sample_inputs(
    tool: Tool, *, secret_seed: int, counts: tuple[int, ...], edges: tuple[bytes, ...], scratch: Path
) -> Samples:
    """Sample inputs, or read the result of another process of this run.

    Args:
        tool: The tool; inputs come from its oracle's `inputs()`, or from the annotations without one.
        secret_seed: The run's secret seed.
        counts: Number of inputs of each sample; samples differ in their seed.
        edges: Encoded inputs that the reference answers under tight limits; empty without an oracle.
        scratch: Folder in which the result is kept for other workers.

    Raises:
        SpecError: if `inputs()` fails, or yields no value.
        InfraError: if the sampler process exceeds its time limit.
    """
    seeds = [derive_seed(secret_seed, "toolgen", tool.digest, "draw", index) for index in range(len(counts))]
    names = [parameter for parameter in tool.signature.parameters if parameter.name in tool.kinds]
    request: dict[str, Any] = {
        "codec": codec.__file__,
        "oracle": str(tool.oracle) if tool.oracle else None,
        "parameters": {one.name: [tool.kinds[one.name], one.required] for one in names},
        "sys_path": sys.path,
        "draws": [list(pair) for pair in zip(seeds, counts, strict=True)],
        "forms": sorted(tool.spec.compare.forms),
        "edges": [edge.decode("ascii") for edge in edges],
    }
    identity = [tool.digest, seeds, counts, digest_bytes(b"\n".join(edges)), digest_bytes(_SCRIPT.read_bytes())]
    folder = scratch / "toolgen"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{digest_json(identity)[:32]}.jsonl"
    with _lock(file.with_suffix(".lock")):
        data = _kept(file)
        if data is None:
            _forget_old(folder)
            data = _run(request, folder)
            _keep(file, data)
    return _parse(tool, request, edges, data)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    # Workers that need the same inputs wait for the first of them instead of sampling themselves.
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget_old(folder: Path) -> None:
    # A run's inputs are useful to that run only, and to a rerun with the same seed soon after.
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink()


def _kept(file: Path) -> bytes | None:
    try:
        digest, _, data = file.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    return data if digest.decode("ascii", "replace") == digest_bytes(data) else None


def _keep(file: Path, data: bytes) -> None:
    partial = file.with_suffix(f".{os.getpid()}.part")
    partial.write_bytes(digest_bytes(data).encode() + b"\n" + data)
    partial.replace(file)


def _run(request: dict[str, Any], folder: Path) -> bytes:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))}
    environment["PYTHONHASHSEED"] = "0"
    environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(folder / "hypothesis")
    # -P: the script's folder is not on sys.path, where its modules could shadow others.
    command = [sys.executable, "-P", "-B", str(_SCRIPT)]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=SECONDS,
            env=environment,
            cwd=folder,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        return expired.stdout or b""
    if done.returncode and not done.stdout:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InfraError(
            f"sampling inputs ended with exit status {done.returncode}: {lines[-1] if lines else 'no error message'}",
            fix="run the oracle's inputs() by hand",
        )
    return done.stdout


def _parse(tool: Tool, request: dict[str, Any], edges: tuple[bytes, ...], data: bytes) -> Samples:
    where = position(tool.oracle or tool.path)
    draws: list[list[bytes]] = [[] for _ in request["draws"]]
    replies: list[tuple[bytes, Reply]] = []
    complete = False
    for line in data.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            break  # the process was stopped while it wrote this line
        if "fault" in value:
            raise SpecError(
                f"inputs cannot be sampled: {value['fault']}", where=where, fix="correct inputs() in oracle.py"
            )
        if "draw" in value:
            draws[value["draw"]].append(value["key"].encode("ascii"))
        elif "edge" in value:
            kind, text = value["reply"]
            replies.append((edges[value["edge"]], Reply(kind, text.encode("ascii"))))
        else:
            complete = True
    if not complete:
        raise InfraError(
            f"sampling inputs took longer than {SECONDS:g} s", where=where, fix="make inputs() return smaller values"
        )
    for index, keys in enumerate(draws):
        if request["draws"][index][1] and not keys:
            raise SpecError("inputs() yields no value", where=where, fix="let it yield at least one value")
        for key in keys:
            misfit = tool.signature.misfit(codec.decode(key))
            if misfit:
                raise SpecError(f"inputs() does not match the signature: {misfit}", where=where)
    return Samples(tuple(tuple(keys) for keys in draws), tuple(replies))
