"""Idempotence: the property `idempotent` of a tool, checked as one of the oracle's own or on its test cases."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from harness.core.clip import clip
from harness.core.errors import SpecError, position
from harness.lanes.toolgen.oracle import Oracle
from harness.lanes.toolgen.tool_spec import Tool
from harness.sandbox.codec import decode, encode

NAME = "idempotent"


def idempotent_property(tool: Tool) -> Callable[[Callable[..., Any], dict[str, Any], random.Random], str | None]:
    """The property as one of an oracle's `PROPERTIES`; an input on which the tool raises has no answer to check."""
    first, comparison = tool.signature.parameters[0].name, tool.spec.compare

    def idempotent(call: Callable[..., Any], kwargs: dict[str, Any], _rng: random.Random) -> str | None:
        try:
            once = call(**kwargs)
        except Exception:
            return None
        twice = call(**{**kwargs, first: once})
        expected, observed = comparison.encode(once), comparison.encode(twice)
        return None if comparison.same(expected, observed) else _difference(tool, expected, observed)

    return idempotent


def require_idempotent(tool: Tool, oracle: Oracle, keys: Iterable[bytes]) -> None:
    """Check the reference itself.

    Raises:
        SpecError: if the reference answers its own answer otherwise; no candidate could be right then.
    """
    first = tool.signature.parameters[0].name
    for key in keys:
        reply = oracle.reply(key, any_error=True)
        if reply.kind != "value":
            continue
        again = oracle.reply(encode({**decode(key), first: decode(reply.payload)}), any_error=True)
        if not again.is_same(reply, oracle.comparison):
            raise SpecError(
                f"the reference is not idempotent: {_difference(tool, reply.payload, again.payload)}",
                where=position(oracle.path),
                fix=f"correct the reference, or remove {NAME} from the tool's properties",
            )


def own_answers(tool: Tool) -> Iterator[tuple[bytes, bytes]]:
    """For each test case the input in which the expected answer is the first parameter, and the same answer; encoded.

    Raises:
        SpecError: if another test case expects a different answer to this input.
    """
    first, comparison = tool.signature.parameters[0].name, tool.spec.compare
    expected = {encode(case.input): comparison.encode(case.expected_output) for case in tool.spec.test_cases}
    for case in tool.spec.test_cases:
        key, answer = encode({**case.input, first: case.expected_output}), comparison.encode(case.expected_output)
        if not comparison.same(answer, expected.get(key, answer)):
            raise SpecError(
                f"the test cases are not idempotent: {_difference(tool, answer, expected[key])}",
                where=position(tool.path),
                fix=f"correct the test cases, or remove {NAME} from the tool's properties",
            )
        yield key, answer


def _difference(tool: Tool, expected: bytes, observed: bytes) -> str:
    shown = [clip(one[:200].decode("ascii", "replace"), limit=120) for one in (expected, observed)]
    return f"{tool.signature.name} of its own answer {shown[0]} is {shown[1]}"
