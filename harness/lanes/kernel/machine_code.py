"""Machine code: what a compiled kernel needs of the device, read from the cubin itself by the toolkit's own tools."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ARCHITECTURE = "sm_90a"
CAPABILITY = 90
SHARED_LIMIT = 232_448
"""Bytes of shared memory one block may have on Hopper."""
REGISTER_FILE = 65_536
"""Registers of one multiprocessor; a block that needs more never launches."""
TENSOR_CORES = ("HGMMA", "HMMA", "IGMMA", "IMMA", "QGMMA", "DMMA")

_USAGE = re.compile(r"Function (\S+):\s*REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)")
_FLAGS = ("EF_CUDA_SM90", "EF_CUDA_ACCELERATORS")
_SECONDS = 60


class CodeError(Exception):
    """The bytes are no machine code for the device."""


@dataclass(frozen=True, slots=True)
class MachineCode:
    """One compiled kernel."""

    name: str
    registers: int
    stack_bytes: int
    """Spilled registers live here; so does what a kernel indexes at run time."""
    shared_bytes: int
    threads: int
    tensor_core_instructions: int
    instructions: dict[str, int]
    """How often each of the mnemonics that matter is there."""

    def to_facts(self) -> dict[str, Any]:
        """JSON for the evidence."""
        return {name: getattr(self, name) for name in self.__slots__}


def read_machine_code(cubin: Path, *, shared_bytes: int, threads: int) -> MachineCode:
    """Take a cubin apart.

    Args:
        cubin: The file.
        shared_bytes: Dynamic shared memory its launch asks for; it is not in the cubin.
        threads: Threads of a block, likewise.

    Raises:
        CodeError: if it is not one kernel for the architecture.
    """
    usage = _USAGE.search(_tool("cuobjdump", "--dump-resource-usage", str(cubin)))
    text = _tool("nvdisasm", "-c", str(cubin))
    if usage is None:
        raise CodeError("no kernel in the compiled code")
    # nvdisasm 13 names the target; 12 names the flags that `a` and 90 set in the header.
    if not re.search(rf"\.target\s+{ARCHITECTURE}\b", text) and not all(flag in text for flag in _FLAGS):
        raise CodeError(f"not compiled for {ARCHITECTURE}")
    counted = {name: len(re.findall(rf"\b{name}\b", text)) for name in (*TENSOR_CORES, "UTMALDG", "LDGSTS", "FFMA")}
    return MachineCode(
        name=usage[1],
        registers=int(usage[2]),
        stack_bytes=int(usage[3]) + int(usage[5]),
        shared_bytes=max(shared_bytes, int(usage[4])),
        threads=threads,
        tensor_core_instructions=sum(counted[name] for name in TENSOR_CORES),
        instructions={name: count for name, count in counted.items() if count},
    )


def _tool(name: str, *arguments: str) -> str:
    spec = importlib.util.find_spec("triton")  # finds the wheel without importing it
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise FileNotFoundError("triton's tools")
    tool = Path(folders[0]) / "backends/nvidia/bin" / name
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        raise CodeError(f"{name} cannot read the compiled code: {done.stderr.strip()[:200]}")
    return done.stdout
