"""Evaluator: evaluates one candidate, from its source file to evidence."""

from __future__ import annotations

import ast
import platform
import statistics
import time
from pathlib import Path
from typing import Any

from harness.core.case import Case
from harness.core.clip import clip
from harness.core.evidence import Counterexample, Evidence
from harness.core.paired import Comparison
from harness.core.stats import median_interval, wilson_interval
from harness.core.status import Status, first_of
from harness.lane.context import Context
from harness.lane.pinned_file import require_unchanged
from harness.lanes.toolgen.attempt import Plan, ask_derived, run_attempt
from harness.lanes.toolgen.calling_mismatch import find_mismatch
from harness.lanes.toolgen.candidate_timing import CandidateTiming
from harness.lanes.toolgen.disagreement import find_disagreement, seal_answers
from harness.lanes.toolgen.documentation import Documentation, read_documentation
from harness.lanes.toolgen.forbidden_names import Forbidden, forbidden_for
from harness.lanes.toolgen.hash_dependence import attempts_for
from harness.lanes.toolgen.metadata import read_metadata
from harness.lanes.toolgen.outcome import Outcome
from harness.lanes.toolgen.performance import Profile, null_call
from harness.lanes.toolgen.question_cost import exact_costs, ordinary_costs
from harness.lanes.toolgen.questions import Questions, questions_for
from harness.lanes.toolgen.score import memory_limit, time_limit
from harness.lanes.toolgen.source import Source, parse, read_source
from harness.lanes.toolgen.state_dependence import ask_once, depends_on_other_questions
from harness.lanes.toolgen.static_check import Violation, violations
from harness.lanes.toolgen.style import BASELINE, detect, distance, reference_style
from harness.lanes.toolgen.tool_spec import Tool, read_tool
from harness.lanes.toolgen.wrong_answer import WrongAnswer, format_arguments, wrong_answer
from harness.sandbox.limits import MIB, Limits
from harness.sandbox.usage import Usage

LOAD_SECONDS = 2.0
"""Wall time limit for loading a candidate; it does not anneal, since imports always take their time."""
_ENVIRONMENT = {"python": platform.python_version(), "implementation": platform.python_implementation()}


