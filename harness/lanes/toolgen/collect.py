"""Collects the cases of a toolgen suite: one per candidate file."""

from __future__ import annotations

import os
import re
from pathlib import Path

from harness.core.case import Case, Subject, line_of
from harness.core.errors import SuiteError
from harness.core.policy import Policy
from harness.core.slug import slug
from harness.lanes.toolgen.metadata import read_metadata
from harness.lanes.toolgen.options import ToolgenSuite
from harness.lanes.toolgen.source import read_source
from harness.lanes.toolgen.tool_spec import Tool, digest_of_files, read_tool
from harness.suites.suite import Suite

LANE = "toolgen"


def collect_cases(suite: Suite) -> list[Case]:
    """Make one case per candidate of a suite.

    Raises:
        SuiteError: if the suite names a missing file, or is not a toolgen suite.
        SpecError: if the tool specification is invalid.
    """
    tool = tool_of(suite)
    files = digest_of_files(tool)
    return [_case(suite, tool, path, files) for path in suite.glob(_options(suite).candidates, "candidates")]


def case_of(suite: Suite, path: Path) -> Case:
    """Make the case of a candidate that the suite does not name.

    Raises:
        SuiteError: if the suite names a missing tool, or is not a toolgen suite.
        SpecError: if the tool specification is invalid.
    """
    tool = tool_of(suite)
    return _case(suite, tool, path, digest_of_files(tool))


def tool_of(suite: Suite) -> Tool:
    """The tool of a suite.

    Raises:
        SuiteError: if the suite names a missing tool, or is not a toolgen suite.
        SpecError: if the tool specification is invalid.
    """
    key = suite.path, _options(suite).tool
    named, place = _PLACES.get(key, ("", None))
    try:
        if place is not None and os.path.samestat(os.stat(named), os.stat(place)):  # noqa: PTH116 - as in `tool_spec`
            return read_tool(place)
    except OSError:  # it is reported below
        pass
    place = suite.resolve(_options(suite).tool, "tool", allow_folder=True)
    _PLACES[key] = os.fspath(suite.path.parent / _options(suite).tool), place
    return read_tool(place)


_PLACES: dict[tuple[Path, str], tuple[str, Path | None]] = {}
"""For the tool of each suite its name and its resolved path, which a search needs for each candidate."""


def _options(suite: Suite) -> ToolgenSuite:
    if not isinstance(suite.options, ToolgenSuite):
        raise SuiteError(f"options of {type(suite.options).__name__} are not a toolgen suite", where=suite.where())
    return suite.options


def _case(suite: Suite, tool: Tool, path: Path, files: str) -> Case:
    options = _options(suite)
    return case_for(
        tool,
        path,
        suite=suite.name,
        policy=suite.policy.model_copy(update={"weights": options.weights}),
        questions=options.questions,
        jitter_ms=options.jitter_ms,
        attempt_seconds=options.attempt_seconds,
        full=options.full,
        strict=options.strict,
        line=suite.line("candidates"),
        files=files,
    )


def case_for(
    tool: Tool,
    path: Path,
    *,
    suite: str,
    policy: Policy,
    questions: int = 24,
    jitter_ms: tuple[float, float] = (0.0, 10.0),
    attempt_seconds: float = 60.0,
    full: bool = False,
    strict: bool = False,
    line: int | None = None,
    files: str = "",
) -> Case:
    """Make the case of one candidate file; an unreadable file also gets a case.

    Args:
        suite: Name of the suite, the first part of the node id.
        questions: Number of distinct sampled inputs.
        jitter_ms: Range of the pauses in each attempt, in milliseconds.
        attempt_seconds: Wall seconds for loading and all calls of one attempt.
        full: Whether questions continue after the first wrong answer.
        strict: Whether only computing is allowed, see `ToolgenSuite.strict`.
        line: 1-based line of the suite that names the candidates.
        files: Digest of all files in the tool's folder, which the oracle may read.
    """
    source = read_source(path)
    claims = read_metadata(source.text)
    return Case(
        lane=LANE,
        suite=suite,
        name=slug(path.stem),
        title=f"{tool.spec.tool_id}: {path.stem}",
        subject=Subject(
            name=path.stem,
            digest=source.digest,
            path=str(path),
            parents=claims.parents,
            style=claims.style,
            group=claims.group or claims.generator,
            line=line_of(rf"^(?:async\s+)?def\s+{re.escape(tool.signature.name)}\b", source.text),
        ),
        inputs={
            "tool": str(tool.path),
            "tool_id": tool.spec.tool_id,
            "tool_digest": tool.digest,
            "tool_files": files,
            "questions": questions,
            "jitter_ms": list(jitter_ms),
            "attempt_seconds": attempt_seconds,
            "full": full,
            **({"strict": True} if strict else {}),
        },
        policy=policy,
        line=line,
    )
