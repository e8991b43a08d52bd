"""Public names that a package imports at first use: each `from module import Name as Name` of its `__init__.py`."""

from __future__ import annotations

import ast
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import get_data
from typing import Any


def of(package: str) -> list[str]:
    """The public names of a package, sorted."""
    return sorted(_modules(package))


def find(package: str, name: str) -> Any:
    """The value of a public name, kept in the package; its `__all__` is one of them.

    Raises:
        AttributeError: the package has no such public name.
    """
    if name == "__all__":
        found: Any = of(package)
    elif name.startswith("__") or name not in _modules(package):
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    else:
        found = getattr(import_module(_modules(package)[name]), name)
    setattr(sys.modules[package], name, found)
    return found


@cache
def _modules(package: str) -> dict[str, str]:
    spec = sys.modules[package].__spec__
    tree = ast.parse(get_data(package, Path(str(spec and spec.origin)).name) or b"")  # also from a ZIP file
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names if alias.asname == alias.name}
