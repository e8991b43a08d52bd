"""DslOptions: the keys of a suite of one program."""

from __future__ import annotations

from typing import Any

from harness.suites.suite import SuiteOptions


class DslOptions(SuiteOptions):
    """A suite of one program."""

    program: str
    """The program's file."""
    answers: str = ""
    """Answers to its questions, bound to the questions' ids."""
    files: tuple[str, ...] = ()
    """Files and folders that its work folder holds when it begins."""
    inputs: dict[str, Any] = {}
    """Values of its inputs."""
    live: bool = True
    """Whether effects happen, in a folder and a box that are thrown away; without it they answer from `recordings`."""
    recordings: str = ""
    """Recorded effects: what a run that is not live knows of the world."""
    entry: str = ""
    """Which task or loop runs; by default the task, or the first loop that no other one runs."""
    repeatable: bool = True
    """Whether every attempt must write the same log; say false for programs that measure time."""
    grants: tuple[str, ...] = ()
    """Programs that may run outside of a box."""
