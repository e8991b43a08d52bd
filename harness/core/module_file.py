"""Module file: imports a Python file that is not on the import path, or a module that a user named."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from harness.core.errors import UsageError


class _TextLoader(SourceFileLoader):
    """Compiles the text: byte code in a `__pycache__` next to it can be an added file of another author."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def import_file(path: Path, name: str = "") -> ModuleType:
    """Run a file as a module, which is then known by its name: pickle, dataclasses and Hypothesis look it up there.

    Args:
        name: The name; the stem of the file by default.

    Raises:
        ImportError: if it is not a Python file. Errors of its own code are raised as they are.
    """
    known = name or path.stem
    spec = importlib.util.spec_from_file_location(known, path, loader=_TextLoader(known, str(path)))
    if spec is None or spec.loader is None or path.suffix != ".py" or not path.is_file():
        raise ImportError(f"{path} does not exist, or is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def import_named(place: str) -> ModuleType:
    """Import what a user named: a `.py` file, or a module by its dotted name.

    Raises:
        UsageError: if there is none, or its code raises or exits.
    """
    try:
        return import_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except (Exception, SystemExit) as error:
        what = f"it cannot be imported: {type(error).__name__}: {error}"
        raise UsageError(what, where=place, fix="name a .py file or a module that can be imported") from error
