"""Programs that a command line names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import CrucibleError, UsageError
from harness.core.os_fault import fix_of

if TYPE_CHECKING:
    from harness.dsl.ir import Program


def read(path: Path) -> str:
    """Read the text of a program.

    Raises:
        UsageError: if it cannot be read, or is empty.
    """
    from harness.dsl.analysis import load

    try:
        text = load.read(path)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path), fix=fix_of(error)) from error
    if not text.strip():
        raise UsageError("the program is empty", where=str(path), fix="name a program: `task Name { … }`")
    return text


def load(path: Path, *, inputs: Iterable[str] = (), entry: str = "") -> Program:
    """Load a program.

    Raises:
        UsageError: if it cannot be read.
        CrucibleError: if it has errors.
    """
    from harness.dsl.analysis.load import load_source
    from harness.dsl.language.diagnostic import ProgramError

    try:
        return load_source(read(path), path=path.name, inputs=inputs, entry=entry)
    except ProgramError as error:
        raise CrucibleError(f"the program has errors:\n{error}", where=str(path)) from error
