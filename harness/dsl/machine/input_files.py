"""Input files: copied into the work folder before a run begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.core.errors import UsageError
from harness.core.named_path import named_path, read_file
from harness.core.os_fault import fix_of
from harness.dsl.expressions import nodes as n
from harness.dsl.ir import Effect, Program, Sweep
from harness.dsl.tools.folder import MAX_FILE_BYTES, MAX_FILES, MAX_FOLDER_BYTES

_PYTHON = ("python", "python3")


def read_input_files(paths: Iterable[Path]) -> dict[str, bytes]:
    """Read input files by their name in the work folder; a folder adds all files below it, under its name.

    Raises:
        UsageError: if a file cannot be read, two have the same name, or they are too many or too large.
    """
    found: dict[str, bytes] = {}
    for path in paths:
        for name, file in _files(path):
            try:
                if file.stat().st_size > MAX_FILE_BYTES:
                    where = str(file)
                    raise UsageError(f"a file of more than {MAX_FILE_BYTES >> 20} MiB", where=where, fix="leave it out")
                if name in found:
                    raise UsageError(f"two files are called {name!r}", where=str(file), fix="pass only one of them")
                found[name] = read_file(file)
            except OSError as error:
                raise UsageError(f"cannot be read: {error.strerror}", where=str(file), fix=fix_of(error)) from error
        if len(found) > MAX_FILES or sum(map(len, found.values())) > MAX_FOLDER_BYTES:
            what = f"more than {MAX_FILES} files or {MAX_FOLDER_BYTES >> 20} MiB"
            raise UsageError(what, where=str(path), fix="name only the files that the program needs")
    return found


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield path.name, path
        return
    root = path.resolve()
    for file in sorted(root.rglob("*")):
        if file.is_file() and not file.is_symlink():
            yield f"{root.name}/{file.relative_to(root).as_posix()}", file


def find_scripts(program: Program, folder: Path) -> list[Path]:
    """Python scripts next to the program that its commands run (`python x.py`): plain names, no links."""
    found: dict[Path, None] = {}
    for unit in program.units:
        for instruction in unit.code:
            if isinstance(instruction, Effect):
                commands = [value for name, value in instruction.arguments if name == "cmd"]
            else:
                commands = [instruction.measure.command] if isinstance(instruction, Sweep) else []
            for command in commands:
                words = [item.value if isinstance(item, n.Const) else None for item in _items(command)[:2]]
                if len(words) == 2 and words[0] in _PYTHON and isinstance(words[1], str) and _plain(words[1]):
                    path = folder / words[1]
                    if (real := named_path(folder, words[1])) is not None and real.is_file() and not path.is_symlink():
                        found[path] = None
    return list(found)


def _items(command: n.Expr) -> list[n.Expr]:
    if isinstance(command, n.ListOf):
        return list(command.items)
    if isinstance(command, n.Const) and isinstance(command.value, list):
        return [n.Const(word, command.type, command.span) for word in command.value]
    return []


def _plain(name: str) -> bool:
    return name.endswith(".py") and "/" not in name and "\0" not in name and not name.startswith(".")
