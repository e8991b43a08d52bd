"""Device tuning: time many configurations of one kernel in alternation with the fastest baseline.

The device worker is kept from one configuration to the next, because starting one takes longer than timing. After a
fault it is started again, so that one configuration cannot affect the next.
"""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack

from harness.core.closing import Closing
from harness.core.owned_folder import OwnedFolder
from harness.lanes.kernel.baselines import Baselines
from harness.lanes.kernel.device_session import DeviceSession, KernelFault, open_session, start_worker
from harness.lanes.kernel.gpu import Gpu
from harness.lanes.kernel.kernel_metadata import Configuration
from harness.lanes.kernel.paired_rounds import run_rounds, survey_baselines
from harness.lanes.kernel.swept import Subject
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.sweep.measurement import Measurement
from harness.sweep.space import Point

_SECONDS = 120.0


class Tuner(Closing):
    """Times configurations of a kernel at its point, on a device that is held (`hold_device`).

    Args:
        processes: The warm processes of the lane.
    """

    def __init__(
        self, subject: Subject, processes: WarmProcesses, baselines: Baselines, gpu: Gpu | None, *, seed: int
    ) -> None:
        self._folder = OwnedFolder("tuning")
        self._point, self._job = (
            subject.point,
            subject.candidate.job(self._folder.path / "job", processes, timeout=_SECONDS),
        )
        self._baselines, self._gpu, self._seed = baselines, gpu, seed
        self._stack = ExitStack()
        self._session: DeviceSession | None = None

    def measure(self, point: Point, repeats: int) -> Measurement:
        """See `harness.sweep.search.Measure`; the samples are speed-ups, one for each round of a block."""
        try:
            return self._measured(dict(point.values), repeats)
        except KernelFault as fault:
            self._end()
            return Measurement(status=str(fault.status), why=fault.why)

    def _measured(self, configuration: Configuration, repeats: int) -> Measurement:
        job = dataclasses.replace(self._job, configuration=dict(configuration))
        if self._session is None:
            self._baselines.start()
            ask_kernel = self._stack.enter_context(start_worker(job, self._baselines.index))
            self._session = open_session(job, ask_kernel, self._baselines, gpu=self._gpu, seed=self._seed)
        session = dataclasses.replace(self._session, job=job)
        survey = survey_baselines(session, self._point)
        rounds, _ = run_rounds(session, self._point, survey, rounds=repeats)
        return Measurement(
            samples=tuple(rounds.ratios),
            detail={"kernel_ms": rounds.kernel_ms, "baseline_ms": rounds.baseline_ms, "fastest": survey.fastest},
        )

    def close(self) -> None:
        """End the worker."""
        self._end()
        self._folder.remove()

    def _end(self) -> None:
        self._session = None
        self._stack.close()
