"""The main loop inside a box: load the source, then answer one question after another.

The loop shares its address space with hostile code, so its output is untrusted: the parent treats its frames as answers
and nothing else (see `wire`). Standard library only.
"""

from __future__ import annotations

import builtins
import errno
import functools
import json
import os
import sys
import types
from collections.abc import Callable
from typing import Any

from harness.sandbox import guard, guarded_modules
from harness.sandbox.codec import FORMS, MAX_ITEMS, CodecError, decode, encode, encode_plainly
from harness.sandbox.wire import (
    ANSWERS,
    BODY,
    COMPILED,
    COUNT_LINES,
    HEADER,
    KEEP_ARGUMENTS,
    MOVE_CLOCK,
    NONCE,
    QUESTIONS,
    SOURCE,
)

MAX_MESSAGE = 2000
move_clock: Callable[[], None] | None = None  # what moves the clocks of a zygote's boxes
_BUILTIN = dict(vars(builtins))
_WRAPPERS = (types.FunctionType, type(functools.lru_cache(len)))
_DISPATCHER = functools.singledispatch(len).__code__  # type: ignore[attr-defined]


def send(fd: int, tag: bytes, nonce: bytes, body: bytes) -> None:
    """Write a frame: a header with tag and length, the nonce, the body."""
    data = memoryview(HEADER.pack(tag, len(nonce) + len(body)) + nonce + body)
    while data:
        data = data[os.write(fd, data) :]


def _receive(fd: int) -> tuple[bytes, bytes, bytes]:
    # Later questions stay in the pipe: not a byte of them is read before this one is answered.
    head = _read(fd, BODY)
    tag, length = HEADER.unpack_from(head)
    return tag, head[HEADER.size :], _read(fd, length - NONCE)


def _read(fd: int, count: int) -> bytes:
    data = os.read(fd, min(count, 1 << 20))
    if len(data) == count:
        return data
    parts, missing = [data], count - len(data)
    while missing:
        if not parts[-1]:
            os._exit(0)  # the parent closed the channel
        parts.append(os.read(fd, min(missing, 1 << 20)))
        missing -= len(parts[-1])
    return b"".join(parts)


def _failure(error: BaseException) -> bytes:
    try:
        message = str(error)[:MAX_MESSAGE]
    except Exception:
        message = ""
    kind = type(error)
    name = kind.__name__
    if _BUILTIN.get(name, kind) is not kind:  # a class of the subject that is named like one of the interpreter
        name = f"{kind.__module__}.{name}"
    return _describe(name, message)


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


ROUNDS = 20
"""Calls after which the interpreter has specialised a function; a specialisation writes to pages that boxes share."""


def rehearse() -> None:
    """In the zygote: do once what each box would pay for itself. The first `compile` creates all types of `ast`.

    It saves 30 % of the CPU time of a box where the byte code of this package is cached. Where it is not, the import of
    this package is the first compilation, and nothing is left to save.
    """
    import marshal

    module = types.ModuleType("candidate")
    (questions, asked), (answered, answers) = os.pipe(), os.pipe()
    usual = ",".join(sorted((COMPILED, MOVE_CLOCK, *guard.GROUPS))).encode()
    for _ in range(ROUNDS):
        code = _code(REHEARSAL, is_compiled=False)
        _entry, rules, source = _opened(SOURCE.pack(len(usual) + 4) + b"run:" + usual + marshal.dumps(code))
        _guard_rules(rules)
        exec(_code(source, is_compiled=True), module.__dict__)
        _first_line(_by_keyword(module.__dict__["run"]), "run")
        send(asked, b"Q", bytes(NONCE), encode({"value": [1, 2.5, "x", None, True, {"a": (1,)}]}))
        _answer(lambda value: value, questions, answers, frozenset(), keep=False)
        _receive(answered)
        try:
            raise ValueError("x")
        except ValueError as error:
            _failure(error)
    for fd in (questions, asked, answered, answers):
        os.close(fd)
    usual_rules = frozenset(guard.GROUPS)
    hook = types.FunctionType(guard.hook_code(usual_rules)[0], {"__builtins__": {}})
    guarded_modules.replacements(holds_files=True)
    guarded_modules.unlisted(usual_rules)
    for _ in range(ROUNDS):
        hook("builtins.id", (1,))
        hook("open", ("<string>",))  # one that is allowed


