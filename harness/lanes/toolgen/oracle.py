"""Oracle: a tool's trusted code. It runs in a process of its own, never in a box and never in a judge's process."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from harness.core.clip import clip
from harness.core.errors import InfraError, SpecError, position
from harness.lane.json_worker import JsonWorker, WorkerFault
from harness.lanes.toolgen.reply import Reply, Timed
from harness.sandbox.loop import Lock

Sampled = list[list[bytes]]

TRUSTED_SECONDS = IMPORT_SECONDS = 60.0  # limit on the wall seconds of one call of trusted code, and of its import
SAMPLING_SECONDS = 120.0  # limit on the wall seconds for sampling all inputs, and for answering the derived edge inputs
_SLACK = 10.0  # beyond a limit, for a process that has to be started on a busy machine
_FRAME = re.compile(r'^  File "(?P<file>[^"]*)", line (?P<line>\d+) in ', re.MULTILINE)


class OracleEndedError(SpecError):
    """The process of an oracle ended in a call, or did not return in time."""

    is_late = was_killed = False


class OracleImportError(SpecError):
    """The process of an oracle ended, or did not answer in time, while it imported the file."""

    was_killed = False


class Oracle:
    """The process of one `oracle.py`; it starts at first use, and again after it was killed.

    Args:
        path: The file; None for a tool with examples only, whose inputs are sampled from annotations.
        folder: A private folder for its log and for Hypothesis.
        rules: What becomes of the reference's answers, as of a candidate's (see `wire`).

    Attributes:
        properties: The names of its properties, in order.
        failed: Checks of answers that failed with the reference's answer (`check_answer`).
    """

    def __init__(self, path: Path | None, folder: Path, *, rules: tuple[str, ...] = ()) -> None:
        self.path, self._folder, self._rules = path, folder, rules
        self.properties: tuple[str, ...] = ()
        self.has_raises = False
        self.failed: dict[Hashable, SpecError] = {}
        self._defines: frozenset[str] = frozenset()
        self._worker: JsonWorker | None = None
        self._log = folder / f"oracle-{os.getpid()}-{id(self):x}.log"
        self._lock = Lock()

    def defines(self, name: str) -> bool:
        """Whether the oracle defines one of its optional functions; known once it has started."""
        return name in self._defines

    @property
    def pid(self) -> int:
        """Process id; 0 while it does not run."""
        return self._worker.pid if self._worker is not None else 0

    @property
    def _where(self) -> Path | str:
        return "" if self.path is None else self.path

    async def start(self) -> None:
        """Start the process and import the oracle.

        Raises:
            SpecError: if the file cannot be imported, or one of its names has a wrong type.
        """
        async with self._lock.held():
            await self._start()

    async def sample(self, parameters: dict[str, Any], samples: list[tuple[int, int]]) -> Sampled:
        """For each (seed, count) at most that many distinct inputs, encoded; equal seeds give equal inputs.

        Args:
            parameters: For each parameter its kind (see `annotation_kinds`) and whether it is required.
            samples: Seeds and counts.

        Raises:
            SpecError: if `inputs()` fails.
            InfraError: if sampling takes longer than `SAMPLING_SECONDS`.
        """
        request = {"do": "sample", "parameters": parameters, "samples": samples}
        answer = await self._ask(request, "inputs", seconds=SAMPLING_SECONDS, slack=_SLACK)
        return [[key.encode("ascii") for key in keys] for keys in answer["sampled"]]

    async def reply(self, key: bytes, *, any_error: bool = False) -> Timed:
        """The reference's answer to encoded keyword arguments; the reference may modify the decoded ones.

        Args:
            key: `codec.encode` of the keyword arguments.
            any_error: Accept any exception as an answer, for inputs outside of the domain.

        Raises:
            SpecError: if the reference raises an unexpected exception, or returns a value that cannot be encoded.
        """
        request = {"do": "replies", "keys": [key.decode("ascii")], "any_error": any_error}
        ((kind, payload, cpu_seconds, seconds),) = (await self._ask(request, "reference", key))["replies"]
        return Timed(Reply(kind, payload.encode("ascii")), cpu_seconds, seconds)

    async def derived(self, keys: tuple[bytes, ...]) -> list[Reply | None]:
        """The reference's answers to derived edge inputs; None where it has none in time."""
        request = {"do": "derived", "keys": [key.decode("ascii") for key in keys], "seconds": SAMPLING_SECONDS}
        answer = await self._ask(request, "reference", seconds=SAMPLING_SECONDS, slack=_SLACK)
        return [one and Reply(one[0], one[1].encode("ascii")) for one in answer["replies"]]

    async def edges(self) -> list[bytes]:
        """The encoded edge inputs that the oracle itself names.

        Raises:
            SpecError: if `edges` fails.
        """
        return [key.encode("ascii") for key in (await self._ask({"do": "edges"}, "edges", b"{}"))["keys"]]

    async def workload(self, size: int, seed: int) -> bytes:
        """An encoded input of one size.

        Raises:
            SpecError: if `workload` fails.
        """
        answer = await self._ask({"do": "workload", "size": size, "seed": seed}, "workload", b"{}")
        key: str = answer["key"]
        return key.encode("ascii")

    async def accepts(self, key: bytes, payload: bytes, *, seconds: float | None = None) -> bool:
        """Whether `accept` accepts a candidate's value as right; false for bytes that are not canonical JSON.

        Raises:
            SpecError: if `accept` fails; it must handle any value.
        """
        if not payload.isascii():
            return False
        request = {"do": "accept", "key": key.decode("ascii"), "payload": payload.decode("ascii")}
        return bool((await self._ask(request, "accept", key, seconds=seconds))["right"])

    async def check(
        self, index: int, key: bytes, seed: int, replies: list[list[str]], *, seconds: float | None = None
    ) -> dict[str, Any]:
        """Run one property with the candidate's replies so far; see `oracle_process` for arguments and answer.

        Raises:
            SpecError: if the property does not return.
        """
        text = key.decode("ascii")
        request = {"do": "property", "index": index, "key": text, "seed": seed, "replies": replies}
        return await self._ask(request, f"property {self.properties[index]}", key, seconds=seconds)

    def fault(self, what: str, *, line: int | None = None) -> SpecError:
        """The error for trusted code that failed."""
        fix = "make it handle every value of inputs(), edges(), workload() and the test cases"
        return SpecError(what, where=position(self._where, line), fix=fix)

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        with contextlib.suppress(OSError):
            self._log.unlink()

    # The process

    async def _start(self, *, again: bool = False) -> JsonWorker:
        if self._worker is not None:
            return self._worker
        self._folder.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))}
        environment["PYTHONHASHSEED"] = "0"
        environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(self._folder / "hypothesis")
        self._worker = JsonWorker(
            "harness.lanes.toolgen.oracle_process",
            str(self.path or ""),
            json.dumps(sys.path),
            json.dumps(self._rules),
            folder=self._folder,
            log=self._log,
            environment=environment,
        )
        try:
            found = await self._worker.exchange(None, timeout=IMPORT_SECONDS)
        except WorkerFault as fault:
            if fault.was_killed and not again:
                self._kill()
                return await self._start(again=True)
            self._kill()
            raise self._import_fault(fault) from None
        if "fault" in found:
            sentence, line, _ = found["fault"]
            self._kill()
            raise SpecError(clip(sentence), where=position(self._where, line))
        self.properties, self.has_raises = tuple(found["properties"]), found["raises"]
        self._defines = frozenset(found["defines"])
        return self._worker

    async def _ask(
        self,
        request: dict[str, Any],
        name: str,
        key: bytes | None = None,
        *,
        seconds: float | None = None,
        slack: float = 0.0,
    ) -> dict[str, Any]:
        asked = "" if key is None else f" on {clip(key.decode('ascii'), limit=200)}"
        limit = TRUSTED_SECONDS if seconds is None else seconds
        async with self._lock.held():
            try:
                answer = await self._exchange(request, limit + slack)
            except WorkerFault as fault:
                line = self._line() if fault.is_late else None
                what = _end_of(fault, limit)
                self._kill()
                if name == "inputs" and fault.is_late:
                    raise InfraError(
                        f"sampling inputs took longer than {limit:g} s",
                        where=position(self._where),
                        fix="make inputs() return smaller values",
                    ) from None
                reported = self.fault(f"the oracle's {name} {what}{asked}", line=line)
                ended = OracleEndedError(reported.what, where=reported.where, fix=reported.fix)
                ended.is_late, ended.was_killed = fault.is_late, fault.was_killed
                raise ended from None
        if "fault" in answer:
            sentence, line, _ = answer["fault"]
            if name == "inputs":
                raise SpecError(
                    f"inputs cannot be sampled: {clip(sentence.removeprefix('raised '))}",
                    where=position(self._where, line),
                    fix="correct inputs() in oracle.py",
                )
            raise self.fault(f"the oracle's {name} {clip(sentence)}{asked}", line=line)
        return answer

    async def _exchange(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        try:
            return await (await self._start()).exchange(request, timeout=timeout)
        except WorkerFault as fault:
            if not fault.was_killed:
                raise
            self._kill()  # it keeps no state: another one is asked the same, once
            return await (await self._start()).exchange(request, timeout=timeout)

    def _import_fault(self, fault: WorkerFault) -> OracleImportError:
        fix = "run the file by itself: it must be importable"
        if fault.is_late:
            what, fix = f"importing the oracle {_end_of(fault, IMPORT_SECONDS)}", "do less when the file is imported"
        else:
            what = f"the oracle process {_end_of(fault, IMPORT_SECONDS)} while it was imported"
        if fault.was_killed:
            fix = "see whether the machine is out of memory; load less at import, or judge fewer candidates at once"
        error = OracleImportError(what, where=position(self._where), fix=fix)
        error.was_killed = fault.was_killed
        return error

    def _kill(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _line(self) -> int | None:
        """The line of the oracle at which the process is, from its own stack trace."""
        if self._worker is None or self.path is None:
            return None
        os.kill(self._worker.pid, signal.SIGUSR1)
        for _ in range(50):
            time.sleep(0.01)
            for frame in _FRAME.finditer(self._log.read_text("utf-8", "replace")):
                if frame["file"] == str(self.path):
                    return int(frame["line"])
        return None


def _end_of(fault: WorkerFault, limit: float) -> str:
    """What happened to the process, as a verb phrase."""
    if fault.is_late:
        return f"did not return within {limit:g} s"
    if fault.code is None:
        return f"gave {fault}"
    if fault.code >= 0:
        return f"ended with exit status {fault.code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-fault.code).name
        return f"was killed ({name}: out of memory?)" if fault.was_killed else f"was killed ({name})"
    return f"was killed (signal {-fault.code})"
