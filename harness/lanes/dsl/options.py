"""DslOptions: the keys of a suite of one program."""

from __future__ import annotations

from typing import Any

from pydantic import PositiveFloat

from harness.suites.suite import SuiteOptions

WALL_SECONDS = 600.0  # of a run for which the suite states nothing else


class DslOptions(SuiteOptions):
    """A suite of one program."""

    program: str
    """Path of the program, relative to the suite."""
    answers: str = ""
    """File of answers by question id."""
    files: tuple[str, ...] = ()
    """Files and folders copied into its work folder before it begins."""
    inputs: dict[str, Any] = {}
    """Values of the program's inputs by name."""
    live: bool = True
    """Whether effects are performed, in a temporary folder and a box; otherwise they answer from `recordings`."""
    recordings: str = ""
    """File of recorded effects, for a run that is not live."""
    entry: str = ""
    """Which task or loop runs; by default the task, or the first loop that no other unit runs."""
    repeatable: bool = True
    """Whether every attempt must write the same log; false for programs that measure time."""
    wall_seconds: PositiveFloat = WALL_SECONDS
    """Wall time of a run in seconds, whatever the program declares: a wait, a command or a loop beyond it is ended."""
    grants: tuple[str, ...] = ()
    """Names of programs that may run outside a box."""
