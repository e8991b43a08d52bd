"""Lazy names: the public names of a package, each imported at first use."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and the `__dir__` of a package.

    Args:
        package: Its name.
        homes: For each module the public names that it defines, with spaces between; a module with a leading dot is in
            the package.
    """
    home = {name: module for module, names in homes.items() for name in names.split()}

    def import_name(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(home[name], package), name)
        setattr(sys.modules[package], name, found)
        return found

    return import_name, lambda: sorted(home)
