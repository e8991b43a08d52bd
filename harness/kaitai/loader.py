"""Loader: reads a `.ksy` file and its imports, and resolves names and parents."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from harness.core.document import read_document
from harness.core.named_path import named_path
from harness.kaitai.library import Library
from harness.kaitai.reader import read
from harness.kaitai.resolver import resolve
from harness.kaitai.source import Source
from harness.kaitai.structure import Structure, User, leaves

MAX_FILES = 500


def load(path: Path, *, search: tuple[Path, ...] = ()) -> Library:
    """Read a file and all its imports.

    Args:
        search: Folders for absolute imports (`/common/vlq`); the file's own folder is always one.

    Raises:
        SuiteError: if the file itself cannot be read or is not YAML. Errors in its contents are in `findings`.
    """
    library = Library((*search, path.parent))
    _read(library, path.resolve())
    resolve(library)
    return library


def _read(library: Library, path: Path) -> None:
    waiting = [path]
    while waiting:
        here = waiting.pop(0)
        if here in library.sources:
            continue
        source = Source(here, read_document(here))
        library.sources[here] = source
        top = read(source)
        if top is not None:
            library.tops_of_files[here] = top
            library.tops.setdefault(top.name, top)
        for line in source.imports:
            found = _find(library, here, line.name)
            if found is None:
                source.report(line.key, f"cannot find {line.name + '.ksy'!r} to import")
            elif len(library.sources) + len(waiting) >= MAX_FILES:
                source.report(line.key, f"imports reach more than {MAX_FILES} files")
            else:
                waiting.append(found)
        if top is not None and top.opaque:
            waiting.extend(_opaque(library, top, here))


def _find(library: Library, importer: Path, name: str) -> Path | None:
    relative = PurePosixPath(name)
    if ".." in relative.parts and relative.is_absolute():
        return None
    folders = library.search if relative.is_absolute() else (importer.parent, *library.search)
    tail = "/".join(part for part in relative.parts if part != "/") + ".ksy"
    # a copy of a repository without its folders has the file under its bare name
    tried = (*(folder / tail for folder in folders), *(folder / f"{relative.name}.ksy" for folder in folders))
    found = (named_path(path.parent, path.name) for path in tried)
    return next((path for path in found if path is not None and path.is_file()), None)


def _opaque(library: Library, top: Structure, here: Path) -> list[Path]:
    """Load the definitions of opaque types from `.ksy` files with their names in the same folder."""
    kinds = [kind for found in top.family() for field in found.fields() for kind in leaves(field.type)]
    names = {kind.name.path[0] for kind in kinds if isinstance(kind, User) and len(kind.name.path) == 1}
    wanted = sorted(names - set(library.tops))
    return [found for name in wanted if (found := _find(library, here, name)) is not None]
