"""Devices, as a process in the place of `nvidia-smi` lists them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import InfraError
from harness.lanes.kernel import gpu as module
from harness.lanes.kernel.gpu import absent_gpu, list_gpus, own_gpu, state_of

SCRIPT = """#!/bin/sh
case "$1" in
  --query-gpu=index*) printf '0, GPU-aaaa, NVIDIA H200, 580.1, 143771\\n1, GPU-bbbb, NVIDIA H200, 580.1, 143771\\n';;
  --query-gpu=clocks*) printf '1980, 401.5, [N/A]\\n';;
  *) exit 9;;
esac
"""


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "nvidia-smi"
    path.write_text(SCRIPT)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return path


def test_two_devices(smi: Path) -> None:
    first, _ = list_gpus()
    assert (first.uuid, first.name, first.memory_mb) == ("GPU-aaaa", "NVIDIA H200", 143771)
    state = state_of(first)
    assert (state.sm_mhz, state.watts, state.celsius) == (1980, 401.5, None)  # an unknown value is None


def test_visible_devices_count_as_cuda_counts(smi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-bbbb,0")
    assert [(gpu.index, gpu.uuid) for gpu in list_gpus()] == [(0, "GPU-bbbb"), (1, "GPU-aaaa")]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(InfraError, match="no CUDA device is visible"):
        list_gpus()


@pytest.mark.parametrize(("worker", "uuid"), [("", "GPU-aaaa"), ("gw0", "GPU-aaaa"), ("gw3", "GPU-bbbb")])
def test_workers_share_the_devices_out(smi: Path, monkeypatch: pytest.MonkeyPatch, worker: str, uuid: str) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
    assert own_gpu(list_gpus()).uuid == uuid


def test_a_driver_that_fails_is_our_failure(smi: Path) -> None:
    smi.write_text("#!/bin/sh\nexit 9\n")
    with pytest.raises(InfraError, match="nvidia-smi failed"):
        list_gpus()
    smi.unlink()
    with pytest.raises(InfraError, match="nvidia-smi failed"):
        list_gpus()


def test_why_nothing_can_be_measured(smi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "device_nodes", lambda: [Path("/dev/nvidia0")])
    monkeypatch.setattr(module.importlib.metadata, "version", {"torch": "2.13.0+cpu"}.__getitem__)
    assert "built for the CPU" in absent_gpu()
    monkeypatch.setattr(module.importlib.metadata, "version", {"torch": "2.13.0"}.__getitem__)
    assert absent_gpu() == ""
    smi.unlink()
    monkeypatch.setenv("PATH", str(smi.parent))
    assert "no nvidia-smi" in absent_gpu()
