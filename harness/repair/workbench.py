"""Workbench: one tool as the search sees it, and as the confirmation sees it."""

from __future__ import annotations

import json
import math
import secrets
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from harness import hooks
from harness.core.closing import Closing
from harness.core.document import read_document
from harness.core.errors import InfraError, UsageError
from harness.core.owned_folder import OwnedFolder
from harness.core.policy import Policy, Timing
from harness.judge.folders import project_root, scratch_folder
from harness.judge.isolation import folders_of
from harness.judge.pool import JudgePool
from harness.judge.verdict import Verdict
from harness.lane.registry import Registry
from harness.lanes.toolgen.options import ToolgenSuite
from harness.lanes.toolgen.prepared_tools import PreparedTools
from harness.lanes.toolgen.questions import Questions
from harness.lanes.toolgen.tool_spec import Tool, read_tool
from harness.repair.localisation import Suspects, localise
from harness.sandbox.limits import MIB, Limits
from harness.sandbox.loop import OutOfTimeError, Result, Task, drive
from harness.sandbox.pool import BoxPool
from harness.suites.loader import SUFFIX, load_suite
from harness.suites.settings import settle

HELD_BACK = 3  # without an oracle every third example is held back from the search
INPUTS = 40  # sampled inputs of the search; with the examples they are one batch of a screening
MAX_INPUTS = 640  # sampled inputs of a search that was widened
FRESH_INPUTS, HELD_BACK_EXAMPLES = "fresh inputs", "held-back examples"


