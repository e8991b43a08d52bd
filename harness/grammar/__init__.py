"""Binary grammars as a library: a YAML language, its parser, patches, versions, runs and scores.

Every public name is importable from here; `docs/grammar-library.md` is the reference. Names are imported at first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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

_HOME = {
    "AddRegistryEntry": "patch",
    "AddType": "patch",
    "AnalyzeCoverageInput": "tool_host",
    "Anomaly": "anomaly",
    "AnomalyKind": "anomaly",
    "Coverage": "tool_host",
    "DecodeFieldInput": "tool_host",
    "DecodedField": "tool_host",
    "DeleteField": "patch",
    "ExpectValue": "patch",
    "Fault": "engine.fault",
    "FaultKind": "engine.fault",
    "Finding": "language.finding",
    "GenerateSpansInput": "tool_host",
    "Grammar": "language.grammar",
    "GrammarError": "loading",
    "Improvement": "improvement.iteration",
    "InsertField": "patch",
    "Limits": "engine.limits",
    "Lint": "language.lint",
    "LintGrammarInput": "tool_host",
    "LintGrammarOutput": "tool_host",
    "MoveField": "patch",
    "Operation": "patch",
    "Parse": "engine.parse_result",
    "ParseBinaryInput": "tool_host",
    "ParseResult": "tool_host",
    "ParsedField": "tool_host",
    "ParsedRecord": "tool_host",
    "Patch": "patch",
    "PatchError": "patch",
    "PatchResult": "version",
    "Proposer": "improvement.proposer",
    "QueryRecordsInput": "tool_host",
    "RecordSet": "tool_host",
    "RemoveRegistryEntry": "patch",
    "RemoveType": "patch",
    "RenameType": "patch",
    "RunArtifact": "artifacts",
    "RunDiff": "diff",
    "RunStats": "artifacts",
    "ScoreBreakdown": "scoring",
    "Session": "engine.session",
    "SetEndian": "patch",
    "SetFraming": "patch",
    "SetProperty": "patch",
    "SetSwitch": "patch",
    "Severity": "anomaly",
    "Situation": "improvement.proposer",
    "Span": "tool_host",
    "SpanSet": "tool_host",
    "SpecStore": "version",
    "SpecVersion": "version",
    "ToolHost": "tool_host",
    "UnsetProperty": "patch",
    "UpdateField": "patch",
    "UpdateRegistryEntry": "patch",
    "UpdateType": "patch",
    "WriteError": "writing.encoding",
    "build": "writing.builder",
    "compare_scores": "scoring",
    "create_run_artifact": "artifacts",
    "diff_runs": "diff",
    "find_best_run": "diff",
    "find_best_scoring_run": "scoring",
    "generate": "writing.generator",
    "improve_spec": "improvement.iteration",
    "lint_text": "language.lint",
    "lint_value": "language.lint",
    "load_grammar": "loading",
    "parse_binary": "loading",
    "patch_between": "patch_inference",
    "path_from_string": "patch",
    "path_to_string": "patch",
    "propose": "induction.inducer",
    "rank_runs": "scoring",
    "read_patch": "patch",
    "score_run": "scoring",
}

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


def __getattr__(name: str) -> Any:
    """Import a public name at first use."""
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
