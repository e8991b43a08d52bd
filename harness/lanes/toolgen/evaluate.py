"""Evaluator: evaluates one candidate, from its source file to evidence."""

from __future__ import annotations

import platform
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.case import Case
from harness.core.clip import clip
from harness.core.digest import derive_seed
from harness.core.evidence import Evidence
from harness.core.paired import Comparison
from harness.core.policy import Timing
from harness.core.score import Score
from harness.core.stats import wilson_interval
from harness.core.status import Status
from harness.lane.context import Context
from harness.lane.pinned_file import require_unchanged
from harness.lanes.toolgen.attempts import Attempts
from harness.lanes.toolgen.candidate_box import opened
from harness.lanes.toolgen.candidate_timing import CandidateTiming
from harness.lanes.toolgen.depth import FIRST, Standings, near_gate
from harness.lanes.toolgen.derived_edges import ask_derived
from harness.lanes.toolgen.executed_code import count_lines
from harness.lanes.toolgen.exhibits import candidate_exhibits
from harness.lanes.toolgen.hash_dependence import attempts_for
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.paired_timing import PairedTiming
from harness.lanes.toolgen.performance import PROCESSES, REPEATS, Profile, null_call
from harness.lanes.toolgen.plan import Plan
from harness.lanes.toolgen.prepared_tools import PreparedTools
from harness.lanes.toolgen.question_cost import exact_costs, median_interval_ms, median_ms, ordinary_costs
from harness.lanes.toolgen.questions import Questions
from harness.lanes.toolgen.reader import Reader
from harness.lanes.toolgen.reading import Reading
from harness.lanes.toolgen.score import memory_limit, score_toolgen, time_limit
from harness.lanes.toolgen.source import read_unchanged_source
from harness.lanes.toolgen.static_check import Violation
from harness.lanes.toolgen.style import BASELINE, distance, reference_style
from harness.lanes.toolgen.tool_spec import Tool, digest_of_files, read_tool
from harness.lanes.toolgen.workload_timing import WorkloadTiming
from harness.sandbox.fault import GuardFault
from harness.sandbox.limits import MIB, Limits
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.usage import Usage

LOAD_SECONDS = 2.0  # wall time limit for loading a candidate; it does not anneal, since imports always take their time
SLOW_FACTOR = 4.0
"""Of the short limit of a batch: the limit of a call where no slow candidate is wanted (`JudgePool.submit`)."""
_LIMITS = {Status.TIMEOUT: "time", Status.MEMORY: "memory", Status.OUTPUT: "output"}
_ENVIRONMENT = {"python": platform.python_version(), "implementation": platform.python_implementation()}


