"""Inputs: names that a caller provides are checked against the program before a run."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.core.errors import UsageError
from harness.core.nearest import nearest
from harness.dsl.ir import Program


def refuse_unknown(given: Iterable[str], program: Program, *, where: str) -> None:
    """Reject inputs that the program never mentions.

    Raises:
        UsageError: for the first such input.
    """
    names = list(given)
    for name in names:
        if not re.search(rf"\b{re.escape(name)}\b", program.source):
            units = (variable for unit in program.units for variable in unit.slots)
            declared = [v.name for v in (*program.state, *units) if v.is_input and v.name not in names]
            fix = "correct it or leave it out"
            raise UsageError(f"the program has no input {name!r}{nearest(name, declared)}", where=where, fix=fix)
