"""Idempotence: the property `idempotent` of a tool: its answer to its own answer is the same answer."""

from __future__ import annotations

from typing import Any

from harness.core.clip import clip
from harness.lanes.toolgen.tool_spec import Tool
from harness.sandbox.codec import encode

IDEMPOTENT = "idempotent"


def own_answer(tool: Tool, kwargs: dict[str, Any], answer: Any) -> bytes:
    """The encoded keyword arguments with the tool's answer as the first parameter."""
    return encode({**kwargs, tool.signature.parameters[0].name: answer})


def difference(tool: Tool, expected: bytes, observed: bytes) -> str:
    """The sentence for an answer and the different answer to it, both encoded."""
    shown = [clip(one[:200].decode("ascii", "replace"), limit=120) for one in (expected, observed)]
    return f"{tool.signature.name} of its own answer {shown[0]} is {shown[1]}"
