"""Snapshot: the suites as they were when a run began, the same for every xdist worker although files may change."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from harness.core.case import Case
from harness.core.digest import digest_bytes


class Collected(NamedTuple):
    """The outcome of collecting one suite file."""

    lane: str
    tags: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()
    error: str = ""
    """What is wrong with the suite; it then has no cases."""

    def to_wire(self) -> dict[str, Any]:
        """The outcome as built-in types that JSON can represent."""
        return {**self._asdict(), "cases": [case.to_wire() for case in self.cases]}

    @classmethod
    def from_wire(cls, value: dict[str, Any]) -> Collected:
        """Restore an outcome from the result of `to_wire`."""
        cases = tuple(Case.from_wire(case) for case in value["cases"])
        return cls(value["lane"], tuple(value["tags"]), cases, value["error"])


class Snapshot:
    """A private directory through which the processes of one run share values.

    The process that collects a suite first publishes the result. All other processes read it, also a worker that
    replaces a crashed one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def suite(self, path: Path, collect: Callable[[], Collected]) -> Collected:
        """The published outcome of a suite file; collected here if no other process has published one."""
        return Collected.from_wire(self._agree(f"suite-{digest_bytes(os.fsencode(path))}", lambda: collect().to_wire()))

    def suites(self) -> Iterator[Collected]:
        """The outcomes of all suite files published so far."""
        for path in sorted(self.folder.glob("suite-*.json")):
            yield Collected.from_wire(json.loads(path.read_bytes()))

    @property
    def empty(self) -> bool:
        """Whether no suite was collected."""
        return not any(self.folder.glob("suite-*.json"))

    def put(self, name: str, value: Any) -> None:
        """Publish a named value; the first one stays."""
        self._agree(name, lambda: value)

    def get(self, name: str) -> Any:
        """The value published under a name; None if there is none."""
        try:
            return json.loads((self.folder / f"{name}.json").read_bytes())
        except FileNotFoundError:
            return None

    def remove(self) -> None:
        """Delete the directory."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _agree(self, name: str, produce: Callable[[], Any]) -> Any:
        known = self.get(name)
        if known is not None:
            return known
        value = produce()
        if not self.folder.is_dir():  # a worker on another machine: it has only its own files
            return value
        handle, draft = tempfile.mkstemp(dir=self.folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(value, file)
        try:
            os.link(draft, self.folder / f"{name}.json")  # atomic, and fails if another process was faster
        except FileExistsError:
            value = self.get(name)
        finally:
            Path(draft).unlink()
        return value
