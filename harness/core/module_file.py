"""Module file: imports a Python file that is not on the import path."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def import_file(path: Path, name: str = "") -> ModuleType:
    """Run a file as a module, which is then known by its name: pickle, dataclasses and Hypothesis look it up there.

    Args:
        name: The name; the stem of the file by default.

    Raises:
        ImportError: if it is not a Python file. Errors of its own code are raised as they are.
    """
    spec = importlib.util.spec_from_file_location(name or path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
