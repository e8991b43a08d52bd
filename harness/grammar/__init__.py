"""Binary grammars as a library: a YAML language, its parser, patches, versions, runs and scores.

Every public name is importable from here; `docs/grammar-library.md` is the reference. Names are imported at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.grammar.anomaly import Anomaly as Anomaly
    from harness.grammar.anomaly import AnomalyKind as AnomalyKind
    from harness.grammar.anomaly import Severity as Severity
    from harness.grammar.artifacts import RunArtifact as RunArtifact
    from harness.grammar.artifacts import RunStats as RunStats
    from harness.grammar.artifacts import create_run_artifact as create_run_artifact
    from harness.grammar.diff import RunDiff as RunDiff
    from harness.grammar.diff import diff_runs as diff_runs
    from harness.grammar.diff import find_best_run as find_best_run
    from harness.grammar.engine.fault import Fault as Fault
    from harness.grammar.engine.fault import FaultKind as FaultKind
    from harness.grammar.engine.limits import Limits as Limits
    from harness.grammar.engine.parse_result import Parse as Parse
    from harness.grammar.engine.session import Session as Session
    from harness.grammar.improvement.iteration import Improvement as Improvement
    from harness.grammar.improvement.iteration import improve_spec as improve_spec
    from harness.grammar.improvement.proposer import Proposer as Proposer
    from harness.grammar.improvement.proposer import Situation as Situation
    from harness.grammar.induction.inducer import propose as propose
    from harness.grammar.language.finding import Finding as Finding
    from harness.grammar.language.grammar import Grammar as Grammar
    from harness.grammar.language.lint import Lint as Lint
    from harness.grammar.language.lint import lint_text as lint_text
    from harness.grammar.language.lint import lint_value as lint_value
    from harness.grammar.loading import GrammarError as GrammarError
    from harness.grammar.loading import load_grammar as load_grammar
    from harness.grammar.loading import parse_binary as parse_binary
    from harness.grammar.patch import AddRegistryEntry as AddRegistryEntry
    from harness.grammar.patch import AddType as AddType
    from harness.grammar.patch import DeleteField as DeleteField
    from harness.grammar.patch import ExpectValue as ExpectValue
    from harness.grammar.patch import InsertField as InsertField
    from harness.grammar.patch import MoveField as MoveField
    from harness.grammar.patch import Operation as Operation
    from harness.grammar.patch import Patch as Patch
    from harness.grammar.patch import PatchError as PatchError
    from harness.grammar.patch import RemoveRegistryEntry as RemoveRegistryEntry
    from harness.grammar.patch import RemoveType as RemoveType
    from harness.grammar.patch import RenameType as RenameType
    from harness.grammar.patch import SetEndian as SetEndian
    from harness.grammar.patch import SetFraming as SetFraming
    from harness.grammar.patch import SetProperty as SetProperty
    from harness.grammar.patch import SetSwitch as SetSwitch
    from harness.grammar.patch import UnsetProperty as UnsetProperty
    from harness.grammar.patch import UpdateField as UpdateField
    from harness.grammar.patch import UpdateRegistryEntry as UpdateRegistryEntry
    from harness.grammar.patch import UpdateType as UpdateType
    from harness.grammar.patch import path_from_string as path_from_string
    from harness.grammar.patch import path_to_string as path_to_string
    from harness.grammar.patch import read_patch as read_patch
    from harness.grammar.patch_inference import patch_between as patch_between
    from harness.grammar.scoring import ScoreBreakdown as ScoreBreakdown
    from harness.grammar.scoring import compare_scores as compare_scores
    from harness.grammar.scoring import find_best_scoring_run as find_best_scoring_run
    from harness.grammar.scoring import rank_runs as rank_runs
    from harness.grammar.scoring import score_run as score_run
    from harness.grammar.tool_host import AnalyzeCoverageInput as AnalyzeCoverageInput
    from harness.grammar.tool_host import Coverage as Coverage
    from harness.grammar.tool_host import DecodedField as DecodedField
    from harness.grammar.tool_host import DecodeFieldInput as DecodeFieldInput
    from harness.grammar.tool_host import GenerateSpansInput as GenerateSpansInput
    from harness.grammar.tool_host import LintGrammarInput as LintGrammarInput
    from harness.grammar.tool_host import LintGrammarOutput as LintGrammarOutput
    from harness.grammar.tool_host import ParseBinaryInput as ParseBinaryInput
    from harness.grammar.tool_host import ParsedField as ParsedField
    from harness.grammar.tool_host import ParsedRecord as ParsedRecord
    from harness.grammar.tool_host import ParseResult as ParseResult
    from harness.grammar.tool_host import QueryRecordsInput as QueryRecordsInput
    from harness.grammar.tool_host import RecordSet as RecordSet
    from harness.grammar.tool_host import Span as Span
    from harness.grammar.tool_host import SpanSet as SpanSet
    from harness.grammar.tool_host import ToolHost as ToolHost
    from harness.grammar.version import PatchResult as PatchResult
    from harness.grammar.version import SpecStore as SpecStore
    from harness.grammar.version import SpecVersion as SpecVersion
    from harness.grammar.writing.builder import build as build
    from harness.grammar.writing.encoding import WriteError as WriteError
    from harness.grammar.writing.generator import generate as generate


def __getattr__(name: str) -> Any:
    """Import a public name at first use, so that importing the package loads nothing else."""
    from harness.core import public_names

    return public_names.find(__name__, name)


def __dir__() -> list[str]:
    from harness.core import public_names

    return public_names.of(__name__)
