"""Guard: an audit hook that ends a box at the first event that its tool forbids. Standard library only.

The static check reads a candidate's text; the guard sees what the candidate does, however it is spelled. It is armed in
the box after the modules that the text imports are loaded and before the source is executed. From then on no module is
loaded from a file, so nothing of the import system needs an exception.

The hook keeps no state that could be changed. All values it uses are constants of its code, it has no closure, no
defaults and empty globals, and only the interpreter's own list of hooks refers to it. Asking for frames, for objects of
the garbage collector or for code objects is itself an event, hooks are not traced, and nothing is collected meanwhile.

A library causes some events for honest programs. Its code is known by the file name and by the globals of the calling
frame: both, since a subject can name a file. Since a library also calls what a subject gives it (a thread pool calls
anything), its code must name what causes the event: `getattr(x, name)` with a name from elsewhere does not.
"""

from __future__ import annotations

import functools
import gc
import opcode
import os
import re
import struct
import sys
import types
from _thread import get_ident
from typing import Any

from harness.sandbox import guarded_modules
from harness.sandbox.filled_code import BOX_CODE, with_constants
from harness.sandbox.importable import present
from harness.sandbox.outward_attributes import READ
from harness.sandbox.wire import ANSWERS, NONCE

_STDLIB = os.path.dirname(os.__file__) + "/"

GROUPS: dict[str, frozenset[str]] = {
    "guarded": frozenset(),
    "no-files": frozenset(
        """open os.chdir os.chflags os.chmod os.chown os.fwalk os.getxattr os.link os.listdir os.listdrives os.listxattr
        os.lockf os.mkdir os.remove os.removexattr os.rename os.rmdir os.scandir os.setxattr os.symlink os.truncate
        os.utime os.walk os.access os.chroot os.fstat os.fstatvfs os.lstat os.mkfifo os.mknod
        os.pathconf os.readlink os.stat os.statvfs glob. locale. mmap. pathlib. shutil. sqlite3. tempfile.
        fcntl.""".split()
    ),
    "no-network": frozenset("socket. ssl. urllib. http. ftplib. imaplib. nntplib. poplib. smtplib. telnetlib.".split()),
    "no-system": frozenset(
        """subprocess. pty. os.system os.exec os.fork os.forkpty os.kill os.killpg os.posix_spawn os.spawn os.startfile
        os.putenv os.unsetenv os.remove os.rename os.rmdir os.chmod os.chown os.chflags signal. resource. syslog.
        builtins.breakpoint builtins.input webbrowser.""".split()
    ),
    "no-text": frozenset("exec compile pickle. cpython. code.__new__".split()),
}
"""Events by the rule that forbids them; a name that ends in a point stands for all events that begin so."""

REACH = frozenset(
    """import ctypes. marshal. gc.get_objects gc.get_referrers gc.get_referents sys._getframe sys._current_frames
    sys._current_exceptions sys.settrace sys.setprofile sys.addaudithook sys.monitoring.register_callback
    sys.remote_exec sys.activate_stack_trampoline code.__new__ function.__new__ imp. thread. object.__getattr__
    object.__setattr__""".split()
)
"""Events that would give access to the hook, or to objects outside of the candidate: forbidden with any rule."""

_ATTRIBUTES = frozenset(
    {"__code__", "f_code", "tb_frame", "gi_frame", "gi_code", "cr_frame", "cr_code", "ag_frame", "ag_code",
     "f_back", "f_builtins", "f_globals", "f_locals", "__builtins__", "__globals__"}
)  # fmt: skip
_LIBRARIES = frozenset(
    (event, file, name)
    for event, names, files in (
        ("sys._getframe", "_getframe", """collections/__init__.py enum.py logging/__init__.py traceback.py typing.py
            warnings.py asyncio/format_helpers.py asyncio/events.py"""),
        ("compile", "compile eval exec", "ast.py collections/__init__.py dataclasses.py typing.py"),
        ("exec", "exec eval", "collections/__init__.py dataclasses.py typing.py"),
        ("os.remove", "remove unlink", "shutil.py tempfile.py"),
        ("os.rename", "rename", "shutil.py"),
        ("os.rmdir", "rmdir", "shutil.py tempfile.py"),
        ("os.chmod", "chmod", "shutil.py tempfile.py"),
        ("os.chown", "chown", "shutil.py"),
        ("code.__new__", "replace", "types.py"),
        ("function.__new__", "FunctionType", "annotationlib.py"),
        ("sys.settrace", "settrace", BOX_CODE),
        ("exec", "exec", BOX_CODE),
    )
    for file in files.split()
    for name in names.split()
)  # fmt: skip
"""Event, file of the standard library that may cause it, and what the code in it that does so names: for example named
tuples and data classes execute text that they make from the names of fields."""
_NAMES_REFUSED = frozenset(
    """__subclasses__ __globals__ __builtins__ __loader__ __code__ __import__ __closure__ f_back f_globals f_builtins
    f_locals tb_frame gi_frame eval exec compile open input breakpoint globals locals vars getattr modules system popen
    environ""".split()
)
"""Names that no text which the standard library makes and executes contains."""
_NOT_OF_FIELDS = re.compile(
    r"""(?!lambda\ _cls,\ [\w, ]*:\ _tuple_new\(_cls,\ \([\w, ]*\)\)\Z)(?:(?s:.*?))(?:
        \b(?:lambda|for|while|import|yield|with|try|class|global|nonlocal|del)\b | := | [#\\;]
        | @(?!__dataclasses_recursive_repr\(\)) | [)\]]\s*\(
        | (?<!\bdef\ )\b(?!(?:hash|type|super|in|return|FrozenInstanceError|__dataclasses_recursive_repr|__setattr__
          |__delattr__|__post_init__|_dflt_\w+|__dataclass_dflt_\w+)\s*\()[^\W\d]\w*\s*\(
    )""",
    re.VERBOSE,
)
"""Matches text that no named tuple or data class makes: with another call, a function, a loop, another statement."""
_PLAIN_OPERATIONS = frozenset(
    """RESUME NOP CACHE PRECALL LOAD_NAME LOAD_GLOBAL LOAD_CONST LOAD_ATTR RETURN_VALUE RETURN_CONST BINARY_SUBSCR
    BINARY_OP BUILD_TUPLE BUILD_LIST PUSH_NULL EXTENDED_ARG""".split()
)
"""Operations of an annotation: names, attributes, subscripts and operators, but no call."""


