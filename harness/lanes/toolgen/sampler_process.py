"""Samples inputs in a fresh process, `python sampler_process.py < request > lines`, that imports little but the oracle.

Hypothesis takes literals from all imported modules, so different pytest workers would sample different inputs. This
file is therefore run by path, without the other modules of this package. The request is one JSON value:

    {"codec": path, "oracle": path or null, "parameters": {name: [kind, required]}, "sys_path": [...],
     "draws": [[seed, count], ...], "forms": [form of the answers, ...], "edges": [canonical JSON, ...]}

and each line of the answer is `{"draw": index, "key": canonical JSON}`, `{"edge": index, "reply": [kind, payload]}`,
`{"fault": sentence}` or, after all inputs were sampled, `{"drawn": true}`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import IO, Any

MAX_ROUNDS = 5  # each with twice as many examples as the one before, until there are enough distinct ones
EDGE_SECONDS = 1.0  # time limit of the reference for one derived edge input
EDGE_BYTES = 2 << 30  # address-space limit meanwhile


def main() -> int:
    """Read the request and write the lines; return 0, also when a fault was reported."""
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # the oracle's output must not mix with the answer
    request = json.load(sys.stdin)
    sys.path[:] = request["sys_path"]
    codec = _load("_crucible_codec", request["codec"])
    try:
        oracle = _load("_crucible_oracle", request["oracle"]) if request["oracle"] else None
        strategy = _strategy(oracle, request["parameters"])
        for index, (seed, count) in enumerate(request["draws"]):
            for key in draw(strategy, seed, count, codec.encode):
                _write(out, {"draw": index, "key": key})
        _write(out, {"drawn": True})
        if oracle is not None and request["edges"]:
            _answer_edges(out, oracle.reference, request, codec)
    except Exception as error:
        _write(out, {"fault": _sentence(error, str(request["oracle"]))})
    return 0


def draw(strategy: Any, seed: int, count: int, encode: Callable[[Any], bytes]) -> list[str]:
    """At most `count` distinct values of a strategy as canonical JSON; equal seeds give equal values."""
    import hypothesis

    found: dict[str, None] = {}

    def take(value: Any) -> None:
        if len(found) < count:
            if type(value) is not dict:
                msg = f"inputs() must yield dictionaries of keyword arguments, not {type(value).__name__}"
                raise TypeError(msg)
            found[encode(value).decode("ascii")] = None

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
        hypothesis.seed(seed + attempt)(settings(given(take)))()
        if len(found) >= count:
            break
    return list(found)


def _strategy(oracle: Any, parameters: dict[str, tuple[Any, bool]]) -> Any:
    from hypothesis import strategies as st

    inputs = getattr(oracle, "inputs", None)
    if inputs is not None:
        strategy = inputs()
        if not isinstance(strategy, st.SearchStrategy):
            msg = f"inputs() must return a Hypothesis strategy, not {type(strategy).__name__}"
            raise TypeError(msg)
        return strategy
    required = {name: from_kind(kind) for name, (kind, needed) in parameters.items() if needed}
    optional = {name: from_kind(kind) for name, (kind, needed) in parameters.items() if not needed}
    return st.fixed_dictionaries(required, optional=optional)


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
    if name == "dict":
        return st.dictionaries(st.text(), from_kind(parts[0]))
    if name == "tuple":
        return st.tuples(*map(from_kind, parts))
    if name == "tuple*":
        return st.lists(from_kind(parts[0])).map(tuple)
    if name == "union":
        return st.one_of(*map(from_kind, parts))
    return st.sampled_from(parts)


def _answer_edges(out: IO[str], reference: Callable[..., Any], request: dict[str, Any], codec: Any) -> None:
    # The reference may not handle derived edge inputs, so it answers them in this process with little time and memory.
    # Inputs that it does not answer are not asked.
    resource.setrlimit(resource.RLIMIT_AS, (EDGE_BYTES, EDGE_BYTES))
    signal.signal(signal.SIGALRM, _too_long)
    forms = frozenset(request["forms"])
    for index, text in enumerate(request["edges"]):
        kwargs = codec.decode(text.encode("ascii"))
        signal.setitimer(signal.ITIMER_REAL, EDGE_SECONDS)
        try:
            reply = ["value", codec.encode_plainly(reference(**kwargs), forms).decode("ascii")]
        except (_TooLongError, MemoryError, codec.CodecError):
            continue
        except Exception as error:
            wire = codec.encode({"type": type(error).__name__, "message": str(error)[:200]})
            reply = ["raised", wire.decode("ascii")]
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        _write(out, {"edge": index, "reply": reply})


class _TooLongError(BaseException):
    """A BaseException, so that the reference's own `except Exception` does not catch it."""


def _too_long(_number: int, _frame: object) -> None:
    raise _TooLongError


def _write(out: IO[str], line: dict[str, Any]) -> None:
    out.write(json.dumps(line) + "\n")
    out.flush()  # the inputs must not be lost if the reference never returns on an edge input


def _sentence(error: BaseException, path: str) -> str:
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}" + (f" (line {line})" if line else "")


def _load(name: str, path: str) -> Any:
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        msg = f"{path} cannot be imported"
        raise ImportError(msg)
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