class Evaluator:
    """Gathers the evidence of one case; `run` is called once."""

    def __init__(self, case: Case, context: Context) -> None:
        self.case, self.context = case, context
        self.started = time.perf_counter()
        self.tool = _unchanged_tool(case)
        self.source = _unchanged_source(case)
        self.outcomes: list[Outcome] = []
        self.split: WrongAnswer | None = None
        self.split_seeds = (0, 0)  # hash seeds of the attempts that disagree
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
            "limits": _own_limits(self.tool),
            "slowest_ms": None,
            "examples_only": self.tool.examples_only,
        }

    def run(self) -> Evidence:
        """Check the source, ask the questions, time the candidate; cheap checks that can reject it come first."""
        if self.source.status is not Status.OK:
            return self._evidence(self.source.status, self.source.why)
        tree = parse(self.source)
        if isinstance(tree, Source):
            return self._evidence(tree.status, tree.why)
        self.facts["parsed"] = True
        claims = read_metadata(self.source.text)
        self.facts["metadata"] = claims.model_dump(include={"generator", "license", "problem"})
        if claims.problem:
            self.notices.append(f"{self.case.subject.name}: its metadata was not read: {claims.problem}")
        try:
            found = find_violations(tree, self.source.text, self.tool)
            documentation = read_documentation(tree, self.tool.signature)
            self.facts["style"]["detected"] = detect(tree, self.tool.signature.name)
        except RecursionError:
            return self._evidence(Status.CRASH, "it is nested too deeply to be checked")
        self.facts["documentation"].update(
            module=documentation.module, function=documentation.function, signature=documentation.signature
        )
        if found:
            self.facts["violations"] = [violation.to_wire() for violation in found]
            return self._evidence(Status.FORBIDDEN, f"it uses {found[0]}")
        return self._ask(tree, documentation)

    def _ask(self, tree: ast.Module, documentation: Documentation) -> Evidence:
        policy, inputs = self.case.policy, self.case.inputs
        questions = questions_for(
            self.tool,
            secret_seed=self.context.secret_seed,
            count=inputs["questions"],
            attempts=policy.attempts,
            scratch=self.context.scratch,
        )
        low, high = inputs["jitter_ms"]
        plan = Plan(
            source=self.source.data,
            tool=self.tool,
            limits=Limits(
                load_seconds=LOAD_SECONDS,
                call_seconds=time_limit(self.facts, policy) / 1e3,
                total_seconds=inputs["attempt_seconds"],
                cpu_seconds=inputs["attempt_seconds"],
                memory_bytes=int(memory_limit(self.facts, policy) * MIB),
            ),
            seed=self.context.seed(self.case),
            attempts=policy.attempts,
            hash_seeds=tuple(map(self.context.hash_seed, range(attempts_for(tree, policy.attempts)))),
            jitter_ms=(low, high),
        )
        self.facts["inputs"] = {"drawn": inputs["questions"], "digest": questions.digest}
        if questions.surprise:
            self.notices.append(questions.surprise)
        self._attempt(questions, plan, documentation)
        status, why = self._verdict(questions, plan)
        self._count(questions)
        iterators = self.tool.spec.compare.iterators == "list"
        if status is Status.WRONG and (mismatch := find_mismatch(tree, self.tool.signature, iterators=iterators)):
            why = clip(f"{mismatch}; {why}")
        if status is Status.OK:
            if questions.derived:
                handled = ask_derived(self.context.boxes, questions, plan)
                self.facts["edges"] = {"handled": handled, "total": len(questions.derived), "source": "derived"}
            status, why = self._time(questions, plan)
            costs = exact_costs(self.profile) if self.profile is not None and self.profile.quality is not None else None
            costs = costs or ordinary_costs(questions, self.outcomes, null_call(self.context.boxes))
            if costs is not None:
                self.facts["ordinary"] = costs
        self._describe_style(questions)
        return self._evidence(status, why)

    # --- questions ---

    def _attempt(self, questions: Questions, plan: Plan, documentation: Documentation) -> None:
        for index in range(len(plan.hash_seeds)):
            if index >= plan.attempts and (
                self.split or any(one.fault or one.is_mostly_wrong for one in self.outcomes)
            ):
                break
            examples = documentation.examples if index == 0 else ()
            outcome = run_attempt(self.context.boxes, questions, plan, index, doc_examples=examples)
            self.outcomes.append(outcome)
            if index:
                if self.split is None:
                    self.split = find_disagreement(plan.entry, questions, self.outcomes[0], outcome)
                    self.split_seeds = self.outcomes[0].hash_seed, outcome.hash_seed
                outcome.replies.clear()
            last = [one.fault.status if one.fault else None for one in self.outcomes[-2:]]
            if len(last) == 2 and last[0] is not None and last[0] is last[1]:
                break  # two boxes with the same fault decide the verdict; each may have used a whole time budget
        seal_answers(questions, self.outcomes, plan.answers.unanswered)
        shown_examples = self.outcomes[0].doc_examples
        self.facts["documentation"]["example"] = bool(shown_examples) and all(shown_examples)

    def _verdict(self, questions: Questions, plan: Plan) -> tuple[Status, str]:
        outcomes = self.outcomes
        seen = {(outcome.shared_status, outcome.answers) for outcome in outcomes}
        statuses = {status for status, _ in seen}
        if len(seen) > 1 and (Status.OK in statuses or statuses == {Status.WRONG}):
            return self._disagreement(questions, plan)
        status = first_of(statuses)
        if status is Status.OK:
            return self._replay_extras(questions, plan)
        guilty = next(outcome for outcome in outcomes if outcome.shared_status is status)
        if guilty.fault is None:
            wrong = guilty.total - guilty.right
            return status, clip(f"{wrong} of {guilty.total} answers are wrong; {self._worst().sentence}")
        asked = f", asked {plan.entry}({format_arguments(guilty.fault_question)})" if guilty.fault_question else ""
        return status, clip(f"{guilty.fault.why}{asked}")

    def _replay_extras(self, questions: Questions, plan: Plan) -> tuple[Status, str]:
        """Ask the other attempts a question that one attempt answered wrongly: wrong everywhere, or flaky."""
        for outcome in self.outcomes:
            for question, reply in outcome.wrong_extras[:1]:
                others = [other for other in self.outcomes if other is not outcome]
                replies = [ask_once(self.context.boxes, plan, question, other.hash_seed) for other in others]
                wrong = wrong_answer(plan.entry, question, reply)
                outcome.wrong.append(wrong)
                same = [plan.answers.agree(question.key, reply, one) for one in replies]
                if not all(same):
                    return Status.FLAKY, clip(f"attempts disagree: with hash seed {outcome.hash_seed} {wrong.sentence}")
                for other in others:
                    other.wrong.append(wrong)
                    other.total += 1
                return Status.WRONG, wrong.sentence
        return Status.OK, ""

    def _disagreement(self, questions: Questions, plan: Plan) -> tuple[Status, str]:
        if self.split is not None:
            if depends_on_other_questions(self.context.boxes, questions, plan, self.split.key, self.split_seeds):
                return Status.WRONG, clip(f"right alone, wrong after another question: {self.split.sentence}")
            return Status.FLAKY, clip(f"attempts disagree: {self.split.sentence}")
        first = self.outcomes[0]
        other = next(
            one for one in self.outcomes if (one.shared_status, one.answers) != (first.shared_status, first.answers)
        )
        sides = [
            f"with hash seed {one.hash_seed} {one.shared_status}" + (f" ({one.why})" if one.why else "")
            for one in (first, other)
        ]
        return Status.FLAKY, clip(f"attempts disagree: {sides[0]}, {sides[1]}")

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

    # --- timing and style ---

    def _time(self, questions: Questions, plan: Plan) -> tuple[Status, str]:
        forbidden = forbidden_of(self.tool)
        measuring = CandidateTiming(self.case, self.context, questions, plan, self.facts, forbidden=forbidden)
        try:
            return measuring.run()
        finally:
            self.profile, self.comparisons = measuring.profile, measuring.comparisons

    def _describe_style(self, questions: Questions) -> None:
        style = self.facts["style"]
        style["baseline"] = reference_style(self.tool)
        style.update(distance(style["detected"], style["baseline"], self.facts["profile"]["rows"]))

    # --- evidence ---

    def _worst(self) -> WrongAnswer:
        """The wrong answer with the shortest question, since it is shown in the report."""
        found = [wrong for outcome in self.outcomes for wrong in outcome.wrong]
        if self.profile is not None:
            found += self.profile.wrong
        return min(found, key=lambda wrong: (len(wrong.key), wrong.key))

    def _evidence(self, status: Status, why: str) -> Evidence:
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
        wrong = status in (Status.WRONG, Status.FLAKY) and any(outcome.wrong for outcome in self.outcomes)
        wrong = wrong or (status is Status.WRONG and self.profile is not None and bool(self.profile.wrong))
        worst = self._worst() if wrong else None
        if status in (Status.FLAKY, Status.WRONG) and self.split is not None:
            worst = self.split
        attempts = tuple(outcome.to_attempt() for outcome in self.outcomes)
        return Evidence(
            status=status,
            why=why,
            counterexample=worst
            and Counterexample(
                question=clip(worst.key.decode("ascii", "replace")), expected=worst.expected, observed=worst.observed
            ),
            attempts=attempts,
            facts=self.facts,
            notices=tuple(self.notices),
            quality=self.profile.quality if self.profile is not None else None,
            median_ms=self._median_ms(seconds, null),
            median_interval_ms=self._median_interval(null),
            comparisons=self.comparisons,
            peak_mb=max((usage.peak_mb for usage in usages), default=None),
            peak_is_lower_bound=any(usage.peak_is_lower_bound for usage in usages),
            limits_hit=_limits_hit(status),
            tier=self.context.tier,
            environment=_ENVIRONMENT,
            seconds=time.perf_counter() - self.started,
        )

    def _median_ms(self, seconds: list[float], null: float) -> float | None:
        profile = self.profile
        if profile is not None and profile.quality is not None:
            noisy = profile.quality.noisy or not profile.latency
            return None if noisy else statistics.median(profile.latency) * 1e3
        return max(0.0, statistics.median(seconds) - null) * 1e3 if seconds else None

    def _median_interval(self, null: float) -> tuple[float, float] | None:
        """Confidence interval of the median in ms; processes are resampled, since they vary more than their calls."""
        profile = self.profile
        if profile is not None and profile.quality is not None:
            block = profile.block or 1
            groups = [profile.latency[start : start + block] for start in range(0, len(profile.latency), block)]
            groups = [] if profile.quality.noisy else groups
        else:
            groups = [[max(0.0, one - null) for one in outcome.seconds] for outcome in self.outcomes]
        found = median_interval(groups)
        return None if found is None else (found[0] * 1e3, found[1] * 1e3)


