"""ClusterWorker: the part of a cluster that runs in each Dask worker: its files, its tier, its judge processes."""

from __future__ import annotations

import asyncio
import importlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from distributed import Status, Worker, WorkerPlugin, get_worker
from distributed.utils import sync

from harness.core.case import Case
from harness.core.digest import digest_bytes
from harness.core.tier import Tier
from harness.judge.folders import scratch_folder
from harness.judge.isolation import folders_of, prove_tier
from harness.judge.judges import Judges
from harness.judge.provenance import machine
from harness.lane.context import Context
from harness.lane.fingerprint import engine_of
from harness.suites.settings import Settings

BEGAN = "crucible-began"
"""Dask's topic of the keys of batches that a worker begins with; one for all runs, since a scheduler keeps topics."""


class Bundle(NamedTuple):
    """A trusted file or folder of the driver.

    Attributes:
        path: Where the driver has it.
        files: Bytes by name relative to it; the name is empty for a file.
    """

    path: str
    files: dict[str, bytes]

    @classmethod
    def read(cls, path: Path) -> Bundle:
        """Read a file, or all files below a folder; without byte code and hidden files, as `digest_folder`."""
        found: dict[str, bytes] = {}
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            name = file.relative_to(path).as_posix() if file != path else ""
            if file.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in name.split("/")):
                found[name] = file.read_bytes()
        return cls(str(path), found)

    def write(self, folder: Path) -> Path:
        """Write it into a folder; returns its place there."""
        digest = digest_bytes(b"\0".join(part for name in self.files for part in (name.encode(), self.files[name])))
        place = folder / digest[:32] / (Path(self.path).name or "root")
        for name, data in self.files.items():
            file = place / name if name else place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return place


class Sent(NamedTuple):
    """A case on its way to a worker.

    Attributes:
        case: Its wire form, as JSON.
        source: The bytes of the subject.
    """

    case: str
    source: bytes


class ClusterWorker(WorkerPlugin):  # type: ignore[misc]  # it has no types here
    """Set up once in each worker, also in one that joins later. It attacks its own boxes to prove their tier.

    What it proves becomes resources of the worker, by which batches are placed: `NAME:tier-T` for its tier and each
    weaker one, `NAME:machine-DIGEST` for its class of machines.

    Args:
        name: Of this plugin; also the prefix of its resources.
        lanes: Module and class of each lane, by name.
        engine: The driver's fingerprints of the judging code; a worker with others judges nothing.
        secret_seed: The secret seed of the run.
        bundles: The trusted files of the cases.
    """

    def __init__(
        self,
        name: str,
        *,
        lanes: Mapping[str, tuple[str, str]],
        engine: Mapping[str, str],
        secret_seed: int,
        bundles: Sequence[Bundle],
    ) -> None:
        self.name = name  # Dask keeps plugins by it
        self.lanes, self.engine, self.secret_seed, self.bundles = dict(lanes), dict(engine), secret_seed, tuple(bundles)
        self.state = "starting"

    async def setup(self, worker: Worker) -> None:
        """Write the files, prove the tier, and offer the resources."""
        try:
            tier, offered = await asyncio.to_thread(self._prepare, worker.state.nthreads, worker.local_directory)
        except Exception as error:  # the driver reads it
            self.state = f"{type(error).__name__}: {error}"
            return
        self.state = f"tier {tier}"
        await worker.set_resources(**dict.fromkeys(offered, float(worker.state.nthreads)))

    def _prepare(self, threads: int, folder: str) -> tuple[Tier, list[str]]:
        self._folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=folder))  # which only this user may read
        self._sources = self._folder / "sources"
        self._sources.mkdir()
        self._places = {bundle.path: bundle.write(self._folder) for bundle in self.bundles}
        lanes = {name: getattr(importlib.import_module(module), kind)() for name, (module, kind) in self.lanes.items()}
        if engine_of(lanes, lanes) != self.engine:
            raise RuntimeError("it has another version of pytest-crucible, Python or a library that judges")
        secrets = list(self._places.values())
        protect = folders_of(secrets)
        nothing = self._folder / "none"
        settings = Settings(secret_seed=self.secret_seed, ledger=nothing, report=nothing, min_tier=Tier.E)
        tier = prove_tier(lanes.values(), settings, secrets, protect=protect).tier
        context = Context(secret_seed=self.secret_seed, scratch=scratch_folder(), tier=tier, protect=protect)
        self._judges = Judges(lanes.values(), count=threads, context=context)
        held = [f"{self.name}:tier-{other}" for other in Tier if tier.at_least(other)]
        return tier, [*held, f"{self.name}:machine-{machine_class()}"]

    async def teardown(self, worker: Worker) -> None:
        """End the judge processes and remove the files."""
        ours = {name: 0.0 for name in worker.state.total_resources if name.startswith(f"{self.name}:")}
        if worker.status is Status.running:  # else the scheduler has forgotten it
            await worker.set_resources(**ours)
        if hasattr(self, "_judges"):
            await asyncio.to_thread(self._judges.close)
        if hasattr(self, "_folder"):
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def judge(self, sent: Sequence[Sent]) -> list[str]:
        """Judge cases; the evaluations, as JSON, name the driver's paths."""
        found = []
        for text, source in sent:
            wire = json.loads(text)
            case = Case.from_wire(wire)
            place = Path(tempfile.mkdtemp(dir=self._sources)) / Path(case.subject.path).name
            place.write_bytes(source)
            moved = {case.subject.path: place, **self._places}
            inputs = {key: str(moved.get(value, value)) if isinstance(value, str) else value
                      for key, value in case.inputs.items()}  # fmt: skip
            subject = case.subject.model_copy(update={"path": str(place)})
            here = case.model_copy(update={"subject": subject, "inputs": inputs})
            found.append((self._judges.submit(here), moved, place))
        texts = []
        for judged, moved, place in found:
            evaluation = judged.result()
            for path, local in moved.items():
                evaluation = evaluation.replace(_quoted(str(local)), _quoted(path))
            texts.append(evaluation)
            shutil.rmtree(place.parent, ignore_errors=True)
        return texts


def judge_batch(name: str, key: str, cases: Sequence[str], sources: Sequence[bytes]) -> list[str]:
    """The task of a batch: the evaluations of its cases, in their order."""
    worker = get_worker()
    # The scheduler answers, so it knows of it even if the worker ends at once.
    sync(worker.loop, worker.scheduler.log_event, topic=BEGAN, msg=key)
    plugin: ClusterWorker = worker.plugins[name]
    return plugin.judge([Sent(*pair) for pair in zip(cases, sources, strict=True)])


def require_answers(texts: list[str], cases: Sequence[Case]) -> list[str]:
    """The evaluations of a batch, as JSON; raises ValueError if they are not those of its subjects, in their order."""
    if [json.loads(text)["case"]["subject"]["digest"] for text in texts] != [case.subject.digest for case in cases]:
        raise ValueError("it answered for other cases")
    return texts


def worker_state(name: str, dask_worker: Any = None) -> str:
    """What a worker is able to do, in words."""
    plugin = dask_worker.plugins.get(name)
    return "not set up" if plugin is None else str(plugin.state)


def machine_class() -> str:
    """Digest of the class of machines that this one belongs to."""
    return digest_bytes(machine().encode())[:8]


def _quoted(path: str) -> str:
    return json.dumps(path, ensure_ascii=False)[1:-1]
