"""The main loop inside a box: load the source, then answer one question after another.

The loop shares its address space with hostile code, so its output is untrusted: the parent treats its frames as answers
and nothing else (see `wire`). Standard library only.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import types
from typing import Any

from harness.sandbox.codec import CodecError, decode, encode
from harness.sandbox.wire import ANSWERS, BODY, CHUNK, HEADER, QUESTIONS

MAX_MESSAGE = 2000


def send(fd: int, tag: bytes, nonce: bytes, body: bytes) -> None:
    """Write a frame: a header with tag and length, the nonce, the body."""
    data = memoryview(HEADER.pack(tag, len(nonce) + len(body)) + nonce + body)
    while data:
        data = data[os.write(fd, data) :]


def _receive(fd: int) -> tuple[bytes, bytes, bytes]:
    # The parent writes a frame only after the last answer, so one read usually gets one frame and never more.
    data = os.read(fd, CHUNK)
    while len(data) < HEADER.size:
        data += _more(fd, HEADER.size - len(data))
    tag, length = HEADER.unpack_from(data)
    missing = HEADER.size + length - len(data)
    if missing:
        parts = [data]
        while missing:
            parts.append(_more(fd, missing))
            missing -= len(parts[-1])
        data = b"".join(parts)
    return tag, data[HEADER.size : BODY], data[BODY:]


def _more(fd: int, count: int) -> bytes:
    data = os.read(fd, min(count, 1 << 20))
    if not data:
        os._exit(0)
    return data


def _failure(error: BaseException) -> bytes:
    try:
        message = str(error)[:MAX_MESSAGE]
    except Exception:
        message = ""
    return json.dumps({"type": type(error).__name__, "message": message}).encode("ascii")


def _is_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)


REHEARSAL = b"""
from __future__ import annotations
import math
class Box:
    size: int = 1
    def fill(self, first, *rest, more=2, **names): return f"{first}{more:>3}"
def run(n: int) -> list:
    try:
        while n: n -= 1
        with Box() as box: pass
    except Exception as error: pass
    return [x for x in (1, 2) if x] + [*{1: 2}] and (lambda x: x)(1) if n else sorted({3})
run(0)
"""


def rehearse() -> None:
    """In the zygote: do once what each box would pay for itself. The first `compile` creates all types of `ast`.

    It saves 30 % of the CPU time of a box where the byte code of this package is cached. Where it is not, the import of
    this package is the first compilation, and nothing is left to save.
    """
    module = types.ModuleType("candidate")
    for _ in range(3):  # the interpreter specialises code that it has seen before
        exec(compile(REHEARSAL, "candidate.py", "exec", dont_inherit=True), module.__dict__)
        encode(decode(encode([1, 2.5, "x", None, True, {"a": (1,)}])))
        try:
            raise ValueError("x")
        except ValueError as error:
            _failure(error)


def serve() -> None:
    """Answer questions until the parent closes the channel; never returns."""
    _tag, nonce, body = _receive(QUESTIONS)
    name_length = body[0]
    entry, source = body[1 : 1 + name_length].decode(), body[1 + name_length :]
    module = types.ModuleType("candidate")
    module.__file__ = "candidate.py"  # honest modules read it; the name of the real file would identify the case
    sys.modules["candidate"] = module
    try:
        exec(compile(source, "candidate.py", "exec", dont_inherit=True), module.__dict__)
        function = module.__dict__.get(entry)
        if not callable(function):
            message = {"type": "NameError", "message": f"the source defines no function {entry!r}"}
            send(ANSWERS, b"E", nonce, json.dumps(message).encode())
            os._exit(0)
    except Exception as error:
        send(ANSWERS, b"M" if _is_memory(error) else b"E", nonce, _failure(error))
        os._exit(0)
    del body, source
    send(ANSWERS, b"L", nonce, b"")
    while True:
        _answer(function)


def _answer(function: Any) -> None:
    _tag, nonce, body = _receive(QUESTIONS)
    try:
        arguments = decode(body)
        del body
        result = function(**arguments)
        send(ANSWERS, b"R", nonce, encode(result))
    except CodecError:
        send(ANSWERS, b"U", nonce, json.dumps({"type": type(result).__name__}).encode("ascii"))
    except Exception as error:
        send(ANSWERS, b"M" if _is_memory(error) else b"E", nonce, _failure(error))
