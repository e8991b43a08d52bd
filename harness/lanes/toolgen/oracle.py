"""Oracle: the trusted code of a tool, loaded in the judge's process and never in a box."""

from __future__ import annotations

import contextlib
import importlib.util
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.core.clip import clip
from harness.core.digest import digest_bytes
from harness.core.errors import SpecError, position
from harness.lane import hard_timeout
from harness.lane.watchdog import OverdueError, limited
from harness.lanes.toolgen.comparison import EXACT, Comparison
from harness.sandbox.codec import CodecError, decode, encode

Kwargs = dict[str, Any]
Property = Callable[[Callable[..., Any], Kwargs, random.Random], str | None]

ANSWERS = (ValueError, TypeError, LookupError, ArithmeticError)
"""Exceptions that a reference may raise as the right answer to an input in the tool's domain, unless the oracle defines
`RAISES`. Any other exception (NameError, RuntimeError and others) means that the oracle is broken."""
TRUSTED_SECONDS = IMPORT_SECONDS = 60.0
"""Limit on the wall seconds of one call of trusted code, and of its import."""

MAX_KEPT_BYTES = 4096
"""Bytes kept of a long reply, since the judge keeps one reply per question."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply of the reference, or of a candidate, to one question.

    Attributes:
        kind: `value`, `raised`, `unsupported` (a value of a type that cannot cross the box), or `changed` (an argument
            is not as it was before the call).
        payload: Canonical JSON of the value, or of `{"type": ..., "message": ...}`.
    """

    kind: str
    payload: bytes

    @property
    def comparison_key(self) -> tuple[str, bytes]:
        """The key by which two replies are compared; exceptions are compared by type only."""
        if self.kind == "value":
            return "value", self.payload
        return self.kind, encode(self.exception)

    @property
    def exception(self) -> str:
        """The name of the exception type, unsupported type or changed argument; "?" if it cannot be read."""
        name = self._part("type")
        return "?" if name is None else name

    @property
    def message(self) -> str:
        """The message of a reply that is not a value; empty if there is none."""
        return self._part("message") or ""

    def _part(self, name: str) -> str | None:
        try:
            value = decode(self.payload)
        except CodecError:
            return None
        part = value.get(name) if isinstance(value, dict) else None
        return part if isinstance(part, str) else None

    def is_same(self, expected: Reply, comparison: Comparison) -> bool:
        """Whether this reply is the same as the expected one; exceptions are compared by type only."""
        if self.kind != expected.kind:
            return False
        if self.kind == "value":
            return comparison.same(expected.payload, self.payload)
        return self.exception == expected.exception

    def trimmed(self) -> Reply:
        """The reply with a long value replaced by its beginning and its digest.

        Two trimmed replies are equal exactly when the replies are equal.
        """
        if self.kind != "value" or len(self.payload) <= MAX_KEPT_BYTES:
            return self
        return Reply(
            self.kind, b"%s... sha256 %s" % (self.payload[:MAX_KEPT_BYTES], digest_bytes(self.payload).encode())
        )


def raised_reply(error: BaseException) -> Reply:
    """The reply of a call that raised `error`."""
    return Reply("raised", encode({"type": type(error).__name__, "message": clip(str(error))}))


