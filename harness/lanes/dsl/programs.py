"""Programs: the checked programs of one process; each is read once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.digest import digest_json
from harness.dsl.analysis.load import MAX_BYTES, decode, load_source
from harness.dsl.ir import Program
from harness.dsl.language.diagnostic import Diagnostic, ProgramError
from harness.lane.pinned_file import read_text_file, require_unchanged


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
            path = Path(entry["path"])
            file = read_text_file(path, max_bytes=MAX_BYTES, is_checked=False)
            require_unchanged(path, entry["digest"], file.digest)
            if file.fault:
                raise ProgramError([Diagnostic("E107", file.fault, (0, 1))], "", path.name)
            text = decode(file.data, path.name)
            known = load_source(text, path=path.name, inputs=tuple(inputs["inputs"]), entry=inputs["entry"])
            self._known[key] = known
        return known
