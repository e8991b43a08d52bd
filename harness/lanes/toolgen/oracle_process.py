"""Oracle process: the only process that imports a tool's trusted `oracle.py`, and Hypothesis.

It answers requests of one judge (`harness.lane.json_worker`) and keeps no state between them, so the judge may kill it
when it does not answer and start another one. A request is `{"do": name, ...}`; the answer holds what each function
below says, or `{"fault": [sentence, line or null, key or null]}` if the trusted code failed.

It imports little: Hypothesis takes literals from all imported modules, and equal seeds must give equal inputs.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.core.module_file import import_file
from harness.core.resources import mapped_bytes
from harness.lane.json_worker import answer_requests, claim_channel, send_answer
from harness.lanes.toolgen.distinct_inputs import sample, strategy_of
from harness.sandbox.codec import CodecError, decode, encode, encode_plainly
from harness.sandbox.wire import KEEP_ARGUMENTS

EDGE_SECONDS = 1.0  # time limit of the reference for one derived edge input
EDGE_BYTES = 2 << 30  # address-space limit meanwhile
ANSWER_BYTES = 2 << 30  # of memory in which an answer of a candidate is checked
ANSWERS = (ValueError, TypeError, LookupError, ArithmeticError)
"""Exceptions that a reference may raise as the right answer to an input in the tool's domain, unless the oracle defines
`RAISES`. Any other exception (NameError, RuntimeError and others) means that the oracle is broken."""


def main(path: str, sys_path: str, rules: str) -> None:
    """Import the oracle, say what it defines, and answer requests until the judge closes the channel.

    Args:
        path: The oracle's file; empty for a tool with examples only, for which inputs are sampled from annotations.
        sys_path: The judge's `sys.path` as JSON, since an oracle may import the project's modules.
        rules: What becomes of the reference's answers (see `wire`), as JSON.
    """
    requests, answers = claim_channel()
    faulthandler.register(signal.SIGUSR1, all_threads=False)  # the judge asks where an overdue call is
    sys.path[:] = json.loads(sys_path)
    server = _Server(path, json.loads(rules))
    send_answer(server.start(), answers)
    answer_requests(server.answer, requests, answers)


class _Fault(Exception):  # noqa: N818 - carries the sentence of a fault, and the input
    def __init__(self, sentence: str, key: bytes | None = None) -> None:
        super().__init__(sentence)
        self.key = key


class _MissingReply(BaseException):
    pass


class _CandidateRaisedError(Exception):
    """The candidate raised an exception inside a property."""


class _Server:
    def __init__(self, path: str, rules: list[str]) -> None:
        self.path = path
        self.forms, self.keep = frozenset(rules) - {KEEP_ARGUMENTS}, KEEP_ARGUMENTS in rules
        self.module = ModuleType("oracle")
        self.properties: tuple[Callable[..., str | None], ...] = ()
        self.raises: tuple[type[Exception], ...] = ANSWERS

    def start(self) -> dict[str, Any]:
        """Import the oracle; returns `defines` (names), `properties` (names), `raises` (whether RAISES is defined)."""
        try:
            if self.path:
                self.module = import_file(Path(self.path), "_crucible_oracle")
        except (Exception, SystemExit) as error:
            sentence, line = self._sentence(error)
            return {"fault": [f"importing the oracle {sentence}", line, None]}
        try:
            return self._defines() if self.path else {"defines": [], "properties": [], "raises": False}
        except _Fault as fault:
            return {"fault": [str(fault), None, None]}

    def _defines(self) -> dict[str, Any]:
        names = ("reference", "inputs", "edges", "workload", "accept")
        found = {name: getattr(self.module, name, None) for name in names}
        for name, value in found.items():
            if value is not None and not callable(value):
                raise _Fault(f"{name} is not callable")
        if found["reference"] is None:
            raise _Fault("oracle.py defines no reference(**kwargs)")
        properties = getattr(self.module, "PROPERTIES", ())
        if not isinstance(properties, tuple | list) or not all(callable(one) for one in properties):
            raise _Fault("PROPERTIES must be a tuple of callables (call, kwargs, rng)")
        self.properties = tuple(properties)
        raises = getattr(self.module, "RAISES", None)
        if raises is not None:
            raises = tuple(raises) if isinstance(raises, tuple | list) else (raises,)
            if not all(isinstance(one, type) and issubclass(one, Exception) for one in raises):
                raise _Fault("RAISES must be a tuple of exception classes")
            self.raises = raises
        return {
            "defines": [name for name, value in found.items() if value is not None],
            "properties": [
                getattr(one, "__name__", f"property {index + 1}") for index, one in enumerate(self.properties)
            ],
            "raises": raises is not None,
        }

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request; never raises."""
        name = request.pop("do")
        try:
            answer: dict[str, Any] = getattr(self, f"do_{name}")(**request)
        except _Fault as fault:
            cause = fault.__cause__ or fault
            return {"fault": [str(fault), self._sentence(cause)[1], _text(fault.key)]}
        except (Exception, SystemExit) as error:
            sentence, line = self._sentence(error)
            return {"fault": [sentence, line, None]}
        return answer

    # Requests

    def do_sample(self, parameters: dict[str, Any], samples: list[tuple[int, int]]) -> dict[str, Any]:
        """`sampled`: for each (seed, count) of `samples` its distinct inputs."""
        strategy = strategy_of(getattr(self.module, "inputs", None), parameters)
        return {"sampled": [sample(strategy, seed, count) for seed, count in samples]}

    def do_replies(self, keys: list[str], any_error: bool) -> dict[str, Any]:
        """`replies`: the reference's answer to each key as [kind, payload, CPU seconds, wall seconds]."""
        return {"replies": [self._timed_reply(key.encode("ascii"), any_error=any_error) for key in keys]}

    def do_derived(self, keys: list[str], seconds: float) -> dict[str, Any]:
        """`replies`: as for `do_replies`, or null where the reference has no answer in time; in a process of its own.

        The reference need not handle derived edge inputs, so little time and memory is spent on each.
        """
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            try:
                _answer_derived(writing, self.module.reference, keys, self.forms)
                os.write(writing, b"\n")
            finally:
                os._exit(0)
        os.close(writing)
        lines = _read_until(reading, time.monotonic() + seconds).splitlines()
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        replies: list[Any] = [None] * len(keys)
        for line in lines:
            try:
                index, *reply = json.loads(line)
            except ValueError:
                break  # the empty line at the end, or the process was killed while it wrote this one
            replies[index] = reply
        return {"replies": replies}

    def do_edges(self) -> dict[str, Any]:
        """`keys`: the oracle's own edge inputs; a value that is not a dictionary is encoded, too."""
        return {"keys": [_text(encode(kwargs)) for kwargs in self.module.edges()]}

    def do_workload(self, size: int, seed: int) -> dict[str, Any]:
        """`key`: an input of one size."""
        kwargs = self.module.workload(size, random.Random(seed))  # noqa: S311 - the seed is the secret
        return {"key": _text(encode(kwargs))}

    def do_accept(self, key: str, payload: str) -> dict[str, Any]:
        """`right`: whether `accept` accepts a value."""
        with _bounded_memory():
            return {"right": bool(self.module.accept(decode(key.encode()), decode(payload.encode())))}

    def do_property(self, index: int, key: str, seed: int, replies: list[list[str]]) -> dict[str, Any]:
        """`asks`: the next call that a property makes of the candidate, or `problem`: its sentence or null.

        The property runs from the start with the replies to its first calls. It must make the same calls again, as it
        does if its own random numbers come from its `rng`.

        Args:
            index: Index of the property.
            seed: Seed of its `rng`.
            replies: The candidate's replies so far: [key, kind, payload, sentence].
        """
        made: list[str] = []

        def call(**kwargs: Any) -> Any:
            text = encode(kwargs).decode("ascii")
            made.append(text)
            if len(made) > len(replies):
                raise _MissingReply
            asked, kind, payload, sentence = replies[len(made) - 1]
            if asked != text:
                msg = f"call {len(made)} differs when the property is repeated: use only `rng` for random choices"
                raise _Fault(msg, key.encode())
            if kind != "value":
                raise _CandidateRaisedError(sentence)
            return decode(payload.encode("ascii"))

        try:
            with _bounded_memory():
                problem = self.properties[index](call, decode(key.encode("ascii")), random.Random(seed))  # noqa: S311
        except _MissingReply:
            problem = None
        except _CandidateRaisedError as error:
            problem = str(error)
        except (_Fault, SystemExit):
            raise
        except Exception as error:
            if len(made) <= len(replies):
                return {"raised": f"{type(error).__name__}: {error}"[:400], "line": self._sentence(error)[1]}
        if len(made) > len(replies):  # also if the property caught the exception
            return {"asks": made[len(replies)]}
        return {"problem": None if problem is None else str(problem)[:2000]}

    # Helpers

    def _timed_reply(self, key: bytes, *, any_error: bool) -> list[Any]:
        waits = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
        wall, cpu = time.perf_counter(), time.thread_time()
        kind, payload = self._reply(key, any_error=any_error)
        cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
        waited = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw > waits
        return [kind, payload.decode("ascii"), max(cpu, wall) if waited else cpu, wall]

    def _reply(self, key: bytes, *, any_error: bool) -> tuple[str, bytes]:
        arguments = decode(key)
        try:
            kind, payload = "value", encode_plainly(self.module.reference(**arguments), self.forms)
        except (CodecError, SystemExit) as error:
            raise _Fault(self._sentence(error)[0], key) from error
        except Exception as error:
            if not any_error and not isinstance(error, self.raises):
                raise _Fault(self._sentence(error)[0], key) from error
            kind, payload = "raised", _raised(error)
        if self.keep:  # a candidate's arguments are encoded again, too
            with contextlib.suppress(CodecError):
                encode(arguments)
        return kind, payload

    def _sentence(self, error: BaseException) -> tuple[str, int | None]:
        """What an exception says, as a verb phrase, and the line of the oracle."""
        line, trace = None, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.path:
                line = trace.tb_lineno
            trace = trace.tb_next
        if isinstance(error, SystemExit):
            return f"ended the program, sys.exit({repr(error.code)[:80]}),", line
        return f"raised {type(error).__name__}: {str(error)[:200]}", line


