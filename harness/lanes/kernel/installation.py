"""Installation: what a verdict on a kernel depends on, other than files of the project; nothing is imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from harness.core.digest import digest_json
from harness.lanes.kernel.disassembly import tool_path
from harness.lanes.kernel.warm_processes import PASSED
from harness.sandbox.landlock import abi

TOOLS = ("cuobjdump", "nvdisasm", "ptxas", "ptxas-blackwell")


def describe_installation() -> dict[str, str]:
    """Digests of the installed packages, tools of the toolkit and passed variables, and the layer of confinement.

    All packages count, because a kernel and a reference may import any of them.
    """
    packages = {path.name for folder in sys.path for path in Path(folder or ".").glob("*-info")}
    tools = {name: _state(tool_path(name)) for name in TOOLS}
    variables = {name: os.environ.get(name, "") for name in PASSED}
    if assembler := variables["TRITON_PTXAS_PATH"]:
        tools["TRITON_PTXAS_PATH"] = _state(Path(assembler))
    return {
        "packages": digest_json(sorted(packages)),
        "tools": digest_json(tools),
        "environment": digest_json(variables),
        "landlock": str(abi()),
    }


def _state(path: Path | None) -> list[int | str]:
    """Path, size and time of modification of an installed tool; without the last two if it is not there."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        found = None
    return [str(path or ""), *((found.st_size, found.st_mtime_ns) if found else ())]
