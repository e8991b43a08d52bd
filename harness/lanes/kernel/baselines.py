"""Baselines: a device worker for what kernels are compared with, kept as long as the device is held.

Compiling a baseline takes longer than timing it, so a compiled and surveyed baseline serves all kernels of an
operation. No kernel is ever loaded in this process.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.clip import clip
from harness.core.closing import Closing
from harness.core.errors import InfraError
from harness.lane.json_worker import WorkerFault
from harness.lanes.kernel.definition import Definition, Point
from harness.lanes.kernel.device_client import START_SECONDS, DeviceClient
from harness.lanes.kernel.measurement import Ceilings

Plans = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Survey:
    """Every baseline of a definition at one point, from one block of cold calls each.

    Attributes:
        quick: Milliseconds of each; None if it did not run.
        absent: Why a baseline did not run.
    """

    quick: dict[str, float | None]
    absent: dict[str, str]
    fastest: str


class Baselines(Closing):
    """The baselines' device worker, started at first use.

    Args:
        folder: Its private folder, created if missing.
        index: The device, as CUDA counts; -1 for the CPU.
    """

    def __init__(self, folder: Path, *, index: int) -> None:
        self._folder, self.index = folder, index
        self._client: DeviceClient | None = None
        self._described: dict[str, Any] = {}
        self._rates: dict[str, float] = {}
        self._copied = 0.0
        self._surveys: dict[tuple[str, str], Survey] = {}

    def start(self) -> DeviceClient:
        """The process; starts it, if it does not run, without waiting until it answers."""
        if self._client is None:
            self._client = DeviceClient(self._folder, index=self.index)
        return self._client

    def ask(self, do: str, **named: Any) -> dict[str, Any]:
        """Ask for one thing; see `DeviceWorker`.

        Raises:
            InfraError: if it fails; the process is ended then.
        """
        client = self.start()
        try:
            return client.do(do, timeout=START_SECONDS, **named)
        except WorkerFault as fault:
            self.close()
            what = f"the baselines' process failed at {do!r}: {fault}; {client.last_error}"
            raise InfraError(what, where=str(self.index)) from fault

    def describe(self) -> dict[str, Any]:
        """The device's properties and the versions of its libraries.

        Raises:
            InfraError: if the device cannot be used.
        """
        if not self._described:
            self._described = self.ask("describe")
        return self._described

    def ceilings(self, definition: Definition) -> Ceilings:
        """The device's measured rates, in the precisions of the definition's targets; each is measured once.

        Raises:
            InfraError: if the device cannot be used.
        """
        wanted = sorted({point.dtype for point in definition.targets} - self._rates.keys())
        if wanted or not self._copied:
            found = self.ask("ceilings", precisions=wanted)
            self._rates |= found["tflops"]
            self._copied = self._copied or float(found["bytes_per_s"])
        return Ceilings(bytes_per_s=self._copied, tflops=dict(self._rates), l2_bytes=int(self.describe()["l2_bytes"]))

    def survey(self, definition: Definition, place: Path, point: Point, plans: Plans) -> Survey:
        """Time a block of each baseline, once for each definition and point.

        Args:
            plans: The plans of the block's calls; the first is for warming up.

        Raises:
            InfraError: if no baseline runs, or one ends the process.
        """
        key = definition.model_dump_json(), point.label
        if key not in self._surveys:
            self._surveys[key] = self._surveyed(definition, place, point, plans)
        return self._surveys[key]

    def load(self, definition: Definition, place: Path, name: str) -> None:
        """Load one baseline, so that it can be timed.

        Raises:
            InfraError: if that fails.
        """
        self.ask("load", baseline=definition.timed_against[name].to_wire(), place=str(place))

    def cold(self, plans: Plans, *, first: bool) -> list[float]:
        """Milliseconds of each of a block of cold calls of the loaded baseline."""
        return _cold(self.ask, plans, first=first)

    def compare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Compare answers with the reference on the device; see `reference.compare`.

        Raises:
            InfraError: if that fails.
        """
        return self.ask("compare", request=request)

    def _surveyed(self, definition: Definition, place: Path, point: Point, plans: Plans) -> Survey:
        quick: dict[str, float | None] = {}
        absent: dict[str, str] = {}
        for name, baseline in definition.timed_against.items():
            ask = functools.partial(self.start().do, timeout=START_SECONDS)
            try:
                ask("load", baseline=baseline.to_wire(), place=str(place))
                quick[name] = statistics.median(_cold(ask, plans, first=True))
            except WorkerFault as fault:
                if fault.code is not None or not fault.note:
                    self.close()
                    raise InfraError(f"the baseline {name} ended its process: {fault}", where=point.label) from fault
                quick[name], absent[name] = None, clip(str(fault))
                self.ask("release")
        ran = {name: ms for name, ms in quick.items() if ms is not None}
        if not ran:
            reasons = "; ".join(f"{name}: {why}" for name, why in absent.items())
            raise InfraError(f"no baseline runs at {point.label}: {reasons}", where=definition.operation)
        return Survey(quick, absent, min(ran, key=lambda name: ran[name]))

    def close(self) -> None:
        """End the process; the next request starts a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _cold(ask: Callable[..., dict[str, Any]], plans: Plans, *, first: bool) -> list[float]:
    ask("prepare", plans=plans, lines=[""] * len(plans), first=first)
    times = [float(one) for one in ask("cold", calls=len(plans) - 1)["event_ms"]]
    ask("release")
    return times
