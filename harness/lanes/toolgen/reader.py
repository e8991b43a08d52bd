"""Reader: reads candidates in a disposable process, with limits on CPU time, memory and time."""

from __future__ import annotations

from typing import Any

from harness.core.status import Status
from harness.lane.forked_worker import ForkedWorker
from harness.lane.json_worker import WorkerFault
from harness.lanes.toolgen.executed_code import Executed
from harness.lanes.toolgen.reading import Reading, answer, rules_of
from harness.lanes.toolgen.source import Source
from harness.lanes.toolgen.tool_spec import Tool
from harness.sandbox.loop import Lock, drive

CPU_SECONDS = 5  # of one candidate
WALL_SECONDS = 60.0  # of one candidate; on a busy machine its CPU time ends first
MEMORY_BYTES = 512 << 20


class Reader:
    """Kept by a `Context`; its process is used again for the next candidate, until a candidate ends it."""

    def __init__(self) -> None:
        self._worker: ForkedWorker | None = None
        self._lock = Lock()

    async def read(self, source: Source, tool: Tool, *, is_strict: bool = False) -> Reading:
        """What the text of a candidate says; one that ends the process, or takes too long, is `forbidden`."""
        rules = rules_of(tool, is_strict=is_strict)
        found = await self._ask({"do": "read", "data": source.data.decode("latin-1"), "rules": rules})
        if isinstance(found, str):
            return Reading(Status.FORBIDDEN, f"it cannot be checked: reading it {found}")
        return Reading.from_wire(found["reading"])

    def read_now(self, source: Source, tool: Tool) -> Reading:
        """`read` for a caller that waits."""
        return drive(self.read(source, tool))

    async def executed_style(self, source: bytes, entry: str, counts: Executed) -> str:
        """The style of the code that was executed; `plain` if it cannot be read."""
        data = source.decode("latin-1")
        found = await self._ask({"do": "style", "data": data, "entry": entry, "counts": counts.to_wire()})
        return "plain" if isinstance(found, str) else str(found["style"])

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any] | str:
        """The answer, or what happened instead."""
        async with self._lock.held():
            try:
                return await self._exchange(request)
            except WorkerFault as fault:
                self.close()
                if fault.is_late:
                    return f"took more than {WALL_SECONDS:g} s"
                return f"took more than {CPU_SECONDS} s of CPU time or {MEMORY_BYTES >> 20} MB of memory"

    async def _exchange(self, request: dict[str, Any], *, again: bool = False) -> dict[str, Any]:
        if self._worker is None:
            self._worker = ForkedWorker(answer, cpu_seconds=CPU_SECONDS, memory_bytes=MEMORY_BYTES)
        try:
            return await self._worker.exchange(request, timeout=WALL_SECONDS)
        except WorkerFault as fault:
            if again or not fault.was_killed:
                raise
            self.close()  # no limit of its own ends it so: another one reads the same, once
            return await self._exchange(request, again=True)

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
