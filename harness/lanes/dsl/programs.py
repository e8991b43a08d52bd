"""Programs: the checked programs of one process; each is read once."""

from __future__ import annotations

from typing import Any

from harness.core.digest import digest_json
from harness.dsl.analysis.load import load_source, read
from harness.dsl.ir import Program
from harness.lanes.dsl.pinned_inputs import unchanged_path


class Programs:
    """Checked programs by file, inputs and entry."""

    def __init__(self) -> None:
        self._known: dict[str, Program] = {}

    def load(self, inputs: dict[str, Any]) -> Program:
        """The program of a case's inputs.

        Raises:
            ProgramError: if it has errors.
            InfraError: if its file changed since it was collected.
        """
        entry = inputs["program"]
        key = digest_json([entry, sorted(inputs["inputs"]), inputs["entry"]])
        known = self._known.get(key)
        if known is None:
            path = unchanged_path(entry)
            known = load_source(read(path), path=path.name, inputs=tuple(inputs["inputs"]), entry=inputs["entry"])
            self._known[key] = known
        return known
