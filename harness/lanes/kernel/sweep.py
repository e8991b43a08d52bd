"""Sweep: tune a kernel over its tile space: compile all configurations, predict the feasible ones, measure the best.

It is a search of `harness.sweep.loop` whose verdicts are two measured plans of `harness.sweep.search`, which the
engineering loops of the dsl lane use too. Each point is stored in the ledger as soon as it is known, so an interrupted
sweep continues. Apart from measurements, a point depends on its identity alone, not on the number of workers.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core.digest import digest_bytes, digest_json
from harness.core.owned_folder import OwnedFolder
from harness.core.trial import Trial, changed
from harness.lanes.kernel.compilation import compile_launches
from harness.lanes.kernel.compiled import Compiled
from harness.lanes.kernel.kernel_metadata import Configuration
from harness.lanes.kernel.performance_model import Prediction, predict
from harness.lanes.kernel.sweep_store import SearchedPoints
from harness.lanes.kernel.swept import Subject, Sweep, Tried
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.ledger.points import Points
from harness.sweep import loop
from harness.sweep import space as tiles
from harness.sweep.measurement import Measurement
from harness.sweep.search import Measure, Plan, Strategy, search

MAX_COMPILERS = 16  # at once; one for each processor if there are fewer
_COMPILE_SECONDS = 60.0  # for one configuration; one second is typical, and a longer compilation spills


class KernelClimb:
    """A sweep as a `harness.sweep.loop.Searched`: the space in one generation, or what a proposer chooses from it.

    Args:
        max_configurations: Sample this many configurations instead of trying all.
        measure: Times a configuration on a device; None if there is no device.
        best: How many of the best predictions of a generation are measured.
        ask: Chooses configurations of the next generation; None for the space, or a sample of it, at once.
        operator: Who proposes, for rows.
        name: The name of the kernel, for rows; by default its file's.

    Raises:
        UsageError: if the kernel has no tile space.
    """

    def __init__(
        self,
        subject: Subject,
        points: Points,
        processes: WarmProcesses,
        *,
        max_configurations: int | None = None,
        measure: Measure | None = None,
        best: int = 8,
        progress: Callable[[str], None] | None = None,
        ask: Callable[[Sweep], Sequence[Any]] | None = None,
        operator: str = "space",
        name: str = "",
    ) -> None:
        self._space, self.found = subject.space, Sweep(subject)
        self._points, self._processes, self._most, self._best = points, processes, max_configurations, best
        self._measure, self._progress, self._ask, self._operator = measure, progress, ask, operator
        self._name = name or subject.candidate.path.stem
        self._kernel = digest_bytes(subject.candidate.source)
        self._tried: dict[int, Tried] = {}
        self._fastest: Tried | None = None
        self._idle = 0

    def run(self, rows: loop.Rows) -> Sweep:
        """Search the space in one generation.

        Raises:
            LedgerError: if the ledger fails.
            InfraError: if a warm process or the device fails.
        """
        loop.run(self, rows, loop.Limits(1))
        return self.found

    def propose(self, generation: int, book: loop.Book) -> list[Trial] | None:
        """A row for each configuration."""
        found = book.proposed(generation)
        if found:
            return found
        if self._ask is not None:
            wanted = self._ask(self.found)
        elif generation:
            return None
        elif self._most is None:
            wanted = [dict(point.values) for point in self._space.points()]
        else:
            wanted = [dict(point.values) for point in self._space.sample(self._most, 0)]
        texts: dict[str, str | bytes] = {}
        for one in wanted:
            digest = self.digest(one)
            texts[digest] = json.dumps(one)
            found.append(
                book.proposal(
                    generation,
                    self._name,
                    digest,
                    operator=self._operator,
                    parents=(self._kernel,),
                    verdict={"configuration": one},
                )
            )
        if not found:
            return book.add_empty_reply(generation, self._name, operator=self._operator)
        book.add(found, texts)
        return found

    def judge(self, trials: Sequence[Trial], book: loop.Book) -> None:
        """Compile configurations, and measure those of the best predictions."""
        self._try(trials)
        book.kept.complete([self._verdict(trial) for trial in trials])

    def absorb(self, generation: int, trials: Sequence[Trial], book: loop.Book) -> int:
        """Note the fastest configuration."""
        self._try(trials)  # those of an earlier process; their points are in the ledger
        best = next(iter(self.found.ranked), None)
        self._idle = 0 if best is not self._fastest else self._idle + 1
        self._fastest = best
        return self._idle

    def digest(self, configuration: Any) -> str:
        """The digest of a configuration of this kernel."""
        return digest_json([self._kernel, configuration])

    def tried(self, trial: Trial) -> Tried | None:
        """What is known of a trial's configuration; None if it is not in the space."""
        point = self._space.find(trial.verdict["configuration"])
        return None if point is None else self._tried.get(point.index)

    def _try(self, trials: Sequence[Trial]) -> None:
        """Compile and measure the configurations that were not tried in this process."""
        subject, name, basis = self.found.subject, self.found.subject.candidate.name, self.found.subject.basis
        chosen = {
            point.index: point
            for trial in trials
            if "configuration" in trial.verdict
            and (point := self._space.find(trial.verdict["configuration"])) is not None
            and point.index not in self._tried
        }
        if not chosen:
            return

        def compile_point(point: tiles.Point, _repeats: int) -> Measurement:
            compiled = compile_configuration(subject, dict(point.values), self._processes)
            return _as_measurement(subject, point, compiled)

        found = search(
            Plan(self._space, Strategy.GRID, maximize=False, chosen=tuple(chosen[at] for at in sorted(chosen))),
            compile_point,
            store=SearchedPoints(self._points, "compiled", name, basis),
            workers=min(MAX_COMPILERS, len(os.sched_getaffinity(0))),
            progress=self._progress,
        )
        fresh = {
            entry.point.index: _tried(subject, entry.point, entry.measurement)
            for entry in (*found.ranking, *found.failed)
        }
        if self._measure is not None:
            ranked = sorted((at for at, one in fresh.items() if one.feasible), key=lambda at: (*fresh[at].rank, at))
            timed = search(
                Plan(
                    self._space,
                    Strategy.HALVING,
                    maximize=True,
                    chosen=tuple(chosen[at] for at in sorted(ranked[: self._best])),
                ),
                self._measure,
                store=SearchedPoints(
                    self._points, "measured", name, basis | {"device": subject.device.name, "driver": _driver()}
                ),
                progress=self._progress,
            )
            for entry in (*timed.ranking, *timed.failed):
                fresh[entry.point.index].measured = entry.measurement
        self._tried |= fresh
        self.found.known += len(fresh) - found.measured
        self.found.tried = [self._tried[at] for at in sorted(self._tried)]

    def _verdict(self, trial: Trial) -> Trial:
        """What cannot run ends at the stage `gate`, what is only predicted at `screen`."""
        one = self.tried(trial)
        if one is None:
            why = "it is not a configuration of the kernel's SPACE"
            return changed(trial, stage="parse", status="wrong", passed=False, verdict={**trial.verdict, "why": why})
        measured, predicted = one.measured, one.prediction
        stage, status, why = "screen", "skipped", "not measured"
        if not one.feasible:
            stage, status, why = "gate", "crash", one.compiled.fault
        elif measured is not None:
            stage, status, why = "judged", measured.status, measured.why
        return changed(
            trial,
            stage=stage,
            status=status,
            passed=None if stage == "screen" else one.milliseconds is not None,
            verdict={
                **trial.verdict,
                "why": why,
                "milliseconds": one.milliseconds,
                "predicted_ms": None if predicted is None else predicted.seconds * 1e3,
                "speed_up": None if measured is None else measured.value,
            },
        )


