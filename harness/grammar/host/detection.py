"""Detection: the grammar that recognises a file by its magic numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.grammar.language.builder import magic_bytes

PACKAGE = Path(__file__).resolve().parents[1] / "shipped"
CHECKOUT = Path(__file__).resolve().parents[3] / "specs" / "grammars"
_MAGIC = re.compile(r"^magic:.*\n(?:[ \t-].*\n)*", re.MULTILINE)
_MAX_GRAMMAR = 1 << 20  # bytes; a larger file in a folder of grammars is not read


def folders() -> tuple[Path, ...]:
    """The folders of grammars, first the project's own: `specs/grammars` below the current folder."""
    known = (Path("specs/grammars"), PACKAGE, CHECKOUT)
    return tuple({path.resolve(): path for path in known if path.is_dir()}.values())


def detect(data: Any, where: Iterable[Path]) -> Path | None:
    """Find the first grammar one of whose magic numbers is in the data; the longest constant wins in a folder.

    Args:
        data: The bytes of a file, or a mapping of them.
        where: Folders of grammars (`*.yaml`).
    """
    for folder in where:
        found: list[tuple[int, str, Path]] = []
        for path in sorted(folder.glob("*.yaml")):
            sizes = [len(c) for at, c in magic_of(path) if bytes(data[at : at + len(c)]) == c]
            if sizes:
                found.append((-max(sizes), path.name, path))
        if found:
            return min(found)[2]
    return None


def magic_of(path: Path) -> list[tuple[int, bytes]]:
    """Read only the magic numbers of a grammar file; none from a file that has none or cannot be read."""
    import yaml

    try:
        if path.stat().st_size > _MAX_GRAMMAR:
            return []
        found = _MAGIC.search(path.read_text(encoding="utf-8-sig") + "\n")
        listed = yaml.safe_load(found[0])["magic"] if found else []
    except (OSError, ValueError, yaml.YAMLError):
        return []
    if not isinstance(listed, list):
        return []
    entries = [entry for entry in listed if isinstance(entry, dict)]
    made = [(entry.get("at", 0), magic_bytes(entry.get("equals"))) for entry in entries]
    return [(at, constant) for at, constant in made if isinstance(at, int) and at >= 0 and constant]
