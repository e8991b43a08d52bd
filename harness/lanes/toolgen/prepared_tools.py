"""PreparedTools: the tools that one process judges with: their oracles, questions and workloads, each made once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from harness.core.errors import CrucibleError
from harness.lanes.toolgen.oracle import Oracle, OracleEndedError, OracleImportError
from harness.lanes.toolgen.performance import Workload, make_workloads
from harness.lanes.toolgen.questions import Questions, build_questions
from harness.lanes.toolgen.tool_spec import Tool, digest_of_files
from harness.sandbox.loop import Lock

MAX_TOOLS = 16  # oracles that run at once; above it, the least recently used one ends
MAX_KILLS = 3  # after which an oracle whose process was killed each time is not started for another case


class _Prepared:
    def __init__(self, oracle: Oracle) -> None:
        self.oracle, self.lock = oracle, Lock()
        self.made: dict[tuple[Any, ...], Any] = {}
        self.kills = 0


class PreparedTools:
    """Kept by a `Context`; coroutines that need the same questions wait for the first of them."""

    def __init__(self) -> None:
        self._tools: OrderedDict[tuple[str, str], _Prepared] = OrderedDict()

    async def questions(self, tool: Tool, *, secret_seed: int, count: int, attempts: int, scratch: Path) -> Questions:
        """The questions of a tool; see `build_questions` for arguments and errors."""
        folder = scratch / "toolgen"
        prepared = self._prepared(tool, folder)
        found: Questions = await self._once(
            prepared,
            ("questions", secret_seed, count, attempts),
            lambda: build_questions(
                tool, prepared.oracle, secret_seed=secret_seed, count=count, attempts=attempts, folder=folder
            ),
        )
        if tool.oracle is None:  # nothing more will be asked of it
            prepared.oracle.close()
        return found

    async def workloads(self, questions: Questions) -> tuple[Workload, ...]:
        """The timed inputs of a tool; see `make_workloads`."""
        prepared = self._tools.get(_key(questions.tool))
        if prepared is None:
            return await make_workloads(questions)
        found: tuple[Workload, ...] = await self._once(
            prepared, ("workloads", questions.seed), lambda: make_workloads(questions)
        )
        return found

    def close(self) -> None:
        """End all oracles."""
        while self._tools:
            self._tools.popitem()[1].oracle.close()

    def _prepared(self, tool: Tool, folder: Path) -> _Prepared:
        key = _key(tool)
        if key not in self._tools:
            while len(self._tools) >= MAX_TOOLS:
                self._tools.popitem(last=False)[1].oracle.close()
            self._tools[key] = _Prepared(Oracle(tool.oracle, folder, rules=tool.answer_rules))
        self._tools.move_to_end(key)
        return self._tools[key]

    @staticmethod
    async def _once(prepared: _Prepared, key: tuple[Any, ...], make: Callable[[], Awaitable[Any]]) -> Any:
        async with prepared.lock.held():
            if key not in prepared.made:
                try:
                    prepared.made[key] = await make()
                except CrucibleError as error:
                    was_killed = isinstance(error, OracleEndedError | OracleImportError) and error.was_killed
                    prepared.kills += was_killed
                    if was_killed and prepared.kills < MAX_KILLS:
                        raise  # the machine may have memory again when the next case asks
                    prepared.made[key] = error  # an oracle that hung once is not waited for again
        found = prepared.made[key]
        if isinstance(found, CrucibleError):
            raise found
        return found


def _key(tool: Tool) -> tuple[str, str]:
    # Also the files that an oracle imports or reads: it is started again when one of them has changed.
    return tool.digest, digest_of_files(tool)
