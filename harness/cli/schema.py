"""Print the JSON Schema of a file format.

Example:
  crucible schema tool > tool.schema.json
  crucible schema suite --lane toolgen
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import ModelSchema

from harness.cli import output
from harness.core.errors import UsageError
from harness.core.frozen import Frozen
from harness.hooks import Lane, Registry

DRAFT = "https://json-schema.org/draft/2020-12/schema"

FORMATS = {
    "tool": ("harness.lanes.toolgen.tool_spec", "ToolSpec"),
    "patch": ("harness.grammar.schema", "PATCH"),
    "grammar": ("harness.grammar.schema", "GRAMMAR"),
    "kernel": ("harness.lanes.kernel.definition", "Definition"),
}
"""Module and name of a pydantic model, or of a ready schema; a format is offered if its module exists."""


class DocumentedSchema(GenerateJsonSchema):
    """A generator of JSON Schemas that describes each property by the docstring below its field."""

    def model_schema(self, schema: ModelSchema) -> dict[str, Any]:
        """Build the schema of a model; a description that the model itself gives is kept."""
        made = super().model_schema(schema)
        for base in schema["cls"].__mro__:
            if issubclass(base, Frozen):
                for name, text in _read_docstrings(base).items():
                    made.get("properties", {}).get(name, {}).setdefault("description", text)
        return made


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names = ["suite", *(name for name, (module, _) in FORMATS.items() if _is_installed(module)), "ledger"]
    parser.add_argument("format", choices=names, help="which file format")
    parser.add_argument("--lane", help="for `suite`: only the suites of this lane")
    parser.add_argument("--json", action="store_true", help="a schema is always JSON; accepted as in the other verbs")


def run(args: argparse.Namespace) -> int:
    output.print_json({"$schema": DRAFT, **build_schema(args.format, lane=args.lane)})
    return 0


def build_schema(name: str, *, lane: str | None = None) -> dict[str, Any]:
    """Build the JSON Schema of a format; `lane` restricts `suite` to one lane.

    Raises:
        UsageError: if the lane does not exist.
    """
    if name == "suite":
        return _build_suite(lane)
    if name == "ledger":
        return _build_ledger()
    module, attribute = FORMATS[name]
    found: Any = getattr(importlib.import_module(module), attribute)
    ready: dict[str, Any] = found.model_json_schema(schema_generator=DocumentedSchema) if _is_model(found) else found
    return ready


def _build_ledger() -> dict[str, Any]:
    from harness.core.evaluation import Evaluation
    from harness.core.run import Run

    class Export(Frozen):
        """The JSON of a ledger: `evaluations.record` and `runs.record` have these shapes."""

        runs: tuple[Run, ...]
        evaluations: tuple[Evaluation, ...]

    Export.model_rebuild(_types_namespace={"Run": Run, "Evaluation": Evaluation})
    return Export.model_json_schema(schema_generator=DocumentedSchema)


def _build_suite(lane: str | None) -> dict[str, Any]:
    lanes = Registry().lanes
    if lane is not None and lane not in lanes:
        raise UsageError(f"unknown lane {lane!r}", fix=f"use one of {', '.join(lanes)}")
    if lane is not None:
        return _build_lane(lanes[lane], "#/$defs/{model}")
    return {
        "title": "Suite",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in lanes],
        "$defs": {name: _build_lane(found, f"#/$defs/{name}/$defs/{{model}}") for name, found in lanes.items()},
    }


def _build_lane(lane: Lane, references: str) -> dict[str, Any]:
    made = lane.options.model_json_schema(ref_template=references, schema_generator=DocumentedSchema)
    made["properties"]["lane"] = {"const": lane.name, "description": made["properties"]["lane"]["description"]}
    return made


@cache  # each lane has the fields of the options of all lanes
def _read_docstrings(model: type) -> dict[str, str]:
    """Return the docstring below each field of a class, by the field's name; empty if its source is not available."""
    try:
        source = inspect.getsource(model)
    except OSError:
        return {}
    body = ast.parse(textwrap.dedent(source)).body[0].body  # type: ignore[attr-defined]
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def _is_model(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel)


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
