"""Module file: imports a Python file that is not on the import path."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType


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
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
