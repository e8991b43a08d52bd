"""Kernel metadata: the `# /// kernel` block of a kernel's file, and the space that it can be tuned over.

The source is parsed, never run. Claims are verified against machine code.
"""

from __future__ import annotations

import ast
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from harness.core.bounded_parse import parse
from harness.core.clip import clip
from harness.core.frozen import Frozen
from harness.core.inline_metadata import read_description

Claim = Literal["tensor_cores", "async_copy", "tma", "warp_specialization"]
Choice = bool | int | str
Space = dict[str, tuple[Choice, ...]]
Configuration = dict[str, Choice]

MAX_CHOICES = 64  # values of one parameter of the space
SPACE = "SPACE"
TUNED = "TUNED"


class KernelFile(Frozen):
    """The metadata of a kernel's file; all of it is optional."""

    step: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Its step number in the ladder of its operation."""
    title: str = ""
    claims: tuple[Claim, ...] = ()
    """Features that its machine code must contain."""
    predicted: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The speed-up over the fastest baseline at the first target shape that its author predicted."""
    story: str = ""
    """The docstring of the kernel's module."""
    space: Space = {}
    """Values for each keyword of its entry, from the module constant `SPACE`."""
    problem: str = ""
    """Why some of the above could not be read; empty if all could."""


def read_kernel_file(source: str) -> KernelFile:
    """Read the metadata of a kernel's source; never raises: an invalid block or space is named in `problem`."""
    try:
        tree = parse(source)
        story = ast.get_docstring(tree) or ""
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return KernelFile(problem=clip(f"not valid Python: {error}"))
    problems: list[str] = []
    space = _space(tree, problems)
    table = _block(source, problems)
    # Key by key, so that one invalid key does not hide the others.
    fields = {}
    for key, value in table.items():
        try:
            fields[key] = getattr(KernelFile.model_validate({key: value}), key)
        except ValidationError as error:
            problems.append(f"{key}: {error.errors()[0]['msg']}")
    return KernelFile(**fields, story=story, space=space, problem=clip("; ".join(problems)))


def _block(source: str, problems: list[str]) -> dict[str, object]:
    table, problem = read_description(source, "kernel")
    if problem:
        problems.append(problem)
    known = ("step", "title", "claims", "predicted")
    problems.extend(f"{key}: unknown, known are {', '.join(known)}" for key in table if key not in known)
    return {key: value for key, value in table.items() if key in known}


def _space(tree: ast.Module, problems: list[str]) -> Space:
    node = constant(tree, SPACE)
    if node is None:
        return {}
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        problems.append(f"{SPACE} is not a literal dictionary")
        return {}
    try:
        space = KernelFile.model_validate({"space": value}, strict=False).space
    except ValidationError:
        problems.append(f"{SPACE} maps names to lists of integers, booleans or strings")
        return {}
    for name, choices in space.items():
        if not name.isidentifier() or not choices or len(choices) > MAX_CHOICES:
            problems.append(f"{SPACE}[{name!r}] needs a name and 1 to {MAX_CHOICES} values")
            return {}
    return space


def constant(tree: ast.Module, name: str) -> ast.expr | None:
    """The expression that a module's top level assigns to a name, if any."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return node.value
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            return node.value
    return None
