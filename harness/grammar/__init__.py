"""Binary grammars as a library: a YAML language, its parser, patches, versions, runs and scores.

Every public name is importable from here; `docs/grammar-library.md` is the reference. Names are imported at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from harness.grammar.anomaly import Anomaly, AnomalyKind, Severity
    from harness.grammar.artifacts import RunArtifact, RunStats, create_run_artifact
    from harness.grammar.diff import RunDiff, diff_runs, find_best_run
    from harness.grammar.engine.fault import Fault, FaultKind
    from harness.grammar.engine.limits import Limits
    from harness.grammar.engine.parse_result import Parse
    from harness.grammar.engine.session import Session
    from harness.grammar.improvement.iteration import Improvement, improve_spec
    from harness.grammar.improvement.proposer import Proposer, Situation
    from harness.grammar.induction.inducer import propose
    from harness.grammar.language.finding import Finding
    from harness.grammar.language.grammar import Grammar
    from harness.grammar.language.lint import Lint, lint_text, lint_value
    from harness.grammar.loading import GrammarError, load_grammar, parse_binary
    from harness.grammar.patch import (
        AddRegistryEntry,
        AddType,
        DeleteField,
        ExpectValue,
        InsertField,
        MoveField,
        Operation,
        Patch,
        PatchError,
        RemoveRegistryEntry,
        RemoveType,
        RenameType,
        SetEndian,
        SetFraming,
        SetProperty,
        SetSwitch,
        UnsetProperty,
        UpdateField,
        UpdateRegistryEntry,
        UpdateType,
        path_from_string,
        path_to_string,
        read_patch,
    )
    from harness.grammar.patch_inference import patch_between
    from harness.grammar.scoring import ScoreBreakdown, compare_scores, find_best_scoring_run, rank_runs, score_run
    from harness.grammar.tool_host import (
        AnalyzeCoverageInput,
        Coverage,
        DecodedField,
        DecodeFieldInput,
        GenerateSpansInput,
        LintGrammarInput,
        LintGrammarOutput,
        ParseBinaryInput,
        ParsedField,
        ParsedRecord,
        ParseResult,
        QueryRecordsInput,
        RecordSet,
        Span,
        SpanSet,
        ToolHost,
    )
    from harness.grammar.version import PatchResult, SpecStore, SpecVersion
    from harness.grammar.writing.builder import build
    from harness.grammar.writing.encoding import WriteError
    from harness.grammar.writing.generator import generate

__all__ = [
    "AddRegistryEntry",
    "AddType",
    "AnalyzeCoverageInput",
    "Anomaly",
    "AnomalyKind",
    "Coverage",
    "DecodeFieldInput",
    "DecodedField",
    "DeleteField",
    "ExpectValue",
    "Fault",
    "FaultKind",
    "Finding",
    "GenerateSpansInput",
    "Grammar",
    "GrammarError",
    "Improvement",
    "InsertField",
    "Limits",
    "Lint",
    "LintGrammarInput",
    "LintGrammarOutput",
    "MoveField",
    "Operation",
    "Parse",
    "ParseBinaryInput",
    "ParseResult",
    "ParsedField",
    "ParsedRecord",
    "Patch",
    "PatchError",
    "PatchResult",
    "Proposer",
    "QueryRecordsInput",
    "RecordSet",
    "RemoveRegistryEntry",
    "RemoveType",
    "RenameType",
    "RunArtifact",
    "RunDiff",
    "RunStats",
    "ScoreBreakdown",
    "Session",
    "SetEndian",
    "SetFraming",
    "SetProperty",
    "SetSwitch",
    "Severity",
    "Situation",
    "Span",
    "SpanSet",
    "SpecStore",
    "SpecVersion",
    "ToolHost",
    "UnsetProperty",
    "UpdateField",
    "UpdateRegistryEntry",
    "UpdateType",
    "WriteError",
    "build",
    "compare_scores",
    "create_run_artifact",
    "diff_runs",
    "find_best_run",
    "find_best_scoring_run",
    "generate",
    "improve_spec",
    "lint_text",
    "lint_value",
    "load_grammar",
    "parse_binary",
    "patch_between",
    "path_from_string",
    "path_to_string",
    "propose",
    "rank_runs",
    "read_patch",
    "score_run",
]

_HOMES = {
    ".anomaly": "Anomaly AnomalyKind Severity",
    ".artifacts": "RunArtifact RunStats create_run_artifact",
    ".diff": "RunDiff diff_runs find_best_run",
    ".engine.fault": "Fault FaultKind",
    ".engine.limits": "Limits",
    ".engine.parse_result": "Parse",
    ".engine.session": "Session",
    ".improvement.iteration": "Improvement improve_spec",
    ".improvement.proposer": "Proposer Situation",
    ".induction.inducer": "propose",
    ".language.finding": "Finding",
    ".language.grammar": "Grammar",
    ".language.lint": "Lint lint_text lint_value",
    ".loading": "GrammarError load_grammar parse_binary",
    ".patch": """
AddRegistryEntry AddType DeleteField ExpectValue InsertField MoveField Operation Patch PatchError RemoveRegistryEntry
RemoveType RenameType SetEndian SetFraming SetProperty SetSwitch UnsetProperty UpdateField UpdateRegistryEntry
UpdateType path_from_string path_to_string read_patch
    """,
    ".patch_inference": "patch_between",
    ".scoring": "ScoreBreakdown compare_scores find_best_scoring_run rank_runs score_run",
    ".tool_host": """
AnalyzeCoverageInput Coverage DecodeFieldInput DecodedField GenerateSpansInput LintGrammarInput LintGrammarOutput
ParseBinaryInput ParseResult ParsedField ParsedRecord QueryRecordsInput RecordSet Span SpanSet ToolHost
    """,
    ".version": "PatchResult SpecStore SpecVersion",
    ".writing.builder": "build",
    ".writing.encoding": "WriteError",
    ".writing.generator": "generate",
}
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
