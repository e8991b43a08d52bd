"""Compiling: what a kernel becomes for Hopper, on a machine that need not have one."""

from __future__ import annotations

import json
import math
from typing import Any

from harness.core.evidence import Evidence, clip
from harness.core.status import Status
from harness.core.tier import Tier
from harness.lanes.kernel.compute import HERE, Job, failed
from harness.lanes.kernel.definition import evaluate
from harness.lanes.kernel.machine_code import ARCHITECTURE, CAPABILITY, CodeError, MachineCode, read_machine_code
from harness.lanes.kernel.process import run_script

_GIB = 1 << 30
_MOST_KERNELS = 64
_WARP = 32


def compile_kernel(job: Job) -> Evidence:
    """Compile every launch of one call at the definition's target shape, and take the machine code apart."""
    folder = job.folder / "asked"
    (folder / "out").mkdir(parents=True)
    (folder / "kernel.py").write_bytes(job.source)
    target = job.definition.target
    request = {
        "mode": "compile",
        "entry": job.definition.entry,
        "capability": CAPABILITY,
        "inputs": [{"sizes": t.sizes(target), "dtype": t.dtype} for t in job.definition.inputs.values()],
        "limits": {
            "RLIMIT_CORE": 0, "RLIMIT_FSIZE": _GIB, "RLIMIT_CPU": math.ceil(job.timeout), "RLIMIT_AS": 16 * _GIB,
        },
    }  # fmt: skip
    (folder / "request.json").write_text(json.dumps(request))
    outcome = run_script(HERE / "child.py", folder, timeout=job.timeout, environment={})
    facts: dict[str, Any] = {
        "architecture": ARCHITECTURE,
        "target": target,
        "flops": evaluate(job.definition.flops, target),
        "bytes": evaluate(job.definition.bytes, target),
        "process_seconds": round(outcome.seconds, 3),
    }
    fault = failed(outcome, folder, job)
    if fault is not None:
        return Evidence(status=fault[0], why=fault[1], tier=Tier.D, facts=facts)
    try:
        kernels = _kernels(job)
    except CodeError as error:
        return Evidence(status=Status.WRONG, why=clip(str(error)), tier=Tier.D, facts=facts)
    if not kernels:
        why = f"{job.definition.entry} launched no Triton kernel"
        return Evidence(status=Status.WRONG, why=why, tier=Tier.D, facts=facts)
    facts["kernels"] = [kernel.to_facts() for kernel in kernels]
    return Evidence(status=Status.OK, tier=Tier.D, facts=facts)


def _kernels(job: Job) -> list[MachineCode]:
    folder = job.folder / "asked" / "out"
    try:
        listed = json.loads((folder / "kernels.json").read_bytes())
        launches = [(int(entry["shared"]), int(entry["warps"])) for entry in listed[:_MOST_KERNELS]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise CodeError("nothing came of the compilation") from error
    return [
        read_machine_code(folder / f"{index}.cubin", shared_bytes=max(0, shared), threads=max(1, warps) * _WARP)
        for index, (shared, warps) in enumerate(launches)
    ]