def has_usual_rules(entry: str) -> bool:
    """Whether the rules of an entry (see `wire`) are those for which a zygote can prepare its boxes."""
    return GROUPS.keys() <= set(entry.partition(":")[2].split(","))


_ahead: list[tuple[types.FunctionType, dict[int, dict[str, Any]], int]] = []
"""In a zygote of boxes with the usual rules: the hook, and what else `hook_code` returns."""


def arm_ahead(names: dict[str, Any]) -> None:
    """In a zygote: do all of `arm` for its boxes that does not depend on the source, for the usual rules.

    Args:
        names: The globals of what calls `arm`.
    """
    rules = frozenset(GROUPS)
    code, owned, count = hook_code(rules)
    hook_code.cache_clear()
    owned[id(names)] = names
    _ahead.append((types.FunctionType(code, {"__builtins__": {}}), owned, count))
    guarded_modules.prepare_ahead(rules)


def arm(rules: frozenset[str], imports: list[str], more: tuple[str, ...]) -> None:
    """Load the modules that the source imports, then watch everything that happens in this process.

    Args:
        rules: Keys of `GROUPS`.
        imports: Names of modules that the text of the source imports; one that is not importable is not loaded.
        more: Names that the tool adds to the modules that may be imported.
    """
    if _ahead:
        hook, owned, count = _ahead.pop()
    else:
        code, owned, count = hook_code(rules)
        hook_code.cache_clear()
        hook = types.FunctionType(code, {"__builtins__": {}})
    if guarded_modules.is_prepared(imports, more):
        guarded_modules.forget()
    else:
        guarded_modules.restore()
        added = guarded_modules.prepare(imports, rules, more, count)
        owned.update((id(one), one) for one in (*added, sys._getframe(1).f_globals))
    sys.addaudithook(hook)


@functools.cache
def hook_code(rules: frozenset[str]) -> tuple[types.CodeType, dict[int, dict[str, Any]], int]:
    """The code of the hook for a set of rules; the root zygote makes the usual one once for all boxes.

    Returns:
        The code; the globals of the loaded modules by their id, which it reads; and the number of these modules. A box
        that looked at each of them would write to 200 pages that it shares with the zygote.
    """
    known = [globals(), *(vars(sys.modules[name]) for name in guarded_modules.loaded_since(0))]
    owned = {id(one): one for one in known}  # holds them, so that no other gets such an id
    watched = REACH.union({"compile"}, *(GROUPS[rule] for rule in rules))
    values: dict[str, Any] = {
        "@exact": frozenset(name for name in watched if not name.endswith(".")),
        "@heads": frozenset(name[:-1] for name in watched if name.endswith(".")),
        "@attributes": _ATTRIBUTES,
        "@libraries": _LIBRARIES,
        "@holds_text": "no-text" in rules,
        "@refused": _NAMES_REFUSED,
        "@not_of_fields": _NOT_OF_FIELDS.match,
        "@plain": frozenset(number for name, number in opcode.opmap.items() if name in _PLAIN_OPERATIONS),
        "@standard": present(),
        "@stdlib": _STDLIB,
        "@answers": ANSWERS,
        "@nonce": bytes(NONCE),
        "@header": struct.Struct("<cI").pack,
        "@write": os.write,
        "@exit": os._exit,
        "@getframe": sys._getframe,
        "@back": READ["f_back"],
        "@globals": READ["f_globals"],
        "@ident": get_ident,
        "@busy": set(),
        "@id": id,
        "@owned": types.MappingProxyType(owned),
        "@collect": gc.enable,
        "@keep": gc.disable,
        "@str": str,
        "@len": len,
        "@type": type,
        "@code": types.CodeType,
        "@error": BaseException,
        "@not_found": ModuleNotFoundError,
    }
    code = with_constants(_hook.__code__, values).replace(co_filename=BOX_CODE)
    return code, owned, len(sys.modules)


