"""Baselines: the stand with what kernels are compared with, a process of its own, kept as long as a session lasts.

Compiling a baseline takes longer than timing it, so what was compiled and surveyed once serves all kernels of an
operation. Nothing of a kernel is ever loaded here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.core.clip import clip
from harness.core.errors import InfraError
from harness.lanes.kernel.definition import Definition, Point
from harness.lanes.kernel.device_client import STARTING, Bench, StandFault
from harness.lanes.kernel.measurement import Ceilings

Plans = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Survey:
    """Every baseline of a definition at one point, from one block of cold calls each.

    Attributes:
        quick: Milliseconds; None where it did not run.
        absent: Why one did not run.
        fastest: The one to beat.
    """

    quick: dict[str, float | None]
    absent: dict[str, str]
    fastest: str


class Baselines:
    """The stand, started at first use.

    Args:
        folder: Its private folder; made if need be.
        index: The device, as CUDA counts; -1 for the CPU.
    """

    def __init__(self, folder: Path, *, index: int) -> None:
        self._folder, self.index = folder, index
        self._bench: Bench | None = None
        self._described: dict[str, Any] = {}
        self._rates: dict[str, float] = {}
        self._copied = 0.0
        self._surveys: dict[tuple[str, str], Survey] = {}

    def start(self) -> None:
        """Start it, without waiting until it is there."""
        if self._bench is None:
            cache = self._folder / "home" / "triton"
            self._bench = Bench(self._folder, index=self.index, part="baseline", cache=cache)

    def ask(self, do: str, **named: Any) -> dict[str, Any]:
        """Ask for one thing.

        Raises:
            InfraError: if it fails; the process is ended then.
        """
        try:
            return self._ask(do, **named)
        except StandFault as fault:
            said = self._bench.said if self._bench else ""
            self.close()
            raise InfraError(
                f"the baselines' process failed at {do!r}: {fault}; {said}", where=str(self.index)
            ) from fault

    def _ask(self, do: str, **named: Any) -> dict[str, Any]:
        """The same; a failure, as of a backend that does not support a shape, is the caller's to judge."""
        self.start()
        if self._bench is None:
            raise InfraError("no process for the baselines")
        return self._bench.ask(do, timeout=STARTING, **named)

    def describe(self) -> dict[str, Any]:
        """What the device and its libraries are.

        Raises:
            InfraError: if it cannot be used.
        """
        if not self._described:
            self._described = self.ask("describe")
        return self._described

    def ceilings(self, definition: Definition) -> Ceilings:
        """What the device does at best in this session, in the precisions of the definition's targets.

        Raises:
            InfraError: if it cannot be used.
        """
        wanted = sorted({point.dtype for point in definition.targets} - self._rates.keys())
        if wanted or not self._copied:
            found = self.ask("ceilings", precisions=wanted)
            self._rates |= found["tflops"]
            self._copied = self._copied or float(found["bytes_per_s"])
        return Ceilings(bytes_per_s=self._copied, tflops=dict(self._rates), l2_bytes=int(self.describe()["l2_bytes"]))

    def survey(self, definition: Definition, place: Path, point: Point, plans: Plans) -> Survey:
        """Time a block of each baseline, unless that was done for this definition and point.

        Args:
            definition: The operation.
            place: The folder of its files.
            point: The size.
            plans: Of the block's calls, the first for warming up.

        Raises:
            InfraError: if none runs, or one ends the process.
        """
        key = definition.model_dump_json(), point.label
        if key not in self._surveys:
            self._surveys[key] = self._surveyed(definition, place, point, plans)
        return self._surveys[key]

    def load(self, definition: Definition, place: Path, name: str) -> None:
        """Have one baseline ready to be timed.

        Raises:
            InfraError: if that fails; so do the others.
        """
        self.ask("load", baseline=definition.timed_against[name].to_wire(), place=str(place))

    def cold(self, plans: Plans, *, first: bool) -> list[float]:
        """Milliseconds of a block of cold calls of what was loaded."""
        return self._cold(self.ask, plans, first=first)

    def hot(self, plans: Plans, *, calls: int) -> float:
        """Milliseconds of so many calls in a row."""
        self.ask("prepare", plans=plans[1:], warm=plans[0], first=False, configuration={})
        found = float(self.ask("hot", calls=calls)["event_ms"])
        self.ask("release")
        return found

    @staticmethod
    def _cold(ask: Callable[..., dict[str, Any]], plans: Plans, *, first: bool) -> list[float]:
        ask("prepare", plans=plans[1:], warm=plans[0], first=first, configuration={})
        times = [float(one) for one in ask("cold", calls=len(plans) - 1)["event_ms"]]
        ask("release")
        return times

    def _surveyed(self, definition: Definition, place: Path, point: Point, plans: Plans) -> Survey:
        quick: dict[str, float | None] = {}
        absent: dict[str, str] = {}
        for name in definition.timed_against:
            try:
                self._ask("load", baseline=definition.timed_against[name].to_wire(), place=str(place))
                times = sorted(self._cold(self._ask, plans, first=True))
                quick[name] = times[len(times) // 2]
            except StandFault as fault:
                if fault.code is not None or not fault.note:
                    self.close()
                    raise InfraError(f"the baseline {name} ended its process: {fault}", where=point.label) from fault
                quick[name], absent[name] = None, clip(str(fault))
                self.ask("release")
        ran = {name: ms for name, ms in quick.items() if ms is not None}
        if not ran:
            told = "; ".join(f"{name}: {why}" for name, why in absent.items())
            raise InfraError(f"no baseline runs at {point.label}: {told}", where=definition.operation)
        return Survey(quick, absent, min(ran, key=lambda name: ran[name]))

    def close(self) -> None:
        """End the process; the next question starts another, which has to be told everything again."""
        if self._bench is not None:
            self._bench.close()
            self._bench = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
