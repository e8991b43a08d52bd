"""Trusted functions: loads the functions that a definition names, from torch or from a file in its folder."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.core.module_file import import_file

_loaded: dict[tuple[str, str], Any] = {}


def resolve(call: str, folder: Path) -> Callable[..., Any]:
    """Find a function by its name in a definition.

    Args:
        call: `torch.matmul` or `file.py:function`.

    Raises:
        AttributeError: if there is no such function.
    """
    import torch

    file, _, name = call.partition(":")
    if name:
        return getattr(_module(folder / file), name)  # type: ignore[no-any-return]
    return operator.attrgetter(call.partition(".")[2])(torch)  # type: ignore[no-any-return]


def _module(path: Path) -> Any:
    data = path.read_bytes()
    key = str(path), hashlib.sha256(data).hexdigest()
    if key not in _loaded:
        _loaded[key] = import_file(path, f"crucible_reference_{key[1][:16]}")
    return _loaded[key]


def outputs_of(value: Any) -> tuple[Any, ...]:
    """The outputs of a reference or a kernel as a tuple, also if it returned a single tensor."""
    return tuple(value) if isinstance(value, tuple | list) else (value,)
