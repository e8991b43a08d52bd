"""Tuned table: the best measured configurations, in the kernel's file as the literal list `TUNED`.

The table is in the file, so that the kernel's digest covers its behaviour, and the file alone is enough to run it.
"""

from __future__ import annotations

import ast
import json

from pydantic import TypeAdapter, ValidationError

from harness.core.bounded_parse import parse
from harness.core.errors import SpecError
from harness.core.frozen import Frozen
from harness.lanes.kernel.kernel_metadata import TUNED, Configuration, constant


class Tuned(Frozen):
    """One entry of the table."""

    device: str
    """The name that `torch.cuda.get_device_name` returns."""
    dtype: str
    shape: dict[str, int]
    parameters: dict[str, bool | int | str] = {}
    configuration: Configuration


_ENTRIES = TypeAdapter(list[Tuned])


def read_tuned(source: str, *, where: str) -> list[Tuned]:
    """The entries of a kernel's source.

    Raises:
        SpecError: if `TUNED` is missing or is not a list of entries.
    """
    node = _node(source, where)
    try:
        return _ENTRIES.validate_python(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, RecursionError, ValidationError) as error:
        raise SpecError(f"{TUNED} is not a list of tuned configurations", where=f"{where}:{node.lineno}") from error


def write_tuned(source: str, entries: list[Tuned], *, where: str) -> str:
    """The kernel's source with entries added; an entry for the same device, dtype, shape and parameters is replaced.

    Raises:
        SpecError: see `read_tuned`.
    """
    kept = {_key(entry): entry for entry in [*read_tuned(source, where=where), *entries]}
    node = _node(source, where)
    lines = [f"    {_literal(kept[key])}," for key in sorted(kept)]
    text = "\n".join(["[", *lines, "]  # fmt: skip"]) if lines else "[]"
    return _replaced(source, text, node)


def without_tuned(source: bytes) -> bytes:
    """The kernel's source with an empty `TUNED`; unchanged if it has none."""
    try:
        text = source.decode()
        return _replaced(text, "[]", _node(text, "")).encode()
    except (SpecError, UnicodeDecodeError):
        return source


def _replaced(source: str, text: str, node: ast.expr) -> str:
    data = source.encode()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    begin = starts[node.lineno - 1] + node.col_offset
    end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
    rest = data[end:].decode()
    return data[:begin].decode() + text + rest.removeprefix("  # fmt: skip")


def _literal(entry: Tuned) -> str:
    named = entry.model_dump()
    text = ", ".join(f"{json.dumps(name)}: {_python(value)}" for name, value in named.items())
    return "{" + text + "}"


def _python(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_python(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _key(entry: Tuned) -> tuple[str, str, str, str]:
    shape = json.dumps([[axis, size] for axis, size in sorted(entry.shape.items())])
    return entry.device, entry.dtype, json.dumps(entry.parameters, sort_keys=True), shape


def _node(source: str, where: str) -> ast.expr:
    try:
        node = constant(parse(source), TUNED)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise SpecError(f"not valid Python: {error}", where=where) from error
    if node is None:
        raise SpecError(f"it has no {TUNED}", where=where, fix=f"add the line `{TUNED} = []` and read it in run()")
    return node
