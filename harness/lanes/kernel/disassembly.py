"""Disassembly: the instructions of a cubin, by the toolkit's disassembler or as an earlier run kept them.

`nvdisasm` takes 0.3 s of CPU before it reads a byte. It computes a pure function of the code, and the code of an
unchanged kernel is the same in the next run. What it says is kept in the user's scratch folder by a digest of the code.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import re
import struct
import subprocess
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from harness.core.frozen import Frozen
from harness.lane.shared_result import read_result, write_result

# A line of an instruction: its address, a predicate, its mnemonic with modifiers. A kernel's name may be any word.
_INSTRUCTION = re.compile(r"^\s*/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9]*)", re.MULTILINE)
_TARGET = re.compile(r"^\s*\.target\s+(sm_\w+)|^\s*\.headerflags\b.*\bEF_CUDA_SM(\d+)\b", re.MULTILINE)
_HEADER, _SECTION = struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQIIQQ")  # of 64-bit ELF files
_PROGBITS, _EXECUTABLE = 1, 4
_SECONDS = 60


class CodeError(Exception):
    """The bytes are not machine code for the device."""


class Disassembly(Frozen):
    """What the disassembler says of a cubin."""

    targets: tuple[str, ...]
    """The architectures that it names."""
    instructions: dict[str, int]
    """How often each mnemonic occurs, without its modifiers."""


def disassemble(cubin: Path, *, kept: Path | None = None) -> Disassembly:
    """The instructions of a cubin.

    Args:
        kept: The folder in which results are kept; None for none. It may be deleted at any time.

    Raises:
        CodeError: if the disassembler cannot read it.
    """
    place = None
    if kept is not None and (key := _key(cubin.read_bytes())):
        place = kept / f"{key}.json"
        with contextlib.suppress(ValidationError):  # kept by another version
            if (data := read_result(place)) is not None:
                return Disassembly.model_validate_json(data)
    found = read_listing(run_tool("nvdisasm", "-ndf", "-c", str(cubin)))
    if place is not None:
        write_result(place, found.model_dump_json().encode())
    return found


def read_listing(text: str) -> Disassembly:
    """Read what `nvdisasm` prints; version 13 names the target, version 12 has flags of the header."""
    targets = {one or f"sm_{other}" for one, other in _TARGET.findall(text)}
    return Disassembly(
        targets=tuple(sorted(targets)), instructions=dict(sorted(Counter(_INSTRUCTION.findall(text)).items()))
    )


def run_tool(name: str, *arguments: str) -> str:
    """What a tool of the toolkit prints.

    Raises:
        CodeError: if it fails or takes too long.
    """
    try:
        done = subprocess.run(
            [_required_tool(name), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CodeError(f"{name} takes more than {_SECONDS} s to read the compiled code") from None
    if done.returncode:
        raise CodeError(f"{name} cannot read the compiled code: {done.stderr.strip()[:200]}")
    return done.stdout


def tool_path(name: str) -> Path | None:
    """Where Triton's wheel has a tool of the toolkit; None if Triton is not installed."""
    spec = importlib.util.find_spec("triton")  # finds the wheel without importing it
    folders: Collection[str] = (spec.submodule_search_locations if spec else None) or ()
    return next((Path(folder) / "backends/nvidia/bin" / name for folder in folders), None)


def _required_tool(name: str) -> Path:
    found = tool_path(name)
    if found is None:
        raise FileNotFoundError("triton's tools")
    return found


def _key(data: bytes) -> str:
    """A digest of the disassembler and of what it reads of a cubin; empty if it cannot be read.

    Debugging information is left out: it names the folder in which the kernel was compiled.
    """
    tool = _required_tool("nvdisasm").stat()
    digest = hashlib.sha256(f"{_INSTRUCTION.pattern} {_TARGET.pattern} {tool.st_size} {tool.st_mtime_ns}".encode())
    try:
        ident, kind, machine, version, _, _, start, flags, *_, size, count, _ = _HEADER.unpack_from(data)
        digest.update(struct.pack("<16sHHII", ident, kind, machine, version, flags))
        for index in range(count):
            _, section, attributes, _, offset, length, *_ = _SECTION.unpack_from(data, start + index * size)
            if section == _PROGBITS and attributes & _EXECUTABLE:
                digest.update(struct.pack("<Q", length) + data[offset : offset + length])
    except (struct.error, OverflowError):
        return ""
    return digest.hexdigest()