@dataclass(frozen=True, slots=True)
class Oracle:
    """The callables of one `oracle.py`; all but `reference` are optional."""

    path: Path
    reference: Callable[..., Any]
    inputs: Callable[[], Any] | None
    edges: Callable[[], Sequence[Kwargs]] | None
    workload: Callable[[int, random.Random], Kwargs] | None
    accept: Callable[[Kwargs, Any], bool] | None
    properties: tuple[Property, ...]
    raises: tuple[type[Exception], ...] | None = None
    """Exceptions that `reference` may raise as an answer; None if the oracle does not define them."""
    comparison: Comparison = EXACT
    keep_arguments: bool = False
    """Whether arguments are encoded again after the call, as in the box, so that both sides do the same work."""

    def reply(self, key: bytes, *, any_error: bool = False, watched: bool = True) -> Reply:
        """The reference's answer to encoded keyword arguments; the reference may modify the decoded ones.

        Args:
            key: `codec.encode` of the keyword arguments.
            any_error: Accept any exception as an answer, for inputs outside of the domain.
            watched: Whether to enforce `TRUSTED_SECONDS`; a caller that measures enforces it outside of its clock.

        Raises:
            SpecError: if the reference raises an unexpected exception, or returns a value that cannot be encoded.
        """
        arguments = decode(key)
        try:
            with limited(TRUSTED_SECONDS) if watched else contextlib.nullcontext():
                reply = Reply("value", self.comparison.encode(self.reference(**arguments)))
        except CodecError as error:
            raise self.fault("reference", key, error) from error
        except Exception as error:
            if not any_error and not isinstance(error, ANSWERS if self.raises is None else self.raises):
                raise self.fault("reference", key, error) from error
            reply = raised_reply(error)
        except (SystemExit, OverdueError) as error:
            raise self.fault("reference", key, error) from error
        if self.keep_arguments:
            with contextlib.suppress(CodecError):
                encode(arguments)
        return reply

    def timed_reply(self, key: bytes, *, any_error: bool = False) -> tuple[Reply, float]:
        """The reply and its CPU seconds, including decoding and encoding as for a candidate; see `reply`.

        The time that a reference waits (it gives up its core) is included, as it is for a candidate.
        """
        with limited(TRUSTED_SECONDS):  # outside of the clock: setting an alarm takes a few microseconds
            waits = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
            started, begun = time.perf_counter(), time.thread_time()
            reply = self.reply(key, any_error=any_error, watched=False)
            seconds, wall = time.thread_time() - begun, time.perf_counter() - started
            waited = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw > waits
            return reply, max(seconds, wall) if waited else seconds

    def accepts(self, key: bytes, payload: bytes) -> bool:
        """Whether `accept` accepts a candidate's value as right.

        Raises:
            SpecError: if `accept` raises; it must handle any value.
        """
        accept = self.accept
        if accept is None:
            raise SpecError("the oracle has no accept()", where=position(self.path))
        try:
            with limited(TRUSTED_SECONDS):
                return bool(accept(decode(key), decode(payload)))
        except (Exception, SystemExit, OverdueError) as error:
            raise self.fault("accept", key, error) from error

    def fault(self, name: str, key: bytes, error: BaseException) -> SpecError:
        """Make the error for a trusted callable that failed, with its line and input."""
        line, trace = None, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == str(self.path):
                line = trace.tb_lineno
            trace = trace.tb_next
        asked = clip(key.decode("ascii"), limit=200)
        what = f"raised {type(error).__name__}: {clip(str(error), limit=200)}"
        if isinstance(error, OverdueError):
            what = f"did not return within {TRUSTED_SECONDS:g} s"
        elif isinstance(error, SystemExit):
            what = f"ended the program, sys.exit({clip(repr(error.code), limit=80)}),"
        return SpecError(
            f"the oracle's {name} {what} on {asked}",
            where=position(self.path, line),
            fix=f"make {name} handle every value of inputs(), edges(), workload() and the test cases",
        )


_LOADED: dict[tuple[str, str], Oracle] = {}


def load_oracle(path: Path, digest: str, *, comparison: Comparison = EXACT, keep_arguments: bool = False) -> Oracle:
    """Load `oracle.py` under a private module name, once per process and content.

    Args:
        path: The file.
        digest: The tool's digest; a different digest loads a new module.
        comparison: How the tool's answers are compared.
        keep_arguments: Whether the tool must leave its arguments unchanged.

    Raises:
        SpecError: if the file cannot be imported, or one of its names has a wrong type.
    """
    key = (str(path), digest)
    ended = hard_timeout.ended_in(path)
    if ended:
        raise SpecError(
            f"the oracle did not return from {ended} and could not be interrupted: a process of this run ended",
            where=position(path),
            fix="make it return within a minute for every input",
        )
    if key not in _LOADED:
        found = _check(path, _import(path, f"_crucible_oracle_{digest[:16]}"))
        _LOADED[key] = replace(found, comparison=comparison, keep_arguments=keep_arguments)
    return _LOADED[key]


def _import(path: Path, name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise SpecError("cannot be imported", where=position(path))
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # dataclasses and Hypothesis look their module up by name
    try:
        with limited(IMPORT_SECONDS):
            found.loader.exec_module(module)
    except (Exception, SystemExit, OverdueError) as error:
        del sys.modules[name]
        what = f"raised {type(error).__name__}: {clip(str(error))}"
        if isinstance(error, OverdueError):
            what = f"did not return within {IMPORT_SECONDS:g} s"
        raise SpecError(f"importing the oracle {what}", where=position(path)) from error
    return module


def _check(path: Path, module: ModuleType) -> Oracle:
    found: dict[str, Any] = {}
    for name in ("reference", "inputs", "edges", "workload", "accept"):
        value = getattr(module, name, None)
        if value is not None and not callable(value):
            raise SpecError(f"{name} is not callable", where=position(path))
        found[name] = value
    if found["reference"] is None:
        raise SpecError("oracle.py defines no reference(**kwargs)", where=position(path))
    properties = getattr(module, "PROPERTIES", ())
    if not isinstance(properties, tuple | list) or not all(callable(one) for one in properties):
        raise SpecError("PROPERTIES must be a tuple of callables (call, kwargs, rng)", where=position(path))
    raises = getattr(module, "RAISES", None)
    if raises is not None:
        raises = raises if isinstance(raises, tuple | list) else (raises,)
        if not all(isinstance(one, type) and issubclass(one, Exception) for one in raises):
            raise SpecError("RAISES must be a tuple of exception classes", where=position(path))
        raises = tuple(raises)
    return Oracle(path=path, properties=tuple(properties), raises=raises, **found)
