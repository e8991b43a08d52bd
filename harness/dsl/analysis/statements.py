"""Statements: the bodies of tasks, loops and steps, lowered to instructions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from harness.dsl.analysis import calls, control_flow
from harness.dsl.analysis.build import artifact_step
from harness.dsl.analysis.code import UNRESOLVED, Code
from harness.dsl.analysis.emission import join_emits, lower_emit
from harness.dsl.analysis.expression import elaborate, elaborate_condition, fit
from harness.dsl.analysis.scope import Scope
from harness.dsl.analysis.signature import Signature
from harness.dsl.analysis.tool_calls import calls_tools, lower_tool_calls
from harness.dsl.expressions import nodes as n
from harness.dsl.ir import (
    Answerer,
    Deadline,
    Effect,
    Fail,
    Handler,
    Judge,
    Jump,
    Let,
    Rethrow,
    Return,
    Run,
    Semantics,
    Target,
)
from harness.dsl.language import syntax as s
from harness.dsl.types import ANY, BOOL, FLOAT, STRING, Kind, Type
from harness.dsl.types import UNITS as QUANTITIES

UNITS = ("task", "agent_loop", "service_loop", "engineering_loop")
SECONDS = Type(Kind.FLOAT, unit=QUANTITIES["s"])
_SETTINGS = ("success", "until", "strategy", "points", "where", "deadline")
_ONLY_IN = {s.On: "service_loop", s.Parameter: "engineering_loop"}


class Statements:
    """Lowers the body of one unit.

    Args:
        unit: The syntax node of the unit.
        code: Receives the instructions.
        tools: Signatures of tools by name.
        units: Index of each unit by name.
        events: Handlers of the service loops by event.
    """

    def __init__(
        self,
        unit: s.Unit,
        scope: Scope,
        code: Code,
        *,
        tools: dict[str, Signature],
        units: dict[str, int],
        events: dict[str, s.On],
    ) -> None:
        self.unit, self.scope, self.code = unit, scope, code
        self.tools, self.units, self.events = tools, units, events
        self.settings: list[s.Setting] = []
        self.blocks: dict[str, s.Entries] = {}
        self.parameters: list[s.Parameter] = []
        self.handlers: list[s.On] = []
        self.runs: list[tuple[int, tuple[tuple[str, n.Expr], ...]]] = []
        self.failures: list[Handler] = []
        self.event: s.On | None = None  # the handler that is being lowered
        scope.look_up = self._look_up
        self._seen: set[str] = set()
        self._top = {id(statement) for statement in unit.body}

    @property
    def forbids_queries(self) -> str:
        """The kind of loop, if it must not ask models or people; otherwise empty."""
        return self.unit.keyword if self.unit.keyword in ("service_loop", "engineering_loop") else ""

    def body(self, statements: Sequence[s.Statement]) -> None:
        """Append the instructions of statements, in order; artifacts are made last, before a `return`."""
        ended: s.Statement | None = None
        acts = [x for x in statements if not is_artifact(x)]
        end = len(acts) - (bool(acts) and isinstance(acts[-1], s.Return))
        acts[end:end] = [artifact_step(x, self.scope.shared) for x in statements if is_artifact(x)]
        for statement in join_emits(acts, self.scope.shared.types.schema):
            if ended is not None and not isinstance(statement, s.Setting | s.Entries | s.Evaluation):
                word = "return" if isinstance(ended, s.Return) else "fail"
                self.scope.report.add("E408", f"unreachable after `{word}`", statement.span)
                ended = None
            self._statement(statement)
            if isinstance(statement, s.Return | s.Fail):
                ended = statement

    def _statement(self, node: s.Statement) -> None:
        match node:
            case s.Step():
                self._step(node)
            case s.Call():
                self._call(node)
            case s.Emit():
                lower_emit(node, self, self.events)
            case s.Let():
                self._let(node)
            case s.Assign():
                self._assign(node)
            case s.If() | s.For() | s.Repeat() | s.Match() | s.Parallel():
                control_flow.lower_control_flow(node, self)
            case s.RunUnit():
                self._run(node.unit, node.entries, node.arrows, node.span)
            case s.Fail():
                message = fit(elaborate(node.message, self.scope), STRING, self.scope, what="a message")
                self.code.add(Fail(self.code.label("fail"), node.span, message))
            case s.Wait():
                self._wait(node)
            case s.Return():
                self.code.add(Return(self.code.label("return"), node.span, elaborate(node.value, self.scope)))
            case s.Evaluation():
                for check in node.checks:
                    self._check(check)
                for described in node.described:
                    self._described(described)
            case s.Variable():
                self._variable(node)
            case s.Description():
                self._described(node)
            case _:
                self._description(node)

    def _described(self, node: s.Setting | s.Description) -> None:
        if isinstance(node, s.Setting):
            self.scope.shared.describe(node.key, node)
        else:
            self.scope.shared.described.append((f"{node.head} {node.label}".strip(), node.text, node.span))

    def _look_up(self, path: n.Expr, span: s.Span) -> n.Expr:
        path = fit(path, STRING, self.scope, what="a path")
        slot = self.scope.bind_hidden("exists", BOOL)
        out = Target(slot, self.scope.slots[slot].name)
        label, tool = self.code.label("tool.exists"), Answerer.TOOL
        self.code.add(Effect(label, span, tool, "exists", (("path", path),), out, BOOL, semantics=Semantics.PURE))
        return n.Slot(slot, out.name, BOOL, span)

    def _description(self, node: s.Setting | s.Entries | s.Parameter | s.On) -> None:
        """Collect a statement that describes the unit: it is only allowed at the top level of the unit's body."""
        wanted = _ONLY_IN.get(type(node)) or ("engineering_loop" if getattr(node, "keyword", "") == "measure" else "")
        if wanted and self.unit.keyword != wanted:
            word = {s.On: "on", s.Parameter: "parameter"}.get(type(node), "measure")
            self.scope.report.add(
                "E406", f"`{word}` is only allowed in a {wanted}, not in a {self.unit.keyword}", node.span
            )
        elif isinstance(node, s.Setting) and id(node) not in self._top and node.key not in _SETTINGS:
            self._described(node)
        elif id(node) not in self._top:
            self.scope.report.add(
                "E406", "this describes the whole unit: move it to the top level of its body", node.span
            )
        elif isinstance(node, s.Setting):
            self.settings.append(node)
        elif isinstance(node, s.Parameter):
            self.parameters.append(node)
        elif isinstance(node, s.On):
            self.handlers.append(node)
        elif node.keyword in self.blocks:
            self.scope.report.add("E202", f"{node.keyword} is declared twice", node.span)
        else:
            self.blocks[node.keyword] = node

    def _step(self, node: s.Step) -> None:
        self._name(node.label.text, node.label.span)
        if not node.body:
            self.scope.report.add("W506", f"step {node.label.text!r} does nothing", node.span)
        failing = [x for x in node.body if is_failure(x)]
        deadlines = [x for x in node.body if isinstance(x, s.Setting) and x.key == "deadline"]
        start = len(self.code)
        with self.code.step(node.label.text, "step", node.span):
            for setting in deadlines:
                seconds = calls.parse_seconds(setting.values[0], self.scope, what="deadline") or 1.0
                self.code.add(Deadline(self.code.label("deadline"), setting.span, len(self.code.steps) - 1, seconds))
            self.body([x for x in node.body if x not in failing and x not in deadlines])
        self.on_failure(failing, [(start, len(self.code))])
        for twice, found in (("on failure", failing), ("deadline", deadlines)):
            if len(found) > 1:
                self.scope.report.add("E202", f"{twice} is declared twice", found[1].span)

    def on_failure(self, blocks: Sequence[s.Statement], ranges: list[tuple[int, int]]) -> None:
        """Append an `on failure` block, which runs once if an instruction of the ranges fails."""
        for block in blocks[:1]:
            if not isinstance(block, s.On):
                continue
            if block.fields:
                self.scope.report.add("E206", "`on failure` takes no fields: {{failure}} says what failed", block.span)
            visible = dict(self.scope.visible)
            over = self.code.add(Jump(self.code.label("after"), block.span, UNRESOLVED))
            target, slot = len(self.code), self.scope.bind("failure", STRING)
            with self.code.within("on failure"):
                self.body(block.body)
                self.code.add(Rethrow(self.code.label("rethrow"), (block.span[1], block.span[1])))
            self.code.set_jump_target(over)
            self.scope.visible = visible
            self.failures += [Handler(start, end, target, slot) for start, end in ranges]

    def _wait(self, node: s.Wait) -> None:
        """`wait` is an effect of the machine's own clock, so it is begun and ended in the log like any other."""
        amount = elaborate(node.amount, self.scope)
        if amount.type.unit is not None:
            amount = fit(amount, SECONDS, self.scope, what="a wait")
        elif amount.type.kind not in (Kind.INT, Kind.FLOAT, Kind.ANY) and not (
            node.is_until and amount.type.kind is Kind.STRING
        ):
            wanted = "seconds of the run, or a date such as 2026-12-01T08:00:00Z" if node.is_until else "a duration"
            self.scope.report.add("E301", f"`wait` takes {wanted}, not {amount.type}", node.amount.span)
        word = "until" if node.is_until else "for"
        label, tool, given = self.code.label(f"wait {word}"), Answerer.TOOL, ((word, amount),)
        self.code.add(Effect(label, node.span, tool, "wait", given, None, FLOAT, semantics=Semantics.IDEMPOTENT))

    def _name(self, name: str, span: s.Span) -> None:
        if name in self._seen:
            self.scope.report.add("E202", f"a step or check {name!r} is declared twice", span)
        self._seen.add(name)

    def _call(self, node: s.Call, *, check: str | None = None) -> None:
        if node.actor == "tool" and node.operation in UNITS:
            self._tool_unit(node)
            return
        if calls_tools(node) and check is None and not self.forbids_queries:
            lower_tool_calls(node, self)
            return
        effect = calls.lower_effect(
            node,
            self.code.label(f"{node.actor}.{node.operation}"),
            self.scope,
            self.tools,
            check=check,
            forbid_queries=self.forbids_queries,
        )
        if effect is not None:
            self.code.add(effect)

    def _tool_unit(self, node: s.Call) -> None:
        """`tool.engineering_loop { name: Tuner }`: an alternative spelling of `run Tuner`."""
        named = next((entry.value for entry in node.entries if entry.key == "name"), None)
        name = named.name if isinstance(named, s.Name) else named.value if isinstance(named, s.Literal) else None
        if not isinstance(name, str):
            self.scope.report.add("E207", f"tool.{node.operation} needs a name", node.span)
            return
        self._run(name, [e for e in node.entries if e.key != "name"], node.arrows, node.span)

    def _run(self, name: str, entries: list[s.Entry], arrows: list[s.Arrow], span: s.Span) -> None:
        if name not in self.units:
            self.scope.report.unknown("E203", "task or loop", name, self.units, span)
            return
        self.scope.shared.used.add(name)
        inputs = tuple((entry.key, elaborate(entry.value, self.scope)) for entry in entries)
        out: Target | None = None
        for arrow in arrows:
            if arrow.is_emit:
                self.scope.report.add("E206", "a unit emits items itself: use `-> name` to bind its result", arrow.span)
            else:
                out, _ = self.scope.bind_target(arrow.paths[0], ANY)
        # The slots of the other unit are not known yet: `UnitAnalysis.finish` resolves the names in `runs`.
        index = self.code.add(Run(self.code.label(f"run {name}"), span, self.units[name], (), out))
        self.runs.append((index, inputs))

    def _let(self, node: s.Let) -> None:
        value = elaborate(node.value, self.scope)
        kind = value.type
        if node.type is not None:
            kind = self.scope.shared.types.of(node.type)
            value = fit(value, kind, self.scope, what=node.name)
        slot = self.scope.bind(node.name, kind)
        self.code.add(Let(self.code.label(f"let {node.name}"), node.span, Target(slot, node.name), value))

    def _assign(self, node: s.Assign) -> None:
        value = elaborate(node.value, self.scope)
        target, kind = self.scope.bind_target(node.name, value.type)
        value = fit(value, kind, self.scope, what=node.name)
        self.code.add(Let(self.code.label(f"set {node.name}"), node.span, target, value))

    def _variable(self, node: s.Variable) -> None:
        if node.keyword == "const":
            self.scope.report.add("E406", "a constant is only allowed in a module, not in a unit", node.span)
            return
        kind = self.scope.shared.types.of(node.type) if node.type is not None else ANY
        initial = None
        if node.value is not None:
            initial = fit(elaborate(node.value, self.scope), kind, self.scope, what=node.name)
        self.scope.bind(node.name, kind, initial=initial, is_input=node.keyword == "input")

    def _check(self, node: s.Check | s.Expect) -> None:
        if isinstance(node, s.Expect):
            self._expect(node)
            return
        self._name(node.name, node.span)
        with self.code.step(node.name, "check", node.span):
            if isinstance(node.subject, s.Call):
                self._call(node.subject, check=node.name)
            else:
                found = elaborate_condition(node.subject, self.scope, what="a check")
                held = Target(self.scope.bind(f"check {node.name}", BOOL), f"check {node.name}")
                self.code.add(Judge(self.code.label("judge"), node.span, node.name, found, "true", held))

    def _expect(self, node: s.Expect) -> None:
        name = f"expect {node.fact}"
        self._name(name, node.span)
        if node.fact not in self.scope.shared.facts:
            self.scope.report.unknown("E201", "fact", node.fact, self.scope.shared.facts, node.span)
            return
        wanted = node.verdict
        word = wanted.name if isinstance(wanted, s.Name) else ""
        if isinstance(wanted, s.Literal) and isinstance(wanted.value, bool):
            word = str(wanted.value).lower()
        if word not in ("true", "false", "undefined"):
            self.scope.report.add("E301", "a fact is expected to be true, false or undefined", wanted.span)
            return
        self.scope.shared.used.add(node.fact)
        found = n.Verdict(self.scope.shared.facts[node.fact], node.fact, BOOL, node.span)
        with self.code.step(name, "expect", node.span):
            held = Target(self.scope.bind(f"check {name}", BOOL), f"check {name}")
            self.code.add(Judge(self.code.label("judge"), node.span, name, found, word, held))


def is_artifact(node: s.Statement) -> TypeGuard[s.Entries]:
    """Whether a statement is an artifact that the block around it makes."""
    return isinstance(node, s.Entries) and node.keyword == "artifact"


def is_failure(node: s.Statement) -> bool:
    """Whether a statement is an `on failure` block."""
    return isinstance(node, s.On) and node.event.text == "failure"
