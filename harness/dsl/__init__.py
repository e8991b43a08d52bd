"""A small language for programs of tools and questions, and the deterministic machine that runs them.

These are the public names; all other modules may change. See docs/dsl-library.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.dsl.analysis.load import check_source as check_source
    from harness.dsl.analysis.load import load_program as load_program
    from harness.dsl.analysis.load import load_source as load_source
    from harness.dsl.eventlog.durability import Durability as Durability
    from harness.dsl.eventlog.fault import LogError as LogError
    from harness.dsl.eventlog.logfile import LogFile as LogFile
    from harness.dsl.eventlog.runlog import RunLog as RunLog
    from harness.dsl.eventlog.runlog import StoredEvent as StoredEvent
    from harness.dsl.facts.plan import check_plan as check_plan
    from harness.dsl.ir import Program as Program
    from harness.dsl.language.diagnostic import Diagnostic as Diagnostic
    from harness.dsl.language.diagnostic import ProgramError as ProgramError
    from harness.dsl.machine.bundle import pack_run as pack_run
    from harness.dsl.machine.bundle import unpack_run as unpack_run
    from harness.dsl.machine.external_effects import ExternalEffects as ExternalEffects
    from harness.dsl.machine.external_effects import Query as Query
    from harness.dsl.machine.fork import fork as fork
    from harness.dsl.machine.fork import upgrade as upgrade
    from harness.dsl.machine.machine import Machine as Machine
    from harness.dsl.machine.machine_settings import MachineSettings as MachineSettings
    from harness.dsl.machine.outcome import Outcome as Outcome
    from harness.dsl.machine.outcome import StepOutcome as StepOutcome
    from harness.dsl.machine.replay import Difference as Difference
    from harness.dsl.machine.replay import Divergence as Divergence
    from harness.dsl.machine.replay import Replayed as Replayed
    from harness.dsl.machine.replay import replay as replay
    from harness.dsl.machine.session import Session as Session
    from harness.dsl.machine.settings import RunSettings as RunSettings
    from harness.dsl.machine.stored_run import open_log as open_log
    from harness.dsl.machine.stored_run import stored_program as stored_program
    from harness.dsl.machine.verify import Problem as Problem
    from harness.dsl.machine.verify import Verified as Verified
    from harness.dsl.machine.verify import verify as verify
    from harness.dsl.tools.fault import ToolFault as ToolFault
    from harness.dsl.tools.registry import PluginTool as PluginTool
    from harness.dsl.tools.request import Request as Request
    from harness.dsl.tools.request import Response as Response
    from harness.dsl.values import MismatchError as MismatchError
    from harness.dsl.values import Undefined as Undefined


def __getattr__(name: str) -> Any:
    """Import a public name at first use, so that importing the package loads nothing else."""
    from harness.core import public_names

    return public_names.find(__name__, name)


def __dir__() -> list[str]:
    from harness.core import public_names

    return public_names.of(__name__)