def _as_measurement(subject: Subject, point: tiles.Point, compiled: Compiled) -> Measurement:
    """A point of the first search, whose sample is the predicted time."""
    detail = compiled.to_wire()
    if compiled.fault:
        return Measurement(status="unfit", why=compiled.fault, detail=detail)
    return Measurement(samples=(_predicted(subject, dict(point.values), compiled).seconds,), detail=detail)


def _tried(subject: Subject, point: tiles.Point, measurement: Measurement) -> Tried:
    """A tried configuration; its prediction is computed again, because the model may have changed since."""
    configuration = dict(point.values)
    try:
        compiled = Compiled.from_wire(measurement.detail)
    except ValidationError:  # stored by another version
        compiled = Compiled(fault=measurement.why or "kept by another version")
    prediction = None if compiled.fault else _predicted(subject, configuration, compiled)
    return Tried(configuration, compiled, prediction)


def _predicted(subject: Subject, configuration: Configuration, compiled: Compiled) -> Prediction:
    definition = subject.candidate.definition
    return predict(definition, subject.point, configuration, compiled.main, device=subject.device)


def compile_configuration(subject: Subject, configuration: Configuration, processes: WarmProcesses) -> Compiled:
    """Compile one configuration for the subject's card, and check whether it can run there."""
    with OwnedFolder("sweep") as folder:
        job = subject.candidate.job(folder, processes, timeout=_COMPILE_SECONDS, configuration=dict(configuration))
        architectures = (subject.device.architecture,)
        launches, fault, _ = compile_launches(job, (subject.point,), architectures=architectures)
    if fault is not None:
        return Compiled(fault=fault.why)
    if not launches:
        return Compiled(fault=f"{subject.candidate.definition.entry} launches no Triton kernel")
    codes = tuple(launch.best.code for launch in launches if launch.best.code is not None)
    faults = [f"{launch.name} {launch.best.problem}" for launch in launches if launch.best.problem]
    return Compiled(codes=codes, fault="; ".join(faults))


@functools.cache
def _driver() -> str:
    """The driver's version, on which measured times depend; empty without a driver."""
    path = Path("/proc/driver/nvidia/version")
    return path.read_text().splitlines()[0] if path.is_file() else ""
