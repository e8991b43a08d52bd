"""Unit: a task or loop is lowered, from its settings to its instructions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.core.slug import slug
from harness.dsl.analysis import calls, control_flow, sweep
from harness.dsl.analysis.code import UNRESOLVED, Code
from harness.dsl.analysis.expression import elaborate_condition, fit
from harness.dsl.analysis.scope import Scope, Shared
from harness.dsl.analysis.signature import Signature
from harness.dsl.analysis.statements import Statements, is_artifact, is_failure
from harness.dsl.expressions import nodes as n
from harness.dsl.ir import Await, Budget, Criterion, Handler, Jump, Return, Run, Unit
from harness.dsl.language import syntax as s
from harness.dsl.language.printer import print_value
from harness.dsl.plain import changed
from harness.dsl.types import Type

_BUDGET = ("steps", "iterations", "wall", "queries", "events", "tokens", "points")
_SETTINGS = {
    "task": ("success",),
    "agent_loop": ("success", "until"),
    "service_loop": ("success",),
    "engineering_loop": ("success", "strategy", "points", "where"),
}
_ANY_SETTING = frozenset(key for keys in _SETTINGS.values() for key in keys)
DEFAULT_EVENTS = 1000  # number of events after which a service loop without a budget ends


class UnitAnalysis:
    """The analysis of one unit: `lower` makes it, `finish` resolves the inputs of the units it runs."""

    def __init__(
        self,
        unit: s.Unit,
        shared: Shared,
        *,
        tools: dict[str, Signature],
        units: dict[str, int],
        events: dict[str, s.On],
        labels: Counter[str],
        source: str,
    ) -> None:
        self._unit, self._shared, self._source = unit, shared, source
        self.label = slug(unit.label.text)
        self._scope = Scope(shared, templates=True)
        self._code = Code(self.label, labels)
        self._into = Statements(unit, self._scope, self._code, tools=tools, units=units, events=events)
        self.made: Unit | None = None

    def lower(self, *, last: Sequence[s.Entries] = ()) -> Unit:
        """The unit; the inputs of the units it runs are not resolved yet.

        Args:
            last: Artifacts after its own.
        """
        unit, into, code = self._unit, self._into, self._code
        report = self._shared.report
        acts: list[s.Statement] = [
            x for x in unit.body if not isinstance(x, s.Setting | s.On | s.Parameter | s.Entries | s.Description)
        ]
        failing = [x for x in unit.body if is_failure(x)] if unit.keyword != "service_loop" else []
        artifacts = [*(x for x in unit.body if is_artifact(x)), *last]
        apart = {id(x) for x in (*acts, *failing, *artifacts)}
        into.body([x for x in unit.body if id(x) not in apart])
        if len(failing) > 1:
            report.add("E202", "on failure is declared twice", failing[1].span)
        settings = self._settings()
        numbers = self._budget()
        if unit.keyword == "task" and not acts:
            report.add("E406", "a task without a step does nothing", unit.span)
        if unit.keyword == "engineering_loop":
            self._engineering(acts, settings, numbers)
        elif unit.keyword == "service_loop":
            self._service(acts, numbers)
        elif "until" in settings:
            self._until(acts, settings["until"], numbers)
        else:
            into.body([*acts, *artifacts])
            artifacts = []
        into.body(artifacts)
        success = self._success(settings.get("success"))
        result = None
        if unit.keyword == "engineering_loop" and "best" in self._scope.visible:
            result = self._scope.resolve("best", unit.span)
        end = len(code) + (failing != [])
        into.on_failure(failing, [(0, end)])
        code.add(Return(code.label("end"), (unit.span[1], unit.span[1]), result))
        into.failures += [
            Handler(len(code) - 1, len(code), handler.target, handler.slot) for handler in into.failures[-1:] if failing
        ]
        self.made = Unit(
            kind=unit.keyword,
            name=unit.label.text,
            label=self.label,
            code=tuple(code.instructions),
            slots=tuple(self._scope.slots),
            steps=tuple(code.steps),
            budget=Budget(**{k: v for k, v in numbers.items() if k != "points"}),  # type: ignore[arg-type]
            span=unit.span,
            success=success,
            handlers=tuple(into.failures),
        )
        return self.made

    def finish(self, units: list[Unit]) -> Unit:
        """The unit with the resolved inputs of the units it runs."""
        made = self.made
        if made is None:
            raise RuntimeError("call lower first")
        code = list(made.code)
        for index, given in self._into.runs:
            run = code[index]
            if not isinstance(run, Run):
                continue
            inputs = self._inputs(units[run.unit], dict(given), run)
            code[index] = changed(run, inputs=inputs)
        return changed(made, code=tuple(code))

    @property
    def runs(self) -> list[int]:
        """Indices of the units that this unit runs."""
        return [run.unit for index, _ in self._into.runs if isinstance(run := self._code.instructions[index], Run)]

    def _inputs(self, other: Unit, given: dict[str, n.Expr], run: Run) -> tuple[tuple[int, n.Expr], ...]:
        slots = {variable.name: i for i, variable in enumerate(other.slots) if variable.is_input}
        report, found = self._shared.report, []
        for name, value in given.items():
            if name not in slots:
                report.unknown("E206", f"input of {other.name}", name, slots, value.span)
                continue
            wanted = other.slots[slots[name]].type
            found.append((slots[name], fit(value, wanted, self._scope, what=name)))
        for name, index in slots.items():
            if name not in given and other.slots[index].initial is None:
                report.add("E207", f"{other.name} needs {name}", run.span)
        return tuple(found)

    def _settings(self) -> dict[str, s.Setting]:
        found: dict[str, s.Setting] = {}
        allowed = _SETTINGS[self._unit.keyword]
        for setting in self._into.settings:
            if setting.key not in allowed:
                what = f"setting of a {self._unit.keyword}"
                if setting.key in _ANY_SETTING:
                    self._shared.report.unknown("E206", what, setting.key, allowed, setting.span)
                elif not self._shared.report.misspelt("E206", what, setting.key, allowed, setting.span):
                    self._shared.describe(f"{setting.key} of {self._unit.label.text}", setting)
            elif setting.key in found:
                self._shared.report.add("E202", f"{setting.key} is set twice", setting.span)
            elif setting.key != "success" and len(setting.values) > 1:
                self._shared.report.add("E206", f"{setting.key} has one value", setting.span)
            else:
                found[setting.key] = setting
        return found

    def _budget(self) -> dict[str, float | int | None]:
        numbers: dict[str, float | int | None] = {}
        block = self._into.blocks.get("budget")
        for entry in block.entries if block is not None else []:
            if not isinstance(entry, s.Entry) or entry.key not in _BUDGET:
                name = entry.key if isinstance(entry, s.Entry) else entry.name
                self._shared.report.unknown("E206", "budget", name, _BUDGET, entry.span)
            elif entry.key == "wall":
                numbers["wall_s"] = calls.parse_seconds(entry.value, self._scope, what="wall")
            else:
                value = entry.value.value if isinstance(entry.value, s.Literal) else None
                if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                    self._shared.report.add("E301", f"{entry.key} is an integer from 1", entry.span)
                else:
                    numbers[entry.key] = value
        return numbers

    def _until(self, acts: list[s.Statement], until: s.Setting, numbers: dict[str, float | int | None]) -> None:
        """Lower a loop that ends when a condition is true; checks come after the loop."""
        iterations = numbers.get("iterations")
        if iterations is None:
            note = "add `budget { iterations: 10 }`"
            self._shared.report.add("E402", "a loop without a budget might not end", until.span, note=note)
        body: list[s.Statement] = [x for x in acts if not isinstance(x, s.Evaluation)]
        condition_ = until.values[0]
        if isinstance(condition_, s.Alternatives | s.Range):
            self._shared.report.add("E303", "`until` is a condition", until.span)
            return
        count = s.Literal(int(iterations or 1), "", "", until.span)
        control_flow.lower_repeat(count, condition_, body, until.span, self._into)
        self._into.body([x for x in acts if isinstance(x, s.Evaluation)])

    def _service(self, acts: list[s.Statement], numbers: dict[str, float | int | None]) -> None:
        code, into, report = self._code, self._into, self._shared.report
        if numbers.get("events") is None:
            numbers["events"] = DEFAULT_EVENTS
            message = f"a service loop without `budget {{ events: N }}` ends after {DEFAULT_EVENTS} events"
            report.add("W512", message, self._unit.span)
        if not into.handlers:
            report.add("E406", "a service loop without `on event { }` does nothing", self._unit.span)
        into.body([x for x in acts if not isinstance(x, s.Evaluation)])
        label = code.label("await")
        place = code.add(Jump(label, self._unit.span, UNRESOLVED))
        handlers: list[tuple[str, int, tuple[tuple[str, int, Type], ...]]] = []
        for handler in into.handlers:
            if any(name == handler.event.text for name, *_ in handlers):
                report.add("E202", f"event {handler.event.text!r} is handled twice", handler.span)
                continue
            before, start = dict(self._scope.visible), len(code)
            fields = self._shared.types.fields(handler.fields)
            slots = tuple((field.name, self._scope.bind(field.name, field.type), field.type) for field in fields)
            into.event = handler
            with code.within(f"on {handler.event.text}"):
                into.body(handler.body)
                code.add(Jump(code.label("again"), handler.span, place))
            self._scope.visible = {**before, **{k: v for k, v in self._scope.visible.items() if k not in before}}
            handlers.append((handler.event.text, start, slots))
        into.event = None
        code.replace(place, Await(label, self._unit.span, tuple(handlers), len(code)))
        into.body([x for x in acts if isinstance(x, s.Evaluation)])

    def _engineering(
        self, acts: list[s.Statement], settings: dict[str, s.Setting], numbers: dict[str, float | int | None]
    ) -> None:
        """Lower the statements before `measure`, the search, and the statements after it."""
        into = self._into
        block = into.blocks.get("measure")
        found = sweep.lower_parameters(into.parameters, self._shared.names.spaces, into)
        if block is None:
            self._shared.report.add("E207", "an engineering loop needs `measure { }`", self._unit.span)
            into.body(acts)
            return
        into.body([x for x in acts if x.span < block.span])
        points = numbers.get("points")
        sweep.lower_sweep(block, found, settings, int(points) if points else None, into)
        into.body([x for x in acts if x.span > block.span])

    def _success(self, setting: s.Setting | None) -> tuple[Criterion, ...]:
        criteria = []
        for value in setting.values if setting is not None else []:
            found = elaborate_condition(_named_first(value, self._scope), self._scope, what="a success criterion")
            criteria.append(Criterion(print_value(value), found, value.span))
        return tuple(criteria)


def _named_first(node: s.Value, scope: Scope) -> s.Value:
    """`equals("greeting", "Hello")`: a first argument that is the name of a variable denotes the variable."""
    if (
        isinstance(node, s.Function)
        and node.name in ("equals", "contains", "matches", "starts_with")
        and node.arguments
    ):
        first = node.arguments[0]
        if isinstance(first, s.Literal) and isinstance(first.value, str) and scope.resolve(first.value, first.span):
            return s.Function(node.name, [s.Name(first.value, first.span), *node.arguments[1:]], node.span)
    return node
