"""Validation: whether a value passes the checks of its field, and whether checksums match."""

from __future__ import annotations

from typing import Any

from harness.grammar.checksums import ALGORITHMS
from harness.grammar.engine.fault import FaultKind
from harness.grammar.engine.field_plan import FieldPlan
from harness.grammar.engine.node import Leaf, Node, Record
from harness.grammar.engine.plan import TypePlan
from harness.grammar.engine.scope import Scope
from harness.grammar.engine.state import State
from harness.grammar.language.evaluation import Evaluate
from harness.grammar.language.grammar import Checksum, Field
from harness.grammar.language.operations import NoValueError, as_boolean, equal
from harness.grammar.language.printer import print_expression

_MAX_SHOWN = 4


def show(value: Any) -> str:
    """A value for a message: short, on one line."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int):
        return f"{value} (0x{value:x})" if value > 9 else str(value)
    if isinstance(value, Record):
        return f"a {value.type.name}"
    if isinstance(value, memoryview):
        return f"{len(value)} bytes"
    text = repr(value[:24] if isinstance(value, str | bytes | list | tuple) else value)
    return text + "..." if isinstance(value, str | bytes | list | tuple) and len(value) > 24 else text


def validate(state: State, scope: Scope, plan: FieldPlan, node: Node, labels: dict[int, str] | None) -> None:
    """Check the value of a leaf or a record, record its faults and set `node.valid`.

    `labels` are the labels of the enum of the field, if `in_enum` is set.
    """
    checks = plan.field.checks
    if checks is None:
        return
    value = node.value
    wrong: str | None = None
    try:
        if plan.constants is not None and value not in plan.constants:
            listed = sorted(plan.constants, key=repr)
            wrong = ", ".join(show(c) for c in listed[:_MAX_SHOWN]) + (" …" if len(listed) > _MAX_SHOWN else "")
            wrong = wrong if len(listed) == 1 else f"one of {wrong}"
        if wrong is None and checks.all_bytes is not None:
            wrong = _all_bytes(value, checks.all_bytes, state, scope)
        if wrong is None and checks.in_enum and value not in (labels or {}):
            wrong = f"a value of {plan.field.enum}"
        if wrong is None and plan.checks:
            wrong = _conditions(scope, plan, value)
    except NoValueError as error:
        state.fault(
            FaultKind.EXPRESSION, node.start, scope.record, plan.field, "a check", str(error), index=scope.index
        )
        node.valid = False
        return
    except TypeError:  # an unhashable value: an array equals no constant
        wrong = "a constant"
    node.valid = wrong is None and node.valid is not False
    if wrong is not None:
        state.fault(FaultKind.MISMATCH, node.start, scope.record, plan.field, wrong, show(value), index=scope.index)


def _all_bytes(value: Any, byte: int, state: State, scope: Scope) -> str | None:
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    state.charge(len(data) >> 6, scope.record)
    same = isinstance(data, bytes | memoryview) and bytes(data).count(byte) == len(data)
    return None if same else f"only bytes 0x{byte:02x}"


def _conditions(scope: Scope, plan: FieldPlan, value: Any) -> str | None:
    before, scope.item = scope.item, value
    try:
        accepted: list[str] = []
        hit = False
        for check in plan.checks:
            wanted = check.value(scope)
            if check.kind == "expr":
                if not as_boolean(wanted):
                    return print_expression(check.expr)
            elif check.kind in ("equals", "one_of"):
                accepted.append(show(wanted))
                hit = hit or equal(value, wanted)
            elif check.kind == "not_equals":
                if equal(value, wanted):
                    return f"anything but {show(wanted)}"
            elif not _bounded(value, wanted, low=check.kind == "min"):
                return f"at {'least' if check.kind == 'min' else 'most'} {show(wanted)}"
        if accepted and not hit:
            return accepted[0] if len(accepted) == 1 else f"one of {', '.join(accepted[:_MAX_SHOWN])}"
    finally:
        scope.item = before
    return None


def _bounded(value: Any, bound: Any, *, low: bool) -> bool:
    try:
        return bool(value >= bound if low else value <= bound)
    except TypeError:
        raise NoValueError(f"{show(value)} and {show(bound)} cannot be compared") from None


def verify(state: State, scope: Scope, plan: TypePlan) -> None:
    """Check the checksums of a complete record."""
    record = scope.record
    for field, of in plan.checksums:
        node, checksum = record.nodes.get(field.name), field.checksum
        if checksum is None or not isinstance(node, Leaf) or not isinstance(node.value, int | str):
            continue
        try:
            data = summed(record, node, checksum, of, scope)
        except NoValueError as error:
            state.fault(FaultKind.EXPRESSION, node.start, record, field, "a checksum", str(error))
            node.valid = False
            continue
        if data is None:
            continue
        quick = checksum.algorithm in ("crc32", "adler32", "xor8")
        state.charge(len(data) >> 8 if quick else len(data) >> 2, record)
        computed = ALGORITHMS[checksum.algorithm](data)
        _compare(state, record, field, node, computed)


def _compare(state: State, record: Record, field: Field, node: Leaf, computed: int) -> None:
    value = node.value
    if isinstance(value, str):
        # tar and cpio store checksums as octal digits.
        text = value.strip(" \0")
        value = int(text, 8) if text and len(text) <= 32 and set(text) <= set("01234567") else -1
    if isinstance(value, int) and value < 0 and node.value != -1 and node.end > node.start:
        value += 1 << 8 * (node.end - node.start)
    matches = value == computed
    node.valid = matches and node.valid is not False
    if not matches:
        state.fault(FaultKind.CHECKSUM, node.start, record, field, show(computed), show(node.value))


def summed(record: Record, own: Leaf, checksum: Checksum, of: Evaluate | None, scope: Scope) -> bytes | None:
    """The bytes that a checksum is of.

    Raises:
        NoValueError: if they cannot be found.
    """
    if of is not None:
        value = of(scope)
        if isinstance(value, str):
            value = value.encode("utf-8", "replace")
        if not isinstance(value, bytes | memoryview):
            raise NoValueError("a checksum is of bytes")
        return bytes(value) if isinstance(value, memoryview) else value
    parts = [record.nodes[name] for name in checksum.over if name in record.nodes]
    if not parts:
        return b""
    start, end = parts[0].start, parts[-1].end
    data = bytes(record.buffer.data[start:end])
    if checksum.blank is not None and start <= own.start and own.end <= end:
        blank = bytes([checksum.blank]) * (own.end - own.start)
        data = data[: own.start - start] + blank + data[own.end - start :]
    return data