class Evaluator:
    """Gathers the evidence of one case; `run` is called once."""

    def __init__(self, case: Case, context: Context) -> None:
        self.case, self.context = case, context
        self.started = time.perf_counter()
        self.tool = _unchanged_tool(case)
        self.source = read_unchanged_source(Path(case.subject.path), case.subject.digest)
        self.attempts: Attempts | None = None
        self.profile: Profile | None = None
        self.comparisons: tuple[Comparison, ...] = ()
        self.notices: list[str] = []
        self.facts: dict[str, Any] = {
            "questions": {"right": 0, "total": 0, "low": 0.0, "high": 1.0},
            "edges": {"handled": 0, "total": 0, "source": ""},
            "parsed": False,
            "violations": [],
            "documentation": dict.fromkeys(("module", "function", "signature", "example"), False),
            "profile": {"clock": "", "rows": []},
            "style": {"declared": case.subject.style, "detected": "", "baseline": BASELINE, "distance": 0.0},
            "limits": self.tool.limits,
            "slowest_ms": None,
            "examples_only": self.tool.examples_only,
        }

    async def run(self) -> Evidence:
        """Check the source, ask the questions, time the candidate; cheap checks that can reject it come first."""
        if self.source.status is not Status.OK:
            return self._evidence(self.source.status, self.source.why)
        self.reader = self.context.keep(Reader)
        is_strict = self.case.inputs.get("strict", False)
        reading = await self.reader.read(self.source, self.tool, is_strict=is_strict)
        if reading.parsed:
            self.facts["parsed"] = True
            self.facts["metadata"] = reading.metadata.model_dump(include={"generator", "license", "problem"})
        if reading.status is not Status.OK:
            return self._evidence(reading.status, reading.why)
        if reading.metadata.problem:
            self.notices.append(f"{self.case.subject.name}: its metadata was not read: {reading.metadata.problem}")
            if is_strict:
                return self._evidence(Status.FORBIDDEN, f"its metadata cannot be read: {reading.metadata.problem}")
        shown = reading.documentation
        self.facts["style"]["detected"] = reading.style
        self.facts["documentation"].update(module=shown.module, function=shown.function, signature=shown.signature)
        if reading.violations:
            self.facts["violations"] = [violation.to_wire() for violation in reading.violations]
            return self._evidence(Status.FORBIDDEN, f"it uses {reading.violations[0]}")
        return await self._ask(reading)

    async def _ask(self, reading: Reading) -> Evidence:
        policy, inputs = self.case.policy, self.case.inputs
        self.tools = self.context.keep(PreparedTools)
        questions = await self.tools.questions(
            self.tool,
            secret_seed=self.context.secret_seed,
            count=inputs["questions"],
            attempts=policy.attempts,
            scratch=self.context.scratch,
        )
        low, high = inputs["jitter_ms"]
        call_seconds = time_limit(self.facts, policy) / 1e3
        if not inputs.get("slow", True):
            call_seconds = SLOW_FACTOR * questions.short_limit(call_seconds / SLOW_FACTOR)
        plan = Plan(
            source=self.source.data,
            code=reading.code,
            imports=reading.imports,
            tool=self.tool,
            limits=Limits(
                load_seconds=LOAD_SECONDS,
                call_seconds=call_seconds,
                total_seconds=inputs["attempt_seconds"],
                cpu_seconds=inputs["attempt_seconds"],
                memory_bytes=int(memory_limit(self.facts, policy) * MIB),
            ),
            seed=self.context.seed(self.case),
            attempts=policy.attempts,
            hash_seeds=tuple(
                map(self.context.hash_seed, range(attempts_for(policy.attempts, uses_hashes=reading.uses_hashes)))
            ),
            jitter_ms=(low, high),
            is_full=inputs.get("full", False),
            is_screening=inputs.get("screen", False),
            is_timed=policy.timing is not Timing.NONE,
            is_strict=inputs.get("strict", False),
        )
        self.facts["inputs"] = {"drawn": inputs["questions"], "digest": questions.digest}
        if questions.surprise:
            self.notices.append(questions.surprise)
        self.attempts = attempts = Attempts(self.context.boxes, questions, plan)
        timing = await self._workload_timing(questions, plan)
        status, why = await attempts.run(
            reading.documentation.examples,
            lambda box: self._ask_more(box, questions, plan),
            between=timing.ask if timing is not None else None,
            timed=1 if "against" in inputs else min(PROCESSES, max(REPEATS, len(plan.hash_seeds) - 1)),
        )
        shown = attempts.outcomes[0].doc_examples
        self.facts["documentation"]["example"] = bool(shown) and all(shown)
        self._count(questions)
        public = {question.key for question in questions.shared if question.origin == "example"}
        sentences = [wrong.sentence for outcome in attempts.outcomes for wrong in outcome.wrong if wrong.key in public]
        if sentences:
            self.facts["public_why"] = sentences[0]  # what its author may be shown: it names no hidden input
        if status in (Status.WRONG, Status.CRASH) and reading.mismatch:
            why = clip(f"{reading.mismatch}; {why}")
        await self._read_executed(questions, plan, status, reading.documentation.line)
        if status is Status.OK:
            status, why = await self._conclude(questions, plan, timing)
        self._note_style()
        self._note_events()
        return self._evidence(status, why)

    @property
    def outcomes(self) -> list[Outcome]:
        """The observations of the attempts so far."""
        return self.attempts.outcomes if self.attempts is not None else []

    # --- questions ---

    async def _ask_more(self, box: PolledBox, questions: Questions, plan: Plan) -> None:
        """Ask the box of the last attempt what does not decide whether the answers are right."""
        if questions.derived:
            if box.is_open:
                handled = await ask_derived(self.context.boxes, box, questions, plan)
            else:
                async with opened(self.context.boxes, plan, plan.hash_seeds[-1]) as fresh:
                    handled = await ask_derived(self.context.boxes, fresh, questions, plan)
            self.facts["edges"] = {"handled": handled, "total": len(questions.derived), "source": "derived"}

    async def _workload_timing(self, questions: Questions, plan: Plan) -> WorkloadTiming | None:
        """What times the candidate among its questions; None without workloads, or if it is not timed this way."""
        if self.case.policy.timing is not Timing.CPU:
            return None
        workloads = await self.tools.workloads(questions)
        return WorkloadTiming(self.context.boxes, workloads, questions, plan) if workloads else None

    async def _conclude(self, questions: Questions, plan: Plan, timing: WorkloadTiming | None) -> tuple[Status, str]:
        """Time a candidate whose answers are right."""
        against = self.case.inputs.get("against")
        if timing is not None and against:
            workloads = await self.tools.workloads(questions)
            paired = PairedTiming(self.context.boxes, workloads, plan, timing)
            self.facts["against"] = await paired.run(against["source"], against["step"], self.reader)
        elif timing is not None:
            await self._deepen(questions, plan, timing)
        measuring = CandidateTiming(self.case, self.context, questions, plan, self.facts, reader=self.reader)
        try:
            return await measuring.run(timing)
        finally:
            self.profile, self.comparisons = measuring.profile, measuring.comparisons
            if timing is None:
                self._note_costs(questions, [])

    async def _deepen(self, questions: Questions, plan: Plan, timing: WorkloadTiming) -> None:
        """Time it in further processes as long as its times decide something: a gate, or one of the first places."""
        standings, policy = self.context.keep(Standings), self.case.policy
        standings.share(self.context.shared)
        board = f"{self.case.suite}\0{self.tool.path}\0{policy.to_wire()}"

        def decides() -> bool:
            evidence, score = self._score_so_far(questions, timing)
            gate = near_gate(evidence, score, policy)
            if not gate and not (score.gates_pass and standings.is_in_reach(board, evidence, score)):
                return False
            self.facts["deepened"] = f"near the gate {gate}" if gate else f"in reach of the first {FIRST}"
            return True

        if decides():
            rng = random.Random(derive_seed(plan.seed, "depth"))  # noqa: S311 - the seed is the secret
            await timing.deepen(rng, goes_on=decides)
            evidence, score = self._score_so_far(questions, timing)
            if timing.profile.depth >= PROCESSES and timing.profile.fault is None and not timing.profile.wrong:
                standings.enter(board, evidence, score)

    def _score_so_far(self, questions: Questions, timing: WorkloadTiming) -> tuple[Evidence, Score]:
        self.profile = timing.conclude()
        self.facts["profile"] = {"clock": self.profile.clock, "rows": self.profile.rows}
        self._note_costs(questions, timing.further)
        self._note_style()
        evidence = self._observed(Status.OK, "")
        return evidence, score_toolgen(evidence, self.case.policy)

    def _note_costs(self, questions: Questions, further: Sequence[Outcome]) -> None:
        costs = exact_costs(self.profile) if self.profile is not None and self.profile.quality is not None else None
        costs = costs or ordinary_costs(questions, [*self.outcomes, *further], null_call(self.context.boxes))
        if costs is not None:
            self.facts["ordinary"] = costs

    def _count(self, questions: Questions) -> None:
        right = sum(outcome.right for outcome in self.outcomes)
        total = sum(outcome.total for outcome in self.outcomes)
        low, high = wilson_interval(right, total)
        self.facts["questions"] = {"right": right, "total": total, "low": low, "high": high}
        edges = sum(outcome.edges_total for outcome in self.outcomes)
        if edges:
            handled = sum(outcome.edges_handled for outcome in self.outcomes)
            source = "sampled from the annotations" if questions.oracle is None else "oracle"
            excused = [sentence for outcome in self.outcomes for sentence in outcome.excused]
            found = {"handled": handled, "total": edges, "source": source}
            self.facts["edges"] = found | {"faults": excused} if excused else found
        usages = [outcome.usage for outcome in self.outcomes if outcome.usage is not None]
        if usages:
            self.facts["load_ms"] = statistics.median(usage.load_ms for usage in usages)
            self.facts["idle_cpu_ms"] = max(usage.idle_cpu_ms for usage in usages)
            self.facts["load_cpu_ms"] = statistics.median(usage.load_cpu_ms for usage in usages)

    # --- style ---

    def _note_events(self) -> None:
        """Forbidden events that a box's guard saw count as uses of forbidden APIs."""
        faults = [outcome.fault for outcome in self.outcomes] + ([self.profile.fault] if self.profile else [])
        fault = next((one for one in faults if isinstance(one, GuardFault)), None)
        if fault is not None:
            found = Violation(fault.event, fault.line, 1, fault.event, "seen by the guard of the box")
            self.facts["violations"].append(found.to_wire())

    async def _read_executed(self, questions: Questions, plan: Plan, status: Status, line: int) -> None:
        """Style, and the documentation of the definition that begins in a line, count only for what was executed."""
        style, bound = self.facts["style"], {one.entry_line for one in self.outcomes if one.entry_line is not None}
        style["baseline"] = reference_style(self.tool)
        is_rewarded = status is Status.OK and distance(style["detected"], style["baseline"], ())["distance"]
        is_wrapped = bound == {-line} != {line} and not plan.is_screening  # what wraps it may never call it
        counts = None
        if is_wrapped or (is_rewarded and not plan.is_screening):
            workloads = await self.tools.workloads(questions) if is_rewarded else ()
            counts = await count_lines(self.context.boxes, questions, plan, workloads)
        if counts is not None and is_rewarded:
            style["detected"] = await self.reader.executed_style(plan.source, plan.entry, counts)
        if bound and not (bound == {line} or (counts.calls(line) if counts is not None else bound == {-line})):
            self.facts["documentation"].update(function=False, signature=False, example=False)

    def _note_style(self) -> None:
        style = self.facts["style"]
        style.update(distance(style["detected"], style["baseline"], self.facts["profile"]["rows"]))

    # --- evidence ---

    def _evidence(self, status: Status, why: str) -> Evidence:
        found = self._observed(status, why)
        return found.model_copy(update={"exhibits": candidate_exhibits(found, self.case.policy)})

    def _observed(self, status: Status, why: str) -> Evidence:
        seconds = [one for outcome in self.outcomes for one in outcome.seconds]
        # No call is shorter than a null call, so the shortest call bounds a null call that was measured too long.
        null = min(null_call(self.context.boxes).seconds, *seconds) if seconds else 0.0
        slowest = [outcome.slowest for outcome in self.outcomes if outcome.slowest]
        usages: list[Usage] = [outcome.usage for outcome in self.outcomes if outcome.usage is not None]
        if self.profile is not None:
            slowest += self.profile.seconds
            if self.profile.usage is not None:
                usages.append(self.profile.usage)
        if slowest:
            self.facts["slowest_ms"] = max(0.0, max(slowest) - null) * 1e3
        attempts = tuple(outcome.to_attempt() for outcome in self.outcomes)
        wrong = self.profile.wrong if self.profile is not None else ()
        return Evidence(
            status=status,
            why=why,
            counterexample=self.attempts.counterexample(status, wrong) if self.attempts is not None else None,
            attempts=attempts,
            facts=self.facts,
            notices=tuple(self.notices),
            quality=self.profile.quality if self.profile is not None else None,
            median_ms=median_ms(self.profile, self.outcomes, null),
            median_interval_ms=median_interval_ms(self.profile, self.outcomes, null),
            comparisons=self.comparisons,
            peak_mb=max((usage.peak_mb for usage in usages), default=None),
            peak_is_lower_bound=any(usage.peak_is_lower_bound for usage in usages),
            limits_hit=(_LIMITS[status],) if status in _LIMITS else (),
            tier=self.context.tier,
            environment=_ENVIRONMENT,
            seconds=self._own_seconds(),
        )

    def _own_seconds(self) -> float:
        """Seconds of this case alone: a judge process works on others in between."""
        profile = self.profile
        if profile is not None and profile.quality is not None:  # an exact measurement has its process to itself
            return time.perf_counter() - self.started
        return sum(outcome.wall for outcome in self.outcomes) + sum(profile.seconds if profile is not None else ())


def _unchanged_tool(case: Case) -> Tool:
    tool = read_tool(Path(case.inputs["tool"]))
    require_unchanged(tool.path, case.inputs["tool_digest"], tool.digest)
    if files := case.inputs["tool_files"]:
        require_unchanged(tool.path, files, digest_of_files(tool))
    return tool
