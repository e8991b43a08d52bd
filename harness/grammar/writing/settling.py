"""Settling: checksums, and values that must equal an expression, in a file whose sizes are right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from harness.grammar.checksums import ALGORITHMS
from harness.grammar.engine.interpreter import Interpreter
from harness.grammar.engine.limits import DEFAULT
from harness.grammar.engine.node import Leaf, Record
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.parser import parse
from harness.grammar.engine.plan import program_of
from harness.grammar.engine.scope import Scope
from harness.grammar.engine.state import State
from harness.grammar.engine.validation import summed
from harness.grammar.host.tree_view import PathError, resolve
from harness.grammar.language.expression import Literal
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.operations import NoValueError
from harness.grammar.writing.encoding import WriteError, encode
from harness.grammar.writing.inversion import Inverter

MAX_ROUNDS = 16


Rebuild = Callable[[Parse, Mapping[str, Any]], bytes]


def settle(grammar: Grammar, data: bytes, wrong: set[str], changes: Mapping[str, Any], rebuild: Rebuild) -> bytes:
    """Set checksums, values that must equal an expression, and what a condition concludes; check the result.

    Args:
        data: The new file, but for these values.
        wrong: Paths whose errors may stay: those of the old file.
        changes: The new values by path.
        rebuild: Gives the bytes of a parse with changed values.

    Raises:
        WriteError: if the new file has another error, or a path another value.
    """
    for _ in range(MAX_ROUNDS):
        after = parse(grammar, data)
        new = [fault for fault in after.errors if fault.path not in wrong]
        if not new:
            break
        paths = {fault.path for fault in new}
        made = _corrected(grammar, after, paths, data)
        if made == data:
            made = _concluded(grammar, after, paths, rebuild)
        if made == data:
            raise WriteError(f"the file would not be valid any more: {new[0]}")
        data = made
    else:
        raise WriteError("checksums do not settle")
    for path, value in changes.items():
        try:
            _, node = resolve(after, path)
        except PathError:
            raise WriteError(f"{path}: it would be absent") from None
        enum = grammar.enums.get(node.field.enum or "") if node.field is not None else None
        wanted = enum.numbers.get(value, value) if enum is not None and isinstance(value, str) else value
        if isinstance(wanted, str) and isinstance(node.value, bytes):
            wanted = wanted.encode("latin-1", "replace")
        if node.value != wanted and not (isinstance(wanted, float) and isinstance(node.value, float)):
            raise WriteError(f"{path} would read back as {node.value!r}: another field decides it")
    return data


def _corrected(grammar: Grammar, found: Parse, paths: set[str], data: bytes) -> bytes:
    run = Interpreter(program_of(grammar), State(DEFAULT))
    inverter, made = Inverter(run), bytearray(data)
    for span in found.leaves():
        if span.path not in paths or span.leaf.valid is not False:
            continue
        leaf, record = span.leaf, span.record
        value = _due(leaf, record, run, inverter)
        if value is not None:
            old = data[leaf.start : leaf.end]
            new = encode(leaf, value, record, old)
            if len(new) != len(old):
                raise WriteError(f"{span.path} does not fit {value}")
            made[leaf.start : leaf.end] = new
    return bytes(made)


def _concluded(grammar: Grammar, found: Parse, paths: set[str], rebuild: Rebuild) -> bytes:
    """The file with the values that its conditions need: computed fields that must be true."""
    inverter = Inverter(Interpreter(program_of(grammar), State(DEFAULT)))
    due: dict[int, Any] = {}
    for path, record in found.walk():
        for name, node in record.parts():
            if f"{path}.{name}" in paths and isinstance(node, Leaf) and node.field.compute is not None:
                with suppress(WriteError, NoValueError):
                    due.update((id(leaf), value) for leaf, _, value in inverter.conclude(node.field.compute, record))
    changes = {span.path: due[id(span.leaf)] for span in found.leaves() if id(span.leaf) in due}
    return rebuild(found, changes)


def stated(algorithm: str, leaf: Leaf, data: bytes) -> int | str:
    """The value of a checksum of some bytes, as its leaf states it: a number, or octal digits."""
    computed = ALGORITHMS[algorithm](data)
    return f"{computed:0{max(1, len(leaf.value.strip(' ')))}o}" if isinstance(leaf.value, str) else computed


def _due(leaf: Leaf, record: Record, run: Interpreter, inverter: Inverter) -> Any:
    """The value that a leaf must have by its checksum or its check, or None."""
    field = leaf.field
    try:
        if field.checksum is not None:
            of = run.program.compiler.compile(field.checksum.of, record.type) if field.checksum.of is not None else None
            data = summed(record, leaf, field.checksum, of, Scope(record, run))
            return None if data is None else stated(field.checksum.algorithm, leaf, data)
        if (
            field.checks is not None
            and field.checks.equals is not None
            and not isinstance(field.checks.equals, Literal)
        ):
            return inverter.value(field.checks.equals, record)
    except NoValueError:
        return None
    return None
