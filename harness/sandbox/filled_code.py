"""Filled code: functions whose values are constants of their code, so that no name leads to them.

A constant that begins with @ is replaced by a value of any type. Standard library only.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

BOX_CODE = "<box>"
"""The file name of this package's code objects inside a box."""


def made(function: Callable[..., Any], name: str, values: dict[str, Any]) -> Any:
    """The function with some of its constants replaced, without globals, as code of this package."""
    code = with_constants(function.__code__, values)
    return types.FunctionType(code.replace(co_filename=BOX_CODE), {"__builtins__": {}}, name, function.__defaults__)


def with_constants(code: types.CodeType, values: dict[str, Any]) -> types.CodeType:
    """The code with some of its constants, strings, replaced by values of any type."""
    return code.replace(co_consts=tuple(_filled(one, values) for one in code.co_consts))


def _filled(constant: Any, values: dict[str, Any]) -> Any:
    if type(constant) is tuple:
        return tuple(_filled(one, values) for one in constant)
    return values.get(constant, constant) if type(constant) is str else constant
