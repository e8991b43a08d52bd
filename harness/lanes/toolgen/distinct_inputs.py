"""Distinct inputs, sampled from a Hypothesis strategy. Only the oracle process uses it, and imports Hypothesis."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from harness.sandbox.codec import encode

MAX_ROUNDS = 5  # each with twice as many examples as the one before, until there are enough distinct ones


class _EnoughError(BaseException):
    """Ends a round of Hypothesis, which takes any `Exception` for a failure, and would draw its inputs again."""


def strategy_of(inputs: Callable[[], Any] | None, parameters: dict[str, tuple[Any, bool]]) -> Any:
    """The strategy of a tool's inputs.

    Args:
        inputs: The oracle's `inputs`; None to sample from the annotations.
        parameters: For each parameter its kind (see `annotation_kinds`) and whether it is required.

    Raises:
        TypeError: if `inputs` does not return a strategy.
    """
    from hypothesis import strategies as st

    if inputs is not None:
        strategy = inputs()
        if not isinstance(strategy, st.SearchStrategy):
            msg = f"inputs() must return a Hypothesis strategy, not {type(strategy).__name__}"
            raise TypeError(msg)
        return strategy
    required = {name: from_kind(kind) for name, (kind, needed) in parameters.items() if needed}
    optional = {name: from_kind(kind) for name, (kind, needed) in parameters.items() if not needed}
    return st.fixed_dictionaries(required, optional=optional)


def sample(strategy: Any, seed: int, count: int) -> list[str]:
    """At most `count` distinct values of a strategy as canonical JSON; equal seeds give equal values."""
    import hypothesis

    found: dict[str, None] = {}

    def take(value: Any) -> None:
        if len(found) < count:
            if type(value) is not dict:
                msg = f"inputs() must yield dictionaries of keyword arguments, not {type(value).__name__}"
                raise TypeError(msg)
            found[encode(value).decode("ascii")] = None
        if len(found) >= count:  # a later round would draw many times what is still missing
            raise _EnoughError

    for attempt in range(MAX_ROUNDS):
        settings = hypothesis.settings(
            database=None,
            deadline=None,
            derandomize=False,
            max_examples=count << attempt,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
            verbosity=hypothesis.Verbosity.quiet,
        )
        given: Any = hypothesis.given(strategy)
        with contextlib.suppress(_EnoughError):
            hypothesis.seed(seed + attempt)(settings(given(take)))()
        if len(found) >= count:
            break
    return list(found)


def from_kind(kind: Any) -> Any:
    """The Hypothesis strategy of a kind (see `annotation_kinds`)."""
    from hypothesis import strategies as st

    plain = {
        "int": st.integers(),
        "float": st.floats(allow_nan=False, allow_infinity=False),
        "str": st.text(),
        "bool": st.booleans(),
        "bytes": st.binary(),
        "none": st.none(),
    }
    if isinstance(kind, str):
        if kind != "any":
            return plain[kind]
        leaves = st.one_of(*(plain[name] for name in ("none", "bool", "int", "float", "str")))
        return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)
    name, *parts = kind
    if name == "list":
        return st.lists(from_kind(parts[0]))
    if name == "set":
        return st.sets(from_kind(parts[0]))
    if name == "frozenset":
        return st.frozensets(from_kind(parts[0]))
    if name == "dict":
        return st.dictionaries(from_kind(parts[1]) if len(parts) == 2 else st.text(), from_kind(parts[0]))
    if name == "tuple":
        return st.tuples(*map(from_kind, parts))
    if name == "tuple*":
        return st.lists(from_kind(parts[0])).map(tuple)
    if name == "union":
        return st.one_of(*map(from_kind, parts))
    return st.sampled_from(parts)