def serve() -> None:
    """Answer questions until the parent closes the channel; never returns."""
    _tag, nonce, body = _receive(QUESTIONS)
    entry, rules, source = _opened(body)
    module = types.ModuleType("candidate")
    module.__file__ = "candidate.py"  # honest modules read it; the name of the real file would identify the case
    sys.modules["candidate"] = module
    forms = rules & FORMS
    move = move_clock if MOVE_CLOCK in rules else None
    try:
        code = _code(source, is_compiled=COMPILED in rules)
        if move is not None:
            move()  # before a module notes when it was loaded
        if COUNT_LINES in rules:
            sys.gettrace = [].clear  # None, as in every other box
        _guard(rules)
        exec(code, module.__dict__)
        function = module.__dict__.get(entry)
        if not callable(function):
            send(ANSWERS, b"E", nonce, _describe("NameError", f"the source defines no function {entry!r}"))
            os._exit(0)
    except Exception as error:
        tag, answer = _raised(error)
        send(ANSWERS, tag, nonce, answer)
        os._exit(0)
    del body, source, code
    send(ANSWERS, b"L", nonce, _first_line(function, entry))
    function = _by_keyword(function)
    if COUNT_LINES in rules:
        function = _counted(function)
    while True:
        _answer(function, QUESTIONS, ANSWERS, forms, keep=KEEP_ARGUMENTS in rules, move=move)


def _opened(body: bytes) -> tuple[str, frozenset[str], bytes]:
    """The entry, the rules and the source of a source frame."""
    end = SOURCE.size + SOURCE.unpack_from(body)[0]
    entry, _, listed = body[SOURCE.size : end].decode().partition(":")
    return entry, frozenset(filter(None, listed.split(","))), body[end:]


def _code(source: bytes, *, is_compiled: bool) -> types.CodeType:
    if is_compiled:  # `marshal` is not a name of this module: a subject that finds its globals must not find it
        code: types.CodeType = guarded_modules.module("marshal").loads(source)  # its parent made it
        return code
    # As text, so that a declared encoding cannot make it other code than the judge reads.
    return compile(source.decode("utf-8-sig"), "candidate.py", "exec", dont_inherit=True)


def guard_ahead() -> None:
    """In a zygote: do once what each box would do to arm its guard."""
    guard.arm_ahead(globals())


def _guard(rules: frozenset[str]) -> None:
    held, imports, more = _guard_rules(rules)
    if held:
        guard.arm(held, imports, tuple(more))


def _guard_rules(rules: frozenset[str]) -> tuple[frozenset[str], list[str], list[str]]:
    """The rules of the guard, the modules that the source imports, and those that the tool adds."""
    named = [rule.partition("=") for rule in sorted(rules) if "=" in rule]
    imports, more = ([name for key, _, name in named if key == kind] for kind in ("import", "listed"))
    return rules.intersection(guard.GROUPS), imports, more


def _first_line(function: Any, entry: str) -> bytes:
    """The line of the function that the entry is bound to, inside of a cache or of what `functools.wraps` made.

    It is negative inside of these, which may never call the function, and for another name, such as that of a lambda in
    the same line. What `functools.singledispatch` makes is documented by its first function.
    """
    is_wrapped = False
    for _ in range(5):
        inner = getattr(function, "__wrapped__", None) if type(function) in _WRAPPERS else None
        if inner is None:
            break
        is_wrapped |= getattr(function, "__code__", None) is not _DISPATCHER
        function = inner
    code = function.__code__ if type(function) is types.FunctionType else None
    if code is None or code.co_filename != "candidate.py":
        return b""
    return b"%d" % (-code.co_firstlineno if is_wrapped or code.co_name != entry else code.co_firstlineno)