@contextlib.contextmanager
def _bounded_memory() -> Iterator[None]:
    """A limit while trusted code works on a candidate's answer: what it would not fit in raises MemoryError."""
    size = mapped_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = size + ANSWER_BYTES
    if size and (soft == resource.RLIM_INFINITY or limit < soft):
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class _TooLongError(BaseException):
    """A BaseException, so that the reference's own `except Exception` does not catch it."""


def _too_long(_number: int, _frame: object) -> None:
    raise _TooLongError


def _answer_derived(descriptor: int, reference: Callable[..., Any], keys: list[str], forms: frozenset[str]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (EDGE_BYTES, EDGE_BYTES))
    signal.signal(signal.SIGALRM, _too_long)
    for index, text in enumerate(keys):
        kwargs = decode(text.encode("ascii"))
        signal.setitimer(signal.ITIMER_REAL, EDGE_SECONDS)
        try:
            reply = ["value", encode_plainly(reference(**kwargs), forms).decode("ascii")]
        except (_TooLongError, MemoryError, CodecError):
            continue
        except Exception as error:
            reply = ["raised", _raised(error).decode("ascii")]
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        with os.fdopen(os.dup(descriptor), "w", encoding="ascii") as out:
            out.write(json.dumps([index, *reply]) + "\n")


def _read_until(descriptor: int, deadline: float) -> str:
    """Read up to an empty line: the end of the pipe may not come, if what a reference forked keeps it open."""
    from harness.sandbox.loop import Wait

    data = bytearray()
    while not (data == b"\n" or data.endswith(b"\n\n")) and Wait(deadline, descriptor).block():
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            break
        data += chunk
    return data.decode("ascii")


def _raised(error: BaseException) -> bytes:
    return encode({"type": type(error).__name__, "message": str(error)[:200]})


def _text(key: bytes | None) -> str | None:
    return None if key is None else key.decode("ascii")