def _hook(event: Any, args: Any) -> None:  # noqa: PLR0915 - it cannot call another function of this module
    # Each constant that begins with @ is replaced by a value in `hook_code`: the code refers to no other variable.
    exact, heads, attributes, code_type = "@exact", "@heads", "@attributes", "@code"
    if event not in exact and event.partition(".")[0] not in heads:
        return
    if event == "object.__getattr__" and args[1] not in attributes:
        return
    if event == "object.__setattr__" and args[1] != "__code__":
        return
    ident: Any = "@ident"
    getframe: Any = "@getframe"
    back: Any = "@back"
    globals_of: Any = "@globals"
    busy: Any = "@busy"
    kind: Any = "@type"
    length: Any = "@len"
    error: Any = "@error"
    not_found: Any = "@not_found"
    write: Any = "@write"
    header: Any = "@header"
    end: Any = "@exit"
    libraries: Any = "@libraries"
    answers: Any = "@answers"
    nonce: Any = "@nonce"
    plain: Any = "@plain"
    not_of_fields: Any = "@not_of_fields"
    text: Any = "@str"
    owned: Any = "@owned"
    identity: Any = "@id"
    collect: Any = "@collect"
    keep: Any = "@keep"
    refused, stdlib, standard, holds_text = "@refused", "@stdlib", "@standard", "@holds_text"
    me = ident()
    if me in busy and event in ("sys._getframe", "object.__getattr__"):
        return  # what is done below
    line, detail, missing, allowed = 0, "", None, False
    try:
        busy.add(me)
        keep()  # a finaliser that runs now would see this frame
        frame = getframe(1)
        code, library = frame.f_code, ""
        if code.co_name == "_read_attribute" and code.co_filename == "<box>":
            frame = back(frame)
            code = frame.f_code
        file = code.co_filename
        if identity(globals_of(frame)) in owned:
            if file.startswith(stdlib):
                library = file[length(stdlib) :]
            elif file == "<box>" or file.startswith("<frozen "):
                library = file
        if event == "open":
            allowed = kind(args[0]) is text and args[0] in (
                "<string>",
                "<unknown>",
            )  # the interpreter looks for the text of a syntax error
        elif event == "import":
            # A library does without what it would import later, such as `tracemalloc` for a warning.
            if kind(args[0]) is text and (library or args[0].partition(".")[0] not in standard):
                missing = args[0]
        elif event in ("object.__getattr__", "object.__setattr__"):
            allowed = library != "" and (args[1] in code.co_names or args[1] in code.co_consts)
            if library == "inspect.py" and args[1] in ("f_back", "f_globals", "f_locals"):  # which it returns
                allowed = False
        else:
            for name in code.co_names + code.co_varnames:
                if (event, library, name) in libraries:
                    allowed = True
            if event in ("compile", "code.__new__"):  # no file name that would make the code a library's
                named = args[1]
                allowed = (allowed or (event == "compile" and not holds_text)) and kind(named) is text
                allowed = allowed and not named.startswith(("/", "<frozen", "<box"))
                if holds_text and library in ("dataclasses.py", "collections/__init__.py"):
                    allowed = allowed and kind(args[0]) is kind(nonce) and not not_of_fields(text(args[0], "utf-8"))
            elif event == "exec" and allowed and library != "<box>":
                code = args[0]
                allowed = code.co_filename == "<string>" and (
                    library != "typing.py" or plain.issuperset(code.co_code[::2])
                )
                waiting = [code]
                while waiting and allowed:
                    code = waiting.pop()
                    for name in code.co_names:
                        if name in refused:
                            allowed = False
                    waiting += [value for value in code.co_consts if kind(value) is code_type]
        while frame is not None and not line and not allowed:
            if frame.f_code.co_filename == "candidate.py":
                line = frame.f_lineno or 0
            frame = back(frame)
        for value in args:
            if kind(value) is text and not detail:
                detail = value[:200]
    except error:
        allowed, missing = False, None
    if allowed or missing is not None:
        busy.discard(me)
        if not busy:
            collect()
        if allowed:
            return
        busy = owned = code = frame = None  # its traceback holds this frame
        raise not_found(f"No module named {missing!r}", name=missing)
    try:
        body = f"{line}\n{event}\n{detail}".encode("utf-8", "backslashreplace")
        write(answers, header(b"F", length(body) + length(nonce)) + nonce + body)
    finally:
        end(82)  # GUARD_ENDED