def _by_keyword(function: Any) -> Any:
    """The function, or one that calls it with its first argument by position: `functools.singledispatch` needs that."""
    inner = getattr(function, "__wrapped__", None) if type(function) is types.FunctionType else None
    if type(inner) is not types.FunctionType or function.__code__ is not _DISPATCHER or not inner.__code__.co_argcount:
        return function
    first = inner.__code__.co_varnames[0]

    def call(**arguments: Any) -> Any:
        by_position = [arguments.pop(first)] if first in arguments else []
        return function(*by_position, **arguments)

    return call


def _counted(function: Any) -> Any:
    """A function that is called as `function` and returns how often each line of the subject was executed.

    The negative of a line stands for the calls of the function that begins there; lambdas and the like do not count.
    """

    def call(**arguments: Any) -> list[list[int]]:
        counts: dict[int, int] = {}
        known = counts.get

        def line(frame: types.FrameType, event: str, _value: object) -> Any:  # called for each: nothing is asked twice
            if event != "return":
                number = frame.f_lineno
                counts[number] = known(number, 0) + 1
            return line

        def enter(frame: types.FrameType, event: str, value: object) -> Any:
            if frame.f_code.co_filename != "candidate.py":
                return None
            if frame.f_code.co_name[0] != "<":
                counts[-frame.f_lineno] = known(-frame.f_lineno, 0) + 1
            return line(frame, event, value)

        sys.settrace(enter)
        try:
            result = function(**arguments)
            if hasattr(result, "__next__"):
                for _ in zip(range(MAX_ITEMS), result, strict=False):
                    pass
        finally:
            sys.settrace(None)
        return [[line, count] for line, count in counts.items()]

    return call


def _answer(
    function: Any,
    questions: int,
    answers: int,
    forms: frozenset[str],
    *,
    keep: bool,
    move: Callable[[], None] | None = None,
) -> None:
    _tag, nonce, body = _receive(questions)
    if move is not None:
        move()
    asked = body if keep else b""
    try:
        arguments = decode(body)
        del body
        tag, answer = _call(function, arguments, forms)
        if keep and tag != b"M":
            name = _find_changed(arguments, asked)
            if name is not None:
                tag, answer = b"A", _describe(name, _shown(arguments[name]))
    except Exception as error:  # encoding the arguments again may need more memory than there is
        tag, answer = _raised(error)
    send(answers, tag, nonce, answer)


def _call(function: Any, arguments: dict[str, Any], forms: frozenset[str]) -> tuple[bytes, bytes]:
    try:
        result = function(**arguments)
        try:
            return b"R", encode_plainly(result, forms)
        except CodecError as error:
            return b"U", _describe(type(result).__name__, str(error))
    except Exception as error:
        return _raised(error)


def _raised(error: Exception) -> tuple[bytes, bytes]:
    return b"M" if _is_memory(error) else b"E", _failure(error)


def _find_changed(arguments: dict[str, Any], asked: bytes) -> str | None:
    """The first argument that is not as it was asked; None if all are."""
    if _encoded(arguments) == asked:
        return None
    return next((name for name, value in decode(asked).items() if _encoded(arguments[name]) != encode(value)), None)


def _encoded(value: Any) -> bytes:
    try:
        return encode(value)
    except CodecError:
        return b""


def _shown(value: Any) -> str:
    return _encoded(value)[:MAX_MESSAGE].decode("ascii") or f"a value of type {type(value).__name__}"


def _describe(kind: str, message: str) -> bytes:
    return json.dumps({"type": kind, "message": message[:MAX_MESSAGE]}).encode("ascii")