class Workbench(Closing):
    """The pools for one tool. Use it as a context manager.

    Args:
        spec: A tool (folder or file), or a suite with `lane: toolgen`.
        workers: Judge processes; by default one for each core that this process may use.
        search_seed: Secret seed of the inputs that the search sees; random by default.
        confirm_seed: Secret seed of those that it does not see; random by default.

    Attributes:
        searched: The tool as the search sees it: without the examples that are held back.
        confirmed_on: What a confirmation asks that the search did not see.
        until: The moment, by `time.monotonic`, at which all methods end what they do and raise `OutOfTimeError`.

    Raises:
        UsageError: if there is no such tool, or the suite is of another lane.
        SuiteError: if the tool or the suite is wrong.
        TierError: if this machine cannot isolate candidates.
    """

    def __init__(
        self,
        spec: Path,
        *,
        epoch: int = 0,
        workers: int | None = None,
        search_seed: int | None = None,
        confirm_seed: int | None = None,
    ) -> None:
        self.spec, self._epoch, self._workers = spec.absolute(), epoch, workers
        tool_path, self._policy, self._suite = _tool_of(self.spec, epoch)
        self.tool: Tool = read_tool(tool_path)
        self._seed = secrets.randbits(63) if search_seed is None else search_seed
        self._confirm_seed = secrets.randbits(63) if confirm_seed is None else confirm_seed
        self._owned = OwnedFolder("repair")
        self._folder = self._owned.path
        self._prepared = PreparedTools()
        self._boxes: BoxPool | None = None
        self._searching: JudgePool | None = None
        self._confirming: JudgePool | None = None
        self._questions: Questions | None = None
        self.until = math.inf
        self._held_back, self._inputs, self._is_small = 0, INPUTS, False
        self.searched = self.tool
        if self.tool.oracle is not None:
            self.searched = _without_derived_edges(self.tool, self.tool.oracle, self._folder)
        else:
            self.searched, self._held_back = _without_held_back(self.tool, self._folder)
        self.confirmed_on = HELD_BACK_EXAMPLES if self.tool.examples_only else FRESH_INPUTS

    # What the search sees

    def screen(self, sources: Iterable[str | bytes]) -> list[Verdict]:
        """Cheap verdicts on the inputs of the search, with short limits.

        Raises:
            SpecError: if the oracle fails.
            InfraError: if a judge process cannot start.
        """
        if self._searching is None:
            self._seen()  # finds out how many inputs there are
            budget = self._policy.budget
            self._searching = JudgePool(
                self.searched.path,
                workers=self._workers,
                epoch=self._epoch,
                attempts=1,
                timing="none",
                secret_seed=self._seed,
                questions=self._inputs,
                budget={"time_ms": budget.time_ms, "memory_mb": budget.memory_mb},
            )
        pool = self._searching
        return self._wait([pool.submit(source, screen=True, allow_slow=False) for source in sources])

    def suspects(self, source: str) -> Suspects:
        """The suspicious lines of a candidate, on the inputs of the search.

        Raises:
            SyntaxError: if it is not Python.
            SpecError: if the oracle fails.
            InfraError: if no box can be opened.
        """
        if self._boxes is None:
            self._boxes = BoxPool(protect=folders_of([self.tool.path, self._folder, self.spec]))
        # Fuel ends an endless loop long before; few boxes reach their time limit.
        limits = Limits(memory_bytes=int(self._policy.budget.memory_mb * MIB))
        return self._drive(localise(self._boxes, source, self._seen(), limits))

    def widen(self) -> bool:
        """Let the search ask more inputs from now on; false where it asks all it can.

        Called when a proposal passed the search and not the confirmation: then the search asked too little.
        """
        if self.tool.examples_only or self._is_small or self._inputs >= MAX_INPUTS:
            return False
        self._inputs *= 4
        self._questions = None
        if self._searching is not None:
            self._searching.close()
            self._searching = None
        return True

    # What it does not see

    def confirm(self, source: str | bytes) -> Verdict:
        """The full verdict on inputs that the search has not seen.

        Raises:
            SpecError: if the oracle fails.
            InfraError: if a judge process cannot start.
        """
        if self._confirming is None:
            self._confirming = JudgePool(
                self.spec,
                workers=self._workers,
                epoch=self._epoch,
                secret_seed=self._confirm_seed,
                timing="cpu" if self._policy.timing is Timing.EXACT else None,
            )
        return self._wait([self._confirming.submit(source)])[0]

    def count_unseen(self) -> int:
        """How many inputs, or examples, of the confirmation the search has not seen.

        Raises:
            SpecError: if the oracle fails.
        """
        if self.tool.examples_only:
            return self._held_back
        suite, policy = self._suite, self._policy
        count = suite.questions if suite is not None else ToolgenSuite.model_fields["questions"].default
        fresh = self._make(self.tool, self._confirm_seed, count, policy.attempts)
        seen = {question.key for question in self._seen().shared}
        every = (*fresh.shared, *(one for group in fresh.extras for one in group))
        return len({one.key for one in every} - seen)

    def close(self) -> None:
        """End all processes."""
        self._end_processes()
        self._owned.remove()

    def _end_processes(self) -> None:
        for pool in (self._searching, self._confirming, self._boxes):
            if pool is not None:
                pool.close()
        self._searching = self._confirming = self._boxes = None
        self._prepared.close()
        self._prepared = PreparedTools()

    def _drive(self, task: Task[Result]) -> Result:
        try:
            return drive(task, until=self.until)
        except OutOfTimeError:
            self._end_processes()
            raise

    def _wait(self, judged: list[Future[Verdict]]) -> list[Verdict]:
        """The verdicts; if the time is over before, what is judged ends with its processes."""
        left = None if self.until == math.inf else max(0.0, self.until - time.monotonic())
        if wait(judged, timeout=left).not_done:
            self._end_processes()
            raise OutOfTimeError
        return [one.result() for one in judged]

    def _seen(self) -> Questions:
        if self._questions is None:
            self._questions = found = self._make(self.searched, self._seed, self._inputs, 1)
            sampled = sum(question.origin != "edge" for question in found.shared)
            if found.oracle is not None and sampled < self._inputs:
                # The tool has few inputs: some are left to the confirmation, as examples are without an oracle.
                self._inputs, self._is_small = max(1, sampled - sampled // HELD_BACK), True
                self._questions = self._make(self.searched, self._seed, self._inputs, 1)
        return self._questions

    def _make(self, tool: Tool, seed: int, count: int, attempts: int) -> Questions:
        return self._drive(
            self._prepared.questions(tool, secret_seed=seed, count=count, attempts=attempts, scratch=scratch_folder())
        )


def _tool_of(spec: Path, epoch: int) -> tuple[Path, Policy, ToolgenSuite | None]:
    """The tool of a suite, or the tool itself, with the policy of a confirmation."""
    if not spec.exists():
        raise UsageError(f"Spec file not found: {spec}", fix="name a tool's folder or JSON file, or a suite")
    settings = settle(project_root(spec), command={"epoch": epoch})
    if not spec.name.endswith(SUFFIX):
        return spec, settings.policy(), None
    suite = load_suite(spec, name=spec.name, lanes=Registry(built_in=hooks.BUILT_IN).lanes, settings=settings)
    if not isinstance(suite.options, ToolgenSuite):
        raise UsageError(f"the lane {suite.options.lane!r} has no tool to repair", where=str(spec))
    return suite.resolve(suite.options.tool, "tool", allow_folder=True), suite.policy, suite.options


def _without_derived_edges(tool: Tool, oracle: Path, folder: Path) -> Tool:
    """A copy of a tool that has no edge inputs where its oracle names none; the tool itself where it does.

    Edge inputs that are derived from annotations decide no verdict, but the reference may take a second for each.
    """
    code = oracle.read_bytes()
    if b"edges" in code:  # defined, imported, or mentioned: it stays as it is
        return tool
    copy = folder / "searched"
    shutil.copytree(tool.path, copy)
    (copy / oracle.name).write_bytes(code + b"\n\ndef edges():\n    return []\n")
    return read_tool(copy)


def _without_held_back(tool: Tool, folder: Path) -> tuple[Tool, int]:
    """A copy of a tool without every third example, and how many those are."""
    file = tool.path / "tool.yaml" if tool.path.is_dir() else tool.path
    value: dict[str, Any] = (
        json.loads(file.read_text("utf-8-sig")) if file.suffix == ".json" else dict(read_document(file).value)
    )
    cases = value["test_cases"]
    kept = [case for number, case in enumerate(cases, 1) if number % HELD_BACK]
    copy = folder / "searched.json"
    try:
        copy.write_text(json.dumps({**value, "test_cases": kept}), "utf-8")
    except (TypeError, ValueError) as error:
        raise InfraError(f"the tool cannot be copied without its held-back examples: {error}") from None
    return read_tool(copy), len(cases) - len(kept)
