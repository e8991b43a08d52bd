"""Prompt of a model: the public specification, one parent, and sentences about failures.

It is built from the tool's public files and from the program's own sources. Hidden inputs, answers and messages of
candidates (which may repeat a hidden input) do not enter it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from harness.core.evaluation import Evaluation
from harness.core.status import Status
from harness.lanes.toolgen.tool_spec import Tool

MAX_EXAMPLES = 12
ROLE = "You improve a Python function. Reply with one complete Python file in one fenced block."
SENTENCES = {
    Status.WRONG: "an answer to a hidden input is not right",
    Status.FLAKY: "its answers differ from one attempt to the next",
    Status.TIMEOUT: "a call took longer than the time limit",
    Status.MEMORY: "it used more memory than the limit",
    Status.CRASH: "it could not be loaded, or its process ended",
    Status.OUTPUT: "an answer was too large",
    Status.PROTOCOL: "it wrote to the channel of the judge",
    Status.FORBIDDEN: "it uses a forbidden API",
}


def feedback_of(evaluation: Evaluation, *, is_screened: bool = False) -> str:
    """One sentence about a verdict without anything from a hidden input.

    Args:
        is_screened: Whether it is a screen's, which asks the examples first. Otherwise a candidate that keeps its
            inputs could answer an example with a hidden input that it was asked before, so its answer is not shown.
    """
    if evaluation.passed:
        return "it passed"
    public = evaluation.evidence.facts.get("public_why")
    if evaluation.status in (Status.WRONG, Status.FLAKY) and isinstance(public, str):
        return f"{evaluation.status}: {public if is_screened else 'an answer to an example is not right'}"
    if evaluation.status is Status.OK:
        names = ", ".join(gate.name for gate in evaluation.score.failed)
        return f"it is right, but fails: {names}"
    return f"{evaluation.status}: {SENTENCES.get(evaluation.status, 'it was not judged')}"


IMPROVE = "This version passes. Make it faster or smaller; its answers must stay the same."


def prompt_for(tool: Tool, parent: str, failures: Sequence[str], *, task: str = IMPROVE) -> str:
    """The prompt for one proposal.

    Args:
        tool: The tool; only its public part is used.
        failures: Sentences of `feedback_of` about children that failed.
        task: What is to be done with the parent.
    """
    spec = tool.spec
    examples = [
        f"{tool.signature.name}(**{json.dumps(one.input, ensure_ascii=True)}) == {json.dumps(one.expected_output)}"
        for one in spec.test_cases[:MAX_EXAMPLES]
    ]
    parts = [
        spec.description,
        f"```python\n{spec.signature}:\n    ...\n```",
        spec.docstring.strip(),
        "Examples:\n" + "\n".join(examples) if examples else "",
        f"Forbidden: {', '.join(spec.constraints.forbidden_apis)}" if spec.constraints.forbidden_apis else "",
        f"{task}\n```python\n{parent}\n```",
        "Earlier changes of it failed:\n" + "\n".join(f"- {one}" for one in failures) if failures else "",
    ]
    return "\n\n".join(part for part in parts if part)
