"""A device with scripted times, so that no test compares real ones: both ends of its worker.

Each interval between two events is one millisecond.
"""

from __future__ import annotations

import itertools

import pytest

from harness.lanes.kernel import baselines, device_session
from harness.lanes.kernel.accelerator import Cpu
from harness.lanes.kernel.device_client import DeviceClient


class ScriptedClient(DeviceClient):
    module = "tests.lanes.kernel.scripted_device"


def script_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (device_session, baselines):
        monkeypatch.setattr(module, "DeviceClient", ScriptedClient)


def main(folder: str, index: int) -> None:
    """Run a device worker with these times."""
    from harness.lanes.kernel import device_worker  # imports torch, which the tests themselves do not need

    events = itertools.count()
    Cpu.mark = lambda self: next(events) / 1000
    device_worker.main(folder, index)
