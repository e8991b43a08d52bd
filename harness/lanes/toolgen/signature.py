"""Signature: the parsed `def` line of a tool, or of a candidate."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from harness.core.nearest import nearest


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a signature."""

    name: str
    annotation: str
    """Normalised source code; empty without an annotation."""
    required: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """The parsed signature of a candidate, which is always called by keyword."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: str
    """Normalised source code of the return annotation."""

    def misfit(self, kwargs: dict[str, Any]) -> str:
        """Why these keyword arguments do not match the signature; empty if they do."""
        names = [parameter.name for parameter in self.parameters]
        unknown = [name for name in kwargs if name not in names]
        if unknown:
            return f"{self.name}() has no parameter {unknown[0]!r}{nearest(unknown[0], names)}"
        missing = [
            parameter.name for parameter in self.parameters if parameter.required and parameter.name not in kwargs
        ]
        return f"{self.name}() needs {missing[0]!r}" if missing else ""


def signature_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Signature:
    """The signature of a definition, with normalised annotations."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    first_default = len(positional) - len(arguments.defaults)
    parameters = [
        Parameter(argument.arg, _text(argument.annotation), index < first_default)
        for index, argument in enumerate(positional)
    ]
    parameters += [
        Parameter(argument.arg, _text(argument.annotation), default is None)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    return Signature(function.name, tuple(parameters), _text(function.returns))


def _text(annotation: ast.expr | None) -> str:
    if annotation is None:
        return ""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except (SyntaxError, ValueError):
            return ast.unparse(annotation)
    return ast.unparse(annotation)
