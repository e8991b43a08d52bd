"""A small language for programs of tools and questions, and the deterministic machine that runs them.

These are the public names; all other modules may change. See docs/dsl-library.md.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.dsl.analysis.load import check_source, load_program, load_source
    from harness.dsl.eventlog.durability import Durability
    from harness.dsl.eventlog.fault import LogError
    from harness.dsl.eventlog.logfile import LogFile
    from harness.dsl.eventlog.runlog import RunLog, StoredEvent
    from harness.dsl.facts.plan import check_plan
    from harness.dsl.ir import Program
    from harness.dsl.language.diagnostic import Diagnostic, ProgramError
    from harness.dsl.machine.bundle import pack_run, unpack_run
    from harness.dsl.machine.external_effects import ExternalEffects, Query
    from harness.dsl.machine.fork import fork, upgrade
    from harness.dsl.machine.machine import Machine
    from harness.dsl.machine.machine_settings import MachineSettings
    from harness.dsl.machine.outcome import Outcome, StepOutcome
    from harness.dsl.machine.replay import Difference, Divergence, Replayed, replay
    from harness.dsl.machine.session import Session
    from harness.dsl.machine.settings import RunSettings
    from harness.dsl.machine.stored_run import open_log, stored_program
    from harness.dsl.machine.verify import Problem, Verified, verify
    from harness.dsl.tools.fault import ToolFault
    from harness.dsl.tools.registry import PluginTool
    from harness.dsl.tools.request import Request, Response
    from harness.dsl.values import MismatchError, Undefined

__all__ = [
    "Diagnostic",
    "Difference",
    "Divergence",
    "Durability",
    "ExternalEffects",
    "LogError",
    "LogFile",
    "Machine",
    "MachineSettings",
    "MismatchError",
    "Outcome",
    "PluginTool",
    "Problem",
    "Program",
    "ProgramError",
    "Query",
    "Replayed",
    "Request",
    "Response",
    "RunLog",
    "RunSettings",
    "Session",
    "StepOutcome",
    "StoredEvent",
    "ToolFault",
    "Undefined",
    "Verified",
    "check_plan",
    "check_source",
    "fork",
    "load_program",
    "load_source",
    "open_log",
    "pack_run",
    "replay",
    "stored_program",
    "unpack_run",
    "upgrade",
    "verify",
]

_MODULES = {
    "Diagnostic": "harness.dsl.language.diagnostic",
    "Difference": "harness.dsl.machine.replay",
    "Divergence": "harness.dsl.machine.replay",
    "Durability": "harness.dsl.eventlog.durability",
    "ExternalEffects": "harness.dsl.machine.external_effects",
    "LogError": "harness.dsl.eventlog.fault",
    "LogFile": "harness.dsl.eventlog.logfile",
    "Machine": "harness.dsl.machine.machine",
    "MachineSettings": "harness.dsl.machine.machine_settings",
    "MismatchError": "harness.dsl.values",
    "Outcome": "harness.dsl.machine.outcome",
    "PluginTool": "harness.dsl.tools.registry",
    "Problem": "harness.dsl.machine.verify",
    "Program": "harness.dsl.ir",
    "ProgramError": "harness.dsl.language.diagnostic",
    "Query": "harness.dsl.machine.external_effects",
    "Replayed": "harness.dsl.machine.replay",
    "Request": "harness.dsl.tools.request",
    "Response": "harness.dsl.tools.request",
    "RunLog": "harness.dsl.eventlog.runlog",
    "RunSettings": "harness.dsl.machine.settings",
    "Session": "harness.dsl.machine.session",
    "StepOutcome": "harness.dsl.machine.outcome",
    "StoredEvent": "harness.dsl.eventlog.runlog",
    "ToolFault": "harness.dsl.tools.fault",
    "Undefined": "harness.dsl.values",
    "Verified": "harness.dsl.machine.verify",
    "check_plan": "harness.dsl.facts.plan",
    "check_source": "harness.dsl.analysis.load",
    "fork": "harness.dsl.machine.fork",
    "load_program": "harness.dsl.analysis.load",
    "load_source": "harness.dsl.analysis.load",
    "open_log": "harness.dsl.machine.stored_run",
    "pack_run": "harness.dsl.machine.bundle",
    "replay": "harness.dsl.machine.replay",
    "stored_program": "harness.dsl.machine.stored_run",
    "unpack_run": "harness.dsl.machine.bundle",
    "upgrade": "harness.dsl.machine.fork",
    "verify": "harness.dsl.machine.verify",
}


def __getattr__(name: str) -> Any:
    """Import a public name at first use, so that `import harness.dsl` loads nothing else."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
