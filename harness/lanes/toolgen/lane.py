"""Toolgen: the lane of machine-written Python tools."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.case import Case, Subject
from harness.core.digest import digest_folder
from harness.core.errors import SuiteError
from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.score import Score
from harness.core.slug import slug
from harness.core.tier import Tier
from harness.hooks import hookimpl
from harness.lanes.toolgen.evaluate import Investigation
from harness.lanes.toolgen.metadata import read_metadata
from harness.lanes.toolgen.options import ToolgenSuite
from harness.lanes.toolgen.score import WEIGHTS, score_toolgen
from harness.lanes.toolgen.source import read_source
from harness.lanes.toolgen.tool_spec import Tool, read_tool

if TYPE_CHECKING:
    from harness.lane.context import Context
    from harness.suites.suite import Suite


class Toolgen:
    """Judges candidates: one `.py` file each, against a trusted tool spec."""

    name = "toolgen"
    options = ToolgenSuite
    untrusted: tuple[str, ...] = ("candidates",)
    boxed = True
    keyed = True
    min_tier: Tier | None = None
    components = (*WEIGHTS, "diversity")
    """What a suite's `gates` may name besides `score`."""

    def collect(self, suite: Suite) -> Sequence[Case]:
        """One case for each candidate.

        Raises:
            SuiteError: if the suite names what is not there.
            SpecError: if the tool is wrong.
        """
        options = suite.options
        if not isinstance(options, ToolgenSuite):
            raise SuiteError(f"options of {type(options).__name__} are not a toolgen suite", where=suite.where())
        tool = read_tool(suite.resolve(options.tool, "tool"))
        files = digest_folder(tool.path)
        return [
            case_for(
                tool,
                path,
                suite=suite.name,
                policy=suite.policy,
                questions=options.questions,
                jitter_ms=options.jitter_ms,
                attempt_seconds=options.attempt_seconds,
                line=suite.line("candidates"),
                files=files,
            )
            for path in suite.glob(options.candidates, "candidates")
        ]

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Ask the candidate in boxes and observe.

        Raises:
            SpecError: if the oracle fails.
            InfraError: if a file changed since it was collected, or no box can be had.
        """
        return Investigation(case, context).run()

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Judge evidence; see docs/scoring-toolgen.md."""
        return score_toolgen(evidence, policy)


def case_for(
    tool: Tool,
    path: Path,
    *,
    suite: str,
    policy: Policy,
    questions: int = 24,
    jitter_ms: tuple[float, float] = (0.0, 10.0),
    attempt_seconds: float = 60.0,
    line: int | None = None,
    files: str = "",
) -> Case:
    """The case of one candidate file, readable or not.

    Args:
        tool: What it claims to be.
        path: The candidate.
        suite: What its node id begins with.
        policy: How it is judged.
        questions: Distinct drawn inputs.
        jitter_ms: Range of the pauses in each attempt, milliseconds.
        attempt_seconds: Wall seconds for loading and all calls of one attempt.
        line: 1-based line of the suite that asks for it.
        files: Digest of all files of the tool's folder, which its oracle may read.
    """
    source = read_source(path)
    claims = read_metadata(source.text)
    return Case(
        lane=Toolgen.name,
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
        ),
        inputs={
            "tool": str(tool.path),
            "tool_id": tool.spec.tool_id,
            "tool_digest": tool.digest,
            "tool_files": files,
            "questions": questions,
            "jitter_ms": list(jitter_ms),
            "attempt_seconds": attempt_seconds,
        },
        policy=policy,
        line=line,
    )


@hookimpl
def crucible_lanes() -> list[Any]:
    """The lane itself."""
    return [Toolgen()]
