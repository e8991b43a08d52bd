"""A small language for programs of tools and questions, and the deterministic machine that runs them.

These are the public names; all other modules may change. See docs/dsl-library.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.lazy_names import lazy_names

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

_HOMES = {
    "harness.dsl.analysis.load": "check_source load_program load_source",
    "harness.dsl.eventlog.durability": "Durability",
    "harness.dsl.eventlog.fault": "LogError",
    "harness.dsl.eventlog.logfile": "LogFile",
    "harness.dsl.eventlog.runlog": "RunLog StoredEvent",
    "harness.dsl.facts.plan": "check_plan",
    "harness.dsl.ir": "Program",
    "harness.dsl.language.diagnostic": "Diagnostic ProgramError",
    "harness.dsl.machine.bundle": "pack_run unpack_run",
    "harness.dsl.machine.external_effects": "ExternalEffects Query",
    "harness.dsl.machine.fork": "fork upgrade",
    "harness.dsl.machine.machine": "Machine",
    "harness.dsl.machine.machine_settings": "MachineSettings",
    "harness.dsl.machine.outcome": "Outcome StepOutcome",
    "harness.dsl.machine.replay": "Difference Divergence Replayed replay",
    "harness.dsl.machine.session": "Session",
    "harness.dsl.machine.settings": "RunSettings",
    "harness.dsl.machine.stored_run": "open_log stored_program",
    "harness.dsl.machine.verify": "Problem Verified verify",
    "harness.dsl.tools.fault": "ToolFault",
    "harness.dsl.tools.registry": "PluginTool",
    "harness.dsl.tools.request": "Request Response",
    "harness.dsl.values": "MismatchError Undefined",
}
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
