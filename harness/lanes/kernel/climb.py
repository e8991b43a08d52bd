"""Climb: the tuning of a kernel as a search whose measured configurations have verdicts on the board."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import PositiveInt

from harness.core.clip import clip
from harness.core.errors import InfraError, SuiteError
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.frozen import Frozen
from harness.core.status import Status
from harness.core.trial import Trial
from harness.lane.climb import ClimbRequest, evaluation_of
from harness.lane.protocol import Lane
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.definition import Setting, read_definition
from harness.lanes.kernel.device_limits import DEFAULT, find_device
from harness.lanes.kernel.device_measurement import hold_device
from harness.lanes.kernel.device_tuning import Tuner
from harness.lanes.kernel.gpu import absent_gpu, list_gpus, own_gpu
from harness.lanes.kernel.sweep import KernelClimb
from harness.lanes.kernel.sweep_store import LANE
from harness.lanes.kernel.swept import Subject, Sweep, label
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.ledger.points import Points
from harness.providers.question import Provider, ask

MAX_CHOSEN = 32  # configurations of one reply
MAX_SHOWN = 20  # configurations that a question shows
ROLE = "You tune GPU kernels. You answer with JSON and nothing else."
MAX_REPLY = 1 << 20  # characters


class KernelClimbOptions(Frozen):
    """How the kernels of an evolve file with `domain: kernel` are tuned; as the options of `crucible kernel sweep`."""

    definition: str
    """The operation; relative to the evolve file."""
    shape: dict[str, Setting] = {}
    """The size; by default the definition's first target."""
    device: str = ""
    """The card; by default this machine's, else the one that the lane predicts for."""
    most: PositiveInt | None = None
    """Configurations that are sampled instead of all, if the kernel's own SPACE proposes."""
    best: PositiveInt = 8
    """Configurations of each generation that are measured."""


class TunedKernel:
    """See `harness.lane.climb.Climb`.

    Args:
        stack: Holds its processes, if they are its own.
    """

    def __init__(self, searched: KernelClimb, lane: Lane, stack: ExitStack | None = None) -> None:
        self.searched, self._lane, self._stack = searched, lane, stack or ExitStack()

    @classmethod
    def open(cls, request: ClimbRequest, lane: Lane) -> TunedKernel:
        """Make one of a kernel and the options of an evolve file.

        Raises:
            SuiteError: if the kernel or its definition does not exist, or the shape does not fit.
            UsageError: if the kernel has no SPACE.
            MissingExtraError: if PyTorch or Triton is not installed.
        """
        options = request.options
        if not isinstance(options, KernelClimbOptions):
            raise TypeError(type(options).__name__)
        place = (request.folder / options.definition).resolve()
        try:
            definition = read_definition(place)
            candidate = Candidate(request.file, request.file.read_bytes(), definition, place)
            point = definition.point(options.shape) if options.shape else definition.targets[0]
        except (OSError, ValueError, IndexError) as error:
            raise SuiteError(f"the kernel cannot be tuned: {error}", where=str(request.file)) from error
        absent = absent_gpu()
        card = find_device(options.device or (DEFAULT if absent else own_gpu(list_gpus()).name))
        subject = Subject(candidate, point, card)
        _ = subject.space  # raises if it is invalid, before any process starts
        with ExitStack() as opening:
            processes = opening.enter_context(WarmProcesses())
            measure = None
            if not absent:
                scratch = Path(opening.enter_context(tempfile.TemporaryDirectory(prefix="crucible-sweep-")))
                baselines, gpu = opening.enter_context(hold_device(scratch / "baselines"))
                tuner = Tuner(subject, processes, baselines, gpu, seed=secrets.randbits(62))
                measure = opening.enter_context(tuner).measure
            searched = KernelClimb(
                subject,
                Points(request.ledger, lane=LANE),
                processes,
                max_configurations=options.most,
                measure=measure,
                best=options.best,
                ask=None if request.provider is None else asking(request.provider),
                operator=request.operator,
                name=request.name,
            )
            return cls(searched, lane, opening.pop_all())

    @property
    def patience(self) -> int | None:
        """It is not known."""
        return None

    @property
    def best(self) -> str:
        """The digest of the best configuration: the fastest measured one, else the best prediction."""
        ranked = self.searched.found.ranked
        return self.searched.digest(ranked[0].configuration) if ranked else ""

    def evaluation(self, trial: Trial) -> Evaluation | None:
        """The verdict on a configuration that was measured, or only predicted; the latter is `skipped`."""
        if trial.stage not in ("screen", "judged"):
            return None
        found = trial.verdict
        milliseconds, why = found["milliseconds"], found["why"]
        status = Status(trial.status) if trial.status in Status.__members__.values() else Status.WRONG
        if status is Status.SKIPPED:
            why = f"not measured; {found['predicted_ms']:.4f} ms are predicted"
        facts = {"stage": "sweep", **{name: found[name] for name in ("configuration", "predicted_ms", "speed_up")}}
        evidence = Evidence(
            status=status, why=why if status is not Status.OK else "", facts=facts, median_ms=milliseconds
        )
        return evaluation_of(trial, self._lane, evidence)

    def describe(self) -> str:
        """The best configuration and its time."""
        ranked = self.searched.found.ranked
        if not ranked:
            return "no configuration can run"
        best, guessed = ranked[0], ranked[0].prediction
        if best.milliseconds is not None:
            return f"{label(best.configuration)}: {best.milliseconds:.4f} ms"
        predicted = "" if guessed is None else f", {guessed.seconds * 1e3:.4f} ms are predicted"
        return f"{label(best.configuration)}: not measured{predicted}"

    def close(self) -> None:
        """End the processes."""
        self._stack.close()


def asking(provider: Provider) -> Callable[[Sweep], Sequence[Any]]:
    """A proposer that lets a provider choose configurations from a kernel's space.

    Args:
        provider: Is shown the kernel, its space and the best configurations so far.
    """

    def choose(found: Sweep) -> Sequence[Any]:
        about = found.subject
        shown = [
            {"configuration": one.configuration, "milliseconds": one.milliseconds}
            | ({} if one.prediction is None else {"predicted_ms": one.prediction.seconds * 1e3})
            for one in found.ranked[:MAX_SHOWN]
        ]
        prompt = (
            f"Choose configurations of this kernel that are fast at {about.point.label} on {about.device.name}.\n"
            f"```python\n{about.candidate.source.decode(errors='replace')}\n```\n"
            f"Values to choose from: {json.dumps(dict(about.candidate.file.space))}\n"
            f"The best so far: {json.dumps(shown)}\n{len(found.tried)} were tried.\n"
            f"Answer with a JSON list of at most {MAX_CHOSEN} objects, each with a value for every name."
        )
        reply = ask(provider, prompt, role=ROLE, label="kernel/sweep")
        return read_configurations(reply.text, where=f"{reply.provider} {reply.model}".strip())

    return choose


def read_configurations(text: str, *, where: str) -> list[Any]:
    """The configurations in an answer: its outermost JSON list, each entry once.

    Raises:
        InfraError: if there is none.
    """
    first, last = text.find("["), text.rfind("]")
    try:
        value = json.loads(text[first : last + 1][:MAX_REPLY]) if 0 <= first < last else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        fix = 'a JSON list of objects such as [{"BLOCK_M": 64, "num_warps": 4}]'
        raise InfraError(f"the answer has no configurations; it begins: {clip(text)}", where=where, fix=fix)
    return list({json.dumps(one, sort_keys=True): one for one in value[:MAX_CHOSEN]}.values())
