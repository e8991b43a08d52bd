"""GPU: the devices of this machine and their state, and whether PyTorch is installed, without importing it."""

from __future__ import annotations

import csv
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness.core.digest import digest_json
from harness.core.errors import InfraError, MissingExtraError
from harness.core.frozen import Frozen

MODULES = ("torch", "triton", "numpy")  # what the extra `kernels` installs
DRIVER = Path("/proc/driver/nvidia")
_MODEL = re.compile(r"^Model:\s*(.+)$", re.MULTILINE)
_SECONDS = 30
_QUERY = ("index", "uuid", "name", "driver_version", "memory.total")
_STATE = ("clocks.sm", "power.draw", "temperature.gpu")


class Gpu(Frozen):
    """One device.

    Its index is CUDA's, which counts within `CUDA_VISIBLE_DEVICES` if that is set.
    """

    index: int
    uuid: str
    name: str
    driver: str
    memory_mb: float


class State(Frozen):
    """Clock, power and temperature of a device at one moment; an unknown value is None."""

    sm_mhz: float | None
    watts: float | None
    celsius: float | None


def require_extra() -> None:
    """Check that PyTorch and Triton are installed, without importing them.

    Raises:
        MissingExtraError: if one of them is not installed.
    """
    for module in MODULES:
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError("kernels", module=module)


def absent_gpu() -> str:
    """Why this machine cannot measure, found without importing PyTorch; empty if it can."""
    if not device_nodes():
        if Path("/dev/kfd").exists():
            return "an AMD GPU: the lane measures on CUDA devices only; its other stages need none"
        return "no CUDA device here (no /dev/nvidia*)"
    if "+cpu" in importlib.metadata.version("torch"):
        return "this torch is built for the CPU: pip install torch --index-url https://download.pytorch.org/whl/cu130"
    if shutil.which("nvidia-smi") is None:
        return "no nvidia-smi on the PATH, which identifies the devices"
    return ""


def device_nodes() -> list[Path]:
    """The device files of CUDA devices."""
    return sorted(path for path in Path("/dev").glob("nvidia[0-9]*"))


def describe_devices(driver: Path = DRIVER) -> str:
    """A digest of the driver's version and of the models of the devices, as its files say; empty if they do not.

    Args:
        driver: The folder of these files.
    """
    try:
        version = (driver / "version").read_text("utf-8", "replace")
        files = sorted((driver / "gpus").glob("*/information"))
        models = [_MODEL.findall(file.read_text("utf-8", "replace")) for file in files]
    except OSError:
        return ""
    return digest_json([version, models]) if models and all(models) else ""


def list_gpus() -> list[Gpu]:
    """All devices that this process may use, in CUDA's order.

    Raises:
        InfraError: if `nvidia-smi` fails or lists no device.
    """
    found = [
        Gpu(index=int(row[0]), uuid=row[1], name=row[2], driver=row[3], memory_mb=_number(row[4]) or 0.0)
        for row in _smi(_QUERY)
    ]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        named = [part.strip() for part in visible.split(",") if part.strip()]
        chosen = [gpu for name in named for gpu in found if name == str(gpu.index) or gpu.uuid.startswith(name)]
        found = [gpu.model_copy(update={"index": index}) for index, gpu in enumerate(chosen)]
    if not found:
        raise InfraError("no CUDA device is visible", where="nvidia-smi", fix="check CUDA_VISIBLE_DEVICES")
    return found


def own_gpu(gpus: Sequence[Gpu]) -> Gpu:
    """The device of this process: pytest's workers use different devices as long as there are enough."""
    worker = re.search(r"\d+$", os.environ.get("PYTEST_XDIST_WORKER", ""))
    return gpus[int(worker[0]) % len(gpus) if worker else 0]


def state_of(gpu: Gpu) -> State:
    """The current state of a device; all values are None if `nvidia-smi` fails."""
    try:
        rows = _smi(_STATE, uuid=gpu.uuid)
    except InfraError:
        rows = []
    values = [_number(text) for text in rows[0]] if rows else [None] * len(_STATE)
    return State(sm_mhz=values[0], watts=values[1], celsius=values[2])


def _smi(fields: Sequence[str], *, uuid: str = "") -> list[list[str]]:
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    if uuid:
        command += ["-i", uuid]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise InfraError(f"nvidia-smi failed: {error}", where="nvidia-smi", fix="run it by hand") from error
    return [[cell.strip() for cell in row] for row in csv.reader(done.stdout.splitlines()) if row]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