def find_violations(tree: ast.Module, text: str, tool: Tool) -> list[Violation]:
    """The uses of APIs that are forbidden to candidates of this tool."""
    forbidden = forbidden_of(tool)
    return violations(tree, forbidden) if forbidden and forbidden.may_occur(text) else []


def forbidden_of(tool: Tool) -> Forbidden:
    """The APIs that are forbidden to candidates of a tool."""
    return forbidden_for(tool.spec.constraints.forbidden_apis, tool.spec.capabilities)


def _unchanged_tool(case: Case) -> Tool:
    tool = read_tool(Path(case.inputs["tool"]))
    require_unchanged(tool.path, case.inputs["tool_digest"], tool.digest)
    return tool


def _unchanged_source(case: Case) -> Source:
    source = read_source(Path(case.subject.path))
    require_unchanged(case.subject.path, case.subject.digest, source.digest)
    return source


def _own_limits(tool: Tool) -> dict[str, float | None]:
    constraints = tool.spec.constraints
    seconds = constraints.max_runtime_sec
    return {"time_ms": None if seconds is None else seconds * 1e3, "memory_mb": constraints.max_memory_mb}


def _limits_hit(status: Status) -> tuple[str, ...]:
    names = {Status.TIMEOUT: "time", Status.MEMORY: "memory", Status.OUTPUT: "output"}
    return (names[status],) if status in names else ()
