"""Control flow: `if`, `for`, `repeat`, `match` and `parallel`, lowered to branches and jumps over slots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from harness.dsl.analysis.code import UNRESOLVED, Code
from harness.dsl.analysis.expression import elaborate, elaborate_condition, elaborate_literal, elaborate_test, fit
from harness.dsl.analysis.scope import Scope
from harness.dsl.expressions import nodes as n
from harness.dsl.ir import Branch, Effect, Fork, Instruction, Judge, Jump, Let, Run, Sweep, Target
from harness.dsl.language import syntax as s
from harness.dsl.types import ANY, BOOL, INT, Kind


class Lowering(Protocol):
    """The unit that is being lowered, as control flow uses it."""

    code: Code
    scope: Scope
    event: s.On | None
    """The handler that is being lowered."""

    def body(self, statements: Sequence[s.Statement]) -> None:
        """Append the instructions of nested statements."""


def lower_control_flow(node: s.If | s.For | s.Repeat | s.Match | s.Parallel, into: Lowering) -> None:
    """Append the instructions of a statement that contains other statements."""
    match node:
        case s.If():
            _if(node, into)
        case s.For():
            _for(node, into)
        case s.Repeat():
            lower_repeat(node.count, node.until, node.body, node.span, into)
        case s.Match():
            _match(node, into)
        case s.Parallel():
            _parallel(node, into)


def _if(node: s.If, into: Lowering) -> None:
    code, ends = into.code, []
    for number, (test, body) in enumerate(node.arms):
        found = elaborate_test(test, into.scope)
        if isinstance(found, n.Const) and isinstance(found.value, bool):
            into.scope.report.add("W507", f"this is always {str(found.value).lower()}", test.span)
        with code.within("if" if number == 0 else "else-if"):
            branch = code.add(Branch(code.label("test"), test.span, found, UNRESOLVED))
            into.body(body)
            if number + 1 < len(node.arms) or node.otherwise is not None:
                ends.append(code.add(Jump(code.label("end"), test.span, UNRESOLVED)))
        code.set_jump_target(branch)
    _end_arms(node.otherwise, ends, into)


def _end_arms(otherwise: list[s.Statement] | None, ends: list[int], into: Lowering) -> None:
    if otherwise is not None:
        with into.code.within("else"):
            into.body(otherwise)
    for end in ends:
        into.code.set_jump_target(end)


def _for(node: s.For, into: Lowering) -> None:
    """Lower to `list = …; i = 0; while i < len(list): name = list[i]; …; i = i + 1`."""
    code, scope, at = into.code, into.scope, node.span
    source = elaborate(node.source, scope)
    if source.type.kind not in (Kind.LIST, Kind.ANY):
        scope.report.add("E301", f"`for` iterates over a list, not {source.type}", node.source.span)
    with code.within(f"for {node.name}"):
        held = scope.bind_hidden("list", source.type)
        counter = scope.bind_hidden("index", INT)
        code.add(Let(code.label("list"), at, Target(held, scope.slots[held].name), source))
        items, element = n.Slot(held, "list", source.type, at), source.type.of or ANY
        with _counted(counter, n.Call("len", (items,), INT, at), at, into) as index:
            slot = scope.bind(node.name, element)
            value = n.Index(items, index, element, at)
            code.add(Let(code.label(f"let {node.name}"), at, Target(slot, node.name), value))
            into.body(node.body)


@contextmanager
def _counted(counter: int, end: n.Expr, at: s.Span, into: Lowering) -> Iterator[n.Slot]:
    """The instructions around the body of a loop over an index; the index is the slot."""
    code, index = into.code, n.Slot(counter, "index", INT, at)
    code.add(_set(counter, n.Const(0, INT, at), into, "start"))
    again = len(code)
    branch = code.add(Branch(code.label("test"), at, n.Binary("<", index, end, BOOL, at), UNRESOLVED))
    yield index
    code.add(_set(counter, n.Binary("+", index, n.Const(1, INT, at), INT, at), into, "next"))
    code.add(Jump(code.label("again"), at, again))
    code.set_jump_target(branch)


def lower_repeat(
    count: s.Expression, until: s.Expression | None, body: list[s.Statement], at: s.Span, into: Lowering
) -> None:
    """Lower to `i = 0; while i < count: …; if until: break; i = i + 1`; the test comes after the body."""
    code, scope = into.code, into.scope
    limit = fit(elaborate(count, scope), INT, scope, what="the number of repetitions")
    with code.within("repeat"):
        bound, counter = scope.bind_hidden("limit", INT), scope.bind_hidden("index", INT)
        code.add(_set(bound, limit, into, "limit"))
        done = None
        with _counted(counter, n.Slot(bound, "limit", INT, at), at, into):
            into.body(body)
            if until is not None:
                found = elaborate_condition(until, scope, what="`until`")
                go_on = code.add(Branch(code.label("until"), until.span, found, UNRESOLVED))
                done = code.add(Jump(code.label("done"), until.span, UNRESOLVED))
                code.set_jump_target(go_on)
        if done is not None:
            code.set_jump_target(done)


def _set(slot: int, value: n.Expr, into: Lowering, what: str) -> Let:
    return Let(into.code.label(what), value.span, Target(slot, into.scope.slots[slot].name), value)


def _match(node: s.Match, into: Lowering) -> None:
    code, scope, ends = into.code, into.scope, []
    subject = elaborate(node.subject, scope)
    _exhaustive(node, subject, into)
    with code.within("match"):
        held = scope.bind_hidden("subject", subject.type)
        code.add(_set(held, subject, into, "subject"))
        slot = n.Slot(held, "subject", subject.type, node.subject.span)
        for arm in node.arms:
            tests = [_equals(slot, option, into) for option in arm.options]
            test = tests[0]
            for other in tests[1:]:
                test = n.Binary("||", test, other, BOOL, arm.span)
            with code.within(f"case {arm.options[0].value}"):
                branch = code.add(Branch(code.label("test"), arm.span, test, UNRESOLVED))
                into.body(arm.body)
                ends.append(code.add(Jump(code.label("end"), arm.span, UNRESOLVED)))
            code.set_jump_target(branch)
        _end_arms(node.otherwise, ends, into)


def _equals(slot: n.Slot, option: s.Literal, into: Lowering) -> n.Expr:
    value = elaborate_literal(option, into.scope)
    kind = slot.type
    if kind.kind is Kind.ENUM and isinstance(option.value, str) and option.value not in kind.options:
        into.scope.report.unknown("E301", f"option of {kind}", option.value, kind.options, option.span)
    return n.Binary("==", slot, value, BOOL, option.span)


def _exhaustive(node: s.Match, subject: n.Expr, into: Lowering) -> None:
    report, given = into.scope.report, [option.value for arm in node.arms for option in arm.options]
    for number, arm in enumerate(node.arms):
        for option in arm.options:
            before = [o.value for other in node.arms[:number] for o in other.options]
            if any(type(value) is type(option.value) and value == option.value for value in before):
                report.add("E408", "unreachable: a previous arm handles this value", option.span)
    if node.otherwise is not None:
        return
    if subject.type.kind is Kind.ENUM:
        missing = [f'"{option}"' for option in subject.type.options if option not in given]
    elif subject.type.kind is Kind.BOOL:
        missing = [str(value).lower() for value in (True, False) if value not in given]
    else:
        report.add("E404", f"not every {subject.type} is handled", node.span, note="add `else { }`")
        return
    if missing:
        report.add("E404", f"{' and '.join(missing)} is not handled", node.span, note="add a case, or `else { }`")


def _parallel(node: s.Parallel, into: Lowering) -> None:
    code, scope = into.code, into.scope
    with code.within("parallel"):
        fork = code.add(Jump(code.label("fork"), node.span, UNRESOLVED))
        before, starts, ends, names = dict(scope.visible), [], [], []
        after = dict(before)
        for branch in node.branches:
            if branch.label.text in names:
                scope.report.add("E202", f"branch {branch.label.text!r} is declared twice", branch.span)
            names.append(branch.label.text)
            starts.append(len(code))
            scope.visible = dict(before)  # a branch does not see variables of another branch
            with code.within(branch.label.text):
                into.body(branch.body)
                ends.append(code.add(Jump(code.label("end"), branch.span, UNRESOLVED)))
            after.update(scope.visible)
        scope.visible = after
        for end in ends:
            code.set_jump_target(end)
        label = code.instructions[fork].label
        code.replace(fork, Fork(label, node.span, tuple(names), tuple(starts), len(code)))
        _disjoint(node, starts, len(code), into)


def _disjoint(node: s.Parallel, starts: list[int], join: int, into: Lowering) -> None:
    taken: dict[tuple[bool, int], str] = {}
    for branch, start, end in zip(node.branches, starts, [*starts[1:], join], strict=True):
        mine: dict[tuple[bool, int], str] = {}
        for instruction in into.code.instructions[start:end]:
            target = _written(instruction)
            if target is not None:
                mine[target.is_state, target.index] = target.name
        for key, name in mine.items():
            if key in taken:
                message = f"branches {taken[key]!r} and {branch.label.text!r} both write {name}"
                into.scope.report.add("E409", message, branch.span, note="the value after the join would be undefined")
            taken[key] = branch.label.text


def _written(instruction: Instruction) -> Target | None:
    match instruction:
        case Let(target=target):
            return target
        case Effect(out=out) | Run(out=out) | Sweep(out=out):
            return out
        case Judge(held=held):
            return held
        case _:
            return None
