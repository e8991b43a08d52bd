"""Library: a `.ksy` file and all its imports, with their structures."""

from __future__ import annotations

from pathlib import Path

from harness.kaitai.findings import Finding
from harness.kaitai.source import Source
from harness.kaitai.structure import Structure


class Library:
    """A file and all its imports."""

    def __init__(self, search: tuple[Path, ...]) -> None:
        self.search = search
        self.sources: dict[Path, Source] = {}
        self.tops: dict[str, Structure] = {}
        """Top types by name, visible in every file."""
        self.tops_of_files: dict[Path, Structure] = {}
        """The top type of each file that has a valid one, in the order in which the files were read."""

    @property
    def top(self) -> Structure | None:
        """The top type of the file itself, or None if it has errors."""
        return self.tops_of_files.get(next(iter(self.sources)))

    @property
    def findings(self) -> list[Finding]:
        """Findings of all files, in the order in which they were read."""
        return [finding for source in self.sources.values() for finding in source.findings]

    def structures(self) -> list[Structure]:
        """List all types of all files."""
        return [found for top in self.tops_of_files.values() for found in top.family()]
